"""How many replications it would take until a search can tell all settings along its range.

Between the dearest setting that certainly fails and the cheapest that certainly passes lie settings that the
replications so far cannot tell. An interval narrows with the square root of their number, so a setting whose estimate
misses the threshold by e, with an interval of half-width h after n replications, is told after about n (h / e)².
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from simsticky.study.looks import Look
from simsticky.study.precision import half_width
from simsticky.study.recommend.search import Line
from simsticky.study.recommend.trials import Criterion, Limit, SettingKey, Trials
from simsticky.study.verdicts import Mark

_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between the dearest setting that fails and the cheapest that passes.

    Attributes:
        failing: The former; None where no setting along the range certainly fails.
        passing: The latter; None where none certainly passes.
        between: Settings of the grid between the two.
        replications: About how many it would take to tell all of them; None if more than a million.
    """

    failing: SettingKey | None
    passing: SettingKey | None
    between: int
    replications: int | None


def gap(
    trials: Trials,
    line: Line,
    passing: SettingKey | None,
    criteria: Sequence[Criterion],
    looks: Sequence[Look],
) -> Gap | None:
    """Return what the search could not tell along a line; None where nothing along it fails or is open.

    The neighbour of the setting that passes is run until it is told, if its estimate misses.

    Args:
        trials: What was tried.
        line: The settings in the order of the range.
        passing: The cheapest setting that passes; None without one.
        criteria: What is to be kept; thresholds among them have estimates to go by.
        looks: The looks that were had.
    """
    keys, numbers = line.keys, line.numbers
    marks = {at: trials.mark(key, looks, criteria) for at, key in enumerate(keys) if trials.replications(key)}
    failing = [at for at, mark in marks.items() if mark is Mark.FAIL]
    if passing is None:
        best = [at for at, mark in marks.items() if mark is Mark.OPEN]
        places = range(max(failing, default=-1) + 1, len(keys)) if _falls(marks) else range(min(failing, default=0))
        open_ones = [at for at in places if at in best]
        if not open_ones:
            return None
        needed = min(_needed(trials, keys, numbers, at, criteria, looks) for at in open_ones)
        edge = None if not failing else keys[max(failing) if _falls(marks) else min(failing)]
        return Gap(edge, None, len(places), _rounded(needed))
    place = keys.index(passing)
    below, above = [at for at in failing if at < place], [at for at in failing if at > place]
    if not below and not above:
        return None
    edge_at = max(below) if below else min(above)
    # The neighbour may have been given up at an early look: where it may be told to fail, it counts whether it does.
    beside = place - 1 if below else place + 1
    tried = trials.replications(keys[beside]) > 0
    misses = tried and any(criterion.excess(trials, keys[beside]) > 0 for criterion in criteria)
    if misses and beside != edge_at and trials.settled(keys[beside], looks, criteria) is Mark.FAIL:
        edge_at = beside
    between = range(min(edge_at, place) + 1, max(edge_at, place))
    needed = max((_needed(trials, keys, numbers, at, criteria, looks) for at in between), default=0.0)
    return Gap(keys[edge_at], passing, len(between), _rounded(needed) if between else trials.n)


def _falls(marks: dict[int, Mark]) -> bool:
    """Whether the settings at the beginning of the range fail, and those at its end are open."""
    return marks[max(marks)] is not Mark.FAIL


def _needed(
    trials: Trials,
    keys: Sequence[SettingKey],
    numbers: Sequence[float],
    at: int,
    criteria: Sequence[Criterion],
    looks: Sequence[Look],
) -> float:
    """Return how many replications tell the setting at a place, by the criterion that takes the most."""
    return max(
        _for_limit(trials, keys, numbers, at, criterion, looks)
        if isinstance(criterion, Limit)
        else _for_guard(trials, keys, at, criterion, looks)
        for criterion in criteria
    )


def _for_guard(trials: Trials, keys: Sequence[SettingKey], at: int, guard: Criterion, looks: Sequence[Look]) -> float:
    """The same for the difference from today; of a setting that was not tried nothing is known."""
    n = min(trials.replications(keys[at]), trials.replications(trials.reference))
    if not n:
        return 0.0
    interval = trials.pair(keys[at], Look(n, looks[-1].level, last=True)).difference(guard.metric).interval
    half, estimate = half_width(interval), interval.estimate
    if half is None or estimate is None:
        return math.inf if trials.mark(keys[at], looks, [guard]) is Mark.OPEN else 0.0
    miss = abs(estimate - guard.tolerance)
    # Where nothing was seen on either side the interval shrinks as 1 / n.
    return n * (half / miss) ** (1 if interval.kind == "bounds" else 2) if miss > 0 else math.inf


def _for_limit(
    trials: Trials, keys: Sequence[SettingKey], numbers: Sequence[float], at: int, limit: Limit, looks: Sequence[Look]
) -> float:
    runs = [trials.replications(key) for key in keys]
    tried = [place for place, n in enumerate(runs) if n and 2 * n >= max(runs)]  # the others tell too little
    if runs[at] and trials.mark(keys[at], looks, [limit]) is not Mark.OPEN:
        return 0.0
    nearest = min(tried, key=lambda place: (abs(place - at), -trials.replications(keys[place])))
    n = trials.replications(keys[nearest])
    half = half_width(trials.estimate(keys[nearest], limit.metric, Look(n, looks[-1].level, last=True)).interval)
    value = _value_at(trials, keys, numbers, at, tried, limit)
    if half is None or value is None:
        return math.inf
    miss = abs(value - limit.threshold.value)
    return n * (half / miss) ** 2 if miss > 0 else math.inf


def _value_at(
    trials: Trials, keys: Sequence[SettingKey], numbers: Sequence[float], at: int, tried: Sequence[int], limit: Limit
) -> float | None:
    """The estimate at a place; between two that were tried, on a straight line."""
    if at in tried:
        return trials.value(keys[at], limit.metric)
    around = next(((low, high) for low, high in pairwise(tried) if low < at < high), None)
    if around is None:
        return None
    low, high = (trials.value(keys[place], limit.metric) for place in around)
    if low is None or high is None:
        return None
    part = (numbers[at] - numbers[around[0]]) / (numbers[around[1]] - numbers[around[0]])
    return low + (high - low) * part


def _rounded(needed: float) -> int | None:
    """Two digits, rounded up; None where it is out of reach."""
    if needed > _MOST:
        return None
    step: int = 10 ** max(0, math.floor(math.log10(max(needed, 1))) - 1)
    return math.ceil(needed / step) * step
