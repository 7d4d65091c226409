"""Who was bound, exposed and broken, worked out anew from a recording: an oracle that shares nothing with the model.

It reads the requests of each session, the tables that each node was pushed (as the events tell them) and the lives of
the pods, and follows docs/model.md, rules B4 to B6, one session at a time and in plain Python. It knows one tab, one
path, one connection a request, no other node than the session's own, no retries after a timeout and no health checks:
the scenarios that are given to it have no more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import xxhash

INFINITY = float("inf")
ANSWERED, RESET, UNFINISHED = 0, 4, 5
_POINTS = 160
_FULL = 100

Table = tuple[tuple[str, int], ...]
"""Addresses and weights, in the order of the addresses as text."""


@dataclass(frozen=True)
class Life:
    """A container's address and its ends, infinite where they did not come."""

    address: str
    deleted_s: float
    deleted_by: int
    closed_s: float
    cause: int

    def unlistening_by(self) -> int:
        """Return the operation that made it stop to listen; 0 for none."""
        return self.cause or self.deleted_by


@dataclass(frozen=True)
class Sent:
    """One request."""

    sent_s: float
    ended_s: float
    container: int
    node: int
    outcome: int


@dataclass
class Found:
    """What the oracle says of a run.

    Attributes:
        exposed: (session, operation) pairs.
        broken: Those whose session broke after that exposure and before the next.
        alive: Sessions alive at each operation's start, by its number.
        open: Sessions that came to a doomed pod, and that a push then led away which may be of several operations: who
            is exposed depends on which of them did so first (rule B6), and the story does not tell.
    """

    exposed: set[tuple[int, int]] = field(default_factory=set)
    broken: set[tuple[int, int]] = field(default_factory=set)
    alive: dict[int, set[int]] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def union(self) -> tuple[int, int]:
        """Return how many sessions were exposed, and how many of them broke."""
        exposed, broken = self.sessions(self.exposed), self.sessions(self.broken)
        return len(exposed), len(broken)

    @staticmethod
    def sessions(pairs: set[tuple[int, int]]) -> set[int]:
        """Return the sessions of (session, operation) pairs."""
        return {session for session, _ in pairs}


class Nodes:
    """The tables of each node since the start, and what changed each of them."""

    def __init__(self, recording: Any, nodes: int) -> None:
        address = {pod.pod: pod.address for pod in recording.pods}
        first = tuple(sorted((pod.address, _FULL) for pod in recording.pods if pod.created_s < 0))
        self.since: list[list[float]] = [[-INFINITY] for _ in range(nodes)]
        self.tables: list[list[Table]] = [[first] for _ in range(nodes)]
        self.causes: list[list[int]] = [[0] for _ in range(nodes)]
        for event in recording.events:
            if event.kind == "pushed":
                node = int(event.actor.removeprefix("kong-")) - 1
                table = dict(self.tables[node][-1])
                for change in event.data.changes:
                    if change.after is None:
                        table.pop(address[change.pod], None)
                    else:
                        table[address[change.pod]] = change.after
                self.since[node].append(event.at_s)
                self.tables[node].append(tuple(sorted(table.items())))
                # Nothing but operations changes a table here; of several the story does not tell which one did.
                begun = [(o.start_s, o.number) for o in recording.operations if o.start_s <= event.at_s]
                self.causes[node].append(max(begun, default=(0.0, 0))[1])

    def at(self, node: int, time_s: float) -> int:
        """Return the index of the table that a node has at a time; a push at that very time has been made."""
        return bisect_right(self.since[node], time_s) - 1


