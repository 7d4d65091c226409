"""The example's manifests as objects that a test may change, and the ways to read them."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from simsticky.errors import InputError
from simsticky.manifests.reading import load_manifests
from simsticky.scenario.location import read_documents

EXAMPLE = Path(__file__).parents[2] / "scenarios" / "manifests" / "example-app.yaml"
CONTAINER = ("spec", "template", "spec", "containers", 0)


def example():
    """Return the example's four objects: deployment, service, policy, ingress."""
    objects = [document.data for document in read_documents(EXAMPLE.read_text(), "example")]
    return SimpleNamespace(**dict(zip(("deployment", "service", "policy", "ingress"), objects, strict=True)))


def put(obj, *path_and_value):
    """Set a field; missing mappings come into being."""
    *path, last, value = path_and_value
    for key in path:
        obj = obj[key] if isinstance(key, int) else obj.setdefault(key, {})
    obj[last] = value


def objects_of(app):
    return copy.deepcopy([app.deployment, app.service, app.policy, app.ingress])


def read(tmp_path, objects, **stated):
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=1))
    return load_manifests([file], stated=stated)


def refused(tmp_path, objects, **stated):
    with pytest.raises(InputError) as caught:
        read(tmp_path, objects, **stated)
    return str(caught.value)


def notes(listed):
    return {note.path: note.note for note in listed}


def workload(name, container, kind="Deployment"):
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def autoscaler(target):
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}, "spec": spec}


def route(target):
    spec = {"rules": [{"backendRefs": [{"name": target, "port": 80}]}]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"}, "spec": spec}
