"""``--evidence``: a quick simulation of a finding, as it is and with its fix, on the same luck.

Its size is decided by the estimate of the effort, never by a clock: the same input gives the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simsticky.errors import InputError
from simsticky.lint.apps import App
from simsticky.lint.engine import Finding, Lint
from simsticky.lint.figures import percent, told
from simsticky.scenario.model import Scenario
from simsticky.units import rough_duration

_BUDGET_S = 4.0
"""Estimated processor time for one finding, both sides together."""
_FEWEST, _MOST = 3, 20
"""Replications of each side."""
_METRICS = ("broken_sessions", "failed_requests")
_AT_S = 300.0
"""When a rollout begins, where nobody states a timeline."""

Counts = Mapping[str, tuple[float, float]]
"""Above and below the line of each metric, summed over replications."""


def with_evidence(found: Lint) -> Lint:
    """Return the findings, each whose fix is a change of settings with what a simulation of it says."""
    known: dict[str, Counts] = {}
    return replace(found, findings=[_told_of(finding, known) for finding in found.findings])


def _told_of(finding: Finding, known: dict[str, Counts]) -> Finding:
    app, found = finding.app, finding.found
    if app is None or found is None or not found.settings or not app.has_pods:
        return finding
    try:
        said = _simulated(app, found.settings, known)
    except InputError as error:
        said = f"not simulated: {error.diagnostics[0].message}"
    evidence = "; ".join(part for part in (finding.annotation.evidence, said) if part)
    return replace(finding, annotation=replace(finding.annotation, evidence=evidence))


def _simulated(app: App, settings: Mapping[str, Any], known: dict[str, Counts]) -> str:
    from simsticky.workload.effort import effort_of

    today = _runnable(app.scenario)
    fixed = today.evolve(settings)
    seconds = effort_of(today).seconds + effort_of(fixed).seconds
    n = min(_MOST, int(_BUDGET_S / seconds))
    if n < _FEWEST:
        return f"a simulation takes about {rough_duration(seconds)} for each replication: not run"
    before, after = _counts(today, n, known), _counts(fixed, n, known)
    parts = [f"{name} {_share(before[name])}, with the fix {_share(after[name])}" for name in _METRICS]
    guess = "" if app.is_stated else f", with guessed traffic and a rollout at {told(_AT_S)}"
    return f"simulated ({n} replications{guess}): {'; '.join(parts)}"


def _runnable(scenario: Scenario) -> Scenario:
    """Return a scenario that runs quickly: no skew floor, and a rollout where it has no timeline."""
    changes: dict[str, Any] = {"run.skewFloor": False, "run.record": "summary"}
    if not scenario.timeline:
        changes["timeline"] = [{"at": _AT_S, "rollout": scenario.deployment.name}]
    return scenario.evolve(changes)


def _counts(scenario: Scenario, n: int, known: dict[str, Counts]) -> Counts:
    from simsticky.results.metrics import METRICS
    from simsticky.simulate import simulate

    key = f"{scenario.digest()} {n}"
    if key not in known:
        summaries = [simulate(scenario, replication=replication).summary for replication in range(n)]
        ends = {name: (METRICS[name].numerator, METRICS[name].denominator) for name in _METRICS}
        known[key] = {
            name: (
                sum(one.get(above or "") or 0 for one in summaries),
                sum(one.get(below or "") or 0 for one in summaries),
            )
            for name, (above, below) in ends.items()
        }
    return known[key]


def _share(counts: tuple[float, float]) -> str:
    above, below = counts
    return f"{percent(above / below)} ({above:.0f} of {below:.0f})" if below else "nothing measured"
