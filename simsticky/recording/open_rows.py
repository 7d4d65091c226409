"""The rows of the requests that are sent: those just written, and those that were not over when somebody looked.

The model writes here, and may look for what is in flight: these are its own requests. The recorder takes the rows that
are over, and never says what it has done with them.
"""

from collections.abc import Callable, MutableSequence, Sequence
from io import BytesIO
from struct import Struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.recording.record import (
    CODE,
    CONTAINER,
    ENDED,
    REQUEST,
    SENT,
    SESSION,
    STARTED,
    WIDTH,
    Outcome,
    Rows,
    outcomes,
    unpack_columns,
)
from simsticky.recording.row_counter import Columns

_NUMBERS = (SESSION, REQUEST, CONTAINER)
"""The columns that are packed as integers, but for what a row ends with."""
_FORMAT = "".join("q" if column in _NUMBERS else "d" for column in range(WIDTH))

ROW = Struct(f"{_FORMAT}q").pack
"""Packs a request, whose numbers of things are integers, and, last, the container that its session leaves with it: a
session without affinity that goes to another; -1 for none, or where ``Recorder.moves`` tells it.

Bytes, and no list of numbers: they take a quarter of the memory, which leaves more of the processor's cache to the
model."""

_LATE_ROW = Struct(f"{_FORMAT}d").pack

ROW_BYTES = 8 * (WIDTH + 1)
ROWS_AT_ONCE = 32_768
"""Rows at which the model asks for a seal: between the cost of NumPy's calls and that of leaving the cache."""
_FIRST_ROOM = 2 * ROWS_AT_ONCE


class InFlight(NamedTuple):
    """A request in flight: its session's number, its own ordinal, and the attempts made so far."""

    session: int
    request: int
    attempts: int


class OpenRows:
    """Keeps rows until they are over.

    Attributes:
        buffer: Requests packed by :data:`ROW`, written at the time of their only attempt.
        late: Those whose last attempt was made later than they were sent; last in each is that time.
        columns: The rows that have been gathered and not taken, shape (WIDTH, n).
    """

    def __init__(self) -> None:
        self.buffer = BytesIO()
        self.late = BytesIO()
        self.columns: Columns = np.empty((WIDTH, 0))

    @property
    def written(self) -> int:
        """How many requests have been written at the time of their only attempt and not gathered."""
        return self.buffer.tell() // ROW_BYTES

    @property
    def written_late(self) -> int:
        """How many others have been written and not gathered."""
        return self.late.tell() // ROW_BYTES

    def add(self, row: tuple[float, ...], arrived_s: float) -> None:
        """Write a request, a row of ``REQUEST_COLUMNS``, whose last attempt was made at ``arrived_s``."""
        session, request, sent_s, started_s, ended_s, container, code = row
        packed = int(session), int(request), sent_s, started_s, ended_s, int(container), code
        if sent_s == arrived_s:
            self.buffer.write(ROW(*packed, -1))
        else:
            self.late.write(_LATE_ROW(*packed, arrived_s))

    def in_flight(self, container: int, now_s: float) -> list[InFlight]:
        """Return the requests that a container is to answer after ``now_s``, by the time of their sending.

        One that ends at this very instant is complete (rule T1); one that has timed out is no more in flight.
        """
        fresh, late = self.look()
        found = [
            rows[:, on_container(rows, container, now_s)]
            for rows in (self.columns, fresh[:, :WIDTH].T, late[:, :WIDTH].T)
        ]
        rows = np.concatenate(found, axis=1)
        # In an order that does not tell what was gathered when.
        rows = rows[:, np.lexsort(rows[[REQUEST, SESSION, SENT]])]
        attempts = unpack_columns(rows[CODE])["attempts"]
        return [
            InFlight(int(s), int(r), int(n)) for s, r, n in zip(rows[SESSION], rows[REQUEST], attempts, strict=True)
        ]

    def begin_with(self, other: "OpenRows") -> None:
        """Have the rows that others have gathered, and nobody has taken."""
        self.columns = other.columns.copy()

    def look(self) -> tuple[Rows, Rows]:
        """Return what has been written and not gathered, and of it what is late: shapes (n, WIDTH + 1)."""
        return self._fresh(), _unpacked(self.late, _NUMBERS)

    def _fresh(self) -> Rows:
        return _unpacked(self.buffer, (*_NUMBERS, WIDTH))

    def gather(self) -> None:
        """Move what has been written to :attr:`columns`."""
        fresh, late = self.look()
        if len(fresh) or len(late):
            before, until = self.columns.shape[1], self.columns.shape[1] + len(fresh)
            rows = np.empty((WIDTH, until + len(late)))
            rows[:, :before] = self.columns
            rows[:, before:until] = fresh[:, :WIDTH].T
            rows[:, until:] = late[:, :WIDTH].T
            self.columns = rows
        self._forget()
        self.late.seek(0)

    def _forget(self) -> None:
        """Have nothing written any more."""
        self.buffer.seek(0)

    def take_moves(self) -> Columns:
        """Take the moves of sessions that were written beside the rows: shape (3, n), time, origin, target or -1."""
        return np.empty((3, 0))

    def close(self) -> None:
        """Let all memory go; nothing is written any more.

        A simulation that is over is a ring of objects that waits for Python's collector, and the collector counts
        objects, not their bytes: what they hold would wait with them, some 15 MB a replication.
        """
        self.buffer, self.late, self.columns = BytesIO(), BytesIO(), np.empty((WIDTH, 0))

    def take_over(self, now_s: float) -> Columns:
        """Take the gathered rows that are over by ``now_s``."""
        closed, self.columns = _parted(self.columns, now_s)
        return closed


