"""Failed requests in windows of ten seconds: what recovery is told from (rule R4)."""

import numpy as np
import numpy.typing as npt

WINDOW_S = 10.0


class FailureWindows:
    """Counts failed requests by the time of their sending, before and since the first operation.

    Attributes:
        before: Failed requests sent between ``run.settle`` and the first operation.
        before_s: How long that was; 0 without an operation.
        counts: Failed requests of each window since, the first window's first.
        last_s: When the last of them was sent, in seconds of simulated time; NaN without any.
        open_from_s: When the first request was sent that was still open when the run ended; infinite without any.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._begin_s = np.inf
        self.before = 0
        self.before_s = 0.0
        self.counts: list[int] = []
        self.last_s = np.nan
        self.open_from_s = np.inf

    def begin(self, now_s: float) -> None:
        """The first operation starts; what was sent before it may end later."""
        self._begin_s = now_s
        self.before_s = max(0.0, now_s - self._settle_s)

    def left_open(self, sent_s: npt.NDArray[np.float64]) -> None:
        """Note requests that had not ended when the run did: what became of them is not known."""
        self.open_from_s = min(self.open_from_s, float(sent_s.min(initial=np.inf)))

    def add(self, sent_s: npt.NDArray[np.float64]) -> None:
        """Count failed requests by their times of sending, shape (n,), all after ``run.settle``."""
        since = sent_s[sent_s >= self._begin_s]
        self.before += len(sent_s) - len(since)
        if not len(since):
            return
        self.last_s = float(np.nanmax([self.last_s, since.max()]))
        windows = ((since - self._begin_s) / WINDOW_S).astype(np.int64)
        self.counts += [0] * (int(windows.max()) + 1 - len(self.counts))
        for window in windows.tolist():
            self.counts[window] += 1
