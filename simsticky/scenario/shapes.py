"""The shape that the API server wants objects to have, as far as they are read.

A Deployment whose ``containers`` is a mapping, or a label that YAML reads as a number, never reaches a cluster;
here it must not pass for a field that is absent.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simsticky.scenario.findings import Findings
from simsticky.scenario.location import Keys
from simsticky.scenario.objects import KubernetesObject

_COMMON = {"metadata": "mapping", "metadata.labels": "texts", "metadata.annotations": "texts", "spec": "mapping"}
_POD = "spec.template.spec"
_WORKLOAD = {
    "spec.selector": "mapping",
    "spec.selector.matchLabels": "texts",
    "spec.template": "mapping",
    "spec.template.metadata": "mapping",
    "spec.template.metadata.labels": "texts",
    _POD: "mapping",
    f"{_POD}.containers": "list",
    f"{_POD}.containers.*": "mapping",
    f"{_POD}.containers.*.lifecycle": "mapping",
    f"{_POD}.containers.*.ports": "list",
    f"{_POD}.containers.*.ports.*": "mapping",
    f"{_POD}.containers.*.command": "list",
    f"{_POD}.containers.*.args": "list",
    f"{_POD}.containers.*.env": "list",
    f"{_POD}.containers.*.env.*": "mapping",
}
_SHAPES: Mapping[str, Mapping[str, str]] = {
    "Deployment": {"spec.strategy": "mapping", "spec.strategy.rollingUpdate": "mapping", **_WORKLOAD},
    "StatefulSet": {"spec.updateStrategy": "mapping", "spec.updateStrategy.rollingUpdate": "mapping", **_WORKLOAD},
    "PodDisruptionBudget": {"spec.selector": "mapping", "spec.selector.matchLabels": "texts"},
    "Service": {"spec.selector": "texts", "spec.ports": "list", "spec.ports.*": "mapping"},
    "Ingress": {
        "spec.defaultBackend": "mapping",
        "spec.rules": "list",
        "spec.rules.*": "mapping",
        "spec.rules.*.http": "mapping",
        "spec.rules.*.http.paths": "list",
        "spec.rules.*.http.paths.*": "mapping",
        "spec.rules.*.http.paths.*.backend": "mapping",
    },
    "HTTPRoute": {
        "spec.rules": "list",
        "spec.rules.*": "mapping",
        "spec.rules.*.backendRefs": "list",
        "spec.rules.*.backendRefs.*": "mapping",
        "spec.rules.*.matches": "list",
        "spec.rules.*.matches.*": "mapping",
    },
    "HorizontalPodAutoscaler": {
        "spec.scaleTargetRef": "mapping",
        "spec.metrics": "list",
        "spec.metrics.*": "mapping",
        "spec.behavior": "mapping",
        "spec.behavior.scaleUp": "mapping",
        "spec.behavior.scaleUp.policies": "list",
        "spec.behavior.scaleUp.policies.*": "mapping",
        "spec.behavior.scaleDown": "mapping",
        "spec.behavior.scaleDown.policies": "list",
        "spec.behavior.scaleDown.policies.*": "mapping",
    },
    "KongUpstreamPolicy": {},
    "IngressClassParameters": {},
}


def check_shape(found: Findings, obj: KubernetesObject) -> None:
    """Report where an object of a kind that is read is not shaped as its kind demands."""
    if obj.kind not in _SHAPES:
        return
    for pattern, shape in {**_COMMON, **_SHAPES[obj.kind]}.items():
        for keys in _matches(obj.data, tuple(pattern.split(".")), ()):
            value = obj.get(*keys)
            if value is None and not isinstance(keys[-1], int):
                continue
            if shape == "list" and not isinstance(value, list):
                _report(found, obj, keys, "a list", value)
            elif shape != "list" and not isinstance(value, Mapping):
                _report(found, obj, keys, "a mapping", value)
            elif shape == "texts":
                _check_texts(found, obj, keys)


def _matches(node: Any, pattern: tuple[str, ...], keys: Keys) -> Iterator[Keys]:
    if not pattern:
        yield keys
    elif pattern[0] == "*":
        for i, item in enumerate(node if isinstance(node, list) else ()):
            yield from _matches(item, pattern[1:], (*keys, i))
    elif isinstance(node, Mapping) and pattern[0] in node:
        yield from _matches(node[pattern[0]], pattern[1:], (*keys, pattern[0]))


def _check_texts(found: Findings, obj: KubernetesObject, keys: Keys) -> None:
    for key, value in obj.mapping(*keys).items():
        if isinstance(value, Mapping | list):
            _report(found, obj, (*keys, key), "text", value)
        elif value is not None and not isinstance(value, str):
            shown = str(value).lower() if isinstance(value, bool) else str(value)[:60]
            found.problem(obj, (*keys, key), f"must be text, got {shown}", f'put it in quotes: "{shown}"')


def _report(found: Findings, obj: KubernetesObject, keys: Keys, wanted: str, value: Any) -> None:
    given = "a mapping" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else repr(value)
    found.problem(obj, keys, f"must be {wanted}, got {'nothing' if value is None else given[:60]}")
