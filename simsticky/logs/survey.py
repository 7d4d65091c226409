"""What a log's first requests say of each cookie, header, consumer and client: figures, and no decision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simsticky.logs.columns import RECENT, client_of, digest
from simsticky.logs.record import Record, cookie_pairs, set_cookie_pairs, texts

_MOST_NAMES = 200
_TELLING_HEADER = re.compile(r"session|(?:user|client|device|visitor)[-_]?id$", re.IGNORECASE)
"""Headers that may name a session or a person by themselves; any other has to be asked for."""

Values = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trait:
    """Figures of one thing that requests carry.

    Attributes:
        kind: ``cookie``, ``header``, ``consumer`` or ``client``.
        name: Of the cookie or header.
        requests: Requests in all.
        covered: Share of them that carry it, or whose answer sets it.
        values: Different values that came with requests; of those that were set, where none came.
        pods: Different pods that answered in the log.
        purity: Share of the requests that present a value and were answered by that value's main pod; nan unknown.
        clients: Mean number of different clients a value; nan where clients are unknown.
        all_clients: Different clients in the log; 0 unknown.
        set_share: Share of the requests that come without it and whose answer sets it.
        largest: Share of the requests of the most frequent value.
    """

    kind: str
    name: str
    requests: int
    covered: float
    values: int
    pods: int
    purity: float
    clients: float
    all_clients: int
    set_share: float
    largest: float

    @property
    def per_value(self) -> float:
        """Requests that came with a value, for each of them."""
        return (self.covered - self.set_share) * self.requests / self.values if self.values else 0.0


@dataclass
class _Column:
    rows: list[int]
    values: list[int]
    presented: list[bool]


def survey(records: Iterable[Record]) -> list[Trait]:
    """Return the figures of all that a log's first requests carry.

    Args:
        records: Of some thousands of requests.
    """
    columns: dict[tuple[str, str], _Column] = {}
    pod_numbers: dict[str, int] = {"": -1}
    pods: list[int] = []
    clients: list[int] = []
    for row, record in enumerate(records):
        pods.append(pod_numbers.setdefault(record.pod, len(pod_numbers) - 1))
        clients.append(client_of(record.client, record.agent))
        for what, value, presented in _carried(record):
            column = columns.get(what)
            if column is None:
                if len(columns) >= _MOST_NAMES:
                    continue
                column = columns[what] = _Column([], [], [])
            column.rows.append(row)
            column.values.append(value)
            column.presented.append(presented)
    if not pods:
        return []
    # Clients by number; 0 is nobody, as it is among their hashes.
    where, who = np.array(pods, np.int64), np.unique(np.array([0, *clients], np.uint64), return_inverse=True)[1][1:]
    traits = [_trait(*key, column, where, who) for key, column in columns.items()]
    return [*traits, *_of_clients(where, who)]


def _carried(record: Record) -> Iterator[tuple[tuple[str, str], int, bool]]:
    """Yield kind with name, hash of the value and whether it came with the request; of a cookie the first value."""
    came = _cookies(";".join(texts(record.cookies))) if record.cookies else {}
    for what, value in came.items():
        yield what, value, True
    if record.set_cookies:
        for what, value in _first_values(set_cookie_pairs(record.set_cookies)).items():
            if what not in came:
                yield what, value, False
    for name, value in (record.other_headers or {}).items():
        if _telling(name) and isinstance(value, str) and value:
            yield ("header", name), digest(value), True
    if record.consumer:
        yield ("consumer", ""), digest(record.consumer), True


@lru_cache(RECENT)
def _cookies(header: str) -> dict[tuple[str, str], int]:
    return _first_values(cookie_pairs(header))


def _first_values(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for name, value in pairs:
        found.setdefault(("cookie", name), digest(value))
    return found


@lru_cache(_MOST_NAMES)
def _telling(header: str) -> bool:
    return _TELLING_HEADER.search(header) is not None


def _trait(kind: str, name: str, column: _Column, pods: Values, clients: Values) -> Trait:
    rows, values = np.array(column.rows), np.array(column.values, np.uint64)
    presented = np.array(column.presented)
    codes, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    counts = np.bincount(codes[presented]) if presented.any() else counts
    known = presented & (pods[rows] >= 0)
    whose = clients[rows]
    of_clients = _pairs(codes[whose != 0], whose[whose != 0])[0]
    return Trait(
        kind,
        name,
        len(pods),
        len(rows) / len(pods),
        int((counts > 0).sum()),
        len(np.unique(pods[pods >= 0])),
        _purity(codes[known], pods[rows][known]),
        len(of_clients) / len(np.unique(of_clients)) if of_clients.size else float("nan"),
        len(np.unique(clients[clients != 0])),
        float((~presented).sum()) / len(pods),
        int(counts.max()) / len(pods),
    )


def _pairs(codes: Values, others: Values) -> tuple[Values, Values]:
    """Return the first number of each pair that occurs, and how often it does; they are at least 0."""
    many = int(others.max(initial=0)) + 1
    pairs, counts = np.unique(codes * many + others, return_counts=True)
    return pairs // many, counts


def _purity(codes: Values, pods: Values) -> float:
    """Return the share of requests that went to the pod which most of their value's went to."""
    if not len(codes):
        return float("nan")
    first, counts = _pairs(codes, pods)
    most = np.zeros(int(codes.max()) + 1, np.int64)
    np.maximum.at(most, first, counts)
    return float(most.sum()) / len(codes)


def _of_clients(pods: Values, clients: Values) -> list[Trait]:
    known = clients != 0
    if not known.any():
        return []
    codes, counts = np.unique(clients[known], return_inverse=True, return_counts=True)[1:]
    answered = pods[known] >= 0
    return [
        Trait(
            "client",
            "",
            len(pods),
            float(known.mean()),
            len(counts),
            len(np.unique(pods[pods >= 0])),
            _purity(codes[answered], pods[known][answered]),
            1.0,
            len(counts),
            0.0,
            int(counts.max()) / len(pods),
        )
    ]
