"""HorizontalPodAutoscalers of all versions, read from their manifests.

Source: Kubernetes, autoscaling/v1, v2beta1, v2beta2 and v2; defaults from autoscaling/v1/defaults.go and
v2/defaults.go (one metric, CPU at 80 %); podautoscaler/horizontal.go: of several metrics the largest proposal counts.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD, Workload
from simsticky.scenario.location import Keys
from simsticky.scenario.problems import did_you_mean

_OLD_CPU: Keys = ("spec", "targetCPUUtilizationPercentage")
_SUFFIXES: Final = {s: Decimal(f"1e{n}") for s, n in (("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6))}


def read_scalers(
    found: Findings,
    scalers: Sequence[KubernetesObject],
    workload: Workload,
    application: Keys,
    owners: Sequence[KubernetesObject],
) -> None:
    """Read the autoscaler of the application; list others as ignored.

    Args:
        found: Where the findings go.
        scalers: All HorizontalPodAutoscalers.
        workload: The owner of the pods.
        application: Path of the application's container in the pod template.
        owners: All workloads, Kong's own among them.
    """
    chosen = False
    for scaler in scalers:
        target = scaler.mapping("spec", "scaleTargetRef")
        here = scaler.may_share_namespace(workload.owner)
        if (target.get("kind"), target.get("name")) != (workload.kind, workload.name) or not here:
            _scales_something_else(found, scaler, workload, owners)
        elif chosen:
            text = "a second autoscaler of the same pods"
            found.problem(scaler, ("spec", "scaleTargetRef"), text, Hint.KEEP_ONE_OF_THEM.of())
        else:
            chosen = True
            _read_scaler(found, scaler, workload, application)


def _scales_something_else(
    found: Findings, scaler: KubernetesObject, workload: Workload, owners: Sequence[KubernetesObject]
) -> None:
    target = scaler.mapping("spec", "scaleTargetRef")
    pods = workload.pods
    if pods is not workload.owner and (target.get("kind"), target.get("name")) == (pods.kind, pods.name):
        text = f"scales {pods.label}, whose pods {workload.label} owns: it is not simulated; let it scale the Rollout"
        found.say_aloud(scaler, ("spec", "scaleTargetRef"), text)
        return
    if scaler.may_share_namespace(workload.owner) and not any(_is_meant(target, owner) for owner in owners):
        near = did_you_mean(str(target.get("name")), [workload.name])
        meant = f"; did you mean {workload.label}?" if near or target.get("name") == workload.name else ""
        text = f"there is no {target.get('kind')} {target.get('name')} in the manifests: nothing is scaled by it{meant}"
        found.say_aloud(scaler, ("spec", "scaleTargetRef"), text)
    found.ignore(scaler, (), "scales something else")


def _is_meant(target: Mapping[str, Any], owner: KubernetesObject) -> bool:
    return (target.get("kind"), target.get("name")) == (owner.kind, owner.name)


def _read_scaler(found: Findings, scaler: KubernetesObject, workload: Workload, application: Keys) -> None:
    found.fill("autoscaler", scaler)
    found.read(scaler, ("spec", "scaleTargetRef"), f"scales {scaler.get('spec', 'scaleTargetRef', 'name')}")
    for field in ("minReplicas", "maxReplicas"):
        found.take_whole_number(scaler, ("spec", field), ("autoscaler", field))
    if scaler.get("spec", "maxReplicas") is None:
        found.problem(scaler, ("spec",), "spec.maxReplicas: Required value", Hint.STATE_SPEC.of())
    _start_at_least(found, scaler, workload)
    if found.states("autoscaler", "targetUtilization"):
        found.ignore(scaler, ("spec", "metrics"), "the scenario states autoscaler.targetUtilization")
    else:
        _read_metrics(found, scaler, workload, application)
    found.take(scaler, ("spec", "behavior"), ("autoscaler", "behavior"))
    _rules(found, scaler)
    found.list_the_rest(scaler)


def _start_at_least(found: Findings, scaler: KubernetesObject, workload: Workload) -> None:
    """Begin with ``minReplicas`` where the manifest leaves ``replicas`` to the autoscaler, as a running system has."""
    if workload.owner.get("spec", "replicas") is not None or found.states("deployment", "replicas"):
        return
    least = scaler.get("spec", "minReplicas")
    least = least if isinstance(least, int) and not isinstance(least, bool) else 1
    keys: Keys = ("spec", "minReplicas") if scaler.has_place("spec", "minReplicas") else ("spec",)
    found.put(("deployment", "replicas"), least, scaler.place(*keys))
    text = f"replicas is left to the autoscaler: the run begins with {least}, its minReplicas"
    found.assume(workload.owner, ("spec",), text)


def _read_metrics(found: Findings, scaler: KubernetesObject, workload: Workload, application: Keys) -> None:
    """Read what can be expressed as CPU utilisation; of several targets the lowest gives the largest proposal."""
    metrics = scaler.items("spec", "metrics")
    if scaler.get(*_OLD_CPU) is not None:
        found.take_whole_number(scaler, _OLD_CPU, ("autoscaler", "targetUtilization"))
        _say_without_request(found, scaler, workload, _OLD_CPU)
        _assume_slots(found, scaler, _OLD_CPU)
        return
    if not metrics:
        found.assume(scaler, ("spec",), "no metric: CPU at 80 %, the API server's default")
        _say_without_request(found, scaler, workload, ("spec",))
        return
    targets: list[tuple[int, Keys]] = []
    for i, metric in enumerate(metrics):
        keys: Keys = ("spec", "metrics", i)
        found.look(scaler, keys)
        target = _cpu_percent(workload, application, scaler, keys) if isinstance(metric, Mapping) else None
        if isinstance(target, tuple):
            targets.append(target)
            continue
        text = f"this metric is not modelled: {target or 'it must be a mapping'}"
        most = scaler.get("spec", "maxReplicas")
        found.problem(scaler, keys, text, Hint.STATE_AUTOSCALER.of(most=most if isinstance(most, int) else 10))
    if len(targets) < len(metrics):
        return
    percent, place = min(targets, key=lambda target: target[0])
    for other, keys in targets:
        found.read(scaler, keys, f"{other} % of the CPU that a pod requests")
    found.put(("autoscaler", "targetUtilization"), percent, scaler.place(*place))
    if "averageUtilization" in place or "targetAverageUtilization" in place:
        names = [scaler.get(*place[:4], "container")] if "containerResource" in place else None
        _say_without_request(found, scaler, workload, place, names)
    _assume_slots(found, scaler, place)
    if len(targets) > 1:
        text = f"of {len(targets)} targets on CPU {percent} % counts: the lowest target gives the largest proposal"
        found.assume(scaler, ("spec", "metrics"), text)


def _say_without_request(
    found: Findings,
    scaler: KubernetesObject,
    workload: Workload,
    keys: Keys,
    names: Sequence[Any] | None = None,
) -> None:
    """Name a target in percent of a request that is not there (replica_calculator.go: missing request for cpu)."""
    if _requested(workload.pods, names) is None:
        text = (
            "a share of the CPU that pods request, and not every container requests some: in a cluster this autoscaler"
            " finds no utilisation and stands still; here busy slots of app.concurrency stand for it"
        )
        found.say_aloud(scaler, keys, text)


def _assume_slots(found: Findings, scaler: KubernetesObject, keys: Keys) -> None:
    text = "busy slots of app.concurrency stand for CPU; what a pod requests is autoscaler.requestShare of all slots"
    found.assume(scaler, keys, text)


def _cpu_percent(workload: Workload, application: Keys, scaler: KubernetesObject, keys: Keys) -> tuple[int, Keys] | str:
    """Return a metric's target in percent of the requested CPU with its place, or why it cannot be expressed."""
    metric = scaler.mapping(*keys)
    kind = metric.get("type")
    field = {"Resource": "resource", "ContainerResource": "containerResource"}.get(str(kind))
    if field is None:
        return f"{kind} is not about the pods' CPU"
    resource: Keys = (*keys, field)
    if scaler.get(*resource, "name") != "cpu":
        return f"{kind} {scaler.get(*resource, 'name')} is not CPU"
    containers = None
    if field == "containerResource":
        containers = [scaler.get(*resource, "container")]
        if containers[0] != workload.pods.get(*application, "name"):
            return f"container {containers[0]} is not the application's"
    for place in ((*resource, "target", "averageUtilization"), (*resource, "targetAverageUtilization")):
        percent = scaler.get(*place)
        if isinstance(percent, int) and not isinstance(percent, bool):
            return percent, place
    for place in ((*resource, "target", "averageValue"), (*resource, "targetAverageValue")):
        if scaler.get(*place) is not None:
            value, requested = _quantity(scaler.get(*place)), _requested(workload.pods, containers)
            if value is None:
                return f"{scaler.get(*place)!r} is no quantity of CPU"
            if not requested:
                return "an average value can be expressed only if every container requests CPU"
            return max(1, int(100 * value / requested)), place
    return "its target is neither averageUtilization nor averageValue"


