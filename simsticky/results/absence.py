"""Why there is no share of broken sessions where there is none, and what to say instead (docs/model.md, rule B15)."""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from simsticky.scenario.entries import timeline_entries
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.results.metrics import Value
    from simsticky.scenario.model import Scenario

Totals = Mapping[str, "Value"]
"""The summary of a replication, or the sums of its counts over the replications of a study."""


class Absence(Enum):
    """Why nobody can tell which share of the exposed sessions broke; NONE where it can be told."""

    NONE = "none"
    NOT_STICKY = "not sticky"
    STATE_OUTSIDE = "state outside the pods"
    NOTHING_MEASURED = "nothing measured"


def absence(totals: Totals, scenario: "Scenario") -> Absence:
    """Say why a run, or a study of runs, has no share of broken sessions.

    Args:
        totals: Its counts.
        scenario: What was simulated.
    """
    if scenario.app.state == "external":
        return Absence.STATE_OUTSIDE
    if totals.get("exposed_sessions"):
        return Absence.NONE
    if totals.get("requests_answered") and not totals.get("sticky_bound_sessions"):
        return Absence.NOT_STICKY
    return Absence.NOTHING_MEASURED


def why_nothing(totals: Totals, scenario: "Scenario") -> str:
    """Return, for people, why nothing was measured: half a sentence."""
    run = scenario.run
    if not totals.get("requests_sent"):
        if scenario.deployment.replicas == 0 and not totals.get("requests_failed"):
            return "no request was sent after run.settle, and there are no pods (deployment.replicas: 0)"
        return f"no request was sent after run.settle ({format_duration(run.settle)})"
    if not totals.get("requests_answered"):
        return "no request was answered after run.settle"
    if not scenario.timeline:
        if scenario.autoscaler is None:
            return "there is no operation on the timeline"
        return "there is no operation on the timeline, and the autoscaler exposed nobody"
    end_s = run.horizon if isinstance(run.until, str) else run.until
    if all(entry.at_s >= end_s for entry in scenario.timeline):
        return f"the run ends at {format_duration(end_s)}, before any operation of the timeline begins"
    labels = [label for _, label in timeline_entries(scenario)]
    return f"no session was exposed to {_listed(labels)}"


def swallowed(scenario: "Scenario") -> list[str]:
    """Return the labels of the entries of the timeline that begin before ``run.settle`` is over.

    What they do to sessions counts all the same; the requests that fail by then do not.
    """
    labels = timeline_entries(scenario)
    return [
        label for entry, (_, label) in zip(scenario.timeline, labels, strict=False) if entry.at_s < scenario.run.settle
    ]


def _listed(labels: list[str]) -> str:
    if len(labels) == 1:
        return labels[0]
    return f"any of {len(labels)} operations, the first of them {labels[0]}"
