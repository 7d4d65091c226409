"""What clients bring to a request and keep of its answer (rules C): the cookie, or what the gateway hashes.

Most scenarios need one value a session: ``Session.cookie``. Several paths, several tabs, a second upstream that uses
the same cookie, and clients that clear their cookies need a jar with paths, and answers that take effect when they
come; such clients have a :class:`Browser`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from uuid import UUID

import numpy as np
import numpy.typing as npt
from xxhash import xxh32_intdigest

from simsticky.kong.algorithms.consistent_hashing import HashOn, Request, hash_key, hash_of
from simsticky.kong.cookie import CookieJar, default_path, path_match
from simsticky.scenario.upstream_settings import hash_on
from simsticky.sim.gateway.affinity import AFFINITY, COOKIE, HASH, NONE
from simsticky.sim.gateway.browser import Browser
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.sessions.session import Session
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


@dataclass(slots=True)
class Stranger:
    """A session of which nothing is known but its number, and whether it keeps cookies."""

    id: int
    jar: bool
    visits: int = 0
    browser: Browser | None = None


_HEX = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], np.uint8)
_WITHOUT_DASHES = [place for place in range(36) if place not in (8, 13, 18, 23)]


def no_key(_: int) -> None:
    """Say that no trace states what a session is hashed by."""


_FOREIGN = "a target of the other upstream"


class Browsers:
    """All clients' side of the affinity.

    Args:
        key_of: What a trace says that a session is hashed by; None where none does.
        asks_each_time: Whether the algorithm is one's own, which is handed each request: none takes the fast path.

    Attributes:
        affinity: What the algorithm binds sessions by.
        asks_each_time: As given.
        plain: Whether one value a session says it all, so that requests may take the fast path.
        cookie_name: Name of the cookie.
        cookie_path: Its path as the gateway sets it.
    """

    def __init__(self, world: World, key_of: Callable[[int], str | None], *, asks_each_time: bool) -> None:
        traffic, policy = world.scenario.traffic, world.scenario.upstream
        affinity = self.affinity = AFFINITY.get(policy.algorithm, NONE)
        asked = self._hash_on = hash_on(world.scenario)
        self._streams = world.streams
        self.asks_each_time = asks_each_time
        self._key_of = key_of
        self._traffic = traffic
        self._paths = tuple(entry.path for entry in traffic.paths) or (traffic.path,)
        self._shares = tuple(entry.share for entry in traffic.paths) or (1.0,)
        self._other = traffic.other_upstream
        if affinity == HASH:
            self.cookie_name, self.cookie_path = asked.input.name, asked.cookie_path
        else:
            sticky = policy.sticky_sessions
            self.cookie_name, self.cookie_path = (sticky.cookie, sticky.cookie_path) if sticky else ("", "/")
        self._with_cookie = affinity == COOKIE or (affinity == HASH and asked.input.kind == "cookie")
        self._by_path = affinity == HASH and "path" in (asked.input.kind, asked.fallback.kind)
        self._covered = [path_match(path, self._scope(path)) for path in self._paths]
        several = len(self._paths) > 1 or traffic.tabs > 1 or traffic.cookies.clear > 0 or self._other is not None
        self.plain = not (self._with_cookie and several)

    @property
    def uncovered(self) -> tuple[str, ...]:
        """Paths that clients request and that the cookie's path does not cover."""
        if not self._with_cookie:
            return ()
        return tuple(path for path, covered in zip(self._paths, self._covered, strict=True) if not covered)

    @property
    def sends_cookie(self) -> bool:
        """Whether a client with a jar ever sends a cookie back."""
        return any(self._covered)

    # Keys -------------------------------------------------------------------------------------------------------

    def introduce(self, session: Session) -> None:
        """Let a session know the one key that all its requests are hashed by, if there is one."""
        if self.affinity == HASH and self.plain and not self._keys_differ(session.jar):
            session.key = self.key(session)

    def picks_anew(self, session: Session) -> bool:
        """Return whether each request of a session is hashed by a key of its own, and picked by that at once."""
        return self.affinity == HASH and self.plain and not self.asks_each_time and self._keys_differ(session.jar)

    def draws_each_time(self, *, jar: bool) -> bool:
        """Return whether something is drawn for each request of a session, with a jar or without."""
        return not self.plain or self._keys_differ(jar)

    def _keys_differ(self, jar: bool) -> bool:
        """Return whether each request of a session, with a jar or without, has a key of its own."""
        inputs = {self._hash_on.input.kind, self._hash_on.fallback.kind}
        return ("cookie" in inputs and not jar) or ("path" in inputs and len(self._paths) > 1)

    def binds(self, *, jar: bool) -> bool:
        """Return whether the requests of a session, with a jar or without, are led to one pod, by its cookie or key."""
        if self.affinity == NONE or (self._with_cookie and not jar):
            return False
        return self.affinity == COOKIE or self._with_cookie or len(self._paths) == 1 or not self._by_path

    def would_bring(self, session: Session) -> list[str]:
        """Return the cookies, or keys, that the session's next request may bring with the jar as it is.

        One for each path that clients request, as far as a cookie covers it; a cookie in an answer that is still under
        way counts as kept. Nothing where each request is picked anew.
        """
        if self.affinity == NONE or (self._with_cookie and not session.jar):
            return []
        if self.affinity == COOKIE and self.plain:
            return [] if session.cookie is None else [session.cookie]
        if self.affinity == HASH and self.plain and session.key is not None and len(self._paths) == 1:
            return [session.key]
        jar = CookieJar()
        if session.browser is not None:
            jar = session.browser.jar.with_cookies(self.cookie_name, session.browser.coming)
        elif session.cookie is not None:
            jar.set(self.cookie_name, session.cookie, self._scope(self._path(session)))
        brought = []
        for path, share in zip(self._paths, self._shares, strict=True):
            held = jar.get(path, self.cookie_name) if self._with_cookie else None
            if self.affinity == HASH and share > 0:
                request = self._request_to(session, path)
                if held is not None:
                    request["cookies"] = {self.cookie_name: held}
                held = _key_without_new_cookie(self._hash_on, request)
            if held is not None and share > 0:
                brought.append(held)
        return brought

    def hashes(self, sessions: Sequence[int], jars: Sequence[bool]) -> list[int]:
        """Return the hash of the key of each session, -1 where each request has its own.

        Args:
            sessions: Their numbers.
            jars: Whether each keeps cookies.
        """
        if self.affinity != HASH:
            return [-1] * len(sessions)
        if self.plain and self._hash_on.input.kind == "cookie" and self._key_of is no_key:
            hashed = self._hashes_of_ids(np.asarray(sessions))
            return [value if jar else -1 for value, jar in zip(hashed, jars, strict=True)]
        found = []
        for number, jar in zip(sessions, jars, strict=True):
            found.append(-1 if self.draws_each_time(jar=jar) else hash_of(self.key(Stranger(number, jar))))
        return found

    def _hashes_of_ids(self, sessions: npt.NDArray[np.int64]) -> list[int]:
        """Return the hash of each session's cookie, a UUID of version 4 as :meth:`_new_id` makes it."""
        high = self._streams.many_bits(Purpose.HASH_COOKIE, sessions, 0)
        low = self._streams.many_bits(Purpose.HASH_COOKIE, sessions, 1)
        high = high & np.uint64(0xFFFF_FFFF_FFFF_0FFF) | np.uint64(0x4000)
        low = low & np.uint64(0x3FFF_FFFF_FFFF_FFFF) | np.uint64(1 << 63)
        numbers = np.stack([high, low], axis=1).astype(">u8").view(np.uint8)
        digits = _HEX[numbers].reshape(len(sessions), 32)
        text = np.full((len(sessions), 36), ord("-"), np.uint8)
        text[:, _WITHOUT_DASHES] = digits
        joined = text.tobytes()
        return [xxh32_intdigest(joined[at : at + 36]) for at in range(0, len(joined), 36)]

    def peer_of_next(self, session: Session, worker: Worker) -> str | None:
        """Return the target of a request that is hashed by a key of its own."""
        session.key = self.key(session)
        return worker.peer_of(session.key)

    def key(self, session: Session | Stranger) -> str:
        """Return what the session's next request is hashed by."""
        session.visits += 1
        return hash_key(self._hash_on, self._request(session), lambda: self._new_id(session)).value

    def _new_id(self, session: Session | Stranger) -> str:
        """Return a fresh cookie; a client with a jar keeps the first one it gets."""
        stated = self._key_of(session.id)
        if stated is not None:
            return stated
        ordinal = 0 if session.jar and session.browser is None else session.visits
        bits = [self._streams.bits(Purpose.HASH_COOKIE, session.id, 2 * ordinal + half) for half in (0, 1)]
        return str(UUID(int=bits[0] << 64 | bits[1], version=4))

    def _request(self, session: Session | Stranger) -> Request:
        path = self._path(session)
        request = self._request_to(session, path)
        if session.browser is not None:
            held = session.browser.jar.get(path, self.cookie_name)
            if held is not None:
                request["cookies"] = {self.cookie_name: held}
        return request

    def _request_to(self, session: Session | Stranger, path: str) -> Request:
        """Return what a request of a session to a path brings but for cookies."""
        found = self._traffic.identifiers
        request: Request = {"ip": self._identifier(session, "ip", found.ip.values), "path": path}
        named = {"header": found.header, "query_arg": found.query_arg, "uri_capture": found.uri_capture}
        consumer = found.consumer
        if self._brings(session, "consumer", consumer.present):
            request["consumer"] = self._identifier(session, "consumer", consumer.values)
        for chosen in (self._hash_on.input, self._hash_on.fallback):
            law = named.get(chosen.kind)
            if law is None or not self._brings(session, chosen.kind, law.present):
                continue
            value = self._identifier(session, chosen.kind, law.values)
            if chosen.kind == "header":
                request["headers"] = {chosen.name: value}
            elif chosen.kind == "query_arg":
                request["query"] = {chosen.name: value}
            else:
                request["uri_captures"] = {chosen.name: value}
        return request

    def _brings(self, session: Session | Stranger, kind: str, share: float) -> bool:
        return share >= 1.0 or self._streams.uniform(Purpose.IDENTIFIER, session.id, _KINDS.index(kind)) < share

    def _identifier(self, session: Session | Stranger, kind: str, values: int | None) -> str:
        """Return the session's value of one kind: its own, or one of so many (rule C8)."""
        stated = self._key_of(session.id)
        if stated is not None:
            return stated
        number = session.id
        if values is not None:
            draw = self._streams.uniform(Purpose.IDENTIFIER, session.id, len(_KINDS) + _KINDS.index(kind))
            number = int(draw * values)
        bits = self._streams.bits(Purpose.IDENTITY, number, _KINDS.index(kind))
        return str(IPv4Address(bits & 0xFFFFFFFF)) if kind == "ip" else f"{bits:016x}"

    # Cookies ----------------------------------------------------------------------------------------------------

    def presented(self, session: Session, worker: Worker, now_s: float) -> str | None:
        """Return what binds the session's next request: the cookie it brings, or the key it is hashed by.

        None where it brings nothing, and so also for a key that is generated (``session.key``), which the answer's
        cookie will bring.
        """
        if self.plain:
            if self.affinity != HASH:
                return session.cookie
            if self.asks_each_time and self._keys_differ(session.jar):
                session.key = self.key(session)
            return session.key
        if session.browser is None:
            session.browser = Browser()
            if session.cookie is not None:
                session.browser.jar.set(self.cookie_name, session.cookie, self._scope(self._path(session)))
        session.visits += 1
        browser, number = session.browser, session.visits
        if browser.coming:
            for entry in [entry for entry in browser.coming if entry[0] <= now_s]:
                browser.jar.set(self.cookie_name, *entry[1:])
                browser.coming.remove(entry)
        clear = self._traffic.cookies.clear
        if clear and self._streams.uniform(Purpose.COOKIE_CLEAR, session.id, number) < clear:
            browser.jar = CookieJar()  # the client has cleared its cookies (rule C6)
        other = self._other
        if other is not None and self._streams.uniform(Purpose.OTHER_UPSTREAM, session.id, number) < other.share:
            self._visit_the_other(browser, worker)
        path = self._path(session)
        cookie = session.cookie = browser.jar.get(path, self.cookie_name) if session.jar else None
        if self.affinity == HASH:
            session.key = hash_key(self._hash_on, self._request(session), lambda: self._new_id(session)).value
            return None if cookie is None else session.key
        return cookie

    def _visit_the_other(self, browser: Browser, worker: Worker) -> None:
        """Let a request to the second upstream, between two of ours, leave its cookie (rule C7).

        Kong's documentation: two upstreams with the same cookie name and path share a target, or overwrite each other.
        """
        assert self._other is not None
        held = browser.jar.get(self._other.cookie_path, self.cookie_name)
        if not self._other.shares_targets:
            browser.jar.set(self.cookie_name, _FOREIGN, self._other.cookie_path)
        elif held is None or held not in worker.node.weights:
            address = worker.next_peer()
            if address is not None:
                browser.jar.set(self.cookie_name, address, self._other.cookie_path)

    def _scope(self, path: str) -> str:
        """Return the path that a jar keeps of a cookie from an answer to a request for ``path``.

        Source: RFC 6265 §5.2.4 (rule C2).
        """
        return self.cookie_path if self.cookie_path.startswith("/") else default_path(path)

    def _path(self, session: Session | Stranger) -> str:
        """Return the path of the session's present request (rule C5)."""
        if len(self._paths) == 1:
            return self._paths[0]
        draw = self._streams.uniform(Purpose.PATH, session.id, session.visits)
        for path, share in zip(self._paths, self._shares, strict=True):
            draw -= share
            if draw < 0:
                return path
        return self._paths[-1]

    def receive(self, session: Session, value: str, at_s: float) -> None:
        """Let the jar take a cookie from an answer that comes at ``at_s``."""
        if session.browser is not None:
            session.browser.coming.append((at_s, value, self._scope(self._path(session))))
        elif self.affinity == COOKIE:
            session.cookie = value


def _key_without_new_cookie(hash_on: HashOn, request: Request) -> str | None:
    """Return what a request is hashed by; None where Kong would make a new cookie for it."""
    found = hash_key(hash_on, request, lambda: "")
    return None if found.set_cookie is not None else found.value


_KINDS = ("ip", "consumer", "header", "query_arg", "uri_capture")
