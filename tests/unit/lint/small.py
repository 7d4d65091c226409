"""Small manifests for the tests of rules: one application behind Kong in which no rule finds anything, and edits."""

from __future__ import annotations

from pathlib import Path

from simsticky.annotations.record import Annotation
from simsticky.lint.engine import Lint, lint
from simsticky.lint.inputs import read_material

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: web
          image: registry.test/web:1
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}}
          lifecycle: {preStop: {exec: {command: [sh, -c, "sleep 30"]}}}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {konghq.com/upstream-policy: sticky}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: configuration.konghq.com/v1beta1
kind: KongUpstreamPolicy
metadata:
  name: sticky
spec:
  algorithm: sticky-sessions
  hashOn: {input: none}
  stickySessions: {cookie: session_id}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  ingressClassName: kong
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: web, port: {number: 80}}}
"""

CONTROLLER = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kong
spec:
  selector: {matchLabels: {app: kong}}
  template:
    metadata: {labels: {app: kong}}
    spec:
      containers:
        - name: proxy
          image: kong/kong-gateway:3.12
        - name: ingress-controller
          image: kong/kubernetes-ingress-controller:3.5.9
          args: [--enable-drain-support]
"""

CLEAN = APP + CONTROLLER

SCALER = """\
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 2
  maxReplicas: 8
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
"""


def edited(text: str, *edits: tuple[str, str]) -> str:
    """Return a text with parts replaced; each must be there."""
    for before, after in edits:
        assert before in text, before
        text = text.replace(before, after)
    return text


def found_in(folder: Path, text: str, name: str = "app.yaml") -> Lint:
    """Return what is found in a text."""
    (folder / name).write_text(text, encoding="utf-8")
    return lint(read_material([str(folder / name)]))


def numbers(found: Lint) -> set[str]:
    """Return the rules that found something."""
    return {one.rule.id for one in found.annotations}


def one_of(found: Lint, rule: str) -> Annotation:
    """Return the only finding of a rule."""
    (one,) = [each for each in found.annotations if each.rule.id == rule]
    return one


def line_of(text: str, part: str) -> int:
    """Return the line of the first mention of a part."""
    return text[: text.index(part)].count("\n") + 1
