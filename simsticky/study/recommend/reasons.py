"""Why no setting can keep the limits: which constraint binds, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simsticky.study.recommend.trials import Criterion, Guard, Limit, Trials
from simsticky.study.verdicts import Mark
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.looks import Look
    from simsticky.study.recommend.knobs import SearchSpace

_BROKEN = ("broken", "breaks")
_LEVEL = 0.95


def closest(trials: Trials, tried: Sequence[tuple[int, ...]], criteria: Sequence[Criterion]) -> tuple[int, ...]:
    """Return the setting that comes closest to the threshold that is hardest to keep; of equal ones the first.

    One that is worse than today is no candidate, as long as there is another.
    """
    guards = [criterion for criterion in criteria if isinstance(criterion, Guard)]
    limits = [criterion for criterion in criteria if isinstance(criterion, Limit)]
    kept = [key for key in tried if all(guard.excess(trials, key) <= 0 for guard in guards)] or list(tried)
    hardest = _hardest(trials, kept, limits)
    return min(kept, key=lambda key: (max(0.0, hardest.excess(trials, key)), key))


def _hardest(trials: Trials, tried: Sequence[tuple[int, ...]], criteria: Sequence[Criterion]) -> Criterion:
    return max(criteria, key=lambda criterion: min(criterion.excess(trials, key) for key in tried))


def reason_for_none(
    trials: Trials,
    tried: Sequence[tuple[int, ...]],
    space: SearchSpace,
    axis: int | None,
    criteria: Sequence[Criterion],
) -> str:
    """Return why no setting keeps the criteria, where that is certain.

    Args:
        trials: What was tried.
        tried: The settings, one index a knob.
        space: What was varied.
        axis: The knob that was bisected; None where there is none.
        criteria: The thresholds, and what guards against being worse than today.
    """
    hardest, best = _hardest(trials, tried, criteria), closest(trials, tried, criteria)
    name = hardest.metric.name
    limits = [criterion for criterion in criteria if isinstance(criterion, Limit)]
    if isinstance(hardest, Guard) or hardest.excess(trials, best) <= 0:
        if any(all(limit.excess(trials, key) <= 0 for limit in limits) for key in tried):
            guards = _guarded(trials, tried, criteria)
            return f"every setting that keeps {_names(limits)} is worse than today in {guards}"
        if len(limits) > 1 and hardest.excess(trials, best) <= 0:
            return f"each threshold alone can be kept, but no setting keeps {_names(limits)} together"
    if cut := limits_on(trials, tried, space, best):
        return cut
    if name.startswith(_BROKEN) and not trials.scenario(best).kic.enable_drain_support:
        return (
            "drain support is off (kic.enableDrainSupport: false): a deleted pod leaves the upstream at the next push,"
            " and no time to drain can keep its sessions"
        )
    if isinstance(hardest, Limit) and (end := _end_of_range(trials, tried, best, space, axis, hardest)):
        return end
    values = {trials.value(key, hardest.metric) for key in tried}
    if name.startswith(_BROKEN) and values == {None}:
        return f"{name} has no value: in no setting that was tried a session is bound to a pod and loses it"
    if len(tried) > 1 and len(values) == 1:
        return f"nothing that was varied changes {name}"
    where = _settings(space, best)
    return f"{name} is best where {where}, and misses the threshold there{_origin(trials, best)}"


def reason_for_open(
    trials: Trials, tried: Sequence[tuple[int, ...]], criteria: Sequence[Criterion], looks: Sequence[Look]
) -> tuple[tuple[int, ...], str]:
    """Return the best of the settings that may keep the criteria, and what of it is not certain.

    Args:
        trials: What was tried.
        tried: The settings, one index a knob.
        criteria: The thresholds, and what guards against being worse than today.
        looks: The looks that were had.
    """
    open_ones = [key for key in tried if trials.mark(key, looks, criteria) is Mark.OPEN]
    best = closest(trials, open_ones or tried, criteria)
    if not open_ones:
        return best, "the metrics go up and down along the range, and not every setting of it was tried"
    unsure = [criterion for criterion in criteria if trials.mark(best, looks, [criterion]) is Mark.OPEN]
    are = "is" if len(unsure) == 1 else "are"
    return best, (
        f"{_names(unsure)} of the best setting {are} too uncertain after {trials.replications(best)} replications"
    )


def _names(criteria: Sequence[Criterion]) -> str:
    return " and ".join(criterion.metric.name for criterion in criteria)


def _guarded(trials: Trials, tried: Sequence[tuple[int, ...]], criteria: Sequence[Criterion]) -> str:
    """The guards that the settings within all thresholds miss."""
    limits = [criterion for criterion in criteria if isinstance(criterion, Limit)]
    within = [key for key in tried if all(limit.excess(trials, key) <= 0 for limit in limits)]
    guards = [criterion for criterion in criteria if isinstance(criterion, Guard)]
    missed = [guard for guard in guards if any(guard.excess(trials, key) > 0 for key in within)]
    return _names(missed or guards)


def limits_on(
    trials: Trials, tried: Sequence[tuple[int, ...]], space: SearchSpace, best: tuple[int, ...] | None
) -> str:
    """Return what keeps some of the settings tried from having an effect: the grace period, the autoscaler's bounds.

    Args:
        trials: What was tried.
        tried: The settings, one index a knob.
        space: What was varied.
        best: The pick, or the setting that comes closest; None without either.
    """
    scenarios = [trials.scenario(key) for key in tried]
    if not scenarios:
        return ""
    of = scenarios[0] if best is None else trials.scenario(best)
    return _cut_by_grace(of, scenarios, space) or _cut_by_autoscaler(of, scenarios, space)


def _cut_by_autoscaler(best: Scenario, tried: Sequence[Scenario], space: SearchSpace) -> str:
    """What the autoscaler's bounds cut off, where more or fewer replicas than they allow were tried."""
    scaler = best.autoscaler
    if scaler is None or "deployment.replicas" not in {*(knob.path for knob in space.knobs), *space.follows}:
        return ""
    asked = [scenario.deployment.replicas for scenario in tried]
    if min(asked) >= scaler.min_replicas and max(asked) <= scaler.max_replicas:
        return ""
    return (
        f"the autoscaler keeps {scaler.min_replicas} to {scaler.max_replicas} replicas, whatever deployment.replicas"
        " says beyond that; vary autoscaler.minReplicas and autoscaler.maxReplicas"
    )


