"""What must not be missed before any number is read, beside the sentence about the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.report.numbers import grouped, show
from simsticky.report.outcome import Kind
from simsticky.results.absence import swallowed
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.report.outcome import Outcome
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Study

_MUCH_MORE = 0.05
"""Difference of ``broken_any_cause`` and ``broken_of_alive`` from which the first lines tell of it."""


def alerts(study: Study, found: Outcome | None) -> list[str]:
    """Return whole sentences, each a line of its own; none where the sentence about the study says it all.

    Args:
        study: The study.
        found: What it comes to.
    """
    if found is None or found.kind in (Kind.NOT_STICKY, Kind.STATE_OUTSIDE):
        return []
    lines = [_swallowed(study.scenario)] if _swallowed(study.scenario) else []
    moved, alive = _total(study, "broken_alive_sessions"), _total(study, "alive_sessions")
    if study.scenario.upstream.algorithm == "consistent-hashing" and alive and found.kind is not Kind.MOVED:
        lines.append(f"{grouped(moved)} of {grouped(alive)} alive were moved; broken_of_alive is the share to compare.")
    return lines if found.kind in (Kind.BACKGROUND, Kind.NO_TIMELINE) else lines + _guard(study)


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
    if name not in study.replications.keys:
        return 0
    return sum(int(value) for value in study.replications.column(name) if value is not None)
