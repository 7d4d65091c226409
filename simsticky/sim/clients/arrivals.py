"""Who comes next, in the plane's columns: arrivals, the clients of a closed population, and what they send."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import tee

import numpy as np

from simsticky.sim.clients.feeds import Feeds
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    ARRIVALS,
    BEFORE,
    BEGINS,
    COMING,
    CURSOR,
    JAR,
    KEY,
    LAST,
    NUMBER,
    OPEN,
    REQUESTS,
    SLOW,
    STATE,
    WORKER,
)
from simsticky.sim.plane.rules import seat
from simsticky.workload.columns import ArrayBlock, SessionBlock
from simsticky.workload.generate import Workload

NO_ARRIVALS = -1
"""In place of a number of arrivals: no session begins by itself."""


class Arrivals:
    """Brings sessions into the plane.

    Args:
        columns: The plane's.
        slow: What makes the requests of all sessions irregular (``ALWAYS``), 0 for nothing.

    Attributes:
        feeds: Gives sessions their draws.
    """

    def __init__(
        self,
        columns: Columns,
        gateway: Gateway,
        workload: Workload,
        feeds: Feeds,
        slow: int,
        blocks: Iterator[SessionBlock | ArrayBlock] | None = None,
    ) -> None:
        self.feeds = feeds
        self._columns = columns
        self._gateway = gateway
        self._workload = workload
        self._slow = slow
        self._sends_cookie = gateway.browsers.sends_cookie
        self._blocks: Iterator[SessionBlock | ArrayBlock]
        self._blocks = blocks or (workload.blocks() if columns.engine.arrays else workload.arrivals())

    def beside(self, columns: Columns) -> Arrivals:
        """Return the same arrivals, from now on, for the columns of another run."""
        self._blocks, others = tee(self._blocks)
        return Arrivals(columns, self._gateway, self._workload, self.feeds.beside(columns), self._slow, others)

    def load(self) -> bool:
        """Have more arrivals at hand; return whether there are any."""
        block = next(self._blocks, None)
        if block is None:
            self._columns.own.cells[ARRIVALS] = NO_ARRIVALS
            return False
        if isinstance(block, ArrayBlock):
            self._load_arrays(block)
        else:
            self._load_lists(block)
        return True

    def _load_lists(self, block: SessionBlock) -> None:
        numbers = range(block.first_session, block.first_session + len(block))
        first = self.feeds.add(numbers, block.offset, block.service_s, block.think_s)
        jars = self.jars(block)
        offsets = [first + offset for offset in block.offset]
        keys = self._gateway.browsers.hashes(numbers, jars)
        workers = [self._gateway.front.worker_of(number).index for number in numbers]
        columns = (offsets[:-1], offsets[1:], jars, workers, keys, [self._slow] * len(block))
        self._columns.set_arrivals(block.first_session, block.start_s, columns)

    def _load_arrays(self, block: ArrayBlock) -> None:
        numbers = np.arange(block.first_session, block.first_session + len(block))
        first = self.feeds.add(numbers, block.offset, block.service_s, block.think_s)
        jars = block.has_jar & self._sends_cookie
        offsets = first + block.offset
        keys = self._gateway.browsers.hashes(numbers.tolist(), jars.tolist())
        workers = self._gateway.front.workers_of(numbers)
        columns = (offsets[:-1], offsets[1:], jars, workers, keys, np.full(len(block), self._slow))
        self._columns.set_arrivals(block.first_session, block.start_s, columns)

    def jars(self, block: SessionBlock) -> list[bool]:
        """Return whether each session of a block sends a cookie back."""
        return [keeps and self._sends_cookie for keeps in block.has_jar]

    def seat(self, number: int, starts_s: float, bounds: tuple[int, int], key: int, *, jar: bool) -> int:
        """Make a place a session's, whose draws have these bounds; return it."""
        columns = self._columns
        place = columns.take_place()
        ints = columns.ints
        seat(columns.floats, ints, place, number, starts_s)
        ints[CURSOR][place], ints[LAST][place] = bounds
        ints[WORKER][place] = self._gateway.front.worker_of(number).index
        ints[KEY][place], ints[JAR][place], ints[SLOW][place] = key, jar, self._slow | BEGINS
        return place

    def start_client(self, client: int, ordinal: int, after_s: float) -> int:
        """Have a client's next session of a closed population sent for; return its place."""
        block = self._workload.client_session(client, ordinal)
        start_s = after_s + block.start_s[0]
        number = client + ordinal * self._workload.population
        first = self.feeds.add([number], block.offset, block.service_s, block.think_s)
        jar = self.jars(block)[0]
        key = self._gateway.browsers.hashes([number], [jar])[0]
        place = self.seat(number, start_s, (first, first + block.offset[1]), key, jar=jar)
        self._columns.ints[STATE][place] = COMING
        self._columns.send_at(place, start_s)
        return place

    def succeed(self, place: int, after_s: float) -> int | None:
        """Let the next session of a client begin, after the one at a place; return its place."""
        columns = self._columns
        if not columns.own.cells[OPEN]:
            return None
        ordinal, client = divmod(columns.ints[NUMBER][place], self._workload.population)
        return self.start_client(client, ordinal + 1, after_s)

    def feed(self, place: int) -> None:
        """Give a session that never ends more draws."""
        ints = self._columns.ints
        sent = ints[REQUESTS][place] - ints[BEFORE][place]
        fed = self.feeds.add_endless(ints[NUMBER][place], sent, ints[CURSOR][place] - 1)
        ints = self._columns.ints
        ints[CURSOR][place], ints[LAST][place] = fed
