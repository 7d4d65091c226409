"""Round-robin beyond the recorded cases: the wheel, the shuffle, the pointer's edges."""

from collections import Counter

import pytest

from simsticky.kong.algorithms.round_robin import RoundRobin, shuffle, unshuffled_wheel
from simsticky.kong.balancer import NoPeerError, Refusal
from simsticky.kong.upstream import Target

A, B, C = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"


def keep(i: int) -> int:
    """Leave every wheel as it is: entry i is swapped with itself."""
    return i


def test_wheel_divides_by_the_common_divisor() -> None:
    """The wheel has the weights over their gcd, in list order, without entries for weight 0."""
    targets = [Target(A, 100), Target(B, 0), Target(C, 50)]
    assert unshuffled_wheel(targets) == [A, A, C]


@pytest.mark.parametrize("targets", [[], [Target(A, 0)], [Target(A, 0), Target(B, 0)]])
def test_no_weight_no_wheel(targets: list[Target]) -> None:
    """Nothing but zeros has no gcd, and no wheel."""
    assert unshuffled_wheel(targets) == []


def test_shuffle_draws_from_the_end() -> None:
    """The draws are made in the order i = n..2, on which recorded shuffles depend."""
    asked: list[int] = []

    def first(i: int) -> int:
        asked.append(i)
        return 1

    wheel = [A, B, C]
    shuffle(wheel, first)
    assert asked == [3, 2]
    assert wheel == [B, C, A]


def test_first_pick_is_the_second_entry() -> None:
    """Kong's pointer starts at 1 and advances before it looks (rule G4)."""
    wheel = RoundRobin(keep)
    wheel.rebuild([Target(A), Target(B), Target(C)], set())
    assert [wheel.pick() for _ in range(4)] == [B, C, A, B]


def test_rebuild_keeps_the_pointer() -> None:
    """A rebuild in place keeps the pointer; only the order is new."""
    targets = [Target(A), Target(B), Target(C)]
    wheel = RoundRobin(keep)
    wheel.rebuild(targets, set())
    wheel.pick()
    wheel.rebuild(targets, {C})
    assert wheel.pointer == 2
    assert wheel.pick() == A


def test_pointer_beyond_a_smaller_wheel_wraps() -> None:
    """A pointer beyond a wheel that has shrunk does not walk for ever."""
    wheel = RoundRobin(keep)
    wheel.rebuild([Target(A), Target(B), Target(C)], set())
    wheel.pick()
    wheel.pick()
    wheel.rebuild([Target(A)], {A})
    with pytest.raises(NoPeerError):
        wheel.pick()
    wheel.rebuild([Target(A)], set())
    assert wheel.pick() == A
    assert wheel.pointer == 1


def test_rebuild_without_weight_keeps_the_old_wheel() -> None:
    """When the weights sum to nothing, Kong returns early and keeps the old wheel."""
    wheel = RoundRobin(keep)
    wheel.rebuild([Target(A)], set())
    wheel.rebuild([Target(A, 0)], set())
    assert wheel.wheel == (A,)


def test_nothing_available_names_kongs_error_and_keeps_the_pointer() -> None:
    """A whole turn in vain ends with Kong's error, and the pointer is kept."""
    wheel = RoundRobin(keep)
    wheel.rebuild([Target(A), Target(B)], {A, B})
    with pytest.raises(NoPeerError, match="No peers are available") as caught:
        wheel.pick()
    assert caught.value.refusal is Refusal.NO_PEERS
    assert wheel.pointer == 1


def test_a_fresh_algorithm_has_no_peer() -> None:
    """A pick before any build finds no peer, and raises no index error."""
    with pytest.raises(NoPeerError):
        RoundRobin(keep).pick()


def test_share_of_an_unavailable_target_goes_to_what_follows_it() -> None:
    """What follows an unavailable target in the wheel inherits its share, and the others do not."""
    wheel = RoundRobin(keep)
    wheel.rebuild([Target(A), Target(B), Target(C)], {B})
    assert Counter(wheel.pick() for _ in range(30)) == {A: 15, C: 15}
    wheel.rebuild([Target(A, 2), Target(B, 1), Target(C, 1)], {B})
    assert Counter(wheel.pick() for _ in range(30)) == {A: 20, C: 10}


def test_excluded_entries_are_passed_over() -> None:
    """The walk for a retry of a sticky session passes over excluded entries."""
    wheel = RoundRobin(keep)
    wheel.rebuild([Target(A), Target(B), Target(C)], set())
    assert wheel.pick_other_than({B}) == C
    assert wheel.pick_other_than({A, B, C}) is None
    assert wheel.pointer == 3


def test_no_affinity() -> None:
    """Round robin follows no cookie."""
    wheel = RoundRobin(keep)
    wheel.rebuild([Target(A)], set())
    assert not wheel.followable(balancer_healthy=True)
