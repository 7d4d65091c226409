"""Nodes that are drained, shut down, taken back or lost, and what the cluster does about their pods."""

from math import isnan
from pathlib import Path
from typing import Any

from stories import Story, merged, tell

_CLIENTS = [[1.0 + i, *(90.0 + i / 8 + 2.5 * k for k in range(60))] for i in range(6)]
_APP = {
    "deployment": {"readinessProbe": {"periodSeconds": 1}, "preStop": "10s"},
    "app": {"startup": "5s", "onSigterm": "finishInFlight"},
    "kubernetes": {"nodeMonitorPeriod": "0s"},
}


def _at(verb: str, **more: Any) -> dict[str, Any]:
    return {"timeline": [{"at": 100, verb: "node-1", **more}]}


def _on(story: Story, node: str) -> list[Any]:
    return [pod for pod in story.pods if pod.node == node and pod.created_s < 0]


def _replacements(story: Story) -> list[Any]:
    return [pod for pod in story.pods if pod.created_s >= 0]


def test_drain_evicts_the_pods_of_a_node_and_they_come_back_elsewhere(tmp_path: Path) -> None:
    """A drained pod is deleted by eviction and replaced at once on another node, and the drain is over when it is gone.

    See rule N2.
    """
    story = tell(tmp_path, _CLIENTS, _APP, _at("drainNode"))
    (old,) = _on(story, "node-1")
    (new,) = _replacements(story)
    assert story.when("cordoned", "node-1") == 100.0
    assert story.when("evicted", old.pod) == 100.0
    assert (old.deleted_s, old.sigterm_s) == (100.0, 110.0)
    assert new.created_s == 100.0
    assert new.node in ("node-2", "node-3")
    assert story.operation.rollout_done_s == 110.0
    assert story.operation.stuck == ""


def test_drain_waits_for_the_budget_and_retries_every_five_seconds(tmp_path: Path) -> None:
    """Of two pods on the node one may miss; the second is refused until the first is back.

    See rules N2 and N3.
    """
    budget = {"deployment": {"replicas": 2, "disruptionBudget": {"maxUnavailable": 1}}, "kubernetes": {"nodes": 1}}
    room = {"timeline": [{"at": 100, "drainNode": "node-1"}, {"at": 103, "uncordon": "node-1"}]}
    story = tell(tmp_path, _CLIENTS, _APP, budget, room)
    assert story.when("refused", detail="429, the budget needs 1 healthy pods and has 1") == 100.0
    # The replacement can start from 103 s on and is ready 5 s later; the retries are at 105 and 110 s.
    assert story.all_times("evicted") == [100.0, 110.0]
    assert min(story.all_times("ready")) == 108.0


def test_budget_does_not_bind_a_rollout(tmp_path: Path) -> None:
    """Evictions ask the budget, and rollouts never do (rule N3)."""
    budget = {"deployment": {"disruptionBudget": {"minAvailable": "100%"}}}
    story = tell(tmp_path, _CLIENTS, _APP, budget, {"timeline": [{"at": 100, "rollout": "app"}]})
    assert story.operation.rollout_done_s == 115.0
    assert not story.all_times("refused")


def test_drain_that_no_budget_will_ever_allow_is_reported_as_stuck(tmp_path: Path) -> None:
    """Ten minutes of refusals are told with their reason, and the drain goes on.

    See rule N2.
    """
    budget = {"deployment": {"disruptionBudget": {"minAvailable": 3}}, "run": {"until": "drained", "horizon": "30m"}}
    clients = [[1.0, *(90.0 + 60 * k for k in range(20))]]
    story = tell(tmp_path, clients, _APP, budget, _at("drainNode"))
    assert story.when("stuck") == 700.0
    assert story.operation.stuck.endswith("the budget needs 3 healthy pods and has 3")
    assert len(story.left) == 3


def test_cluster_autoscaler_gives_up_and_cuts_the_grace_period(tmp_path: Path) -> None:
    """The cluster autoscaler evicts for 2 minutes at most, with 10 minutes of grace (rule N4)."""
    long = {"deployment": {"grace": "1h", "preStop": "30m"}, "run": {"until": "30m"}}
    story = tell(tmp_path, _CLIENTS, _APP, long, _at("drainNode", by="clusterAutoscaler"))
    (old,) = _on(story, "node-1")
    assert (old.sigterm_s, old.dead_s) == (700.0, 700.0)
    refused = {"deployment": {"disruptionBudget": {"minAvailable": 3}}}
    story = tell(tmp_path, _CLIENTS, _APP, refused, _at("drainNode", by="clusterAutoscaler"))
    assert story.operation.stuck.startswith("gave up evicting")
    assert story.when("stuck") == 225.0


