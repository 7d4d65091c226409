"""Giving a setting up that will hardly keep its limit: stopping for futility (Jennison and Turnbull, Group Sequential
Methods, 2000, ch. 10).

It lets nothing pass that would not have passed, so the errors of :mod:`simsticky.study.looks` stay what they are. What
it costs is power: some settings that would just have kept their limit at the last look are given up before.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simsticky.study.precision import half_width

if TYPE_CHECKING:
    from simsticky.stats.intervals import Interval

LEAST_CHANCE = 0.2
"""A setting with less chance than this to keep its limit at the last look is given up."""

# Standard errors in the half-width of a 95 % interval, and in what a normal variable exceeds with LEAST_CHANCE.
_HALF_WIDTH, _SLACK = 1.96, 0.8416


def half_at_last(interval: Interval, n: int, last: int) -> float | None:
    """Return about how wide an interval will be at the last look, on its wider side; None without an interval.

    It shrinks with the square root of the replications; where hardly anything was seen, with their number.

    Args:
        interval: The interval of ``n`` replications.
        n: Replications so far.
        last: Replications at the last look.
    """
    half = half_width(interval)
    return None if half is None else half * min(1.0, n / last) ** (1.0 if interval.is_assumed else 0.5)


def is_futile(excess: float, half: float | None, n: int, last: int) -> bool:
    """Return whether a setting will hardly keep a limit at the last look.

    By its predictive power: of the truth nothing is known but today's estimate, about which that after the last look
    is normal, with the variance by which the two differ (Spiegelhalter, Freedman and Blackburn, Controlled Clinical
    Trials 7, 1986).

    Args:
        excess: By how much the estimate is on the wrong side; negative on the right one.
        half: Half-width of its interval at the last look; None where there is none to go by, and an estimate on the
            wrong side is reason enough.
        n: Replications so far.
        last: Replications at the last look.
    """
    if half is None:
        return excess > 0
    luck = _SLACK / _HALF_WIDTH * math.sqrt(max(0.0, last / n - 1))
    return excess > -half * (1 - luck)