def _quantity(written: Any) -> Decimal | None:
    """Return a quantity of the API, such as ``250m``; None if it is none (apimachinery/pkg/api/resource)."""
    text = str(written)
    number, factor = (text[:-1], _SUFFIXES[text[-1]]) if text[-1:] in _SUFFIXES else (text, Decimal(1))
    try:
        value = Decimal(number) * factor
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _requested(pods: KubernetesObject, names: Sequence[Any] | None) -> Decimal | None:
    """Return the CPU that a pod's containers, or some of them, request; None if one does not say."""
    total = Decimal(0)
    for i, container in enumerate(pods.items(*POD, "containers")):
        if names is not None and (not isinstance(container, Mapping) or container.get("name") not in names):
            continue
        resources: Keys = (*POD, "containers", i, "resources")
        # What has a limit and no request requests its limit.
        written = pods.get(*resources, "requests", "cpu") or pods.get(*resources, "limits", "cpu")
        cores = None if written is None else _quantity(written)
        if cores is None:
            return None
        total += cores
    return total


def _rules(found: Findings, scaler: KubernetesObject) -> None:
    """Copy what :meth:`Findings.take` takes as it stands: lists of policies, and tolerances, which are quantities."""
    for direction in ("scaleUp", "scaleDown"):
        keys: Keys = ("spec", "behavior", direction, "policies")
        if isinstance(scaler.get(*keys), list):
            found.put(("autoscaler", "behavior", direction, "policies"), scaler.items(*keys), scaler.place(*keys))
        keys = ("spec", "behavior", direction, "tolerance")
        written = scaler.get(*keys)
        if isinstance(written, str) and (tolerance := _quantity(written)) is not None:
            found.put(("autoscaler", "behavior", direction, "tolerance"), float(tolerance), scaler.place(*keys))
