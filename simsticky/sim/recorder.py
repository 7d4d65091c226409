"""The recorder: what the running model writes to.

The hot path writes seven packed numbers to one buffer (:attr:`Recorder.write`) and never looks back. From time to time
the buffer is *sealed*: turned into a NumPy block, split into rows that are over and rows still open, counted, measured,
and kept or dropped by record level. So memory stays flat below the level ``requests``, and every figure of the
summary is the same at every level.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from struct import Struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.sim.connection_meter import ConnectionMeter
from simsticky.sim.evenness import Evenness
from simsticky.sim.failure_windows import FailureWindows
from simsticky.sim.load_meter import NO_CHANGES, Changes, LoadMeter, Sets
from simsticky.sim.recording import (
    CODE,
    CONTAINER,
    ENDED,
    REQUEST,
    SENDING,
    SENT,
    SESSION,
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
from simsticky.sim.row_hash import RowHash

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.float64]
"""Shape (WIDTH, n), rows as columns: what is done to one number of every row needs them side by side."""

ROW = Struct(f"{WIDTH + 1}d").pack
"""Packs a request and, last, the container that its session leaves with it: a session without affinity that goes to
another; -1 for none, or where ``residence`` tells it.

Bytes, and no list of numbers: they take a quarter of the memory, which leaves more of the processor's cache to the
model."""

ROW_BYTES = 8 * (WIDTH + 1)

SEAL_AT = 8_192 * ROW_BYTES
"""Length of the buffer, in bytes, at which the model asks for a seal."""

_SPECIAL = float(1 << 20)
"""Codes at or above this carry more than a node and one attempt: a failure or a break."""

_FAILED_KEYS = {
    Outcome.BAD_GATEWAY: "failed.bad_gateway_502",
    Outcome.NO_TARGET: "failed.no_target_503",
    Outcome.TIMED_OUT: "failed.timeout_504",
    Outcome.RESET: "failed.reset",
}


class CutRequest(NamedTuple):
    """A request in flight that a dying container cut: its session's number, its own ordinal, and its fate."""

    session: int
    request: int
    sent_again: bool


