"""When an answer is so late that a probe may notice, so that whoever sends a request tells those who probe."""

from simsticky.scenario.model import Scenario
from simsticky.scenario.upstream_settings import checks

INFINITY = float("inf")


def patience_s(scenario: Scenario) -> float:
    """Return the shortest timeout of a probe that meets traffic, in seconds; infinite where nothing probes.

    A probe fails for the queue only if no slot will be free within its timeout. The request that took the last such
    slot was then itself answered later than that after its sending (rule P4). So answers within this time need no
    look at the queue.
    """
    deployment, active = scenario.deployment, checks(scenario).active
    probes = (deployment.readiness_probe, deployment.liveness_probe)
    timeouts_s = [float(probe.timeout_seconds) for probe in probes if probe is not None]
    if active.probes:
        timeouts_s.append(active.timeout_s)
    return min(timeouts_s, default=INFINITY)
