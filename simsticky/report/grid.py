"""The grid of a sweep as compact data for the trade-off page: every number as text and as a number, a timeline a point.

Times in a timeline are seconds since the operation's start, to a tenth; sessions are sampled at equally spaced
moments, so that a page stays small whatever the traffic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from simsticky.report.numbers import show
from simsticky.report.picture import COLOURS
from simsticky.report.plots.style import label_of
from simsticky.report.plots.timeline import MARK_LOOKS, PHASE_LOOKS, moments, since_operation, strike_colours, strikes
from simsticky.report.pod_groups import Lane, lanes, marks_of
from simsticky.report.pod_lives import MARKS, PHASES, PodLife, pod_lives, window
from simsticky.report.sweep_table import SweepLike, settings, standings, written
from simsticky.scenario.thresholds import Threshold
from simsticky.study.better import Standing
from simsticky.study.pool import run_ordered
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.report.frames import Frames
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Study

METRICS = (
    "broken_sessions",
    "failed_requests",
    "broken_of_alive",
    "breaks_per_session",
    "last_old_pod_gone_s",
    "rollout_done_s",
    "peak_pods",
    "load_skew.sessions.serving.max_to_mean",
    "latency_p95_s",
)
"""What the page can show, beside the metrics of the thresholds."""

COST = "last_old_pod_gone_s"
_SAMPLES = 120
"""Moments at which the sessions of each pod are kept, at most."""
_NUMBERS_IN_ALL = 250_000
"""Samples that all timelines of a page may hold: about a megabyte."""
_MOST_TICKS = 400

Timeline = dict[str, Any]


def grid(sweep: SweepLike, timelines: Sequence[Timeline]) -> dict[str, Any]:
    """Return the grid as plain JSON types.

    Args:
        sweep: The sweep.
        timelines: The timeline of each point, see :func:`timelines_of`.
    """
    swept = settings(sweep)
    paths = [one.path for one in swept]
    first = sweep.studies[0]
    thresholds = {name: Threshold.parse(text) for name, text in sweep.scenarios[0].thresholds.items()}
    names = [name for name in dict.fromkeys([*thresholds, *METRICS]) if name in first.metrics]
    return {
        "settings": [{"path": one.path, "values": one.values, "numbers": one.numbers} for one in swept],
        "metrics": [
            {
                "name": name,
                "label": label_of(name, "ratio"),
                "unit": first.metrics[name].unit,
                "definition": first.metrics[name].definition,
                "threshold": {"text": thresholds[name].text, "value": thresholds[name].value}
                if name in thresholds
                else None,
            }
            for name in names
        ],
        "cost": COST if COST in names else None,
        "phases": PHASES,
        "verdicts": {mark: mark.word for mark in Mark},
        "marks": MARKS,
        "names": {phase: text for phase, (_, _, text) in PHASE_LOOKS.items()}
        | {mark: text for mark, (_, text) in MARK_LOOKS.items()},
        "colours": {label: COLOURS[colour] for label, colour in strike_colours().items()},
        "points": [
            {
                "at": [one.values.index(written(point[one.path])) if one.path in point else 0 for one in swept],
                "follows": [[path, written(value)] for path, value in point.items() if path not in paths],
                "numbers": [_number(study, name) for name in names],
                "stands": _stands(standing),
                "timeline": timeline,
            }
            for point, study, standing, timeline in zip(
                sweep.points, sweep.studies, standings(sweep), timelines, strict=True
            )
        ],
    }


def _stands(standing: Standing | None) -> tuple[str, str]:
    """Return how a point stands against the scenario as it is, in words, and the mark of what is none to choose."""
    if standing is None:
        return "", ""
    if standing is Standing.UNCERTAIN:
        return "not certain whether it is worse than the scenario as it is", Mark.OPEN
    return f"{standing.value} than the scenario as it is", Mark.FAIL if standing is Standing.WORSE else ""


def _number(study: Study, name: str) -> list[Any]:
    """Return value, low and high as numbers, value and interval as text, and the threshold's mark."""
    estimate = study.estimate(name)
    interval = estimate.interval
    shown = show(interval, estimate.unit)
    return [interval.estimate, interval.low, interval.high, shown.value, shown.interval, study.mark(name) or ""]


