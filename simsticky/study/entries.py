"""What a study says of each entry of its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from simsticky.scenario.entries import entry_keys, timeline_entries
from simsticky.study.estimate import Estimate, estimate_metric

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.study.store import Replications

SHARES = ("broken_sessions", "broken_of_alive")
"""The metrics that are counted by entry, too."""
BROKEN = "broken_exposed_sessions"


class Kept(Protocol):
    """What is read of a study (:class:`simsticky.study.replicate.Study`)."""

    @property
    def scenario(self) -> Scenario:
        """The scenario."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics it can speak of, by name."""

    @property
    def replications(self) -> Replications:
        """What was kept of each replication."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the timeline.

    Attributes:
        key: "1", "2" and so on in the order of the file, or "hpa" for all scales of the autoscaler.
        label: For people: "rollout web at 10m".
        estimates: The shares of :data:`SHARES`, of its operations alone.
    """

    key: str
    label: str
    estimates: tuple[Estimate, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Return the entry with the names of the JSON output."""
        return {
            "entry": self.key,
            "label": self.label,
            "estimates": {estimate.name: estimate.to_json_dict() for estimate in self.estimates},
        }


def by_entry(study: Kept) -> list[Entry]:
    """Return what a study says of each entry, in the order of the file; nothing where it kept no such counts."""
    found = []
    for key, label in timeline_entries(study.scenario):
        of_entry = f"entries.{key}."
        metrics = [study.metrics[name] for name in SHARES if name in study.metrics]
        if not metrics or f"{of_entry}{metrics[0].numerator}" not in study.replications.keys:
            continue
        estimates = [
            estimate_metric(
                replace(
                    metric, numerator=f"{of_entry}{metric.numerator}", denominator=f"{of_entry}{metric.denominator}"
                ),
                study.replications.column,
            )
            for metric in metrics
        ]
        found.append(Entry(key, label, tuple(estimates)))
    return found


def broken_by_operation(study: Kept) -> Estimate | None:
    """Return how many sessions the only operation of the timeline broke, without what the autoscaler's scales did.

    None where the timeline holds several, or none, or where the study kept no counts of entries.
    """
    keys = entry_keys(study.scenario)
    name = f"entries.{keys[0]}.{BROKEN}" if len(keys) == 1 else ""
    if BROKEN not in study.metrics or name not in study.replications.keys:
        return None
    return estimate_metric(replace(study.metrics[BROKEN], name=name), study.replications.column)
