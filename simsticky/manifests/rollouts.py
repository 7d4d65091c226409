"""An Argo Rollout: how it replaces its pods, in the words of the operations that are simulated.

Source: Argo Rollouts v1.9, ``pkg/apis/rollouts/v1alpha1/types.go`` and ``utils/defaults/defaults.go``: surge and
unavailable 25 %, ``progressDeadlineSeconds`` 600, ``scaleDownDelaySeconds`` 30.
"""

from collections.abc import Mapping
from typing import Any, Final

from simsticky.manifests.findings import BlueGreen, Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import Workload
from simsticky.scenario.location import Keys, Place
from simsticky.scenario.problems import Problem
from simsticky.units import parse_duration

_CANARY: Final[Keys] = ("spec", "strategy", "canary")
_BLUE_GREEN: Final[Keys] = ("spec", "strategy", "blueGreen")
SCALE_DOWN_DELAY_S: Final = 30


def read_rollout(found: Findings, workload: Workload) -> None:
    """Read the strategy of an Argo Rollout; its replicas are read as a Deployment's."""
    rollout = workload.owner
    found.read(rollout, ("kind",), "an Argo Rollout: its canary is a rolling update that stops at its steps")
    found.take(rollout, ("spec", "paused"), ("deployment", "paused"))
    if rollout.get(*_BLUE_GREEN) is not None and rollout.get(*_CANARY) is not None:
        text = "Invalid value: a strategy is canary or blueGreen, not both"
        found.problem(rollout, ("spec", "strategy"), text, Hint.KEEP_ONE_OF_THE_TWO.of())
    elif rollout.get(*_BLUE_GREEN) is not None:
        _blue_green(found, workload)
    elif isinstance(rollout.get(*_CANARY), Mapping):
        _canary(found, workload)
    else:
        text = "Invalid value: a strategy must be canary or blueGreen"
        found.problem(rollout, ("spec", "strategy"), text, Hint.ROLLOUT_STRATEGY.of())


def _canary(found: Findings, workload: Workload) -> None:
    rollout = workload.owner
    for field in ("maxSurge", "maxUnavailable"):
        found.take(rollout, (*_CANARY, field), ("deployment", "strategy", "rollingUpdate", field))
    if rollout.get(*_CANARY, "trafficRouting") is not None:
        text = (
            "weights are taken to be shares of the pods, as without a traffic router: what it routes is not simulated"
        )
        found.say_aloud(rollout, (*_CANARY, "trafficRouting"), text)
    steps = [
        step
        for i in range(len(rollout.items(*_CANARY, "steps")))
        if (step := _step(found, workload, (*_CANARY, "steps", i))) is not None
    ]
    if steps and not found.states("deployment", "strategy"):
        found.put(("deployment", "strategy", "steps"), steps, rollout.place(*_CANARY, "steps"))


def _step(found: Findings, workload: Workload, keys: Keys) -> dict[str, Any] | None:
    """Return one step of a canary as the scenario writes it; None for one that changes nothing here."""
    rollout = workload.owner
    step = rollout.mapping(*keys)
    if len(step) > 1:
        found.problem(rollout, keys, f"a step does one thing, this one has {' and '.join(step)}", Hint.STEPS_APART.of())
        return None
    if "setWeight" in step:
        weight = step["setWeight"]
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= 100:
            found.problem(rollout, (*keys, "setWeight"), f"must be a whole number from 0 to 100, got {weight!r}")
            return None
        found.read(rollout, (*keys, "setWeight"), f"{weight}")
        return {"setWeight": weight}
    if "pause" in step:
        return _pause(found, workload, (*keys, "pause"))
    found.look(rollout, keys)
    if step:
        found.say_aloud(rollout, keys, f"{', '.join(step)} is not simulated: the rollout goes on at once")
    return None


def _pause(found: Findings, workload: Workload, keys: Keys) -> dict[str, Any] | None:
    rollout = workload.owner
    written = rollout.mapping(*keys).get("duration")
    if written is None:
        found.read(rollout, keys, "without end")
        timeline = found.stated.get("timeline")
        entries = timeline if isinstance(timeline, list) else []
        if not any(isinstance(entry, Mapping) and entry.get("resume") == workload.name for entry in entries):
            text = f"a pause without end: the rollout stays there; {{at: 20m, resume: {workload.name}}} promotes it"
            found.say_aloud(rollout, keys, text)
        return {"pause": "forever"}
    try:
        seconds = parse_duration(int(written) if isinstance(written, str) and written.isdigit() else written)
    except ValueError as error:
        found.problem(rollout, (*keys, "duration"), str(error), Hint.DURATION.of())
        return None
    found.read(rollout, (*keys, "duration"), str(written))
    return {"pause": seconds}


