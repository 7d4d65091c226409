"""Entries of the timeline: their keys and labels, and to which of them an operation belongs."""

from simsticky.scenario.entries import entry_keys, timeline_entries
from tests.small_scenario import small


def test_entries_are_numbered_in_the_order_of_the_file_and_named_for_people():
    scenario = small(
        timeline=[
            {"at": "2m", "rollout": "app"},
            {"at": "1m", "scale": "app", "replicas": 5, "every": "10s", "times": 3},
        ]
    )
    assert timeline_entries(scenario) == [
        ("1", "rollout app at 2m"),
        ("2", "scale app to 5 at 1m, 3 times every 10s"),
    ]
    assert entry_keys(scenario) == ["1", "2", "2", "2"]


def test_all_scales_of_an_autoscaler_are_one_entry():
    scenario = small(autoscaler={"minReplicas": 2, "maxReplicas": 9, "targetUtilization": 50})
    assert timeline_entries(scenario)[-1] == ("hpa", "scales of the autoscaler")
