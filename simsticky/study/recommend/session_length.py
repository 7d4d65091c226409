"""The same scenario with longer or shorter sessions: what a verdict hangs on and nobody knows well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simsticky.scenario.lognormal import QUANTILES
from simsticky.study.recommend.answer import Flip
from simsticky.study.recommend.trials import Limit, SettingKey, Trials

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

_LONGEST_FACTOR = 8.0
_ROUNDS = 1
_CLOSE = 1.05
"""Two factors that are no further apart: the estimates of so few replications tell no more."""

# The parameters of a law that are times; a coefficient of variation, a shape or a tail index stays.
_TIMES = ("mean", "median", "scale", "minimum", "low", "high", "value", "cap", *QUANTILES)


def mean_session_s(scenario: Scenario) -> float | None:
    """Return the mean time from a session's first request to its last, service left out, in seconds.

    None where no law tells: a trace, or endless sessions.
    """
    traffic = scenario.traffic
    if traffic.trace is not None:
        return None
    if traffic.session_duration is not None:
        return traffic.session_duration.mean
    if traffic.requests == "endless":
        return None
    return (traffic.requests.mean - 1) * traffic.think.mean


def with_sessions(scenario: Scenario, factor: float) -> Scenario:
    """Return the scenario with sessions longer by a factor, of the same shape; arrivals stay as they are."""
    return scenario.evolve(stretched(scenario, factor))


def stretched(scenario: Scenario, factor: float) -> dict[str, Any]:
    """Return the changes, by dotted path, that make sessions longer by a factor.

    ``traffic.sessionDuration`` is stretched, or the think times of sessions that are a number of requests.
    """
    key = "sessionDuration" if scenario.traffic.session_duration is not None else "think"
    law: dict[str, Any] = scenario.to_json_dict()["traffic"][key]
    longer = {name: value * factor if name in _TIMES else value for name, value in law.items()}
    if "values" in law:
        longer["values"] = [value * factor for value in law["values"]]
    changes: dict[str, Any] = {f"traffic.{key}": longer}
    if scenario.traffic.rps is not None:  # which would let fewer of the longer sessions come
        changes["traffic.sessions"] = scenario.to_json_dict()["traffic"]["sessions"]
    return changes


def flip(trials: Trials, pick: SettingKey, limits: Sequence[Limit]) -> Flip | None:
    """Lengthen the sessions until a setting's estimate misses a limit, then come closer along the logarithm.

    Args:
        trials: Where settings are tried.
        pick: The setting.
        limits: The limits.

    Returns:
        None where no law tells how long sessions are.
    """
    base = trials.scenario(pick)
    mean_s = mean_session_s(base)
    if not mean_s:
        return None

    def excess(factor: float) -> float:
        key: SettingKey = pick
        if factor != 1.0:
            key = f"sessions × {factor!r}"
            trials.add(key, with_sessions(base, factor))
            trials.screen([key])
        return max(_log_excess(limit, trials.value(key, limit.metric)) for limit in limits)

    low, at_low, factor = 1.0, excess(1.0), 1.25
    while (at_high := excess(factor)) <= 0:
        if factor >= _LONGEST_FACTOR:
            return Flip(mean_s, None, factor * mean_s)
        low, at_low, factor = factor, at_high, min(1.6 * factor, _LONGEST_FACTOR)
    high = longest = factor
    for _ in range(_ROUNDS):
        middle = _between(low, at_low, high, at_high)
        at_middle = excess(middle)
        if at_middle <= 0:
            low, at_low = middle, at_middle
        else:
            high, at_high = middle, at_middle
        if high / low < _CLOSE:
            break
    return Flip(mean_s, _between(low, at_low, high, at_high) * mean_s, longest * mean_s)


def _log_excess(limit: Limit, value: float | None) -> float:
    """How far a value is on the wrong side on the scale of logarithms, where it has one."""
    bound = limit.threshold.value
    if value is None:
        return 0.0
    over = value - bound if bound <= 0 else math.log(max(value, bound / 1e3) / bound)
    return over if limit.wants_less else -over


def _between(low: float, at_low: float, high: float, at_high: float) -> float:
    """The factor between two at which the excess would be 0, on a straight line over the logarithm of the factor."""
    part = -at_low / (at_high - at_low) if at_high > at_low else 0.5
    return float(low * (high / low) ** min(max(part, 0.0), 1.0))
