"""What a pick costs beside round robin's, and how its cost grows with the targets: ratios inside one process."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from random import Random
from time import process_time
from types import SimpleNamespace

import pytest

from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing
from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.algorithms.sticky_sessions import StickySessions
from simsticky.kong.balancer import Algorithm, Balancer, Handle
from simsticky.kong.upstream import Target

pytestmark = pytest.mark.perf

PICKS = 4000
IN_FLIGHT = 20
ROUNDS = 15

LARGEST = {
    "round-robin": 1000,
    "least-connections": 1000,
    "sticky-sessions": 1000,
    "sticky-sessions, new": 1000,
    "consistent-hashing": 60,
    "latency": 60,
}
"""Targets up to which each algorithm's own cost is measured."""

REPORTED = {"latency"}
"""Without a gate: it looks at every candidate, as Kong does."""


def balancer(targets: int, algorithm: Algorithm) -> Balancer:
    """Return a balancer of equal targets."""
    return Balancer([Target(f"10.0.{i // 250}.{i % 250}:80") for i in range(targets)], algorithm)


def picks(it: Balancer, keys: list[str | None]) -> Callable[[], None]:
    """Return first tries that bring a key each."""

    def run() -> None:
        for key in keys:
            it.get_peer(Handle(key))

    return run


def picks_and_releases(it: Balancer) -> Callable[[], None]:
    """Return picks beside 20 requests in flight, one of which, drawn at random, ends before each."""
    luck = Random(1)
    open_requests = [it.get_peer(Handle()) for _ in range(IN_FLIGHT)]
    ends = [luck.randrange(IN_FLIGHT) for _ in range(PICKS)]

    def run() -> None:
        for number in ends:
            it.release(open_requests[number])
            open_requests[number] = it.get_peer(Handle())

    return run


def picks_and_feedback(it: Balancer, clock: SimpleNamespace) -> Callable[[], None]:
    """Return picks 10 ms apart, each with its response time."""
    luck = Random(2)
    times = [luck.expovariate(20) for _ in range(PICKS)]

    def run() -> None:
        for rtt_s in times:
            clock.now_s += 0.01
            it.feedback(it.get_peer(Handle()), rtt_s)

    return run


def candidate(name: str, targets: int) -> Callable[[], None]:
    """Return what ``PICKS`` requests cost the balancer, all of them by the call that the algorithms share."""
    luck, nothing = Random(3), [None] * PICKS
    if name == "round-robin":
        return picks(balancer(targets, RoundRobin(lambda upto: luck.randint(1, upto))), [*nothing])
    if name.startswith("sticky-sessions"):
        it = balancer(targets, StickySessions(draw=lambda upto: luck.randint(1, upto)))
        cookies = [luck.choice(it.targets).address for _ in range(PICKS)]
        return picks(it, [*nothing] if name.endswith("new") else [*cookies])
    if name == "consistent-hashing":
        return picks(balancer(targets, ConsistentHashing()), [f"session-{number}" for number in range(PICKS)])
    if name == "least-connections":
        return picks_and_releases(balancer(targets, LeastConnections()))
    clock = SimpleNamespace(now_s=0.0)
    return picks_and_feedback(balancer(targets, Latency(clock)), clock)


def measure() -> dict[str, dict[str, float]]:
    """Return the best CPU seconds a pick, of interleaved rounds, by algorithm and number of targets."""
    runs = {(name, n): candidate(name, n) for name, largest in LARGEST.items() for n in (10, largest)}
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for of, run in runs.items():
            begun = process_time()
            run()
            best[of] = min(best[of], (process_time() - begun) / PICKS)
    return {name: {"few": best[name, 10], "many": best[name, largest]} for name, largest in LARGEST.items()}


def beyond(costs: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return which algorithms a measurement finds beyond one of the gates."""
    limit = 4 * costs["round-robin"]["few"]
    return [
        name
        for name, cost in costs.items()
        if name not in REPORTED and (cost["few"] > limit or cost["many"] > 3 * cost["few"])
    ]


def test_a_pick_is_cheap_and_stays_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A pick costs at most 4 times round robin's at 10 targets, and at most 3 times its own at 1000 (hashing: at 60).

    What looks at every target costs 100 times as much there (6 times); a heap of 1000 is three times as deep as one of
    10, which makes a pick of least-connections up to twice as dear.

    Least-connections is measured with the release of each request, latency with the feedback; latency compares all
    candidates, as Kong does, and is only reported. Measured once, in a process of its own: a round takes a few
    milliseconds, so that the best of them is one that nothing disturbed.
    """
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    costs: dict[str, dict[str, float]] = json.loads(done.stdout)
    with capsys.disabled():
        print()
        for name, cost in costs.items():
            print(
                f"{name}: {cost['few'] * 1e9:.0f} ns at 10 targets, {cost['few'] / costs['round-robin']['few']:.2f}"
                f" times round robin; {cost['many'] / cost['few']:.2f} times that at {LARGEST[name]}"
            )
    assert beyond(costs) == []


if __name__ == "__main__":
    print(json.dumps(measure()))
