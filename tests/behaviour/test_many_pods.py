"""Rollouts of more pods than a meter first has room for."""

from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate


def test_a_rollout_of_forty_pods_is_measured():
    """80 containers are told apart by the load meter, though it begins with room for 64 (rule L1)."""
    scenario = Scenario.model_validate(
        {
            "run": {"until": "drained", "horizon": "30m", "skewFloor": False},
            "traffic": {
                "sessions": {"kind": "poisson", "rate": "0.5/s"},
                "requests": {"kind": "geometric", "mean": 15},
                "think": {"kind": "exponential", "mean": "6s"},
            },
            "deployment": {"name": "web", "replicas": 40, "grace": "60s", "preStop": "20s"},
            "timeline": [{"at": "3m", "rollout": "web"}],
        }
    )
    result = simulate(scenario, seed=1)
    assert len(result.recording.containers) == 80
    assert result.recording.skew["requests", "serving"].peak > 1
