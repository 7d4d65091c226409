"""The steps of an Argo canary (rule K17), against Argo Rollouts' own cases (utils/replicaset/canary_test.go)."""

import pytest

from simsticky.kubernetes.canary import Step, counts, current_weight
from simsticky.kubernetes.deployment import sync
from simsticky.kubernetes.deployment_spec import CanaryCounts, DeploymentSpec, ReplicaSetState, Strategy


@pytest.mark.parametrize(
    ("replicas", "weight", "surge", "new", "old"),
    [
        (10, 10, 1, 1, 9),
        (10, 30, 3, 3, 7),
        (10, 0, 1, 0, 10),
        (10, 100, 1, 10, 0),
        (0, 50, 1, 0, 0),
        (1, 5, 1, 1, 1),
        (1, 95, 1, 1, 1),
        # One more than wanted comes nearer to the weight: 1 of 4 rather than 1 of 3.
        (3, 20, 1, 1, 3),
        (3, 20, 0, 1, 2),
        # Neither version is left without a pod.
        (10, 5, 1, 1, 10),
        (3, 99, 0, 2, 1),
        (4, 50, 0, 2, 2),
    ],
)
def test_a_weight_is_the_nearest_share_of_pods(replicas, weight, surge, new, old):
    """The counts come as near to the weight as they can, with one pod more where surge is allowed."""
    strategy = Strategy(max_surge=surge, max_unavailable=1)
    assert counts(DeploymentSpec(replicas=replicas, strategy=strategy), weight) == CanaryCounts(new, old)


@pytest.mark.parametrize(("at", "weight"), [(0, 0), (1, 20), (2, 20), (3, 60), (4, 100)])
def test_the_weight_in_force_is_the_last_one_given(at, weight):
    """0 before the first weight, 100 once all steps are behind."""
    steps = [Step(pause_s=5), Step(weight=20), Step(pause_s=5), Step(weight=60)]
    assert current_weight(steps, at) == weight


def test_a_step_holds_the_rolling_update():
    """New pods up to the step's count, old pods down to its, and then nothing more."""
    old = ReplicaSetState("old", 1, 0, 3, 3, 3, 3, 3, 4)
    spec = DeploymentSpec(replicas=3, revision=2, canary=CanaryCounts(1, 2))
    created = sync(spec, [old]).create
    assert created is not None
    assert created.replicas == 1
    new = ReplicaSetState("new", 2, 1, 1, 1, 1, 1, 3, 4)
    shrunk = sync(spec, [old, new])
    assert shrunk.scale == {"old": 2}
    smaller = ReplicaSetState("old", 1, 0, 2, 2, 2, 2, 3, 4)
    assert not sync(spec, [smaller, new]).writes
    on_its_way = DeploymentSpec(replicas=3, revision=2)
    assert sync(on_its_way, [smaller, new]).scale == {"new": 2}
