"""Load skew of a set of pods: how far the fullest and the emptiest stand from the mean.

Every figure is a ratio of two time integrals, never an average of ratios: a minute with ten sessions weighs more
than a minute with one, and an instant at which the set is empty weighs nothing (docs/model.md, rules L).

Loads are whole numbers and time is counted in whole nanoseconds, so the integrals are whole numbers, too: they are
exact, and neither the order nor the pieces in which they are added up are seen in a figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum, isqrt

import numpy as np
import numpy.typing as npt

TICKS_PER_S = 1e9
_EXCHANGE_UP_TO = 8
"""Pods up to which exchanging whole rows is faster than sorting every step, where steps are many."""
_SORTED_STEPS = 60
"""So many steps are sorted in the time that one exchange of rows takes at least."""

FIGURES = ("max_to_mean", "min_to_mean", "cv", "jain", "gini", "peak")
"""Names of the figures of :meth:`SkewTotals.figures`."""

Integers = npt.NDArray[np.int64]

_ROOT_BITS = 15
"""Of a square root so many binary places go into a first sum and as many again into a second."""
_ROOT_UNIT = 1 << _ROOT_BITS
_LARGEST = (1 << 63) - 1
_OTHERS = 6


def ticks(edges: npt.NDArray[np.float64]) -> Integers:
    """Return how long each step lasts, in nanoseconds, by the times at which steps begin and end, in seconds."""
    at: Integers = np.rint(edges * TICKS_PER_S).astype(np.int64)
    return at[1:] - at[:-1]


class Room:
    """Memory for matrices of whole numbers, one after the other.

    Memory that the system hands out afresh costs more than what is computed in it.
    """

    def __init__(self) -> None:
        self._cells = np.empty(0, np.int64)

    def rows(self, rows: int, length: int) -> Integers:
        """Return a matrix of any content, until somebody asks for the next one."""
        if rows * length > len(self._cells):
            self._cells = np.empty(rows * length, np.int64)
        return self._cells[: rows * length].reshape(rows, length)


@dataclass(slots=True)
class SkewTotals:
    """Integrals over time (unit: load x nanoseconds) from which each figure of a window is a ratio.

    Attributes:
        sums: By the number of pods in the set: of its order statistics, the smallest load first, of the square of the
            sum, of the sum of squares times the number of pods, of the root of their difference in two parts (see
            :data:`_ROOT_BITS`), and the time that max/mean was above 1.2 and above 1.5.
        peak: The largest max/mean seen.
    """

    sums: dict[int, list[int]] = field(default_factory=dict)
    peak: float = 0.0

    def add(self, loads: Integers, lasting: Integers, room: "Room | None" = None) -> None:
        """Add a stretch of piecewise-constant loads.

        Args:
            loads: Shape (pods, steps), the load of each pod of the set during each step. One row a pod, because
                reductions over few long rows are several times faster than over many short ones.
            lasting: Shape (steps,), how long each step lasted, in nanoseconds.
            room: Used for what is computed on the way, by somebody who has many stretches to add.
        """
        pods, steps = loads.shape
        if pods == 0 or steps == 0:
            return
        integrands = (room or Room()).rows(pods + _OTHERS, steps)
        ordered = integrands[:pods]
        _put_in_order(loads, ordered)
        squared, n_squares, high, low, above_1_2, above_1_5 = integrands[pods:]
        total = np.add.reduce(loads, axis=0)
        np.multiply(total, total, out=squared)
        np.multiply(np.einsum("ps,ps->s", loads, loads), pods, out=n_squares)
        root = (np.sqrt(n_squares - squared) * (1 << 2 * _ROOT_BITS)).astype(np.int64)
        np.right_shift(root, _ROOT_BITS, out=high)
        np.bitwise_and(root, _ROOT_UNIT - 1, out=low)
        ratio = ordered[-1] * pods / np.maximum(total, 1)  # 0 where the set is empty
        np.greater(ratio, 1.2, out=above_1_2, casting="unsafe")
        np.greater(ratio, 1.5, out=above_1_5, casting="unsafe")
        most = int(n_squares.max())
        largest = max(most, (isqrt(most) + 1) * _ROOT_UNIT)
        self._add(pods, integrals(integrands, lasting, largest))
        self.peak = max(self.peak, float(ratio.max(where=lasting > 0, initial=0.0)))

    def merge(self, other: "SkewTotals") -> None:
        """Add the integrals of another stretch of the same set."""
        for pods, sums in other.sums.items():
            self._add(pods, sums)
        self.peak = max(self.peak, other.peak)

    def copy(self) -> "SkewTotals":
        """Return an independent copy."""
        return SkewTotals({pods: list(sums) for pods, sums in self.sums.items()}, self.peak)

    @property
    def max(self) -> float:
        """The integral of the largest load, in load x seconds."""
        return sum(sums[pods - 1] for pods, sums in self.sums.items()) / TICKS_PER_S

    @property
    def mean(self) -> float:
        """The integral of the mean load, in load x seconds."""
        return mean_of({pods: sum(sums[:pods]) for pods, sums in self.sums.items()}) / TICKS_PER_S

    def figures(self) -> dict[str, float | None]:
        """Return the figures by name; all are missing (None) where the set was empty throughout (rule L3)."""
        mean = self.mean * TICKS_PER_S
        if mean == 0.0:
            return {**dict.fromkeys(FIGURES), "time_above_1_2_s": None, "time_above_1_5_s": None}
        squared, n_squares, high, low, above_1_2, above_1_5 = (
            {pods: sums[pods + number] for pods, sums in self.sums.items()} for number in range(_OTHERS)
        )
        root = {pods: (high[pods] * _ROOT_UNIT + low[pods]) / (1 << 2 * _ROOT_BITS) for pods in self.sums}
        # The sum of |x_i - x_j| over all pairs is that of (2i - n - 1) x_(i); Gini is that over n^2 mean.
        gini = {
            pods: sum((2 * place - pods + 1) * sums[place] for place in range(pods)) / pods
            for pods, sums in self.sums.items()
        }
        return {
            "max_to_mean": self.max * TICKS_PER_S / mean,
            "min_to_mean": sum(sums[0] for sums in self.sums.values()) / mean,
            "cv": mean_of(root) / mean,
            "jain": sum(squared.values()) / sum(n_squares.values()),
            "gini": mean_of(gini) / mean,
            "peak": self.peak,
            "time_above_1_2_s": sum(above_1_2.values()) / TICKS_PER_S,
            "time_above_1_5_s": sum(above_1_5.values()) / TICKS_PER_S,
        }

    def _add(self, pods: int, sums: Sequence[int]) -> None:
        before = self.sums.get(pods)
        self.sums[pods] = list(sums) if before is None else [a + b for a, b in zip(before, sums, strict=True)]


def mean_of(of_all: Mapping[int, float]) -> float:
    """Return the integral of a mean over the pods, given that of the sum over them for each number of pods."""
    return fsum(value / pods for pods, value in of_all.items())


def integrals(integrands: Integers, lasting: Integers, largest: int) -> list[int]:
    """Return the integral over time of each of some values, exactly.

    Not a product of matrices of floats: that would go to the machine's linear-algebra library, whose result depends on
    its threads.

    Args:
        integrands: Shape (values, steps), none of them negative.
        lasting: Shape (steps,), how long each step lasted, in nanoseconds.
        largest: A number that none of the integrands exceeds.
    """
    steps = len(lasting)
    if largest * int(lasting.sum()) <= _LARGEST:
        found: list[int] = np.einsum("is,s->i", integrands, lasting).tolist()
        return found
    if steps == 1:
        return [value * int(lasting[0]) for value in integrands[:, 0].tolist()]
    parts = (slice(0, steps // 2), slice(steps // 2, None))
    first, second = (integrals(integrands[:, part], lasting[part], largest) for part in parts)
    return [a + b for a, b in zip(first, second, strict=True)]


def _put_in_order(loads: Integers, ordered: Integers) -> None:
    """Write the order statistics of each step, the smallest first: as many rows as pods."""
    pods, steps = loads.shape
    if pods > _EXCHANGE_UP_TO or steps < _SORTED_STEPS * pods * (pods - 1):
        ordered[:] = np.sort(np.ascontiguousarray(loads.T), axis=1).T
        return
    ordered[:] = loads
    lower = np.empty_like(ordered[0])
    for last in range(pods - 1, 0, -1):
        for row in range(last):
            np.minimum(ordered[row], ordered[row + 1], out=lower)
            np.maximum(ordered[row], ordered[row + 1], out=ordered[row + 1])
            ordered[row] = lower
