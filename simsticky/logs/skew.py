"""Clocks of gateways that disagree, from sessions that went through two of them.

The pause between two requests of a session is as long whichever of two gateways came first. What makes one direction's
pauses longer and the other's shorter by the same is the difference of the clocks. Where a session's first request is
known (it was given its cookie), the order is known, however wrong the clocks are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simsticky.logs.columns import Raw
from simsticky.logs.requests import Floats
from simsticky.logs.sessions import Recovered

_FEWEST = 30
"""Pauses in each direction, for a difference to be told."""
_ERRORS = 5.0
_LEAST_S = 0.1
_NORMAL = 1.4826
"""A standard deviation in median absolute deviations, under a normal law."""
_OF_A_MEDIAN = 1.2533


@dataclass(frozen=True)
class Skew:
    """One gateway's clock against the first one's.

    Attributes:
        gateway: Its number.
        ahead_s: By how much its clock is ahead, s; negative behind.
        pauses: Pauses that told it.
    """

    gateway: int
    ahead_s: float
    pauses: int


def find_skew(raw: Raw, recovered: Recovered, gateways: int) -> tuple[list[Skew], bool]:
    """Return the clocks that disagree with gateway 0's, and whether sessions crossed between gateways at all.

    Args:
        raw: Columns, sorted by ``sent``.
        recovered: Their sessions.
        gateways: How many there are.
    """
    before, after, pause = _pauses(raw, recovered)
    crossed = before != after
    if gateways < 2 or not crossed.any():
        return [], False
    ahead: dict[int, tuple[float, int]] = {0: (0.0, 0)}
    for _ in range(gateways):
        for known in list(ahead):
            for other in set(range(gateways)) - ahead.keys():
                there = pause[(before == known) & (after == other)]
                back = pause[(before == other) & (after == known)]
                if min(len(there), len(back)) >= _FEWEST:
                    ahead[other] = (ahead[known][0] + _difference(there, back), len(there) + len(back))
    found = [Skew(gateway, by_s, count) for gateway, (by_s, count) in sorted(ahead.items()) if by_s]
    return found, len(ahead) > 1


def _difference(there: Floats, back: Floats) -> float:
    """Return by how much the second clock is ahead, 0 if that may be chance or is too little to matter."""
    by_s = (float(np.median(there)) - float(np.median(back))) / 2
    error = math.hypot(_error(there), _error(back)) / 2
    return by_s if abs(by_s) > max(_ERRORS * error, _LEAST_S) else 0.0


def _error(pauses: Floats) -> float:
    spread = float(np.median(np.abs(pauses - np.median(pauses))))
    return _OF_A_MEDIAN * _NORMAL * spread / math.sqrt(len(pauses))


def _pauses(raw: Raw, recovered: Recovered) -> tuple[np.ndarray, np.ndarray, Floats]:
    """Return gateways before and after, and lengths, of the pauses whose order is known, else of all.

    Under a cookie as key the request that was given it comes first, whatever the clocks say; the pause is that from
    it to the earliest other one.
    """
    rows = np.flatnonzero(recovered.number >= 0)
    first_hit = (raw["key_in"][rows] == 0) & (raw["key_out"][rows] != 0) & (recovered.sessions.key.kind == "cookie")
    rows = rows[np.lexsort((rows, ~first_hit, recovered.number[rows]))]
    of = recovered.number[rows]
    same = of[1:] == of[:-1]
    ordered = same & (raw["key_in"][rows[:-1]] == 0) & (raw["key_out"][rows[:-1]] != 0)
    pairs = np.flatnonzero(ordered if ordered.sum() >= 2 * _FEWEST else same)
    one, other = rows[pairs], rows[pairs + 1]
    pause = raw["sent"][other] - raw["sent"][one] - np.nan_to_num(raw["took"][one])
    return raw["gateway"][one], raw["gateway"][other], pause.astype(np.float64)


def corrected(raw: Raw, skews: list[Skew]) -> None:
    """Set all clocks to that of gateway 0, in place; the columns are then no longer sorted."""
    for skew in skews:
        raw["sent"][raw["gateway"] == skew.gateway] -= skew.ahead_s
