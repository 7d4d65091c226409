"""The timeline of one replication: each pod a lane, its sessions the height, its phase the colour and hatching."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from simsticky.report.frames import Frames
from simsticky.report.numbers import counted
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
    "stopping": (VERMILLION, "xxxx", "terminating, after SIGTERM"),
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
_MOST_LABELS = 24


@styled
def timeline(result: Frames, ax: Axes | None = None) -> Axes:
    """Draw the pods of one replication over time, who ended them and when, and what broke.

    Each pod is a lane. The line's height is the number of sessions whose state is on the pod, the same scale for all;
    its phase is the filling. Marks tell what happened to it. Below are the breaks that operations caused, a tick each,
    one row a mechanism, and the failed requests.

    Args:
        result: A result with sessions recorded; breaks and failures are drawn where requests were.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes. The line of a pod has its name as gid; x is simulated time in seconds, and the sessions are the
        lane's bottom less y, times ``ax.sessions_per_lane``.
    """
    lives = pod_lives(result)
    start_s, end_s = window(result)
    shown = [life for life in lives if life.phases and life.phases[0][1] < end_s and life.phases[-1][2] > start_s]
    rows = strikes(result)
    lanes = len(shown) + len(rows)
    ax = axes_for(ax, height=min(1.9 + 0.42 * max(lanes, 1), 14.0))
    tallest = max((float(life.sessions.max(initial=0.0)) for life in shown), default=0.0) or 1.0
    per_lane = tallest / _HEIGHT
    for lane, life in enumerate(shown):
        _draw_pod(ax, life, lane + 1 - _STRIP, per_lane, (start_s, end_s))
    for row, (label, times) in enumerate(rows):
        colour = INK if label.startswith("failed") else _BREAK_COLOURS[row % len(_BREAK_COLOURS)]
        lane = len(shown) + row
        # One path for all of them: (t, top), (t, bottom), a gap.
        ticks = np.column_stack([times, times, np.full(len(times), np.nan)]).ravel()
        ends = np.tile([lane + 0.34, lane + 0.66, np.nan], len(times))
        ax.plot(ticks, ends, color=colour, lw=0.7, gid=label)
    for at_s in result.operations["start_s"]:
        ax.axvline(at_s, color=INK, lw=0.9, ls=(0, (1, 1.5)))
    ax.set(xlim=(start_s, end_s), ylim=(max(lanes, 1), 0))
    setattr(ax, "sessions_per_lane", per_lane)  # noqa: B010 - a note for whoever reads the figure back
    names = [plain(life.short) for life in shown] + [f"{label} ({len(times)})" for label, times in rows]
    every = -(-len(names) // _MOST_LABELS) if len(names) > _MOST_LABELS else 1
    ax.set_yticks([lane + 0.5 for lane in range(0, lanes, every)], names[::every])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    for lane in range(1, lanes):
        ax.axhline(lane, color=GRID, lw=0.6, zorder=0)
    zero_s, label = since_operation(result)
    time_axis(ax.xaxis, zero_s, label)
    ax.set_title(f"Pods, replication {result.replication}; the tallest has {counted(round(tallest), 'session')}")
    _legend(ax, shown)
    return ax


def since_operation(result: Frames) -> tuple[float, str]:
    """Return the moment from which a time axis counts, in seconds, and what the axis is called."""
    operations = result.operations
    if not len(operations):
        return 0.0, "simulated time"
    if len(operations) == 1:
        return float(operations["start_s"].iloc[0]), f"time since {plain(str(operations['label'].iloc[0]))}"
    return float(operations["start_s"].min()), "time since the first operation"


def _draw_pod(ax: Axes, life: PodLife, bottom: float, per_lane: float, span: tuple[float, float]) -> None:
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
        ax.fill_between(*strip, facecolor=colour, hatch=hatch, edgecolor=INK, lw=0.3)
        chosen = (times > low) & (times < high)
        own = np.concatenate([[low], times[chosen], [high]])
        level = bottom - life.at(own) / per_lane
        ax.fill_between(own, bottom, level, step="post", facecolor=colour, alpha=0.45, lw=0, hatch=hatch[:2])
    if len(life.times):
        ax.step(times, heights, where="post", color=INK, lw=0.8, gid=life.pod)
    for mark, at_s in life.marks:
        if start_s <= at_s <= end_s:
            # The end of preStop is mostly the moment of SIGTERM: a long stroke behind a small square shows both.
            size = 15 if mark == "preStop end" else 6
            middle = bottom + _STRIP / 2
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
    legend_below(ax, handles=handles)
