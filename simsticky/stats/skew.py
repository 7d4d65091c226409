"""Load skew of a set of pods: how far the fullest and the emptiest stand from the mean.

Every figure is a ratio of two time integrals, never an average of ratios: a minute with ten sessions weighs more
than a minute with one, and an instant at which the set is empty weighs nothing (docs/model.md, rules L).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

_EXCHANGE_UP_TO = 8
"""Pods up to which exchanging whole rows is faster than sorting every step."""

FIGURES = ("max_to_mean", "min_to_mean", "cv", "jain", "gini", "peak")
"""Names of the figures of :meth:`SkewTotals.figures`."""


@dataclass(slots=True)
class SkewTotals:
    """Integrals over time (unit: load x seconds) from which each figure of a window is a ratio.

    ``peak`` is the largest max/mean seen, ``above_1_2_s`` and ``above_1_5_s`` the seconds spent above these values.
    """

    max: float = 0.0
    min: float = 0.0
    mean: float = 0.0
    sd: float = 0.0
    square_of_sum: float = 0.0
    n_sum_of_squares: float = 0.0
    gini: float = 0.0
    above_1_2_s: float = 0.0
    above_1_5_s: float = 0.0
    peak: float = 0.0

    def add(self, loads: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64]) -> None:
        """Add a stretch of piecewise-constant loads.

        Args:
            loads: Shape (pods, steps), the load of each pod of the set during each step. One row a pod, because
                reductions over few long rows are several times faster than over many short ones.
            seconds: Shape (steps,), how long each step lasted.
        """
        pods = len(loads)
        if pods == 0 or not len(seconds):
            return
        ordered = _in_order(loads)
        smallest, largest = ordered[0], ordered[-1]
        total = loads.sum(axis=0)
        if not total.all():
            # Where the set is empty every integrand is 0, but no ratio is to be taken.
            seconds = np.where(total > 0.0, seconds, 0.0)
            if not seconds.any():
                return
        squared = total * total
        n_squares = np.einsum("ps,ps->s", loads, loads) * pods
        ratio = largest * pods / np.maximum(total, 1.0)
        self.max += _over(largest, seconds)
        self.min += _over(smallest, seconds)
        self.mean += _over(total, seconds) / pods
        self.sd += _over(np.sqrt(np.maximum(n_squares - squared, 0.0)), seconds) / pods
        self.square_of_sum += _over(squared, seconds)
        self.n_sum_of_squares += _over(n_squares, seconds)
        # The sum of |x_i - x_j| over all pairs is that of (2i - n - 1) x_(i); Gini is that over n^2 mean.
        weights = 2.0 * np.arange(1, pods + 1) - pods - 1.0
        self.gini += float((weights * np.array([_over(load, seconds) for load in ordered])).sum()) / pods**2
        self.above_1_2_s += _over(ratio > 1.2, seconds)
        self.above_1_5_s += _over(ratio > 1.5, seconds)
        self.peak = max(self.peak, float(ratio.max(where=seconds > 0.0, initial=0.0)))

    def merge(self, other: "SkewTotals") -> None:
        """Add the integrals of another stretch of the same set."""
        self.max += other.max
        self.min += other.min
        self.mean += other.mean
        self.sd += other.sd
        self.square_of_sum += other.square_of_sum
        self.n_sum_of_squares += other.n_sum_of_squares
        self.gini += other.gini
        self.above_1_2_s += other.above_1_2_s
        self.above_1_5_s += other.above_1_5_s
        self.peak = max(self.peak, other.peak)

    def copy(self) -> "SkewTotals":
        """Return an independent copy."""
        return SkewTotals(*(getattr(self, field.name) for field in fields(self)))

    def figures(self) -> dict[str, float | None]:
        """Return the figures by name; all are missing (None) where the set was empty throughout."""
        if self.mean == 0.0:
            return {**dict.fromkeys(FIGURES), "time_above_1_2_s": None, "time_above_1_5_s": None}
        return {
            "max_to_mean": self.max / self.mean,
            "min_to_mean": self.min / self.mean,
            "cv": self.sd / self.mean,
            "jain": self.square_of_sum / self.n_sum_of_squares,
            "gini": self.gini / self.mean,
            "peak": self.peak,
            "time_above_1_2_s": self.above_1_2_s,
            "time_above_1_5_s": self.above_1_5_s,
        }


def _over(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64]) -> float:
    """Return the integral of a piecewise-constant value.

    Not a dot product: that would go to the machine's linear-algebra library, whose result depends on its threads.
    """
    return float(np.einsum("s,s->", values, seconds))


def _in_order(loads: npt.NDArray[np.float64]) -> Sequence[npt.NDArray[np.float64]]:
    """Return the order statistics of each step, the smallest first: as many rows as pods."""
    pods = len(loads)
    if pods > _EXCHANGE_UP_TO:
        return list(np.sort(loads, axis=0))
    rows = list(loads)
    for last in range(pods - 1, 0, -1):
        for row in range(last):
            lower, upper = rows[row], rows[row + 1]
            rows[row], rows[row + 1] = np.minimum(lower, upper), np.maximum(lower, upper)
    return rows
