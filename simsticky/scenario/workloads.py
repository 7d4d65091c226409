"""The application's Deployment (or StatefulSet), read from its manifest.

Sources of the API server's rules and texts: Kubernetes, apps/validation.go and core/validation.go; of the
defaults: apps/v1/defaults.go and core/v1/defaults.go.
"""

from collections.abc import Mapping
from typing import Any

from simsticky.scenario.findings import Findings
from simsticky.scenario.location import Keys
from simsticky.scenario.objects import KubernetesObject
from simsticky.scenario.pre_stop import look_for_a_shell, read_hook
from simsticky.scenario.sidecars import read_sidecars

TEMPLATE: Keys = ("spec", "template")
POD: Keys = ("spec", "template", "spec")

_SPEC = {
    "replicas": "replicas",
    "minReadySeconds": "minReadySeconds",
    "progressDeadlineSeconds": "progressDeadlineSeconds",
    "revisionHistoryLimit": "revisionHistoryLimit",
}
_PROBE = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("paused", "strategy"),
    "StatefulSet": ("podManagementPolicy", "updateStrategy", "serviceName"),
}
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_GRACE = "terminationGracePeriodSeconds"
_PROBES: Mapping[str, tuple[str, ...]] = {
    "readinessProbe": _PROBE,
    "startupProbe": (*_PROBE, _GRACE),
    "livenessProbe": (*_PROBE, _GRACE),
}
_NOTES = {"resources": "requests and limits have no effect on the model"}
_READABLE_POD = ("terminationGracePeriodSeconds", "containers", "initContainers")
_READABLE_CONTAINER = (
    "lifecycle",
    *_PROBES,
    "ports",
    "image",
    "imagePullPolicy",
    "restartPolicy",
    "restartPolicyRules",
)


def read_deployment(found: Findings, obj: KubernetesObject, target_ports: list[Any]) -> None:
    """Read a Deployment or a StatefulSet into the scenario's ``deployment`` section.

    Args:
        found: Where the findings go.
        obj: The Deployment.
        target_ports: The Service's target ports, by which the application's container is known.
    """
    found.take(obj, ("metadata", "name"), ("deployment", "name"))
    for field, target in _SPEC.items():
        found.take_whole_number(obj, ("spec", field), ("deployment", target))
    if obj.kind == "StatefulSet":
        _ordered(found, obj)
    else:
        found.take(obj, ("spec", "paused"), ("deployment", "paused"))
        _strategy(found, obj)
    _selector(found, obj)
    grace_keys = (*POD, "terminationGracePeriodSeconds")
    found.take_whole_number(obj, grace_keys, ("deployment", "terminationGracePeriodSeconds"))
    if (container := _container(found, obj, target_ports)) is not None:
        _pre_stop(found, obj, container)
        for probe in _PROBES:
            _probe(found, obj, container, probe)
        found.take(obj, (*container, "imagePullPolicy"), ("deployment", "imagePullPolicy"))
        found.take(obj, (*container, "restartPolicy"), ("deployment", "restartPolicy"))
        if rules := obj.items(*container, "restartPolicyRules"):
            found.look(obj, (*container, "restartPolicyRules"))
            place = obj.place(*container, "restartPolicyRules")
            found.put(("deployment", "restartPolicyRules"), rules, place)
            found.read(obj, (*container, "restartPolicyRules"), "exit codes of app.crash restart in place")
        read_sidecars(found, obj, container)
        for field, note in _NOTES.items():
            if obj.get(*container, field) is not None:
                found.ignore(obj, (*container, field), note)
    readable = {
        ("spec",): (*_SPEC, *_OF_KIND[obj.kind], "selector", "template"),
        ("spec", "strategy"): ("type", "rollingUpdate"),
        ("spec", "strategy", "rollingUpdate"): ("maxSurge", "maxUnavailable"),
        ("spec", "updateStrategy", "rollingUpdate"): ("partition", "maxUnavailable"),
        POD: _READABLE_POD,
    }
    if container is not None:
        readable |= {
            container: _READABLE_CONTAINER,
            (*container, "lifecycle"): ("preStop",),
            **{(*container, probe): fields for probe, fields in _PROBES.items()},
        }
    found.list_the_rest(obj, readable)


def labels_of(obj: KubernetesObject) -> Mapping[str, Any]:
    """Return the labels of a workload's pods."""
    return obj.mapping(*TEMPLATE, "metadata", "labels")


def selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Return whether a Service's selector matches labels; an empty one matches nothing."""
    return bool(selector) and all(key in labels and labels[key] == value for key, value in selector.items())


