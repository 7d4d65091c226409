"""Kong's least-connections: a binary heap of the targets, the least loaded on top.

Sources: Kong 3.10 ``kong/runloop/balancer/least_connections.lua``; Tieske/binaryheap.lua for the heap. Ties are
frequent and the heap's own way of sifting decides them: one request at a time on three equal targets goes to two of
them for ever. Python's ``heapq`` sifts differently and would pick others. Nothing is random here.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

_INFINITY = float("inf")


class _Node:
    """One target: its connections, which outlive the heap, and its 1-based place in the heap, 0 outside."""

    __slots__ = ("address", "connections", "position", "value", "weight")

    def __init__(self, address: str, weight: int) -> None:
        self.address = address
        self.weight = weight
        self.position = 0
        self.count(0)

    def count(self, connections: int) -> None:
        """Set the connections and with them the value: (connections + 1) / weight; infinite for weight 0."""
        self.connections = connections
        self.value = (connections + 1) / self.weight if self.weight else _INFINITY


_NOBODY = _Node("", 0)
"""Fills the places behind the last: being infinite it never rises, which spares every step a look at the size."""


class LeastConnections(Algorithm):
    """The heap and the counts of this worker's requests in flight.

    The value of a target is (connections + 1) / weight. Only available targets are in the heap; the counts stay
    with the targets through changes of health, and end with the balancer. A target of weight 0 has an infinite
    value: no first try reaches it, a retry does once all others have failed.
    """

    __slots__ = ("_nodes", "_places", "_size")

    def __init__(self) -> None:
        self._nodes: dict[str, _Node] = {}
        # Kong counts places from 1; nobody looks at place 0.
        self._places: list[_Node] = [_NOBODY] * 4
        self._size = 0

    @property
    def heap(self) -> tuple[tuple[str, float], ...]:
        """Address and value in the order of the heap's places."""
        return tuple((node.address, node.value) for node in self._places[1 : self._size + 1])

    @property
    def connections(self) -> dict[str, int]:
        """Requests in flight by address, in list order, unavailable targets included."""
        return {address: node.connections for address, node in self._nodes.items()}

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Clear the heap and insert the available targets in list order; the counts stay."""
        counts = self.connections
        self._nodes = {target.address: _Node(target.address, target.weight) for target in targets}
        self._places = [_NOBODY] * (2 * len(targets) + 4)
        self._size = 0
        for address, node in self._nodes.items():
            node.count(counts.get(address, 0))
            if address not in unavailable:
                self._insert(node)

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
        places = self._places
        node = places[1]
        if node is _NOBODY:
            raise NoPeerError(Refusal.NO_PEERS)
        # ``_Node.count`` and ``_sink``, written out because every request comes here.
        node.connections = connections = node.connections + 1
        node.value = value = (connections + 1) / node.weight if node.weight else _INFINITY
        position, child = 1, 2
        while True:
            least = places[child]
            right = places[child + 1]
            if right.value < least.value:
                least = right
                child += 1
            if least.value >= value:
                break
            places[position] = least
            least.position = position
            position = child
            child += child
        places[position] = node
        node.position = position
        return node.address

    def release(self, address: str) -> None:
        """Count a connection less for a target.

        Raises:
            KeyError: The address is not listed.
            ValueError: It has no connection.
        """
        node = self._nodes[address]
        if not node.connections:
            raise ValueError(f"{address} is released more often than it was picked")
        node.count(node.connections - 1)
        if node.position:
            # After bubbling up Kong sinks from the old place. There is either this target, lighter than before, or the
            # one that was above it: nothing would move.
            self._bubble_up(node)

    def _pick_again(self, handle: Handle) -> str:
        assert handle.address is not None
        self.release(handle.address)
        handle.address = None
        popped: list[_Node] = []
        while self._size and self._places[1].address in handle.failed:
            popped.append(self._pop())
        node = self._places[1]
        if not self._size:
            if not popped:
                raise NoPeerError(Refusal.NO_PEERS)
            handle.failed = ()
            node = popped[0]
        for passed_over in popped:
            self._insert(passed_over)
        node.count(node.connections + 1)
        self._sink(node)
        return node.address

    # The heap ---------------------------------------------------------------------------------------------------
    # Kong swaps a node with its neighbour step by step; moving the neighbours and putting the node down last is the
    # same. Of two children the strictly smaller one rises, the left one of equals.

    def _insert(self, node: _Node) -> None:
        self._size += 1
        node.position = self._size
        self._bubble_up(node)

    def _pop(self) -> _Node:
        top, last = self._places[1], self._places[self._size]
        self._places[self._size] = _NOBODY
        self._size -= 1
        top.position = 0
        if last is not top:
            last.position = 1
            self._sink(last)
        return top

    def _bubble_up(self, node: _Node) -> None:
        places, position, value = self._places, node.position, node.value
        while position > 1 and value < places[position // 2].value:
            parent = position // 2
            places[position] = moved = places[parent]
            moved.position = position
            position = parent
        places[position] = node
        node.position = position

    def _sink(self, node: _Node) -> None:
        places, position, value = self._places, node.position, node.value
        child = 2 * position
        while True:
            least, right = places[child], places[child + 1]
            if right.value < least.value:
                least = right
                child += 1
            if least.value >= value:
                break
            places[position] = least
            least.position = position
            position, child = child, 2 * child
        places[position] = node
        node.position = position
