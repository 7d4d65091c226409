"""When the sessions break that an operation met."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from simsticky.report.frames import Frames
from simsticky.report.plots.style import (
    INK,
    LINES,
    QUIET,
    axes_for,
    entitle,
    legend_below,
    nothing,
    plain,
    styled,
    time_axis,
    unit_axis,
)
from simsticky.report.plots.timeline import since_operation
from simsticky.report.pod_lives import window

Floats = npt.NDArray[np.float64]
_Met = tuple[dict[Hashable, Any], Floats, Floats]
"""An operation, and of the sessions that it met the times to the break of some and to the end of the others."""


@styled
def cumulative_incidence(result: Frames, ax: Axes | None = None) -> Axes:
    """Draw the share of the sessions alive at an operation's start that it has broken, by the time since then.

    The cumulative incidence of the first break (Aalen-Johansen): a session's natural end competes with it, so that one
    that is over can break no more, and stays in the denominator. All sessions are watched from the same moment on, and
    those that go on when the run ends leave together after the last break; so the curve ends at broken/alive of the
    ``operations`` frame. One line an operation. No band: sessions of one replication are not independent.

    Args:
        result: A result with requests recorded.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes; the line of an operation has the gid ``operation N``.
    """
    title = f"Sessions alive at the start that broke, replication {result.replication}"
    rows = result.operations.to_dict("records")
    found = [(row, *lifetimes(result, int(row["operation"]), float(row["start_s"]))) for row in rows]
    met: list[_Met] = [(row, broken_s, over_s) for row, broken_s, over_s in found if len(broken_s) + len(over_s)]
    if not met:
        return nothing(ax, title, "no operation met a session")
    ax = axes_for(ax, height=2.6)
    # Until the last break and the last old pod's end; where nothing breaks, as long as a session was watched.
    seen = [broken_s for _, broken_s, _ in met if len(broken_s)] or [over_s for _, _, over_s in met]
    last_s = max(1.0, *(float(times.max()) for times in seen))
    ends, highest = [], 0.0
    for place, (operation, broken_s, over_s) in enumerate(met):
        number, start_s = int(operation["operation"]), float(operation["start_s"])
        alive = len(broken_s) + len(over_s)
        times = np.concatenate([[0.0], np.sort(broken_s), [last_s * 1.15]])
        share = np.concatenate([np.arange(len(broken_s) + 1), [len(broken_s)]]) / alive
        highest = max(highest, float(share[-1]))
        colour, dashes, _ = LINES[place % len(LINES)]
        label = f"{plain(str(operation['label']))}: {len(broken_s)} of {alive} break"
        ax.step(times, share, where="post", color=colour, ls=dashes, label=label, gid=f"operation {number}")
        gone_s = operation["last_old_pod_gone_s"] - start_s
        if gone_s == gone_s:
            ends.append(gone_s)
    for number, gone_s in enumerate(ends):
        ax.axvline(gone_s, color=QUIET, lw=0.9, ls=":", label=None if number else "last old pod gone")
    left, right, since = _span(result, met, max([last_s, *ends]) * 1.15)
    ax.set(xlim=(left, right), ylim=(0, max(0.1, min(1.03, highest * 1.15))))
    ax.set_ylabel("broken sessions")
    unit_axis(ax.yaxis, "share")
    ax.spines["left"].set_color(INK)
    time_axis(ax.xaxis, 0.0, since)
    entitle(ax, title)
    legend_below(ax, columns=2)
    return ax


def _span(result: Frames, met: list[_Met], until_s: float) -> tuple[float, float, str]:
    """Return what the time axis shows, in seconds from the operation's start, and what it is called.

    Where one operation broke sessions that is what the timeline and the skew show, so that the three can be read one
    under the other; the line may go on to the right of it.
    """
    if len(met) > 1 or not len(met[0][1]):
        return 0.0, until_s, "time since the operation's start"
    zero_s, since = since_operation(result)
    start_s, end_s = window(result)
    return start_s - zero_s, end_s - zero_s, since


def lifetimes(result: Frames, operation: int, start_s: float) -> tuple[Floats, Floats]:
    """Return the times from an operation's start to the first break it caused, and to the end of unbroken sessions.

    Of the sessions alive at the start; in seconds. A session that was not over at the run's end counts until its
    last request.
    """
    requests = result.requests
    sent = requests.groupby("session")["sent_s"]
    first, last = sent.min(), sent.max()
    # Sessions that were there before the run sent requests that no table has.
    started = result.sessions.set_index("session")["started_s"].reindex(first.index)
    alive = first.index[(np.minimum(first, started) < start_s) & (last >= start_s)]
    caused = requests[(requests["operation"] == operation) & (requests["broke"] != "")]
    broken_s = caused.groupby("session")["sent_s"].min()
    broken_s = broken_s[broken_s.index.isin(alive)]
    over_s = last.loc[alive.difference(broken_s.index)]
    return broken_s.to_numpy(np.float64) - start_s, over_s.to_numpy(np.float64) - start_s
