"""What nobody has said and the answer hangs on, and what the headline would be otherwise.

Where that is cheap it is simulated, on the same sessions and the same luck as the study's own first replications.
Whether it is cheap follows from the estimate of its effort and never from a clock, so that the same input gives the
same report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from simsticky.errors import InputError
from simsticky.scenario.entries import timeline_entries
from simsticky.study.precision import HEADLINE
from simsticky.study.recommend.session_length import mean_session_s, stretched
from simsticky.study.replicate import Study, replicate
from simsticky.study.store import Replications
from simsticky.units import format_duration
from simsticky.workload.effort import effort_of

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.estimate import Estimate

DRAIN: Final = "kic.enableDrainSupport"
STATE: Final = "app.state"
MOST_CPU_S: Final = 5.0
"""What all of the runs together may take of one processor, by estimate."""

_N: Final = 3
"""Replications: with fewer no interval says anything, and more than an outlook it is not."""
_RUN_S: Final = 0.05
"""What a run takes besides its traffic."""
_FACTOR: Final = 2.0
_BY_TIME: Final = ("session", "sessionDuration")
_BY_REQUESTS: Final = ("requests", "think")


@dataclass(frozen=True, slots=True)
class Assumed:
    """Something that nobody has said, and that the answer hangs on.

    Attributes:
        path: Its dotted path.
        said: What is assumed, in words.
        is_guess: Whether the scenario's file marks it as a guess; else nothing that was read says it.
        if_other: What it might be instead: half a sentence.
        changes: The changes that make it so, by dotted path.
    """

    path: str
    said: str
    is_guess: bool
    if_other: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Otherwise:
    """An assumption, and the headline if it is wrong.

    Attributes:
        assumed: The assumption.
        before: The headline of the same replications as it is; None where nothing was run.
        after: The headline otherwise; None where nothing was run.
    """

    assumed: Assumed
    before: Estimate | None = None
    after: Estimate | None = None


def assumptions(scenario: Scenario) -> list[Assumed]:
    """Return what is assumed of drain support, the length of sessions and where their state is, as far as it decides.

    State outside the pods cannot be lost; then nothing hangs on anything. Nor without an operation.
    """
    if scenario.app.state == "external" or not timeline_entries(scenario):
        return []
    found = []
    if not is_drain_stated(scenario) or DRAIN in scenario.guessed:
        on = scenario.kic.enable_drain_support
        said, other = (f"drain support {'on' if one else 'off'}" for one in (on, not on))
        found.append(Assumed(DRAIN, said, DRAIN in scenario.guessed, f"if {other.split()[-1]}", {DRAIN: not on}))
    mean_s = mean_session_s(scenario)
    names = _BY_TIME if scenario.traffic.session_duration is not None else _BY_REQUESTS
    guessed = any(f"{path}.".startswith(f"traffic.{name}.") for path in scenario.guessed for name in names)
    unsaid = all(scenario.came_from(f"traffic.{name}") == "default" for name in names)
    if mean_s and (guessed or unsaid):
        length = format_duration(round(mean_s))
        changes = stretched(scenario, _FACTOR)
        found.append(Assumed("traffic.session", f"sessions of {length}", guessed, "if twice as long", changes))
    state_is_said = scenario.came_from(STATE) != "default"
    if STATE in scenario.guessed or not state_is_said:
        outside = {STATE: "external"}
        found.append(Assumed(STATE, "state in the pods", STATE in scenario.guessed, "if outside them", outside))
    return [one for one in found if _can_be(scenario, one.changes)]


def _can_be(scenario: Scenario, changes: Mapping[str, Any]) -> bool:
    """Whether the scenario could be otherwise: what cannot be is no question, and its command would be refused."""
    try:
        scenario.evolve(changes)
    except InputError:
        return False
    return True


def is_drain_stated(scenario: Scenario) -> bool:
    """Return whether the scenario or a manifest says if drain support is on (rule Q13)."""
    return "enable_drain_support" in scenario.kic.model_fields_set or "kic" in scenario.manifest_report.objects


def is_of_the_model(study: Study) -> bool:
    """Return whether a study has the model's own numbers, and not only somebody else's."""
    return "sticky_bound_sessions" in study.replications.keys


def otherwise(study: Study) -> list[Otherwise]:
    """Return each assumption of a study with the headline if it is wrong, simulated where all of it is cheap.

    State outside the pods needs no run: then none can lose it (rule B15).
    """
    if not is_of_the_model(study) or study.estimate(HEADLINE).interval.estimate is None:
        return []
    found = assumptions(study.scenario)
    others = {one.path: _lean(study.scenario, one.changes) for one in found if one.path != STATE}
    n = min(_N, study.n)
    seconds = n * sum(effort_of(other).seconds + _RUN_S for other in others.values())
    if n < _N or seconds > MOST_CPU_S or study.scenario.traffic.trace is not None:
        return [Otherwise(one) for one in found]
    before = _headline(Study(study.scenario, study.seed, Replications(study.replications[:n]), study.metrics))
    answers = {path: _headline(replicate(other, n, study.seed)) for path, other in others.items()}
    return [Otherwise(one, before, answers[one.path]) if one.path in answers else Otherwise(one) for one in found]


def _lean(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    return scenario.evolve({**changes, "run.skewFloor": False, "thresholds": {}})


def _headline(study: Study) -> Estimate:
    return study.estimate(HEADLINE)