def _cut_by_grace(best: Scenario, tried: Sequence[Scenario], space: SearchSpace) -> str:
    """What the grace period cuts off, where a longer preStop hook than it was tried in vain."""
    paths = {knob.path for knob in space.knobs} | set(space.follows)
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
    trials: Trials,
    tried: Sequence[tuple[int, ...]],
    best: tuple[int, ...],
    space: SearchSpace,
    axis: int | None,
    limit: Limit,
) -> str:
    """Where the range ends while the metric still gets better along it, and where the threshold might be met."""
    if axis is None:
        return ""
    knob = space.knobs[axis]
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
    values = [trials.value(key, limit.metric) for key in (before, best)]
    numbers = [knob.numbers[key[axis]] for key in (before, best)]
    target = limit.threshold.value
    if values[0] and values[1] and values[0] != values[1] and target > 0:
        slope = (math.log(values[1]) - math.log(values[0])) / (numbers[1] - numbers[0])
        about = numbers[1] + (math.log(target) - math.log(values[1])) / slope
        if about > 0:
            shown = format_duration(round(about)) if isinstance(end, str) else f"{about:.3g}"
            text += f"; going on like that it would meet the threshold at about {shown}"
    return text


def _settings(space: SearchSpace, key: tuple[int, ...]) -> str:
    return ", ".join(f"{knob.path} is {knob.values[at]}" for knob, at in zip(space.knobs, key, strict=True))


def _origin(trials: Trials, key: tuple[int, ...]) -> str:
    """What most breaks of a setting come from."""
    names = ("drain_off", "drain_window_too_short", "race", "killed", "crash")
    counts = {name: trials.count(key, f"origin.{name}") for name in names}
    most = max(counts, key=counts.__getitem__)
    return f"; most breaks there are {most}" if counts[most] else ""
