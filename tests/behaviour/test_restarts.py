"""Containers that end without their pod: the cookie still matches after the restart, the memory is gone."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from stories import Story, tell

from simsticky.kubernetes.pod import CrashLoopBackOff

ONE_POD: dict[str, Any] = {"deployment": {"replicas": 1}}


def _lives(story: Story) -> list[Any]:
    return story.result.recording.lives


def _crashing(tmp_path: Path, clients: list[list[float]], every_s: float, *layers: dict[str, Any]) -> Story:
    return tell(tmp_path, clients, ONE_POD, {"app": {"crash": {"every": every_s}, "startup": "1s"}}, *layers)


def test_session_of_a_crashed_container_breaks_on_the_same_pod(tmp_path: Path) -> None:
    """The cookie still names the pod, and its new container knows nothing: ``restarted``.

    See rule P8.
    """
    story = _crashing(tmp_path, [[1.0, 200.0, 201.0]], 150.0, {"run": {"until": "3m40s"}})
    crashed_s = story.when("crashed")
    assert 0.0 <= crashed_s <= 150.0
    assert crashed_s > 1.25, "choose another seed: the container crashes before the first request"
    first = story.all_times("crashed")
    (before, *_) = story.requests(0)
    assert story.answered_by(0) == [before.pod] * 3
    assert story.breaks(0) == [(200.0, "lost", "restarted", "crash")]
    assert story.summary["breaks"] == 0
    assert story.summary["breaks_background"] == 1
    assert story.pods[0].restarts == len([at_s for at_s in first if at_s < 219.0])
    assert story.pods[0].pod == before.pod


def test_crash_is_seen_by_the_endpoint_as_not_ready_and_not_terminating(tmp_path: Path) -> None:
    """A crash has no SIGTERM and no preStop; the endpoint is not ready without terminating, then ready again."""
    story = _crashing(tmp_path, [[1.0]], 150.0, {"kubernetes": {"containerStart": 2.0}, "run": {"until": "2m50s"}})
    pod, crashed_s = story.pods[0].pod, story.when("crashed")
    assert story.when("unready") == crashed_s
    assert story.when("wrote", pod, "ready=false terminating=false") == crashed_s
    assert story.pushed(f"-{pod}") == crashed_s
    assert story.when("started") == crashed_s + 2.0
    assert story.when("listening") == crashed_s + 3.0
    assert not story.all_times("sigterm")
    assert not story.all_times("prestop")


def test_crashes_in_a_row_are_backed_off(tmp_path: Path) -> None:
    """Restarts wait 0, 10, 20, 40, 80, 160, 300 s after each end, and at most half as long again.

    See rule P8.
    """
    story = _crashing(tmp_path, [[1.0]], 5.0, {"run": {"until": "30m"}})
    lives, back_off = _lives(story), CrashLoopBackOff()
    waits = []
    for before, after in pairwise(lives):
        wait_s = back_off.wait_s(before.dead_s)
        assert wait_s <= after.due_s - before.dead_s <= 1.5 * wait_s
        assert after.started_s == after.due_s
        assert after.listening_s == after.started_s + 1.0
        back_off = back_off.restarted(before.dead_s, after.due_s)
        waits.append(wait_s)
    assert waits[:7] == [0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0]
    assert len(story.all_times("backing_off")) == len(waits) - 1 + (lives[-1].ended == "crashed")


def test_requests_in_flight_are_reset_and_new_ones_find_no_target(tmp_path: Path) -> None:
    """Clients of a crash see a reset, then 503 while the only pod is down, then answers again."""
    clients = [[float(at_s)] for at_s in range(1, 160, 2)]
    story = tell(
        tmp_path,
        clients,
        ONE_POD,
        {"app": {"crash": {"every": 100.0}, "startup": "10s"}, "run": {"until": "3m"}},
        service_s=1.5,
    )
    crashed_s = story.when("crashed")
    for session, (sent_s,) in enumerate(clients):
        (outcome,) = story.outcomes(session)
        if crashed_s - 1.5 < sent_s < crashed_s:
            assert outcome == "reset"
        elif crashed_s <= sent_s < crashed_s + 10.0:
            assert outcome in ("no_target", "bad_gateway")
        elif sent_s < crashed_s or sent_s < crashed_s + 98.0:
            assert outcome == "answered"


def test_only_new_versions_crash_if_the_scenario_says_so(tmp_path: Path) -> None:
    """With ``versions: new`` a bad version crashes, the rollout does not go on, and the old pods serve.

    See rule P9.
    """
    story = tell(
        tmp_path,
        [[1.0, 500.0]],
        {"app": {"crash": {"every": 2.0, "versions": "new"}, "startup": "5s"}},
        {"deployment": {"readinessProbe": {"periodSeconds": 1}, "progressDeadlineSeconds": 120}},
        {"timeline": [{"at": 100.0, "rollout": "app"}]},
    )
    assert story.breaks(0) == []
    assert story.operation.stuck.startswith("1 of 3 pods are of the new version")
    assert {event.subject for event in story.events if event.kind == "crashed"} == {story.pods[3].pod}
    assert story.pods[3].restarts >= 3
    assert len(story.pods) == 4


def test_deletion_during_the_back_off_ends_the_pod_at_once(tmp_path: Path) -> None:
    """A pod that is deleted while its container is down has nothing to stop, no SIGTERM, and no further container.

    See rule D9.
    """
    story = _crashing(tmp_path, [[1.0]], 5.0, {"timeline": [{"at": 60.0, "deletePod": "app"}]})
    pod = story.pods[0]
    assert pod.deleted_s == 60.0
    last = [life for life in _lives(story) if life.pod == 0][-1]
    assert last.ended == "crashed"
    assert last.dead_s < 60.0
    assert pod.removed_s == 60.0
    assert pod.sigterm_s != pod.sigterm_s


def test_crash_in_pre_stop_leaves_the_pod_terminating_until_the_sleep_is_over(tmp_path: Path) -> None:
    """The container is dead then, the kubelet's sleep goes on, no SIGTERM follows.

    See rule D9.
    """
    story = tell(
        tmp_path,
        [[1.0]],
        {"deployment": {"replicas": 1}, "app": {"crash": {"every": 15.0, "versions": "new"}, "startup": "0s"}},
        {"timeline": [{"at": 100.0, "rollout": "app"}, {"at": 110.0, "deletePod": "app", "count": 2}]},
    )
    pod = story.pods[1]
    assert (pod.deleted_s, pod.dead_s, pod.removed_s) == (110.0, 115.0, 140.0)
    assert pod.sigterm_s != pod.sigterm_s
    assert _lives(story)[1].ended == "crashed"


@pytest.mark.parametrize("own_grace_s", [None, 3])
def test_failed_liveness_probe_restarts_the_container(own_grace_s: int | None, tmp_path: Path) -> None:
    """After three ticks in a full queue come preStop, SIGTERM, SIGKILL by the grace, and the restart.

    See rule P7.
    """
    probe = {"periodSeconds": 5, "failureThreshold": 3, "terminationGracePeriodSeconds": own_grace_s}
    story = tell(
        tmp_path,
        [[10.0], [10.5]],
        {"deployment": {"replicas": 1, "livenessProbe": probe, "preStop": "1s", "grace": "20s"}},
        {"app": {"concurrency": 1, "onSigterm": "ignore", "startup": "2s"}, "run": {"until": "2m"}},
        service_s=30.0,
    )
    failed_s = story.when("probe_failed")
    first, second = _lives(story)
    assert 10.0 + 2 * 5.0 < failed_s <= 10.0 + 3 * 5.0
    assert first.sigterm_s == failed_s + 1.0
    assert first.sigkill_s == first.dead_s == failed_s + (20.0 if own_grace_s is None else 3.0)
    assert first.ended == "liveness"
    assert second.started_s == first.dead_s
    assert story.pods[0].restarts == 1
    assert story.pods[0].sigterm_s != story.pods[0].sigterm_s, "the pod itself was never ended"
    assert story.outcomes(1) == ["reset"]


def test_failed_startup_probe_restarts_the_container_before_it_is_ready(tmp_path: Path) -> None:
    """A start slower than it allows is stopped and begins anew, with back-off (rule P7)."""
    story = tell(
        tmp_path,
        [[1.0]],
        {
            "deployment": {"startupProbe": {"periodSeconds": 2, "failureThreshold": 4}, "preStop": None},
            "app": {"startup": "30s"},
            "timeline": [{"at": 100.0, "rollout": "app"}],
            "run": {"until": "3m"},
        },
    )
    mine = [life for life in _lives(story) if life.pod == 3]
    assert [life.ended for life in mine[:2]] == ["startup", "startup"]
    assert mine[0].started_s == 100.0
    assert mine[0].dead_s == 106.0
    assert mine[1].started_s == 106.0
    assert 10.0 <= mine[2].started_s - mine[1].dead_s <= 15.0
    assert story.pods[3].ready_s != story.pods[3].ready_s


def test_startup_probe_that_allows_enough_holds_liveness_back(tmp_path: Path) -> None:
    """No liveness probe looks at a container that still starts."""
    probes = {
        "startupProbe": {"periodSeconds": 2, "failureThreshold": 20},
        "livenessProbe": {"periodSeconds": 1, "failureThreshold": 1},
    }
    story = tell(
        tmp_path,
        [[1.0]],
        {"deployment": probes, "app": {"startup": "30s"}, "timeline": [{"at": 100.0, "rollout": "app"}]},
    )
    assert not story.all_times("probe_failed")
    assert story.pods[3].ready_s == 130.0


def test_deletion_during_a_liveness_stop_waits_for_it(tmp_path: Path) -> None:
    """A pod that is deleted while its container is being stopped has one stop, and no second container (rule D10)."""
    story = tell(
        tmp_path,
        [[10.0], [10.5]],
        {"deployment": {"replicas": 1, "livenessProbe": {"periodSeconds": 5}, "preStop": None, "grace": "20s"}},
        {"app": {"concurrency": 1, "onSigterm": "ignore"}, "timeline": [{"at": 30.0, "deletePod": "app"}]},
        service_s=100.0,
    )
    first = _lives(story)[0]
    assert first.ended == "liveness"
    assert first.sigterm_s < 30.0
    assert first.dead_s == first.sigterm_s + 20.0
    assert story.pods[0].removed_s == first.dead_s
    assert len([life for life in _lives(story) if life.pod == 0]) == 1


def test_memory_limit_kills_with_the_session_too_many(tmp_path: Path) -> None:
    """A container keeps each session until it expires, and the first one too many kills it (rule P11)."""
    clients = [[1.0, 50.0], [2.0], [3.0], [40.0], [41.0]]
    layers = {"app": {"oom": {"sessions": 3}, "sessionTimeout": "30s", "startup": "1s"}}
    story = tell(tmp_path, clients, ONE_POD, layers)
    # At 40 s the sessions of 2 s and 3 s have expired; that of 1 s counts on, for its client is not done.
    assert not story.all_times("oom_killed")
    story = tell(tmp_path, [*clients[:3], [20.0], [41.0]], ONE_POD, layers)
    assert story.all_times("oom_killed") == [20.0]
    assert story.outcomes(3) == ["reset"]
    assert story.breaks(0) == [(50.0, "lost", "restarted", "crash")]
    assert not story.all_times("sigterm")
    assert _lives(story)[0].ended == "oom_killed"


def test_story_tells_a_crash_as_an_operator_would(tmp_path: Path) -> None:
    """The story of a crash tells who crashed with what on it, not ready, held back, started, listening."""
    story = tell(
        tmp_path,
        [[1.0, 200.0]],
        ONE_POD,
        {"timeline": [{"at": 60.0, "crash": "app"}, {"at": 70.0, "crash": "app"}], "app": {"startup": "1s"}},
    )
    lines = [line.split(maxsplit=2)[2] for line in story.result.story() if line[:1] in "+-"]
    told = "\n".join(lines)
    assert "crashes, 1 session on it" in told
    assert "is not ready any more, its container is down" in told
    assert "crashes, 0 sessions on it" in told
    assert "CrashLoopBackOff" in told
    assert told.count("starts the container") == 2


def test_story_tells_an_unhealthy_container(tmp_path: Path) -> None:
    """The story of a restart by a probe tells why, then preStop, SIGTERM, SIGKILL, and the new start."""
    story = tell(
        tmp_path,
        [[10.0], [10.5]],
        {"deployment": {"replicas": 1, "livenessProbe": {"periodSeconds": 5}, "preStop": "1s", "grace": "20s"}},
        {"app": {"concurrency": 1, "onSigterm": "ignore"}, "run": {"until": "2m"}},
        service_s=60.0,
    )
    told = "\n".join(story.result.story())
    assert "its liveness probe has failed, its container is stopped to be started again" in told
    assert "runs preStop" in told
    assert "SIGKILL would follow in 19 s" in told
    assert "the grace period is over, 1 request in flight cut" in told
    assert "its container is down" in told


def test_load_of_a_pod_forgets_the_sessions_of_a_dead_container(tmp_path: Path) -> None:
    """With the container its sessions leave the load frame, and they count again when they come back."""
    story = tell(
        tmp_path,
        [[1.0, 100.0, 150.0], [2.0, 120.0, 150.0]],
        ONE_POD,
        {"timeline": [{"at": 60.0, "crash": "app"}], "app": {"startup": "1s"}},
    )
    load = story.result.load
    sessions = [(row.time_s, row.sessions) for row in load.itertuples() if row.in_flight == 0 or row.time_s in (60.0,)]
    assert (60.0, 0) in sessions
    at = {row.time_s: row.sessions for row in load.itertuples()}
    assert (at[1.0], at[2.0], at[60.0], at[100.0], at[120.0]) == (1, 2, 0, 1, 2)


_RULES = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]


def _one_crash(tmp_path: Path, code: int, release: str | None = None, **deployment: Any) -> Story:
    crash = {"timeline": [{"at": 100.0, "crash": "app"}], "kubernetes": {"version": release}}
    exits = {"app": {"crash": {"every": "1h", "exitCode": code, "versions": "new"}}, "run": {"until": "5m"}}
    return tell(tmp_path, [[1.0, 200.0]], crash, exits, {"deployment": {"replicas": 1, **deployment}})


def test_a_restart_rule_keeps_the_pod_and_its_address(tmp_path: Path) -> None:
    """For an exit code that a rule names the container restarts in its pod: the cookie matches, the memory is gone.

    See rule P12.
    """
    story = _one_crash(tmp_path, 42, restartPolicy="Never", restartPolicyRules=_RULES)
    (pod,) = story.pods
    assert (pod.restarts, story.answered_by(0)) == (1, [pod.pod, pod.pod])
    assert len(story.breaks(0)) == 1


def test_a_container_that_is_not_restarted_ends_its_pod(tmp_path: Path) -> None:
    """The pod is Failed, its endpoint leaves, and its owner makes another elsewhere.

    See rule P12.
    """
    story = _one_crash(tmp_path, 1, restartPolicy="Never", restartPolicyRules=_RULES)
    first, second = story.pods
    assert (first.restarts, second.created_s) == (0, 100.0)
    assert first.address != second.address
    assert story.when("left", first.pod) == 100.0
    assert story.answered_by(0) == [first.pod, second.pod]
    assert any("is not restarted" in line for line in story.result.story())


def test_an_older_release_restarts_whatever_the_container_says(tmp_path: Path) -> None:
    """The field is dropped there, and that is said."""
    story = _one_crash(tmp_path, 1, "1.34", restartPolicy="Never")
    assert [pod.restarts for pod in story.pods] == [1]
    assert any("deployment.restartPolicy" in text for text in story.result.warnings)


def test_a_stateful_set_makes_a_pod_that_is_over_anew(tmp_path: Path) -> None:
    """A StatefulSet deletes its failed pod, for which no operation is to blame, and makes it again."""
    stateful = {"kind": "StatefulSet", "restartPolicy": "Never"}
    story = tell(
        tmp_path,
        [[1.0, 200.0]],
        {"app": {"crash": {"every": 150.0}}, "deployment": stateful, "run": {"until": "4m"}},
    )
    assert len(story.pods) > 3
    assert all(pod.restarts == 0 for pod in story.pods)