def test_pods_wait_for_a_node_when_all_are_cordoned(tmp_path: Path) -> None:
    """Pods that find no node stay pending, and are bound as soon as a node takes pods again (rule N1)."""
    one = {"kubernetes": {"nodes": 1}, "deployment": {"replicas": 1}}
    timeline = {"timeline": [{"at": 100, "drainNode": "node-1"}, {"at": 150, "uncordon": "node-1"}]}
    story = tell(tmp_path, _CLIENTS, _APP, one, timeline)
    (new,) = _replacements(story)
    assert (new.created_s, new.scheduled_s, new.ready_s) == (100.0, 150.0, 155.0)
    assert story.when("unschedulable", new.pod) == 100.0


def test_graceful_shutdown_does_not_delete_so_drain_support_does_nothing(tmp_path: Path) -> None:
    """There is no deletion timestamp and no terminating endpoint, and the target is removed (rules N5 and O6)."""
    story = tell(tmp_path, _CLIENTS, _APP, _at("shutdownNode", gracePeriod="20s"))
    (old,) = _on(story, "node-1")
    assert isnan(old.deleted_s)
    assert not story.all_times("wrote", old.pod, "terminating=true")
    assert story.pushed(f"-{old.pod}") == 100.0
    assert (old.sigterm_s, old.dead_s) == (110.0, 110.0)
    (new,) = _replacements(story)
    # The ReplicaSet replaces it only when its phase is Failed.
    assert new.created_s == 110.0
    assert old.removed_s == 130.0
    (session, *_) = story.at_home_on(old.pod)
    assert story.breaks(session)[0][1:] == ("lost", "target_removed", "retargeted")
    assert story.summary["breaks"] > 0


def test_graceful_shutdown_cuts_the_grace_period(tmp_path: Path) -> None:
    """The node's shutdownGracePeriod overrides a longer grace period of the pod."""
    ignores = merged(_APP, {"app": {"onSigterm": "ignore"}, "deployment": {"grace": "60s"}})
    story = tell(tmp_path, _CLIENTS, ignores, _at("shutdownNode", gracePeriod="15s"))
    (old,) = _on(story, "node-1")
    assert (old.sigterm_s, old.sigkill_s) == (110.0, 115.0)


def test_node_loss_is_blind_then_not_ready_then_replaced_after_the_toleration(tmp_path: Path) -> None:
    """40 s in which nobody knows, 300 s until its pods are deleted (rule N6)."""
    long = {"run": {"until": "20m"}}
    clients = [[1.0 + i, *(90.0 + i / 8 + 20 * k for k in range(50))] for i in range(6)]
    story = tell(tmp_path, clients, _APP, long, _at("nodeLoss"))
    (old,) = _on(story, "node-1")
    assert old.dead_s == 100.0
    assert story.when("unready", old.pod) == 140.0
    assert story.pushed(f"-{old.pod}") == 140.0
    assert old.deleted_s == 440.0
    (new,) = _replacements(story)
    assert new.created_s == 440.0
    # Deleted, it is terminating: with drain support a dead pod is a target of weight 0 until the node object goes.
    assert story.pushed(f"+{old.pod} weight 0") == 440.0
    assert old.removed_s == 700.0
    (session, *_) = story.at_home_on(old.pod)
    assert story.breaks(session)[0][1:] == ("lost", "timed_out", "crash")
    assert story.operation.exposed == len(story.at_home_on(old.pod))


def test_a_node_object_that_goes_early_takes_its_pods_with_it(tmp_path: Path) -> None:
    """No toleration is waited for once the node object is gone."""
    story = tell(tmp_path, _CLIENTS, _APP, {"run": {"until": "20m"}}, _at("nodeLoss", objectGone="60s"))
    (old,) = _on(story, "node-1")
    (new,) = _replacements(story)
    assert (old.deleted_s, old.removed_s, new.created_s) == (160.0, 160.0, 160.0)
    assert not story.all_times("wrote", old.pod, "terminating=true")


