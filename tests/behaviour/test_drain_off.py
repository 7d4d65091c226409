"""What breaks when a pod goes: with drain support off at the push, with it on at the pod's end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from stories import DRAIN_OFF, merged, scale_to, tell

_EVERY_5_S = [[1.0 + i, *(100.5 + i / 4 + 5.0 * k for k in range(24))] for i in range(9)]
"""Nine clients, three a pod, each sending every 5 s from just after the scale-down at 100 s on."""


def _polled(pre_stop_s: float, *more: Mapping[str, Any]) -> dict[str, Any]:
    deployment = {"deployment": {"preStop": pre_stop_s, "grace": pre_stop_s + 30}}
    return merged(scale_to(2), {"kic": {"proxySyncSeconds": 3, "pushDelay": "200ms"}}, deployment, *more)


def _first_after(sends: list[float], moment_s: float) -> float:
    return next(sent_s for sent_s in sends if sent_s >= moment_s)


def test_off_every_session_breaks_at_its_first_request_after_the_push(tmp_path: Path) -> None:
    """All sessions of the removed pod break, at the first request the new table sees."""
    story = tell(tmp_path, _EVERY_5_S, _polled(30, DRAIN_OFF))
    pushed_s = story.pushed(f"-{story.removed.pod}")
    assert 100.2 <= pushed_s <= 103.2
    bound = story.at_home_on(story.removed.pod)
    assert len(bound) == 3
    for session in range(9):
        due_s = _first_after(_EVERY_5_S[session], pushed_s)
        expected = [(due_s, "lost", "target_removed", "drain_off")] if session in bound else []
        assert story.breaks(session) == expected


@pytest.mark.parametrize("pre_stop_s", [5, 10, 40])
def test_off_the_count_does_not_depend_on_prestop(pre_stop_s: float, tmp_path: Path) -> None:
    """With drain off a longer preStop saves nobody, beyond sync and push."""
    story = tell(tmp_path, _EVERY_5_S, _polled(pre_stop_s, DRAIN_OFF))
    assert (story.summary["breaks"], story.summary["exposed_sessions"]) == (3, 3)
    assert story.summary["origin.drain_off"] == 3


def test_off_a_listener_that_closes_before_the_push_refuses_and_the_retry_breaks(tmp_path: Path) -> None:
    """Without preStop the first request is refused, tried again elsewhere, and broken."""
    sends = [[1.0 + i, 100.0, 150.0 + i] for i in range(3)]
    at_once = {"deployment": {"preStop": None}, "kic": {"pushDelay": "1s"}}
    story = tell(tmp_path, sends, _polled(0, DRAIN_OFF, at_once))
    (session,) = story.at_home_on(story.removed.pod)
    assert story.removed.listener_closed_s == 100.0 < story.pushed(f"-{story.removed.pod}")
    second = story.requests(session)[1]
    assert (second.attempts, second.outcome) == (2, "answered")
    assert story.breaks(session) == [(100.0, "lost", "refused", "race")]
    assert story.summary["requests_failed"] == 0


@pytest.mark.parametrize("pre_stop_s", [10, 30, 60])
def test_on_exactly_those_break_that_still_send_after_the_pod_stopped_answering(
    pre_stop_s: float, tmp_path: Path
) -> None:
    """The number of breaks is the number of sessions that outlive the drain window."""
    clients = [[1.0 + i, *(101.0 + i / 4 + 4.0 * k for k in range(1 + 2 * i))] for i in range(12)]
    story = tell(tmp_path, clients, _polled(pre_stop_s))
    stopped_s = story.removed.listener_closed_s
    assert stopped_s == 100.0 + pre_stop_s
    bound = story.at_home_on(story.removed.pod)
    late = [session for session in bound if clients[session][-1] >= stopped_s]
    assert [session for session in range(12) if story.breaks(session)] == late
    for session in late:
        ((sent_s, broke, _, origin),) = story.breaks(session)
        assert (sent_s, broke, origin) == (_first_after(clients[session], stopped_s), "lost", "drain_window_too_short")
    assert story.summary["broken_exposed_sessions"] == len(late)
    assert story.summary["exposed_sessions"] == len(bound)


def test_on_and_killed_the_origin_is_the_kill(tmp_path: Path) -> None:
    """An application that ignores SIGTERM serves until SIGKILL, and that is what broke it."""
    story = tell(tmp_path, _EVERY_5_S, _polled(10, {"app": {"onSigterm": "ignore"}}))
    assert story.removed.sigkill_s == 140.0
    for session in story.at_home_on(story.removed.pod):
        ((sent_s, _, _, origin),) = story.breaks(session)
        assert (sent_s, origin) == (_first_after(_EVERY_5_S[session], 140.0), "killed")


def test_each_node_breaks_sessions_by_its_own_push(tmp_path: Path) -> None:
    """One node still sends to the pod while the other has removed it, since each has a table of its own (rule I3)."""
    nodes = {
        "gateway": {"nodes": 2, "frontBalancer": "perRequest"},
        "kic": {"pushDelay": {"kind": "uniform", "low": 1, "high": 40}, "proxySyncSeconds": 0},
    }
    story = tell(tmp_path, _EVERY_5_S, _polled(60, DRAIN_OFF, nodes), seed=3)
    gone = f"-{story.removed.pod}"
    pushed_s = {f"kong-{node}": story.pushed(gone, node) for node in (1, 2)}
    early, late = sorted(pushed_s.values())
    assert late - early > 5.0
    stayed = 0
    for session in story.at_home_on(story.removed.pod):
        rows = story.requests(session)[1:]
        leaves = next(row for row in rows if row.sent_s >= pushed_s[row.node])
        assert story.breaks(session)[0] == (leaves.sent_s, "lost", "target_removed", "drain_off")
        before = [row for row in rows if row.sent_s < leaves.sent_s]
        assert all(row.pod == story.removed.pod for row in before)
        stayed += sum(row.sent_s >= early for row in before)
    assert stayed > 0


def test_session_born_on_a_terminating_pod_is_counted_apart(tmp_path: Path) -> None:
    """A session placed between deletion and push is not one of the exposed (rule B8)."""
    clients = [[1.0], [2.0], [3.0], *([100.5 + i / 4, 150.0 + i] for i in range(3))]
    story = tell(tmp_path, clients, _polled(30, {"kic": {"pushDelay": "5s"}}))
    (born,) = [session for session in story.at_home_on(story.removed.pod) if session >= 3]
    assert story.operation.born_on_terminating == 1
    assert story.operation.born_broken == 1
    assert story.operation.exposed == 0
    assert story.breaks(born)[0][3] == "drain_window_too_short"


def test_without_a_jar_breaks_are_background(tmp_path: Path) -> None:
    """A client without cookies wanders and no operation is to blame."""
    story = tell(tmp_path, _EVERY_5_S, _polled(30), {"traffic": {"cookies": {"keep": 0}}})
    broke = {(mechanism, origin) for session in range(9) for _, _, mechanism, origin in story.breaks(session)}
    assert broke == {("no_cookie", "background")}
    assert story.summary["breaks"] == 0
    assert story.summary["breaks_background"] > 100


def test_session_that_comes_back_after_its_timeout_is_background(tmp_path: Path) -> None:
    """State that the application has forgotten is lost by nobody's operation (rule B3)."""
    clients = [[1.0, 20.0, 80.0], [2.0, 20.0, 50.0, 80.0]]
    story = tell(tmp_path, clients, {"app": {"sessionTimeout": "40s"}})
    assert story.breaks(0) == [(80.0, "lost", "expired", "background")]
    assert story.breaks(1) == []
    assert story.summary["breaks"] == 0


def test_state_outside_the_pods_never_breaks(tmp_path: Path) -> None:
    """Sessions move and lose nothing, and each request pays the way to the store.

    See rule B1.
    """
    external = {"app": {"state": "external", "externalLatency": 0.125}}
    story = tell(tmp_path, _EVERY_5_S, _polled(10, external))
    assert story.summary["breaks"] == story.summary["breaks_background"] == 0
    moved = story.at_home_on(story.removed.pod)[0]
    assert len(set(story.answered_by(moved))) == 2
    assert {row.ended_s - row.sent_s for row in story.requests(moved)} == {0.375}
