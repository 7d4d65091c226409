"""Counts what the rows of requests that are over say: how they ended, what broke, how long they took, their hash."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from simsticky.recording.record import (
    CODE,
    ENDED,
    SENT,
    WIDTH,
    Kind,
    Mechanism,
    Origin,
    Outcome,
    Recording,
    outcomes,
    unpack_columns,
)
from simsticky.recording.row_hash import RowHash

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.float64]
"""Shape (WIDTH, n), rows as columns: what is done to one number of every row needs them side by side."""

_SPECIAL = float(1 << 20)
"""Codes at or above this carry more than a node and one attempt: a failure or a break."""

_SPECIAL_AT_ONCE = 65_536
"""Special rows that are counted at once: one for one it would take longer than all else."""

_FAILED_KEYS = {
    Outcome.BAD_GATEWAY: "failed.bad_gateway_502",
    Outcome.NO_TARGET: "failed.no_target_503",
    Outcome.TIMED_OUT: "failed.timeout_504",
    Outcome.RESET: "failed.reset",
}


class RowCounter:
    """Counts rows of requests that are over, each once, in any order.

    Args:
        recording: Whose latencies, failures and operations are counted; it also keeps the rows, if it is to.
        count: Adds to a counter of the summary.
    """

    def __init__(self, recording: Recording, count: Callable[[str, int], None]) -> None:
        self._recording = recording
        self.count = count
        self._settle_s = recording.settle_s
        self._hash = RowHash(WIDTH)
        self._special: list[Columns] = []
        self._special_rows = 0

    def add(self, closed: Columns) -> None:
        """Count rows; at level ``requests`` they are kept, too."""
        if not closed.shape[1]:
            return
        self._hash.add(closed)
        if self._recording.level == "requests":
            self._recording.request_blocks.append(closed.T)
        special = np.flatnonzero(closed[CODE] >= _SPECIAL)
        settled = closed[SENT] >= self._settle_s  # what comes before is not measured (rule O4)
        if settled.all():
            self._measure(closed, special)
        else:
            measured = closed.compress(settled, axis=1)
            self._measure(measured, np.flatnonzero(measured[CODE] >= _SPECIAL))
        if len(special):
            self._special.append(np.stack([closed[CODE].take(special), closed[SENT].take(special)]))
            self._special_rows += len(special)
            if self._special_rows >= _SPECIAL_AT_ONCE:
                self._count_special(*np.concatenate(self._special, axis=1))
                self._special, self._special_rows = [], 0

    def _measure(self, rows: Columns, special: npt.NDArray[np.intp]) -> None:
        """Count how requests ended, and how long they took; all but the special ones were answered."""
        outcome = outcomes(rows[CODE].take(special))
        tally = np.bincount(outcome, minlength=len(Outcome))
        unfinished = int(tally[Outcome.UNFINISHED])
        others = np.flatnonzero(outcome != Outcome.ANSWERED)
        self.count("requests_unfinished", unfinished)
        self.count("requests_sent", rows.shape[1] - unfinished)
        self.count("requests_answered", rows.shape[1] - len(others))
        for failure, key in _FAILED_KEYS.items():
            self.count(key, int(tally[failure]))
            self.count("requests_failed", int(tally[failure]))
        latency = rows[ENDED] - rows[SENT]  # with the wait in the pod's queue (rule R2)
        if len(others):
            at = special.take(others)
            latency = np.delete(latency, at)
            is_open, sent_s = outcome[others] == Outcome.UNFINISHED, rows[SENT].take(at)
            self._recording.failures.add(sent_s[~is_open])
            self._recording.failures.left_open(sent_s[is_open])
        self._recording.latency.add(latency)

    def finish(self) -> None:
        """Count what is counted many at once, and put down the digest."""
        if self._special:
            self._count_special(*np.concatenate(self._special, axis=1))
        self._recording.digest = self._hash.hexdigest()

    def _count_special(self, codes: Floats, sent_s: Floats) -> None:
        """Count breaks by mechanism and origin, and failures and breaks by operation, of requests by their codes."""
        late_enough = codes[sent_s >= self._settle_s]
        every = len(late_enough) == len(codes)
        codes, times = np.unique(codes, return_counts=True)
        settled = times if every else np.bincount(np.searchsorted(codes, late_enough), minlength=len(codes))
        fields: dict[str, npt.NDArray[np.int64]] = unpack_columns(codes)
        for index in range(len(codes)):
            kind, cause = Kind(fields["kind"][index]), int(fields["cause"][index])
            operation = self._recording.operations[cause - 1] if cause else None
            if kind is Kind.NONE:
                if operation and fields["outcome"][index] not in (Outcome.ANSWERED, Outcome.UNFINISHED):
                    operation.failed += int(times[index])
                continue
            mechanism = Mechanism(fields["mechanism"][index]).name.lower()
            origin = Origin(fields["origin"][index]).name.lower()
            number = int(times[index] if operation else settled[index])
            self.count(f"mechanism.{mechanism}", number if operation else 0)
            self.count(f"origin.{origin}", number)
            if operation is None:
                self.count("breaks_background", number)
                self.count(f"background.{mechanism}", number)
                continue
            self.count("breaks", number)
            self.count(kind.name.lower(), number)
            operation.breaks += number
            if kind is Kind.LOST:
                operation.lost += number
            else:
                operation.stale += number
