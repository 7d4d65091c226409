"""Rollouts and scale operations as the controllers do them, from the first sync to the last old pod."""

import json
from pathlib import Path
from typing import Any

import pytest
from stories import Story, merged, rollout, scale_to, tell

_PROBED = {"deployment": {"readinessProbe": {"periodSeconds": 1}, "preStop": "38s"}, "app": {"startup": "5s"}}
_STEADY = [[1.0 + i, *(90.0 + i / 8 + 2.5 * k for k in range(60))] for i in range(6)]


def _alive(story: Story, at_s: float) -> int:
    """Count the pods that exist and are not terminating."""
    return sum(pod.created_s <= at_s and not pod.deleted_s <= at_s for pod in story.pods)


def _objects(story: Story, at_s: float) -> int:
    return sum(pod.created_s <= at_s and not pod.removed_s <= at_s for pod in story.pods)


def test_three_replicas_reach_six_pods(tmp_path: Path) -> None:
    """Start-up 5 s, termination 40 s and surge 1 peak at 6 pods, because controllers do not count terminating pods.

    See rule K3.
    """
    slow_end = {"kubernetes": {"podRemoval": "2s"}, "app": {"onSigterm": "exit"}}
    story = tell(tmp_path, _STEADY, rollout(), _PROBED, slow_end)
    assert {pod.removed_s - pod.deleted_s for pod in story.pods if pod.deleted_by} == {40.0}
    assert story.operation.peak_pods == story.summary["peak_pods"] == 6
    assert max(_objects(story, pod.created_s) for pod in story.pods) == 6
    assert max(_alive(story, pod.created_s) for pod in story.pods) == 4


def test_rollout_goes_one_step_a_startup(tmp_path: Path) -> None:
    """Each new pod is ready after 5 s, then one old pod goes."""
    story = tell(tmp_path, _STEADY, rollout(), _PROBED)
    new = [pod for pod in story.pods if pod.revision > 1]
    assert [pod.created_s for pod in new] == [100.0, 105.0, 110.0]
    assert [pod.ready_s for pod in new] == [105.0, 110.0, 115.0]
    old = sorted(pod.deleted_s for pod in story.pods if pod.revision == 1)
    assert old == [105.0, 110.0, 115.0]
    assert story.operation.rollout_done_s == 115.0
    assert story.operation.last_old_pod_gone_s == 153.0


def test_healthy_rollout_under_traffic_breaks_only_what_outlives_the_window(tmp_path: Path) -> None:
    """During a rollout nothing fails, and each session breaks once for each pod it outlives."""
    story = tell(tmp_path, _STEADY, rollout(), _PROBED, {"app": {"onSigterm": "finishInFlight"}})
    assert story.summary["requests_failed"] == 0
    for session in range(6):
        stopped = {pod.pod: pod.listener_closed_s for pod in story.pods}
        for sent_s, broke, _, origin in story.breaks(session):
            before = [row for row in story.requests(session) if row.sent_s < sent_s][-1]
            assert stopped[before.pod] <= sent_s
            assert (broke, origin) == ("lost", "drain_window_too_short")


def test_min_ready_seconds_delays_the_rollout_and_not_the_traffic(tmp_path: Path) -> None:
    """The pod gets traffic as soon as it is ready, the old one goes 10 s later (rule K7)."""
    clients = [[105.5 + i / 2] for i in range(8)]
    story = tell(tmp_path, clients, rollout(), _PROBED, {"deployment": {"minReadySeconds": 10}})
    first_new = next(pod for pod in story.pods if pod.revision > 1)
    assert first_new.ready_s == 105.0
    assert min(pod.deleted_s for pod in story.pods if pod.revision == 1) == 115.0
    assert first_new.pod in {story.answered_by(session)[0] for session in range(8)}


