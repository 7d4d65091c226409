"""Load skew over time."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from simsticky.report.frames import Frames
from simsticky.report.plots.style import (
    BLUE,
    GRID,
    INK,
    QUIET,
    VERMILLION,
    axes_for,
    entitle,
    legend_below,
    nothing,
    styled,
    time_axis,
)
from simsticky.report.plots.timeline import since_operation
from simsticky.report.pod_lives import pod_lives, serving, window

Floats = npt.NDArray[np.float64]


@styled
def load_skew(result: Frames, ax: Axes | None = None) -> Axes:
    """Draw how far the fullest and the emptiest serving pod are from the mean, in sessions, over time.

    1 is even. The set of serving pods (rule L1) changes with the operation; the shaded window is that of
    the summary's figures, which are ratios of time averages and not means of this line.

    Args:
        result: A result with sessions recorded.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes; the lines have the gids ``max/mean`` and ``min/mean``.
    """
    title = f"Load skew, replication {result.replication}"
    times, most, least, mean = skew_over_time(result)
    with np.errstate(invalid="ignore", divide="ignore"):
        high, low = most / mean, least / mean
    if not np.isfinite(high).any():
        return nothing(ax, title, "no serving pod had a session")
    ax = axes_for(ax, height=2.6)
    for level in (1.0, 1.2, 1.5):
        ax.axhline(level, color=QUIET if level == 1.0 else GRID, lw=0.8, zorder=0)
    ax.step(times, high, where="post", color=VERMILLION, label="fullest pod ÷ mean", gid="max/mean")
    ax.step(times, low, where="post", color=BLUE, ls="--", label="emptiest pod ÷ mean", gid="min/mean")
    operations = result.operations
    if len(operations):
        start_s, end_s = operations["start_s"].min(), operations["last_old_pod_gone_s"].max()
        if end_s == end_s:
            ax.axvspan(start_s, end_s, color=GRID, alpha=0.45, lw=0, zorder=-1, label="measured window")
    zero_s, label = since_operation(result)
    ax.set(xlim=(times[0], times[-1]), ylabel="sessions ÷ mean")
    ax.set_ylim(0, max(1.6, float(np.nanmax(high)) * 1.08))
    ax.spines["left"].set_color(INK)
    time_axis(ax.xaxis, zero_s, label)
    entitle(ax, title)
    legend_below(ax)
    return ax


def skew_over_time(result: Frames) -> tuple[Floats, Floats, Floats, Floats]:
    """Return times in seconds and, from each on, the most, the fewest and the mean sessions of the serving pods.

    The times cover the shown window; the last is its end. NaN where no pod serves.
    """
    start_s, end_s = window(result)
    lives = pod_lives(result)
    sets = serving(result, lives)
    since = np.array([at_s for at_s, _ in sets])
    changes = np.concatenate([[start_s, end_s], since, *(life.times for life in lives)])
    times = np.unique(changes[(changes >= start_s) & (changes <= end_s)])
    members = [pods for _, pods in sets]
    place = np.searchsorted(since, times, side="right") - 1
    inside = np.array([[life.pod in members[index] if index >= 0 else False for index in place] for life in lives])
    loads = np.array([life.at(times) for life in lives])
    count = inside.sum(axis=0)
    total = np.where(inside, loads, 0.0).sum(axis=0)
    some = count > 0
    mean = np.divide(total, count, out=np.full(len(times), np.nan), where=some)
    most = np.where(some, np.where(inside, loads, -np.inf).max(axis=0), np.nan)
    least = np.where(some, np.where(inside, loads, np.inf).min(axis=0), np.nan)
    return times, most, least, mean
