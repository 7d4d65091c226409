"""Kong's consistent-hashing: a ring of points, each target on about 160 of them, and the key that leads to one.

Sources: Kong 3.10 ``kong/runloop/balancer/consistent_hashing.lua`` for the ring, szensk/luaxxhash for the hash (xxh32,
seed 0), ``kong/runloop/balancer/init.lua:get_value_to_hash`` for the key. Nothing is random but a generated cookie.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from math import floor
from typing import Final, Literal, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt
from xxhash import xxh32_intdigest

from simsticky.errors import Diagnostic, InputError
from simsticky.kong.balancer import Algorithm, Handle, NoPeerError, Refusal
from simsticky.kong.cells import Cells
from simsticky.kong.picks import RING_HEAD, ring_owner
from simsticky.kong.upstream import DEFAULT_COOKIE_PATH, DEFAULT_SLOTS, Target

Integers = npt.NDArray[np.int64]

POINTS_PER_TARGET: Final = 160
"""Points of each target when all have the same weight."""

SMALLEST_RING: Final = 1000
LARGEST_RING: Final = 2**32


class RingCapacityError(InputError):
    """A ring has too few points for the targets.

    Kong logs a critical error, goes on without a ring, answers every request with 503, and hangs in an endless loop on
    some keys (Kong/kong#9437); here it is a fault of the configuration. Targets of weight 0 count like all others.
    """


def ring_points(slots: int) -> int:
    """Return the points of a ring: ``slots``, but 1000 where those are fewer than 1000 or more than 2^32."""
    return slots if SMALLEST_RING <= slots <= LARGEST_RING else SMALLEST_RING


def ring_index(value: str, points: int) -> int:
    """Return the point a value falls on, 1 to ``points``."""
    return xxh32_intdigest(value.encode()) % points + 1


def build_ring(targets: tuple[Target, ...], points: int) -> tuple[tuple[int, str], ...]:
    """Return the occupied points in ascending order, each with its address (rule G13).

    A target gets floor(weight / total weight * number of targets * 160) points, in double arithmetic and in that
    order, at least one if it has weight. Targets of weight 0 get none, but count in the number of targets, so that
    draining one changes the ring of the others. The points are the hashes of ``"<ip>::<port> 1"``, ``2`` and so on;
    one that is taken already is made up for by one name more. Targets come in the order of their name as text, then of
    their port, whatever the order they are listed in.

    Args:
        targets: The upstream's targets.
        points: Points of the whole ring.

    Raises:
        RingCapacityError: A target would need more names than the ring has points.
    """
    taken, owners = _occupied(targets, points)
    return tuple((point, targets[owner].address) for point, owner in zip(taken.tolist(), owners.tolist(), strict=True))


@lru_cache(maxsize=16)
def _occupied(targets: tuple[Target, ...], points: int) -> tuple[Integers, Integers]:
    """Return the occupied points in ascending order, and of each its target's place; nobody may change them."""
    total_weight = sum(target.weight for target in targets)
    ring: dict[int, int] = {}
    for place in sorted(range(len(targets)), key=lambda place: _name_and_port(targets[place])):
        target = targets[place]
        if not target.weight:
            continue
        left = floor(target.weight / total_weight * len(targets) * POINTS_PER_TARGET) or 1
        for number, point in enumerate(_hashed_points(*_name_and_port(target), points), start=1):
            if point not in ring:
                ring[point] = place
                left -= 1
            if number >= points:
                raise _over_capacity(targets, points)
            if not left:
                break
    taken = np.fromiter(ring, np.int64, len(ring))
    order = np.argsort(taken)
    return taken[order], np.fromiter(ring.values(), np.int64, len(ring))[order]


def _hashed_points(host: str, port: int, points: int) -> Iterator[int]:
    """Yield the points that a target's names fall on, one after the other, without end."""
    known = _known_points(host, port, points)
    yield from known
    for number in count(len(known) + 1):
        point = ring_index(f"{host}::{port} {number}", points)
        known.append(point)
        yield point


@lru_cache(maxsize=1024)
def _known_points(host: str, port: int, points: int) -> list[int]:
    """Return the points of a target that are known already: it keeps them from one ring to the next."""
    return []


def _name_and_port(target: Target) -> tuple[str, int]:
    host, _, port = target.address.rpartition(":")
    return host, int(port)


def _over_capacity(targets: Sequence[Target], points: int) -> RingCapacityError:
    draining = sum(target.weight == 0 for target in targets)
    number = f"{len(targets)} targets" + (f" ({draining} of weight 0)" if draining else "")
    message = f"the consistent-hashing ring of {points} points has no room for {number}; Kong would answer 503"
    hint = f"each target takes about {POINTS_PER_TARGET} points, some more in a full ring: raise slots"
    return RingCapacityError([Diagnostic("", None, None, "upstream.slots", message, hint)])


class _Arcs(NamedTuple):
    """Which start points lead to which target, as the arcs between one point and the next.

    The search goes downwards from the start point, from 1 on to the last, to the first point of an available address.
    It ends one short of a full turn: the point just above the start is never looked at.

    Attributes:
        firsts: The first start point of each arc, from 0 on; before the first of them it is the last arc.
        owners: Of each arc the place of its target.
        nobody: The only start point that leads nowhere, -1 if there is none.
    """

    firsts: Integers
    owners: Integers
    nobody: int

    def owner(self, start: int) -> int:
        """Return the place of the target that a start point leads to, from 0 on; -1 for none."""
        if not len(self.owners) or start == self.nobody:
            return -1
        return int(self.owners[np.searchsorted(self.firsts, start, side="right") - 1])


def _arcs(targets: tuple[Target, ...], points: int, unavailable: AbstractSet[str]) -> _Arcs:
    taken, owners = _occupied(targets, points)
    if unavailable:
        there = np.array([target.address not in unavailable for target in targets], np.bool_)[owners]
        taken, owners = taken[there], owners[there]
    # With one point the search ends before it comes round to that from just below.
    return _Arcs(taken - 1, owners, (int(taken[0]) - 2) % points if len(taken) == 1 else -1)


class _Ring:
    """A ring in cells: the address that each start point leads to; the same for all balancers of the same targets."""

    __slots__ = ("__weakref__", "first_cell")

    def __init__(self, cells: Cells, targets: tuple[Target, ...], points: int, unavailable: AbstractSet[str]) -> None:
        self.first_cell = cells.table(self, RING_HEAD + points)
        arcs, numbered = _arcs(targets, points, unavailable), cells.numbers
        owners: Integers = np.full(points, -1)
        if len(arcs.owners):
            numbers = np.array([numbered[target.address] for target in targets], np.int64)
            lengths = np.diff(arcs.firsts, append=points)
            owners[: arcs.firsts[0]] = numbers[arcs.owners[-1]]
            owners[arcs.firsts[0] :] = np.repeat(numbers[arcs.owners], lengths)
            if arcs.nobody >= 0:
                owners[arcs.nobody] = -1
        cells.tables[self.first_cell] = points
        cells.put(self.first_cell + RING_HEAD, owners)


class ConsistentHashing(Algorithm):
    """The ring. It is a pure function of the targets: the same in every worker and node, and after every rebuild.

    An unavailable target keeps its points, which are passed over, so that only its own keys move. A retry starts at
    the same point again and meets the same address, unless that was found unavailable meanwhile.

    Args:
        slots: The upstream's ``slots``.
        cells: Where the ring is kept; cells of its own, if not given.

    Attributes:
        points: Points of the ring.
    """

    __slots__ = ("_cells", "_ring", "_targets", "points")

    def __init__(self, slots: int = DEFAULT_SLOTS, cells: Cells | None = None) -> None:
        self.points = ring_points(slots)
        self._cells = Cells() if cells is None else cells
        self._targets: tuple[Target, ...] = ()
        self._ring = self._ring_of((), frozenset())

    @property
    def first_cell(self) -> int:
        """Where the ring is in the cells."""
        return self._ring.first_cell

    @property
    def ring(self) -> tuple[tuple[int, str], ...]:
        """The occupied points in ascending order, each with its address, unavailable ones included."""
        return build_ring(self._targets, self.points)

    @property
    def owners(self) -> tuple[str | None, ...]:
        """The address that a key gets, for each point it may fall on, from 1 on."""
        numbers = (ring_owner(self._cells.tables, self.first_cell, point) for point in range(self.points))
        return tuple(None if number < 0 else self._cells.numbers.names[number] for number in numbers)

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Build the ring.

        Raises:
            RingCapacityError: The ring has no room for the targets.
        """
        self._targets = tuple(targets)
        self._ring = self._ring_of(self._targets, frozenset(unavailable))

    def _ring_of(self, targets: tuple[Target, ...], unavailable: frozenset[str]) -> _Ring:
        made_of = targets, self.points, unavailable
        ring: _Ring | None = self._cells.shared.get(made_of)
        if ring is None:
            ring = self._cells.shared[made_of] = _Ring(self._cells, *made_of)
        return ring

    def pick(self, handle: Handle | None = None) -> str:
        """Return the address that the handle's key leads to; no key counts as the empty text.

        Raises:
            NoPeerError: The search meets no available address.
        """
        key = "" if handle is None or handle.key is None else handle.key
        number = ring_owner(self._cells.tables, self.first_cell, hash_of(key))
        if number < 0:
            raise NoPeerError(Refusal.NO_PEERS)
        return self._cells.numbers.names[number]


class SparseRing(Algorithm):
    """The ring as its occupied points only, for who asks seldom: it takes a tenth of the memory, and longer to pick.

    Args:
        slots: The upstream's ``slots``.
    """

    __slots__ = ("_arcs", "_points", "_targets")

    def __init__(self, slots: int) -> None:
        self._points = ring_points(slots)
        self._targets: tuple[Target, ...] = ()
        self._arcs = _arcs((), self._points, frozenset())

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Build the ring; see :class:`ConsistentHashing`."""
        self._targets = tuple(targets)
        self._arcs = _arcs(self._targets, self._points, unavailable)

    def pick(self, handle: Handle | None = None) -> str:
        """Return the address that the handle's key leads to, as :class:`ConsistentHashing` does."""
        key = "" if handle is None or handle.key is None else handle.key
        place = self._arcs.owner(hash_of(key) % self._points)
        if place < 0:
            raise NoPeerError(Refusal.NO_PEERS)
        return self._targets[place].address


def hash_of(key: str) -> int:
    """Return Kong's hash of a key, 32 bits."""
    return xxh32_intdigest(key.encode())


# The key --------------------------------------------------------------------------------------------------------


class Request(TypedDict, total=False):
    """What a request brings that can be hashed; what is missing is left out.

    Attributes:
        ip: The client's address, as Kong sees it.
        consumer: Id of the authenticated consumer.
        credential: Id of the credential, used where there is no consumer.
        path: The normalised path, without the query.
        headers: Values by name, of any case; several values of a name as a sequence.
        cookies: Values by name.
        query: Values by name; True for an argument without a value, several as a sequence.
        uri_captures: The groups of the route's path expression, by name or number.
    """

    ip: str
    consumer: str
    credential: str
    path: str
    headers: Mapping[str, str | Sequence[str]]
    cookies: Mapping[str, str]
    query: Mapping[str, str | bool | Sequence[str | bool]]
    uri_captures: Mapping[str, str]


Input = Literal["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"]


@dataclass(frozen=True, slots=True)
class HashInput:
    """One input of the hash.

    Attributes:
        kind: Kong's ``hash_on`` or ``hash_fallback``.
        name: Name of the header, cookie, query argument or capture group; empty for the others.

    Raises:
        ValueError: The kind needs a name and has none.
    """

    kind: Input = "none"
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind in ("header", "cookie", "query_arg", "uri_capture") and not self.name:
            raise ValueError(f"hash_on {self.kind} needs a name")


@dataclass(frozen=True, slots=True)
class HashOn:
    """The upstream's fields for the key.

    Attributes:
        input: What is hashed.
        fallback: What is hashed where the request lacks that. A cookie is generated, so it needs none.
        cookie_path: Path of a generated cookie.
    """

    input: HashInput = HashInput()
    fallback: HashInput = HashInput()
    cookie_path: str = DEFAULT_COOKIE_PATH


class HashKey(NamedTuple):
    """The key of a request.

    Attributes:
        value: What is hashed, once a request; put it into the handle. Empty where nothing was found: all such
            requests go to one target.
        set_cookie: The response's Set-Cookie header, when a cookie was generated. Kong adds it to any response of
            the upstream and to its own 502 and 504, not to the 503 of a first pick without a peer. It never
            refreshes a cookie that the request brought.
    """

    value: str
    set_cookie: str | None = None


def hash_key(on: HashOn, request: Request, new_id: Callable[[], str]) -> HashKey:
    """Return what a request is hashed by (rule C8).

    An input that is there but empty is found; the fallback is for one that is not there.

    Args:
        on: The upstream's fields.
        request: What the request brings.
        new_id: Returns a fresh identifier (Kong takes a random UUID); called only for a missing cookie.
    """
    if on.input.kind == "none":
        return HashKey("")
    for chosen in (on.input, on.fallback):
        if chosen.kind == "cookie":
            held = request.get("cookies", {}).get(chosen.name)
            if held is not None:
                return HashKey(held)
            value = new_id()
            return HashKey(value, hash_cookie_header(chosen.name, value, on.cookie_path))
        found = _find(chosen, request)
        if found is not None:
            return HashKey(found)
    return HashKey("")


def hash_cookie_header(name: str, value: str, path: str = DEFAULT_COOKIE_PATH) -> str:
    """Return the Set-Cookie header of a generated cookie: a session cookie, its attribute spelled as Kong does."""
    return f"{name}={value}; Path={path}; Same-Site=Lax; HttpOnly"


def _find(chosen: HashInput, request: Request) -> str | None:
    match chosen.kind:
        case "ip":
            return request.get("ip")
        case "path":
            return request.get("path")
        case "consumer":
            return request.get("consumer", request.get("credential"))
        case "header":
            wanted = chosen.name.lower()
            headers = request.get("headers", {})
            values = [value for name, value in headers.items() if name.lower() == wanted]
            # nginx joins the values of one name.
            return ", ".join(v if isinstance(v, str) else ", ".join(v) for v in values) if values else None
        case "query_arg":
            value = request.get("query", {}).get(chosen.name)
            if value is None or isinstance(value, str | bool):
                return None if value is None else _lua_text(value)
            return ",".join(sorted(_lua_text(part) for part in value))
        case "uri_capture":
            return request.get("uri_captures", {}).get(chosen.name)
        case _:
            return None


def _lua_text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()
