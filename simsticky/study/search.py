"""Finding the settings that keep their limits: bisection along a range, racing over a choice.

Bisection needs the metric to go one way along the range. That is checked at every point that was tried: on common
random numbers two neighbours differ by little more than what the setting does. Where two are certainly in the wrong
order, the range is raced over instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from simsticky.study.costs import cheapest
from simsticky.study.looks import Look
from simsticky.study.trials import Criterion, Key, Limit, Trials
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
        met: The cheapest setting that keeps every criterion; empty without one.
        is_open: Whether a setting may keep them all and could not be told, or was not tried.
        monotone: Whether the metrics went one way along the range; None where no range was bisected.
    """

    met: tuple[Key, ...]
    is_open: bool
    monotone: bool | None


def search_line(trials: Trials, line: Line, criteria: Sequence[Criterion], ways: int, order: Sequence[str]) -> Found:
    """Return the cheapest setting of a line that keeps the criteria, by bisection; by racing if that is not allowed.

    Args:
        trials: Where settings are tried.
        line: The settings in the order of the range.
        criteria: What they are to keep.
        ways: Lines that are searched, each of which could go wrong.
        order: The costs in their order.
    """
    keys, looks = line.keys, trials.looks(ways)
    last = len(keys) - 1
    trials.screen(keys[index] for index in sorted({0, last // 4, last // 2, 3 * last // 4, last}))
    first, final = 0, last
    empty = False
    for criterion in criteria:
        upwards = _goes_upwards(trials, keys, criterion)
        edge = _boundary(trials, keys if upwards else keys[::-1], criterion, looks)
        if edge is None:
            empty = True
        elif upwards:
            first = max(first, edge)
        else:
            final = min(final, last - edge)
    tried = [key for key in keys if trials.replications(key)]
    if not all(_is_monotone(trials, tried, criterion) for criterion in criteria):
        step = max(1, len(keys) // _RACED_OF_A_RANGE)
        raced = list(dict.fromkeys([*keys[::step], keys[-1], *tried]))
        found = race(trials, raced, criteria, order, ways)
        return Found(found.met, found.is_open or len(raced) < len(keys), False)
    if not empty and first <= final:
        inside = [key for key in keys[first : final + 1] if trials.replications(key)]
        found = _cheapest_met(trials, inside, criteria, looks, order)
        if found.met:
            return Found(found.met, found.is_open, True)
    return Found((), not _all_fail(trials, keys, criteria, looks), True)


def race(
    trials: Trials, keys: Sequence[Key], criteria: Sequence[Criterion], order: Sequence[str], ways: int = 1
) -> Found:
    """Return the cheapest of some settings that keeps the criteria.

    All are looked at once; those that miss a criterion are out; of the others the cheapest is run until it is told
    first, and the race ends with the first that keeps them. The error is divided by the number of settings
    (Bonferroni), so that having looked at many does not make a lucky one pass.
    """
    looks = trials.looks(ways * len(keys))
    trials.screen(keys)
    left = [key for key in keys if trials.mark(key, looks[:1], criteria) is not Mark.FAIL]
    return _cheapest_met(trials, left, criteria, looks, order)


def _cheapest_met(
    trials: Trials,
    keys: Sequence[Key],
    criteria: Sequence[Criterion],
    looks: Sequence[Look],
    order: Sequence[str],
) -> Found:
    left, is_open = list(keys), False
    while left:
        key = cheapest(left, [trials.costs(key) for key in left], order)
        mark = trials.settled(key, looks, criteria)
        if mark is Mark.PASS:
            return Found((key,), is_open, None)
        is_open = is_open or mark is Mark.OPEN
        left.remove(key)
    return Found((), is_open, None)


def _goes_upwards(trials: Trials, keys: Sequence[Key], criterion: Criterion) -> bool:
    """Whether a criterion is kept better at the end of the range than at its beginning."""
    return criterion.excess(trials, keys[-1]) <= criterion.excess(trials, keys[0])


def _boundary(trials: Trials, keys: Sequence[Key], criterion: Criterion, looks: Sequence[Look]) -> int | None:
    """Return the first place from which a criterion is kept; None if the last setting does not keep it.

    Args:
        trials: Where settings are tried.
        keys: The settings in the order in which the criterion is kept better and better.
        criterion: The criterion.
        looks: When to look.
    """
    return _first_place(trials, keys, lambda key: trials.keeps(key, looks, criterion))


def _all_fail(trials: Trials, keys: Sequence[Key], criteria: Sequence[Criterion], looks: Sequence[Look]) -> bool:
    """Whether every setting of a line certainly misses a criterion (rule Q12).

    What fails, fails all the way to the worse end.
    """
    failing: set[Key] = set()
    for criterion in criteria:
        better = keys if _goes_upwards(trials, keys, criterion) else keys[::-1]
        edge = _first_place(trials, better, partial(_may_keep, trials, looks, criterion))
        failing.update(better[:edge])
    return failing.issuperset(keys)


def _may_keep(trials: Trials, looks: Sequence[Look], criterion: Criterion, key: Key) -> bool:
    return trials.settled(key, looks, [criterion]) is not Mark.FAIL


def _first_place(trials: Trials, keys: Sequence[Key], holds: Callable[[Key], bool]) -> int | None:
    """Return the first place from which something holds, found by halving; None if it does not hold at the last one.

    The places that were tried already are halved first, as they cost least.
    """
    sampled = [place for place, key in enumerate(keys) if trials.replications(key)]
    if not holds(keys[sampled[-1]]):
        return None
    low, high = -1, len(sampled) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(keys[sampled[middle]]) else (middle, high)
    above, below = sampled[high], sampled[low] if low >= 0 else -1
    while above - below > 1:
        middle = (above + below) // 2
        below, above = (below, middle) if holds(keys[middle]) else (middle, above)
    return above


def _is_monotone(trials: Trials, tried: Sequence[Key], criterion: Criterion) -> bool:
    """Whether no two neighbours are certainly in the wrong order, with 95 % for all of them together."""
    if len(tried) < 2:
        return True
    level = 1 - _ERROR / (len(tried) - 1)
    down = _goes_upwards(trials, tried, criterion) == criterion.wants_less
    for one, other in pairwise(tried):
        interval = trials.difference(one, other, criterion.metric, level).interval
        if interval.low is None or interval.high is None:
            continue
        if (interval.low > criterion.tolerance) if down else (interval.high < -criterion.tolerance):
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
        values = (trials.value(keys[low], limit.metric) or 0.0, trials.value(keys[high], limit.metric) or 0.0)
        at = _straight((numbers[low], numbers[high]), values, limit.threshold.value)
        between = [place for place in range(low + 1, high) if not trials.replications(keys[place])]
        if not between:
            break
        trials.believe([keys[min(between, key=lambda place: abs(numbers[place] - at))]])
    return at


def _around(trials: Trials, keys: Sequence[Key], limit: Limit) -> tuple[int, int] | None:
    """Return the two neighbouring settings tried between which the point estimate crosses the limit."""
    places = [place for place, key in enumerate(keys) if trials.replications(key)]
    over = [limit.excess(trials, keys[place]) > 0 for place in places]
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
