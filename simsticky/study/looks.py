"""Looking at a study more than once, without more errors than looking once.

A verdict that is tried again after every few replications until it falls is wrong more often than its level says: at
the edge of a threshold eight looks at 95 % let it pass wrongly in over 8 % of the studies instead of 2.5 %. So the
looks are fixed beforehand, at numbers of replications that depend on nothing that was seen, and each has its share of
the error: a *spending function* says how much of the 2.5 % may be spent by a look, and the level of each look follows
from the joint law of all of them (Lan and DeMets, Biometrika 70, 1983; Jennison and Turnbull, Group Sequential
Methods, 2000, ch. 7 and 9, for the intervals, which they call repeated confidence intervals).

The spending function is the one like Pocock's, ``error * ln(1 + (e - 1) * fraction)`` (Lan and DeMets), where the
fraction is replications so far over replications at the most. Of those tried it needs few replications where a setting
is clear, and yet spends little on the first looks, where the intervals are least exact; the figures are in
``docs/decisions/0007-looks.md``. A little less than the whole error is spent, since the intervals are approximations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from simsticky.stats.intervals import Interval
from simsticky.study.verdicts import Mark, Range, judge

FIRST = 10
"""Replications before the first look: no interval of fewer is believed enough to end on it."""

ERROR = 0.025
"""One-sided error of a verdict over all its looks."""

# Part of the error that several looks do not spend: so much are the intervals of 10 and 20 replications off.

_KEPT_BACK = 0.06


def looks(cap: int, first: int = FIRST) -> tuple[int, ...]:
    """Return the numbers of replications to look at: ``first``, doubled and doubled, and ``cap``.

    Args:
        cap: At most this many replications.
        first: Replications before the first look.

    Raises:
        ValueError: ``cap`` is below 1.
    """
    if cap < 1:
        raise ValueError(f"there must be at least one replication, not {cap}")
    at = []
    while first < cap:
        at.append(first)
        first *= 2
    return (*at, cap)


def levels(at: Sequence[int], error: float = ERROR) -> tuple[float, ...]:
    """Return the two-sided confidence level of each look, so that each side errs over all looks by ``error`` (rule Q8).

    Args:
        at: The numbers of replications that are looked at, increasing; the last is the most there can be.
        error: One-sided error over all looks.
    """
    return _levels(tuple(at), error)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a study.

    Attributes:
        n: Replications to look at, the first ones of every setting.
        level: Two-sided confidence level of every interval of this look.
        last: Whether there is none after it.
    """

    n: int
    level: float
    last: bool


def plan(cap: int, error: float = ERROR) -> tuple[Look, ...]:
    """Return the looks of a study of at most ``cap`` replications, in order."""
    at = looks(cap)
    return tuple(Look(n, level, n == at[-1]) for n, level in zip(at, levels(at, error), strict=True))


def decide(wanted: Range, interval_at: Callable[[float], Interval], look: Look) -> Mark:
    """Return what a look says about a threshold or a margin.

    Args:
        wanted: What the number is to meet: a threshold, or a margin of a paired difference.
        interval_at: Returns the interval of a confidence level from the look's replications alone.
        look: The look.
    """
    return judge(wanted, interval_at(look.level))


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function is 0, by halving; ``scipy.optimize`` takes longer to import than all looks."""
    middle = (low + high) / 2
    while low < middle < high:
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
        middle = (low + high) / 2
    return middle


# Nodes of the quadrature, and how many standard deviations it reaches.
_NODES, _FAR = 200, 10.0

# Of a level: fewer than the last ones, in which processors differ.
_DIGITS = 9


@lru_cache(maxsize=64)
def _levels(at: tuple[int, ...], error: float) -> tuple[float, ...]:
    """Find each look's boundary by Armitage, McPherson and Rowe's recursion (J. R. Stat. Soc. A 132, 1969).

    The sum of the first n replications is a random walk. Its density just before a look, of the walks that no look has
    ended yet, is kept at Gauss-Legendre nodes; the boundary is where the mass above it is what the look may spend.
    """
    import numpy as np
    from scipy.special import ndtr

    if len(at) == 1:
        return (1 - 2 * error,)
    spent = [error * (1 - _KEPT_BACK) * math.log1p((math.e - 1) * n / at[-1]) for n in at]
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    values, mass = np.zeros(1), np.ones(1)
    found, before, spent_before = [], 0, 0.0
    for n, so_far in zip(at, spent, strict=True):
        step, root = math.sqrt(n - before), math.sqrt(n)

        def unspent(bound: float) -> float:
            return float(mass @ ndtr((values - bound) / step)) - (so_far - spent_before)  # noqa: B023

        bound = _root(unspent, 0.0, _FAR * root)
        found.append(round(1 - 2 * float(ndtr(-bound / root)), _DIGITS))
        grid = -_FAR * root + (bound + _FAR * root) * (nodes + 1) / 2
        density = np.exp(-(((grid[:, None] - values) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        values, mass = grid, (density @ mass) * weights * (bound + _FAR * root) / 2
        before, spent_before = n, so_far
    return tuple(found)
