"""Finding the settings that keep their limits: bisection along a range, racing over a choice.

Bisection needs the metric to go one way along the range. That is checked at every point that was tried: on common
random numbers two neighbours differ by little more than what the setting does. Where two are certainly in the wrong
order, the range is raced over instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from simsticky.study.looks import Look
from simsticky.study.recommend.costs import cheapest
from simsticky.study.recommend.guess import guessed_place
from simsticky.study.recommend.trials import Criterion, Limit, SettingKey, Trials
from simsticky.study.verdicts import Mark

_RACED_OF_A_RANGE = 25
_ERROR = 0.05
_NEAR = 5.0
"""Two values of which one is at most so many times the other: between them the logarithm is straight enough."""


@dataclass(frozen=True, slots=True)
class Line:
    """The settings along one range, all else being fixed.

    Attributes:
        keys: The settings, in the order of the range.
        numbers: The range's value at each.
    """

    keys: tuple[SettingKey, ...]
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found.

    Attributes:
        met: The cheapest setting that keeps every criterion; empty without one.
        is_open: Whether a setting may keep them all and could not be told, or was not tried.
        monotone: Whether the metrics went one way along the range; None where no range was bisected.
    """

    met: tuple[SettingKey, ...]
    is_open: bool
    monotone: bool | None


