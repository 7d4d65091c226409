"""Many synthetic studies at once: each run draws its own chance of a break, each of its sessions breaks with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsticky.stats.shares import limits
from simsticky.study.looks import plan

SESSIONS = 500
"""Sessions of a run."""

_AT_ONCE = 4000

Numbers = NDArray[np.float64]


def broken(rng: np.random.Generator, p: float, icc: float, shape: tuple[int, int]) -> Numbers:
    """Broken sessions of each run, one row a study; beta-binomial with the intraclass correlation."""
    if icc == 0:
        return rng.binomial(SESSIONS, p, shape).astype(float)
    a, b = p * (1 - icc) / icc, (1 - p) * (1 - icc) / icc
    return rng.binomial(SESSIONS, rng.beta(a, b, shape)).astype(float)


@dataclass
class Sums:
    """What the interval of a share needs of each study, added up run by run."""

    counts: Numbers
    squares: Numbers
    runs: int = 0

    @classmethod
    def of(cls, studies: int) -> Sums:
        """Sums of studies that have no runs yet."""
        return cls(np.zeros(studies), np.zeros(studies))

    def add(self, rng: np.random.Generator, p: float, icc: float, runs: int, to: NDArray[np.intp]) -> None:
        """Add runs to some of the studies; the others are over."""
        for start in range(0, len(to), _AT_ONCE):
            rows = to[start : start + _AT_ONCE]
            counts = broken(rng, p, icc, (len(rows), runs))
            self.counts[rows] += counts.sum(axis=1)
            self.squares[rows] += (counts**2).sum(axis=1)
        self.runs += runs

    def limits(self, rows: NDArray[np.intp], level: float) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """Lower ends, upper ends, and whether there are few events."""
        size = self.runs * SESSIONS
        share = self.counts[rows] / size
        squares = self.squares[rows] - self.counts[rows] ** 2 / self.runs
        binomial = share * (1 - share) / size
        variance = self.runs / (self.runs - 1) * squares / size**2
        deff = np.maximum(1.0, np.divide(variance, binomial, out=np.ones_like(share), where=binomial > 0))
        low, high, few = limits(share, deff, size, self.runs, level)
        return low, high, few


@dataclass(frozen=True)
class Tails:
    """Shares of the studies whose interval misses the truth, and with few events."""

    truth_above: float
    truth_below: float
    few: float
    truth_above_without_few: float


def tails(p: float, icc: float, runs: int, studies: int, level: float = 0.95, seed: int = 2026) -> Tails:
    """How often the interval of a share misses the truth on each side."""
    sums, rows = Sums.of(studies), np.arange(studies)
    sums.add(np.random.default_rng(seed), p, icc, runs, rows)
    low, high, few = sums.limits(rows, level)
    missed = high < p
    return Tails(*(float(np.mean(found)) for found in (missed, low > p, few, missed & ~few)))


@dataclass(frozen=True)
class Decided:
    """Shares of the studies that say "less" and "more" than the threshold, and the mean number of replications."""

    less: float
    more: float
    replications: float


def decided(p: float, icc: float, threshold: float, cap: int, studies: int, seed: int = 2026) -> Decided:
    """Look at each study until it is decided, or the cap."""
    rng = np.random.default_rng(seed)
    sums, rows = Sums.of(studies), np.arange(studies)
    less = more = used = 0
    for look in plan(cap):
        sums.add(rng, p, icc, look.n - sums.runs, rows)
        low, high, _ = sums.limits(rows, look.level)
        below, above = high < threshold, low > threshold
        ends = np.ones_like(below) if look.last else below | above
        less, more, used = less + below.sum(), more + above.sum(), used + look.n * ends.sum()
        rows = rows[~ends]
    return Decided(less / studies, more / studies, used / studies)


def smallest_n(p: float, icc: float, threshold: float, studies: int = 4000, power: float = 0.95) -> int:
    """The smallest fixed number of replications that decides rightly with a power, looked at once at 95 %."""
    rng = np.random.default_rng(7)
    sums, rows = Sums.of(studies), np.arange(studies)
    sums.add(rng, p, icc, 1, rows)
    while True:
        sums.add(rng, p, icc, 1, rows)
        low, high, _ = sums.limits(rows, 0.95)
        if np.mean(high < threshold if p < threshold else low > threshold) >= power:
            return sums.runs