def test_scale_in_mid_rollout_is_proportional_and_goes_on(tmp_path: Path) -> None:
    """All ReplicaSets are resized at once, then the rollout completes."""
    timeline = {"timeline": [{"at": 100, "rollout": "app"}, {"at": 102, "scale": "app", "replicas": 6}]}
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    sizes = [(event.at_s, json.loads(event.data)["replicas"]) for event in story.events if event.kind == "sized"]
    assert (100.0, 1) in sizes
    # 6 + surge 2 = 8 pods, over ReplicaSets of 3 and 1 that were to be 4 together: 6 and 2. Only then a step is taken.
    assert sorted([size for at_s, size in sizes if at_s == 102.0][:2]) == [2, 6]
    rolled, scaled = story.result.operations.itertuples(index=False)
    assert rolled.rollout_done_s == scaled.rollout_done_s
    assert [pod.revision for pod in story.left] == [2] * 6


def test_each_deletion_is_the_latest_sizes(tmp_path: Path) -> None:
    """A deletion is the scale's at the scaling event, and the rollout's before and after it (rule O2)."""
    timeline = {"timeline": [{"at": 100, "rollout": "app"}, {"at": 102, "scale": "app", "replicas": 2}]}
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    assert {(pod.deleted_s, pod.deleted_by) for pod in story.pods if pod.deleted_by} == {(102, 2), (105, 1), (110, 1)}


def test_an_operation_is_over_with_its_last_old_pod(tmp_path: Path) -> None:
    """A rollout is complete when new pods are available, and over when the old are gone, 38 s later (rule O1)."""
    story = tell(tmp_path, _STEADY, _PROBED, rollout())
    done_s, gone_s = story.operation.rollout_done_s, story.operation.last_old_pod_gone_s
    assert story.all_times("complete") == [done_s]
    assert story.all_times("over") == [gone_s] == [done_s + 38.0]


@pytest.mark.parametrize(("first", "second"), [(5, 2), (2, 5)])
def test_operations_of_one_instant_begin_in_the_order_of_the_file(tmp_path: Path, first: int, second: int) -> None:
    """Of two scales at 100 s the one written last has the last word (rule O9)."""
    scales = [{"at": 100, "scale": "app", "replicas": replicas} for replicas in (first, second)]
    assert len(tell(tmp_path, [[1.0]], {"timeline": scales}).left) == second


def test_recreate_is_an_outage(tmp_path: Path) -> None:
    """The new pods come only when the last old one is gone, 38 s of hook later."""
    story = tell(tmp_path, _STEADY, rollout(), _PROBED, {"deployment": {"strategy": {"type": "Recreate"}}})
    new = [pod for pod in story.pods if pod.revision > 1]
    assert {pod.created_s for pod in new} == {138.0}
    assert {pod.ready_s for pod in new} == {143.0}
    assert story.summary["failed.no_target_503"] > 0


def test_old_pods_that_are_not_ready_go_first(tmp_path: Path) -> None:
    """A pod that is still starting goes before a ready one (rule K6)."""
    timeline = {"timeline": [{"at": 100, "scale": "app", "replicas": 4}, {"at": 103, "scale": "app", "replicas": 3}]}
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    assert story.removed.created_s == 100.0


def test_pods_of_before_the_run_are_alike_to_the_deletion_order(tmp_path: Path) -> None:
    """Pods of before the run are a minute apart after a day, so that UIDs decide who goes, and not age (rule P5)."""
    stories = [tell(tmp_path, [[1.0]], scale_to(2), seed=seed) for seed in range(1, 13)]
    assert [pod.ready_s for pod in stories[0].pods] == [-86400.0, -86340.0, -86280.0]
    assert {story.removed.ready_s for story in stories} == {pod.ready_s for pod in stories[0].pods}


def test_pods_go_where_the_fewest_are(tmp_path: Path) -> None:
    """Of four nodes the first of those with the fewest pods of the application is taken (rule K8)."""
    story = tell(tmp_path, [[1.0]], scale_to(7), {"kubernetes": {"nodes": 4}})
    assert [pod.node for pod in story.pods] == [f"node-{number}" for number in (1, 2, 3, 4, 1, 2, 3)]


def test_each_hop_between_controllers_takes_a_write(tmp_path: Path) -> None:
    """The change is seen and sized after 1 s, and the pod created after 2 s; old pods go once all that is known (rule
    K9).

    The ReplicaSet's look at the pod that has come, the Deployment's at its status, and the old ReplicaSet's at its new
    size take a second each.
    """
    story = tell(tmp_path, [[1.0]], rollout(), {"kubernetes": {"apiWrite": "1s"}})
    new = next(pod for pod in story.pods if pod.revision == 2)
    assert (story.when("sized"), new.created_s) == (101.0, 102.0)
    assert min(pod.deleted_s for pod in story.pods if pod.revision == 1) == 105.0


