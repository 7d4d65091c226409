"""The plane's state: a struct of columns, as lists for Python or as arrays for compiled code.

Python reads and writes one number at a time, ``columns.ints[HOLDER][place]``, and gets Python's numbers either way: a
row of an array is seen through a memoryview. A column is another object after it has grown, so nobody keeps one.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.kong.cells import Cells
from simsticky.recording.open_rows import ArrayRows, OpenRows
from simsticky.sim.plane.fields import (
    ARRIVAL,
    ARRIVAL_FIRST,
    ARRIVAL_INTS,
    ARRIVAL_LAST,
    ARRIVALS,
    BY_COOKIE,
    BY_NOTHING,
    CONTAINER_FLOATS,
    CONTAINER_INTS,
    CURSOR,
    ENOUGH,
    ENOUGH_LEFT,
    FIRST_ARRIVAL,
    FREE_PLACES,
    LAST,
    MODE,
    MOVES,
    NODE,
    OPEN,
    OWN_INTS,
    RETIRED,
    RETIRED_NUMBERS,
    ROUTES_AT,
    ROWS,
    RULE_FLOATS,
    RULE_INTS,
    SEQUENCE,
    SESSION_FLOATS,
    SESSION_INTS,
    STATE,
    WORKER_FLOATS,
    WORKER_INTS,
)
from simsticky.sim.plane.queue_views import ArrayQueues, ListQueues
from simsticky.sim.plane.tables import Column, Group
from simsticky.sim.plane.ways import Engine

_FIRST_PLACES = 64


class State(NamedTuple):
    """What the rules work on.

    Attributes:
        sends: Queue of sends; ends: of ends to be logged; slots: of the containers' slots (``queues.py``).
        rows: Where requests are written; moves: sessions that come to a container or go; retired: those that are over.
        floats, ints: Columns of sessions.
        containers, listening: Columns of containers.
        workers, codes: Columns of workers.
        routes: From ``ROUTES_AT`` of a worker on, by number of a name, the container that requests may take without
            ado, -1 for none.
        identities: By number of an address, the number of what a cookie for it names.
        tables, links, scores: What balancers pick by (``kong/picks.py``).
        copies: Older copies of sessions' states (``queues.py``).
        free_places: Places for sessions that are free.
        leaving: Places of the sessions that have sent their last request.
        demands, gaps: Draws of all sessions, in seconds.
        via: Their workers, where each request is balanced by itself.
        starts, arrivals: Columns of the arrivals at hand.
        own, rules, times: The plane's own numbers, and what the scenario says.
    """

    sends: Any
    ends: Any
    slots: Any
    rows: Any
    moves: Any
    retired: Any
    floats: Any
    ints: Any
    containers: Any
    listening: Any
    workers: Any
    codes: Any
    routes: Any
    identities: Any
    tables: Any
    links: Any
    scores: Any
    copies: Any
    free_places: Any
    leaving: Any
    demands: Any
    gaps: Any
    via: Any
    starts: Any
    arrivals: Any
    own: Any
    rules: Any
    times: Any


_PARTS = (
    "floats", "ints", "containers", "listening", "workers", "codes", "routes", "identities",
    "free_places", "leaving", "demands", "gaps", "via", "starts", "arrivals", "own", "rules", "times",
)  # fmt: skip
"""Groups and columns among the state's parts."""