def test_spot_notice_drains_and_the_machines_end_cuts_the_rest(tmp_path: Path) -> None:
    """The normal path begins, and what is not over when the machine goes is cut (rule N7)."""
    slow = merged(_APP, {"deployment": {"preStop": "50s"}})
    story = tell(tmp_path, _CLIENTS, slow, _at("spot", notice="30s"))
    (old,) = _on(story, "node-1")
    assert (old.deleted_s, old.dead_s, old.removed_s) == (100.0, 130.0, 130.0)
    assert isnan(old.sigterm_s)
    enough = tell(tmp_path, _CLIENTS, slow, _at("spot", notice="2m"))
    (old,) = _on(enough, "node-1")
    assert (old.sigterm_s, old.dead_s) == (150.0, 150.0)


def test_crash_restarts_in_the_same_pod_and_breaks_its_sessions(tmp_path: Path) -> None:
    """After a crash pod and address are the same, and the cookie still matches, but the memory is gone."""
    story = tell(tmp_path, _CLIENTS, _APP, {"timeline": [{"at": 100, "crash": "app"}]})
    assert len(story.pods) == 3
    crashed = story.pods[0].pod
    (session, *_) = story.at_home_on(crashed)
    assert story.breaks(session)[0][1] == "lost"
    assert story.breaks(session)[0][3] == "crash"
    assert story.operation.breaks == story.summary["breaks"] > 0
    assert story.operation.exposed == len(story.at_home_on(crashed))
    assert story.operation.rollout_done_s >= 105.0


def test_forced_deletion_takes_the_object_at_once_and_leaves_the_container_two_seconds(tmp_path: Path) -> None:
    """The endpoint is gone with the object, and the kubelet's floor is what the container gets.

    See rule N8.
    """
    ignores = merged(_APP, {"app": {"onSigterm": "ignore"}})
    story = tell(tmp_path, _CLIENTS, ignores, {"timeline": [{"at": 100, "deletePod": "app", "force": True}]})
    removed = story.removed
    assert (removed.deleted_s, removed.removed_s) == (100.0, 100.0)
    assert story.pushed(f"-{removed.pod}") == 100.0
    assert removed.sigkill_s - removed.sigterm_s == 2.0


def _in_flight_at_the_end(folder: Path, *layers: dict[str, Any]) -> tuple[Story, list[int]]:
    """Return the loss of a node at 100 s while six clients each have a request open, and those who live there."""
    clients = [[1.0 + i, 99.875, 300.0] for i in range(6)]
    story = tell(folder, clients, _APP, {"run": {"until": "20m"}}, _at("nodeLoss"), *layers)
    (old,) = _on(story, "node-1")
    return story, story.at_home_on(old.pod)


def test_requests_on_a_lost_machine_are_answered_by_nobody(tmp_path: Path) -> None:
    """No reset comes from a machine that is gone, so the gateway waits for its read timeout.

    See rule N6.
    """
    story, hit = _in_flight_at_the_end(tmp_path, {"gateway": {"readTimeout": "30s", "retries": 5}})
    assert len(hit) == 2
    for session in hit:
        lost = story.requests(session)[1]
        assert (lost.outcome, lost.ended_s, lost.attempts) == ("timed_out", 129.875, 1)
    assert story.summary["failed.timeout_504"] == len(hit)
    assert story.summary["failed.reset"] == 0
    assert story.operation.failed == len(hit)


def test_idempotent_requests_on_a_lost_machine_go_on_after_the_read_timeout(tmp_path: Path) -> None:
    """Only once the read timeout is over, on another pod, where the session breaks."""
    settings = {"gateway": {"readTimeout": "30s", "retries": 5}, "traffic": {"idempotent": 1.0}}
    story, hit = _in_flight_at_the_end(tmp_path, settings)
    for session in hit:
        lost = story.requests(session)[1]
        assert (lost.outcome, lost.ended_s, lost.attempts) == ("answered", 130.125, 2)
        assert (lost.broke, lost.mechanism) == ("lost", "timed_out")
    assert story.summary["requests_failed"] == 0


def test_a_spot_machines_end_is_as_silent(tmp_path: Path) -> None:
    """What is still open at the end of the notice waits for the read timeout."""
    clients = [[1.0 + i, 104.875, 300.0] for i in range(6)]
    settings = {"gateway": {"readTimeout": "30s"}, "deployment": {"preStop": "50s"}}
    story = tell(tmp_path, clients, _APP, {"run": {"until": "20m"}}, settings, _at("spot", notice="5s"))
    (old,) = _on(story, "node-1")
    ends = [story.requests(session)[1] for session in story.at_home_on(old.pod)]
    assert {(row.outcome, row.ended_s) for row in ends} == {("timed_out", 134.875)}
