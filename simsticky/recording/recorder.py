"""The recorder: what the running model writes to. It is a sink: it answers no question of the model.

The hot path writes seven numbers to one buffer (:mod:`simsticky.recording.open_rows`) and never looks back. From time
to time the buffer is *sealed*: turned into a NumPy block, split into rows that are over and rows still open, counted,
measured, and kept or dropped by record level. So memory stays flat below the level ``requests``, and every figure of
the summary is the same at every level.
"""

from array import array
from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt

from simsticky.recording.changes import NO_CHANGES, NOWHERE, Changes, changes, joined
from simsticky.recording.connection_meter import ConnectionMeter
from simsticky.recording.evenness import Evenness
from simsticky.recording.events import EventRecord
from simsticky.recording.failure_windows import FailureWindows
from simsticky.recording.load_meter import LoadMeter, Sets
from simsticky.recording.open_rows import ROWS_AT_ONCE, OpenRows, on_container
from simsticky.recording.record import (
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
    Exposure,
    Outcome,
    Recording,
    Rows,
    pack,
)
from simsticky.recording.row_counter import Columns, RowCounter

Floats = npt.NDArray[np.float64]


class Recorder:
    """Collects one replication's recording.

    Attributes:
        moves: Takes the moves of sessions that are not written beside a row: time, and the containers that a session
            leaves and goes to, -1 for none.
        measures_load_only: Whether nobody asks for more than the load skew.

    Args:
        level: ``requests``, ``sessions`` or ``summary``.
        settle_s: Requests sent and background breaks met before this time are left out of the measures.
        follows_evenness: Whether somebody asks when the load is even again, so that it is followed before the window.
        rows: Where the rows are written.
    """

    def __init__(
        self, level: str, settle_s: float, *, follows_evenness: bool = False, rows: OpenRows | None = None
    ) -> None:
        self.recording = Recording(level=level, settle_s=settle_s)
        self._open = rows or OpenRows()
        self.moves = array("d")
        self._session_rows = array("d")
        self._evenness = Evenness() if follows_evenness else None
        self.meter = LoadMeter(self._evenness, settle_s)
        self._failures = self.recording.failures = FailureWindows(settle_s)
        self._told: list[tuple[int, int, Sets]] = []
        self._gone: Columns = np.empty((WIDTH, 0))
        self._arrived: list[tuple[Floats, Floats]] = []
        self._moved: list[Changes] = []
        self._counts: dict[str, int] = {}
        self._counter = RowCounter(self.recording, self.count)
        self.connections = ConnectionMeter(self.recording.connections, settle_s, self.count)
        self._keeps_sessions = level != "summary"
        self.sends = 0
        self.measures_load_only = False

    # What the model tells ---------------------------------------------------------------------------------------

    def event(self, event: EventRecord) -> None:
        """Add a line to the story."""
        self.recording.events.append(event)

    def count(self, key: str, by: int = 1) -> None:
        """Add to a counter of the summary."""
        self._counts[key] = self._counts.get(key, 0) + by

    def request(self, row: tuple[float, ...], arrived_s: float) -> None:
        """Add a request, a row of ``REQUEST_COLUMNS``, whose last attempt was made at ``arrived_s``."""
        self._open.add(row, arrived_s)

    def moved(self, at_s: float, origin: int, target: int) -> None:
        """Let a session live on another container from a time on; each may be :data:`NOWHERE`."""
        self.moves.extend((at_s, origin, target))

    def sessions(self, rows: Rows) -> None:
        """Add finished sessions, rows of ``SESSION_COLUMNS``; kept from the level ``sessions`` on."""
        if self._keeps_sessions:
            self._session_rows.frombytes(np.ascontiguousarray(rows).tobytes())

    def exposed(self, session: int, exposures: Iterable[Exposure]) -> None:
        """Add the exposures of a finished session; kept from the level ``sessions`` on."""
        if self._keeps_sessions:
            self.recording.exposures.extend((session, exposure) for exposure in exposures)

    def pod_sets(self, now_s: float, sets: Sets) -> None:
        """Change which containers are in which pod set."""
        if sets != self.meter.sets:
            self._told.append((self._open.written, self._open.written_late, self.meter.sets))
            self.meter.change_sets(now_s, sets)

    def measure_load_only(self, now_s: float) -> None:
        """Keep and count nothing any more but the load skew, over a window that begins now."""
        self.measures_load_only, self._keeps_sessions = True, False
        self.meter.evenness = None
        self.start_window(now_s)

    def beside(self, rows: OpenRows, now_s: float) -> "Recorder":
        """Return the recorder of another run that has been the same so far, sealed now: of its load skew only.

        Args:
            rows: Where that run's rows are written; those that are open are there already.
            now_s: The time, at which its window begins.
        """
        other = Recorder("summary", self.recording.settle_s, rows=rows)
        other.recording.containers = list(self.recording.containers)
        other.meter = self.meter.beside()
        other.measure_load_only(now_s)
        return other

    def start_window(self, now_s: float, *, in_flight: bool = True) -> None:
        """Begin the window over which load skew is measured, of requests in flight only if asked (rule L2)."""
        self.seal(now_s)
        served = self._open.columns[CONTAINER].astype(np.int64)
        self.meter.start(now_s, in_flight=served[served >= 0] if in_flight else None)
        self.connections.start(now_s)
        self._failures.begin(now_s)
        self.recording.window_s = (now_s, now_s)

    def operation_begins(self, now_s: float) -> None:
        """Begin the window, unless it has begun."""
        if self.recording.window_s is None:
            self.start_window(now_s)

    def mark_window(self, now_s: float) -> None:
        """Let the window end here unless a later call moves its end; :meth:`finish` puts its figures down."""
        if self.recording.window_s is not None:
            self._look(now_s)
            self.meter.mark(now_s)
            self.recording.window_s = (self.recording.window_s[0], now_s)

    def cut(self, now_s: float, container: int, cause: int, sent_again: Collection[tuple[int, int]]) -> None:
        """Fail the requests in flight on a container that dies now, but for those sent again.

        The row of a request that is sent again is dropped: its next attempt will write it.

        Args:
            now_s: The time.
            container: The container's index.
            cause: Number of the operation behind its end, 0 if none.
            sent_again: Session and number of the requests that are sent again.
        """
        self._look(now_s)
        rows = self._open.columns
        hit = on_container(rows, container, now_s)
        rows[CODE, hit] = (rows[CODE, hit].astype(np.int64) & SENDING) + pack(0, 0, Outcome.RESET, cause=cause)
        rows[ENDED, hit] = now_s
        if sent_again:
            named = zip(rows[SESSION, hit].tolist(), rows[REQUEST, hit].tolist(), strict=True)
            again = hit[[request in sent_again for request in named]]
            self._gone = np.concatenate([self._gone, rows[:, again]], axis=1)
            self._open.columns = np.delete(rows, again, axis=1)
            self.sends -= len(again)

    # Sealing ----------------------------------------------------------------------------------------------------

    def seal(self, now_s: float) -> None:
        """Count the rows that are over, keep them where they are to be kept, and tell the load meter of all.

        When that is done is seen in nothing that is recorded (docs/decisions/0008-nothing-depends-on-sealing.md).
        """
        self._take()
        closed = self._open.take_over(now_s)
        self._tell_meter(now_s, closed)
        if not self.measures_load_only:
            self._counter.add(closed)
        if self._session_rows:
            self.recording.session_blocks.append(_numbers(self._session_rows).reshape(-1, len(SESSION_COLUMNS)))

    def finish(self, now_s: float) -> Recording:
        """Seal for the last time: rows still open are unfinished; return the recording, and let the memory go."""
        self.seal(now_s)
        rows = self._open.columns
        rows[CODE] = rows[CODE].astype(np.int64) & SENDING | pack(0, 0, Outcome.UNFINISHED)
        rows[STARTED, rows[STARTED] > now_s] = np.nan
        rows[ENDED] = np.nan
        self._counter.add(rows)
        self._counter.finish()
        self.recording.end_s = now_s
        self.recording.skew = self.meter.marked()
        self.meter.finish(now_s)
        if self._evenness is not None:
            self.recording.even_again_s = self._evenness.since_s()
        self.recording.counts = self._counts
        self._open.close()
        recording = self.recording
        # Whoever has the recording has it alone, and lets its rows go when he likes.
        del self.recording, self._counter, self._failures, self.connections
        return recording

    def _look(self, now_s: float) -> None:
        """Have all rows at hand that may be open still; where cuts are frequent the buffer never is full."""
        if self._open.columns.shape[1] >= ROWS_AT_ONCE:
            self.seal(now_s)
        else:
            self._take()

    def _take(self) -> None:
        """Have the rows that have been written wait for their end, and count them as sent."""
        self.meter.fit(len(self.recording.containers))
        fresh, late = self._open.look()
        self._count_sent(fresh[:, CONTAINER], late[:, CONTAINER])
        if self.meter.follows_requests and (len(fresh) or len(late)):
            arrived_s = np.append(fresh[:, SENT], late[:, WIDTH])
            self._arrived.append((arrived_s, np.append(fresh[:, CONTAINER], late[:, CONTAINER])))
        if fresh[:, WIDTH].max(initial=-1.0) >= 0.0:
            self._moved.append(_roamed(fresh))
        self.sends += len(fresh) + len(late)
        self._open.gather()
        self._moved += [changes(*self._open.take_moves()), changes(*_numbers(self.moves).reshape(-1, 3).T)]

    def _count_sent(self, fresh: Floats, late: Floats) -> None:
        """Count the requests sent to each container while it was in a pod set."""
        sent, sent_late = fresh.astype(np.int64), late.astype(np.int64)
        first = first_late = 0
        for until, until_late, sets in [*self._told, (len(sent), len(late), self.meter.sets)]:
            self.meter.sent(sent[first:until], sets)
            self.meter.sent(sent_late[first_late:until_late], sets)
            first, first_late = until, until_late
        self._told.clear()

    def _tell_meter(self, now_s: float, closed: Columns) -> None:
        moves = joined(self._moved)
        self._moved.clear()
        if self._keeps_sessions:
            self.recording.moves.append(moves)
        self.meter.advance(
            now_s,
            in_flight=self._in_flight(closed) if self.meter.follows_requests else NO_CHANGES,
            sessions=moves,
        )
        self._gone = self._gone[:, :0]
        self._arrived.clear()

    def _in_flight(self, closed: Columns) -> Changes:
        """Return the changes of the requests in flight since the latest seal: ends, then arrivals."""
        over = [closed, self._gone] if self._gone.shape[1] else [closed]
        ends = sum(rows.shape[1] for rows in over)
        times = np.concatenate([*(rows[ENDED] for rows in over), *(arrived_s for arrived_s, _ in self._arrived)])
        sent_to = np.concatenate([*(rows[CONTAINER] for rows in over), *(sent_to for _, sent_to in self._arrived)])
        found = changes(times, sent_to, np.full(len(times), float(NOWHERE)))
        origins, targets = found.origins, found.targets
        targets[ends:] = origins[ends:]
        origins[ends:] = NOWHERE
        return found


def _numbers(told: "array[float]") -> Floats:
    """Return the numbers of an array, which is empty from then on."""
    numbers = np.array(told)
    del told[:]
    return numbers


def _roamed(taken: Rows) -> Changes:
    """Return the moves that sessions without affinity have made with their requests."""
    roamed = np.flatnonzero(taken[:, WIDTH] >= 0.0)
    return changes(*(taken[:, column].take(roamed) for column in (SENT, WIDTH, CONTAINER)))
