"""Why no setting can keep the limits: which constraint binds, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simsticky.study.trials import Limit, Trials
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.knobs import Knob, Plan

_BROKEN = ("broken", "breaks")
_LEVEL = 0.95


def closest(trials: Trials, tried: Sequence[tuple[int, ...]], limits: Sequence[Limit]) -> tuple[int, ...]:
    """Return the setting that comes closest to the limit that is hardest to keep; of equal ones the first."""
    limit = _hardest(trials, tried, limits)
    return min(tried, key=lambda key: (limit.excess(trials.value(key, limit)), key))


def _hardest(trials: Trials, tried: Sequence[tuple[int, ...]], limits: Sequence[Limit]) -> Limit:
    return max(limits, key=lambda limit: min(limit.excess(trials.value(key, limit)) for key in tried))


def reason_for_none(
    trials: Trials,
    tried: Sequence[tuple[int, ...]],
    plan: Plan,
    axis: int | None,
    limits: Sequence[Limit],
    *,
    certain: bool,
) -> str:
    """Return why no setting keeps the limits, or, where that is not certain, what would tell.

    Args:
        trials: What was tried.
        tried: The settings, one index a knob.
        plan: What was varied.
        axis: The knob that was bisected; None where there is none.
        limits: The limits.
        certain: Whether every setting certainly misses a limit.
    """
    limit, best = _hardest(trials, tried, limits), closest(trials, tried, limits)
    if not certain:
        return (
            f"{limit.metric.name} of the best setting is too uncertain after {trials.replications(best)} replications;"
            " more of them would tell"
        )
    if len(limits) > 1 and limit.excess(trials.value(best, limit)) <= 0:
        names = " and ".join(other.metric.name for other in limits)
        return f"each threshold alone can be kept, but no setting keeps {names} together"
    scenario = trials.scenario(best)
    is_broken = limit.metric.name.startswith(_BROKEN)
    if is_broken and (cut := _cut_by_grace(scenario, [trials.scenario(key) for key in tried], plan)):
        return cut
    if is_broken and not scenario.kic.enable_drain_support:
        return (
            "drain support is off (kic.enableDrainSupport: false): a deleted pod leaves the upstream at the next push,"
            " and no time to drain can keep its sessions"
        )
    if axis is not None and (end := _end_of_range(trials, tried, best, plan.knobs[axis], axis, limit)):
        return end
    values = {trials.value(key, limit) for key in tried}
    if len(tried) > 1 and len(values) == 1:
        return f"nothing that was varied changes {limit.metric.name}"
    where = _settings(plan, best)
    return f"{limit.metric.name} is best where {where}, and misses the threshold there{_origin(trials, best)}"


def _cut_by_grace(best: Scenario, tried: Sequence[Scenario], plan: Plan) -> str:
    """What the grace period cuts off, where a longer preStop hook than it was tried in vain."""
    paths = {knob.path for knob in plan.knobs} | set(plan.follows)
    longest = max((_hook_s(scenario) for scenario in tried), default=0.0)
    grace_s = best.deployment.termination_grace_period_seconds
    fixed = len({scenario.deployment.termination_grace_period_seconds for scenario in tried}) == 1
    if "deployment.preStop" not in paths or not fixed or longest <= grace_s:
        return ""
    return (
        f"terminationGracePeriodSeconds is fixed at {format_duration(grace_s)} and includes preStop: the kubelet ends"
        f" a longer hook there, so no preStop keeps a pod for more than about {format_duration(grace_s + 2)};"
        " let deployment.grace follow (preStop + 30s)"
    )


def _hook_s(scenario: Scenario) -> float:
    hook = scenario.deployment.pre_stop
    return 0.0 if hook is None else max(hook.seconds, hook.at_most_s)


def _end_of_range(
    trials: Trials, tried: Sequence[tuple[int, ...]], best: tuple[int, ...], knob: Knob, axis: int, limit: Limit
) -> str:
    """Where the range ends while the metric still gets better along it, and where the threshold might be met."""
    line = sorted(key for key in tried if (*key[:axis], *key[axis + 1 :]) == (*best[:axis], *best[axis + 1 :]))
    at_end = best == line[-1]
    if len(line) < 2 or best not in (line[0], line[-1]):
        return ""
    before = line[-2] if at_end else line[1]
    interval = trials.difference(before, best, limit.metric, _LEVEL).interval
    if interval.low is None or interval.high is None or interval.low <= 0 <= interval.high:
        return ""
    end = knob.values[best[axis]]
    text = f"{limit.metric.name} still gets better where the range of {knob.path} ends, at {end}"
    values = [trials.value(key, limit) for key in (before, best)]
    numbers = [knob.numbers[key[axis]] for key in (before, best)]
    target = limit.threshold.value
    if values[0] and values[1] and values[0] != values[1] and target > 0:
        slope = (math.log(values[1]) - math.log(values[0])) / (numbers[1] - numbers[0])
        about = numbers[1] + (math.log(target) - math.log(values[1])) / slope
        if about > 0:
            shown = format_duration(round(about)) if isinstance(end, str) else f"{about:.3g}"
            text += f"; going on like that it would meet the threshold at about {shown}"
    return text


def _settings(plan: Plan, key: tuple[int, ...]) -> str:
    return ", ".join(f"{knob.path} is {knob.values[at]}" for knob, at in zip(plan.knobs, key, strict=True))


def _origin(trials: Trials, key: tuple[int, ...]) -> str:
    """What most breaks of a setting come from."""
    names = ("drain_off", "drain_window_too_short", "race", "killed", "crash")
    counts = {name: trials.count(key, f"origin.{name}") for name in names}
    most = max(counts, key=counts.__getitem__)
    return f"; most breaks there are {most}" if counts[most] else ""
