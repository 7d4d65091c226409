"""Many pods are a few lanes: each pod in one of them, the old ones folded."""

from collections import Counter

import numpy as np
import pytest
from small_scenario import small

import simsticky as ss
from simsticky.report.pod_groups import MOST_LANES, lanes, marks_of
from simsticky.report.pod_lives import pod_lives


def lives_of(**changes):
    return pod_lives(ss.simulate(small(**changes)))


def test_a_few_pods_have_a_lane_each():
    """Nothing is grouped that can be shown, and lanes come in the order of creation."""
    lives = lives_of()
    assert [lane.lives for lane in lanes(lives)] == [(life,) for life in lives]
    assert [lane.label for lane in lanes(lives)] == [life.short for life in lives]


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({"deployment__replicas": 40}, ["40 old pods", "40 new pods"]),
        (
            {"deployment__replicas": 20, "timeline": [{"at": "30s", "scale": "app", "replicas": 15}]},
            ["5 old pods", "15 pods that stay"],
        ),
        (
            {
                "deployment__replicas": 8,
                "timeline": [{"at": "30s", "rollout": "app"}, {"at": "10m", "rollout": "app"}],
            },
            ["8 old pods", "8 later pods", "8 new pods"],
        ),
    ],
    ids=["a rollout", "a scale-down", "two rollouts"],
)
def test_pods_with_one_story_are_a_group(changes, labels):
    """What a group is called says how many they are and what became of them."""
    found = lanes(lives_of(**changes))
    assert sorted(lane.label for lane in found) == sorted(labels)


def test_every_pod_is_in_one_lane_and_the_old_ones_are_folded():
    """With more groups than lanes those that went first are one, and no pod is lost or shown twice."""
    timeline = [{"at": f"{minute}m", "rollout": "app"} for minute in range(1, 60, 4)]
    lives = lives_of(timeline=timeline, traffic__sessions__rate="0.2/s", run__horizon="2h")
    found = lanes(lives)
    assert len(found) == MOST_LANES
    assert Counter(life.pod for lane in found for life in lane.lives) == Counter(life.pod for life in lives)
    assert len({lane.label for lane in found}) == len(found)
    (earlier,) = [lane for lane in found if lane.label.endswith("earlier pods")]
    last_s = max(life.phases[-1][2] for life in earlier.lives)
    assert all(max(life.phases[-1][2] for life in lane.lives) >= last_s for lane in found if lane is not earlier)
    assert found[0] is earlier


def test_a_lane_s_sessions_are_those_of_its_pods():
    """Per pod of the group, so that all lanes have one scale; apart by phase they add up to it."""
    lives = lives_of(deployment__replicas=20)
    old = next(lane for lane in lanes(lives) if lane.label == "20 old pods")
    times = np.linspace(20.0, 100.0, 50)
    total = sum(life.at(times) for life in old.lives)
    assert old.at(times) == pytest.approx(total / 20)
    assert sum(old.by_phase(times).values()) == pytest.approx(total / 20)
    assert {"ready", "draining"} <= set(old.by_phase(times))
    assert old.fullest() >= old.at(times).max() > 0


def test_a_group_tells_its_first_and_last_mark():
    """When the first and the last of its pods was deleted and told to stop."""
    lives = lives_of(deployment__replicas=20)
    old = next(lane for lane in lanes(lives) if lane.label == "20 old pods")
    times = [dict(life.marks)["deleted"] for life in old.lives]
    assert marks_of(old)["deleted"] == (min(times), max(times))
    assert times == sorted(times)
