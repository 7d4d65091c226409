"""Operations that say which pod they mean."""

import pytest
from small_scenario import small

import simsticky as ss
from simsticky.scenario.model import Scenario

QUIET = {"run__until": "3m", "run__start": "empty", "run__skewFloor": False, "traffic__sessions__rate": "0.2/s"}


def old_pods(operation, **more):
    """Return the three pods that were there at 0, oldest first, after one operation at 30 s."""
    result = ss.simulate(small([{"at": "30s", **operation}], **QUIET, **more))
    return result, result.pods[result.pods["created_s"] < 0].reset_index(drop=True)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_pod_at_a_place_is_deleted(place):
    """1 is the oldest pod, and no other one goes."""
    _, pods = old_pods({"deletePod": "app", "pod": place})
    assert pods["deleted_s"].notna().tolist() == [number == place for number in (1, 2, 3)]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_scaling_down_takes_the_pod_that_is_named(place):
    """It has the smallest deletion cost, which comes before age and UID in the deletion order."""
    _, pods = old_pods({"scale": "app", "replicas": 2, "pod": place})
    assert pods["deleted_s"].notna().tolist() == [number == place for number in (1, 2, 3)]


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_container_of_the_pod_crashes(place):
    """It is restarted in the same pod; the others go on."""
    _, pods = old_pods({"crash": "app", "pod": place})
    assert pods["restarts"].tolist() == [int(number == place) for number in (1, 2, 3)]


def test_a_pod_is_named_as_in_the_table():
    """The name that the pods table shows for this seed and replication means that pod."""
    _, pods = old_pods({"deletePod": "app", "count": 1})
    _, named = old_pods({"deletePod": "app", "pod": pods["pod"][1]})
    assert named["deleted_s"].notna().tolist() == [False, True, False]


def test_a_pod_that_is_not_there_is_told():
    """Nothing happens to the others, and a warning and the story say so."""
    result, pods = old_pods({"deletePod": "app", "pod": 7})
    assert pods["deleted_s"].isna().all()
    assert any("names pod 7" in warning for warning in result.warnings)
    assert "finds no pod 7" in "\n".join(result.story())


def test_count_and_pod_exclude_each_other():
    """One of them has to go."""
    with pytest.raises(ValueError, match="count and pod exclude each other"):
        small([{"at": "30s", "deletePod": "app", "pod": 1, "count": 2}])


def test_a_stateful_set_chooses_by_itself():
    """Kubernetes takes the highest ordinal: another pod by name is refused with its place, a plain scale is not."""
    entry = {"at": 1, "scale": "app", "replicas": 2}
    stateful = {"deployment": {"kind": "StatefulSet", "replicas": 3}, "timeline": [entry]}
    assert Scenario.model_validate(stateful).timeline[0].pod is None
    with pytest.raises(ValueError, match="highest ordinal"):
        Scenario.model_validate({**stateful, "timeline": [{**entry, "pod": 1}]})
