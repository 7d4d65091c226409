"""What a replication will take, told before it starts."""

from simsticky.scenario.model import Scenario
from simsticky.workload.effort import effort_of


def _seconds(replicas, nodes, timeline):
    scenario = Scenario.model_validate(
        {
            "deployment": {"name": "shop", "replicas": replicas},
            "gateway": {"nodes": nodes},
            "traffic": {"sessions": {"kind": "poisson", "rate": "0.1/s"}},
            "timeline": timeline,
        }
    )
    return effort_of(scenario).seconds


def test_a_rollout_of_many_pods_takes_long():
    """Each change looks at all pods and each push goes to all nodes: twice the pods take more than twice the time."""
    rollout = [{"at": "1m", "rollout": "shop"}]
    assert _seconds(10, 1, rollout) < 0.2
    assert _seconds(600, 1, rollout) > 3 * _seconds(300, 1, rollout)
    assert _seconds(5000, 4000, rollout) > 1000 > 100 > _seconds(5000, 4000, [])
