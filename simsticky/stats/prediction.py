"""What one further run will show, told from runs of a model: free of any law, exact for any number of runs.

If the model holds, the run that was observed and the model's are exchangeable: each of the n + 1 is as likely as
another to be the smallest. An interval between order statistics therefore holds the observed one with a probability
that needs no assumption, and so does a test of many figures at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Range(NamedTuple):
    """An interval that holds what one further run shows.

    Attributes:
        low: Its lower end.
        high: Its upper end; both ends belong to it.
        median: The middle of the runs that it is told from.
    """

    low: float
    high: float
    median: float

    def holds(self, value: float) -> bool:
        """Return whether a value lies in it."""
        return self.low <= value <= self.high


def fewest_runs(level: float = 0.95) -> int:
    """Return how many runs a prediction interval of a level needs: 39 for 95 %."""
    return math.ceil(2.0 / (1.0 - level) - 1e-9) - 1


def prediction_range(runs: Sequence[float], level: float = 0.95) -> Range:
    """Return the interval that holds a further run with at least this probability.

    Its ends are the k-th smallest and the k-th largest run with the largest k for which the probability,
    (n + 1 - 2 k) / (n + 1), is at least the level. Ties only raise it.

    Args:
        runs: The runs' values, finite.
        level: The probability.

    Raises:
        ValueError: There are fewer runs than :func:`fewest_runs`.
    """
    n = len(runs)
    if n < fewest_runs(level):
        raise ValueError(f"{n} runs tell no interval of {level:.0%} for one more; that needs {fewest_runs(level)}")
    ordered = np.sort(np.asarray(runs, np.float64))
    k = math.floor((n + 1) * (1.0 - level) / 2.0 + 1e-9)
    return Range(float(ordered[k - 1]), float(ordered[n - k]), float(np.median(ordered)))


def joint_probability(observed: Sequence[float], runs: Sequence[Sequence[float]], resolution: Sequence[float]) -> float:
    """Return how likely a run of the model is to be at least as far out as the observed one, over all figures at once.

    The distance of a run is its largest deviation from the middle over the figures, each measured by how far the
    figure spreads on that side among all n + 1 runs, and at least by what it is resolved to. All runs are treated
    alike, the observed one included, so that the answer is exact whatever the figures have to do with each other: a
    model that holds gives less than 5 % at most 5 times in 100.

    Args:
        observed: One value a figure.
        runs: The runs, each with one value a figure in the same order.
        resolution: Of each figure the smallest difference that means something, above 0: half of 1 for a count.

    Returns:
        A multiple of 1 / (n + 1), at most 1.
    """
    everything = np.vstack([np.asarray(observed, np.float64), np.asarray(runs, np.float64)])
    middle = np.median(everything, axis=0)
    low, high = np.quantile(everything, [0.025, 0.975], axis=0)
    floor = np.asarray(resolution, np.float64)
    away = everything - middle
    spread = np.where(away > 0, np.maximum(high - middle, floor), np.maximum(middle - low, floor))
    distance = (np.abs(away) / spread).max(axis=1)
    return float(np.mean(distance >= distance[0]))