def test_deleted_pod_is_replaced_while_it_still_serves(tmp_path: Path) -> None:
    """The ReplicaSet sees one pod too few at once; the operation is done when it is back.

    See rule K5.
    """
    story = tell(tmp_path, _STEADY, _PROBED, {"timeline": [{"at": 100, "deletePod": "app"}]})
    new = story.pods[-1]
    assert (new.created_s, new.ready_s, new.revision) == (100.0, 105.0, 1)
    assert story.operation.rollout_done_s == 105.0
    assert story.operation.last_old_pod_gone_s == 138.0


@pytest.mark.parametrize("delays", ["0s", "20ms"])
def test_deleting_pods_is_done_when_the_replacements_are_available(delays: str, tmp_path: Path) -> None:
    """A deletion is not over before the controller has missed the pod, and without delays it does come to its end.

    See rule O5.
    """
    more = {"kubernetes": {"delays": delays}, "app": {"startup": "0s"}, "deployment": {"preStop": "10s"}}
    story = tell(tmp_path, _STEADY, more, {"timeline": [{"at": 100, "deletePod": "app", "count": 2}]})
    replacements = [pod for pod in story.pods if pod.created_s >= 100.0]
    assert len(replacements) == 2
    assert story.operation.rollout_done_s >= max(pod.ready_s for pod in replacements)
    assert story.operation.rollout_done_s < 101.0


def test_rollover_does_not_wait(tmp_path: Path) -> None:
    """The half-rolled version joins the old ones."""
    timeline = {"timeline": [{"at": 100, "rollout": "app"}, {"at": 106, "rollout": "app"}]}
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    assert {pod.revision for pod in story.pods} == {1, 2, 3}
    assert {pod.revision for pod in story.left} == {3}
    assert max(_alive(story, pod.created_s) for pod in story.pods) == 4


def _stuck(tmp_path: Path, replicas: int, surge: Any = "25%", unavailable: Any = "25%") -> tuple[Story, list[int]]:
    deployment = {
        "deployment": {
            "replicas": replicas,
            "progressDeadlineSeconds": 60,
            "maxSurge": surge,
            "maxUnavailable": unavailable,
        }
    }
    story = tell(tmp_path, [[1.0]], merged(_PROBED, deployment), rollout(neverReady=True))
    left = [pod.revision for pod in story.left]
    return story, [left.count(2), left.count(1)]


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "split"),
    [(3, "25%", "25%", [1, 3]), (4, "25%", "25%", [2, 3]), (10, "25%", "25%", [5, 8]), (10, 0, 1, [1, 9])],
)
def test_new_pods_that_never_get_ready_stop_the_rollout(
    replicas: int, surge: Any, unavailable: Any, split: list[int], tmp_path: Path
) -> None:
    """Unavailable new pods eat the scale-down budget, so it stays at (new, old) for ever."""
    story, left = _stuck(tmp_path, replicas, surge, unavailable)
    assert left == split
    assert story.operation.rollout_done_s != story.operation.rollout_done_s


def test_scale_to_zero_and_back(tmp_path: Path) -> None:
    """Everybody is turned away, and served again later."""
    timeline = {"timeline": [{"at": 100, "scale": "app", "replicas": 0}, {"at": 200, "scale": "app", "replicas": 2}]}
    story = tell(tmp_path, [[1.0, 150.0, 210.0]], timeline, _PROBED)
    assert story.outcomes(0) == ["answered", "no_target", "answered"]
    assert _alive(story, 150.0) == 0
    assert _alive(story, 210.0) == 2


def test_scaling_up_breaks_nobody(tmp_path: Path) -> None:
    """New pods get new sessions and take none from others."""
    story = tell(tmp_path, [*_STEADY, *([110.0 + i] for i in range(6))], scale_to(5), _PROBED)
    assert story.summary["breaks"] == 0
    assert len({story.answered_by(session)[0] for session in range(6, 12)}) == 5
