"""A scenario small enough to run in a fraction of a second, without any random delay of the control plane."""

from typing import Any

from simsticky.scenario.model import Scenario


def small(timeline: list[dict[str, Any]] | None = None, **changes: Any) -> Scenario:
    """Return three sticky pods under light traffic; dots in the names of changes are written as two underscores."""
    scenario = Scenario.model_validate(
        {
            "name": "small",
            "run": {"settle": "10s", "record": "requests", "seed": 3, "horizon": "20m"},
            "traffic": {
                "sessions": {"kind": "poisson", "rate": "2/s"},
                "requests": {"kind": "geometric", "mean": 10},
                "think": {"kind": "exponential", "mean": "3s"},
                "service": {"kind": "exponential", "mean": "50ms"},
            },
            "app": {"startup": "5s"},
            "deployment": {
                "replicas": 3,
                "preStop": "10s",
                "terminationGracePeriodSeconds": 30,
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "readinessProbe": {"periodSeconds": 1},
            },
            "upstream": {
                "algorithm": "sticky-sessions",
                "hashOn": {"input": "none"},
                "stickySessions": {"cookie": "session_id"},
            },
            "kic": {"enableDrainSupport": True, "proxySyncSeconds": 3, "delays": "0s"},
            "kubernetes": {"delays": "0s"},
            "timeline": [{"at": "30s", "rollout": "app"}] if timeline is None else timeline,
        }
    )
    return scenario.evolve({key.replace("__", "."): value for key, value in changes.items()})
