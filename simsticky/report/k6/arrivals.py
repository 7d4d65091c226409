"""Rates of arrivals as stages of k6's executor ``ramping-arrival-rate``.

A stage goes from the rate before it to its target in a straight line; one of no length is a jump. A rate is a whole
number of iterations per ``timeUnit``, so the unit is chosen such that the scenario's rates are whole in it. The daily
course becomes 48 chords a period, which lie at most 0.22 % of the mean below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from simsticky.scenario.traffic import Diurnal, Piecewise
from simsticky.workload.arrivals import ConstantRate, changed_rate, rate_profile

if TYPE_CHECKING:
    from simsticky.scenario.traffic import Poisson

CHORDS = 48
"""Straight lines a period of a daily course."""

MOST_STAGES = 1000
"""More of them nobody reads, and k6 keeps them all in its plan."""

_UNITS_S = (1, 10, 60, 600, 3600, 36_000, 360_000, 3_600_000)
_ROUNDED = 1e-6
"""A rate may be off by this part of it."""
_ROUNDED_CHORD = 1e-4
"""An end of a chord may be off by this part of the mean: chords are off by more."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        duration_s: Its length; 0 for a jump.
        target: Iterations per unit at its end.
    """

    duration_s: float
    target: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What ``ramping-arrival-rate`` is told.

    Attributes:
        unit_s: What rates are counted per.
        start_rate: Iterations per unit at first.
        stages: The stages.
        peak: Highest rate, sessions per second.
    """

    unit_s: int
    start_rate: int
    stages: tuple[Stage, ...]
    peak: float


@dataclass(frozen=True, slots=True)
class _Piece:
    """A straight piece of the rate: its length in seconds, and sessions per second at both ends."""

    length_s: float
    first: float
    last: float


def arrivals(
    sessions: Poisson | Piecewise | Diurnal,
    changes: Iterable[tuple[float, float]],
    end_s: float,
    warm_up_s: float,
) -> Arrivals:
    """Return the stages of an open arrival process.

    Args:
        sessions: The process.
        changes: Changes of its rate: from when in seconds, by which factor.
        end_s: Until when, in seconds of the scenario's time.
        warm_up_s: How long the first rate is held before the scenario's time begins.

    Returns:
        The stages; of a daily course at most some more than :data:`MOST_STAGES`, which its caller refuses.
    """
    straight = list(_pieces(sessions, list(changes), end_s))
    if warm_up_s > 0:
        straight.insert(0, _Piece(warm_up_s, straight[0].first, straight[0].first))
    rates = [rate for piece in straight for rate in (piece.first, piece.last)]
    unit_s = _unit(rates, _ROUNDED_CHORD * sessions.mean if isinstance(sessions, Diurnal) else 0.0)
    stages, now = [], round(rates[0] * unit_s)
    for piece in straight:
        first, last = round(piece.first * unit_s), round(piece.last * unit_s)
        if first != now:
            stages.append(Stage(0.0, first))
        stages.append(Stage(piece.length_s, last))
        now = last
    return Arrivals(unit_s, round(rates[0] * unit_s), tuple(stages), max(rates))


def _pieces(
    sessions: Poisson | Piecewise | Diurnal, changes: list[tuple[float, float]], end_s: float
) -> Iterator[_Piece]:
    """Yield the straight pieces between 0 and ``end_s``."""
    bends = {0.0, end_s, *(at_s for at_s, _ in changes)}
    chord_s = sessions.period / CHORDS if isinstance(sessions, Diurnal) else end_s
    if isinstance(sessions, Piecewise):
        bends |= {step.from_s for step in sessions.steps}
    # No more of them than are refused anyway.
    bends |= {number * chord_s for number in range(min(int(end_s / chord_s), MOST_STAGES) + 1)}
    base, factor = rate_profile(sessions), changed_rate(ConstantRate(1.0), changes)
    for begin_s, until_s in pairwise(sorted(at_s for at_s in bends if at_s <= end_s)):
        times = factor.rate_at(begin_s)
        last_s = until_s if isinstance(sessions, Diurnal) else begin_s  # a step's rate ends where the next begins
        yield _Piece(until_s - begin_s, times * base.rate_at(begin_s), times * base.rate_at(last_s))


def _unit(rates: list[float], slack: float) -> int:
    """Return the shortest unit in which all rates are whole numbers, or nearly: off by a millionth, or by the slack."""
    for unit_s in _UNITS_S:
        if all(abs(rate * unit_s - round(rate * unit_s)) <= max(_ROUNDED * rate, slack) * unit_s for rate in rates):
            return unit_s
    return _UNITS_S[-1]
