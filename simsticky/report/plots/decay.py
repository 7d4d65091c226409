"""How the sessions on old pods drain away, beside the closed form."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from simsticky.report.frames import Frames
from simsticky.report.numbers import grouped
from simsticky.report.plots.style import (
    BLUE,
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
from simsticky.report.pod_lives import PodLife, pod_lives
from simsticky.workload.residual import residual_life

Floats = npt.NDArray[np.float64]


@styled
def sessions_on_old_pods(result: Frames, ax: Axes | None = None, operation: int | None = None) -> Axes:
    """Draw the sessions on the pods that an operation deleted, by the time since each pod's own deletion.

    Beside it stands what would be left if the pods never went away, in closed form: e^(−t/L) for memoryless sessions,
    the equilibrium residual for session durations of a known law. Where there is none, the figure says why. The
    distance to zero at the moment at which the pods die is what breaks.

    Args:
        result: A result with sessions recorded.
        ax: Where to draw; a new figure by default.
        operation: Number of the operation; all operations by default.

    Returns:
        The axes; the lines have the gids ``simulated`` and ``closed form``.
    """
    title = f"Sessions on old pods, replication {result.replication}"
    old = [life for life in pod_lives(result) if life.deleted_by and operation in (None, life.deleted_by)]
    if not old:
        return nothing(ax, title, "no operation deleted a pod")
    times, sessions = decay(old)
    if not sessions.any():
        return nothing(ax, title, "no session was on a deleted pod")
    ax = axes_for(ax, height=3.0)
    most = float(sessions[0])
    last_s = float(times[-1])
    pods = "pod" if len(old) == 1 else "pods"
    span_s = last_s * 1.35 or 1.0
    ax.step(
        np.append(times, span_s), np.append(sessions, sessions[-1]), where="post", color=BLUE, gid="simulated",
        label=f"simulated, on {len(old)} deleted {pods}",
    )  # fmt: skip
    law = residual_life(result.scenario)
    if isinstance(law, str):
        ax.plot([], [], ls="", label=f"no closed form: {law}")
    else:
        grid = np.linspace(0.0, span_s, 200)
        label = f"if the pods stayed: {grouped(most)} · {law.formula}"
        ax.plot(grid, most * law.survival(grid), color=VERMILLION, ls="--", gid="closed form", label=label)
    ends = {round(gone_after_s(life), 1) for life in old}
    for number, end_s in enumerate(sorted(ends)):
        ax.axvline(end_s, color=QUIET, lw=0.9, ls=":", label=None if number else "a pod is dead")
    ax.set(xlim=(0, span_s), ylim=(0, float(sessions.max()) * 1.08), ylabel="sessions on deleted pods")
    ax.spines["left"].set_color(INK)
    time_axis(ax.xaxis, 0.0, "time since the pod's deletion")
    entitle(ax, title)
    legend_below(ax, columns=1)
    return ax


def decay(old: list[PodLife]) -> tuple[Floats, Floats]:
    """Return the times since deletion at which the sessions on old pods change, from 0 on, and their sum from then."""
    deleted = [_deleted_s(life) for life in old]
    changes = [life.times - at_s for life, at_s in zip(old, deleted, strict=True)]
    times = np.unique(np.concatenate([[0.0], *(change[change > 0] for change in changes)]))
    total = np.zeros(len(times))
    for life, change in zip(old, changes, strict=True):
        if len(change):
            place = np.searchsorted(change, times, side="right") - 1
            total += np.where(place >= 0, life.sessions[place], 0.0)
    return times, total


def _deleted_s(life: PodLife) -> float:
    return next(at_s for mark, at_s in life.marks if mark == "deleted")


def gone_after_s(life: PodLife) -> float:
    """Return how long after its deletion a pod's container was dead, in seconds."""
    ends = [end for phase, _, end in life.phases if phase in ("draining", "stopping")]
    return max([end for end in ends if end < float("inf")], default=0.0) - _deleted_s(life) if ends else 0.0
