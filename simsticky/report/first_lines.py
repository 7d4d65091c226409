"""The first lines of a report: what must not be missed before any number is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.report.numbers import grouped, show
from simsticky.results.absence import Absence, absence, swallowed, why_nothing
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Study

_MUCH_MORE = 0.05
"""Difference of ``broken_any_cause`` and ``broken_of_alive`` from which the first lines tell of it."""

_COUNTS = (
    "exposed_sessions",
    "alive_sessions",
    "broken_alive_sessions",
    "sticky_bound_sessions",
    "requests_sent",
    "requests_answered",
    "requests_failed",
)


def first_lines(study: Study) -> list[str]:
    """Return whole sentences, each a line of its own; none where the table says it all."""
    if "sticky_bound_sessions" not in study.replications.keys:
        return []  # a study of other numbers than the model's
    totals = {name: _total(study, name) for name in _COUNTS}
    missing = absence(totals, study.scenario)
    if missing is Absence.NOT_STICKY:
        anyway = show(study.estimate("broken_any_cause").interval, "share").value
        return [
            "No session was bound to a pod, so this gateway is not sticky: "
            f"{anyway} of the sessions alive break anyway."
        ]
    if missing is Absence.STATE_OUTSIDE:
        return ["The sessions keep their state outside the pods: none can lose it."]
    if missing is Absence.NOTHING_MEASURED:
        return [f"Nothing was measured: {why_nothing(totals, study.scenario)}.", *_guard(study)]
    lines = [_swallowed(study.scenario)] if _swallowed(study.scenario) else []
    if study.scenario.upstream.algorithm == "consistent-hashing":
        moved, alive = totals["broken_alive_sessions"], totals["alive_sessions"]
        lines.append(f"{grouped(moved)} of {grouped(alive)} alive were moved; broken_of_alive is the share to compare.")
    return lines + _guard(study)


def _swallowed(scenario: Scenario) -> str:
    """Say it where run.settle is over only after the last operation has begun."""
    hidden = swallowed(scenario)
    if not hidden or len(hidden) < len(scenario.timeline):
        return ""
    begin = "begins" if len(hidden) == 1 else f"and {len(hidden) - 1} more begin"
    settle = format_duration(scenario.run.settle)
    return (
        f"Of failed requests and background breaks nothing was measured while it counts: {hidden[0]} {begin} before"
        f" run.settle ({settle}) is over."
    )


def _guard(study: Study) -> list[str]:
    """Say it where far more sessions are broken than the operations have broken."""
    anyway, owed = study.estimate("broken_any_cause").interval, study.estimate("broken_of_alive").interval
    if anyway.estimate is None or anyway.estimate - (owed.estimate or 0.0) < _MUCH_MORE:
        return []
    share = show(anyway, "share").value
    alive = "alive at the start" if study.scenario.timeline else "begun after run.settle"
    return [f"For whatever cause, {share} of the sessions {alive} lost their state or got nothing but failures."]


def _total(study: Study, name: str) -> int:
    return sum(int(value) for value in study.replications.column(name) if value is not None)
