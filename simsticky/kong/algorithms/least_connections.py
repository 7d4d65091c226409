"""Kong's least-connections: a binary heap of the targets, the least loaded on top.

Sources: Kong 3.10 ``kong/runloop/balancer/least_connections.lua``; Tieske/binaryheap.lua for the heap. Ties are
frequent and the heap's own way of sifting decides them: one request at a time on three equal targets goes to two of
them for ever. Python's ``heapq`` sifts differently and would pick others. Nothing is random here.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

_NOTHING = 5e-324
"""Divides in place of weight 0: the quotient is infinite, as that of Lua's division by 0."""


class _Node:
    """One target: its connections and one more, which outlive the heap, and its place in the heap, None outside.

    The numbers are floats, with which Python counts and divides faster than with integers.
    """

    __slots__ = ("address", "divisor", "one_more", "place")

    def __init__(self, address: str, weight: int, one_more: float) -> None:
        self.address = address
        self.one_more = one_more
        self.divisor = float(weight) or _NOTHING
        self.place: _Place | None = None

    def value(self) -> float:
        """Return (connections + 1) / weight; infinite for weight 0."""
        return self.one_more / self.divisor


class _Place:
    """One place of the heap: its target with the target's value, linked to the places around it.

    A place without a target is infinite and never rises, which spares every step a look at the size.
    """

    __slots__ = ("left", "node", "parent", "right", "value")

    def __init__(self, parent: "_Place | None" = None) -> None:
        self.value = float("inf")
        self.node: _Node | None = None
        self.parent = parent
        self.left = self.right = self

    def put(self, node: _Node, value: float) -> None:
        """Put a target down here."""
        self.node, self.value = node, value
        node.place = self


_NOWHERE = _Place()
"""Below the last places."""


def _tree(size: int) -> list[_Place]:
    """Return empty places of a heap, linked, with one more than asked for: there always is a top."""
    places: list[_Place] = []
    for i in range(size + 1):
        places.append(_Place(places[(i - 1) // 2] if i else None))
    for i, place in enumerate(places):
        place.left, place.right = [*places[2 * i + 1 : 2 * i + 3], _NOWHERE, _NOWHERE][:2]
    return places


class LeastConnections(Algorithm):
    """The heap and the counts of this worker's requests in flight (rule G11).

    The value of a target is (connections + 1) / weight. Only available targets are in the heap; the counts stay
    with the targets through changes of health, and end with the balancer. A target of weight 0 has an infinite
    value: no first try reaches it, a retry does once all others have failed.
    """

    __slots__ = ("_nodes", "_places", "_size", "_top")

    def __init__(self) -> None:
        self._nodes: dict[str, _Node] = {}
        self._places = _tree(0)
        self._top = self._places[0]
        self._size = 0

    @property
    def heap(self) -> tuple[tuple[str, float], ...]:
        """Address and value in the order of the heap's places."""
        return tuple((place.node.address, place.value) for place in self._places if place.node is not None)

    @property
    def connections(self) -> dict[str, int]:
        """Requests in flight by address, in list order, unavailable targets included."""
        return {address: int(node.one_more) - 1 for address, node in self._nodes.items()}

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Clear the heap and insert the available targets in list order; the counts stay."""
        counts = {address: node.one_more for address, node in self._nodes.items()}
        self._nodes = {t.address: _Node(t.address, t.weight, counts.get(t.address, 1.0)) for t in targets}
        self._places = _tree(len(targets))
        self._top = self._places[0]
        self._size = 0
        for address, node in self._nodes.items():
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
        place = self._top
        node = place.node
        if node is None:
            raise NoPeerError(Refusal.NO_PEERS)
        # ``_Node.value`` and ``_sink``, written out because every request comes here.
        node.one_more = one_more = node.one_more + 1.0
        value = one_more / node.divisor
        while True:
            least, right = place.left, place.right
            lowest = least.value
            if right.value < lowest:
                least = right
                lowest = right.value
            if lowest >= value:
                break
            place.value = lowest
            place.node = moved = least.node
            moved.place = place  # type: ignore[union-attr]  # what is lower than a target is a target
            place = least
        place.value = value
        place.node = node
        node.place = place
        return node.address

    def release(self, address: str) -> None:
        """Count a connection less for a target.

        Raises:
            KeyError: The address is not listed.
            ValueError: It has no connection.
        """
        node = self._nodes[address]
        connections = node.one_more - 1.0
        if not connections:
            raise ValueError(f"{address} is released more often than it was picked")
        node.one_more = connections
        place = node.place
        if place is not None:
            # After bubbling up Kong sinks from the old place. There is either this target, lighter than before, or the
            # one that was above it: nothing would move.
            value = connections / node.divisor
            above = place.parent
            if above is None or value >= above.value:
                place.value = value
            else:
                # ``_bubble_up``, written out.
                while True:
                    place.value = above.value
                    place.node = moved = above.node
                    moved.place = place  # type: ignore[union-attr]  # no place below a target is above without one
                    place = above
                    above = place.parent
                    if above is None or value >= above.value:
                        break
                place.value = value
                place.node = node
                node.place = place

    def _pick_again(self, handle: Handle) -> str:
        assert handle.address is not None
        self.release(handle.address)
        handle.address = None
        top = self._top
        popped: list[_Node] = []
        while top.node is not None and top.node.address in handle.failed:
            popped.append(self._pop(top.node))
        node = top.node
        if node is None:
            if not popped:
                raise NoPeerError(Refusal.NO_PEERS)
            handle.failed = ()
            node = popped[0]
        for passed_over in popped:
            self._insert(passed_over)
        node.one_more += 1.0
        assert node.place is not None
        self._sink(node, node.place)
        return node.address

    # The heap ---------------------------------------------------------------------------------------------------
    # Kong swaps a target with its neighbour step by step; moving the neighbours and putting the target down last is
    # the same. Of two children the strictly smaller one rises, the left one of equals.

    def _insert(self, node: _Node) -> None:
        place = self._places[self._size]
        self._size += 1
        self._bubble_up(node, place, node.value())

    def _pop(self, top: _Node) -> _Node:
        self._size -= 1
        bottom = self._places[self._size]
        last = bottom.node
        bottom.node, bottom.value = None, float("inf")
        top.place = None
        if last is not None and last is not top:
            self._sink(last, self._top)
        return top

    @staticmethod
    def _bubble_up(node: _Node, place: _Place, value: float) -> None:
        above = place.parent
        while above is not None and value < above.value:
            assert above.node is not None
            place.put(above.node, above.value)
            place, above = above, above.parent
        place.put(node, value)

    @staticmethod
    def _sink(node: _Node, place: _Place) -> None:
        value = node.value()
        while True:
            least = place.right if place.right.value < place.left.value else place.left
            if least.value >= value:
                break
            assert least.node is not None
            place.put(least.node, least.value)
            place = least
        place.put(node, value)
