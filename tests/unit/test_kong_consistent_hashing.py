"""Consistent-hashing: the ring's size and capacity, the search, and the keys of requests."""

import pytest

from simsticky.errors import InputError
from simsticky.kong.algorithms.consistent_hashing import (
    ConsistentHashing,
    HashInput,
    HashKey,
    HashOn,
    Input,
    Request,
    RingCapacityError,
    build_ring,
    hash_key,
    ring_index,
    ring_points,
)
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

A, B, C = (f"10.0.0.{i}:80" for i in range(1, 4))


def equal(n: int, draining: int = 0) -> tuple[Target, ...]:
    """Return targets of equal weights, and some of weight 0 after them."""
    return tuple(Target(f"10.244.0.{i}:8080", 100 if i <= n else 0) for i in range(1, n + draining + 1))


# The ring -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slots", "points"), [(10, 1000), (999, 1000), (1000, 1000), (65_536, 65_536), (2**33, 1000)])
def test_points(slots: int, points: int) -> None:
    """Too few slots, or too many, make 1000 points."""
    assert ring_points(slots) == points
    assert ConsistentHashing(slots).points == points


def test_49_equal_targets_get_159_points_each() -> None:
    """1 / 49 * 49 * 160 falls short of 160."""
    ring = build_ring(equal(49), 10_000)
    assert len(ring) == 49 * 159


@pytest.mark.parametrize(
    ("slots", "active", "draining", "fits"),
    [
        (100, 5, 0, True),
        (100, 6, 0, False),
        (100, 5, 1, False),
        (100, 4, 2, False),
        (100, 3, 3, False),
        (100, 4, 1, True),
        (100, 3, 2, True),
        (100, 1, 2, True),
        (100, 1, 3, False),
        (10_000, 61, 0, True),
        (10_000, 61, 1, True),
        (10_000, 60, 2, False),
    ],
)
def test_capacity(slots: int, active: int, draining: int, fits: bool) -> None:
    """The budget of points is used up by draining targets like by all others."""
    if fits:
        assert build_ring(equal(active, draining), ring_points(slots))
        return
    with pytest.raises(RingCapacityError, match=f"{active + draining} targets") as refused:
        Balancer(equal(active, draining), ConsistentHashing(slots))
    assert isinstance(refused.value, InputError)
    assert refused.value.diagnostics[0].path == "upstream.slots"


def test_search_never_looks_just_above_the_start() -> None:
    """The search stops one point short, so that the point above the start is not found."""
    only = Target(A, 1)
    algorithm = ConsistentHashing()
    # 65534 to 1: floor(0.002...) is 0, which counts as one point.
    balancer = Balancer([only, Target(B, 65_534)], algorithm)
    balancer.set_address_status(B, available=False)
    (point,) = (point for point, address in algorithm.ring if address == A)
    assert algorithm.owners.count(None) == 1
    assert algorithm.owners[point - 2] is None
    key = next(str(i) for i in range(10**6) if ring_index(str(i), 10_000) == (point - 1 or 10_000))
    with pytest.raises(NoPeerError):
        balancer.get_peer(Handle(key))


def test_no_key_is_the_empty_key() -> None:
    """Requests without anything to hash all go to one target."""
    balancer = Balancer(equal(5), ConsistentHashing())
    assert balancer.next_peer() == balancer.get_peer(Handle()) == balancer.get_peer(Handle(""))


def test_ring_is_the_same_in_every_worker() -> None:
    """The order of the targets plays no part."""
    one, other = ConsistentHashing(), ConsistentHashing()
    Balancer(equal(5), one)
    Balancer(equal(5)[::-1], other)
    assert one.owners == other.owners


# Keys -----------------------------------------------------------------------------------------------------------

REQUEST: Request = {
    "ip": "192.0.2.7",
    "consumer": "c-1",
    "credential": "cred-1",
    "path": "/cart",
    "headers": {"X-User": "u-1", "x-many": ["a", "b"], "X-Empty": ""},
    "cookies": {"sid": "s-1", "empty": ""},
    "query": {"q": "1", "flag": True, "many": ["b", True, "a"]},
    "uri_captures": {"shop": "42"},
}


def no_id() -> str:
    """Fail: nothing needs a generated identifier here."""
    raise AssertionError("an identifier was generated")


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("none", "", ""),
        ("ip", "", "192.0.2.7"),
        ("consumer", "", "c-1"),
        ("path", "", "/cart"),
        ("header", "x-user", "u-1"),
        ("header", "X-Many", "a, b"),
        ("header", "x-empty", ""),
        ("cookie", "sid", "s-1"),
        ("cookie", "empty", ""),
        ("query_arg", "q", "1"),
        ("query_arg", "flag", "true"),
        ("query_arg", "many", "a,b,true"),
        ("uri_capture", "shop", "42"),
    ],
)
def test_key(kind: Input, name: str, value: str) -> None:
    """Each input takes its value from the request; an empty value is found all the same (rule C8)."""
    on = HashOn(HashInput(kind, name), fallback=HashInput("ip"))
    assert hash_key(on, REQUEST, no_id) == HashKey(value)


@pytest.mark.parametrize("kind", ["ip", "consumer", "path", "header", "query_arg", "uri_capture"])
def test_fallback(kind: Input) -> None:
    """The fallback is used for what a request lacks, and the empty key where that is missing too."""
    given = HashInput(kind, "name")
    assert hash_key(HashOn(given, HashInput("cookie", "sid")), {"cookies": {"sid": "s"}}, no_id) == HashKey("s")
    assert hash_key(HashOn(given, given), {}, no_id) == HashKey("")
    assert hash_key(HashOn(given), {}, no_id) == HashKey("")


def test_credential_stands_in_for_the_consumer() -> None:
    """Without a consumer the credential's id is hashed."""
    assert hash_key(HashOn(HashInput("consumer")), {"credential": "cred-1"}, no_id) == HashKey("cred-1")


def test_generated_cookie() -> None:
    """A client's first request has its cookie generated, hashed at once, and set with Kong's spelling."""
    on = HashOn(HashInput("cookie", "sid"), cookie_path="/shop")
    key = hash_key(on, {"cookies": {"other": "1"}}, lambda: "0123")
    assert key == HashKey("0123", "sid=0123; Path=/shop; Same-Site=Lax; HttpOnly")


def test_none_ignores_the_fallback() -> None:
    """hash_on none is the empty key at once, whatever the fallback says."""
    assert hash_key(HashOn(fallback=HashInput("ip")), REQUEST, no_id) == HashKey("")


def test_an_input_without_its_name_is_refused() -> None:
    """A header input that names no header is refused."""
    with pytest.raises(ValueError, match="needs a name"):
        HashInput("header")
