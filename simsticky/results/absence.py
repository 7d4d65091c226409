"""Why there is no share of broken sessions, where there is none (docs/model.md, rule B14)."""

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simsticky.results.metrics import Value
    from simsticky.scenario.model import Scenario


class Absence(Enum):
    """Why sessions that broke by an operation cannot be told; NONE where they can."""

    NONE = "none"
    NOT_STICKY = "not sticky"
    STATE_OUTSIDE = "state outside the pods"
    NOTHING_MEASURED = "nothing measured"


def absence(totals: Mapping[str, "Value"], scenario: "Scenario") -> Absence:
    """Say why a run, or a study of runs, has no share of broken sessions.

    Args:
        totals: Summary of a replication, or the sums of its counts over the replications of a study.
        scenario: What was simulated.
    """
    if scenario.app.state == "external":
        return Absence.STATE_OUTSIDE
    if totals.get("exposed_sessions"):
        return Absence.NONE
    if not totals.get("sticky_bound_sessions") and totals.get("requests_sent"):
        return Absence.NOT_STICKY
    return Absence.NOTHING_MEASURED
