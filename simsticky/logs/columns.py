"""Requests as they are read: rows packed one after the other, sealed into narrow columns chunk by chunk.

A value that tells people apart (a cookie, an address) is kept as 64 bits of its hash, so a row has a fixed size, and
what is interned is interned once, at the end.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from simsticky.logs.record import UNKNOWN_S, Record
from simsticky.logs.times import EARLIEST_S, LATEST_S

_ROW = struct.Struct("=dffQQQQQihhhB")
_FIELDS = (
    ("sent", np.float64),
    ("took", np.float32),
    ("service", np.float32),
    ("key_in", np.uint64),
    ("key_out", np.uint64),
    ("cookie_in", np.uint64),
    ("cookie_out", np.uint64),
    ("client", np.uint64),
    ("pod", np.int32),
    ("status", np.int16),
    ("attempts", np.int16),
    ("gateway", np.int16),
    ("flags", np.uint8),
)
_LAYOUT = np.dtype(list(_FIELDS))
_CHUNK = 2**15
_LONGEST_S = 1e7
"""No request takes a season."""
RECENT = 4096
"""``Cookie`` headers whose hashes are kept: a session brings the same one with each request."""

ReadsTwo = Callable[[str], tuple[int, int]]
"""Reads from a header the values of the session's key and of the sticky cookie, as :func:`digest` makes them."""

HAS_COOKIES, SERVER_DOWN, SAYS_SERVER = 1, 2, 4
"""Flags: the request has a ``Cookie`` header; its cookie's server was down; the format says so, if so."""

Raw = dict[str, npt.NDArray[Any]]
"""Columns by name; 0 is no value in those of hashes."""


@dataclass(frozen=True)
class Plan:
    """What to keep of the lines: the sticky cookie, and what tells sessions apart.

    Attributes:
        sticky: Name of the sticky cookie; empty for none.
        kind: Of the key, as in :class:`simsticky.logs.requests.SessionKey`.
        name: Of its cookie or header.
    """

    sticky: str = ""
    kind: str = "client"
    name: str = ""


def digest(text: str) -> int:
    """Return 64 bits that stand for a text, never 0; 0 for an empty one."""
    if not text:
        return 0
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) or 1


def client_of(client: str, agent: str) -> int:
    """Return 64 bits that stand for address and user agent; 0 where the line has no address."""
    return digest(f"{client}\0{agent}") if client else 0


def reader_of_cookie(name: str) -> Callable[[str], int]:
    """Return what reads a cookie's value from a request's ``Cookie`` header, as :func:`digest` makes it."""
    # The name stands first, for a text is searched several times as fast for letters; then what is before it.
    search = re.compile(rf'{(name := re.escape(name))}=(?<![^;,\s]{name}=)"?([^;"\s]+)').search

    def value(cookies: str) -> int:
        found = search(cookies)
        return digest(found[1]) if found else 0

    return value


def reader_of_set_cookie(name: str) -> Callable[[str], int]:
    """Return what reads the value that an answer's ``Set-Cookie`` gives a cookie; the last one counts."""
    findall = re.compile(rf'(?:^|\n|,\s*){re.escape(name)}="?([^;"\s]*)').findall

    def value(set_cookies: str) -> int:
        found = findall(set_cookies)
        return digest(found[-1]) if found else 0

    return value


def reader_of_two(reader: Callable[[str], Callable[[str], int]], plan: Plan) -> ReadsTwo | None:
    """Return what reads both cookies of a plan from a header; None where it has none.

    Args:
        reader: Makes what reads one, of its name.
        plan: What to keep; a session's key that is no cookie is read as 0.
    """
    if plan.kind != "cookie":
        if not plan.sticky:
            return None
        sticky = reader(plan.sticky)
        return lambda header: (0, sticky(header))
    key = reader(plan.name)
    if not plan.sticky:
        return lambda header: (key(header), 0)
    if plan.name == plan.sticky:
        return lambda header: (key(header),) * 2
    sticky = reader(plan.sticky)
    return lambda header: (key(header), sticky(header))


