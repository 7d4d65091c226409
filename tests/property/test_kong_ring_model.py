"""Consistent-hashing against a ring built and walked literally, through any sequence of verdicts and pushes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from kong_gate import Gate
from xxhash import xxh32

from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing, RingCapacityError
from simsticky.kong.balancer import Balancer, Handle
from simsticky.kong.upstream import Target

KEYS = ["", *(f"key-{i}" for i in range(20))]
ADDRESSES = ["10.0.0.1:80", "10.0.0.1:9080", "10.0.0.1:10080", "10.0.0.10:80", "10.0.0.9:80", "10.0.0.99:8080"]
"""In the order of the ring: names as text, ports as numbers."""

LISTS = st.lists(
    st.builds(Target, st.sampled_from(ADDRESSES), st.sampled_from([0, 1, 2, 3, 100, 100])),
    max_size=6,
    unique_by=lambda target: target.address,
)


class RingMachine(Gate):
    """Consistent-hashing beside a ring that is built and walked literally for every look."""

    @initialize(slots=st.sampled_from([10, 1500, 10_000]))
    def start(self, slots: int) -> None:
        """Begin without targets."""
        self.slots = slots
        self.points = max(slots, 1000)
        self.push([])

    @rule(listed=LISTS)
    def push(self, listed: list[Target]) -> None:
        """A push builds the ring of its targets; one that is over the capacity is refused, and the old one stays."""
        ring = self.literal_ring(listed)
        algorithm = ConsistentHashing(self.slots)
        if ring is None:
            with pytest.raises(RingCapacityError):
                Balancer(listed, algorithm)
            return
        self.targets, self.unavailable, self.ring, self.algorithm = listed, set(), ring, algorithm
        self.balancer = Balancer(listed, algorithm)
        assert dict(algorithm.ring) == ring

    def point(self, text: str) -> int:
        """Return the point of a text."""
        return int(xxh32(text.encode(), seed=0).intdigest()) % self.points + 1

    def literal_ring(self, targets: list[Target]) -> dict[int, str] | None:
        """Place one point after the other, as the Lua code does; None if a target runs out of names."""
        ring: dict[int, str] = {}
        total = sum(target.weight for target in targets)
        for target in sorted(targets, key=lambda t: ADDRESSES.index(t.address)):
            entries = int(target.weight / total * len(targets) * 160) if total else 0
            missing = max(entries, 1) if target.weight else 0
            number = 0
            while missing:
                number += 1
                point = self.point(f"{target.address.replace(':', '::')} {number}")
                if point not in ring:
                    ring[point] = target.address
                    missing -= 1
                if number == self.points:
                    return None
        return ring

    def walk(self, key: str) -> str | None:
        """Step down from the key's point until an available address is met or the start is next."""
        start = index = self.point(key)
        while True:
            if index in self.ring and self.ring[index] not in self.unavailable:
                return self.ring[index]
            index = index - 1 or self.points
            if index - 1 == start or (index == 1 and start == self.points):
                return None

    @rule()
    def pick(self) -> None:
        """Every pick is that of the literal ring: available, and of weight."""
        for key in KEYS:
            peer = self.outcome(Handle(key))
            assert peer == (self.walk(key) if self.gate_open() else None)
            assert peer is None or (self.may_take(peer) and self.weight(peer))

    @rule(address=st.sampled_from(ADDRESSES))
    def verdict(self, address: str) -> None:
        """A target that turns unhealthy moves its own keys only; one that recovers takes the same ones back."""
        before = self.algorithm.owners
        if not self.flip(address):
            return
        after = self.algorithm.owners
        gone, there = (before, after) if address in self.unavailable else (after, before)
        assert address not in there
        assert all(now == was for was, now in zip(gone, there, strict=True) if was != address)

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
    """At equal weights few keys move between survivors, by freed collision points.

    Of 6,000 random sets 99 in 100 moved under 2 %, all but one under 3 %, that one 3.2 %.
    """
    targets = [Target(f"10.1.{host // 250}.{host % 250}:80") for host in hosts]
    removed = targets[position % len(targets)]
    before, after = ConsistentHashing(), ConsistentHashing()
    Balancer(targets, before)
    Balancer([target for target in targets if target is not removed], after)
    moved = sum(a not in (b, removed.address) for a, b in zip(before.owners, after.owners, strict=True))
    assert moved / before.points < 0.05


@settings(max_examples=60)
@given(weights=st.lists(st.integers(1, 100), min_size=2, max_size=8))
def test_points_follow_the_weights(weights: list[int]) -> None:
    """Each target holds its share of the points, rounded down."""
    targets = [Target(f"10.0.0.{i}:80", weight) for i, weight in enumerate(weights, 1)]
    algorithm = ConsistentHashing()
    Balancer(targets, algorithm)
    held = [address for _, address in algorithm.ring]
    for target in targets:
        share = target.weight / sum(weights) * len(weights) * 160
        assert held.count(target.address) == max(int(share), 1)
