"""Kong's algorithms against slow, obvious models, through any sequence of what can happen."""

from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from kong_gate import ADDRESSES, MANY_STEPS, SOME_ADDRESS, TARGETS, Gate
from xxhash import xxh32

from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing, RingCapacityError
from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer, Handle
from simsticky.kong.upstream import Target

# Least-connections ----------------------------------------------------------------------------------------------


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
        """A retry of a request of this balancer passes over its failures, and counts once."""
        balancer, model, handle, failed = data.draw(st.sampled_from(self.open))
        if balancer is not self.balancer or not self.gate_open():
            return
        assert handle.address is not None
        failed.add(handle.address)
        model.add(handle.address, -1)
        assert self.outcome(handle) == model.pick(failed)
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


# Consistent-hashing ---------------------------------------------------------------------------------------------

KEYS = ["", *(f"key-{i}" for i in range(40))]


class RingMachine(Gate):
    """Consistent-hashing beside a ring that is built and walked literally for every look."""

    @initialize()
    def start(self) -> None:
        """Begin without targets."""
        self.push([])

    @rule(listed=TARGETS)
    def push(self, listed: list[Target]) -> None:
        """A push builds the ring of its targets; one that is over the capacity is refused, and the old one stays."""
        ring = self.literal_ring(listed)
        if ring is None:
            with pytest.raises(RingCapacityError):
                Balancer(listed, ConsistentHashing(10))
            return
        self.targets, self.unavailable, self.ring = listed, set(), ring
        self.balancer = Balancer(listed, ConsistentHashing(10))

    @staticmethod
    def point(text: str) -> int:
        """Return the point of a text."""
        return int(xxh32(text.encode(), seed=0).intdigest()) % 1000 + 1

    def literal_ring(self, targets: list[Target]) -> dict[int, str] | None:
        """Place one point after the other, as the Lua code does; None if a target runs out of names."""
        ring: dict[int, str] = {}
        total = sum(target.weight for target in targets)
        for target in sorted(targets, key=lambda t: t.address):
            entries = int(target.weight / total * len(targets) * 160) if total else 0
            missing = max(entries, 1) if target.weight else 0
            number = 0
            while missing:
                number += 1
                point = self.point(f"{target.address.replace(':', '::')} {number}")
                if point not in ring:
                    ring[point] = target.address
                    missing -= 1
                if number == 1000:
                    return None
        return ring

    def walk(self, key: str) -> str | None:
        """Step down from the key's point until an available address is met or the start is next."""
        start = index = self.point(key)
        while True:
            if index in self.ring and self.ring[index] not in self.unavailable:
                return self.ring[index]
            index = index - 1 or 1000
            if index - 1 == start or (index == 1 and start == 1000):
                return None

    def picks(self) -> dict[str, str | None]:
        """Return the pick for each of the keys."""
        return {key: self.outcome(Handle(key)) for key in KEYS}

    @rule()
    def pick(self) -> None:
        """Every pick is that of the literal ring."""
        assert self.picks() == {key: self.walk(key) if self.gate_open() else None for key in KEYS}

    @rule(address=SOME_ADDRESS)
    def verdict(self, address: str) -> None:
        """A target that turns unhealthy moves its own keys only; one that recovers takes the same ones back."""
        before, was_open = self.picks(), self.gate_open()
        if not self.flip(address) or not was_open or not self.gate_open():
            return
        after = self.picks()
        gone, there = (before, after) if address in self.unavailable else (after, before)
        assert all(there[key] == gone[key] for key in KEYS if gone[key] != address)
        assert all(there[key] != address for key in KEYS)

    @rule(key=st.sampled_from(KEYS), tries=st.integers(1, 5))
    def retry(self, key: str, tries: int) -> None:
        """A retry meets the same address again."""
        handle = Handle(key)
        assert len({self.outcome(handle) for _ in range(tries)}) == 1


TestRing = RingMachine.TestCase
TestRing.__doc__ = "Protects the ring against any sequence of pushes and verdicts."
TestRing.settings = settings(stateful_step_count=15, deadline=None)


@settings(max_examples=60)
@given(
    hosts=st.lists(st.integers(0, 60_000), min_size=3, max_size=8, unique=True),
    position=st.integers(0, 7),
)
def test_removal_hardly_moves_the_survivors_keys(hosts: list[int], position: int) -> None:
    """Protects affinity at a removal: at equal weights under 3 % move between survivors, by freed collision points."""
    targets = [Target(f"10.1.{host // 250}.{host % 250}:80") for host in hosts]
    removed = targets[position % len(targets)]
    before, after = ConsistentHashing(), ConsistentHashing()
    Balancer(targets, before)
    Balancer([target for target in targets if target is not removed], after)
    moved = sum(a not in (b, removed.address) for a, b in zip(before.owners, after.owners, strict=True))
    assert moved / before.points < 0.03


