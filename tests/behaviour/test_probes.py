"""Probes: on ticks, from an initial delay that ends on a tick, with thresholds."""

from pathlib import Path
from typing import Any

import pytest
from stories import scale_to, tell


def _ready_after(tmp_path: Path, startup: str, probe: dict[str, Any], **more: Any) -> float:
    story = tell(
        tmp_path,
        [[1.0]],
        scale_to(4),
        {"deployment": {"readinessProbe": probe, **more}, "app": {"startup": startup}},
    )
    return float(story.pods[-1].ready_s - story.pods[-1].started_s)


@pytest.mark.parametrize(
    ("startup", "probe", "ready_s"),
    [
        ("0s", {"periodSeconds": 10}, 0.0),
        ("5s", {"periodSeconds": 10}, 10.0),
        ("10s", {"periodSeconds": 10}, 10.0),
        ("10.5s", {"periodSeconds": 10}, 20.0),
        ("0s", {"periodSeconds": 10, "initialDelaySeconds": 5}, 10.0),
        ("0s", {"periodSeconds": 3, "initialDelaySeconds": 7}, 9.0),
        ("0s", {"periodSeconds": 10, "successThreshold": 3}, 20.0),
    ],
)
def test_ready_on_a_tick(startup: str, probe: dict[str, Any], ready_s: float, tmp_path: Path) -> None:
    """A probe looks at 0, 1, 2, … periods, and the initial delay rounds up to one of them."""
    assert _ready_after(tmp_path, startup, probe) == ready_s


def test_ticks_start_when_the_kubelet_sees_the_container(tmp_path: Path) -> None:
    """The first look comes with the status update, not with the container.

    See rules P2 and P3.
    """
    story = tell(
        tmp_path,
        [[1.0]],
        scale_to(4),
        {
            "deployment": {"readinessProbe": {"periodSeconds": 10}},
            "app": {"startup": "5s"},
            "kubernetes": {"statusUpdate": 0.75},
        },
    )
    assert story.pods[-1].ready_s - story.pods[-1].started_s == 10.75


def test_startup_probe_holds_the_readiness_probe_back(tmp_path: Path) -> None:
    """Readiness is looked at once the startup probe has passed (rule P3)."""
    startup = {"periodSeconds": 4, "failureThreshold": 30}
    assert _ready_after(tmp_path, "5s", {"periodSeconds": 1}, startupProbe=startup) == pytest.approx(8.0, abs=1.0)


def test_without_a_probe_a_running_pod_is_ready_and_refuses(tmp_path: Path) -> None:
    """A pod without a readiness probe is listed at once, and refuses until it has started.

    See rules P2 and P3.
    """
    clients = [[101.0 + i / 4] for i in range(8)]
    story = tell(tmp_path, clients, scale_to(4), {"app": {"startup": "30s"}})
    assert story.pods[-1].ready_s == 100.0
    rows = [story.requests(session)[0] for session in range(8)]
    assert {row.outcome for row in rows} == {"answered"}
    assert {row.attempts for row in rows} == {1, 2}
    assert story.pods[-1].pod not in {row.pod for row in rows}


def test_pods_that_fall_behind_are_dropped_and_come_back(tmp_path: Path) -> None:
    """Full queues fail the probes, KIC drops the pods, and takes them back later."""
    busy = {
        "deployment": {"readinessProbe": {"periodSeconds": 5, "failureThreshold": 2}, "replicas": 2},
        "app": {"concurrency": 1},
    }
    story = tell(tmp_path, [[10.0], [11.0], [30.0], [60.0]], busy, service_s=30.0)
    # Two ticks 5 s apart fall between 11 s and 21 s; from 40 s and 41 s on the queues are empty again.
    assert all(15.0 < at_s <= 21.0 for at_s in story.all_times("unready")[:2])
    assert all(39.0 <= at_s <= 46.0 for at_s in story.all_times("ready")[:2])
    assert [story.outcomes(session) for session in range(4)] == [
        ["answered"],
        ["answered"],
        ["no_target"],
        ["answered"],
    ]
