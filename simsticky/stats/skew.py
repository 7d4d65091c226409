"""Load skew of a set of pods: how far the fullest and the emptiest stand from the mean.

Every figure is a ratio of two time integrals, never an average of ratios: a minute with ten sessions weighs more
than a minute with one, and an instant at which the set is empty weighs nothing (docs/model.md, rules L).
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

_PAIRWISE_UP_TO = 6
"""Pods up to which adding up all pairs is faster than sorting."""

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
        if pods == 0:
            return
        total = loads.sum(axis=0)
        # Where the set is empty every integrand is 0, but no ratio is to be taken.
        seconds = np.where(total > 0, seconds, 0.0)
        if not seconds.any():
            return
        largest = loads.max(axis=0)
        squared = total * total
        n_squares = pods * (loads * loads).sum(axis=0)
        ratio = largest * pods / np.maximum(total, 1.0)
        self.max += _over(largest, seconds)
        self.min += _over(loads.min(axis=0), seconds)
        self.mean += _over(total, seconds) / pods
        self.sd += _over(np.sqrt(np.maximum(n_squares - squared, 0.0)), seconds) / pods
        self.square_of_sum += _over(squared, seconds)
        self.n_sum_of_squares += _over(n_squares, seconds)
        self.gini += _over(_sum_of_differences(loads), seconds) / pods**2
        self.above_1_2_s += float(seconds[ratio > 1.2].sum())
        self.above_1_5_s += float(seconds[ratio > 1.5].sum())
        self.peak = max(self.peak, float(ratio[seconds > 0.0].max()))

    def merge(self, other: "SkewTotals") -> None:
        """Add the integrals of another stretch of the same set."""
        for name in self.__slots__:
            if name != "peak":
                setattr(self, name, getattr(self, name) + getattr(other, name))
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


def _over(values: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64]) -> float:
    """Return the integral of a piecewise-constant value.

    Not a dot product: that would go to the machine's linear-algebra library, whose result depends on its threads.
    """
    return float((values * seconds).sum())


def _sum_of_differences(loads: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the sum of ``|x_i - x_j|`` over all pairs of pods i < j, for each step; Gini is that over n^2 mean."""
    pods = len(loads)
    if pods <= _PAIRWISE_UP_TO:
        differences = np.zeros(loads.shape[1])
        for first in range(pods):
            for second in range(first + 1, pods):
                differences += np.abs(loads[first] - loads[second])
        return differences
    # For more, through the order statistics: the sum is that of (2i - n - 1) x_(i).
    weights = 2.0 * np.arange(1, pods + 1) - pods - 1.0
    return np.asarray((weights[:, np.newaxis] * np.sort(loads, axis=0)).sum(axis=0))
