"""Rollouts that are held, overtaken and taken back, and how pods are chosen to go."""

import json
from pathlib import Path
from typing import Any

from stories import Story, merged, rollout, scale_to, tell

_PROBED = {"deployment": {"readinessProbe": {"periodSeconds": 1}, "preStop": "10s"}, "app": {"startup": "5s"}}
_STEADY = [[1.0 + i, *(90.0 + i / 8 + 2.5 * k for k in range(60))] for i in range(6)]


def _timeline(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"timeline": list(entries)}


def _sizes(story: Story) -> list[tuple[float, int]]:
    return [(event.at_s, json.loads(event.data)["replicas"]) for event in story.events if event.kind == "sized"]


def _operations(story: Story) -> list[Any]:
    return list(story.result.operations.itertuples(index=False))


def test_pause_holds_a_rollout_and_resume_lets_it_go_on(tmp_path: Path) -> None:
    """After a pause no step is taken, nothing is called stuck, and resume ends the same rollout.

    See rule K10.
    """
    held = _timeline({"at": 100, "rollout": "app"}, {"at": 107, "pause": "app"}, {"at": 200, "resume": "app"})
    story = tell(tmp_path, _STEADY, _PROBED, held)
    assert [at_s for at_s, _ in _sizes(story) if 107.0 < at_s < 200.0] == []
    # At 105 s the first new pod is ready, an old one goes and the second new pod is asked for; then it rests.
    assert _sizes(story) == [(100.0, 1), (105.0, 2), (105.0, 2), (200.0, 1), (200.0, 3), (205.0, 0)]
    rolled, paused, resumed = _operations(story)
    assert (rolled.rollout_done_s, resumed.rollout_done_s) == (205.0, 205.0)
    assert [operation.stuck for operation in (rolled, paused, resumed)] == ["", "", ""]
    assert [pod.revision for pod in story.left] == [2, 2, 2]


def test_rollout_of_a_paused_deployment_is_reported_and_not_begun(tmp_path: Path) -> None:
    """With nobody to resume it, the rollout is stuck because the Deployment is paused.

    See rule K10.
    """
    story = tell(tmp_path, _STEADY, _PROBED, rollout(), {"deployment": {"paused": True}})
    assert _sizes(story) == []
    assert story.operation.stuck == "the Deployment is paused"
    # Upstream keeps no deadline while paused, so it is known at once and not after ten minutes.
    assert story.when("over") == 100.0


def test_scaling_works_while_paused(tmp_path: Path) -> None:
    """While a rollout is paused the size changes at once, and the template does not."""
    story = tell(tmp_path, _STEADY, _PROBED, scale_to(4), {"deployment": {"paused": True}})
    assert _sizes(story) == [(100.0, 4)]
    assert story.operation.rollout_done_s == 105.0
    assert {pod.revision for pod in story.pods} == {1}


def test_rollover_does_not_wait_for_the_rollout_before(tmp_path: Path) -> None:
    """A third version takes over at once, and what the second had not begun never comes.

    See rule K11.
    """
    timeline = _timeline({"at": 100, "rollout": "app"}, {"at": 107, "rollout": "app"})
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    second = [pod for pod in story.pods if pod.revision == 2]
    assert len(second) < 3
    assert all(not pod.created_s > 107.0 for pod in second)
    assert [pod.revision for pod in story.left] == [3, 3, 3]
    first, last = _operations(story)
    assert first.rollout_done_s == last.rollout_done_s


def test_rollback_takes_the_living_pods_of_the_old_version_back(tmp_path: Path) -> None:
    """The old ReplicaSet is the new one again, its pods stay, only what is missing is made."""
    timeline = _timeline({"at": 100, "rollout": "app"}, {"at": 107, "rollback": "app"})
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    kept = [pod for pod in story.left if pod.created_s < 0]
    assert len(kept) == 2
    assert [pod.revision for pod in story.left] == [1, 1, 1]
    assert {pod.replica_set for pod in story.left} == {story.pods[0].replica_set}
    made = [pod.created_s for pod in story.pods if pod.revision == 1 and pod.created_s > 0]
    assert made == [107.0]
    rolled, back = _operations(story)
    assert rolled.rollout_done_s == back.rollout_done_s == 112.0


def test_two_rollbacks_end_where_they_began(tmp_path: Path) -> None:
    """What is taken back is the newest revision then, so undo undoes undo (rule K11)."""
    timeline = _timeline({"at": 100, "rollout": "app"}, {"at": 160, "rollback": "app"}, {"at": 220, "rollback": "app"})
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    assert [pod.revision for pod in story.left] == [2, 2, 2]


