"""The latency algorithm: averages, the stampede after a rebuild, weight 0, retries, late responses."""

from math import exp, nextafter
from types import SimpleNamespace

import pytest

from simsticky.kong.algorithms.latency import Latency, round_trip_s
from simsticky.kong.balancer import Balancer, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

A, B, C = (f"10.0.0.{i}:80" for i in range(1, 4))


class Bench:
    """A balancer with a clock to set."""

    def __init__(self, *weights: int, order: str = "ABC") -> None:
        self.now_s = 0.0
        names = {"A": A, "B": B, "C": C}
        places = [names[letter] for letter in order]
        self.algorithm = Latency(self, lambda listed: sorted(listed, key=places.index))
        targets = [Target(f"10.0.0.{i}:80", w) for i, w in enumerate(weights, 1)]
        self.balancer = Balancer(targets, self.algorithm)

    def answer(self, address: str, now_s: float, rtt_s: float) -> None:
        """Log a response."""
        self.now_s = now_s
        self.balancer.feedback(address, rtt_s)


def test_stampede_after_a_rebuild() -> None:
    """Every request goes to the first candidate until its first response, then to the next."""
    bench = Bench(100, 100, 100, order="CAB")
    assert [bench.balancer.next_peer() for _ in range(4)] == [C] * 4
    bench.answer(C, 1.0, 0.1)
    assert [bench.balancer.next_peer() for _ in range(4)] == [A] * 4


def test_average_decays_with_ten_seconds() -> None:
    """The past loses exp(-t / 10 s), the new time gets the rest (rule G12)."""
    bench = Bench(100, 100)
    bench.answer(A, 5.0, 2.0)
    bench.answer(A, 10.0, 1.0)
    first = 2.0 * (1 - exp(-0.5))
    assert bench.algorithm.ewma[A] == pytest.approx(first * exp(-0.5) + 1.0 * (1 - exp(-0.5)))
    assert bench.algorithm.last_touched == {A: 10.0, B: 0.0}


def test_weight_divides_the_score() -> None:
    """A heavier target is picked at a longer time."""
    bench = Bench(100, 10)
    bench.answer(A, 10.0, 0.5)
    bench.answer(B, 10.0, 0.1)
    assert bench.balancer.next_peer() == A


def test_scores_that_fade_to_nothing_are_equal() -> None:
    """After hours without a response all scores are 0 and the first wins."""
    bench = Bench(100, 100)
    bench.answer(A, 10.0, 0.5)
    bench.answer(B, 10.0, 0.1)
    bench.now_s = 7000.0
    assert bench.balancer.next_peer() == B
    bench.now_s = 8000.0
    assert bench.balancer.next_peer() == A


def test_the_last_digit_of_a_score_decides() -> None:
    """A score lower by the least possible is lower."""
    bench = Bench(1, 1, 1)
    for address, rtt_s in ((A, 0.1), (B, nextafter(0.1, 0.0)), (C, 0.2)):
        bench.answer(address, 1e6, rtt_s)
    assert bench.balancer.next_peer() == B


def test_weight_0_wins_only_as_the_first_without_a_response() -> None:
    """First in order it gets all requests until its first response."""
    assert Bench(100, 0, order="ABC").balancer.next_peer() == A
    bench = Bench(100, 0, order="BAC")
    bench.answer(A, 1.0, 0.5)
    assert bench.balancer.next_peer() == B
    bench.answer(B, 2.0, 0.1)
    assert bench.balancer.next_peer() == A


def test_retries_pass_over_failures_until_none_is_left() -> None:
    """Each target is tried once, and then there is no peer."""
    bench, handle = Bench(100, 100, 100, order="BCA"), Handle()
    assert [bench.balancer.get_peer(handle) for _ in range(3)] == [B, C, A]
    with pytest.raises(NoPeerError) as refused:
        bench.balancer.get_peer(handle)
    assert refused.value.refusal is Refusal.NO_PEERS


def test_the_only_target_gets_every_retry() -> None:
    """The only target gets every retry, and its failures are not looked at."""
    bench, handle = Bench(100), Handle()
    assert [bench.balancer.get_peer(handle) for _ in range(3)] == [A] * 3


def test_slow_start_of_a_recovered_target() -> None:
    """The sum of the others over their number, itself counted in."""
    bench = Bench(100, 100, 100)
    for address in (A, B, C):
        bench.answer(address, 10.0, 0.3)
    bench.balancer.set_address_status(C, available=False)
    assert bench.algorithm.address_count == 2
    bench.now_s = 12.0
    bench.balancer.set_address_status(C, available=True)
    assert bench.algorithm.ewma[C] == pytest.approx(2 * bench.algorithm.ewma[A] / 3)
    assert bench.algorithm.last_touched[C] == 12.0


def test_average_that_is_too_large_fades_to_nothing_all_the_same() -> None:
    """The factor exp(-899) is 0, whatever it is multiplied with, and 0 is the lowest."""
    bench = Bench(100, 100)
    bench.answer(B, 10.0, 1e300)
    bench.answer(A, 7000.0, 1e-200)
    bench.now_s = 9000.0
    assert bench.balancer.next_peer() == B


def test_late_response_of_an_unhealthy_target() -> None:
    """Such a response brings the entry back, and a pick that falls on it fails."""
    bench = Bench(100, 100, 100, order="ABC")
    for address in (A, B, C):
        bench.answer(address, 10.0, 0.3)
    bench.balancer.set_address_status(A, available=False)
    bench.answer(A, 20.0, 0.001)
    assert bench.algorithm.ewma[A] == 0.001
    with pytest.raises(NoPeerError) as refused:
        bench.balancer.next_peer()
    assert refused.value.refusal is Refusal.ADDRESS_UNAVAILABLE
    bench.balancer.set_address_status(B, available=False)
    assert bench.balancer.next_peer() == C


def test_no_feedback_while_the_balancer_is_unhealthy() -> None:
    """A closed gate takes no note of responses, nor does an unlisted address."""
    bench = Bench(100)
    with pytest.raises(KeyError):
        bench.balancer.feedback(B, 1.0)
    bench.balancer.set_address_status(A, available=False)
    assert bench.balancer.feedback(A, 1.0) is None
    with pytest.raises(NoPeerError):
        bench.algorithm.pick()


def test_times_of_several_attempts_count_nothing() -> None:
    """Of several attempts nginx lists several numbers, and Kong reads none of them."""
    assert round_trip_s(0.25, 0.5) == 0.75
    assert round_trip_s(None, None) == 0.0
    assert round_trip_s(0.25, None) == 0.25


def test_an_order_that_is_none_is_refused() -> None:
    """An order of candidates that loses or invents one is refused."""
    with pytest.raises(ValueError, match="exactly once"):
        Balancer([Target(A), Target(B)], Latency(SimpleNamespace(now_s=0.0), lambda listed: listed[:1]))
