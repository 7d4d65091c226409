"""Least-connections against the heap of the Lua library, through any sequence of requests, verdicts and pushes."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from kong_gate import MANY_STEPS, SOME_ADDRESS, TARGETS, Gate

from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer, Handle
from simsticky.kong.upstream import Target


class ModelHeap:
    """The heap of the Lua library, swap by swap; the value of each address is looked up anew each time."""

    def __init__(self, weights: dict[str, int]) -> None:
        self.weights = weights
        self.counts = dict.fromkeys(weights, 0)
        self.slots: list[str] = []

    def value(self, position: int) -> float:
        """Return the value at a 1-based position."""
        address = self.slots[position - 1]
        return (self.counts[address] + 1) / self.weights[address] if self.weights[address] else float("inf")

    def swap(self, a: int, b: int) -> None:
        """Swap two positions."""
        self.slots[a - 1], self.slots[b - 1] = self.slots[b - 1], self.slots[a - 1]

    def up(self, position: int) -> None:
        """Bubble up while strictly less than the parent."""
        while position > 1 and self.value(position) < self.value(position // 2):
            self.swap(position, position // 2)
            position //= 2

    def down(self, position: int) -> None:
        """Sink to the strictly smallest child, the left one first."""
        least = position
        for child in (2 * position, 2 * position + 1):
            if child <= len(self.slots) and self.value(child) < self.value(least):
                least = child
        if least != position:
            self.swap(position, least)
            self.down(least)

    def insert(self, address: str) -> None:
        """Append and bubble up."""
        self.slots.append(address)
        self.up(len(self.slots))

    def pop(self) -> str:
        """Take the top: the last one takes its place and sinks."""
        self.swap(1, len(self.slots))
        top = self.slots.pop()
        if self.slots:
            self.down(1)
        return top

    def add(self, address: str, delta: int) -> None:
        """Change a count; where the address is in the heap, bubble up and then sink from the same position."""
        self.counts[address] += delta
        if address in self.slots:
            position = self.slots.index(address) + 1
            self.up(position)
            if position < len(self.slots):
                self.down(position)

    def pick(self, failed: set[str]) -> str:
        """Take the topmost address that has not failed; when all have, forget the failures."""
        popped = []
        while self.slots and self.slots[0] in failed:
            popped.append(self.pop())
        if self.slots:
            peer = self.slots[0]
        else:
            failed.clear()
            peer = popped[0]
        for address in popped:
            self.insert(address)
        self.add(peer, 1)
        return peer


class LeastConnectionsMachine(Gate):
    """Least-connections beside its heap, with requests that outlive pushes."""

    @initialize(listed=TARGETS)
    def start(self, listed: list[Target]) -> None:
        """Begin with a first push and no request."""
        self.open: list[tuple[Balancer, ModelHeap, Handle, set[str]]] = []
        self.push(listed)

    @rule(listed=TARGETS)
    def push(self, listed: list[Target]) -> None:
        """A push starts from nothing; open requests stay with their balancer."""
        self.targets, self.unavailable = listed, set()
        self.algorithm = LeastConnections()
        self.balancer = Balancer(listed, self.algorithm)
        self.model = ModelHeap({target.address: target.weight for target in listed})
        self.fill()

    def fill(self) -> None:
        """Insert the available addresses in list order."""
        self.model.slots = []
        for target in self.targets:
            if target.address not in self.unavailable:
                self.model.insert(target.address)

    @rule(address=SOME_ADDRESS)
    def verdict(self, address: str) -> None:
        """A change of health fills the heap anew, the counts stay."""
        if self.flip(address):
            self.fill()

    @rule()
    def pick(self) -> None:
        """A first try gets the top: available, of the smallest value, never weight 0."""
        handle = Handle()
        peer = self.outcome(handle)
        if not self.gate_open():
            assert peer is None
            return
        assert peer is not None
        values = [self.model.value(i) for i in range(1, len(self.model.slots) + 1)]
        assert values[0] == min(values)
        assert peer == self.model.pick(set())
        assert self.may_take(peer)
        assert self.weight(peer)
        self.open.append((self.balancer, self.model, handle, set()))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """A retry passes over the failures of its request and counts once, on the balancer of its first attempt."""
        balancer, model, handle, failed = data.draw(st.sampled_from(self.open))
        if not any(model.weights[address] for address in model.slots):
            tried, counts = handle.address, dict(model.counts)
            assert self.outcome(handle, balancer) is None
            assert (handle.address, model.counts) == (tried, counts)
            return
        assert handle.address is not None
        failed.add(handle.address)
        model.add(handle.address, -1)
        others = set(model.slots) - failed
        peer = self.outcome(handle, balancer)
        assert peer == model.pick(failed)
        assert peer in others or not others
        assert set(handle.failed) == failed

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """A request that ends is released by the balancer of its first attempt, which a push may have replaced."""
        ended = data.draw(st.sampled_from(self.open))
        self.open.remove(ended)
        balancer, model, handle, _ = ended
        assert handle.address is not None
        balancer.release(handle.address)
        model.add(handle.address, -1)

    @invariant()
    def heap_and_counts(self) -> None:
        """Layout, values and counts are the model's; the counts are the open requests."""
        assert [address for address, _ in self.algorithm.heap] == self.model.slots
        assert [value for _, value in self.algorithm.heap] == [
            self.model.value(i) for i in range(1, len(self.model.slots) + 1)
        ]
        open_here = [handle.address for balancer, _, handle, _ in self.open if balancer is self.balancer]
        assert self.algorithm.connections == {t.address: open_here.count(t.address) for t in self.targets}


TestLeastConnections = LeastConnectionsMachine.TestCase
TestLeastConnections.__doc__ = "Protects the heap's ties and counts against any sequence of requests and pushes."
TestLeastConnections.settings = MANY_STEPS


@given(weights=st.lists(st.integers(1, 100), min_size=1, max_size=9), number=st.integers(1, 300))
def test_connections_follow_the_weights(weights: list[int], number: int) -> None:
    """No target's latest connection would have weighed less on another."""
    algorithm = LeastConnections()
    balancer = Balancer([Target(f"10.0.0.{i}:80", weight) for i, weight in enumerate(weights, 1)], algorithm)
    for _ in range(number):
        balancer.get_peer(Handle())
    counts = list(algorithm.connections.values())
    assert sum(counts) == number
    next_value = min((count + 1) / weight for count, weight in zip(counts, weights, strict=True))
    assert all(count / weight <= next_value for count, weight in zip(counts, weights, strict=True) if count)