def test_rollback_without_a_history_changes_nothing(tmp_path: Path) -> None:
    """There is nothing to go back to, and the story says so."""
    story = tell(tmp_path, _STEADY, _PROBED, _timeline({"at": 100, "rollback": "app"}))
    assert story.when("no_history", "app") == 100.0
    assert story.when("over") == 100.0
    assert len(story.left) == len(story.pods) == 3


def test_stuck_rollout_is_information_and_a_rollback_ends_it(tmp_path: Path) -> None:
    """Nothing happens at it, the old pods serve, and a rollback makes it good.

    See rule K4.
    """
    timeline = _timeline({"at": 100, "rollout": "app", "neverReady": True}, {"at": 200, "rollback": "app"})
    deadline = {"deployment": {"progressDeadlineSeconds": 30}}
    story = tell(tmp_path, _STEADY, _PROBED, timeline, deadline)
    assert story.when("stuck") == 131.0
    assert _sizes(story) == [(100.0, 1), (200.0, 0)]
    rolled, back = _operations(story)
    assert rolled.stuck == ("1 of 3 pods are of the new version, 3 of 4 pods are available; 1 new, not ready yet")
    assert (back.rollout_done_s, back.stuck) == (200.0, "")
    assert story.summary["requests_failed"] == 0


def test_repeated_rollout_is_an_operation_each_time(tmp_path: Path) -> None:
    """A rollout every minute, three in all, is three operations, each with a record of its own (rule O7)."""
    timeline = _timeline({"at": 100, "rollout": "app", "every": "1m", "times": 3})
    story = tell(tmp_path, _STEADY, _PROBED, timeline)
    assert [operation.start_s for operation in _operations(story)] == [100.0, 160.0, 220.0]
    assert [pod.revision for pod in story.left] == [4, 4, 4]


def test_terminating_pods_hold_their_place_under_the_unreleased_policy(tmp_path: Path) -> None:
    """With TerminationComplete three replicas never are five pods.

    See rule K12.
    """
    waiting = {"deployment": {"podReplacementPolicy": "TerminationComplete"}}
    story = tell(tmp_path, _STEADY, rollout(), _PROBED, waiting)
    assert story.operation.peak_pods == 4
    assert [pod.revision for pod in story.left] == [2, 2, 2]
    released = tell(tmp_path, _STEADY, rollout(), _PROBED)
    assert released.operation.peak_pods == 6
    assert released.operation.rollout_done_s < story.operation.rollout_done_s


def test_deletion_cost_by_live_sessions_takes_the_emptiest_pod(tmp_path: Path) -> None:
    """Whoever holds the fewest sessions goes, where otherwise the UID decides (rule K14)."""
    # Five sessions, round robin over three pods: two pods hold two, one holds one.
    clients = [[1.0 + i, 150.0 + i] for i in range(5)]
    for seed in range(1, 6):
        story = tell(tmp_path, clients, scale_to(2), {"deployment": {"podDeletionCost": "liveSessions"}}, seed=seed)
        assert len(story.at_home_on(story.removed.pod)) == 1
    by_uid = [tell(tmp_path, clients, scale_to(2), seed=seed) for seed in range(1, 13)]
    assert {len(story.at_home_on(story.removed.pod)) for story in by_uid} == {1, 2}


def test_burst_of_pod_changes_reaches_the_slice_in_steps_of_a_second(tmp_path: Path) -> None:
    """A pass whose cache has not seen the last write fails, and is tried again after 1 s (rule E2)."""
    blind = {"kubernetes": {"sliceWatch": "50ms", "containerStart": "5s"}}
    ten_ms_apart = _timeline(
        {"at": 100.00, "deletePod": "app"}, {"at": 100.01, "deletePod": "app"}, {"at": 100.02, "deletePod": "app"}
    )
    story = tell(tmp_path, _STEADY, merged(_PROBED, blind), ten_ms_apart)
    wrote = story.all_times("wrote", detail="terminating=true")
    assert wrote == [100.0, 101.01, 101.01]
    assert story.all_times("stale")[:2] == [100.01, 100.02]


def test_a_pass_takes_what_has_changed_until_it_begins(tmp_path: Path) -> None:
    """Changes of two pods 3 s apart reach the slice in one pass, 5 s after the first of them (rule E2)."""
    slow = {"kubernetes": {"endpointUpdate": "5s", "containerStart": "30s"}}
    timeline = _timeline({"at": 100, "deletePod": "app"}, {"at": 103, "deletePod": "app"})
    story = tell(tmp_path, _STEADY, merged(_PROBED, slow), timeline)
    assert story.all_times("wrote", detail="terminating=true") == [105.0, 105.0]
