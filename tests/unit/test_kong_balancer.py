"""The balancer: totals, the health gate, the handle."""

from collections.abc import Sequence, Set

import pytest

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.balancer import Algorithm, Balancer, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

A, B, C = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"


class Counting(RoundRobin):
    """Round-robin in list order that notes what each rebuild was told."""

    def __init__(self) -> None:
        super().__init__(lambda i: i)
        self.rebuilds: list[frozenset[str]] = []

    def rebuild(self, targets: Sequence[Target], unavailable: Set[str]) -> None:
        super().rebuild(targets, unavailable)
        self.rebuilds.append(frozenset(unavailable))


def balancer(*weights: int, threshold: float = 0, algorithm: Algorithm | None = None) -> Balancer:
    """Build a balancer over 10.0.0.1.. with the given weights, unshuffled."""
    targets = [Target(f"10.0.0.{i}:80", weight) for i, weight in enumerate(weights, 1)]
    return Balancer(targets, algorithm or RoundRobin(lambda i: i), threshold)


def test_totals_follow_the_verdicts() -> None:
    """Total and unavailable weight follow a loss and a recovery."""
    it = balancer(100, 50, 0)
    assert (it.total_weight, it.unavailable_weight) == (150, 0)
    assert it.set_address_status(B, available=False)
    assert it.set_address_status(C, available=False)
    assert (it.total_weight, it.unavailable_weight) == (150, 50)
    assert it.set_address_status(B, available=True)
    assert (it.unavailable_weight, it.is_available(B), it.is_available(C)) == (0, True, False)


def test_a_verdict_in_force_does_nothing() -> None:
    """The same verdict twice neither counts twice nor shuffles again."""
    algorithm = Counting()
    it = balancer(100, 100, algorithm=algorithm)
    assert not it.set_address_status(A, available=True)
    assert it.set_address_status(A, available=False)
    assert not it.set_address_status(A, available=False)
    assert it.unavailable_weight == 100
    assert algorithm.rebuilds == [frozenset(), {A}]


def test_a_verdict_on_a_stranger_is_an_error() -> None:
    """A verdict on an address that is not listed is an error."""
    with pytest.raises(KeyError):
        balancer(100).set_address_status("10.9.9.9:80", available=False)


@pytest.mark.parametrize(
    ("threshold", "lost", "healthy"),
    [(0, 3, True), (0, 4, False), (50, 1, True), (50, 2, False), (49.9, 2, True), (100, 0, False)],
)
def test_healthy_is_strictly_above_the_threshold(threshold: float, lost: int, healthy: bool) -> None:
    """Of four equal targets Kong's health gate wants strictly more than the threshold (rule G5)."""
    it = balancer(100, 100, 100, 100, threshold=threshold)
    for target in it.targets[:lost]:
        it.set_address_status(target.address, available=False)
    assert it.healthy is healthy
    if healthy:
        assert it.is_available(it.next_peer())
    else:
        with pytest.raises(NoPeerError, match="Balancer is unhealthy") as caught:
            it.next_peer()
        assert caught.value.refusal is Refusal.UNHEALTHY


@pytest.mark.parametrize(("threshold", "lost", "healthy"), [(0, 3, True), (0, 4, False), (50, 2, True), (100, 0, True)])
def test_healthy_from_the_threshold_on_where_the_option_says(threshold: float, lost: int, healthy: bool) -> None:
    """A share that reaches the threshold is enough, but nothing available is never enough.

    See rule G5.
    """
    targets = [Target(f"10.0.0.{i}:80") for i in range(1, 5)]
    it = Balancer(targets, RoundRobin(lambda upto: upto), threshold, "ge")
    for target in targets[:lost]:
        it.set_address_status(target.address, available=False)
    assert it.healthy is healthy


@pytest.mark.parametrize("weights", [(), (0,), (0, 0)])
def test_without_weight_never_healthy(weights: tuple[int, ...]) -> None:
    """An upstream that is empty or wholly drained answers 503."""
    it = balancer(*weights)
    assert not it.healthy
    for refused in (it.next_peer, it.new_pick, lambda: it.get_peer(Handle())):
        with pytest.raises(NoPeerError, match="Balancer is unhealthy"):
            refused()


def test_recovery_opens_the_gate_again() -> None:
    """next_peer works again after the gate was shut and opened."""
    it = balancer(100)
    it.set_address_status(A, available=False)
    it.set_address_status(A, available=True)
    assert it.next_peer() == A


def test_handle_counts_retries_and_remembers_failures() -> None:
    """Each pick after the first means that the one before failed."""
    it, handle = balancer(100, 100), Handle()
    assert [it.get_peer(handle) for _ in range(3)] == [B, A, B]
    assert (handle.address, handle.retry_count, tuple(handle.failed)) == (B, 2, (B, A))


def test_refused_retry_leaves_the_handle_as_it_is() -> None:
    """No algorithm has seen the retry."""
    it, handle = balancer(100), Handle()
    it.get_peer(handle)
    it.set_address_status(A, available=False)
    with pytest.raises(NoPeerError):
        it.get_peer(handle)
    assert (handle.address, handle.retry_count, tuple(handle.failed)) == (A, 0, ())


def test_targets_are_unique() -> None:
    """An address cannot be listed twice."""
    with pytest.raises(ValueError, match="same address"):
        Balancer([Target(A), Target(A)], RoundRobin(lambda i: i))


@pytest.mark.parametrize("threshold", [-1, 101])
def test_threshold_is_a_percentage(threshold: float) -> None:
    """The threshold has the range of Kong's schema."""
    with pytest.raises(ValueError, match="threshold"):
        balancer(100, threshold=threshold)
