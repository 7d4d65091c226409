"""What must be true of every run, whatever the scenario: checked on a recording, for ``--verify`` and the tests.

Nothing here is used by the model, and nothing of the model is used here: the checks see only what was recorded.
Below the record level ``requests`` only those run whose rows were kept. The checks are in a module for each of what
they are about: pods and their controllers, requests, sessions, long-lived connections, and counts.
"""

from simsticky.audit import cluster, connections, counts, requests, sessions, tables
from simsticky.audit.evidence import Evidence
from simsticky.recording.record import Recording
from simsticky.scenario.model import Scenario

__all__ = ["verify"]

_ALWAYS = (cluster.clock, *cluster.CHECKS, *tables.CHECKS, counts.operations_add_up)
_WITH_REQUESTS = (*requests.CHECKS, *sessions.CHECKS, *counts.CHECKS, *connections.CHECKS)


def verify(recording: Recording, scenario: Scenario) -> None:
    """Check a recording against every invariant.

    Args:
        recording: What one replication left behind.
        scenario: What was simulated.

    Raises:
        InvariantError: The first violated invariant, with its particulars.
    """
    evidence = Evidence(recording, scenario)
    for check in _ALWAYS:
        check(evidence)
    if recording.level == "requests":
        for check in _WITH_REQUESTS:
            check(evidence)
