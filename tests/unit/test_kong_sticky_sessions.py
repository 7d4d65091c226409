"""Sticky sessions: whom a cookie finds, who gets a new pick, what the response sets."""

from collections import Counter
from dataclasses import replace
from math import nextafter

import pytest

from simsticky.kong.algorithms.sticky_sessions import StickyOptions, StickySessions, response_cookie
from simsticky.kong.balancer import Balancer, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import Target

A, B, C = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"
DEFAULTS = StickyOptions()
RANDOM = StickyOptions(new_pick="random")
LEAST_CONNECTIONS = StickyOptions(new_pick="least_connections")
IN_ORDER = StickyOptions(new_pick="in_order")
RULES = (DEFAULTS, RANDOM, LEAST_CONNECTIONS, IN_ORDER)


def sticky(options: StickyOptions = DEFAULTS, *weights: int, counts: dict[str, int] | None = None) -> Balancer:
    """Build a sticky balancer over 10.0.0.1.. (three of weight 100 unless told), its wheel unshuffled."""
    targets = [Target(f"10.0.0.{i}:80", weight) for i, weight in enumerate(weights or (100, 100, 100), 1)]
    in_flight = Counter(counts or {})
    algorithm = StickySessions(options, draw=lambda i: i, in_flight=in_flight.__getitem__)
    return Balancer(targets, algorithm)


def test_cookie_brings_the_session_back() -> None:
    """A bound session goes to its cookie's target each time (rule S2)."""
    it = sticky()
    assert [it.get_peer(Handle(key=C)) for _ in range(5)] == [C] * 5


def test_without_a_cookie_picks_go_round() -> None:
    """New sessions go to one pod after the other by default (rule S3)."""
    it = sticky()
    assert [it.new_pick() for _ in range(5)] == [B, C, A, B, C]
    assert it.next_peer() == A


def test_in_order_begins_with_the_first_target_and_is_not_shuffled() -> None:
    """An experiment with another proxy meets its servers as they are listed, whatever the source of shuffles says."""
    targets = [Target(address, 100) for address in (A, B, C)]
    it = Balancer(targets, StickySessions(IN_ORDER, draw=lambda i: 1))
    assert [it.new_pick() for _ in range(5)] == [A, B, C, A, B]


def test_weight_0_keeps_its_cookies_and_gets_no_new_session() -> None:
    """Bound sessions stay on a weight-0 target, new ones go elsewhere (rule S2)."""
    it = sticky(DEFAULTS, 100, 100, 0)
    assert it.get_peer(Handle(key=C)) == C
    assert {it.new_pick() for _ in range(10)} == {A, B}
    assert list(it.followable()) == [A, B, C]


def test_weight_0_gives_its_cookies_up_where_the_option_says() -> None:
    """A bound session leaves a weight-0 target, as if it were not listed."""
    it = sticky(replace(DEFAULTS, on_weight_zero="rebind"), 100, 100, 0)
    assert it.get_peer(Handle(key=C)) in (A, B)
    assert it.get_peer(Handle(key=A)) == A
    assert list(it.followable()) == [A, B]


@pytest.mark.parametrize("cookie", ["10.0.0.9:80", "", "no-address-at-all"])
def test_removed_or_foreign_cookie_counts_as_none(cookie: str) -> None:
    """A cookie that names nothing listed leads to a new pick (rule S3)."""
    it = sticky()
    assert it.get_peer(Handle(key=cookie)) == B
    assert cookie not in it.followable()


def test_unhealthy_target_is_rebound_or_followed() -> None:
    """A bound target that health checks took out is left or followed, as the option says (rule S7)."""
    for options, expected in ((DEFAULTS, B), (replace(DEFAULTS, on_unhealthy="follow"), A)):
        it = sticky(options)
        it.set_address_status(A, available=False)
        assert it.get_peer(Handle(key=A)) == expected
        assert (A in it.followable()) is (expected == A)
        assert A not in {it.new_pick() for _ in range(6)}


def test_all_draining_is_503_or_serves_the_bound() -> None:
    """With a total weight of zero a bound session gets 503 or is served; a new one gets 503 either way (rule S6)."""
    it = sticky(DEFAULTS, 0, 0)
    assert not it.followable()
    with pytest.raises(NoPeerError, match="unhealthy"):
        it.get_peer(Handle(key=A))
    it = sticky(replace(DEFAULTS, when_total_weight_zero="serve_bound"), 0, 0)
    assert list(it.followable()) == [A, B]
    assert it.get_peer(Handle(key=A)) == A
    with pytest.raises(NoPeerError, match="unhealthy"):
        it.new_pick()
    with pytest.raises(NoPeerError, match="unhealthy"):
        it.get_peer(Handle(key=C))


def test_serving_the_bound_does_not_open_the_threshold_gate() -> None:
    """The answer is 503 only without any weight at all, not when too little of it is available."""
    it = sticky(replace(DEFAULTS, when_total_weight_zero="serve_bound"), 100, 0)
    it.set_address_status(A, available=False)
    assert not it.followable()
    with pytest.raises(NoPeerError, match="unhealthy"):
        it.get_peer(Handle(key=B))