def timelines_of(sweep: SweepLike, jobs: int = 1) -> list[Timeline]:
    """Simulate replication 0 of each point once more, in detail, and return the timelines.

    Args:
        sweep: The sweep.
        jobs: Worker processes.
    """
    tasks = [(scenario, study.seed) for scenario, study in zip(sweep.scenarios, sweep.studies, strict=True)]
    return run_ordered(tasks, partial(_simulated, points=len(tasks)), jobs=jobs)


def _simulated(task: tuple[Scenario, int], points: int) -> Timeline:
    from simsticky.simulate import simulate

    scenario, seed = task
    # The floor of the load skew is a second run that no timeline shows.
    detailed = scenario.evolve({"run.record": "requests", "run.skewFloor": False})
    return timeline_of(simulate(detailed, seed=seed), points)


def timeline_of(run: Frames, points: int = 1) -> Timeline:
    """Return the timeline of one replication as plain JSON types.

    Args:
        run: The replication, requests recorded.
        points: Number of timelines on the page.
    """
    start_s, end_s = window(run)
    zero_s, since = since_operation(run)
    shown = lanes([life for life in pod_lives(run) if life.phases and life.phases[-1][2] > start_s])
    samples = max(12, min(_SAMPLES, _NUMBERS_IN_ALL // max(1, points * len(shown))))
    times = np.linspace(start_s, end_s, samples)

    def since_zero(at_s: float) -> float:
        return round(float(at_s) - zero_s, 1)

    return {
        "from": since_zero(start_s),
        "to": since_zero(end_s),
        "since": since,
        "top": max((round(float(lane.at(times).max()), 1) for lane in shown), default=0),
        "all": sum(len(lane.lives) for lane in shown),
        "deleted": sum(life.deleted_by > 0 for lane in shown for life in lane.lives),
        "moments": [[label, since_zero(at_s)] for label, at_s in moments(run)],
        "pods": [_lane(lane, times, since_zero, (start_s, end_s)) for lane in shown],
        "breaks": [
            [label, len(found), list(dict.fromkeys(map(since_zero, found[:: -(-len(found) // _MOST_TICKS)])))]
            for label, found in strikes(run)
        ],
    }


def _lane(
    lane: Lane,
    times: np.typing.NDArray[np.float64],
    since_zero: Callable[[float], float],
    span: tuple[float, float],
) -> dict[str, Any]:
    """Return a lane: of a pod its phases and marks, of a group those of each pod, and when the first and last met each.

    ``sessions`` are those of the pod, or per pod of the group; ``parts`` are the same apart by phase.
    """
    start_s, end_s = span
    rows = [_phases(life, since_zero, span) for life in lane.lives]
    if not lane.is_group:
        (life,), (phases,) = lane.lives, rows
        marks = [[MARKS.index(mark), since_zero(at_s)] for mark, at_s in life.marks if start_s <= at_s <= end_s]
        return {"pod": life.short, "phases": phases, "marks": marks, "sessions": life.at(times).astype(int).tolist()}
    parts = lane.by_phase(times).items()
    return {
        "pod": lane.label,
        "rows": rows,
        "parts": [[PHASES.index(phase), np.round(sessions, 1).tolist()] for phase, sessions in parts],
        "marks": [],
        "spans": [[MARKS.index(mark), *map(since_zero, ends)] for mark, ends in marks_of(lane).items()],
        "sessions": np.round(lane.at(times), 1).tolist(),
    }


def _phases(life: PodLife, since_zero: Callable[[float], float], span: tuple[float, float]) -> list[list[float]]:
    start_s, end_s = span
    return [
        [PHASES.index(phase), since_zero(max(low, start_s)), since_zero(min(high, end_s))]
        for phase, low, high in life.phases
        if high > start_s and low < end_s
    ]
