"""A histogram of durations with bins of constant ratio: flat in memory, quantiles within half a percent."""

import numpy as np
import numpy.typing as npt

_SMALLEST_S = 1e-6
_RATIO = 1.005
_BINS = 4700
"""From a microsecond to over four hours."""


class LogHistogram:
    """Counts and sums of durations in bins whose edges grow by 0.5 %.

    A quantile is the mean of the values in its bin, so it is off by at most 0.5 %, and exact where all values of a
    bin are equal.
    """

    __slots__ = ("counts", "sums")

    def __init__(self) -> None:
        """Make an empty histogram."""
        self.counts = np.zeros(_BINS, dtype=np.int64)
        self.sums = np.zeros(_BINS)

    def add(self, seconds: npt.NDArray[np.float64]) -> None:
        """Add durations, shape (n,), in seconds."""
        if not len(seconds):
            return
        bins = np.log(np.maximum(seconds, _SMALLEST_S) / _SMALLEST_S) * (1.0 / np.log(_RATIO))
        index = np.minimum(bins.astype(np.int64), _BINS - 1)
        self.counts += np.bincount(index, minlength=_BINS)
        self.sums += np.bincount(index, weights=seconds, minlength=_BINS)

    def quantile(self, share: float) -> float | None:
        """Return the smallest recorded duration with at least ``share`` of all at or below it; None when empty."""
        total = int(self.counts.sum())
        if total == 0:
            return None
        rank = max(1, int(np.ceil(share * total)))
        index = int(np.searchsorted(np.cumsum(self.counts), rank))
        return float(self.sums[index] / self.counts[index])
