"""Hashing modulo the number of targets: what it moves, and where a retry goes."""

import pytest

from simsticky.kong.algorithms.hash_modulo import HashModulo
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

_KEYS = [f"key-{number}" for number in range(20_000)]


def _targets(number: int, weight: int = 100) -> list[Target]:
    return [Target(f"10.0.0.{place}:80", weight) for place in range(number)]


def _homes(targets: list[Target]) -> list[str]:
    balancer = Balancer(targets, HashModulo())
    return [balancer.get_peer(Handle(key)) for key in _KEYS]


@pytest.mark.parametrize(("before", "after", "moved"), [(3, 4, 3 / 4), (4, 3, 3 / 4), (4, 5, 4 / 5), (2, 4, 1 / 2)])
def test_nearly_all_keys_move(before: int, after: int, moved: float) -> None:
    """1 - min / lcm of the keys move, to four standard errors of 20,000 keys."""
    pairs = zip(_homes(_targets(before)), _homes(_targets(after)), strict=True)
    share = sum(one != other for one, other in pairs) / len(_KEYS)
    assert abs(share - moved) <= 4 * (moved * (1 - moved) / len(_KEYS)) ** 0.5


def test_a_target_that_drains_is_off_the_map() -> None:
    """A target of weight 0 loses its keys, and those of the others move too (rule G18)."""
    draining = [*_targets(3), Target("10.0.0.9:80", 0)]
    assert _homes(draining) == _homes(_targets(3))


def test_a_retry_goes_elsewhere_and_a_sick_target_is_passed_over() -> None:
    """A retry goes neither to what failed nor to what a health check took out, as long as there is another target.

    See rule G18.
    """
    balancer = Balancer(_targets(3), HashModulo())
    for key in _KEYS[:200]:
        handle = Handle(key)
        tried = {balancer.get_peer(handle) for _ in range(3)}
        assert len(tried) == 3
        assert balancer.get_peer(handle) in tried
    balancer.set_address_status("10.0.0.1:80", available=False)
    assert {balancer.get_peer(Handle(key)) for key in _KEYS[:500]} == {"10.0.0.0:80", "10.0.0.2:80"}


def test_without_targets_there_is_no_peer() -> None:
    """An empty table has no peer."""
    with pytest.raises(NoPeerError):
        HashModulo().pick(Handle("a"))
