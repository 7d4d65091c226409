"""Several Kong nodes and workers: what they share through the cookie, and what each has for itself."""

from pathlib import Path
from typing import Any

import pytest
from stories import Story, active, checks, plain, scale_to, tell, verdicts

_NODES: dict[str, Any] = {"gateway": {"nodes": 2, "workers": 2}}
_LONG = [[1.0 + i / 4 + 3.0 * k for k in range(20)] for i in range(6)]
_TALKATIVE = [[1.0 + i / 8 + 2.0 * k for k in range(70)] for i in range(8)]


def _restart(downtime_s: float = 10.0) -> dict[str, Any]:
    return {"timeline": [{"at": 100.0, "gatewayRestart": "kong-1", "downtime": downtime_s}]}


def _nodes_of(story: Story, session: int, from_s: float, to_s: float) -> set[str]:
    return {row.node for row in story.requests(session) if from_s <= row.sent_s < to_s}


def test_cookie_of_one_node_is_honoured_by_all_workers(tmp_path: Path) -> None:
    """Sessions dealt out over four workers by request stay on their pods (rule S1)."""
    story = tell(tmp_path, _LONG, _NODES, {"gateway": {"frontBalancer": "perRequest"}})
    assert all(_nodes_of(story, session, 0.0, 100.0) == {"kong-1", "kong-2"} for session in range(6))
    assert all(len(set(story.answered_by(session))) == 1 for session in range(6))


def test_connection_keeps_its_node(tmp_path: Path) -> None:
    """A session meets one node only, and sessions meet both (rule G2)."""
    story = tell(tmp_path, _LONG, _NODES)
    met = [_nodes_of(story, session, 0.0, 100.0) for session in range(6)]
    assert all(len(nodes) == 1 for nodes in met)
    assert set().union(*met) == {"kong-1", "kong-2"}


def test_each_worker_turns_a_wheel_of_its_own(tmp_path: Path) -> None:
    """Dealt out over four wheels, new sessions do not go round (rule G1)."""
    clients = [[1.0 + i] for i in range(24)]
    alone, four = (
        [story.requests(session)[0].pod for session in range(24)]
        for story in (
            tell(tmp_path, clients, plain("round-robin")),
            tell(tmp_path, clients, plain("round-robin"), _NODES, {"gateway": {"frontBalancer": "perRequest"}}),
        )
    )
    assert alone == alone[:3] * 8
    assert four != four[:3] * 8


def test_other_node_serves_while_one_restarts(tmp_path: Path) -> None:
    """While one of two nodes restarts its sessions go through the other one, to the same pods, without failure."""
    story = tell(tmp_path, _TALKATIVE, {"gateway": {"nodes": 2}}, _restart())
    back_s = story.all_times("pushed")[0]
    own = [session for session in range(8) if _nodes_of(story, session, 0.0, 100.0) == {"kong-1"}]
    assert own
    assert back_s == 110.0
    for session in own:
        assert _nodes_of(story, session, 100.0, back_s) == {"kong-2"}
        assert _nodes_of(story, session, back_s, 200.0) == {"kong-1"}
    assert story.summary["requests_failed"] == story.summary["breaks"] == story.summary["breaks_background"] == 0


def test_restarted_node_is_configured_at_the_next_tick(tmp_path: Path) -> None:
    """KIC pushes at its own tick after the downtime, and the delay of the push comes on top.

    See rule G15.
    """
    story = tell(tmp_path, _TALKATIVE, {"gateway": {"nodes": 2}}, _restart(), {"kic": {"proxySyncSeconds": 3}})
    back_s = story.all_times("pushed")[0]
    assert 110.0 < back_s <= 113.0
    late = tell(
        tmp_path,
        _TALKATIVE,
        {"gateway": {"nodes": 2}},
        _restart(),
        {"kic": {"proxySyncSeconds": 3, "pushDelay": "2s"}},
    )
    assert late.all_times("pushed") == [back_s + 2.0]


def test_restart_of_the_only_node_is_503_until_it_is_back(tmp_path: Path) -> None:
    """Nobody answers while it is away, and afterwards every cookie is good again.

    See rule R3.
    """
    story = tell(tmp_path, _TALKATIVE, _restart(), {"kic": {"proxySyncSeconds": 3}})
    (back_s,) = story.all_times("pushed")
    for session in range(8):
        for row in story.requests(session):
            away = 100.0 <= row.sent_s < back_s
            assert row.outcome == ("no_target" if away else "answered")
        assert len(set(story.answered_by(session))) == 1
    assert story.operation.failed == story.summary["failed.no_target_503"] > 0


