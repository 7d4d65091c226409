"""The recorder: what the running model writes to.

The hot path appends seven numbers to one flat list (:attr:`Recorder.rows`) and never looks back. From time to time
the list is *sealed*: turned into a NumPy block, split into rows that are over and rows still open, counted, measured,
and kept or dropped by record level. So memory stays flat below the level ``requests``, and every figure of the
summary is the same at every level.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.sim.load_meter import Changes, LoadMeter
from simsticky.sim.recording import (
    CODE,
    CONTAINER,
    ENDED,
    SENT,
    SESSION_COLUMNS,
    STARTED,
    WIDTH,
    EventRecord,
    Kind,
    Mechanism,
    Origin,
    Outcome,
    Recording,
    Rows,
    outcomes,
    pack,
    unpack_columns,
)

SEAL_AT = 4_096 * WIDTH
"""Length of the flat list at which the model asks for a seal."""

_SPECIAL = float(1 << 20)
"""Codes at or above this carry more than a node and one attempt: a failure or a break."""

_FAILED_KEYS = {
    Outcome.BAD_GATEWAY: "failed.bad_gateway_502",
    Outcome.NO_TARGET: "failed.no_target_503",
    Outcome.TIMED_OUT: "failed.timeout_504",
    Outcome.RESET: "failed.reset",
}


class CutRequest(NamedTuple):
    """A request in flight that a dying container cut: its session's number and its own ordinal."""

    session: int
    request: int


