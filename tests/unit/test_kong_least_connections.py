"""Least-connections: what its heap does to equal targets, weight 0, retries and counts."""

from collections import Counter

import pytest

from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

A, B, C, D = (f"10.0.0.{i}:80" for i in range(1, 5))


def balancer(*weights: int) -> Balancer:
    """Return a balancer of as many targets as there are weights."""
    return Balancer([Target(f"10.0.0.{i}:80", w) for i, w in enumerate(weights, 1)], LeastConnections())


def counts(it: Balancer) -> dict[str, int]:
    """Return the counts of a balancer's algorithm."""
    assert isinstance(it.algorithm, LeastConnections)
    return it.algorithm.connections


def test_one_request_at_a_time_starves_the_third_target() -> None:
    """On equal idle targets sequential requests alternate between two of them for ever."""
    it = balancer(100, 100, 100)
    picks = []
    for _ in range(10):
        picks.append(it.next_peer())
        it.release(picks[-1])
    assert picks == [A, B] * 5


def test_two_in_flight_starve_the_fourth_target() -> None:
    """With two requests in flight on four targets one target gets none."""
    it = balancer(100, 100, 100, 100)
    flying = [it.next_peer(), it.next_peer()]
    picks = Counter(flying)
    for _ in range(40):
        it.release(flying.pop(0))
        flying.append(it.next_peer())
        picks[flying[-1]] += 1
    assert len(picks) == 3


def test_weights_share_the_connections() -> None:
    """Open requests spread by weight."""
    it = balancer(300, 100)
    for _ in range(40):
        it.next_peer()
    assert counts(it) == {A: 30, B: 10}


def test_weight_0_is_the_last_resort_of_a_retry() -> None:
    """No first try reaches it, a retry does when all others have failed."""
    it = balancer(100, 0)
    assert {it.next_peer() for _ in range(5)} == {A}
    handle = Handle()
    assert [it.get_peer(handle) for _ in range(3)] == [A, B, A]
    assert handle.failed == ()


def test_a_retry_releases_what_failed() -> None:
    """Through any number of retries a request counts once."""
    it, handle = balancer(100, 100, 100), Handle()
    for _ in range(7):
        it.get_peer(handle)
        assert sum(counts(it).values()) == 1
    assert handle.address is not None
    it.release(handle.address)
    assert sum(counts(it).values()) == 0


def test_counts_survive_a_change_of_health() -> None:
    """A target that is out of the heap for a while keeps its count, released meanwhile or not."""
    it = balancer(100, 100)
    for _ in range(4):
        it.next_peer()
    it.set_address_status(A, available=False)
    it.release(A)
    assert it.next_peer() == B
    it.set_address_status(A, available=True)
    assert counts(it) == {A: 1, B: 3}
    assert it.next_peer() == A


def test_too_many_releases_are_refused() -> None:
    """A caller who releases twice is refused, so that counts never become negative."""
    it = balancer(100)
    it.release(it.next_peer())
    with pytest.raises(ValueError, match="more often"):
        it.release(A)


def test_nobody_left() -> None:
    """An empty heap, which only an algorithm without its balancer's gate can meet, has no peer."""
    algorithm = LeastConnections()
    with pytest.raises(NoPeerError) as refused:
        algorithm.pick()
    assert refused.value.refusal is Refusal.NO_PEERS
    algorithm.rebuild([Target(A)], frozenset())
    handle = Handle(address=algorithm.pick())
    algorithm.rebuild([Target(A)], frozenset({A}))
    with pytest.raises(NoPeerError):
        algorithm.pick(handle)
    assert handle.address is None
    assert algorithm.connections == {A: 0}
