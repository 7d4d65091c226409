"""A backtest over time: what was observed and what is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from simsticky.logs.watched import Watched, moves_of
from simsticky.report.plots.style import BLUE, GRID, INK, SKY, VERMILLION, axes_for, legend_below, styled, time_axis

if TYPE_CHECKING:
    from simsticky.logs.backtest_answer import Backtest

_CELLS = 120
"""Spans of time that each pod's requests are counted in."""
_MOST_NAMED = 24


@styled
def broken_over_time(found: Backtest, ax: Axes | None = None) -> Axes:
    """Draw how many sessions have been broken by each moment, in the log and in the model.

    Args:
        found: The backtest.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes; the lines have the gids ``observed`` and ``median``, the band ``predicted``.
    """
    lines = found.timelines
    ax = axes_for(ax)
    at_s = np.append(lines.frame.moments[0].begins_s, lines.at_s)

    def from_none(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.append(0.0, values)

    ax.fill_between(at_s, from_none(lines.low), from_none(lines.high), color=SKY, alpha=0.4, lw=0,
                    label="one run of the model, 95 %", gid="predicted")  # fmt: skip
    ax.plot(at_s, from_none(lines.median), color=BLUE, ls="--", label="its middle", gid="median")
    ax.plot(at_s, from_none(lines.broken), color=VERMILLION, label="the log", gid="observed")
    _operations(ax, found)
    ax.set(xlim=(at_s[0], lines.frame.end_s), ylim=(0, None), ylabel="broken sessions so far")
    _time(ax, found)
    legend_below(ax)
    return ax


@styled
def observed_pods(found: Backtest, ax: Axes | None = None) -> Axes:
    """Draw when each pod of the log answered, and which moves ended there.

    Args:
        found: The backtest.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes; each pod's moves have the gid ``moves N``, N its lane from 1.
    """
    return _pods(found, found.timelines.observed, ax)


@styled
def predicted_pods(found: Backtest, ax: Axes | None = None) -> Axes:
    """Draw the same of replication 0; see :func:`observed_pods`."""
    return _pods(found, found.timelines.replication, ax)


def _pods(found: Backtest, seen: Watched, ax: Axes | None) -> Axes:
    answered = seen.pod >= 0
    pods, first = np.unique(seen.pod[answered], return_index=True)
    pods = pods[np.argsort(first)]
    lane_of = {pod: lane for lane, pod in enumerate(pods.tolist())}
    ax = axes_for(ax, height=min(1.4 + 0.32 * max(len(pods), 1), 12.0))
    end_s = found.timelines.frame.end_s
    edges = np.linspace(0.0, end_s, _CELLS + 1)
    counts = np.array([np.histogram(seen.sent_s[seen.pod == pod], edges)[0] for pod in pods], np.float64)
    most = counts.max(initial=1.0)
    for lane, of_pod in enumerate(counts):
        for cell in np.flatnonzero(of_pod):
            ax.fill_between(edges[cell : cell + 2], lane + 0.1, lane + 0.65, color=BLUE, lw=0,
                            alpha=float(0.15 + 0.85 * of_pod[cell] / most))  # fmt: skip
    _moves(ax, seen, lane_of)
    _operations(ax, found)
    ax.set(xlim=(0, end_s), ylim=(max(len(pods), 1), 0))
    named = range(0, len(pods), -(-max(len(pods), 1) // _MOST_NAMED))
    ax.set_yticks([lane + 0.5 for lane in named], [f"pod {lane + 1}" for lane in named])
    ax.tick_params(axis="y", length=0)
    for lane in range(1, len(pods)):
        ax.axhline(lane, color=GRID, lw=0.6, zorder=0)
    _time(ax, found)
    return ax


def _moves(ax: Axes, seen: Watched, lane_of: dict[int, int]) -> None:
    """Draw each move as a tick below the pod that answered from then on."""
    moves = moves_of(seen)
    known = (seen.session >= 0) & (seen.pod >= 0)
    pod_at = {(session, sent_s): pod for session, sent_s, pod in zip(
        seen.session[known].tolist(), seen.sent_s[known].tolist(), seen.pod[known].tolist(), strict=True)}  # fmt: skip
    lanes = np.array([lane_of[pod_at[key]] for key in zip(moves.session.tolist(), moves.at_s.tolist(), strict=True)])
    for lane in sorted(set(lanes.tolist())):
        times = moves.at_s[lanes == lane]
        ticks = np.column_stack([times, times, np.full(len(times), np.nan)]).ravel()
        ends = np.tile([lane + 0.68, lane + 0.95, np.nan], len(times))
        ax.plot(ticks, ends, color=VERMILLION, lw=0.7, gid=f"moves {lane + 1}")


def _operations(ax: Axes, found: Backtest) -> None:
    for moment in found.timelines.frame.moments:
        ax.axvline(moment.begins_s, color=INK, lw=0.9, ls=(0, (1, 1.5)), zorder=2.5)


def _time(ax: Axes, found: Backtest) -> None:
    moments = found.timelines.frame.moments
    label = f"time since {moments[0].label}" if len(moments) == 1 else "time since the first operation"
    time_axis(ax.xaxis, moments[0].begins_s, label)
