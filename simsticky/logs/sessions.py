"""Sessions from the columns of a log: requests of one key, cut where it was silent for long.

A cookie that is replaced (the request brings one value, the answer sets another) goes on as the same session: that is
what a session looks like whose state was lost, or after a login. A first hit brings none and is told by the value it
was given, if that comes back. Values that never come back are those of clients without a jar, or of one-page visits:
they are put together by address and user agent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from simsticky.logs.columns import HAS_COOKIES, Raw
from simsticky.logs.requests import Flags, Floats, Numbers, SessionKey, Sessions

Hashes = npt.NDArray[np.uint64]

GAP_S = 1800.0
"""Silence that ends a session: half an hour, as web analytics and most servers of applications have it."""
_ENOUGH_SILENCES = 200
_QUIET_QUANTILE, _QUIET_TIMES = 0.999, 2.0
_BY_CLIENT = np.uint64(0x9E3779B97F4A7C15)
"""Mixed into the client's hash, so that it is no cookie's."""


@dataclass(frozen=True)
class Recovered:
    """Sessions of a log.

    Attributes:
        number: int64[n], of each request's session; -1 none.
        begins: bool[n], the request is the first logged one of its session.
        sessions: The sessions.
    """

    number: Numbers
    begins: Flags
    sessions: Sessions


def recover(raw: Raw, key: SessionKey, window_s: tuple[float, float], gap_s: float = GAP_S) -> Recovered:
    """Return the sessions of a log.

    Args:
        raw: Columns, sorted by ``sent``.
        key: What tells sessions apart; of kind ``none`` there are none.
        window_s: First and last moment of the log, on the clock of ``sent``.
        gap_s: Silence that ends a session, s.
    """
    who, by_client = _identities(raw, key)
    rows = np.flatnonzero(who)
    codes = np.unique(who[rows], return_inverse=True)[1]
    del who
    # Rows are in order of time, and a stable sort keeps that within a key.
    rows = rows[np.argsort(codes, kind="stable")]
    codes.sort()
    sent = raw["sent"][rows].astype(np.float64)
    end = sent + np.nan_to_num(raw["took"][rows]).astype(np.float64)
    silence = np.empty(len(rows))
    silence[:1] = np.inf
    silence[1:] = sent[1:] - end[:-1]
    another = np.ones(len(rows), np.bool_)
    another[1:] = codes[1:] != codes[:-1]
    starts = another | (silence > gap_s)
    quiet_s = _quiet_s(silence[~starts], gap_s)
    first = np.flatnonzero(starts)
    last = np.append(first, len(rows))[1:] - 1
    comes_without = by_client[rows[first]] & (last > first)
    began = ~another[first] | (_first_hits(raw, rows[first], key) & ~comes_without)
    # Only the last part of a key's requests may go on after the log.
    goes_on = np.append(~another[first], False)[1:]
    # In the order of their first requests.
    order = np.argsort(rows[first], kind="stable")
    number = np.full(len(raw["sent"]), -1, np.int64)
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first))
    number[rows] = rank[np.cumsum(starts) - 1]
    begins = np.zeros(len(number), np.bool_)
    begins[rows[first]] = True
    jar, known = _jars(raw, rows, first, end, key)
    sessions = Sessions(
        key,
        sent[first][order],
        sent[last][order],
        (last - first + 1)[order],
        (began | (sent[first] - window_s[0] > quiet_s))[order],
        (goes_on | (window_s[1] - end[last] > quiet_s))[order],
        jar[order],
        known[order],
        gap_s,
        quiet_s,
    )
    return Recovered(number, begins, sessions)


def _identities(raw: Raw, key: SessionKey) -> tuple[Hashes, Flags]:
    """Return a hash of whose request each is, 0 for nobody's, and whether that is by address for want of a cookie."""
    came = raw["key_in"].astype(np.uint64, copy=False)
    by_client = np.zeros(len(came), np.bool_)
    if key.kind == "none":
        return np.zeros(len(came), np.uint64), by_client
    if key.kind != "cookie":
        return came, by_client
    given = raw["key_out"].astype(np.uint64, copy=False)
    presented = np.unique(came)
    returns = np.isin(given, presented[presented != 0])
    first_hit = (came == 0) & (given != 0)
    who = np.where(first_hit & returns, given, came)
    alone = (first_hit & ~returns) | ((who == 0) & (raw["cookie_in"] == 0) & (raw["cookie_out"] != 0))
    client = raw["client"].astype(np.uint64, copy=False)
    # Behind an address with cookies may be several people, and those who never came back were one-page visits.
    with_jar = np.unique(client[came != 0])
    by_client = alone & (client != 0) & ~np.isin(client, with_jar)
    who = np.where(by_client, client ^ _BY_CLIENT, np.where(alone & (who == 0), given, who))
    return _linked(who, came, given, returns), by_client


def _linked(who: Hashes, came: Hashes, given: Hashes, returns: Flags) -> Hashes:
    """Return identities in which a value and the one that replaced it are the same."""
    replaced = (came != 0) & (given != 0) & (came != given) & returns
    if not replaced.any():
        return who
    values, codes = np.unique(np.concatenate([came[replaced], given[replaced]]), return_inverse=True)
    half = len(codes) // 2
    edges = coo_array((np.ones(half, np.int8), (codes[:half], codes[half:])), shape=(len(values), len(values)))
    group = connected_components(edges, directed=False)[1]
    first_of_group = values[np.unique(group, return_index=True)[1]]
    place = np.minimum(np.searchsorted(values, who), len(values) - 1)
    return np.where(values[place] == who, first_of_group[group[place]], who)


def _first_hits(raw: Raw, rows: Numbers, key: SessionKey) -> Flags:
    """Return which requests came without a cookie and were given one: the first of their session for sure.

    Unless the client has no jar, which does so each time.
    """
    if key.kind == "cookie":
        hits: Flags = (raw["key_in"][rows] == 0) & (raw["key_out"][rows] != 0)
        return hits
    return np.zeros(len(rows), np.bool_)


def _quiet_s(silences: Floats, gap_s: float) -> float:
    """Return how long a silence must be before it is taken for a session's end, from those within sessions."""
    if len(silences) < _ENOUGH_SILENCES:
        return gap_s
    return min(gap_s, _QUIET_TIMES * max(float(np.quantile(silences, _QUIET_QUANTILE)), 0.0))


def _jars(raw: Raw, rows: Numbers, first: Numbers, end: Floats, key: SessionKey) -> tuple[Flags, Flags]:
    """Return for each session whether its client keeps cookies, and whether it showed that.

    It does if it ever brought one. It does not if it was given one and sent a later request without.
    """
    size = np.diff(np.append(first, len(rows)))
    brought = raw["cookie_in"][rows] != 0
    given = raw["cookie_out"][rows] != 0
    if key.kind == "cookie":
        brought |= raw["key_in"][rows] != 0
        given |= raw["key_out"][rows] != 0
    elif not given.any():
        brought |= (raw["flags"][rows] & HAS_COOKIES) != 0
    ever = np.logical_or.reduceat(brought, first) if len(first) else np.zeros(0, np.bool_)
    # From when on a jar would have had something to bring.
    since = np.where(given, end, np.inf)
    since = np.minimum.reduceat(since, first) if len(first) else since[:0]
    later = raw["sent"][rows].astype(np.float64) > np.repeat(since, size)
    without = np.logical_or.reduceat(later & ~brought, first) if len(first) else ever
    return ever | ~without, ever | without