class Columns:
    """All columns of one replication.

    Args:
        engine: What the rules are run by.

    Attributes:
        engine: As given.
        run: The engine's functions: loop, rules and queues; they work on :attr:`state`.
        cells: What balancers pick by.
        queues: The queues of sends and of ends, and the containers' slots.
        rows: Where requests are written.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine, self.run = engine, engine.functions
        arrays = engine.arrays
        self._arrays = arrays
        self.cells = Cells(arrays=arrays)
        self.floats = Group(SESSION_FLOATS, 0.0, arrays=arrays)
        self.ints = Group(SESSION_INTS, 0, arrays=arrays)
        self.containers = Group(CONTAINER_INTS, 0, arrays=arrays)
        self.listening = Group(CONTAINER_FLOATS, 0.0, arrays=arrays)
        self.workers = Group(WORKER_INTS, 0, arrays=arrays)
        self.codes = Group(WORKER_FLOATS, 0.0, arrays=arrays)
        self.routes = Column(-1, arrays=arrays)
        self._nodes = self._names = 0
        self.identities, self.free_places = Column(-1, arrays=arrays), Column(0, arrays=arrays)
        self.leaving = Column(0, arrays=arrays)
        self.demands, self.gaps = Column(0.0, arrays=arrays), Column(0.0, arrays=arrays)
        self.via = Column(0, arrays=arrays)
        self.starts, self.arrivals = Column(0.0, arrays=arrays), Group(ARRIVAL_INTS, 0, arrays=arrays)
        self.own, self.rules = Column(0, arrays=arrays, length=OWN_INTS), Column(0, arrays=arrays, length=RULE_INTS)
        self.times = Column(0.0, arrays=arrays, length=RULE_FLOATS)
        self.queues: ListQueues | ArrayQueues = ArrayQueues(self) if arrays else ListQueues(self)
        self.rows = OpenRows()
        self._moves: Any = None
        self._retired: Any = np.empty((RETIRED_NUMBERS, 0)) if arrays else array("d")
        if arrays:
            self.rows = ArrayRows(self.own.cells, (ROWS, MOVES), self.changed)
        self._used = 0
        self._enough = 1 << 15
        self._state: State | None = None
        self.own.cells[OPEN] = 1

    @property
    def state(self) -> State:
        """What the rules of the hot path work on now."""
        if self._state is None:
            self._state = self._state_now()
        return self._state

    def _state_now(self) -> State:
        parts = {name: getattr(self, name).raw for name in _PARTS}
        queues, moves = self.queues, self._moves
        tables, links, scores = self.cells.raw
        rows: Any = self.rows.buffer
        retired = (self._retired, self.own.raw) if self._arrays else self._retired
        if isinstance(self.rows, ArrayRows):
            rows, moves = (self.rows.table, self.own.raw), (self.rows.moves, self.own.raw)
        return State(
            **parts,
            sends=queues.sends,
            ends=queues.ends,
            slots=queues.slots,
            copies=queues.copies,
            rows=rows,
            moves=moves,
            retired=retired,
            tables=tables,
            links=links,
            scores=scores,
        )

    def write_moves_to(self, moves: Any) -> None:
        """Let moves of sessions go to an array of floats, where they are not kept beside the rows."""
        self._moves = moves

    def changed(self) -> None:
        """Look anew at what the rules work on: a column may be another object now."""
        if self._arrays:
            self._state = None

    def copy(self) -> Columns:
        """Return columns with the same content, for a run beside this one; moves are written nowhere."""
        other = Columns(self.engine)
        other.cells = self.cells.copy()
        for name in _PARTS:
            setattr(other, name, getattr(self, name).copy())
        other.queues = self.queues.copy(other)
        other._used, other._enough = self._used, self._enough
        other._nodes, other._names = self._nodes, self._names
        other.own.cells[RETIRED] = 0
        if isinstance(other.rows, ArrayRows):
            other.rows = ArrayRows(other.own.cells, (ROWS, MOVES), other.changed)
        other.rows.begin_with(self.rows)
        other._state = None
        return other

    # Room ---------------------------------------------------------------------------------------------------------

    def make_room(self) -> None:
        """Have twice as many places, for sessions and for copies of their states."""
        before = self.ints.length
        length = max(_FIRST_PLACES, 2 * before)
        self.ints.grow(length)
        self.floats.grow(length)
        self.leaving.grow(length)
        self.free_places.grow(length)
        self._hand_out(self.free_places, FREE_PLACES, range(before, self.ints.length))
        self.queues.have_room(self.ints.length)
        self.queues.have_places(self.ints.length)
        self.changed()

    def have_room(self) -> None:
        """Have a free place."""
        own = self.own.cells
        if not own[FREE_PLACES]:
            self.make_room()

    def have_retired(self, number: int = 0) -> None:
        """Have room to put down so many sessions, and as many as the loop retires by itself."""
        if not self._arrays:
            return
        before = self.own.cells[RETIRED]
        least = max(before + number, self.rules.cells[ENOUGH_LEFT])
        if least > self._retired.shape[1]:
            more = np.empty((RETIRED_NUMBERS, least))
            more[:, :before] = self._retired[:, :before]
            self._retired = more
            self.changed()

    def take_retired(self) -> npt.NDArray[np.float64]:
        """Take what has been put down of sessions that are over: shape (RETIRED_NUMBERS, n); use it at once."""
        own = self.own.cells
        number, own[RETIRED] = own[RETIRED], 0
        if self._arrays:
            table: npt.NDArray[np.float64] = self._retired[:, :number]
            return table
        table = np.array(self._retired).reshape(number, RETIRED_NUMBERS).T
        del self._retired[:]
        return table

    def _hand_out(self, free: Column, count: int, places: range) -> None:
        """Put places on a pile of free ones, the first on top."""
        own = self.own.cells
        for place in reversed(places):
            free.cells[own[count]] = place
            own[count] += 1

    # Routes -------------------------------------------------------------------------------------------------------

    def have_nodes(self, nodes: int) -> None:
        """Have room for the routes of so many nodes."""
        self._nodes = nodes

    def number_of(self, name: str) -> int:
        """Return the number of a name, with room for it in every table that is asked by names."""
        number = self.cells.numbers[name]
        if number >= self._names:
            before, width = self._names, max(64, 2 * number)
            found = list(self.routes.cells)
            self.routes.grow(self._nodes * width)
            for node in range(self._nodes):
                known = found[node * before : (node + 1) * before]
                self.routes.raw[node * width : (node + 1) * width] = _filled(known, width, self._arrays)
            self._names = width
            for worker in range(self.workers.length):
                self.workers[ROUTES_AT][worker] = self.workers[NODE][worker] * width
            self.identities.grow(width)
            self.changed()
        return number

    def numbers_of(self, names: Collection[str]) -> list[int]:
        """Return the number of each of some names, as :meth:`number_of` does."""
        known, room = self.cells.numbers, range(self._names)
        return [number if (number := known.get(name, -1)) in room else self.number_of(name) for name in names]

    def routes_of(self, node: int) -> int:
        """Return where the routes of a node begin."""
        return node * self._names

    def set_route(self, node: int, number: int, container: int) -> None:
        """Let requests through a node that are led by a name take a container without ado, or (-1) not."""
        self.routes.cells[node * self._names + number] = container

    def set_routes(self, node: int, before: Mapping[int, int], routes: Mapping[int, int]) -> None:
        """Let requests through a node take other containers than before without ado, by number of a name.

        What is written are the entries that differ.
        """
        for number in before.keys() - routes.keys():
            self.set_route(node, number, -1)
        for number, container in routes.items() - before.items():
            self.set_route(node, number, container)

    def take_place(self) -> int:
        """Return a free place."""
        own = self.own.cells
        if not own[FREE_PLACES]:
            self.make_room()
            own = self.own.cells
        own[FREE_PLACES] -= 1
        place: int = self.free_places.cells[own[FREE_PLACES]]
        return place

    def add_container(self, free_from_s: float, concurrency: int) -> int:
        """Have one container more, whose slots are free from a time on; return its place."""
        place = self.queues.add_slots(free_from_s, concurrency)
        self.containers.grow(place + 1)
        self.listening.grow(place + 1)
        self.changed()
        return place

    # Queues -------------------------------------------------------------------------------------------------------

    def advance(self, until_s: float) -> int:
        """Make regular sends strictly before a time; return why that is all (``fields.py:Stop``)."""
        rules, mode = self.rules.cells, self.rules.cells[MODE]
        self.own.cells[ROWS] = self.rows.written
        self.have_retired()
        if self._arrays and mode in (BY_COOKIE, BY_NOTHING):
            self.queues.have_copies(rules[ENOUGH])
            if mode == BY_NOTHING:  # a place's request has ended, and is logged, when it sends the next
                self.queues.have_ends(min(rules[ENOUGH], self.ints.length))
        why: int = self.run.advance(until_s, self.state)
        return why

    def send_at(self, place: int, at_s: float) -> None:
        """Let a place's next send be due at a time."""
        own = self.own.cells
        own[SEQUENCE] = number = own[SEQUENCE] + 1
        self.queues.put((at_s, number, place))

    # Draws --------------------------------------------------------------------------------------------------------

    def add_draws(self, demands: Sequence[float], gaps: Sequence[float], via: Sequence[int] | None) -> int:
        """Keep the draws of consecutive requests; return the place of the first.

        Draws that nobody needs any more make room for others, so that memory grows with the sessions alive.
        """
        if self._used + len(demands) > self._enough:
            self._compact()
            self._enough = max(1 << 15, 2 * (self._used + len(demands)))
        first, self._used = self._used, self._used + len(demands)
        self.demands.put(first, demands)
        self.gaps.put(first, gaps)
        if via is not None:
            self.via.put(first, via)
        self.changed()
        return first

    def _compact(self) -> None:
        """Move the draws that are still to be used to the front, of each session with that of its latest request."""
        ints, arrivals, own = self.ints, self.arrivals, self.own.cells
        alive = np.flatnonzero(np.asarray(ints.raw[STATE]))
        coming = np.arange(own[ARRIVAL], max(own[ARRIVAL], own[ARRIVALS]))
        begins = np.concatenate([np.maximum(0, ints.take(CURSOR, alive) - 1), arrivals.take(ARRIVAL_FIRST, coming)])
        ends = np.concatenate([ints.take(LAST, alive), arrivals.take(ARRIVAL_LAST, coming)])
        lengths = (ends - begins).astype(np.int64)
        until = np.cumsum(lengths)
        moves = until - ends.astype(np.int64)  # where each range goes, less where it is
        self._used = int(until[-1]) if len(until) else 0
        places = np.arange(self._used) - np.repeat(moves, lengths)
        for column in (self.demands, self.gaps, self.via):
            if len(column):
                column.gather(places)
        for group, which, fields in ((ints, alive, (CURSOR, LAST)), (arrivals, coming, (ARRIVAL_FIRST, ARRIVAL_LAST))):
            own_moves, moves = moves[: len(which)], moves[len(which) :]
            for field in fields:
                group.add(field, which, own_moves)

    def set_arrivals(self, first: int, starts: Any, columns: Iterable[Any]) -> None:
        """Have these arrivals at hand, those before having come.

        Args:
            first: Number of the first of them.
            starts: When they begin, in seconds.
            columns: Their ``ARRIVAL_…`` columns.
        """
        self.starts.put(0, starts)
        self.arrivals.grow(len(starts))
        for row, column in enumerate(columns):
            self.arrivals.raw[row][: len(starts)] = column
        own = self.own.cells
        own[ARRIVAL], own[ARRIVALS], own[FIRST_ARRIVAL] = 0, len(starts), first
        self.changed()


def _filled(known: list[int], length: int, arrays: bool) -> Any:
    """Return numbers and so many more -1 that they have a length."""
    filled = known + [-1] * (length - len(known))
    return np.array(filled, np.int64) if arrays else filled
