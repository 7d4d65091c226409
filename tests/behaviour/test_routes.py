"""Traffic moved to other pods: blue-green by the Service's selector, canary by the route's weights."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from stories import Story, merged, tell

_GREEN = {
    "companions": [{"name": "green", "replicas": 3}],
    "deployment": {"preStop": "10s"},
    "app": {"onSigterm": "finishInFlight"},
}
_CLIENTS = [[1.0 + i, *(90.0 + i / 8 + 5 * k for k in range(20))] for i in range(6)]


def _new_clients(number: int) -> list[list[float]]:
    return [[110.0 + i / 8] for i in range(number)]


def _timeline(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"timeline": list(entries)}


def _owners(story: Story, first: int, count: int) -> Counter[str]:
    return Counter(story.answered_by(session)[0].split("-")[0] for session in range(first, first + count))


def test_companion_takes_no_traffic_until_the_service_selects_it(tmp_path: Path) -> None:
    """Green pods are ready and listed nowhere."""
    story = tell(tmp_path, _CLIENTS, _GREEN)
    assert len(story.pods) == 6
    assert {pod.split("-")[0] for session in range(6) for pod in story.answered_by(session)} == {"app"}


def test_switch_takes_all_old_endpoints_at_once_and_breaks_every_session(tmp_path: Path) -> None:
    """The old endpoints are gone, not terminating, so drain support keeps none of them.

    See rules E3 and O6.
    """
    story = tell(tmp_path, _CLIENTS, _GREEN, _timeline({"at": 100, "switchService": "app", "to": "green"}))
    assert story.when("switched", "green", "3 endpoints leave at once, 3 come") == 100.0
    assert not [event for event in story.events if "weight 0" in event.detail]
    assert story.operation.exposed == story.operation.broken == 6
    for session in range(6):
        ((sent_s, *how),) = story.breaks(session)
        assert sent_s >= 100.0
        assert how == ["lost", "target_removed", "retargeted"]
    assert story.summary["requests_failed"] == 0
    assert len(story.left) == 6


def test_old_side_can_be_scaled_away_after_the_switch_without_further_breaks(tmp_path: Path) -> None:
    """Nobody is on the old pods any more when they go."""
    timeline = _timeline({"at": 100, "switchService": "app", "to": "green"}, {"at": 130, "scale": "app", "replicas": 0})
    story = tell(tmp_path, _CLIENTS, _GREEN, timeline)
    switched, scaled = story.result.operations.itertuples(index=False)
    assert (switched.broken, scaled.exposed, scaled.breaks) == (6, 0, 0)
    assert {pod.replica_set.split("-")[0] for pod in story.left} == {"green"}


def test_no_slice_knows_of_pods_that_the_service_has_ceased_to_select(tmp_path: Path) -> None:
    """An endpoint left with the selector, so that later ends of its pod are nobody's news."""
    timeline = _timeline({"at": 100, "switchService": "app", "to": "green"}, {"at": 130, "scale": "app", "replicas": 0})
    story = tell(tmp_path, _CLIENTS, _GREEN, timeline)
    old = [pod for pod in story.pods if pod.replica_set.split("-")[0] == "app"]
    assert {pod.endpoint_gone_s for pod in old} == {100.0}
    said = [event for event in story.events if event.actor == "endpointslice" and event.kind != "switched"]
    assert not [event for event in said if event.subject in {pod.pod for pod in old}]


def test_canary_splits_new_sessions_by_weight_and_leaves_bound_ones(tmp_path: Path) -> None:
    """90 and 10 over three pods each are weights 30 and 3; nobody moves who has a cookie.

    See rule E4.
    """
    timeline = _timeline({"at": 100, "canary": "app", "weights": {"app": 90, "green": 10}})
    story = tell(tmp_path, _CLIENTS + _new_clients(132), _GREEN, timeline)
    pushed = next(event.detail for event in story.events if event.kind == "pushing")
    assert pushed.count("weight 100->30") == 3
    assert pushed.count("weight 3,") == 3
    assert story.summary["breaks"] == 0
    # Weights 30 and 3: of every eleven new sessions one is the canary's.
    assert _owners(story, 6, 132) == {"app": 120, "green": 12}


def test_weight_of_zero_is_a_drain_and_leaving_a_backend_out_is_not(tmp_path: Path) -> None:
    """At weight 0 bound sessions stay on the old pods; without the backend they break."""
    zero = _timeline({"at": 100, "canary": "app", "weights": {"app": 0, "green": 100}})
    story = tell(tmp_path, _CLIENTS + _new_clients(12), _GREEN, zero)
    assert story.summary["breaks"] == 0
    assert _owners(story, 6, 12) == {"green": 12}
    out = _timeline({"at": 100, "canary": "app", "weights": {"green": 100}})
    story = tell(tmp_path, _CLIENTS, _GREEN, out)
    assert story.operation.exposed == story.operation.broken == 6


