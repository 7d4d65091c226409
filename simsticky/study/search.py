"""Finding the settings that keep their limits: bisection along a range, racing over a choice.

Bisection needs the metric to go one way along the range. That is checked at every point that was tried: on common
random numbers two neighbours differ by little more than what the setting does. Where two are certainly in the wrong
order, the range is raced over instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simsticky.study.costs import cheapest
from simsticky.study.trials import Key, Limit, Trials
from simsticky.study.verdicts import Mark

_RACED_OF_A_RANGE = 25
_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Line:
    """The settings along one range, all else being fixed."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found.

    Attributes:
        met: Settings that keep every limit, on all replications; the cheapest of them first.
        is_open: Whether a setting could not be told, on all replications.
        monotone: Whether the metrics went one way along the range; None where no range was bisected.
    """

    met: tuple[Key, ...]
    is_open: bool
    monotone: bool | None


def search_line(trials: Trials, line: Line, limits: Sequence[Limit], level: float, order: Sequence[str]) -> Found:
    """Return the cheapest setting of a line that keeps the limits, by bisection; by racing if that is not allowed.

    Args:
        trials: Where settings are tried.
        line: The settings in the order of the range.
        limits: What they are to keep.
        level: Confidence level of the verdicts.
        order: The costs in their order.
    """
    keys = line.keys
    last = len(keys) - 1
    sampled = sorted({0, last // 4, last // 2, 3 * last // 4, last})
    trials.screen(keys[index] for index in sampled)
    first, final = 0, last
    is_open = empty = False
    for limit in limits:
        upwards = _goes_upwards(trials, keys, limit)
        edge = _boundary(trials, keys if upwards else keys[::-1], limit, level)
        if edge is None:
            empty = True
        elif upwards:
            first = max(first, edge)
        else:
            final = min(final, last - edge)
    tried = [key for key in keys if trials.replications(key)]
    if not all(_is_monotone(trials, tried, limit) for limit in limits):
        step = max(1, len(keys) // _RACED_OF_A_RANGE)
        raced = list(dict.fromkeys([*keys[::step], keys[-1], *tried]))
        found = race(trials, raced, limits, order)
        return Found(found.met, found.is_open, False)
    if empty or first > final:
        is_open = any(trials.settled(key, level, limits) is Mark.OPEN for key in tried)
        return Found((), is_open, True)
    inside = [key for key in keys[first : final + 1] if trials.replications(key)]
    return _cheapest_met(trials, inside, limits, level, order, monotone=True)


def race(trials: Trials, keys: Sequence[Key], limits: Sequence[Limit], order: Sequence[str]) -> Found:
    """Return the cheapest of some settings that keeps the limits.

    All are screened; those whose interval says no are out; of the others the cheapest is run fully first, and the
    race ends with the first that keeps the limits. The level is adjusted for the number of settings (Bonferroni), so
    that having looked at many does not make a lucky one pass.
    """
    level = 1 - _ERROR / len(keys)
    trials.screen(keys)
    left = [key for key in keys if trials.mark(key, level, limits) is not Mark.FAIL]
    return _cheapest_met(trials, left, limits, level, order, monotone=None)


def _cheapest_met(
    trials: Trials,
    keys: Sequence[Key],
    limits: Sequence[Limit],
    level: float,
    order: Sequence[str],
    *,
    monotone: bool | None,
) -> Found:
    left, is_open = list(keys), False
    while left:
        key = cheapest(left, [trials.costs(key) for key in left], order)
        trials.believe([key])
        mark = trials.mark(key, level, limits)
        if mark is Mark.PASS:
            return Found((key,), is_open, monotone)
        is_open = is_open or mark is Mark.OPEN
        left.remove(key)
    return Found((), is_open, monotone)


def _goes_upwards(trials: Trials, keys: Sequence[Key], limit: Limit) -> bool:
    """Whether the limit is kept better at the end of the range than at its beginning."""
    return limit.excess(trials.value(keys[-1], limit)) <= limit.excess(trials.value(keys[0], limit))


def _boundary(trials: Trials, keys: Sequence[Key], limit: Limit, level: float) -> int | None:
    """Return the first place from which a limit is kept; None if the last setting does not keep it.

    Args:
        trials: Where settings are tried.
        keys: The settings in the order in which the limit is kept better and better.
        limit: The limit.
        level: Confidence level of the verdict.
    """

    def keeps(place: int) -> bool:
        return trials.settled(keys[place], level, [limit]) is Mark.PASS

    sampled = [place for place, key in enumerate(keys) if trials.replications(key)]
    if not keeps(sampled[-1]):
        return None
    above = _first(keeps, sampled)
    below = max((place for place in sampled if place < above), default=-1)
    while above - below > 1:
        middle = (above + below) // 2
        below, above = (below, middle) if keeps(middle) else (middle, above)
    return _confirmed(trials, keys, above, limit, level)


def _confirmed(trials: Trials, keys: Sequence[Key], place: int, limit: Limit, level: float) -> int | None:
    """Return the first place from a given one on that keeps the limit on all replications: stride out, then halve."""

    def keeps(at: int) -> bool:
        trials.believe([keys[at]])
        return trials.mark(keys[at], level, [limit]) is Mark.PASS

    below, stride, last = place - 1, 1, len(keys) - 1
    while not keeps(place):
        if place == last:
            return None
        below, place, stride = place, min(place + stride, last), 2 * stride
    while place - below > 1 and below >= 0 and trials.replications(keys[below]) >= trials.n:
        middle = (place + below) // 2
        below, place = (below, middle) if keeps(middle) else (middle, place)
    return place


def _first(keeps: Callable[[int], bool], places: Sequence[int]) -> int:
    """Return the first of some places that keeps the limit, the last of which does; found by halving."""
    low, high = -1, len(places) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(places[middle]) else (middle, high)
    return places[high]


def _is_monotone(trials: Trials, tried: Sequence[Key], limit: Limit) -> bool:
    """Whether no two neighbours are certainly in the wrong order, with 95 % for all of them together."""
    if len(tried) < 2:
        return True
    level = 1 - _ERROR / (len(tried) - 1)
    falls = limit.excess(trials.value(tried[-1], limit)) <= limit.excess(trials.value(tried[0], limit))
    down = falls == limit.wants_less
    for one, other in pairwise(tried):
        interval = trials.difference(one, other, limit.metric, level).interval
        if interval.low is None or interval.high is None:
            continue
        if (interval.low > 0) if down else (interval.high < 0):
            return False
    return True


def crossing(trials: Trials, line: Line, numbers: Sequence[float], limit: Limit, rounds: int = 3) -> float | None:
    """Return where along a range the point estimate of a limit's metric crosses the limit; None if it does not.

    Between two settings the logarithm of the metric is taken to be straight, which it is exactly for sessions of
    exponential length; ``rounds`` more settings are tried where it would be, to bring the two closer.

    Args:
        trials: Where settings are tried.
        line: The settings in the order of the range.
        numbers: The range's value at each.
        limit: The limit.
        rounds: Settings tried at most.
    """
    keys = line.keys
    at: float | None = None
    for _ in range(rounds + 1):
        around = _around(trials, keys, limit)
        if around is None:
            return at
        low, high = around
        trials.believe([keys[low], keys[high]])
        values = (trials.value(keys[low], limit) or 0.0, trials.value(keys[high], limit) or 0.0)
        at = _straight((numbers[low], numbers[high]), values, limit.threshold.value)
        between = [place for place in range(low + 1, high) if not trials.replications(keys[place])]
        if not between:
            break
        trials.believe([keys[min(between, key=lambda place: abs(numbers[place] - at))]])
    return at


def _around(trials: Trials, keys: Sequence[Key], limit: Limit) -> tuple[int, int] | None:
    """Return the two neighbouring settings tried between which the point estimate crosses the limit."""
    places = [place for place, key in enumerate(keys) if trials.replications(key)]
    over = [limit.excess(trials.value(keys[place], limit)) > 0 for place in places]
    pairs = zip(pairwise(places), pairwise(over), strict=True)
    return next((pair for pair, sides in pairs if sides[0] != sides[1]), None)


def _straight(numbers: tuple[float, float], values: tuple[float, float], target: float) -> float:
    """Return where a value between two others lies, on a straight line of its logarithm where all are positive."""
    low, high, wanted = (*values, target)
    if min(low, high, target) > 0:
        low, high, wanted = math.log(low), math.log(high), math.log(target)
    if low == high:
        return numbers[1]
    return numbers[0] + (numbers[1] - numbers[0]) * (wanted - low) / (high - low)