class Recorder:
    """Collects one replication's recording.

    Attributes:
        write: Takes a request packed by :data:`ROW`; ``written()`` is the length of the buffer in bytes.
        residence: Takes the other moves of sessions: time, container, and 1 for a session that comes or -1 for one
            that goes.

    Args:
        level: ``requests``, ``sessions`` or ``summary``.
        settle_s: Requests sent and background breaks met before this time are left out of the measures.
        follows_evenness: Whether somebody asks when the load is even again, so that it is followed before the window.
    """

    def __init__(self, level: str, settle_s: float, *, follows_evenness: bool = False) -> None:
        """Start with an empty recording."""
        self.recording = Recording(level=level, settle_s=settle_s)
        self._rows = BytesIO()
        self.write = self._rows.write
        self.written = self._rows.tell
        self.residence: list[float] = []
        self._session_rows: list[float] = []
        self._evenness = Evenness() if follows_evenness else None
        self.meter = LoadMeter(self._evenness, settle_s)
        self._failures = self.recording.failures = FailureWindows(settle_s)
        self._late: list[tuple[float, tuple[float, ...]]] = []
        self._told: list[tuple[int, int, Sets]] = []
        self._open: Columns = np.empty((WIDTH, 0))
        self._gone: Columns = np.empty((WIDTH, 0))
        self._moves: Rows = np.empty((0, 3))
        self._hash = RowHash(WIDTH)
        self._counts: dict[str, int] = {}
        self.settle_s = settle_s
        self.connections = ConnectionMeter(self.recording.connections, settle_s, self.count)
        self.keeps_sessions = level != "summary"
        self.sends = 0

    # What the model tells ---------------------------------------------------------------------------------------

    def event(self, event: EventRecord) -> None:
        """Add a line to the story."""
        self.recording.events.append(event)

    def count(self, key: str, by: int = 1) -> None:
        """Add to a counter of the summary."""
        self._counts[key] = self._counts.get(key, 0) + by

    def request(self, row: tuple[float, ...], arrived_s: float) -> None:
        """Add a request, a row of ``REQUEST_COLUMNS``, whose last attempt was made at ``arrived_s``."""
        if row[SENT] == arrived_s:
            self.write(ROW(*row, -1.0))
        else:
            self._late.append((arrived_s, row))

    def moved(self, at_s: float, origin: float, target: float) -> None:
        """Let a session live on another container from now on."""
        self.residence.extend((at_s, origin, -1.0, at_s, target, 1.0))

    def session(self, row: Iterable[float]) -> None:
        """Add a finished session, a row of ``SESSION_COLUMNS``; only where :attr:`keeps_sessions`."""
        self._session_rows.extend(row)

    def pod_sets(self, now_s: float, sets: Sets) -> None:
        """Change which containers are in which pod set."""
        if sets != self.meter.sets:
            self._told.append((self.written() // ROW_BYTES, len(self._late), self.meter.sets))
            self.meter.change_sets(now_s, sets)

    def start_window(self, now_s: float, *, in_flight: bool = True) -> None:
        """Begin the window over which load skew is measured, of requests in flight only if asked (rule L2)."""
        self.seal(now_s)
        served = self._open[CONTAINER].astype(np.int64)
        self.meter.start(now_s, in_flight=served[served >= 0] if in_flight else None)
        self.connections.start(now_s)
        self._failures.begin(now_s)
        self.recording.window_s = (now_s, now_s)

    def mark_window(self, now_s: float) -> None:
        """Let the window end here unless a later call moves its end."""
        if self.recording.window_s is not None:
            self.seal(now_s)
            self.recording.skew = self.meter.snapshot(now_s)
            self.recording.window_s = (self.recording.window_s[0], now_s)

    def cut(
        self, now_s: float, container: int, cause: int, is_sent_again: Callable[[int, int, int], bool]
    ) -> list[CutRequest]:
        """Fail the requests in flight on a container that dies now, but for those sent again, and name them all.

        A request that ends at this very instant is complete (rule T1); one that has timed out stays so. The row of a
        request that is sent again is dropped: its next attempt will write it.

        Args:
            now_s: The time.
            container: The container's index.
            cause: Number of the operation behind its end, 0 if none.
            is_sent_again: Whether a request (session, number, attempts so far) is sent again.
        """
        self.seal(now_s)
        hit = np.flatnonzero((self._open[CONTAINER] == container) & (outcomes(self._open[CODE]) == Outcome.ANSWERED))
        if not len(hit):
            return []
        # In an order that does not tell what was sealed when.
        hit = hit[np.lexsort(self._open[:, hit][[REQUEST, SESSION, SENT]])]
        fields = unpack_columns(self._open[CODE, hit])
        named = zip(self._open[SESSION, hit], self._open[REQUEST, hit], fields["attempts"], strict=True)
        cut = [CutRequest(int(s), int(r), is_sent_again(int(s), int(r), int(tries))) for s, r, tries in named]
        sent = self._open[CODE, hit].astype(np.int64) & SENDING
        self._open[CODE, hit] = sent + pack(0, 0, Outcome.RESET, cause=cause)
        self._open[ENDED, hit] = now_s
        again = np.zeros(self._open.shape[1], bool)
        again[hit] = [request.sent_again for request in cut]
        self._gone = np.concatenate([self._gone, self._open.compress(again, axis=1)], axis=1)
        self._open = self._open.compress(~again, axis=1)
        self.sends -= int(again.sum())
        return cut

    # Sealing ----------------------------------------------------------------------------------------------------

    def seal(self, now_s: float) -> None:
        """Turn the flat rows into blocks, count what is over, and tell the load meter of it.

        When that is done is seen in nothing that is recorded (docs/decisions/0008-nothing-depends-on-sealing.md).
        """
        taken = _taken(self._rows)
        fresh, arrived_s = self._with_late(taken[:WIDTH])
        self._count_sent(taken[CONTAINER])
        self.sends += fresh.shape[1]
        pending = np.concatenate([self._open, fresh], axis=1) if self._open.shape[1] else fresh
        over = pending[ENDED] <= now_s
        closed, self._open = pending.compress(over, axis=1), pending.compress(~over, axis=1)
        # What was cut or timed out in the queue was never in service: it starts where it ends.
        np.minimum(closed[STARTED], closed[ENDED], out=closed[STARTED])
        left = np.concatenate([self._gone, closed], axis=1) if self._gone.shape[1] else closed
        self._gone = self._gone[:, :0]
        self._tell_meter(now_s, fresh, arrived_s, left, _roamed(taken))
        self._count_closed(closed)
        if self._session_rows:
            rows = np.fromiter(self._session_rows, np.float64, len(self._session_rows))
            self.recording.session_blocks.append(rows.reshape(-1, len(SESSION_COLUMNS)))
            self._session_rows.clear()

    def finish(self, now_s: float) -> Recording:
        """Seal for the last time: rows still open are unfinished; return the recording."""
        self.seal(now_s)
        self._open[CODE] = self._open[CODE].astype(np.int64) & SENDING | pack(0, 0, Outcome.UNFINISHED)
        self._open[STARTED, self._open[STARTED] > now_s] = np.nan
        self._open[ENDED] = np.nan
        self._count_closed(self._open)
        if self.keeps_sessions:
            self.recording.residence_blocks.append(self._moves)
        self.recording.end_s = now_s
        if self._evenness is not None:
            self.recording.even_again_s = self._evenness.since_s()
        self.recording.counts = self._counts
        self.recording.digest = self._hash.hexdigest()
        return self.recording

    def _with_late(self, fresh: Columns) -> tuple[Columns, Floats]:
        """Return the fresh rows with those that arrived later than they were sent, and when each has arrived."""
        if not self._late:
            return fresh, fresh[SENT]
        late = np.array([row for _, row in self._late]).T
        arrived_s = np.array([at_s for at_s, _ in self._late])
        return np.concatenate([late, fresh], axis=1), np.concatenate([arrived_s, fresh[SENT]])

    def _count_sent(self, containers: Floats) -> None:
        """Count the requests sent to each container while it was in a pod set; forget which of them came late."""
        sent, late = containers.astype(np.int64), [int(row[CONTAINER]) for _, row in self._late]
        first = first_late = 0
        for until, until_late, sets in [*self._told, (len(sent), len(late), self.meter.sets)]:
            self.meter.sent(np.append(sent[first:until], late[first_late:until_late]).astype(np.int64), sets)
            first, first_late = until, until_late
        self._told.clear()
        self._late.clear()

    def _tell_meter(self, now_s: float, fresh: Columns, arrived_s: Floats, closed: Columns, roams: Rows) -> None:
        moves = np.fromiter(self.residence, np.float64, len(self.residence)).reshape(-1, 3)
        self.residence.clear()
        moves = np.concatenate([self._moves, moves, roams])
        moves = moves.take(np.argsort(moves[:, 0], kind="stable"), axis=0)
        due = np.searchsorted(moves[:, 0], now_s, side="right")
        moves, self._moves = moves[:due], moves[due:].copy()
        if self.keeps_sessions:
            self.recording.residence_blocks.append(moves)
        self.meter.fit(len(self.recording.containers))
        self.meter.advance(
            now_s,
            in_flight=_in_flight(fresh[CONTAINER], arrived_s, closed) if self.meter.follows_requests else NO_CHANGES,
            sessions=Changes(moves[:, 0], moves[:, 1].astype(np.int64), moves[:, 2].astype(np.int64)),
        )

    def _count_closed(self, closed: Columns) -> None:
        if not closed.shape[1]:
            return
        self._hash.add(closed)
        if self.recording.level == "requests":
            self.recording.request_blocks.append(closed.T)
        settled = closed[SENT] >= self.settle_s
        measured = closed if settled.all() else closed.compress(settled, axis=1)
        outcome = outcomes(measured[CODE])
        tally = np.bincount(outcome, minlength=len(Outcome))
        unfinished, answered = int(tally[Outcome.UNFINISHED]), int(tally[Outcome.ANSWERED])
        self.count("requests_unfinished", unfinished)
        self.count("requests_sent", len(outcome) - unfinished)
        self.count("requests_answered", answered)
        for failure, key in _FAILED_KEYS.items():
            self.count(key, int(tally[failure]))
            self.count("requests_failed", int(tally[failure]))
        latency = measured[ENDED] - measured[SENT]
        if answered < len(outcome):
            latency = latency[outcome == Outcome.ANSWERED]
            failed = (outcome != Outcome.ANSWERED) & (outcome != Outcome.UNFINISHED)
            self._failures.add(measured[SENT, failed])
            self._failures.left_open(measured[SENT, outcome == Outcome.UNFINISHED])
        self.recording.latency.add(latency)
        special = closed[CODE] >= _SPECIAL
        if special.any():
            self._count_special(closed[CODE, special], closed[SENT, special])

    def _count_special(self, codes: npt.NDArray[np.float64], sent_s: npt.NDArray[np.float64]) -> None:
        """Count breaks by mechanism and origin, and failures and breaks by operation, of requests by their codes."""
        late_enough = codes[sent_s >= self.settle_s]
        every = len(late_enough) == len(codes)
        codes, times = np.unique(codes, return_counts=True)
        settled = times if every else np.bincount(np.searchsorted(codes, late_enough), minlength=len(codes))
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


def _taken(buffer: BytesIO) -> Columns:
    """Empty a buffer of rows packed by :data:`ROW` and return them as columns, the last that of the pack."""
    columns = np.frombuffer(buffer.getvalue(), np.float64).reshape(-1, WIDTH + 1).T.copy()
    buffer.seek(0)
    buffer.truncate()
    return columns


def _roamed(taken: Columns) -> Rows:
    """Return the changes of residence that sessions without affinity have made with their requests."""
    roamed = np.flatnonzero(taken[WIDTH] >= 0.0)
    moves = np.empty((len(roamed), 2, 3))
    moves[:, :, 0] = taken[SENT, roamed][:, np.newaxis]
    moves[:, 0, 1], moves[:, 1, 1] = taken[WIDTH, roamed], taken[CONTAINER, roamed]
    moves[:, :, 2] = -1.0, 1.0
    return moves.reshape(-1, 3)


def _in_flight(sent_to: Floats, arrived_s: Floats, closed: Columns) -> Changes:
    """Return the changes of the requests in flight, in order of time."""
    times = np.concatenate([closed[ENDED], arrived_s])
    containers = np.concatenate([closed[CONTAINER], sent_to]).astype(np.int64)
    deltas = np.ones(len(times), np.int64)
    deltas[: closed.shape[1]] = -1
    order = np.argsort(times)
    reached = containers.take(order)
    if reached.min(initial=0) < 0:  # some reached no container
        order = order[reached >= 0]
        reached = containers.take(order)
    return Changes(times.take(order), reached, deltas.take(order))