def reader_of_key(plan: Plan) -> Callable[[Record, int], int] | None:
    """Return what reads a session's key from a record and its :func:`client_of`; None if the key is a cookie."""
    if plan.kind == "cookie":
        return None
    if plan.kind == "header":
        names = (plan.name.lower(), plan.name.lower().replace("-", "_"), plan.name)
        return lambda record, _: digest(_header(record, names))
    if plan.kind == "consumer":
        return lambda record, _: digest(record.consumer)
    return (lambda record, _: digest(record.client)) if plan.name == "ip" else lambda _, client: client


def _header(record: Record, names: tuple[str, ...]) -> str:
    headers = record.other_headers or {}
    return next((str(value) for name in names if (value := headers.get(name))), "")


class Columns:
    """Growing columns.

    Attributes:
        pods: Addresses by their number, in the order of their first line.
        gateways: Names by their number.
    """

    def __init__(self, plan: Plan) -> None:
        self.pods: dict[str, int] = {"": -1}
        self.gateways: dict[str, int] = {}
        self._key = reader_of_key(plan)
        came, self._given = reader_of_two(reader_of_cookie, plan), reader_of_two(reader_of_set_cookie, plan)
        self._came = lru_cache(RECENT)(came) if came is not None else None
        self._rows = bytearray(_ROW.size * _CHUNK)
        self._filled = 0
        self._sealed: dict[str, list[npt.NDArray[Any]]] = {name: [] for name, _ in _FIELDS}

    def add(self, record: Record, gateway: str) -> None:
        """Keep a request.

        Args:
            record: The request.
            gateway: Whose line it is, if the record does not say.

        Raises:
            ValueError, TypeError: A value is none that such a field can have.
        """
        (
            sent, took, service, address, status, attempts, client, agent,
            cookies, set_cookies, _, _, node_name, _, down,
        ) = record  # fmt: skip
        # What is not known is nan, and passes: it compares as false.
        if not EARLIEST_S <= sent < LATEST_S or took > _LONGEST_S or service > _LONGEST_S or not 0 <= status < 1000:
            raise ValueError("a moment, a duration or a status that cannot be")
        if took < 0 or service < 0:
            # A clock was set back meanwhile.
            took = service = UNKNOWN_S
        # A new pod or node gets the next number, and is known from its first line that is taken on.
        pod = self.pods.get(address, len(self.pods) - 1)
        node = self.gateways.get(node_name or gateway, len(self.gateways))
        key_in = key_out = cookie_in = cookie_out = 0
        if cookies and self._came is not None:
            key_in, cookie_in = self._came(cookies if isinstance(cookies, str) else "; ".join(map(str, cookies)))
        if set_cookies and self._given is not None:
            text = set_cookies if isinstance(set_cookies, str) else "\n".join(map(str, set_cookies))
            key_out, cookie_out = self._given(text)
        whose = client_of(client, agent)
        if self._key is not None:
            key_in = self._key(record, whose)
        flags = HAS_COOKIES if cookies else 0
        if down is not None:
            flags |= SAYS_SERVER | (SERVER_DOWN if down else 0)
        try:
            _ROW.pack_into(
                self._rows, self._filled * _ROW.size, sent, took, service,
                key_in, key_out, cookie_in, cookie_out, whose,
                pod, status, attempts, node, flags,
            )  # fmt: skip
        except (struct.error, OverflowError) as error:
            raise ValueError(str(error)) from None
        if pod + 1 == len(self.pods):
            self.pods[address] = pod
        if node == len(self.gateways):
            self.gateways[node_name or gateway] = node
        self._filled += 1
        if self._filled == _CHUNK:
            self._seal()

    def _seal(self) -> None:
        rows = np.frombuffer(self._rows, _LAYOUT, self._filled)
        for name, _ in _FIELDS:
            self._sealed[name].append(np.ascontiguousarray(rows[name]))
        self._filled = 0

    def take(self) -> Raw:
        """Return all columns, and keep none of them; one after the other, so that no two copies are held at once."""
        if self._filled or not self._sealed["sent"]:
            self._seal()
        return {name: np.concatenate(self._sealed.pop(name)) for name, _ in _FIELDS}