class Recorder:
    """Collects one replication's recording.

    Args:
        level: ``requests``, ``sessions`` or ``summary``.
        settle_s: Requests sent and background breaks met before this time are left out of the measures.
    """

    def __init__(self, level: str, settle_s: float) -> None:
        """Start with an empty recording."""
        self.recording = Recording(level=level, settle_s=settle_s)
        self.rows: list[float] = []
        self.residence: list[float] = []
        self._session_rows: list[float] = []
        self.meter = LoadMeter()
        self._open: Rows = np.empty((0, WIDTH))
        self._moves: Rows = np.empty((0, 3))
        self._hash = sha256()
        self._counts: dict[str, int] = {}
        self.settle_s = settle_s
        self.keeps_sessions = level != "summary"
        self.sends = 0
        self.sessions_seen = 0
        self.sessions_broken_in_background = 0

    # What the model tells ---------------------------------------------------------------------------------------

    def event(self, event: EventRecord) -> None:
        """Add a line to the story."""
        self.recording.events.append(event)

    def count(self, key: str, by: int = 1) -> None:
        """Add to a counter of the summary."""
        self._counts[key] = self._counts.get(key, 0) + by

    def session(self, row: Iterable[float]) -> None:
        """Add a finished session, a row of ``SESSION_COLUMNS``; only where :attr:`keeps_sessions`."""
        self._session_rows.extend(row)

    def pod_sets(self, now_s: float, sets: dict[str, tuple[int, ...]]) -> None:
        """Change which containers are in which pod set."""
        if sets != self.meter.sets:
            self.seal(now_s)
            self.meter.sets = sets

    def start_window(self, now_s: float, *, in_flight: bool = True) -> None:
        """Begin the window over which load skew is measured, of requests in flight only if asked (rule L2)."""
        self.seal(now_s)
        self.meter.start(now_s, in_flight=in_flight)
        self.recording.window_s = (now_s, now_s)

    def mark_window(self, now_s: float) -> None:
        """Let the window end here unless a later call moves its end."""
        if self.recording.window_s is not None:
            self.seal(now_s)
            self.recording.skew = self.meter.snapshot()
            self.recording.window_s = (self.recording.window_s[0], now_s)

    def cut(self, now_s: float, container: int, cause: int) -> list[CutRequest]:
        """Fail the requests in flight on a container that dies now, and name them.

        A request that ends at this very instant is complete (rule T1); one that has timed out stays so.
        """
        self.seal(now_s)
        hit = (self._open[:, CONTAINER] == container) & (outcomes(self._open[:, CODE]) == Outcome.ANSWERED)
        if not hit.any():
            return []
        fields = unpack_columns(self._open[hit, CODE])
        cut = [CutRequest(int(session), int(request)) for session, request in self._open[hit, :2]]
        self._open[hit, CODE] = fields["node"] + (fields["attempts"] << 12) + pack(0, 0, Outcome.RESET, cause=cause)
        self._open[hit, ENDED] = now_s
        return cut

    # Sealing ----------------------------------------------------------------------------------------------------

    def seal(self, now_s: float) -> None:
        """Turn the flat rows into blocks, count what is over, and bring the load meter up to now."""
        fresh = np.fromiter(self.rows, np.float64, len(self.rows)).reshape(-1, WIDTH)
        self.rows.clear()
        self.sends += len(fresh)
        pending = np.concatenate([self._open, fresh]) if len(self._open) else fresh
        over = pending[:, ENDED] <= now_s
        closed, self._open = pending[over], pending[~over]
        # What was cut or timed out in the queue was never in service: it starts where it ends.
        np.minimum(closed[:, STARTED], closed[:, ENDED], out=closed[:, STARTED])
        self._advance_meter(now_s, fresh, closed)
        self._count_closed(closed)
        if self._session_rows:
            rows = np.fromiter(self._session_rows, np.float64, len(self._session_rows))
            self.recording.session_blocks.append(rows.reshape(-1, len(SESSION_COLUMNS)))
            self._session_rows.clear()

    def finish(self, now_s: float) -> Recording:
        """Seal for the last time: rows still open are unfinished; return the recording."""
        self.seal(now_s)
        self._open[:, CODE] = self._open[:, CODE].astype(np.int64) & 0xFFFFF | pack(0, 0, Outcome.UNFINISHED)
        self._open[self._open[:, STARTED] > now_s, STARTED] = np.nan
        self._open[:, ENDED] = np.nan
        self._count_closed(self._open)
        if self.keeps_sessions:
            self.recording.residence_blocks.append(self._moves)
        self.recording.end_s = now_s
        self.count("sessions_seen", self.sessions_seen)
        self.count("background_broken_sessions_count", self.sessions_broken_in_background)
        self.recording.counts = self._counts
        self.recording.digest = self._hash.hexdigest()
        return self.recording

    def _advance_meter(self, now_s: float, fresh: Rows, closed: Rows) -> None:
        moves = np.fromiter(self.residence, np.float64, len(self.residence)).reshape(-1, 3)
        self.residence.clear()
        moves = np.concatenate([self._moves, moves]) if len(self._moves) else moves
        due = moves[:, 0] <= now_s
        moves, self._moves = moves[due], moves[~due]
        moves = moves[np.argsort(moves[:, 0], kind="stable")]
        if self.keeps_sessions:
            self.recording.residence_blocks.append(moves)
        self.meter.fit(len(self.recording.containers))
        # Ends stand before starts, so that at one instant a completion comes before a send.
        ended_in, sent_to = closed[:, CONTAINER].astype(np.int64), fresh[:, CONTAINER].astype(np.int64)
        times = np.concatenate([closed[:, ENDED], fresh[:, SENT]])
        containers = np.concatenate([ended_in, sent_to])
        deltas = np.ones(len(times))
        deltas[: len(closed)] = -1.0
        if self.meter.follows_requests:
            order = np.argsort(times, kind="stable")
            times, containers, deltas = times[order], containers[order], deltas[order]
        self.meter.advance(
            now_s,
            in_flight=_served((times, containers, deltas)),
            sessions=(moves[:, 0], moves[:, 1].astype(np.int64), moves[:, 2]),
            sent=sent_to[sent_to >= 0],
        )

    def _count_closed(self, closed: Rows) -> None:
        if not len(closed):
            return
        self._hash.update(np.ascontiguousarray(closed).data)
        if self.recording.level == "requests":
            self.recording.request_blocks.append(closed)
        settled = closed[:, SENT] >= self.settle_s
        measured = closed if settled.all() else closed[settled]
        outcome = outcomes(measured[:, CODE])
        tally = np.bincount(outcome, minlength=len(Outcome))
        unfinished = int(tally[Outcome.UNFINISHED])
        self.count("requests_unfinished", unfinished)
        self.count("requests_sent", len(measured) - unfinished)
        self.count("requests_answered", int(tally[Outcome.ANSWERED]))
        for failure, key in _FAILED_KEYS.items():
            self.count(key, int(tally[failure]))
            self.count("requests_failed", int(tally[failure]))
        answered = measured if tally[Outcome.ANSWERED] == len(measured) else measured[outcome == Outcome.ANSWERED]
        self.recording.latency.add(answered[:, ENDED] - answered[:, SENT])
        special = closed[:, CODE] >= _SPECIAL
        if special.any():
            self._count_special(closed[special])

    def _count_special(self, special: Rows) -> None:
        """Count breaks by mechanism and origin, and failures and breaks by operation."""
        codes, inverse = np.unique(special[:, CODE], return_inverse=True)
        times = np.bincount(inverse, minlength=len(codes))
        settled = np.bincount(inverse, weights=special[:, SENT] >= self.settle_s, minlength=len(codes))
        fields: dict[str, npt.NDArray[np.int64]] = unpack_columns(codes)
        for index in range(len(codes)):
            kind, cause = Kind(fields["kind"][index]), int(fields["cause"][index])
            operation = self.recording.operations[cause - 1] if cause else None
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


def _served(changes: Changes) -> Changes:
    """Return the changes of requests that reached a container."""
    times, containers, deltas = changes
    reached = containers >= 0
    return changes if reached.all() else (times[reached], containers[reached], deltas[reached])
