"""The timeline of one replication: each pod a lane, its sessions the height, its phase the colour and hatching."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
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
    entitle,
    figure_of,
    legend_below,
    plain,
    styled,
    time_axis,
)
from simsticky.report.pod_groups import Lane, lanes
from simsticky.report.pod_lives import Phase, PodLife, harm, pod_lives, window

PHASE_LOOKS = {
    "starting": (SKY, "////", "starting"),
    "ready": (BLUE, "", "ready"),
    "unready": (PURPLE, "||||", "not ready"),
    "down": (QUIET, "----", "container down"),
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
CAUSE_COLOURS = {
    "drain_window_too_short": ORANGE,
    "drain_off": VERMILLION,
    "race": PURPLE,
    "killed": INK,
    "crash": QUIET,
    "retargeted": GREEN,
}
"""Colour of each cause of breaks, the same in every figure."""
_HEIGHT = 0.68
"""Height of the tallest pod's sessions, in lanes."""
_STRIP = 0.14
"""Height of the strip that shows the phase of a pod without sessions, in lanes."""
_ROW, _ROWS = 0.06, 2.4
"""Height of the row of a pod in a group, and of all rows of a group at the most, in lanes."""
_SAMPLES = 400
"""Moments at which the sessions of a group are drawn."""
_CORNERS = 4000
"""Changes of the sessions of all pods that are drawn one by one; of more, those that a figure can show."""
_TICKS = 1500
"""Ticks across a figure that can be told apart: of more, those that would lie on one another are drawn once."""
_TEXT, _SMALLEST_TEXT = 8.5, 5.5
"""Points of a pod's name, and below which size some names are left out."""
_LINES: tuple[tuple[str, str, LineStyleType], ...] = (
    ("start_s", "operation starts", (0, (1, 1.5))),
    ("rollout_done_s", "rollout done", (0, (6, 2, 1, 2))),
    ("last_old_pod_gone_s", "last old pod gone", (0, (6, 3))),
)
"""Column, legend text and dashes of the moments of each operation."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a lane is drawn; y points down, in lanes.

    Attributes:
        floor: Where its sessions stand, on top of the strip of phases.
        strip: Height of that strip.
        end: Where the next lane begins.
    """

    floor: float
    strip: float
    end: float


@styled
def timeline(result: Frames, ax: Axes | None = None) -> Axes:
    """Draw the pods of one replication over time, who ended them and when, and what broke.

    Each pod is a lane, up to twelve of them; more are grouped, see :func:`simsticky.report.pod_groups.lanes`. The
    line's height is the number of sessions whose state is on the pod, in a group per pod of it, the same scale for all;
    its phase is the filling. Under a group each pod has a thin row of its phases. Marks tell what happened to a pod of
    its own lane, upright lines when an operation starts, when its rollout is done and when its last old pod is gone.
    Below are the breaks that operations or crashes caused, a tick each, one row a cause, and the failed requests.

    Args:
        result: A result with sessions recorded; breaks and failures are drawn where requests were.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes. The line of a lane has the pod's name as gid, that of a group its label; x is simulated time in
        seconds, and the sessions are the lane's floor less y, times ``ax.sessions_per_lane``. The upright lines have
        their legend text as gid.
    """
    start_s, end_s = window(result)
    lives = pod_lives(result)
    shown = lanes([life for life in lives if life.phases and life.phases[0][1] < end_s and _last_s(life) > start_s])
    rows = strikes(result)
    places = _places(shown)
    deep = places[-1].end if places else 0.0
    whole = deep + len(rows)
    ax = axes_for(ax, height=min(1.9 + 0.42 * max(whole, 1), 14.0))
    lane_points = ax.bbox.height * 72 / figure_of(ax).dpi / max(whole, 1)
    tallest = max((lane.fullest() for lane in shown), default=0.0)
    per_lane = (tallest or 1.0) / _HEIGHT
    for lane, place in zip(shown, places, strict=True):
        if lane.is_group:
            _draw_group(ax, lane, place, per_lane, (start_s, end_s))
        else:
            most = _CORNERS // len(shown)
            _draw_pod(ax, lane.lives[0], place.floor, per_lane, (start_s, end_s), min(6.0, 0.6 * lane_points), most)
    for row, (label, times) in enumerate(rows):
        _draw_strikes(ax, label, times, deep + row, (start_s, end_s))
    looks = {label: dashes for _, label, dashes in _LINES}
    for label, at_s in moments(result):
        ax.axvline(at_s, color=INK, lw=0.9, ls=looks[label], gid=label, zorder=2.5)
    ax.set(xlim=(start_s, end_s), ylim=(max(whole, 1), 0))
    setattr(ax, "sessions_per_lane", per_lane)  # noqa: B010 - a note for whoever reads the figure back
    _name_lanes(ax, shown, places, lane_points)
    for place in [*places, *(_Place(0, 0, deep + row + 1) for row in range(len(rows) - 1))]:
        ax.axhline(place.end, color=GRID, lw=0.6, zorder=0)
    zero_s, label = since_operation(result)
    time_axis(ax.xaxis, zero_s, label)
    entitle(ax, f"Pods, replication {result.replication}; {_fullest(shown, tallest)}")
    _legend(ax, shown)
    return ax


