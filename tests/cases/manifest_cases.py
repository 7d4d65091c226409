"""The application that most cases are about, as objects that a test may change, and the ways to read them."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import load, loads

HERE = Path(__file__).parent
CONTAINER = ("spec", "template", "spec", "containers", 0)
TEMPLATE = ("spec", "template")

_APP: list[dict[str, Any]] = [
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 60,
                    "containers": [
                        {
                            "name": "web",
                            "image": "registry.example.com/web:1",
                            "ports": [{"name": "http", "containerPort": 8080}],
                            "lifecycle": {"preStop": {"sleep": {"seconds": 30}}},
                        }
                    ],
                },
            },
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "annotations": {"konghq.com/upstream-policy": "st"}},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    },
    {
        "apiVersion": "configuration.konghq.com/v1beta1",
        "kind": "KongUpstreamPolicy",
        "metadata": {"name": "st"},
        "spec": {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "sid"}},
    },
]


def app() -> list[dict[str, Any]]:
    """Return Deployment, Service and policy of the application ``web``."""
    return copy.deepcopy(_APP)


def put(obj: Any, *path_and_value: Any) -> Any:
    """Set a field; missing mappings come into being."""
    *path, last, value = path_and_value
    node = obj
    for key in path:
        node = node[key] if isinstance(key, int) else node.setdefault(key, {})
    node[last] = value
    return obj


def obj(kind: str, version: str, spec: Mapping[str, Any], name: str = "web", **metadata: Any) -> dict[str, Any]:
    """Return an object."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}, "spec": dict(spec)}


def ingress(backend: Mapping[str, Any], name: str = "web", **spec: Any) -> dict[str, Any]:
    """Return an Ingress of networking.k8s.io/v1 with one path."""
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": dict(backend)}}
    return obj("Ingress", "networking.k8s.io/v1", {"rules": [{"http": {"paths": [path]}}], **spec}, name)


def route(*references: Mapping[str, Any], name: str = "web", **rule: Any) -> dict[str, Any]:
    """Return an HTTPRoute with one rule."""
    rules = [{"backendRefs": [dict(one) for one in references], **rule}]
    return obj("HTTPRoute", "gateway.networking.k8s.io/v1", {"rules": rules}, name)


def read(folder: Path, objects: list[dict[str, Any]], *stated: str, **options: Any) -> Scenario:
    """Return the scenario of objects, one a document, under lines of its own."""
    folder.joinpath("app.yaml").write_text("\n---\n".join(json.dumps(one, indent=1) for one in objects))
    text = "\n".join(("schema: simsticky/1", "manifests: [app.yaml]", *stated, ""))
    return loads(text, "s.yaml", folder, **options)


def refused(folder: Path, objects: list[dict[str, Any]], *stated: str) -> str:
    """Return what is wrong with objects."""
    with pytest.raises(InputError) as caught:
        read(folder, objects, *stated)
    return str(caught.value)


def scaler(version: str, *, target: tuple[str, str] = ("Deployment", "web"), **spec: Any) -> dict[str, Any]:
    """Return an autoscaler of a version of its API, up to nine pods, of the application unless told."""
    reference = {"apiVersion": "apps/v1", "kind": target[0], "name": target[1]}
    return obj(
        "HorizontalPodAutoscaler", f"autoscaling/{version}", {"scaleTargetRef": reference, "maxReplicas": 9, **spec}
    )


def said(scenario: Scenario) -> str:
    """Return what is said aloud of the manifests."""
    return "\n".join(str(note) for note in scenario.manifest_report.said_aloud)


def assumed(scenario: Scenario) -> str:
    """Return what is assumed where the manifests say nothing."""
    return "\n".join(str(note) for note in scenario.manifest_report.assumed)


def case(name: str) -> Scenario:
    """Return the scenario of a given case."""
    return load(HERE / name / "s.yaml")