def _blue_green(found: Findings, workload: Workload) -> None:
    """Note what a blue-green rollout is made of; :func:`as_operations` puts it on the timeline."""
    rollout = workload.owner
    if not rollout.get(*_BLUE_GREEN, "activeService"):
        text = "activeService: Required value: the Service that goes over to the new pods"
        found.problem(rollout, _BLUE_GREEN, text, Hint.ACTIVE_SERVICE.of(name=workload.name))
    delay = rollout.get(*_BLUE_GREEN, "scaleDownDelaySeconds")
    if delay is not None and (isinstance(delay, bool) or not isinstance(delay, int)):
        found.problem(rollout, (*_BLUE_GREEN, "scaleDownDelaySeconds"), f"must be a whole number, got {delay!r}")
        return
    if delay is None:
        found.assume(rollout, _BLUE_GREEN, f"scaleDownDelaySeconds is {SCALE_DOWN_DELAY_S}, Argo's default")
    else:
        found.read(rollout, (*_BLUE_GREEN, "scaleDownDelaySeconds"), f"{delay}s")
    for field in ("activeService", "previewService", "autoPromotionEnabled", "autoPromotionSeconds"):
        if rollout.get(*_BLUE_GREEN, field) is not None:
            found.read(rollout, (*_BLUE_GREEN, field), str(rollout.get(*_BLUE_GREEN, field)))
    text = (
        "a blue-green rollout: at its time the Service goes over to new pods that are ready already; what goes before"
        " (start-up, waiting for the promotion) moves no session and is not simulated"
    )
    found.say_aloud(rollout, _BLUE_GREEN, text)
    found.blue_green = BlueGreen(SCALE_DOWN_DELAY_S if delay is None else delay)


def say_other_active_service(found: Findings, workload: Workload, service: KubernetesObject) -> None:
    """Name a blue-green rollout that switches another Service than the one that clients come through."""
    keys = (*_BLUE_GREEN, "activeService")
    active = workload.owner.get(*keys)
    if active and active != service.name:
        text = f"Argo switches Service {active}; clients come through Service {service.name}, which is switched here"
        found.say_aloud(workload.owner, keys, text)


def say_narrowed_service(found: Findings, workload: Workload, service: KubernetesObject) -> None:
    """Name a canary that narrows the Service that clients come through to the pods of one version.

    Source: Argo Rollouts, rollout/service.go: reconcileStableAndCanaryService, with or without a traffic router.
    """
    for field, which in (("stableService", "old"), ("canaryService", "new")):
        keys = (*_CANARY, field)
        if workload.owner.get(*keys) == service.name:
            text = (
                f"Argo lets Service {service.name} select the {which} pods only while a rollout runs; here it goes on"
                " selecting all, and clients meet new pods by their number"
            )
            found.say_aloud(workload.owner, keys, text)


def as_operations(
    merged: dict[str, Any], blue_green: BlueGreen, places: dict[Keys, tuple[Place, Place]]
) -> list[Problem]:
    """Write the rollout of a blue-green workload as the operations that it consists of.

    The new version is a companion that is ready from the start; the Service switches to it, and the old version is
    scaled away ``scaleDownDelaySeconds`` later. Where the scenario has companions of its own, it says itself what
    happens.

    Args:
        merged: The scenario as it was written, over the manifests; changed.
        blue_green: What the Rollout says.
        places: Places of the values, to which those of the operations are added.

    Returns:
        What cannot be written so.
    """
    timeline, deployment = merged.get("timeline"), merged.get("deployment")
    if merged.get("companions") or not isinstance(timeline, list) or not isinstance(deployment, Mapping):
        return []
    name, service = deployment.get("name"), merged.get("service")
    entries = [i for i, entry in enumerate(timeline) if isinstance(entry, Mapping) and entry.get("rollout") == name]
    if not entries:
        return []
    entry = timeline[entries[0]]
    if len(entries) > 1 or entry.get("times", 1) != 1 or entry.get("neverReady"):
        text = "only one blue-green rollout that becomes ready is modelled"
        return [Problem(("timeline", entries[-1], "rollout"), text, Hint.COMPANIONS.of(name=name))]
    green = f"{name}-green"
    companion = {"name": green, "replicas": deployment.get("replicas", 1)}
    if entry.get("startup") is not None:
        companion["startup"] = entry["startup"]
    merged["companions"] = [companion]
    at = entry.get("at", 0)
    service_name = service.get("name", "app") if isinstance(service, Mapping) else "app"
    switched = [*timeline, {"at": _later(at, blue_green.scale_down_delay_s), "scale": name, "replicas": 0}]
    switched[entries[0]] = {"at": at, "switchService": service_name, "to": green}
    merged["timeline"] = switched
    where = ("timeline", entries[0], "rollout")
    for keys in (("timeline", entries[0], "switchService"), ("timeline", len(timeline))):
        if where in places:
            places[keys] = places[where]
    return []


def _later(at: Any, seconds: int) -> Any:
    """Return a time of the timeline moved; one that is wrong is left for the scenario to refuse."""
    try:
        return parse_duration(at) + seconds
    except ValueError:
        return at