def test_rollout_of_a_companion_leaves_the_others_alone(tmp_path: Path) -> None:
    """Each Deployment counts, ranks and rolls its own pods only."""
    story = tell(tmp_path, _CLIENTS, _GREEN, _timeline({"at": 100, "rollout": "green"}))
    assert {pod.replica_set.split("-")[0] for pod in story.pods if pod.deleted_by} == {"green"}
    assert Counter(pod.replica_set.split("-")[0] for pod in story.left) == {"app": 3, "green": 3}
    assert story.summary["exposed_sessions"] == 0


def test_stateful_set_goes_from_the_top_one_at_a_time_under_the_same_names(tmp_path: Path) -> None:
    """An ordinal's next pod comes when its last one is gone, at another address (rule K15)."""
    stateful = {
        "deployment": {"kind": "StatefulSet", "readinessProbe": {"periodSeconds": 1}, "preStop": "10s"},
        "app": {"onSigterm": "finishInFlight"},
    }
    story = tell(tmp_path, _CLIENTS, stateful, _timeline({"at": 100, "rollout": "app"}))
    old = [pod for pod in story.pods if pod.revision == 1]
    new = [pod for pod in story.pods if pod.revision == 2]
    assert [pod.pod for pod in old] == ["app-0", "app-1", "app-2"]
    assert [pod.pod for pod in new] == ["app-2.2", "app-1.2", "app-0.2"]
    assert [pod.deleted_s for pod in reversed(old)] == [100.0, 115.0, 130.0]
    assert [(pod.created_s, pod.ready_s) for pod in new] == [(110.0, 115.0), (125.0, 130.0), (140.0, 145.0)]
    assert story.operation.rollout_done_s == 145.0
    assert story.operation.peak_pods == 3
    assert not {pod.address for pod in old} & {pod.address for pod in new}
    assert story.operation.broken > 0


@pytest.mark.parametrize(
    ("release", "together"), [(None, True), ("1.34", False), ("1.35.2", True), ("1.36", False), ("1.37.1", True)]
)
def test_stateful_set_updates_several_at_a_time_where_its_release_does(
    tmp_path: Path, release: str | None, *, together: bool
) -> None:
    """Two of three pods go at once, or one, and that is said (rule K15)."""
    stateful = {
        "deployment": {
            "kind": "StatefulSet",
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"maxUnavailable": "70%"},
            "preStop": "10s",
        },
        "app": {"onSigterm": "finishInFlight"},
        "kubernetes": {"version": release},
    }
    story = tell(tmp_path, _CLIENTS, stateful, _timeline({"at": 100, "rollout": "app"}))
    gone = {pod.pod: pod.deleted_s for pod in story.pods if pod.deleted_by}
    assert (gone["app-2"], gone["app-1"]) == (100.0, 100.0 if together else 110.0)
    assert gone["app-0"] > gone["app-1"]
    told = [text for text in story.result.warnings if "updateStrategy.maxUnavailable" in text]
    assert len(told) == (not together)


def test_stateful_set_scales_down_from_the_top(tmp_path: Path) -> None:
    """The highest goes, one after the other."""
    stateful = {"deployment": {"kind": "StatefulSet", "preStop": "10s"}, "app": {"onSigterm": "finishInFlight"}}
    story = tell(tmp_path, _CLIENTS, stateful, _timeline({"at": 100, "scale": "app", "replicas": 1}))
    assert [(pod.pod, pod.deleted_s) for pod in story.pods if pod.deleted_by] == [("app-1", 110.0), ("app-2", 100.0)]


def test_broken_update_of_a_stateful_set_blocks_and_says_why(tmp_path: Path) -> None:
    """A pod that never gets ready holds everything, with one pod fewer."""
    probe = {"periodSeconds": 1}
    stateful = {"deployment": {"kind": "StatefulSet", "preStop": "10s", "readinessProbe": probe}}
    deadline = {"deployment": {"progressDeadlineSeconds": 60}, "app": {"onSigterm": "finishInFlight"}}
    rollout = _timeline({"at": 100, "rollout": "app", "neverReady": True})
    story = tell(tmp_path, _CLIENTS, merged(stateful, deadline), rollout)
    assert story.operation.stuck == "it waits for pod 2 to be available"
    assert [pod.pod for pod in story.left] == ["app-0", "app-1", "app-2.2"]


def test_partition_keeps_the_lower_ordinals(tmp_path: Path) -> None:
    """Only ordinals from it on are updated."""
    stateful = {"deployment": {"kind": "StatefulSet", "updateStrategy": {"partition": 2}, "preStop": "10s"}}
    story = tell(tmp_path, _CLIENTS, stateful, {"app": {"onSigterm": "exit"}}, _timeline({"at": 100, "rollout": "app"}))
    assert sorted((pod.pod, pod.revision) for pod in story.left) == [("app-0", 1), ("app-1", 1), ("app-2.2", 2)]
    assert story.operation.rollout_done_s == 110.0
