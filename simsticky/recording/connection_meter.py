"""The connection meter: how many clients connect at once, and how long they are without a connection."""

from collections import deque
from collections.abc import Callable

import numpy as np

from simsticky.recording.record import ConnectionTotals
from simsticky.stats.histogram import LogHistogram

_SPAN_S = 1.0


class ConnectionMeter:
    """Counts connects and losses after ``run.settle``, in memory that grows with the connects of one second only.

    Args:
        totals: Where the figures go.
        settle_s: What happens before this time is left out.
        count: Adds to a counter of the summary.
    """

    def __init__(self, totals: ConnectionTotals, settle_s: float, count: Callable[[str], None]) -> None:
        self._totals = totals
        self._settle_s = settle_s
        self._count = count
        self._in_window = False
        self._latest_s: deque[float] = deque()

    def start(self, now_s: float) -> None:
        """Begin the window in which the peak is looked for: at the first operation, without any after the settling."""
        self._in_window = True
        self._totals.before_s = max(0.0, now_s - self._settle_s)

    def connect(self, now_s: float, *, again: bool) -> None:
        """A client sends a connect; ``again``: it has had a connection before."""
        if now_s < self._settle_s:
            return
        self._count("connects")
        if again:
            self._count("reconnects")
        if not self._in_window:
            self._totals.before += 1
            return
        latest = self._latest_s
        latest.append(now_s)
        while latest[0] <= now_s - _SPAN_S:
            latest.popleft()
        self._totals.peak = max(self._totals.peak, len(latest))

    def lost(self, now_s: float) -> None:
        """A session that is not over has lost its connection."""
        if now_s >= self._settle_s:
            self._count("connections_lost")

    def regained(self, lost_s: float, now_s: float) -> None:
        """It has a connection again."""
        self._gap(self._totals.gaps, lost_s, now_s)

    def given_up(self, lost_s: float, now_s: float) -> None:
        """A session is over because its client has given up connecting; ``lost_s`` is NaN if it never was connected."""
        if now_s >= self._settle_s:
            self._count("sessions_given_up")
        self._gap(self._totals.given_up, lost_s, now_s)

    def still_without(self, lost_s: float, now_s: float) -> None:
        """The run ends, and it has no connection yet; ``lost_s`` is NaN if it never had one."""
        if lost_s >= self._settle_s:
            self._count("clients_still_disconnected")
        self._gap(self._totals.open_gaps, lost_s, now_s)

    def _gap(self, ended: LogHistogram, lost_s: float, now_s: float) -> None:
        if lost_s >= self._settle_s:
            ended.add(np.array([now_s - lost_s]))
            self._totals.longest_gap_s = max(self._totals.longest_gap_s, now_s - lost_s)
