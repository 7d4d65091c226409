"""Clocks of gateways that disagree, from cookies that one of them saw set and another saw come.

A cookie comes after it was set. Where one gateway's answer set it and a later request brought it to another, the pause
between is too long by the difference of the clocks, or too short by it for the other direction; the shortest pauses of
both directions hold the difference between them. If 0 does not lie there, a cookie came before it was set, and the
clocks disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simsticky.logs.columns import Raw
from simsticky.logs.requests import Floats
from simsticky.logs.sessions import Recovered

_FEWEST = 20
"""Pauses in each direction, for a difference to be told."""
_LEFT_OUT = 500
"""One of so many pauses may be wrong (a damaged line, a cookie copied by hand)."""
_LEAST_S = 0.05
"""Differences that no figure here would show."""


@dataclass(frozen=True)
class Skew:
    """One gateway's clock against the first one's.

    Attributes:
        gateway: Its number.
        ahead_s: By how much its clock is ahead, s; negative behind.
        within_s: It may be off by this much.
        pauses: Pauses that told it.
    """

    gateway: int
    ahead_s: float
    within_s: float
    pauses: int


def find_skew(raw: Raw, recovered: Recovered, gateways: int) -> tuple[list[Skew], list[int]]:
    """Return the clocks that disagree with gateway 0's, and the gateways of which that cannot be told.

    Args:
        raw: Columns, sorted by ``sent``.
        recovered: Their sessions, however long the silences in them.
        gateways: How many there are.
    """
    before, after, pause = _pauses(raw, recovered)
    ahead = {0: Skew(0, 0.0, 0.0, 0)}
    for _ in range(gateways):
        for known in list(ahead):
            for other in set(range(gateways)) - ahead.keys():
                there = pause[(before == known) & (after == other)]
                back = pause[(before == other) & (after == known)]
                if min(len(there), len(back)) >= _FEWEST:
                    ahead[other] = _against(ahead[known], other, there, back)
    unknown = sorted(set(range(gateways)) - ahead.keys())
    found = [skew for _, skew in sorted(ahead.items()) if abs(skew.ahead_s) > max(skew.within_s, _LEAST_S)]
    return found, unknown


def _against(known: Skew, other: int, there: Floats, back: Floats) -> Skew:
    most, least = _shortest(there), -_shortest(back)
    ahead_s, within_s = (most + least) / 2, abs(most - least) / 2
    return Skew(other, known.ahead_s + ahead_s, known.within_s + within_s, len(there) + len(back))


def _shortest(pauses: Floats) -> float:
    place = len(pauses) // _LEFT_OUT
    return float(np.partition(pauses, place)[place])


def _pauses(raw: Raw, recovered: Recovered) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Return gateways before and after, and lengths, of the pauses between a first hit and each later request.

    A first hit came without a cookie and was given one; a later request of its session brings one.
    """
    number = recovered.number
    given = ((raw["key_in"] == 0) & (raw["key_out"] != 0)) | ((raw["cookie_in"] == 0) & (raw["cookie_out"] != 0))
    brings = (raw["cookie_in"] != 0) | ((raw["key_in"] != 0) & (recovered.sessions.key.kind == "cookie"))
    first = np.full(len(recovered.sessions), -1, np.int64)
    hits = np.flatnonzero(given & ~brings & (number >= 0))
    first[number[hits][::-1]] = hits[::-1]
    # Of two first hits nobody knows which came first.
    several = np.bincount(number[hits], minlength=len(first)) > 1
    first[several] = -1
    later = np.flatnonzero(brings & (number >= 0))
    later = later[first[number[later]] >= 0]
    one = first[number[later]]
    crossed = raw["gateway"][one] != raw["gateway"][later]
    one, later = one[crossed], later[crossed]
    pause = raw["sent"][later] - raw["sent"][one] - np.nan_to_num(raw["took"][one])
    return raw["gateway"][one], raw["gateway"][later], pause.astype(np.float64)


def corrected(raw: Raw, skews: list[Skew]) -> None:
    """Set all clocks to that of gateway 0, in place; the columns are then no longer sorted."""
    for skew in skews:
        raw["sent"][raw["gateway"] == skew.gateway] -= skew.ahead_s
