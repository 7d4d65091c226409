"""An Argo Rollout: how it replaces its pods, in the words of the operations that are simulated.

Source: Argo Rollouts v1.9, ``pkg/apis/rollouts/v1alpha1/types.go`` and ``utils/defaults/defaults.go``: surge and
unavailable 25 %, ``progressDeadlineSeconds`` 600, ``scaleDownDelaySeconds`` 30.
"""

from collections.abc import Mapping
from typing import Any, Final

from simsticky.scenario.findings import Findings
from simsticky.scenario.hints import Hint
from simsticky.scenario.location import Keys
from simsticky.scenario.owners import Workload
from simsticky.units import parse_duration

_CANARY: Final[Keys] = ("spec", "strategy", "canary")
_BLUE_GREEN: Final[Keys] = ("spec", "strategy", "blueGreen")
SCALE_DOWN_DELAY_S: Final = 30


def read_rollout(found: Findings, workload: Workload) -> None:
    """Read the strategy of an Argo Rollout; its replicas are read as a Deployment's."""
    rollout = workload.owner
    found.read(rollout, ("kind",), "an Argo Rollout: its canary is a rolling update that stops at its steps")
    found.take(rollout, ("spec", "paused"), ("deployment", "paused"))
    if rollout.get(*_BLUE_GREEN) is not None:
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
    delay = rollout.get(*_BLUE_GREEN, "scaleDownDelaySeconds")
    if delay is not None and (isinstance(delay, bool) or not isinstance(delay, int)):
        found.problem(rollout, (*_BLUE_GREEN, "scaleDownDelaySeconds"), f"must be a whole number, got {delay!r}")
        return
    if delay is None:
        text = f"scaleDownDelaySeconds is {SCALE_DOWN_DELAY_S}, Argo's default"
        found.assume(rollout, _BLUE_GREEN, text)
    else:
        found.read(rollout, (*_BLUE_GREEN, "scaleDownDelaySeconds"), f"{delay}s")
    for field in ("activeService", "previewService", "autoPromotionEnabled", "autoPromotionSeconds"):
        if rollout.get(*_BLUE_GREEN, field) is not None:
            found.read(rollout, (*_BLUE_GREEN, field), str(rollout.get(*_BLUE_GREEN, field)))
    found.blue_green = rollout, SCALE_DOWN_DELAY_S if delay is None else delay
