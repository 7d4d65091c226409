"""Counts what the rows of requests that are over say: how they ended, what broke, how long they took, their hash."""

from collections import Counter
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

_FEW = 4
"""Codes that are counted one by one, before those that are left are sorted."""
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
        self._special: Counter[float] = Counter()
        self._settled: Counter[float] = Counter()

    def add(self, closed: Columns) -> None:
        """Count rows; at level ``requests`` they are kept, too."""
        if not closed.shape[1]:
            return
        self._hash.add(closed)
        if self._recording.level == "requests":
            self._recording.request_blocks.append(closed.T)
        special = np.flatnonzero(closed[CODE] >= _SPECIAL)
        codes = closed[CODE].take(special)
        times = _times(codes)
        self._special.update(times)
        settled = closed[SENT] >= self._settle_s  # what comes before is not measured (rule O4)
        if not settled.all():
            closed = closed.compress(settled, axis=1)
            codes = codes.compress(settled.take(special))
            special, times = np.flatnonzero(closed[CODE] >= _SPECIAL), _times(codes)
        self._settled.update(times)
        self._measure(closed, special, codes)

    def _measure(self, rows: Columns, special: npt.NDArray[np.intp], codes: Floats) -> None:
        """Count how requests ended, and how long they took: those that are not special were answered.

        Args:
            rows: Those that are measured.
            special: Places of the special ones.
            codes: What those have.
        """
        outcome = outcomes(codes)
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
        """Count what each code says, and put down the digest; no more rows come."""
        self._count_special()
        self._recording.digest = self._hash.hexdigest()
        del self._hash  # and its memory, see ``OpenRows.close``

    def _count_special(self) -> None:
        """Count breaks by mechanism and origin, and failures and breaks by operation, of requests by their codes."""
        codes = sorted(self._special)
        fields: dict[str, npt.NDArray[np.int64]] = unpack_columns(np.array(codes))
        for index, code in enumerate(codes):
            times = self._special[code]
            kind, cause = Kind(fields["kind"][index]), int(fields["cause"][index])
            operation = self._recording.operations[cause - 1] if cause else None
            if kind is Kind.NONE:
                if operation and fields["outcome"][index] not in (Outcome.ANSWERED, Outcome.UNFINISHED):
                    operation.failed += times
                continue
            mechanism = Mechanism(fields["mechanism"][index]).name.lower()
            origin = Origin(fields["origin"][index]).name.lower()
            number = times if operation else self._settled[code]
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


def _times(codes: Floats) -> dict[float, int]:
    """Return how often each code comes: most often there are very few, so those are asked for before any is sorted."""
    found: dict[float, int] = {}
    while len(codes) and len(found) < _FEW:
        others = codes.compress(codes != codes[0])
        found[float(codes[0])] = len(codes) - len(others)
        codes = others
    several, times = np.unique(codes, return_counts=True)
    return found | dict(zip(several.tolist(), times.tolist(), strict=True))