def search_line(
    trials: Trials, line: Line, criteria: Sequence[Criterion], ways: int, order: Sequence[str], within: float = 0.0
) -> Found:
    """Return the cheapest setting of a line that keeps the criteria, by bisection; by racing if that is not allowed.

    Args:
        trials: Where settings are tried.
        line: The settings in the order of the range.
        criteria: What they are to keep.
        ways: Lines that are searched, each of which could go wrong.
        order: The costs in their order.
        within: By what part of its value the setting found may lie beyond the first that keeps the criteria.
    """
    keys, numbers, looks = line.keys, line.numbers, trials.looks(ways)
    last = len(keys) - 1
    trials.screen(keys[index] for index in sorted({0, last // 4, last // 2, 3 * last // 4, last}))
    up, down = _by_direction(trials, keys, criteria)
    first = _edge(trials, Line(keys, numbers), up, looks, within)
    final = _edge(trials, Line(keys[::-1], numbers[::-1]), down, looks, within)
    tried = [key for key in keys if trials.replications(key)]
    if not all(_is_monotone(trials, tried, criterion) for criterion in criteria):
        step = max(1, len(keys) // _RACED_OF_A_RANGE)
        raced = list(dict.fromkeys([*keys[::step], keys[-1], *tried]))
        found = race(trials, raced, criteria, order, ways)
        return Found(found.met, found.is_open or len(raced) < len(keys), False)
    if first is not None and final is not None and first <= last - final:
        inside = [key for key in keys[first : last - final + 1] if trials.replications(key)]
        found = _cheapest_met(trials, inside, criteria, looks, order)
        if found.met:
            return Found(found.met, found.is_open, True)
    return Found((), not _all_fail(trials, keys, criteria, looks), True)


def race(
    trials: Trials, keys: Sequence[SettingKey], criteria: Sequence[Criterion], order: Sequence[str], ways: int = 1
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
    keys: Sequence[SettingKey],
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


def _goes_upwards(trials: Trials, keys: Sequence[SettingKey], criterion: Criterion) -> bool:
    """Whether a criterion is kept better at the end of the range than at its beginning."""
    return criterion.excess(trials, keys[-1]) <= criterion.excess(trials, keys[0])


def _by_direction(
    trials: Trials, keys: Sequence[SettingKey], criteria: Sequence[Criterion]
) -> tuple[list[Criterion], list[Criterion]]:
    """Return the criteria that are kept better towards the end of the range, and those towards its beginning."""
    upwards = [criterion for criterion in criteria if _goes_upwards(trials, keys, criterion)]
    return upwards, [criterion for criterion in criteria if criterion not in upwards]


def _edge(
    trials: Trials, line: Line, criteria: Sequence[Criterion], looks: Sequence[Look], within: float
) -> int | None:
    """Return the first place from which all criteria are kept; None if the last setting does not keep them.

    What is kept better and better in each is so in all of them together, so that one search finds the place; where the
    limits are not kept nobody asks for the guards.

    Args:
        trials: Where settings are tried.
        line: The settings in the order in which the criteria are kept better and better.
        criteria: The criteria.
        looks: When to look.
        within: As for :func:`search_line`.
    """
    keys = line.keys
    if not criteria:
        return 0
    limits = [criterion for criterion in criteria if isinstance(criterion, Limit)]

    def holds(key: SettingKey) -> bool:
        patiently = key == keys[-1]  # without it the line has no answer
        return all(trials.keeps(key, looks, criterion, patiently=patiently) for criterion in criteria)

    def told(key: SettingKey) -> bool | None:
        patiently = key == keys[-1]
        return _all_told(trials.told_to_keep(key, looks, criterion, patiently=patiently) for criterion in criteria)

    def guess(below: int, above: int) -> int:
        place = guessed_place(trials, keys, below, above, limits, looks)
        step = _steps_within(line.numbers, place, within)
        trials.likely = [keys[next_to] for next_to in (place - step, place + step) if below < next_to < above]
        return place

    found = _first_place(keys, holds, told, guess, lambda above: _steps_within(line.numbers, above, within))
    trials.likely = ()
    return found


def _steps_within(numbers: Sequence[float], at: int, within: float) -> int:
    """Return how many places before one have a value that differs by no more than a part of its own; at least 1."""
    near = within * abs(numbers[at])
    return max(1, next((at - place for place in range(at) if abs(numbers[at] - numbers[place]) <= near), 1))


def _all_told(told: Iterable[bool | None]) -> bool | None:
    """Return whether all of several things hold: not if one does not, None if one is not known."""
    found = set(told)
    return False if False in found else None if None in found else True


def _all_fail(trials: Trials, keys: Sequence[SettingKey], criteria: Sequence[Criterion], looks: Sequence[Look]) -> bool:
    """Whether every setting of a line certainly misses a criterion (rule Q12).

    What fails, fails all the way to the worse end.
    """
    failing: set[SettingKey] = set()
    for criterion in criteria:
        better = keys if _goes_upwards(trials, keys, criterion) else keys[::-1]
        may = partial(_may_keep, trials, looks, criterion)
        told = partial(_told_to_miss_or_not, trials, looks, criterion)
        edge = _first_place(better, may, told, lambda below, above: (below + above) // 2, lambda above: 1)
        failing.update(better[:edge])
    return failing.issuperset(keys)


def _may_keep(trials: Trials, looks: Sequence[Look], criterion: Criterion, key: SettingKey) -> bool:
    return trials.settled(key, looks, [criterion]) is not Mark.FAIL


def _told_to_miss_or_not(trials: Trials, looks: Sequence[Look], criterion: Criterion, key: SettingKey) -> bool | None:
    """The same from what was run so far; None where that does not tell."""
    if not trials.replications(key):
        return None
    mark = trials.mark(key, looks, [criterion])
    return None if mark is Mark.OPEN and trials.replications(key) < looks[-1].n else mark is not Mark.FAIL


def _first_place(
    keys: Sequence[SettingKey],
    holds: Callable[[SettingKey], bool],
    told: Callable[[SettingKey], bool | None],
    guess: Callable[[int, int], int],
    enough: Callable[[int], int],
) -> int | None:
    """Return the first place from which something holds; None if it does not hold at the last one.

    Between the last place that is known not to hold and the first that is, the guessed one is tried; a guess that
    falls short again and again has to keep a growing distance, and ends as halving.

    Args:
        keys: The settings; where one holds, all behind it do.
        holds: Finds out whether one holds, by running it.
        told: Says so from what was run so far; None where that does not tell.
        guess: Returns a place to try between two others; -1 stands for the one before the first.
        enough: Returns how far before a place that holds the last one that does not may lie.
    """
    if not holds(keys[-1]):
        return None
    known = {place: found for place, key in enumerate(keys) if (found := told(key)) is not None}
    below = max((place for place, found in known.items() if not found), default=-1)
    above = min(place for place, found in known.items() if found and place > below)
    distance, was_above = enough(above), None
    while above - below > enough(above):
        distance = min(distance, (above - below) // 2)
        place = min(max(guess(below, above), below + distance), above - distance)
        found = holds(keys[place])
        below, above = (below, place) if found else (place, above)
        distance, was_above = 2 * distance if found == was_above else enough(above), found
    return above


def _is_monotone(trials: Trials, tried: Sequence[SettingKey], criterion: Criterion) -> bool:
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


def crossing(trials: Trials, line: Line, limit: Limit, rounds: int = 3) -> float | None:
    """Return where along a range the point estimate of a limit's metric crosses the limit; None if it does not.

    Between two settings the logarithm of the metric is taken to be straight, which it is exactly for sessions of
    exponential length. Where it lies far apart at the two, settings between them are tried first.

    Args:
        trials: Where settings are tried.
        line: The settings in the order of the range.
        limit: The limit.
        rounds: Settings tried at most.
    """
    keys, numbers = line.keys, line.numbers
    at: float | None = None
    for left in range(rounds, -1, -1):
        around = _around(trials, keys, limit)
        if around is None:
            return at
        low, high = around
        values = (trials.value(keys[low], limit.metric) or 0.0, trials.value(keys[high], limit.metric) or 0.0)
        at = _straight((numbers[low], numbers[high]), values, limit.threshold.value)
        if not left or high - low < 2 or max(values) <= _NEAR * min(values):
            break
        trials.screen([keys[min(range(low + 1, high), key=partial(_away, numbers, at))]])
    return at


def _away(numbers: Sequence[float], at: float, place: int) -> float:
    return abs(numbers[place] - at)


def _around(trials: Trials, keys: Sequence[SettingKey], limit: Limit) -> tuple[int, int] | None:
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
