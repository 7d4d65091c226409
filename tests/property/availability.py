"""Whether a rollout at constant replicas leaves enough pods, seen from what was recorded."""

from collections.abc import Mapping
from typing import Any

from simsticky.kubernetes.deployment_spec import DeploymentSpec, Strategy, max_unavailable
from simsticky.results.result import Result


def assert_enough_available(scenario: Mapping[str, Any], result: Result) -> None:
    """Check available >= replicas - maxUnavailable whenever a pod is deleted; no pod may have failed by itself."""
    deployment, pods = scenario["deployment"], result.pods
    assert "unready" not in set(result.events["kind"])
    spec = DeploymentSpec(
        replicas=deployment["replicas"],
        strategy=Strategy("RollingUpdate", deployment["maxSurge"], deployment["maxUnavailable"]),
    )
    for at_s in pods["deleted_s"].dropna():
        ready = pods["ready_s"] + deployment["minReadySeconds"] <= at_s
        available = int((ready & ~(pods["deleted_s"] <= at_s)).sum())
        assert available >= deployment["replicas"] - max_unavailable(spec)