@settings(max_examples=60)
@given(weights=st.lists(st.integers(1, 100), min_size=2, max_size=8))
def test_points_follow_the_weights(weights: list[int]) -> None:
    """Protects the weights: each target holds its share of the points, rounded down."""
    targets = [Target(f"10.0.0.{i}:80", weight) for i, weight in enumerate(weights, 1)]
    algorithm = ConsistentHashing()
    Balancer(targets, algorithm)
    held = [address for _, address in algorithm.ring]
    for target in targets:
        share = target.weight / sum(weights) * len(weights) * 160
        assert held.count(target.address) == max(int(share), 1)


# Latency --------------------------------------------------------------------------------------------------------


class LatencyMachine(Gate):
    """Latency beside a model that keeps every response and averages them all anew at each look."""

    @initialize(listed=TARGETS, order=st.permutations(ADDRESSES))
    def start(self, listed: list[Target], order: list[str]) -> None:
        """Begin with a first push at time 0."""
        self.now_s = 0.0
        self.push(listed, order)

    @rule(listed=TARGETS, order=st.permutations(ADDRESSES))
    def push(self, listed: list[Target], order: list[str]) -> None:
        """A push forgets all responses, and the order of the candidates is another."""
        self.targets, self.unavailable, self.order = listed, set(), order
        # For each address its history: (when, seconds); the first entry is where it starts.
        self.history: dict[str, list[tuple[float, float]]] = {t.address: [(self.now_s, 0.0)] for t in listed}
        self.algorithm = Latency(lambda: self.now_s, lambda addresses: sorted(addresses, key=order.index))
        self.balancer = Balancer(listed, self.algorithm)

    def average(self, address: str) -> float:
        """Return the average of a whole history."""
        (last, average), *responses = self.history[address]
        for when, rtt_s in responses:
            kept = exp(-(when - last) / 10)
            average, last = average * kept + rtt_s * (1 - kept), when
        return average

    @rule(step_s=st.sampled_from([0.001, 0.1, 1.0, 10.0, 100.0]))
    def wait(self, step_s: float) -> None:
        """Time passes."""
        self.now_s += step_s

    @rule(address=SOME_ADDRESS, rtt_s=st.floats(0, 5))
    def response(self, address: str, rtt_s: float) -> None:
        """A response of an available target enters its average, unless the gate is closed."""
        if self.may_take(address):
            held = self.balancer.feedback(address, rtt_s)
            assert (held is not None) is self.gate_open()
            if self.gate_open():
                self.history[address].append((self.now_s, rtt_s))

    @rule(address=SOME_ADDRESS)
    def verdict(self, address: str) -> None:
        """An unhealthy target is forgotten; a recovered one begins with the average over all."""
        if not self.flip(address):
            return
        if address in self.unavailable:
            del self.history[address]
            return
        others = [self.average(other) for other in self.history]
        self.history[address] = [(self.now_s, sum(others) / (len(others) + 1))]

    @rule(tries=st.integers(1, 4))
    def pick(self, tries: int) -> None:
        """The first of the lowest scores wins, among those not yet failed; what weight 0 wins is Kong's NaN."""
        handle, failed = Handle(), list[str]()
        for _ in range(tries):
            candidates = [a for a in self.order if a in self.history and (a not in failed or len(self.history) == 1)]
            peer = self.outcome(handle)
            if not self.gate_open() or not candidates:
                assert peer is None
                return
            assert peer in candidates
            assert self.may_take(peer)
            failed.append(peer)
            scores = {a: self.score(a) for a in candidates}
            if scores[candidates[0]] is None:
                assert peer == candidates[0]
                continue
            real = {a: score for a, score in scores.items() if score is not None}
            # Two ways to sum round differently: the pick is the lowest but for the last digits.
            assert real[peer] <= min(real.values()) * (1 + 1e-9)
            if list(real.values()).count(0.0):
                assert peer == next(a for a in candidates if scores[a] == 0.0)

    def score(self, address: str) -> float | None:
        """Return the score of a candidate; None for Kong's 0 / 0."""
        average = self.average(address) * exp(-(self.now_s - self.history[address][-1][0]) / 10)
        if self.weight(address):
            return average / self.weight(address)
        return float("inf") if average else None

    @invariant()
    def averages(self) -> None:
        """The averages are the model's, and there is one for each available target."""
        assert self.algorithm.ewma == {a: pytest.approx(self.average(a), rel=1e-9, abs=1e-300) for a in self.history}
        assert set(self.algorithm.candidates) == set(self.history)


TestLatency = LatencyMachine.TestCase
TestLatency.__doc__ = "Protects the averages and the picks against any sequence of responses, verdicts and pushes."
TestLatency.settings = MANY_STEPS
