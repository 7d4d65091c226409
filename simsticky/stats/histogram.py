"""A histogram of durations with bins of constant ratio: flat in memory, quantiles within half a percent."""

import numpy as np
import numpy.typing as npt

_SMALLEST_S = 1e-6
_LARGEST_S = 2.0**40
_RATIO = 1.005
_BINS = 4700
"""From a microsecond to over four hours."""

_LOW_BITS = 27
_LOW = (1 << _LOW_BITS) - 1


def _places() -> npt.NDArray[np.int64]:
    """Return for each bin how many binary places of its durations count: all that a float64 of that size has.

    The last bin also takes what is far beyond its edge, to microseconds.
    """
    edges = _SMALLEST_S * _RATIO ** np.arange(_BINS)
    places: npt.NDArray[np.int64] = 54 - np.floor(np.log2(edges)).astype(np.int64)
    places[-1] = 20
    return places


_PLACES = _places()
_SCALE = np.ldexp(1.0, _PLACES)

Floats = npt.NDArray[np.float64]


class LogHistogram:
    """Counts and sums of durations in bins whose edges grow by 0.5 %.

    A quantile is the mean of the values in its bin, so it is off by at most 0.5 %, and exact where all values of a
    bin are equal. Sums are kept in whole units of the last binary place that a duration of the bin has, so they are
    exact, and neither the order nor the grouping in which durations come is seen in them.
    """

    __slots__ = ("_high", "_low", "counts")

    def __init__(self) -> None:
        self.counts = np.zeros(_BINS, dtype=np.int64)
        # The sum is ``_high * 2**27 + _low``: one integer of 64 bits would hold only 500 values.
        self._high = np.zeros(_BINS, dtype=np.int64)
        self._low = np.zeros(_BINS, dtype=np.int64)

    def add(self, seconds: Floats) -> None:
        """Add durations, shape (n,), in seconds."""
        if not len(seconds):
            return
        seconds = np.minimum(seconds, _LARGEST_S)
        bins = np.log(np.maximum(seconds, _SMALLEST_S) / _SMALLEST_S) * (1.0 / np.log(_RATIO))
        index = np.minimum(bins.astype(np.int64), _BINS - 1)
        units = (seconds * _SCALE.take(index)).astype(np.int64)
        np.add.at(self.counts, index, 1)
        np.add.at(self._high, index, units >> _LOW_BITS)
        np.add.at(self._low, index, units & _LOW)

    def merged(self, *others: "LogHistogram") -> "LogHistogram":
        """Return a histogram of all values of this one and the others."""
        both = LogHistogram()
        for one in (self, *others):
            both.counts += one.counts
            both._high += one._high
            both._low += one._low
        return both

    def means(self, bins: npt.NDArray[np.int64]) -> Floats:
        """Return the mean duration of each of some bins, in seconds; none of them may be empty."""
        counts = self.counts[bins]
        whole = self._high[bins] / counts * 2.0**_LOW_BITS + self._low[bins] / counts
        means: Floats = np.ldexp(whole, -_PLACES[bins])
        return means

    def quantile(self, share: float) -> float | None:
        """Return the smallest recorded duration with at least ``share`` of all at or below it; None when empty."""
        total = int(self.counts.sum())
        if total == 0:
            return None
        rank = max(1, int(np.ceil(share * total)))
        index = np.searchsorted(np.cumsum(self.counts), [rank])
        return float(self.means(index)[0])