class ArrayRows(OpenRows):
    """The same, written by compiled code to arrays.

    Attributes:
        table: The rows written and not gathered, shape (WIDTH + 1, room).
        moves: The moves of sessions, shape (3, room).

    Args:
        counts: Numbers that the writer counts rows and moves in.
        places: Which of them are those two.
        on_room: Called when the tables are other ones.
    """

    def __init__(self, counts: MutableSequence[int], places: tuple[int, int], on_room: Callable[[], None]) -> None:
        super().__init__()
        self._counts = counts
        self._at_rows, self._at_moves = places
        self._on_room = on_room
        self.table = np.empty((WIDTH + 1, _FIRST_ROOM))
        self.moves = np.empty((3, 2 * _FIRST_ROOM))

    @property
    def written(self) -> int:
        """How many requests have been written at the time of their only attempt and not gathered."""
        return self._counts[self._at_rows]

    def add(self, row: tuple[float, ...], arrived_s: float) -> None:
        """Write a request, a row of ``REQUEST_COLUMNS``, whose last attempt was made at ``arrived_s``."""
        if row[SENT] != arrived_s:
            super().add(row, arrived_s)
            return
        at = self._counts[self._at_rows]
        if at == self.table.shape[1]:
            self._grow()
        self.table[:WIDTH, at] = row
        self.table[WIDTH, at] = -1.0
        self._counts[self._at_rows] = at + 1

    def _grow(self) -> None:
        self.table = np.concatenate([self.table, np.empty_like(self.table)], axis=1)
        self.moves = np.concatenate([self.moves, np.empty_like(self.moves)], axis=1)
        self._on_room()

    def _fresh(self) -> Rows:
        fresh: Rows = self.table[:, : self._counts[self._at_rows]].T
        return fresh

    def _forget(self) -> None:
        self._counts[self._at_rows] = 0

    def take_moves(self) -> Columns:
        """Take the moves of sessions that were written beside the rows: shape (3, n), time, origin, target or -1."""
        moves: Columns = self.moves[:, : self._counts[self._at_moves]].copy()
        self._counts[self._at_moves] = 0
        return moves

    def close(self) -> None:
        """Let all memory go; nothing is written any more."""
        super().close()
        self._counts[self._at_rows] = self._counts[self._at_moves] = 0
        self.table, self.moves = np.empty((WIDTH + 1, 0)), np.empty((3, 0))
        self._on_room()


def on_container(rows: Columns, container: int, now_s: float) -> npt.NDArray[np.intp]:
    """Return the places of the rows that a container is to answer after ``now_s``."""
    hit: npt.NDArray[np.intp] = np.flatnonzero((rows[CONTAINER] == container) & (rows[ENDED] > now_s))
    answered: npt.NDArray[np.intp] = hit.compress(outcomes(rows[CODE, hit]) == Outcome.ANSWERED)
    return answered


def _unpacked(buffer: BytesIO, integers: Sequence[int]) -> Rows:
    """Return the rows in a buffer, of which some columns are packed as integers."""
    # No name stands for the buffer's own memory. A profiler that looks at this call from another thread, as Dask's
    # does, keeps its names for a while, and nobody could write to the buffer meanwhile.
    words = np.frombuffer(buffer.getbuffer()[: buffer.tell()], np.int64).reshape(-1, WIDTH + 1).copy()
    rows = words.view(np.float64)
    rows[:, integers] = words[:, integers]
    return rows


def _parted(rows: Columns, now_s: float) -> tuple[Columns, Columns]:
    """Return the rows that are over by now and those that are not, both in their order; the rows are used for it.

    Those that are not over are few, and nearly all at the end: only what comes after the first of them is moved.
    """
    over = rows[ENDED] <= now_s
    places = np.flatnonzero(~over)
    left = rows[:, places]
    if len(places):
        first = int(places[0])
        behind = first + np.flatnonzero(over[first:])
        rows[:, first : first + len(behind)] = rows[:, behind]
    closed = rows[:, : rows.shape[1] - len(places)]
    # What was cut or timed out in the queue was never in service: it starts where it ends.
    np.minimum(closed[STARTED], closed[ENDED], out=closed[STARTED])
    return closed, left
