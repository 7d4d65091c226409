"""Kong's least-connections: a binary heap of the targets, the least loaded on top.

Sources: Kong 3.10 ``kong/runloop/balancer/least_connections.lua``; Tieske/binaryheap.lua for the heap. Ties are
frequent and the heap's own way of sifting decides them: one request at a time on three equal targets goes to two of
them for ever. Python's ``heapq`` sifts differently and would pick others. Nothing is random here.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.cells import Cells, Floats, Integers
from simsticky.kong.picks import (
    HEAP_HEAD,
    HEAP_SIZE,
    HEAP_TARGETS,
    heap_rise,
    heap_sink,
    least_connections,
    least_release,
)
from simsticky.kong.upstream import Target

_NOTHING = 5e-324
"""Divides in place of weight 0: the quotient is infinite, as that of Lua's division by 0."""


class LeastConnections(Algorithm):
    """The heap and the counts of this worker's requests in flight (rule G11).

    The value of a target is (connections + 1) / weight. Only available targets are in the heap; the counts stay
    with the targets through changes of health, and end with the balancer. A target of weight 0 has an infinite
    value: no first try reaches it, a retry does once all others have failed.

    Args:
        cells: Where heap and counts are kept; cells of its own, if not given.

    Attributes:
        region: Where they are in the cells.
    """

    __slots__ = ("__weakref__", "_cells", "_known", "_targets", "region")

    def __init__(self, cells: Cells | None = None) -> None:
        self._cells = Cells() if cells is None else cells
        self._targets: tuple[str, ...] = ()
        self._known: dict[str, int] = {}
        self.region = self._cells.region(self, HEAP_HEAD, 1)
        ints = self._cells.ints
        ints[self.region.ints + HEAP_TARGETS] = ints[self.region.ints + HEAP_SIZE] = 0

    @property
    def heap(self) -> tuple[tuple[str, float], ...]:
        """Address and value in the order of the heap's places."""
        ints, first, targets = self._cells.ints, self.region.ints, len(self._targets)
        values = self.region.floats + 2 * targets
        return tuple(
            (self._targets[ints[first + HEAP_HEAD + targets + place]], self._cells.floats[values + place])
            for place in range(ints[first + HEAP_SIZE])
        )

    @property
    def connections(self) -> dict[str, int]:
        """Requests in flight by address, in list order, unavailable targets included."""
        floats, first = self._cells.floats, self.region.floats
        return {address: int(floats[first + t]) - 1 for t, address in enumerate(self._targets)}

    def place_of(self, address: str) -> int:
        """Return the place of an address among the targets.

        Raises:
            KeyError: It is not listed.
        """
        return self._known[address]

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Clear the heap and insert the available targets in list order; the counts stay."""
        counts, size = self.connections, len(targets)
        if size != len(self._targets):
            self.region = self._cells.region(self, HEAP_HEAD + 3 * size, 3 * size)
        self._targets = tuple(target.address for target in targets)
        self._known = {address: t for t, address in enumerate(self._targets)}
        ints, floats = self._cells.ints, self._cells.floats
        heap, first = self.region.ints, self.region.floats
        ints[heap + HEAP_TARGETS], ints[heap + HEAP_SIZE] = size, 0
        for t, target in enumerate(targets):
            ints[heap + HEAP_HEAD + t] = self._cells.numbers[target.address]
            ints[heap + HEAP_HEAD + 2 * size + t] = -1
            floats[first + t] = counts.get(target.address, 0) + 1.0
            floats[first + size + t] = float(target.weight) or _NOTHING
        for t, target in enumerate(targets):
            if target.address not in unavailable:
                self._insert(t)

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
        cells, region = self._cells, self.region
        target = least_connections(cells.ints, region.ints, cells.floats, region.floats)
        if target < 0:
            raise NoPeerError(Refusal.NO_PEERS)
        return self._targets[target]

    def release(self, address: str) -> None:
        """Count a connection less for a target.

        Raises:
            KeyError: The address is not listed.
            ValueError: It has no connection.
        """
        target, cells, region = self._known[address], self._cells, self.region
        if not least_release(cells.ints, region.ints, cells.floats, region.floats, target):
            raise ValueError(f"{address} is released more often than it was picked")

    def _pick_again(self, handle: Handle) -> str:
        assert handle.address is not None
        self.release(handle.address)
        handle.address = None
        ints, heap, targets = self._cells.ints, self.region.ints, len(self._targets)
        top = heap + HEAP_HEAD + targets
        popped: list[int] = []
        while ints[heap + HEAP_SIZE] and self._targets[ints[top]] in handle.failed:
            popped.append(self._pop())
        if ints[heap + HEAP_SIZE]:
            target = ints[top]
        elif popped:
            handle.failed = ()
            target = popped[0]
        else:
            raise NoPeerError(Refusal.NO_PEERS)
        for passed_over in popped:
            self._insert(passed_over)
        self._cells.floats[self.region.floats + target] += 1.0
        heap_sink(*self._heap(target), ints[heap + HEAP_HEAD + 2 * targets + target], self._value(target))
        return self._targets[target]

    def _insert(self, target: int) -> None:
        ints, heap = self._cells.ints, self.region.ints
        place = ints[heap + HEAP_SIZE]
        ints[heap + HEAP_SIZE] = place + 1
        heap_rise(*self._heap(target), place, self._value(target))

    def _pop(self) -> int:
        ints, heap, targets = self._cells.ints, self.region.ints, len(self._targets)
        size = ints[heap + HEAP_SIZE] = ints[heap + HEAP_SIZE] - 1
        top, last = ints[heap + HEAP_HEAD + targets], ints[heap + HEAP_HEAD + targets + size]
        ints[heap + HEAP_HEAD + 2 * targets + top] = -1
        if last != top:
            heap_sink(*self._heap(last), 0, self._value(last))
        return top

    def _heap(self, target: int) -> tuple[Integers, int, Floats, int, int]:
        """Return the heap, and one of its targets, as its rules want them."""
        values = self.region.floats + 2 * len(self._targets)
        return self._cells.ints, self.region.ints, self._cells.floats, values, target

    def _value(self, target: int) -> float:
        """Return what a target is ranked by."""
        floats, at = self._cells.floats, self.region.floats + target
        value: float = floats[at] / floats[at + len(self._targets)]
        return value