def test_retry_picks_anew_and_passes_over_failures() -> None:
    """The bound target refused, so another one, until none is left untried (rule S4)."""
    it, handle = sticky(), Handle(key=B)
    assert [it.get_peer(handle) for _ in range(3)] == [B, C, A]
    assert it.get_peer(handle) in {A, B, C}
    assert handle.retry_count == 3


def test_retry_on_the_same_target() -> None:
    """A bound session is tried on its target again; a session without one is picked anew."""
    it = sticky(replace(DEFAULTS, retry="same_target"))
    handle = Handle(key=C)
    assert [it.get_peer(handle) for _ in range(3)] == [C, C, C]
    handle = Handle()
    assert [it.get_peer(handle) for _ in range(2)] == [B, C]


def test_retry_of_a_bound_session_with_nobody_else_is_no_peer() -> None:
    """When a draining pod refuses and no target has weight, the answer is 503."""
    it, handle = sticky(replace(DEFAULTS, when_total_weight_zero="serve_bound"), 0, 0), Handle(key=A)
    it.get_peer(handle)
    with pytest.raises(NoPeerError) as caught:
        it.get_peer(handle)
    assert caught.value.refusal is Refusal.NO_PEERS


@pytest.mark.parametrize("options", RULES, ids=lambda options: options.new_pick)
def test_new_picks_honour_exclusions_while_another_is_left(options: StickyOptions) -> None:
    """Every rule passes over excluded targets, and picks a lone target although it is excluded."""
    it = sticky(options)
    assert it.new_pick(u=0.1, exclude={A, B}) == C
    assert it.new_pick(u=0.1, exclude={A, B, C}) in {A, B, C}
    assert sticky(options, 100, 0).new_pick(exclude={A}) == A


def test_random_pick_inverts_the_cumulated_weights() -> None:
    """A uniform draw leads to a target in list order; weight 0 and unavailable targets are left out."""
    it = sticky(RANDOM, 1, 0, 3)
    draws = [0.0, nextafter(0.25, 0), 0.25, nextafter(1, 0)]
    assert [it.new_pick(u=u) for u in draws] == [A, A, C, C]
    assert Counter(it.new_pick(u=i / 400) for i in range(400)) == {A: 100, C: 300}
    it.set_address_status(C, available=False)
    assert it.new_pick(u=0.99) == A


def test_least_connections_takes_the_smallest_value() -> None:
    """The smallest (connections + 1) / weight is picked, and a tie goes to the first in list order."""
    assert sticky(LEAST_CONNECTIONS, 100, 100, 100, counts={A: 1}).new_pick() == B
    assert sticky(LEAST_CONNECTIONS, 50, 100, counts={B: 1}).new_pick() == A
    assert sticky(LEAST_CONNECTIONS, 50, 100, counts={A: 1, B: 1}).new_pick() == B
    assert sticky(LEAST_CONNECTIONS, 100, 0, counts={A: 99}).new_pick() == A


@pytest.mark.parametrize("options", [DEFAULTS, LEAST_CONNECTIONS], ids=lambda options: options.new_pick)
def test_a_rule_without_its_source_is_refused(options: StickyOptions) -> None:
    """A rule for new picks that could never pick is refused."""
    with pytest.raises(ValueError, match=f"{options.new_pick} need"):
        StickySessions(options)


def test_identity_by_target_id() -> None:
    """A reused address is another target when the cookie names the target's id."""
    options = replace(DEFAULTS, identity="by_target_id")
    algorithm = StickySessions(options, draw=lambda i: i)
    it = Balancer([Target(A, target_id="new"), Target(B)], algorithm)
    assert dict(it.followable()) == {"new": A, B: B}
    assert it.get_peer(Handle(key="new")) == A
    assert it.get_peer(Handle(key="old")) == B


@pytest.mark.parametrize(
    ("changes", "presented", "first", "last", "error", "expected"),
    [
        ({}, None, A, A, False, A),
        ({}, A, A, A, False, None),
        ({}, A, B, B, False, B),
        ({}, A, A, B, False, B),
        ({"cookie_on_retry": "keep_cookie"}, A, A, B, False, None),
        ({"cookie_on_retry": "keep_cookie"}, None, A, B, False, A),
        ({"set_cookie": "always"}, A, A, A, False, A),
        ({}, None, A, A, True, A),
        ({"cookie_on_error_response": False}, None, A, A, True, None),
        ({"cookie_on_error_response": False, "set_cookie": "always"}, A, A, A, True, None),
    ],
)
def test_response_cookie(
    changes: dict[str, str | bool],
    presented: str | None,
    first: str,
    last: str,
    error: bool,
    expected: str | None,
) -> None:
    """The Set-Cookie of a response names the right target under each option (rule S5)."""
    options = replace(DEFAULTS, **changes)  # type: ignore[arg-type]  # the values are given by field name
    assert response_cookie(options, presented, first, last, error) == expected
