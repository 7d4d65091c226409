"""The consistent-hashing ring against the most targets that a scenario may list at once."""

import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import loads
from simsticky.scenario.ring_capacity import over_capacity

# Kong with 1000 points: 5 equal targets fit and 6 do not; 4+1 and 3+2 (active+draining) fit, 5+1, 4+2 and 3+3 do not.
RING = {"algorithm": "consistent-hashing", "slots": 100, "hashOn": {"input": "ip"}}


def fits(replicas, *timeline, drain=False, slots=100, **deployment):
    scenario = Scenario.model_validate(
        {
            "upstream": {**RING, "slots": slots},
            "deployment": {"replicas": replicas, "maxSurge": 1, "maxUnavailable": 0, **deployment},
            "kic": {"enableDrainSupport": drain},
            "timeline": list(timeline),
        }
    )
    return over_capacity(scenario) is None


def scale(replicas, at=60):
    return {"at": at, "scale": "app", "replicas": replicas}


ROLLOUT = {"at": 60, "rollout": "app"}


def test_the_capacity_of_equal_targets_is_kongs():
    """1000 points hold 5 targets, 10000 points hold 61, and not one more."""
    assert fits(5)
    assert not fits(6)
    assert fits(61, slots=10_000)
    assert not fits(62, slots=10_000)


def test_a_scale_up_counts_and_its_order_too():
    """The largest number of pods on the timeline decides, whatever order the entries are written in."""
    assert fits(3, scale(5))
    assert not fits(3, scale(6))
    assert not fits(3, scale(2, at=120), scale(6, at=60))


def test_draining_pods_take_room_only_with_drain_support():
    """3 and 2 draining fit, 4 and 2 draining do not; without drain support terminating pods are no targets."""
    assert fits(5, scale(3), drain=True)
    assert not fits(5, scale(2), {"at": 70, "deletePod": "app", "count": 2}, scale(4, at=80), ROLLOUT, drain=True)
    assert fits(4, {"at": 60, "deletePod": "app", "count": 1}, drain=True)
    assert not fits(4, {"at": 60, "deletePod": "app", "count": 2}, drain=True)
    assert fits(4, {"at": 60, "deletePod": "app", "count": 2}, drain=False)


def test_a_rollout_may_double_the_targets():
    """With drain support all old pods may still drain when all new ones are up; without it only the surge counts."""
    assert fits(4, ROLLOUT)
    assert not fits(5, ROLLOUT)
    assert fits(2, ROLLOUT, drain=True)
    assert not fits(3, ROLLOUT, drain=True)


def test_a_rollout_that_does_not_overlap_takes_no_further_room():
    """Recreate ends the old pods first, and a paused Deployment does not roll out at all."""
    assert fits(5, ROLLOUT, drain=True, paused=True)
    recreate = {"replicas": 5, "strategy": {"type": "Recreate"}}
    sections = {"upstream": RING, "deployment": recreate, "kic": {"enableDrainSupport": True}, "timeline": [ROLLOUT]}
    assert over_capacity(Scenario.model_validate(sections)) is None


def test_a_node_that_is_drained_leaves_its_pods_draining():
    """Its share of the pods drains while as many new ones are up elsewhere."""
    drained = {"at": 60, "drainNode": "node-1"}
    assert fits(3, drained, drain=True)
    assert not fits(4, drained, drain=True)
    assert fits(4, drained, drain=False)


def test_traffic_that_is_moved_takes_the_room_of_those_it_goes_to():
    """A companion takes room once the route leads to it; a canary's backends take room together."""
    green = [{"name": "green", "replicas": 4}]
    switch = {"at": 60, "switchService": "app", "to": "green"}
    canary = {"at": 60, "canary": "app", "weights": {"app": 90, "green": 10}}
    sections = {"upstream": RING, "deployment": {"replicas": 2}, "companions": green}
    assert over_capacity(Scenario.model_validate({**sections, "timeline": [switch]})) is None
    assert over_capacity(Scenario.model_validate({**sections, "timeline": [canary]})) is not None


def test_an_autoscalers_bounds_count():
    """It may be at its maximum, and with drain support at its minimum while all others drain."""
    sections = {"upstream": RING, "deployment": {"replicas": 2}, "autoscaler": {"minReplicas": 2, "maxReplicas": 6}}
    assert over_capacity(Scenario.model_validate(sections)) is not None
    sections["autoscaler"]["maxReplicas"] = 5
    assert over_capacity(Scenario.model_validate(sections)) is None


def test_other_algorithms_have_no_ring():
    """Slots mean nothing to them."""
    assert over_capacity(Scenario.model_validate({"deployment": {"replicas": 500}})) is None


def test_the_refusal_names_the_slots():
    """It stands at upstream.slots if that is stated, else at the upstream, in the words of Kong's own limit."""
    text = """schema: simsticky/1
deployment: {replicas: 6}
upstream:
  algorithm: consistent-hashing
  slots: 100
  hashOn: {input: ip}
"""
    message = "the consistent-hashing ring of 1000 points has no room for 6 targets; Kong would answer 503"
    with pytest.raises(InputError) as caught:
        loads(text, "s.yaml")
    assert str(caught.value).startswith(f"s.yaml:5:10: upstream.slots: {message} (each target takes about 160 points")
    with pytest.raises(InputError, match=r"s\.yaml:4:3: upstream: .*has no room for 62 targets"):
        loads(text.replace("  slots: 100\n", "").replace("replicas: 6", "replicas: 62"), "s.yaml")
