"""The timeline of one replication: each pod a lane, its sessions the height, its phase the colour and hatching."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.typing import LineStyleType

from simsticky.report.frames import Frames
from simsticky.report.numbers import counted, grouped
from simsticky.report.plots.style import (
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    QUIET,
    SKY,
    VERMILLION,
    axes_for,
    figure_of,
    legend_below,
    plain,
    styled,
    time_axis,
)
from simsticky.report.pod_lives import PodLife, pod_lives, window

PHASE_LOOKS = {
    "starting": (SKY, "////", "starting"),
    "ready": (BLUE, "", "ready"),
    "draining": (ORANGE, "\\\\\\\\", "terminating, preStop"),
    "stopping": (VERMILLION, "xxxx", "after SIGTERM"),
    "dead": (GRID, "", "container dead"),
}
"""Colour, hatching and legend text of each phase."""

MARK_LOOKS = {
    "deleted": ("v", "deleted"),
    "weight 0": ("D", "weight 0 on a Kong node"),
    "removed": ("X", "dropped by a Kong node"),
    "preStop end": ("|", "preStop ends"),
    "SIGTERM": ("s", "SIGTERM"),
    "SIGKILL": ("*", "SIGKILL"),
}
_BREAK_COLOURS = (VERMILLION, PURPLE, GREEN, BLUE, ORANGE, SKY, INK, QUIET)
_HEIGHT = 0.68
"""Height of the tallest pod's sessions, in lanes."""
_STRIP = 0.14
"""Height of the strip that shows the phase of a pod without sessions, in lanes."""
_TEXT, _SMALLEST_TEXT = 8.5, 5.5
"""Points of a pod's name, and below which size some names are left out."""
_LINES: tuple[tuple[str, str, LineStyleType], ...] = (
    ("start_s", "operation starts", (0, (1, 1.5))),
    ("rollout_done_s", "rollout done", (0, (6, 2, 1, 2))),
    ("last_old_pod_gone_s", "last old pod gone", (0, (6, 3))),
)
"""Column, legend text and dashes of the moments of each operation."""


@styled
def timeline(result: Frames, ax: Axes | None = None) -> Axes:
    """Draw the pods of one replication over time, who ended them and when, and what broke.

    Each pod is a lane. The line's height is the number of sessions whose state is on the pod, the same scale for all;
    its phase is the filling. Marks tell what happened to it, upright lines when an operation starts, when its rollout
    is done and when its last old pod is gone. Below are the breaks that operations caused, a tick each, one row a
    mechanism, and the failed requests.

    Args:
        result: A result with sessions recorded; breaks and failures are drawn where requests were.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes. The line of a pod has its name as gid; x is simulated time in seconds, and the sessions are the
        lane's bottom less y, times ``ax.sessions_per_lane``. The upright lines have their legend text as gid.
    """
    lives = pod_lives(result)
    start_s, end_s = window(result)
    shown = [life for life in lives if life.phases and life.phases[0][1] < end_s and life.phases[-1][2] > start_s]
    rows = strikes(result)
    lanes = len(shown) + len(rows)
    ax = axes_for(ax, height=min(1.9 + 0.42 * max(lanes, 1), 14.0))
    lane_points = ax.bbox.height * 72 / figure_of(ax).dpi / max(lanes, 1)
    tallest = max((float(life.sessions.max(initial=0.0)) for life in shown), default=0.0)
    per_lane = (tallest or 1.0) / _HEIGHT
    for lane, life in enumerate(shown):
        _draw_pod(ax, life, lane + 1 - _STRIP, per_lane, (start_s, end_s), min(6.0, 0.6 * lane_points))
    for row, (label, times) in enumerate(rows):
        colour = INK if label.startswith("failed") else _BREAK_COLOURS[row % len(_BREAK_COLOURS)]
        lane = len(shown) + row
        # One path for all of them: (t, top), (t, bottom), a gap.
        ticks = np.column_stack([times, times, np.full(len(times), np.nan)]).ravel()
        ends = np.tile([lane + 0.34, lane + 0.66, np.nan], len(times))
        ax.plot(ticks, ends, color=colour, lw=0.7, gid=label)
    looks = {label: dashes for _, label, dashes in _LINES}
    for label, at_s in moments(result):
        ax.axvline(at_s, color=INK, lw=0.9, ls=looks[label], gid=label, zorder=2.5)
    ax.set(xlim=(start_s, end_s), ylim=(max(lanes, 1), 0))
    setattr(ax, "sessions_per_lane", per_lane)  # noqa: B010 - a note for whoever reads the figure back
    size = max(_SMALLEST_TEXT, min(_TEXT, 0.75 * lane_points))
    every = max(1, math.ceil(1.25 * size / lane_points))
    named = [*range(0, len(shown) - every + 1, every), *range(len(shown), lanes)]
    names = [plain(life.short) for life in shown] + [f"{label} ({grouped(len(times))})" for label, times in rows]
    ax.set_yticks([lane + 0.5 for lane in named], [names[lane] for lane in named], fontsize=size)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    for lane in range(1, lanes):
        ax.axhline(lane, color=GRID, lw=0.6, zorder=0)
    zero_s, label = since_operation(result)
    time_axis(ax.xaxis, zero_s, label)
    fullest = f"the fullest has {counted(round(tallest), 'session')}" if tallest else "none has a session"
    ax.set_title(f"Pods, replication {result.replication}; {fullest}")
    _legend(ax, shown)
    return ax


