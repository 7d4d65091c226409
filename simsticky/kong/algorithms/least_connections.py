"""Kong's least-connections: a binary heap of the targets, the least loaded on top.

Sources: Kong 3.10 ``kong/runloop/balancer/least_connections.lua``; Tieske/binaryheap.lua for the heap. Ties are
frequent and the heap's own way of sifting decides them: one request at a time on three equal targets goes to two of
them for ever. Python's ``heapq`` sifts differently and would pick others. Nothing is random here.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.cells import Cells
from simsticky.kong.picks import (
    ABOVE,
    ADDRESS,
    BELOW,
    DIVISOR,
    RECORD,
    TARGET,
    heap_rise,
    heap_sink,
    least_connections,
    least_release,
)
from simsticky.kong.upstream import Target

_INFINITY = float("inf")
_NOTHING = 5e-324
"""Divides in place of weight 0: the quotient is infinite, as that of Lua's division by 0."""

_LOWEST = 1
"""The cell of the record behind the last place whose score is lower than everything."""


class LeastConnections(Algorithm):
    """The heap and the counts of this worker's requests in flight (rule G11).

    The value of a target is (connections + 1) / weight. Only available targets are in the heap; the counts stay
    with the targets through changes of health, and end with the balancer. A target of weight 0 has an infinite
    value: no first try reaches it, a retry does once all others have failed.

    Args:
        cells: Where heap and counts are kept; cells of its own, if not given.

    Attributes:
        first_cell: Where they are in the cells.
    """

    __slots__ = ("__weakref__", "_cells", "_known", "_size", "_targets", "first_cell")

    def __init__(self, cells: Cells | None = None) -> None:
        self._cells = Cells() if cells is None else cells
        self.first_cell = self._cells.records(self, 2 * RECORD)
        self._targets: tuple[str, ...] = ()
        self._lay_out(())

    @property
    def heap(self) -> tuple[tuple[str, float], ...]:
        """Address and value in the order of the heap's places."""
        places = self._records()[: self._size]
        return tuple((self.address_of(self._cells.links[place]), self._cells.scores[place]) for place in places)

    @property
    def connections(self) -> dict[str, int]:
        """Requests in flight by address, in list order, unavailable targets included."""
        scores = self._cells.scores
        return {address: int(scores[target]) - 1 for address, target in self._known.items()}

    def target_of(self, address: str) -> int:
        """Return the target at an address, by its first cell.

        Raises:
            KeyError: It is not listed.
        """
        return self._known[address]

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Clear the heap and insert the available targets in list order; the counts stay."""
        counts = self.connections
        self._lay_out(tuple(target.address for target in targets))
        links, scores = self._cells.links, self._cells.scores
        for target in targets:
            at = self._known[target.address]
            links[at + ADDRESS] = self._cells.numbers[target.address]
            scores[at] = counts.get(target.address, 0) + 1.0
            scores[at + DIVISOR] = float(target.weight) or _NOTHING
            if target.address not in unavailable:
                self._insert(at)

    def _lay_out(self, addresses: tuple[str, ...]) -> None:
        """Have an empty heap of as many places as there are addresses."""
        if len(addresses) != len(self._targets):
            self.first_cell = self._cells.records(self, RECORD * (len(addresses) + 2))
        self._targets, self._size = addresses, 0
        links, scores, records = self._cells.links, self._cells.scores, self._records()
        self._known: dict[str, int] = {
            address: record + TARGET for address, record in zip(addresses, records, strict=False)
        }
        nowhere = records[len(addresses)]
        for at, place in enumerate(records):
            links[place], links[place + TARGET], scores[place] = -1, -1, _INFINITY
            below = 2 * at + 1
            links[place + BELOW] = records[below] if below < len(addresses) else nowhere
            links[place + ABOVE] = records[(at - 1) // 2] if at else nowhere + _LOWEST
        scores[nowhere + _LOWEST] = -_INFINITY

    def pick(self, handle: Handle | None = None) -> str:
        """Return the target on top and count a connection for it.

        A retry first releases the address that failed, then takes the topmost target this request has not failed
        on. Those passed over are popped and inserted again, which moves them. When every target has failed the
        failures are forgotten and the first one popped is taken.

        Raises:
            NoPeerError: No target is available.
        """
        if handle is not None and handle.address is not None:
            return self._pick_again(handle)
        target = least_connections(self._cells.links, self._cells.scores, self.first_cell)
        if target < 0:
            raise NoPeerError(Refusal.NO_PEERS)
        return self.address_of(target)

    def release(self, address: str) -> None:
        """Count a connection less for a target.

        Raises:
            KeyError: The address is not listed.
            ValueError: It has no connection.
        """
        if not least_release(self._cells.links, self._cells.scores, self._known[address]):
            raise ValueError(f"{address} is released more often than it was picked")

    def _pick_again(self, handle: Handle) -> str:
        assert handle.address is not None
        self.release(handle.address)
        handle.address = None
        links, top = self._cells.links, self.first_cell
        popped: list[int] = []
        while links[top] >= 0 and self.address_of(links[top]) in handle.failed:
            popped.append(self._pop())
        if links[top] >= 0:
            target = links[top]
        elif popped:
            handle.failed = ()
            target = popped[0]
        else:
            raise NoPeerError(Refusal.NO_PEERS)
        for passed_over in popped:
            self._insert(passed_over)
        self._cells.scores[target] += 1.0
        heap_sink(links, self._cells.scores, links[target], target, self._value(target))
        return self.address_of(target)

    def _insert(self, target: int) -> None:
        place = self._records()[self._size]
        self._size += 1
        heap_rise(self._cells.links, self._cells.scores, place, target, self._value(target))

    def _pop(self) -> int:
        links, scores, top = self._cells.links, self._cells.scores, self.first_cell
        self._size -= 1
        place = self._records()[self._size]
        popped, last = links[top], links[place]
        links[place], scores[place] = -1, _INFINITY
        links[popped] = -1
        if last != popped:
            heap_sink(links, scores, top, last, self._value(last))
        return popped

    def _records(self) -> range:
        """Return all records: of a target and a place each, and the two behind them."""
        return range(self.first_cell, self.first_cell + RECORD * (len(self._targets) + 2), RECORD)

    def address_of(self, target: int) -> str:
        """Return the address of a target."""
        return self._targets[(target - self.first_cell) // RECORD]

    def _value(self, target: int) -> float:
        """Return what a target is ranked by."""
        scores = self._cells.scores
        return scores[target] / scores[target + DIVISOR]