def test_restart_loses_health_and_counters(tmp_path: Path) -> None:
    """A verdict is forgotten with the node and comes again by the same count."""
    timeline = [
        {"at": 99.0, "readinessFlap": "app", "for": 60.0, "seenByGateway": True},
        {"at": 117.0, "gatewayRestart": "kong-1", "downtime": 3.0},
    ]
    deployment = {"readinessProbe": {"periodSeconds": 60, "failureThreshold": 10}}
    settings = {"timeline": timeline, "deployment": deployment, "gateway": {"nodes": 2}}
    story = tell(tmp_path, _LONG, settings, checks(**active(5, httpFailures=3)))
    # Configured at 120 s, the first node meets three failures of its own at 125, 130 and 135 s.
    assert [(at_s, what) for at_s, what, _ in verdicts(story, 1)] == [
        (110.0, "unhealthy"),
        (135.0, "unhealthy"),
        (160.0, "healthy"),
    ]
    assert [(at_s, what) for at_s, what, _ in verdicts(story, 2)] == [(110.0, "unhealthy"), (160.0, "healthy")]


def test_node_that_was_away_comes_back_with_the_present_table(tmp_path: Path) -> None:
    """A pod removed meanwhile is not in the table the node is given."""
    timeline = [{"at": 100.0, "gatewayRestart": "kong-1", "downtime": 60.0}, *scale_to(2, 110.0)["timeline"]]
    story = tell(tmp_path, [[1.0 + i, 200.0 + i] for i in range(9)], {"timeline": timeline, "gateway": {"nodes": 2}})
    assert story.removed.removed_s < 160.0
    back = [event for event in story.events if event.kind == "pushed" and event.actor == "kong-1"]
    assert [(event.at_s, event.subject) for event in back] == [(160.0, "2 targets")]
    assert story.summary["requests_failed"] == 0


@pytest.mark.parametrize(("again_at_s", "push_delay_s"), [(120.0, 0.0), (140.0, 20.0)])
def test_latest_of_overlapping_restarts_says_when_the_node_is_back(
    tmp_path: Path, again_at_s: float, push_delay_s: float
) -> None:
    """A second restart is not cut short by the end of the first, be that its downtime or its push on the way (rule
    G15).
    """
    restarts = [(100.0, 30.0), (again_at_s, 60.0), (300.0, 60.0), (310.0, 10.0)]
    timeline = [{"at": at_s, "gatewayRestart": "kong-1", "downtime": downtime_s} for at_s, downtime_s in restarts]
    settings = {"timeline": timeline, "gateway": {"nodes": 2}, "kic": {"pushDelay": push_delay_s}}
    story = tell(tmp_path, [[1.0 + i / 8 + 2.0 * k for k in range(200)] for i in range(8)], settings)
    back = [event.at_s for event in story.events if event.kind == "pushed" and event.actor == "kong-1"]
    assert back == [again_at_s + 60.0 + push_delay_s, 320.0 + push_delay_s]
    assert story.summary["requests_failed"] == 0


# Pushes ---------------------------------------------------------------------------------------------------------------


def test_unchanged_configuration_is_not_pushed(tmp_path: Path) -> None:
    """Ten minutes without a change are ten minutes without a push (rule I4)."""
    assert tell(tmp_path, _LONG, {"kic": {"proxySyncSeconds": 3}}).all_times("pushing") == []


@pytest.mark.parametrize(("push_delay_s", "next_s"), [(2.0, 3.0), (4.0, 4.0), (7.0, 7.0)])
def test_tick_that_comes_during_a_push_is_kept(tmp_path: Path, push_delay_s: float, next_s: float) -> None:
    """After a push longer than its period the next one begins at once.

    See rule I1.
    """
    pushes = {"timeline": [{"at": at_s, "configPush": "all"} for at_s in (100.0, 103.25, 104.0, 130.0)]}
    story = tell(tmp_path, [[1.0]], pushes, {"kic": {"proxySyncSeconds": 3, "pushDelay": push_delay_s}})
    first_s, *others = story.all_times("pushing")
    assert 100.0 < first_s <= 103.0
    assert [at_s - first_s for at_s in others] == pytest.approx([next_s, 30.0 if first_s > 100.0 else 27.0])


def test_churn_pushes_the_same_targets_and_rebuilds(tmp_path: Path) -> None:
    """Unrelated objects cause pushes at ticks of KIC, and round robin begins anew at each.

    See rule I4.
    """
    clients = [[10.0 + i] for i in range(300)]
    churn = {"kic": {"proxySyncSeconds": 3, "configChurn": "6/min"}}
    story = tell(tmp_path, clients, plain("round-robin"), churn)
    pushes = [event for event in story.events if event.kind == "pushing"]
    # 60 are expected in ten minutes, a tick of 3 s merges some: rate (1 - exp(-0.3)) / 3 s, four standard deviations.
    assert 27 <= len(pushes) <= 77
    assert {(event.subject, event.detail) for event in pushes} == {("3 targets", "")}
    phases = {round(event.at_s % 3.0, 6) for event in pushes}
    assert len(phases) == 1
    picked = [story.requests(session)[0].pod for session in range(300)]
    assert picked != picked[:3] * 100


def test_churn_breaks_no_sticky_session(tmp_path: Path) -> None:
    """A rebuild every few seconds moves nobody."""
    story = tell(tmp_path, _TALKATIVE, {"kic": {"configChurn": "20/min"}})
    assert len(story.all_times("pushing")) > 100
    assert story.summary["breaks"] == story.summary["breaks_background"] == 0