def _places(shown: Sequence[Lane]) -> list[_Place]:
    strips = [min(_ROW * len(lane.lives), _ROWS) if _is_staircase(lane) else _STRIP for lane in shown]
    ends = accumulate(1 - _STRIP + strip for strip in strips)
    return [_Place(end - strip, strip, end) for strip, end in zip(strips, ends, strict=True)]


def _is_staircase(lane: Lane) -> bool:
    """Return whether the pods of a lane go through phases of their own, so that each needs a row."""
    return lane.is_group and len({life.phases for life in lane.lives if len(life.phases) > 1}) > 0


def _name_lanes(ax: Axes, shown: Sequence[Lane], places: Sequence[_Place], lane_points: float) -> None:
    """Write the names beside their lanes, smaller where these are low, and some left out where they are lower still."""
    size = max(_SMALLEST_TEXT, min(_TEXT, 0.75 * lane_points))
    every = max(1, math.ceil(1.25 * size / lane_points))
    named = range(0, len(shown), every)
    middles = [
        (places[lane].floor + places[lane].strip + (places[lane - 1].end if lane else 0.0)) / 2 for lane in named
    ]
    ax.set_yticks(middles, [_two_lines(plain(shown[lane].label), shown[lane]) for lane in named], fontsize=size)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _two_lines(label: str, lane: Lane) -> str:
    """Return a label; that of a group, whose lane is high, on two lines."""
    count, _, words = label.partition(" ")
    return f"{count}\n{words}" if lane.is_group and len(label) > len("12 old pods") else label


def _fullest(shown: Sequence[Lane], tallest: float) -> str:
    if not tallest:
        return "none has a session"
    if any(lane.is_group for lane in shown):
        return f"a full lane is {counted(round(tallest), 'session')} per pod"
    return f"the fullest has {counted(round(tallest), 'session')}"


def _draw_strikes(ax: Axes, label: str, found: npt.NDArray[np.float64], top: float, span: tuple[float, float]) -> None:
    """Draw a tick for each time, under the words that say what they are and how many."""
    times = found
    if len(times) > _TICKS:
        start_s, end_s = span
        times = times[(times >= start_s) & (times <= end_s)]
        _, firsts = np.unique(np.floor(times * (_TICKS / (end_s - start_s))), return_index=True)
        times = times[firsts]
    # One path for all of them: (t, top), (t, bottom), a gap.
    ticks = np.column_stack([times, times, np.full(len(times), np.nan)]).ravel()
    ends = np.tile([top + 0.56, top + 0.9, np.nan], len(times))
    ax.plot(ticks, ends, color=strike_colours().get(label, INK), lw=0.7, gid=label)
    words = f"{label} ({grouped(len(found))})"
    ax.text(0.0, top + 0.3, words, transform=ax.get_yaxis_transform(), va="center", fontsize=_TEXT, zorder=5)


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


