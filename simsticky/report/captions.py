"""What each figure of one replication says, in words and numbers, for those who do not see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simsticky.report.numbers import MISSING, clock, counted, grouped
from simsticky.report.plots.decay import decay, gone_after_s
from simsticky.report.plots.incidence import lifetimes
from simsticky.report.plots.skew import skew_over_time
from simsticky.report.plots.timeline import since_operation
from simsticky.report.pod_groups import lanes, marks_of
from simsticky.report.pod_lives import MARKS, PodLife, pod_lives
from simsticky.workload.residual import residual_life

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

_SAMPLES = 7
"""Rows of a table that stands for a curve."""
_MOST_TOLD = 2
"""Operations that a caption tells of one by one; the table has them all."""


@dataclass(frozen=True, slots=True)
class Caption:
    """The words under a figure, and its numbers.

    Attributes:
        text: One or two sentences.
        head: The headings of the table's columns.
        rows: Its rows, cells as text; the first cell is the row's heading.
    """

    text: str
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def of_timeline(run: Frames) -> Caption:
    """Say of each pod when it was ready, deleted, drained, ended, and how many sessions it had when it was deleted.

    Where the figure groups its pods so does this, and says of each the first and the last.
    """
    zero_s, since = since_operation(run)
    lives = pod_lives(run)
    shown = lanes(lives)
    marks = [mark for mark in MARKS if any(mark == name for life in lives for name, _ in life.marks)]
    rows = []
    for lane in shown:
        at = marks_of(lane)
        firsts = (next((start for phase, start, _ in life.phases if phase == "ready"), None) for life in lane.lives)
        ready = [start for start in firsts if start is not None]
        alive = [_when_deleted(life) for life in lane.lives if life.deleted_by]
        cells = [_between([at_s - zero_s for at_s in at[mark]]) if mark in at else MISSING for mark in marks]
        rows.append([lane.label, _since_when(ready, zero_s), *cells, _fewest_to_most(alive)])
    deleted = sum(life.deleted_by > 0 for life in lives)
    each = "Each lane is a pod, its height the sessions whose state is on it."
    if any(lane.is_group for lane in shown):
        each = (
            "Each lane is a group of pods, its height the sessions on them per pod; each row under it is one pod and"
            " its phases."
        )
    text = (
        f"{each} {counted(len(lives), 'pod')}, {deleted} of them deleted by an operation. Times count from zero at"
        f" {clock(zero_s)} of the run ({since})."
    )
    return Caption(text, ["pod", "ready", *marks, "sessions when deleted"], rows)


def _since_when(ready_s: Sequence[float], zero_s: float) -> str:
    if not ready_s:
        return MISSING
    return "before" if max(ready_s) < 0 else _between([at_s - zero_s for at_s in ready_s])


def _between(times: Sequence[float]) -> str:
    first, last = clock(min(times)), clock(max(times))
    return first if first == last else f"{first} to {last}"


def _when_deleted(life: PodLife) -> float:
    return float(life.at(np.array([dict(life.marks)["deleted"]]))[0])


def _fewest_to_most(alive: Sequence[float]) -> str:
    if not alive:
        return MISSING
    least, most = grouped(min(alive)), grouped(max(alive))
    return least if least == most else f"{least} to {most}"


def of_decay(run: Frames) -> Caption:
    """Say how many sessions were left on deleted pods, beside the closed form."""
    old = [life for life in pod_lives(run) if life.deleted_by]
    if not old:
        return Caption("No operation deleted a pod.")
    times, sessions = decay(old)
    if not sessions.any():
        return Caption("No session was on a deleted pod.")
    law = residual_life(run.scenario)
    # Just before the first pod dies: what is left then has nowhere to stay.
    last = max(0, int(np.searchsorted(times, min(map(gone_after_s, old)))) - 1)
    text = (
        f"{grouped(float(sessions[0]))} sessions were on the pods when these were deleted,"
        f" {grouped(float(sessions[last]))} were left when the first of these"
        f" was gone, after {clock(min(map(gone_after_s, old)))}."
    )
    grid = np.linspace(0.0, float(times[-1]), _SAMPLES)
    left = sessions[np.searchsorted(times, grid, side="right") - 1]
    head = ["since deletion", "sessions"]
    rows = [[clock(t), grouped(float(n))] for t, n in zip(grid, left, strict=True)]
    if isinstance(law, str):
        return Caption(f"{text} There is no closed form beside it: {law}.", head, rows)
    expected = float(sessions[0]) * law.survival(grid)
    rows = [[*row, grouped(float(value))] for row, value in zip(rows, expected, strict=True)]
    text += f" The dashed curve is {law.formula}: what would be left if no pod went away."
    return Caption(text, [*head, "closed form"], rows)


def of_skew(run: Frames) -> Caption:
    """Say how uneven the load was at the worst moment and on average."""
    times, most, _, mean = skew_over_time(run)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = most / mean
    if not np.isfinite(ratio).any():
        return Caption("No pod served a session.")
    zero_s, _ = since_operation(run)
    low_s, high_s = run.operations["start_s"].min(), run.operations["last_old_pod_gone_s"].max()
    # Of the window that the summary measures, where there is one: the last session of a run is uneven, too.
    measured = np.where((times >= low_s) & (times < high_s), ratio, np.nan) if high_s == high_s else ratio
    worst = int(np.nanargmax(measured if np.isfinite(measured).any() else ratio))
    average = run.summary.get("load_skew.sessions.serving.max_to_mean")
    over = (
        "" if average is None else f" Over the operation it had {average:.2f} times the mean (ratio of time averages)."
    )
    text = (
        f"At its worst, at {clock(float(times[worst]) - zero_s)}, the fullest serving pod had {ratio[worst]:.2f} times"
        f" the mean number of sessions.{over}"
    )
    grid = np.linspace(float(times[0]), float(times[-1]), _SAMPLES)
    sampled = ratio[np.searchsorted(times, grid, side="right") - 1]
    rows = [[clock(t - zero_s), MISSING if r != r else f"{r:.2f}"] for t, r in zip(grid, sampled, strict=True)]
    return Caption(text, ["time", "fullest pod ÷ mean"], rows)


def of_incidence(run: Frames) -> Caption:
    """Say how many of the sessions alive at the start of each operation broke, and when half of these had."""
    rows, told = [], []
    for operation in run.operations.to_dict("records"):
        broken_s, over_s = lifetimes(run, int(operation["operation"]), float(operation["start_s"]))
        alive, label = len(broken_s) + len(over_s), str(operation["label"])
        half = clock(float(np.median(broken_s))) if len(broken_s) else MISSING
        rows.append([label, grouped(alive), grouped(len(broken_s)), half])
        told.append(f"{grouped(len(broken_s))} of the {grouped(alive)} sessions alive at the start of {label} broke.")
    if len(told) > _MOST_TOLD:
        told = ["Each line is an operation: the share of the sessions alive at its start that it broke."]
    text = " ".join(
        [
            *told,
            "A session that has ended unbroken can break no more, and still counts among those alive.",
        ]
    )
    return Caption(text, ["operation", "alive at its start", "of these broken", "half of them after"], rows)