@cache
def ring(table: Table, slots: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the occupied points of Kong's ring and whose they are."""
    total, taken = sum(weight for _, weight in table), {}
    by_name = sorted(table, key=lambda entry: (entry[0].rsplit(":", 1)[0], int(entry[0].rsplit(":", 1)[1])))
    for address, weight in by_name:
        host, port = address.rsplit(":", 1)
        wanted = max(1, int(weight / total * len(table) * _POINTS)) if weight else 0
        number = 0
        while wanted:
            number += 1
            point = xxhash.xxh32(f"{host}::{port} {number}".encode()).intdigest() % slots
            if point not in taken:
                taken[point] = address
                wanted -= 1
    points = tuple(sorted(taken))
    return points, tuple(taken[point] for point in points)


class Oracle:
    """Follows every session of one recording.

    Args:
        recording: What was recorded at the level ``requests``.
        nodes: The gateway's nodes.
        keys: What each session is hashed by, under consistent hashing; None under sticky sessions.
        slots: Points of the ring.
    """

    def __init__(self, recording: Any, nodes: int, keys: list[str] | None = None, slots: int = 10_000) -> None:
        self.recording, self.keys, self.slots = recording, keys, slots
        self.nodes = Nodes(recording, nodes)
        self.lives = [_life(recording, index) for index in range(len(recording.lives))]
        self.sent = _requests(recording)
        self.found = Found()

    def follow(self) -> Found:
        """Return what became of everybody."""
        for row in self.recording.session_rows:
            columns = dict(zip(_session_columns(), row.tolist(), strict=True))
            self._session(int(columns["session"]), bool(columns["has_jar"]), columns)
        for operation in self.recording.operations:
            alive = {
                session
                for session, requests in self.sent.items()
                if requests[-1].sent_s >= operation.start_s
                and (requests[0].sent_s < operation.start_s or self._was_alive(session))
            }
            self.found.alive[operation.number] = alive
        return self.found

    def _was_alive(self, session: int) -> bool:
        return self._alive_at_zero[session]

    def _session(self, session: int, jar: bool, columns: dict[str, float]) -> None:
        self._alive_at_zero = getattr(self, "_alive_at_zero", {})
        self._alive_at_zero[session] = columns["started_s"] < 0
        requests = self.sent.get(session, [])
        holder: int | None = None
        cookie: str | None = None
        settled_s = -INFINITY
        if columns["started_s"] < 0 and columns["first_container"] >= 0:
            holder = int(columns["first_container"])
            cookie = self.lives[holder].address if jar else None
        exposed_by: int | None = None  # the latest exposure of the present holder
        for request in requests:
            if holder is not None and (jar or self.keys is not None):
                for operation in self._exposures(session, request, holder, cookie, settled_s):
                    self.found.exposed.add((session, operation))
                    exposed_by = operation
            if request.outcome == ANSWERED:
                if holder is not None and request.container != holder and exposed_by is not None:
                    self.found.broken.add((session, exposed_by))
                if holder != request.container:
                    exposed_by = None
                    settled_s = request.sent_s
                holder = request.container
            if jar and request.container >= 0 and request.outcome != UNFINISHED:
                cookie = self.lives[request.container].address

    def _exposures(self, session: int, request: Sent, holder: int, cookie: str | None, settled_s: float) -> list[int]:
        """Return the operations that exposed a session between its state's coming to a holder and a request."""
        life, node = self.lives[holder], request.node

        def ended(at_s: float) -> bool:
            """Whether something that befell the holder did so between, and the session was bound to it until then."""
            if not settled_s < at_s <= request.sent_s:
                return False
            return self._leads(session, node, self.nodes.at(node, _before(at_s)), cookie) == life.address

        exposed = []
        if life.deleted_by and life.deleted_s <= life.closed_s and ended(life.deleted_s):
            exposed.append(life.deleted_by)
        if life.cause and ended(life.closed_s):
            exposed.append(life.cause)
        index = self.nodes.at(node, request.sent_s)
        leads_there = self._leads(session, node, index, cookie) == life.address
        listens = life.closed_s > request.sent_s
        if not exposed and not (leads_there and listens):
            closed = (life.closed_s, life.unlistening_by()) if not listens else (INFINITY, 0)
            moved = (INFINITY, 0)
            while not leads_there and index >= 0:
                if self._leads(session, node, index, cookie) == life.address:
                    break
                moved = (self.nodes.since[node][index], self.nodes.causes[node][index])
                index -= 1
            at_s, operation = min(closed, moved)
            # Who came to a pod that an operation had doomed before is not exposed by its end (rule B8).
            if operation and at_s > settled_s:
                if life.deleted_s > settled_s:
                    exposed.append(operation)
                elif moved[0] < closed[0] and self._have_begun(moved[0]) > 1:
                    self.found.open.add(session)
        return exposed

    def _have_begun(self, time_s: float) -> int:
        return sum(operation.start_s <= time_s for operation in self.recording.operations)

    def _leads(self, session: int, node: int, index: int, cookie: str | None) -> str | None:
        """Return the address that affinity leads a session to under one of a node's tables; None for nowhere."""
        table = self.nodes.tables[node][index]
        if not any(weight for _, weight in table):
            return None
        if self.keys is None:
            return cookie if cookie in dict(table) else None
        points, owners = ring(table, self.slots)
        place = bisect_right(points, xxhash.xxh32(self.keys[session].encode()).intdigest() % self.slots)
        return owners[place - 1]


def _before(time_s: float) -> float:
    """Return a time just before: pushes and deletions of one instant come in an order of their own."""
    return time_s - 1e-9


def _life(recording: Any, index: int) -> Life:
    record = recording.lives[index]
    pod = recording.pods[record.pod]
    ends = (record.listener_closed_s, record.sigkill_s, record.dead_s)
    closed_s = min((end for end in ends if end == end), default=INFINITY)
    deleted_s = pod.deleted_s if pod.deleted_s == pod.deleted_s else INFINITY
    return Life(pod.address, deleted_s, pod.deleted_by, closed_s, record.cause)


def _requests(recording: Any) -> dict[int, list[Sent]]:
    sent: defaultdict[int, list[Sent]] = defaultdict(list)
    for block in recording.request_blocks:
        for session, _, sent_s, _, ended_s, container, code in block.tolist():
            bits = int(code)
            sent[int(session)].append(Sent(sent_s, ended_s, int(container), bits & 4095, bits >> 20 & 7))
    for requests in sent.values():
        requests.sort(key=lambda request: request.sent_s)
    return sent


def _session_columns() -> tuple[str, ...]:
    from simsticky.recording.record import SESSION_COLUMNS

    return SESSION_COLUMNS