def _last_s(life: PodLife) -> float:
    return life.phases[-1][2]


def _draw_group(ax: Axes, lane: Lane, place: _Place, per_lane: float, span: tuple[float, float]) -> None:
    """Draw the sessions of a group, apart by the phase of their pods, over a thin row of phases for each pod."""
    times = np.linspace(*span, _SAMPLES)
    floor = np.full(len(times), place.floor)
    for phase, sessions in lane.by_phase(times).items():
        colour, hatch, _ = PHASE_LOOKS[phase]
        roof = floor - sessions / per_lane
        ax.fill_between(times, floor, roof, facecolor=colour, alpha=0.45, lw=0, hatch=hatch[:2])
        floor = roof
    ax.plot(times, place.floor - lane.at(times) / per_lane, color=INK, lw=0.8, gid=lane.label)
    height = place.strip / len(lane.lives)
    bars: dict[Phase, list[npt.NDArray[np.float64]]] = {}
    for row, life in enumerate(lane.lives):
        top = place.floor + row * height
        for phase, since_s, until_s in life.phases:
            low, high = max(since_s, span[0]), min(until_s, span[1])
            if low < high:
                corners = [(low, top), (high, top), (high, top + height), (low, top + height)]
                bars.setdefault(phase, []).append(np.array(corners))
    for phase, found in bars.items():
        colour, hatch, _ = PHASE_LOOKS[phase]
        ax.add_collection(
            PolyCollection(found, facecolors=colour, edgecolors=INK, hatch=hatch[:2], lw=0, gid=f"{lane.label} {phase}")
        )


def _seen(levels: npt.NDArray[np.float64], least: float) -> list[int]:
    """Return the places at which a line must be drawn anew, so that it is nowhere off by ``least`` or more."""
    kept, last = [], -math.inf
    for place, level in enumerate(levels.tolist()):
        if abs(level - last) >= least:
            kept.append(place)
            last = level
    return kept


def _draw_pod(
    ax: Axes, life: PodLife, bottom: float, per_lane: float, span: tuple[float, float], mark_size: float, most: int
) -> None:
    start_s, end_s = span
    inside = life.times[(life.times > start_s) & (life.times < end_s)]
    if len(inside) > most:
        inside = inside[_seen(life.at(inside), per_lane / 120)]
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


def strike_colours() -> dict[str, str]:
    """Return the colour of each row of breaks, by what :func:`strikes` calls it; rows that are not there are ink."""
    return {_broken_by(cause): colour for cause, colour in CAUSE_COLOURS.items()}


def _broken_by(cause: str) -> str:
    return f"broken: {cause.replace('_', ' ')}"


def strikes(result: Frames) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Return (what, times of sending) of the breaks by cause and of the failed requests; the commonest first.

    They are those that an operation or a crash brought about, see :func:`simsticky.report.pod_lives.harm`.
    """
    if result.scenario.run.record != "requests":
        return []
    broken, failed = harm(result)
    rows = []
    for origin, count in broken["origin"].value_counts().items():
        if count:
            times = broken.loc[broken["origin"] == origin, "sent_s"].to_numpy(np.float64)
            rows.append((_broken_by(str(origin)), times))
    return [*rows, ("failed requests", failed["sent_s"].to_numpy(np.float64))] if len(failed) else rows


def _legend(ax: Axes, shown: Sequence[Lane]) -> None:
    """Explain the phases and marks that are in the picture."""
    lives = [life for lane in shown for life in lane.lives]
    low, high = ax.get_xlim()
    phases = {phase for life in lives for phase, since_s, until_s in life.phases if since_s < high and until_s > low}
    marks = {mark for lane in shown if not lane.is_group for mark, at_s in lane.lives[0].marks if low <= at_s <= high}
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