def _strategy(found: Findings, obj: KubernetesObject) -> None:
    strategy: Keys = ("spec", "strategy")
    found.take(obj, (*strategy, "type"), ("deployment", "strategy", "type"))
    rolling: Keys = (*strategy, "rollingUpdate")
    if obj.get(*strategy, "type") == "Recreate" and obj.get(*rolling) is not None:
        found.look(obj, rolling)
        text = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        found.problem(obj, rolling, text, "leave rollingUpdate out", of_key=True)
        return
    for field in ("maxSurge", "maxUnavailable"):
        found.take(obj, (*rolling, field), ("deployment", "strategy", "rollingUpdate", field))


def _ordered(found: Findings, obj: KubernetesObject) -> None:
    """Read what only a StatefulSet has."""
    found.put(("deployment", "kind"), "StatefulSet", obj.place("kind"))
    found.take(obj, ("spec", "podManagementPolicy"), ("deployment", "podManagementPolicy"))
    update: Keys = ("spec", "updateStrategy")
    found.take(obj, (*update, "type"), ("deployment", "updateStrategy", "type"))
    partition: Keys = (*update, "rollingUpdate", "partition")
    found.take_whole_number(obj, partition, ("deployment", "updateStrategy", "partition"))
    most: Keys = (*update, "rollingUpdate", "maxUnavailable")
    found.take(obj, most, ("deployment", "updateStrategy", "maxUnavailable"))
    if obj.get(*most) is not None and not found.states("kubernetes", "version"):
        text = "heeded, as from Kubernetes 1.37 on; most older releases update one pod at a time: kubernetes.version"
        found.assume(obj, most, text)


def _selector(found: Findings, obj: KubernetesObject) -> None:
    wanted = obj.mapping("spec", "selector", "matchLabels")
    if wanted:
        found.read(obj, ("spec", "selector"), _labels_text(wanted))
    found.read(obj, (*TEMPLATE, "metadata", "labels"), _labels_text(labels_of(obj)))
    if not selects(wanted, labels_of(obj)) and wanted:
        text = "Invalid value: `selector` does not match template `labels`"
        keys = (*TEMPLATE, "metadata", "labels")
        found.problem(obj, keys, text, f"the selector wants {_labels_text(wanted)}")


def _labels_text(labels: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items()) or "none"


def _container(found: Findings, obj: KubernetesObject, target_ports: list[Any]) -> Keys | None:
    """Return the path of the application's container: the one with the Service's port, else the first."""
    containers: Keys = (*POD, "containers")
    count = len(obj.items(*containers))
    if count == 0:
        found.problem(obj, containers, "Required value: a pod needs at least one container")
        return None
    chosen = 0
    for i in range(count):
        ports = obj.items(*containers, i, "ports")
        names = [port.get(key) for port in ports if isinstance(port, Mapping) for key in ("name", "containerPort")]
        if any(port in names for port in target_ports):
            chosen = i
            break
    for i in range(count):
        container: Keys = (*containers, i)
        if i == chosen:
            if obj.get(*container, "name") is not None:
                found.read(obj, (*container, "name"), str(obj.get(*container, "name")))
            if obj.items(*container, "ports"):
                found.read(obj, (*container, "ports"), "tell the application's container from others")
    return (*containers, chosen)


def _probe(found: Findings, obj: KubernetesObject, container: Keys, name: str) -> None:
    keys = (*container, name)
    if not isinstance(obj.get(*keys), Mapping):
        if obj.get(*keys) is not None:
            found.look(obj, keys)
            found.problem(obj, keys, "must be a mapping")
        return
    found.put(("deployment", name), {}, obj.place(*keys))
    for field in _PROBES[name]:
        if obj.get(*keys, field) == 0 and field != "initialDelaySeconds":
            found.look(obj, (*keys, field))
            found.assume(obj, (*keys, field), "0 stands for the API server's default")
        else:
            found.take_whole_number(obj, (*keys, field), ("deployment", name, field))
    for handler in _HANDLERS:
        if obj.get(*keys, handler) is not None:
            found.read(obj, (*keys, handler), "what is probed; the kind of probe makes no difference here")


def _pre_stop(found: Findings, obj: KubernetesObject, container: Keys) -> None:
    keys = (*container, "lifecycle", "preStop")
    hook = obj.get(*keys)
    if hook is None:
        return
    if found.states("deployment", "preStop"):
        found.ignore(obj, keys, "the scenario states deployment.preStop")
        return
    if (read := read_hook(found, obj, keys)) is not None:
        found.put(("deployment", "preStop"), *read)
        look_for_a_shell(found, obj, container, keys)
