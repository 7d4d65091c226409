"""When the load is even again: max/mean of the sessions on serving pods, against its own average before (rule L5)."""

import numpy as np
import numpy.typing as npt

from simsticky.stats.skew import integrals, mean_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TOLERANCE = 1.2
"""How many times its average before the load may be and still count as even."""
FOR_S = 60.0
"""How long it has to stay so."""


class Evenness:
    """Follows the sessions on the serving pods, step by step.

    Attributes:
        uneven: Whether the load has been uneven since the first operation.
        even_since_s: Since when it has been even without a break, in seconds of simulated time; NaN while it is not.
        settled: Whether it has been so for :data:`FOR_S`, after having been uneven: nothing more is followed then.
    """

    def __init__(self) -> None:
        self._largest = 0
        self._sums: dict[int, int] = {}
        self._limit = np.inf
        self.uneven = False
        self.even_since_s = np.nan
        self.settled = False

    def before(self, loads: Integers, lasting: Integers) -> None:
        """Take in a stretch before the first operation.

        Args:
            loads: Shape (pods, steps), sessions on each serving pod during each step.
            lasting: Shape (steps,), how long each step lasted, in nanoseconds.
        """
        if len(loads):
            of_all = loads.sum(axis=0)
            largest, every = integrals(np.stack([loads.max(axis=0), of_all]), lasting, int(of_all.max(initial=0)))
            self._largest += largest
            self._sums[len(loads)] = self._sums.get(len(loads), 0) + every

    def begin(self, now_s: float) -> None:
        """The first operation starts."""
        mean = mean_of(self._sums)
        if mean:
            self._limit = TOLERANCE * self._largest / mean
            self.even_since_s = now_s

    def after(self, loads: Integers, edges: Floats) -> None:
        """Take in a stretch from the first operation on.

        Args:
            loads: As for :meth:`before`.
            edges: Shape (steps + 1,), the times at which the steps begin and end; what lasts no time is not looked at.
        """
        if self.settled or not len(loads) or self._limit == np.inf:
            return
        uneven = loads.max(axis=0) * len(loads) > self._limit * loads.sum(axis=0)
        uneven &= edges[1:] > edges[:-1]
        for begin_s, end_s in zip(edges[:-1][uneven].tolist(), edges[1:][uneven].tolist(), strict=True):
            if self._lasted(begin_s):
                return
            self.uneven, self.even_since_s = True, end_s
        self._lasted(float(edges[-1]))

    def since_s(self) -> float:
        """Return since when the load is even again; NaN if it is not for good yet.

        Where it never was uneven, that is the first operation's start.
        """
        return self.even_since_s if self.settled or not self.uneven else np.nan

    def _lasted(self, until_s: float) -> bool:
        if self.uneven and until_s - self.even_since_s >= FOR_S:
            self.settled = True
        return self.settled
