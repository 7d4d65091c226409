"""Where along a range a search should try next: where the estimates so far say that the limit will just be kept.

A guess decides nothing. It names the next setting to run, and only looks at that setting say whether it keeps its
limits; with poor guesses a search takes more settings and comes to the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from simsticky.study.recommend.futility import half_at_last

if TYPE_CHECKING:
    from simsticky.study.looks import Look
    from simsticky.study.recommend.trials import Limit, SettingKey, Trials


def guessed_place(
    trials: Trials, keys: Sequence[SettingKey], below: int, above: int, limits: Sequence[Limit], looks: Sequence[Look]
) -> int:
    """Return the first place between two at which the last look would find all limits kept; the middle if none tells.

    Args:
        trials: What was tried.
        keys: The settings in the order in which the limits are kept better and better.
        below: The last place known not to keep them; -1 for none.
        above: The first known to.
        limits: The limits.
        looks: The looks; the last one is foreseen.
    """
    found = [_place(trials, keys, below, above, limit, looks[-1]) for limit in limits]
    known = [place for place in found if place is not None]
    return max(known, default=(below + above) // 2)


def _place(trials: Trials, keys: Sequence[SettingKey], below: int, above: int, limit: Limit, last: Look) -> int | None:
    tried = [at for at in range(max(below, 0), above + 1) if trials.replications(keys[at])]
    values = {at: trials.value(keys[at], limit.metric) for at in tried}
    known = [(at, value) for at, value in values.items() if value is not None]
    if len(known) < 2:
        return None
    half_at = _half_width(trials, keys, known, limit, last)
    sign = 1.0 if limit.wants_less else -1.0
    for (low, at_low), (high, at_high) in pairwise(known):
        for place in range(low, high + 1):
            value = between((low, high), (at_low, at_high), place)
            if sign * (value - limit.threshold.value) + half_at(value) < 0:
                return place
    return None


def _half_width(
    trials: Trials, keys: Sequence[SettingKey], known: Sequence[tuple[int, float]], limit: Limit, last: Look
) -> Callable[[float], float]:
    """Return what says how wide the last look's interval will be on either side of an estimate.

    Of the settings tried the one whose estimate is nearest to the limit tells; the interval of a share or a count goes
    with the square root of its estimate.
    """
    at, value = min(known, key=lambda point: abs(point[1] - limit.threshold.value))
    interval = trials.estimate(keys[at], limit.metric, last).interval
    half = half_at_last(interval, trials.replications(keys[at]), last.n) or 0.0
    if limit.metric.unit not in ("share", "count") or value <= 0:
        return lambda other: half
    return lambda other: half * math.sqrt(max(other, 0.0) / value)


def between(places: tuple[float, float], values: tuple[float, float], place: float) -> float:
    """Return a value between two others on a straight line, of its logarithm where both are positive.

    For sessions of exponential length the logarithm of the share that outlives a window is exactly straight.
    """
    (low, high), (at_low, at_high) = places, values
    if low == high:
        return at_low
    part = (place - low) / (high - low)
    if min(at_low, at_high) > 0:
        return float(at_low * (at_high / at_low) ** part)
    return at_low + part * (at_high - at_low)
