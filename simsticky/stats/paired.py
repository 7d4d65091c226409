"""Differences between two sets of replications: paired on common random numbers, or independent.

Replication i of both sets met the same sessions and the same luck, so the luck cancels in the difference; how much
it does is ``Difference.variance_ratio``. As everywhere, one replication is one observation. ``None`` and NaN mean
*missing*; a pair of which one is missing is left out and counted.

SciPy is imported inside the functions, so that the command line starts without it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from simsticky.stats.intervals import LEVEL, Interval, Kind, Values, ratio_of_sums, share_interval


@dataclass(frozen=True, slots=True)
class Difference:
    """The second of two estimates minus the first.

    Attributes:
        interval: Estimate and interval of the difference, in the metric's unit.
        p_value: Two-sided, of the hypothesis that there is no difference; None without an interval.
        paired: Whether replication i of both sets shared its random numbers.
        variance_ratio: Variance of the difference had the sets been independent, over the one it has: what pairing
            is worth. None where nothing is paired or nothing varies.
        standard_error: Of the difference; None without an interval.
        degrees: Degrees of freedom of Student's t.
    """

    interval: Interval
    p_value: float | None
    paired: bool
    variance_ratio: float | None = None
    standard_error: float | None = None
    degrees: float = 0.0

    def at_level(self, level: float) -> Difference:
        """Return the same difference with an interval of another confidence level."""
        interval = self.interval
        if interval.kind == "bounds" and interval.low is not None and interval.high is not None:
            # Each bound is the logarithm of its tail over the units at risk.
            wider = math.log((1 - level) / 2) / math.log((1 - interval.level) / 2)
            ends = replace(interval, low=interval.low * wider, high=interval.high * wider, level=level)
            return replace(self, interval=ends)
        if self.standard_error is None or interval.estimate is None:
            return self
        half = _t(level, self.degrees) * self.standard_error
        ends = replace(interval, low=interval.estimate - half, high=interval.estimate + half, level=level)
        return replace(self, interval=ends)


def mean_difference(first: Values, second: Values, *, paired: bool, level: float = LEVEL) -> Difference:
    """Difference of two means: paired t, or Welch's t where the sets are independent.

    Args:
        first: One number a replication.
        second: One number a replication; paired: in the same order.
        paired: Whether replication i of both shared its random numbers.
        level: Confidence level in (0, 1).
    """
    if paired:
        kept = [(float(a), float(b)) for a, b in zip(first, second, strict=True) if _known(a) and _known(b)]
        left_out = len(first) - len(kept)
        if not kept:
            return _nothing(level, left_out, paired)
        a, b = [pair[0] for pair in kept], [pair[1] for pair in kept]
        residuals = [y - x for x, y in kept]
        estimate = math.fsum(residuals) / len(kept)
        centred = [residual - estimate for residual in residuals]
        return _paired(estimate, centred, _variance(a) + _variance(b), "paired t", left_out, level)
    a, b = ([float(v) for v in values if _known(v)] for values in (first, second))
    left_out = len(first) + len(second) - len(a) - len(b)
    if not a or not b:
        return _nothing(level, left_out, paired)
    estimate = math.fsum(b) / len(b) - math.fsum(a) / len(a)
    return _independent(estimate, (_variance(a), len(a)), (_variance(b), len(b)), "Welch t", left_out, level)


def ratio_difference(
    first: tuple[Values, Values],
    second: tuple[Values, Values],
    *,
    paired: bool,
    share: bool = False,
    level: float = LEVEL,
) -> Difference:
    """Difference of two ratios of sums, each ``sum(numerators) / sum(denominators)``, by linearisation.

    Replication i stands for ``z = (y - r x) / mean(x)`` of each set; paired, the variance is that of the difference
    of the two z, which keeps their correlation (Cochran, Sampling Techniques, ch. 6, for the difference of two
    ratios). Where nothing was counted on either side, the interval is made of both sides' upper bounds.

    Args:
        first: Numerators and denominators, one of each a replication.
        second: The same of the other set; paired: in the same order.
        paired: Whether replication i of both shared its random numbers.
        share: Whether the ratio is a share of units, for the bounds.
        level: Confidence level in (0, 1).
    """
    total = len(first[0]) if paired else len(first[0]) + len(second[0])
    if paired:
        rows = list(zip(*first, *second, strict=True))
        kept = [[float(v) for v in row if _known(v)] for row in rows]
        whole = [row for row in kept if len(row) == 4 and row[1] > 0 and row[3] > 0]
        a, b = [(row[0], row[1]) for row in whole], [(row[2], row[3]) for row in whole]
        left_out = total - len(whole)
    else:
        a, b = _pairs(first), _pairs(second)
        left_out = total - len(a) - len(b)
    if not a or not b:
        return _nothing(level, left_out, paired)
    (r_a, z_a), (r_b, z_b) = _linearised(a), _linearised(b)
    if r_a == 0 == r_b and min(len(a), len(b)) > 1:
        bounds = [_bound(side, share, level) for side in (a, b)]
        interval = Interval(0.0, -bounds[0], bounds[1], level, "bounds", min(len(a), len(b)), left_out)
        return Difference(interval, 1.0, paired)
    estimate = r_b - r_a
    if paired:
        centred = [y - x for x, y in zip(z_a, z_b, strict=True)]
        return _paired(estimate, centred, _variance(z_a) + _variance(z_b), "paired ratio t", left_out, level)
    return _independent(estimate, (_variance(z_a), len(a)), (_variance(z_b), len(b)), "ratio Welch t", left_out, level)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for all being asked at once, step down (Holm 1979); None stays None."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for place, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - place)))
        adjusted[index] = largest
    return adjusted


def holm_levels(p_values: Sequence[float | None], level: float = LEVEL) -> list[float]:
    """Return for each hypothesis the confidence level at which Holm's procedure tests it.

    An interval of that level leaves 0 out exactly where Holm rejects: the i-th smallest of m p-values is tested at
    ``1 - (1 - level) / (m - i + 1)``, and all behind the first that is not rejected at that one's level.
    """
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    levels = [level] * len(p_values)
    step, rejecting = 0, True
    for place, (p, index) in enumerate(order):
        if rejecting:
            step = place
            rejecting = p <= (1 - level) / (len(order) - place)
        levels[index] = 1 - (1 - level) / (len(order) - step)
    return levels


def _known(value: float | int | None) -> TypeGuard[float | int]:
    return value is not None and not math.isnan(value)


def _pairs(of: tuple[Values, Values]) -> list[tuple[float, float]]:
    both = zip(*of, strict=True)
    return [(float(y), float(x)) for y, x in both if y is not None and x is not None and _known(y) and x > 0]


def _linearised(pairs: list[tuple[float, float]]) -> tuple[float, list[float]]:
    """The ratio of sums and what each replication adds to its error; these add up to 0."""
    size = math.fsum(x for _, x in pairs)
    ratio = math.fsum(y for y, _ in pairs) / size
    mean = size / len(pairs)
    return ratio, [(y - ratio * x) / mean for y, x in pairs]


def _variance(values: list[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _paired(estimate: float, centred: list[float], apart: float, kind: Kind, left_out: int, level: float) -> Difference:
    """Make a paired difference from what each pair adds to its error, and the two variances added up."""
    n = len(centred)
    if n < 2:
        return Difference(Interval(estimate, None, None, level, "none", n, left_out), None, True)
    together = math.fsum(value * value for value in centred) / (n - 1)
    ratio = apart / together if together > 0 else None
    return _difference(estimate, together / n, n - 1, kind, n, left_out, level, ratio, paired=True)


def _independent(
    estimate: float, a: tuple[float, int], b: tuple[float, int], kind: Kind, left_out: int, level: float
) -> Difference:
    """Make a difference of independent sets from each one's variance and size (Welch 1947, Satterthwaite 1946)."""
    n = min(a[1], b[1])
    if n < 2:
        return Difference(Interval(estimate, None, None, level, "none", n, left_out), None, False)
    parts = [variance / size for variance, size in (a, b)]
    spread = math.fsum(parts)
    weights = math.fsum(part**2 / (size - 1) for part, (_, size) in zip(parts, (a, b), strict=True))
    degrees = spread**2 / weights if weights > 0 else float(n - 1)
    return _difference(estimate, spread, degrees, kind, n, left_out, level, None, paired=False)


def _difference(
    estimate: float,
    squared_error: float,
    degrees: float,
    kind: Kind,
    used: int,
    left_out: int,
    level: float,
    ratio: float | None,
    *,
    paired: bool,
) -> Difference:
    from scipy.special import stdtr

    error = math.sqrt(squared_error)
    without_spread = 1.0 if estimate == 0 else 0.0
    p = 2 * float(stdtr(degrees, -abs(estimate) / error)) if error > 0 else without_spread
    half = _t(level, degrees) * error
    interval = Interval(estimate, estimate - half, estimate + half, level, kind, used, left_out)
    return Difference(interval, p, paired, ratio, error, degrees)


def _bound(side: list[tuple[float, float]], share: bool, level: float) -> float:
    """The one-sided upper bound of a side of which nothing was counted, as of an estimate of its own."""
    none, units = [0.0] * len(side), [x for _, x in side]
    high = (share_interval if share else ratio_of_sums)(none, units, level).high
    assert high is not None
    return high


def _nothing(level: float, left_out: int, paired: bool) -> Difference:
    return Difference(Interval(None, None, None, level, "none", 0, left_out), None, paired)


def _t(level: float, degrees: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + level / 2))
