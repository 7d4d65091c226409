"""The preStop hook: a sleep, a command that fails, one that overruns, one that waits until nobody is left."""

from pathlib import Path

from stories import scale_to, tell

_CLIENTS = [[1.0 + i, 50.0 + i, 97.0] for i in range(3)]


def test_hook_that_fails_means_sigterm_at_once(tmp_path: Path) -> None:
    """Where the image has no shell the hook fails, and SIGTERM comes at 0 (FailedPreStopHook).

    See rule D2.
    """
    story = tell(tmp_path, _CLIENTS, scale_to(2), {"deployment": {"preStop": {"fails": True}}})
    assert story.removed.sigterm_s == 100.0
    assert story.when("prestop_failed", story.removed.pod) == 100.0


def test_hook_that_overruns_is_not_waited_for(tmp_path: Path) -> None:
    """At the end of the grace period the kubelet goes on to SIGTERM, with 2 s left before SIGKILL."""
    overrun = {"deployment": {"preStop": "45s", "grace": "30s"}, "app": {"onSigterm": "ignore"}}
    pod = tell(tmp_path, _CLIENTS, scale_to(2), overrun).removed
    assert (pod.prestop_end_s, pod.sigterm_s, pod.sigkill_s) == (130.0, 130.0, 132.0)


def test_wait_until_no_requests_ends_with_the_last_one(tmp_path: Path) -> None:
    """SIGTERM comes when the pod has nothing in service."""
    hook = {"deployment": {"preStop": {"waitUntil": "noRequests", "atMost": "50s"}}}
    pod = tell(tmp_path, _CLIENTS, scale_to(2), hook, service_s=8.0).removed
    assert pod.sigterm_s == 105.0


def test_wait_until_no_requests_of_an_idle_pod_is_over_at_once(tmp_path: Path) -> None:
    """An idle pod gets SIGTERM at the deletion, so this hook alone is no drain window."""
    hook = {"deployment": {"preStop": {"waitUntil": "noRequests", "atMost": "50s"}}}
    assert tell(tmp_path, _CLIENTS, scale_to(2), hook).removed.sigterm_s == 100.0


def test_wait_until_no_sessions_lasts_a_session_timeout_longer(tmp_path: Path) -> None:
    """A pod cannot know that a client has left, only that it timed out (rule D2)."""
    hook = {
        "deployment": {"preStop": {"waitUntil": "noSessions", "atMost": "200s"}, "grace": "300s"},
        "app": {"sessionTimeout": "20s"},
    }
    clients = [[1.0 + i, 90.0, 105.0, 115.0] for i in range(3)]
    story = tell(tmp_path, clients, scale_to(2), hook)
    assert story.removed.sigterm_s == 115.25 + 20.0
    assert story.summary["breaks"] == 0


def test_wait_gives_up_at_most_then(tmp_path: Path) -> None:
    """With clients that never leave the hook ends after it, and they break."""
    hook = {
        "deployment": {"preStop": {"waitUntil": "noSessions", "atMost": "40s"}, "grace": "60s"},
        "app": {"sessionTimeout": "20s"},
    }
    clients = [[81.0 + i, *(90.0 + 10 * k for k in range(10))] for i in range(3)]
    story = tell(tmp_path, clients, scale_to(2), hook)
    assert story.removed.sigterm_s == 140.0
    (session,) = story.at_home_on(story.removed.pod)
    assert story.breaks(session) == [(140.0, "lost", "target_removed", "drain_window_too_short")]


def test_pod_serves_as_ever_during_the_hook(tmp_path: Path) -> None:
    """During preStop the application takes connections and knows of nothing."""
    clients = [[1.0 + i, 101.0, 110.0, 129.0] for i in range(3)]
    story = tell(tmp_path, clients, scale_to(2))
    (session,) = story.at_home_on(story.removed.pod)
    assert story.answered_by(session) == [story.removed.pod] * 4
    assert {row.started_s - row.sent_s for row in story.requests(session)} == {0.0}