def moments(result: Frames) -> list[tuple[str, float]]:
    """Return (what, when in seconds) of each operation's start and its two ends, as far as it came."""
    return [(label, float(at_s)) for column, label, _ in _LINES for at_s in result.operations[column].dropna()]


def since_operation(result: Frames) -> tuple[float, str]:
    """Return the moment from which a time axis counts, in seconds, and what the axis is called."""
    operations = result.operations
    if not len(operations):
        return 0.0, "simulated time"
    if len(operations) == 1:
        return float(operations["start_s"].iloc[0]), f"time since {plain(str(operations['label'].iloc[0]))}"
    return float(operations["start_s"].min()), "time since the first operation"


def _draw_pod(
    ax: Axes, life: PodLife, bottom: float, per_lane: float, span: tuple[float, float], mark_size: float
) -> None:
    start_s, end_s = span
    inside = life.times[(life.times > start_s) & (life.times < end_s)]
    alive_s = min([until_s for phase, _, until_s in life.phases if phase != "dead"][-1:], default=end_s)
    times = np.unique(np.concatenate([[start_s], inside, [min(end_s, max(alive_s, start_s))]]))
    if len(life.times):
        times = times[times >= life.times[0]]
    heights = bottom - life.at(times) / per_lane
    for phase, since_s, until_s in life.phases:
        colour, hatch, _ = PHASE_LOOKS[phase]
        low, high = max(since_s, start_s), min(until_s, end_s)
        if low >= high:
            continue
        strip = ([low, high], bottom, bottom + _STRIP)
        ax.fill_between(*strip, facecolor=colour, hatch=hatch, edgecolor=INK, lw=0.3, gid=f"{life.pod} {phase}")
        chosen = (times > low) & (times < high)
        own = np.concatenate([[low], times[chosen], [high]])
        level = bottom - life.at(own) / per_lane
        # Steps along the top and one straight line back: half the points that filling between two lines takes.
        corners = np.repeat(own, 2), np.concatenate([[bottom], np.repeat(level[:-1], 2), [bottom]])
        ax.fill(*corners, facecolor=colour, alpha=0.45, lw=0, hatch=hatch[:2])
    if len(life.times):
        ax.step(times, heights, where="post", color=INK, lw=0.8, gid=life.pod)
    for mark, at_s in life.marks:
        if start_s <= at_s <= end_s:
            # What may come at one moment shows side by side: the deletion stands on the strip, and the end of preStop
            # is a long stroke behind the small square of SIGTERM.
            size = 2.5 * mark_size if mark == "preStop end" else mark_size
            middle = bottom - _STRIP if mark == "deleted" else bottom + _STRIP / 2
            ax.plot([at_s], [middle], MARK_LOOKS[mark][0], ms=size, mfc="white", mec=INK, mew=0.9, gid=mark, zorder=4)


def strikes(result: Frames) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Return (what, times of sending) of the breaks by mechanism and of the failed requests; the commonest first."""
    if result.scenario.run.record != "requests":
        return []
    requests = result.requests
    caused = requests[requests["operation"] > 0]
    broken = caused[caused["broke"] != ""]
    rows = []
    for mechanism, count in broken["mechanism"].value_counts().items():
        if count:
            times = broken.loc[broken["mechanism"] == mechanism, "sent_s"].to_numpy(np.float64)
            rows.append((f"broken: {mechanism}", times))
    failed = caused.loc[~caused["outcome"].isin(["answered", "unfinished"]), "sent_s"].to_numpy(np.float64)
    return [*rows, ("failed requests", failed)] if len(failed) else rows


def _legend(ax: Axes, shown: Sequence[PodLife]) -> None:
    """Explain the phases and marks that are in the picture."""
    phases = {phase for life in shown for phase, _, _ in life.phases}
    marks = {mark for life in shown for mark, _ in life.marks}
    handles: list[Artist] = [
        Patch(facecolor=colour, hatch=hatch, edgecolor=INK, lw=0.3, label=text)
        for phase, (colour, hatch, text) in PHASE_LOOKS.items()
        if phase in phases
    ]
    handles += [
        Line2D([], [], ls="", marker=marker, ms=6, mfc="white", mec=INK, label=text)
        for mark, (marker, text) in MARK_LOOKS.items()
        if mark in marks
    ]
    drawn = {line.get_gid() for line in ax.lines}
    handles += [Line2D([], [], color=INK, lw=0.9, ls=ls, label=text) for _, text, ls in _LINES if text in drawn]
    legend_below(ax, handles=handles)
