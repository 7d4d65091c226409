"""The simulated end of a pod against ``pod_timelines.py``, over random grace periods and hooks."""

from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pod_timelines import ShutdownPod, StoppedContainer, cut_short, graceful_shutdown, pod_dead_at_s, pod_termination
from stories import Story, scale_to, tell

from simsticky.kubernetes.pod import termination_timeline

_FEW = settings(max_examples=settings().max_examples // 4)
"""A run takes longer than what hypothesis is made for."""

AT_S = 100.0
HALVES = st.integers(0, 60).map(lambda n: n / 2)
"""Binary fractions, so that times come out exactly."""
HOOKS = st.none() | st.integers(1, 60).map(lambda n: n / 2)
EXITS = st.none() | HALVES
GRACES = st.integers(1, 25)


def _on_sigterm(exit_s: float | None) -> dict[str, Any]:
    return {"listener": "keep", "exit": "never" if exit_s is None else {"after": exit_s}}


def _story(grace_s: int, hook_s: float | None, exit_s: float | None, *layers: dict[str, Any]) -> Story:
    deployment = {"grace": f"{grace_s}s", "preStop": None if hook_s is None else f"{hook_s}s"}
    app = {"onSigterm": _on_sigterm(exit_s)}
    with TemporaryDirectory() as folder:
        return tell(Path(folder), [[1.0, 90.0]], {"deployment": deployment, "app": app}, *layers)


def _on_node_1(story: Story) -> Any:
    (pod,) = (pod for pod in story.pods if pod.node == "node-1" and pod.created_s < 0)
    return pod


@_FEW
@given(
    grace_s=GRACES,
    app=st.tuples(HOOKS, EXITS),
    others=st.lists(st.tuples(st.booleans(), HOOKS, EXITS), max_size=3),
)
def test_a_pod_ends_as_its_timeline_says(
    grace_s: int, app: tuple[float | None, float | None], others: list[tuple[bool, float | None, float | None]]
) -> None:
    """SIGTERM, SIGKILL and the end of every container fall where the kubelet's arithmetic puts them."""
    containers = [StoppedContainer(f"side-{n}", *row) for n, row in enumerate(others)]
    ends = pod_termination([*containers, StoppedContainer("app", False, *app)], grace_s)
    sidecars = [
        {
            "name": one.name,
            "kind": "native" if one.sidecar else "plain",
            "preStop": None if one.pre_stop_s is None else f"{one.pre_stop_s}s",
            "onSigterm": _on_sigterm(one.exit_after_sigterm_s),
        }
        for one in containers
    ]
    story = _story(grace_s, *app, scale_to(2, AT_S), {"deployment": {"sidecars": sidecars}})
    pod, end = story.removed, ends["app"]
    assert pod.sigterm_s == AT_S + end.sigterm_at_s
    assert pod.dead_s == AT_S + end.container_dead_at_s
    assert isnan(pod.sigkill_s) is not end.sigkill
    for one in containers:
        assert story.when("sidecar_sigterm", detail=one.name) == AT_S + ends[one.name].sigterm_at_s
        assert story.when("sidecar_exited", detail=one.name) == AT_S + ends[one.name].container_dead_at_s
    assert pod.removed_s == AT_S + pod_dead_at_s(ends)


@_FEW
@given(grace_s=GRACES, hook_s=HOOKS, exit_s=EXITS, regular_s=st.integers(1, 40), critical_s=st.integers(0, 5))
def test_a_node_shutdown_ends_a_pod_as_its_timeline_says(
    grace_s: int, hook_s: float | None, exit_s: float | None, regular_s: int, critical_s: int
) -> None:
    """A graceful shutdown cuts the grace to its part, and what is not over with the period goes with the machine."""
    periods = {"gracePeriod": f"{regular_s}s", "criticalGracePeriod": f"{critical_s}s"}
    shutdown = {"timeline": [{"at": AT_S, "shutdownNode": "node-1", **periods}]}
    pod = _on_node_1(_story(grace_s, hook_s, exit_s, shutdown, {"kubernetes": {"nodeMonitorPeriod": "0s"}}))
    total_s = regular_s + critical_s
    stop = graceful_shutdown([ShutdownPod("pod", grace_s, hook_s, exit_s)], total_s, critical_s)["pod"]
    assert pod.dead_s == AT_S + min(stop.failed_at_s, total_s)
    assert not pod.deleted_s < AT_S + total_s  # nobody deletes it before its node object is gone


@_FEW
@given(grace_s=GRACES, hook_s=HOOKS, exit_s=EXITS, notice_s=st.integers(1, 40))
def test_a_spot_notice_cuts_the_end_short(
    grace_s: int, hook_s: float | None, exit_s: float | None, notice_s: int
) -> None:
    """A pod evicted on the notice ends by itself, or with its machine when the notice is over."""
    spot = {"timeline": [{"at": AT_S, "spot": "node-1", "notice": f"{notice_s}s"}]}
    pod = _on_node_1(_story(grace_s, hook_s, exit_s, spot))
    end = cut_short(termination_timeline(grace_s, hook_s, exit_s), float(notice_s))
    assert pod.dead_s == AT_S + end.container_dead_at_s
