"""The end of one container, for every row of the table and on any clock."""

import math
from pathlib import Path
from typing import Any

import pytest
from stories import Story, scale_to, tell


def _ended(tmp_path: Path, case: dict[str, Any], notice_s: float, at_s: float = 100.0) -> Story:
    exit_s = case["app_exit_after_sigterm_s"]
    exits = {None: "never", 0: "immediately"}.get(exit_s, {"after": exit_s})
    return tell(
        tmp_path,
        [[1.0]],
        scale_to(2, at_s),
        {
            "deployment": {"grace": case["termination_grace_s"], "preStop": case["pre_stop_s"]},
            "app": {"onSigterm": {"listener": "close", "exit": exits}},
            "kubernetes": {"kubeletNotice": notice_s},
        },
    )


@pytest.mark.table("kubernetes", "DERIVED_termination_timeline", "cases")
@pytest.mark.parametrize("notice_s", [0.0, 0.1, 1.7])
def test_container_ends_as_the_table_says(case: dict[str, Any], notice_s: float, tmp_path: Path) -> None:
    """The hook counts inside the grace period, in whole seconds, and at least 2 s are left.

    See rules D2 and D3.
    """
    pod = _ended(tmp_path, case, notice_s).removed
    assert pod.deleted_s == 100.0
    begun_s = 100.0 + notice_s
    assert pod.sigterm_s == pytest.approx(begun_s + case["expect_sigterm_at_s"], abs=1e-9)
    assert pod.dead_s == pytest.approx(begun_s + case["expect_container_dead_at_s"], abs=1e-9)
    if case["expect_sigkill"]:
        assert pod.sigkill_s == pod.dead_s
    else:
        assert math.isnan(pod.sigkill_s)


@pytest.mark.table("kubernetes", "DERIVED_termination_timeline", "cases")
def test_story_tells_the_stop_timeout(case: dict[str, Any], tmp_path: Path) -> None:
    """The story's line on SIGTERM says how long the application is given."""
    story = _ended(tmp_path, case, 0.0)
    story.when("sigterm", story.removed.pod, f"in {case['expect_stop_timeout_s']} s")


@pytest.mark.parametrize("at_s", [100.1, 123.3, 257.9, 311.7])
def test_whole_seconds_of_the_hook_survive_an_odd_clock(at_s: float, tmp_path: Path) -> None:
    """(t + 30) - t may be a rounding error short of 30, and yet SIGKILL does not move by a second."""
    case = {"termination_grace_s": 60, "pre_stop_s": 30, "app_exit_after_sigterm_s": None}
    pod = _ended(tmp_path, case, 0.3, at_s).removed
    assert pod.dead_s - pod.sigterm_s == pytest.approx(30.0, abs=1e-9)


@pytest.mark.parametrize(
    ("on_sigterm", "dead_s", "outcomes"),
    [
        ("finishInFlight", 140.0, ["answered"] * 3),
        ("exit", 130.0, ["answered", "reset", "reset"]),
        ({"listener": "close", "exit": {"after": "6s"}}, 136.0, ["answered", "answered", "reset"]),
        ("ignore", 160.0, ["answered"] * 3),
    ],
)
def test_application_does_on_sigterm_what_it_is_said_to(
    tmp_path: Path, on_sigterm: Any, dead_s: float, outcomes: list[str]
) -> None:
    """Of three requests of 5 s in one slot, the first is over at SIGTERM, at 130 s (rule D4)."""
    # Of three sessions in a row each pod has one.
    clients = [[1.0 + 6.0 * number, 125.0 + number // 3] for number in range(9)]
    app = {"app": {"onSigterm": on_sigterm, "concurrency": 1}}
    story = tell(tmp_path, clients, scale_to(2), app, service_s=5.0)
    there = story.at_home_on(story.removed.pod)
    assert story.removed.dead_s == dead_s
    assert [story.outcomes(session)[1] for session in there] == outcomes


def test_readiness_of_a_deleted_pod_stops_mattering(tmp_path: Path) -> None:
    """In a full queue probes fail on all pods, and the draining one is left alone (rule D6)."""
    probe = {"deployment": {"readinessProbe": {"periodSeconds": 1, "failureThreshold": 1}}, "app": {"concurrency": 1}}
    story = tell(tmp_path, [[1.0 + i, 105.0] for i in range(3)], scale_to(2), probe, service_s=6.0)
    unready = {event.subject for event in story.events if event.kind == "unready" and event.at_s > 100.0}
    assert unready == {pod.pod for pod in story.left}


def test_pod_that_is_deleted_before_its_container_runs_just_goes(tmp_path: Path) -> None:
    """A pod that is deleted while it starts has no SIGTERM, no endpoint and no request."""
    slow = {"kubernetes": {"containerStart": "1m"}}
    timeline = {
        "timeline": [{"at": 100, "scale": "app", "replicas": 4}, {"at": 110, "scale": "app", "replicas": 3}],
    }
    pod = tell(tmp_path, [[1.0]], timeline, slow).removed
    assert (pod.created_s, pod.scheduled_s, pod.deleted_s, pod.removed_s) == (100.0, 100.0, 110.0, 110.0)
    assert pod.started_s != pod.started_s
    assert pod.sigterm_s != pod.sigterm_s


def test_forced_deletion_removes_the_object_at_once_and_kills_2_s_after_sigterm(tmp_path: Path) -> None:
    """Object and endpoint go at once, and the container runs on until the runtime kills it (rule D7)."""
    story = tell(
        tmp_path,
        [[1.0, 101.0], [1.25, 101.0], [1.5, 101.0]],
        {"timeline": [{"at": 100.0, "deletePod": "app", "force": True}]},
        {"deployment": {"preStop": None}, "app": {"onSigterm": "ignore"}},
    )
    pod = story.removed
    assert (pod.deleted_s, pod.removed_s, pod.endpoint_gone_s) == (100.0, 100.0, 100.0)
    assert (pod.sigterm_s, pod.sigkill_s, pod.dead_s) == (100.0, 102.0, 102.0)
    assert story.pushed(f"-{pod.pod}") == 100.0
    (bound,) = story.at_home_on(pod.pod)
    assert story.breaks(bound)[0][:3] == (101.0, "lost", "target_removed")


def test_forced_deletion_gives_a_hook_one_second(tmp_path: Path) -> None:
    """With the kubelet's minimum grace a hook runs for 1 s, and SIGTERM and SIGKILL follow."""
    story = tell(
        tmp_path,
        [[1.0]],
        {"timeline": [{"at": 100.0, "deletePod": "app", "force": True}]},
        {"app": {"onSigterm": "ignore"}},
    )
    assert (story.removed.prestop_end_s, story.removed.sigterm_s, story.removed.dead_s) == (101.0, 101.0, 103.0)
