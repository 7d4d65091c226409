"""Every kind that is read, with every optional field set: nothing that the API knows is called unknown."""

import json

import pytest

from simsticky.manifests.field_table import REST, SCALARS, shipped
from simsticky.manifests.reading import read_manifests
from simsticky.manifests.strict import check
from simsticky.scenario.location import read_documents

VALUES = {
    "string": "text",
    "integer": 1,
    "number": 0.5,
    "boolean": False,
    "quantity": "100m",
    "int-or-string": "25%",
    "any": {"anything": ["at", "all"]},
}
EXAMPLES = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx-deployment, labels: {app: nginx}}
spec:
  replicas: 3
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec: {containers: [{name: nginx, image: "nginx:1.14.2", ports: [{containerPort: 80}]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: nginx}}
  serviceName: nginx
  replicas: 3
  minReadySeconds: 10
  template:
    metadata: {labels: {app: nginx}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
        - name: nginx
          image: registry.k8s.io/nginx-slim:0.24
          ports: [{containerPort: 80, name: web}]
          volumeMounts: [{name: www, mountPath: /usr/share/nginx/html}]
  volumeClaimTemplates:
    - metadata: {name: www}
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: my-storage-class
        resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Service
metadata: {name: nginx}
spec:
  selector: {app: nginx}
  ports: [{name: http, protocol: TCP, port: 80, targetPort: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: minimal-ingress, annotations: {konghq.com/strip-path: "true"}}
spec:
  ingressClassName: kong
  rules:
    - http:
        paths: [{path: /testpath, pathType: Prefix, backend: {service: {name: nginx, port: {number: 80}}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: zk-pdb}
spec: {minAvailable: 2, selector: {matchLabels: {app: nginx}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: php-apache}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: nginx-deployment}
  minReplicas: 1
  maxReplicas: 10
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: http-app}
spec:
  parentRefs: [{name: kong}]
  hostnames: [foo.com]
  rules:
    - matches: [{path: {type: PathPrefix, value: /bar}}]
      backendRefs: [{name: nginx, port: 80, weight: 1}]
---
apiVersion: configuration.konghq.com/v1beta1
kind: KongUpstreamPolicy
metadata: {name: sticky}
spec: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: sid, cookiePath: /}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: rollouts-demo}
spec:
  replicas: 5
  strategy:
    canary:
      steps: [{setWeight: 20}, {pause: {}}, {setWeight: 40}, {pause: {duration: 10}}]
  revisionHistoryLimit: 2
  selector: {matchLabels: {app: rollouts-demo}}
  template:
    metadata: {labels: {app: rollouts-demo}}
    spec: {containers: [{name: demo, image: "argoproj/rollouts-demo:blue", ports: [{containerPort: 8080}]}]}
"""
UPSTREAM = {(d.data["apiVersion"], d.data["kind"]): d.data for d in read_documents(EXAMPLES, "examples")}


def filled(type_name, given, above=()):
    """Return a value of a type with every field set; what an example gives stays."""
    if type_name in SCALARS:
        return given if given is not None else VALUES[type_name]
    table, value = shipped(), dict(given or {})
    for key, field in table.fields(type_name).items():
        if key == REST or field.type in above:
            continue
        old = value.get(key)
        below = (*above, type_name)
        if field.shape == "list":
            value[key] = [filled(field.type, item, below) for item in (old or [None])]
        elif field.shape == "map":
            names = old or {"key": None}
            value[key] = {name: filled(field.type, item, below) for name, item in names.items()}
        else:
            value[key] = filled(field.type, old, below)
    return value


@pytest.mark.quick_cases(18)
@pytest.mark.parametrize(("version", "kind"), list(shipped().kinds()), ids="-".join)
def test_every_field_of_a_kind_is_known(version, kind, tmp_path):
    """The upstream example, or one of no fields, filled up from the table, is read without a false fault."""
    table = shipped()
    example = UPSTREAM.get((version, kind), {"apiVersion": version, "kind": kind, "metadata": {"name": "full"}})
    obj = filled(table.kind(version, kind).type, example)
    assert check(table, table.kind(version, kind), obj)[0] == []
    file = tmp_path / "full.json"
    file.write_text(json.dumps(obj))
    found = read_manifests([file], stated={"deployment": {"preStop": "0s"}})
    told = [str(problem) for problem in found.problems]
    assert not [text for text in told if "unknown" in text or "must be" in text], told


@pytest.mark.parametrize("name", sorted(UPSTREAM), ids="-".join)
def test_the_upstream_examples_as_they_stand_have_no_fault(name):
    """What the projects' own documentation shows."""
    table = shipped()
    assert check(table, table.kind(*name), UPSTREAM[name])[0] == []
