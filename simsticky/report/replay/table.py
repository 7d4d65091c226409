"""The replay as a table, for those who do not see it: what happened when, and what it had come to by then."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simsticky.report.numbers import grouped
from simsticky.report.replay.lines import lines_of
from simsticky.report.replay.span import caused

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

MOST = 60
"""Lines of the story that a table tells; of more every second, third and so on."""
HEAD = ("time", "what happens", "sessions alive", "exposed so far", "broken so far", "failed requests so far")


class Moments(NamedTuple):
    """A table.

    Attributes:
        rows: A text a cell.
        every: Of so many lines one is told.
    """

    rows: list[tuple[str, ...]]
    every: int


def moments(run: Frames, from_s: float, to_s: float) -> Moments:
    """Return the story of a span with what it had come to at each line, over all sessions, whether drawn or not.

    ``exposed`` counts sessions, ``broken`` those that an operation or a crash has broken, ``failed`` the requests that
    have failed since the beginning of the span.
    """
    lines = lines_of(run, from_s, to_s)
    every = max(1, math.ceil(len(lines) / MOST))
    requests, sessions = run.requests, run.sessions
    firsts = requests[caused(requests)].groupby("session")["ended_s"].min()
    ended_s = requests.loc[~requests["outcome"].isin(["answered", "unfinished"]), "ended_s"]
    failed = ended_s[ended_s >= from_s]
    begun, ended = (np.sort(sessions[name].dropna().to_numpy(np.float64)) for name in ("started_s", "ended_s"))
    counts = [
        np.sort(times.to_numpy(np.float64))
        for times in (run.exposures.groupby("session")["at_s"].min(), firsts, failed)
    ]
    rows = []
    for line in lines[::every]:
        # A line has hundredths: what is at its moment belongs to it.
        at_s = line.at_s + 0.005
        alive = np.searchsorted(begun, at_s, side="right") - np.searchsorted(ended, at_s, side="left")
        so_far = (np.searchsorted(times, at_s, side="right") for times in counts)
        rows.append((line.clock, f"{line.actor}: {line.sentence}", *(grouped(int(n)) for n in (alive, *so_far))))
    return Moments(rows, every)
