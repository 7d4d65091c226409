"""How much of a run is replayed: from when to when, and which of its sessions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.report.pod_lives import window

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from simsticky.report.frames import Frames

MOST_AT_ONCE = 500
"""Sessions that are drawn at one moment, about."""

_AFTER_S = 2.0
"""Seconds that are shown beyond the last break."""

Floats = npt.NDArray[np.float64]


class Span(NamedTuple):
    """What is replayed, in seconds of simulated time; of the sessions those whose number ``every`` divides."""

    from_s: float
    to_s: float
    every: int


def span_of(runs: Sequence[Frames]) -> Span:
    """Return one span for runs that are replayed side by side: all of what matters in any, the same sessions of each.

    That is what the figures over time show, and beyond it, for as long again at the most, until the last session that
    an operation or a crash breaks has broken.
    """
    spans = [_one(run) for run in runs]
    # In whole hundredths, as all times of a replay.
    from_s = math.floor(100 * min(span[0] for span in spans)) / 100
    to_s = max(span[1] for span in spans)
    every = max(math.ceil(most_at_once(run, from_s, to_s) / MOST_AT_ONCE) for run in runs)
    return Span(from_s, to_s, max(1, every))


def _one(run: Frames) -> tuple[float, float]:
    from_s, to_s = window(run)
    requests = run.requests
    broke_s = requests.loc[caused(requests), "ended_s"]
    last_s = float(broke_s.max()) if len(broke_s) else to_s
    end_s = float(run.load["time_s"].max()) if len(run.load) else to_s
    return from_s, max(to_s, min(last_s + _AFTER_S, to_s + (to_s - from_s), end_s))


def caused(requests: pd.DataFrame) -> pd.Series[bool]:
    """Return which requests broke their session with an operation or a crash behind it: as the story tells them."""
    return (requests["broke"] != "") & ~requests["origin"].isin(["", "background"])


def alive(run: Frames, from_s: float, to_s: float) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return the sessions that are alive at some time of a span: numbers, starts, and ends, infinite where unknown."""
    table = run.sessions
    starts = table["started_s"].to_numpy(np.float64)
    ends = table["ended_s"].to_numpy(np.float64)
    ends = np.where(np.isnan(ends), np.inf, ends)
    there = (starts <= to_s) & (ends >= from_s)
    return table["session"].to_numpy(np.int64)[there], starts[there], ends[there]


def most_at_once(run: Frames, from_s: float, to_s: float) -> int:
    """Return how many sessions are alive at once, at the most, in a span."""
    _, starts, ends = alive(run, from_s, to_s)
    if not len(starts):
        return 0
    starts = np.sort(np.maximum(starts, from_s))
    gone = np.searchsorted(np.sort(ends), starts, side="left")
    return int((np.arange(1, len(starts) + 1) - gone).max())
