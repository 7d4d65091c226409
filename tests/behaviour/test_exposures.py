"""Who is bound, who is exposed to which operation, and whose a break is (docs/model.md, rules B5, B6 and B13)."""

from pathlib import Path
from typing import Any

import pytest
from stories import DRAIN_OFF, Story, hashed, merged, plain, rollout, scale_to, tell

# Sixty clients, each with one request before 100 s and one after 130 s.
PAIRS = [[50.0 + i / 4, 130.0 + i / 4] for i in range(60)]
BY_HEADER = hashed(header="x-user")
HELD = {"traffic": {"connections": {"kind": "long-lived"}}}
GREEN = {"companions": [{"name": "green", "replicas": 3}]}


def _timeline(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"timeline": list(entries)}


def _exposed(story: Story) -> list[tuple[int, int, str]]:
    """Session, operation and how, of each exposure."""
    frame = story.result.exposures
    return [(row.session, row.operation, row.how) for row in frame.itertuples(index=False)]


def _broken(story: Story) -> set[int]:
    return {row.session for row in story._requests if row.broke}


# Retargeting ----------------------------------------------------------------------------------------------------


def test_a_larger_ring_exposes_the_sessions_that_it_moves(tmp_path: Path) -> None:
    """Whom a scale-up moves is exposed to it, and breaks; the others are not exposed.

    See rule B11.
    """
    story = tell(tmp_path, PAIRS, BY_HEADER, scale_to(4))
    moved = _broken(story)
    assert 5 < len(moved) < 30
    assert _exposed(story) == [(session, 1, "rehashed") for session in sorted(moved)]
    assert set(story.result.exposures["at_s"]) == {story.all_times("pushed")[-1]}
    assert (story.operation.exposed, story.operation.broken) == (len(moved), len(moved))
    assert story.summary["broken_sessions"] == 1.0
    assert story.summary["broken_of_alive"] == len(moved) / 60


def test_what_is_undone_before_the_next_request_exposes_nobody(tmp_path: Path) -> None:
    """Up and down again between two requests moves no key that anybody has missed."""
    story = tell(tmp_path, PAIRS, BY_HEADER, _timeline({"at": 80, "scale": "app", "replicas": 4}))
    there = tell(
        tmp_path,
        PAIRS,
        BY_HEADER,
        {"deployment": {"preStop": "0s"}},
        _timeline({"at": 80, "scale": "app", "replicas": 4}, {"at": 100, "scale": "app", "replicas": 3}),
    )
    assert _exposed(story) != []
    assert _exposed(there) == []
    assert _broken(there) == set()


def test_a_push_with_two_changes_names_the_operation_of_each(tmp_path: Path) -> None:
    """One push brings the changes of two operations; the cause of a key's move is the one that moved it first."""
    both = _timeline(
        {"at": 80, "scale": "app", "replicas": 4}, {"at": 81, "readinessFlap": "app", "count": 1, "for": "300s"}
    )
    probed = {"deployment": {"readinessProbe": {"periodSeconds": 1, "failureThreshold": 1}}}
    story = tell(tmp_path, PAIRS, BY_HEADER, probed, both, {"kic": {"proxySyncSeconds": 40}})
    by_operation = {operation: how for _, operation, how in _exposed(story)}
    assert by_operation == {1: "rehashed", 2: "removed"}
    # The probe fails before the new pod is ready, so the flap is the first to take the keys of its pod.
    flapping = story.pods[0].pod
    alone = tell(tmp_path, PAIRS, BY_HEADER, probed, _timeline(both["timeline"][0]), {"kic": {"proxySyncSeconds": 40}})
    by_scale = {session for session, _, _ in _exposed(alone)}
    by_flap = set(story.at_home_on(flapping))
    assert by_scale & by_flap
    assert {(session, operation) for session, operation, _ in _exposed(story)} == {
        *((session, 2) for session in by_flap),
        *((session, 1) for session in by_scale - by_flap),
    }


@pytest.mark.parametrize(("lasts", "exposed"), [("10s", False), ("100s", True)])
def test_a_flap_exposes_those_who_come_while_it_shows(tmp_path: Path, lasts: str, exposed: bool) -> None:
    """A flap exposes those whom the gateway sends elsewhere, and nobody when it is over before they come."""
    probed = {"deployment": {"readinessProbe": {"periodSeconds": 1, "failureThreshold": 1}}}
    flap = _timeline({"at": 100, "readinessFlap": "app", "count": 1, "for": lasts})
    story = tell(tmp_path, PAIRS, probed, flap)
    home = story.at_home_on(story.pods[0].pod)
    assert _exposed(story) == ([(session, 1, "removed") for session in home] if exposed else [])
    assert story.operation.broken == story.operation.exposed == (len(home) if exposed else 0)


# Bound ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "upstream",
    [plain("round-robin"), plain("least-connections"), {"traffic": {"cookies": {"keep": 0}}}],
    ids=["round-robin", "least-connections", "without a jar"],
)
def test_who_is_bound_to_nothing_is_not_exposed(tmp_path: Path, upstream: dict[str, Any]) -> None:
    """An operation cannot take from a session what it did not have."""
    story = tell(tmp_path, PAIRS, upstream, scale_to(1), DRAIN_OFF)
    assert _exposed(story) == []
    assert story.summary["sticky_bound_sessions"] == 0
    assert story.summary["breaks"] == 0
    assert story.summary["breaks_background"] > 0
    assert story.summary["broken_sessions"] is None
    assert story.summary["broken_any_cause"] > 0.3


def test_state_that_has_expired_is_not_exposed(tmp_path: Path) -> None:
    """What the pod has forgotten before its deletion, the deletion does not take."""
    kept = tell(tmp_path, PAIRS, scale_to(1), DRAIN_OFF, {"app": {"sessionTimeout": "60s"}})
    gone = tell(tmp_path, PAIRS, scale_to(1), DRAIN_OFF, {"app": {"sessionTimeout": "20s"}})
    assert kept.operation.exposed == kept.operation.broken > 30
    assert (gone.operation.exposed, gone.operation.broken) == (0, 0)
    assert gone.summary["background.expired"] == 60


def test_a_cookie_that_covers_one_of_the_paths_binds(tmp_path: Path) -> None:
    """A request of its own, on a path that the cookie covers, would go there."""
    paths = {"paths": [{"path": "/shop", "share": 0.5}, {"path": "/api", "share": 0.5}]}
    cookie = {"upstream": {"stickySessions": {"cookie": "session_id", "cookiePath": "/shop"}}, "traffic": paths}
    story = tell(tmp_path, PAIRS, cookie, scale_to(1), DRAIN_OFF)
    exposed = {session for session, _, _ in _exposed(story)}
    deleted = {pod.pod for pod in story.pods if pod.deleted_s == pod.deleted_s}
    assert exposed == {session for session in range(60) if story.answered_by(session)[0] in deleted}


# Connections ----------------------------------------------------------------------------------------------------


def test_a_restarting_node_exposes_those_whose_connection_it_closes(tmp_path: Path) -> None:
    """The connection bound the session, and what its loss breaks is the restart's."""
    two = {"gateway": {"nodes": 2}}
    restart = _timeline({"at": 100, "gatewayRestart": "kong-1"})
    story = tell(tmp_path, PAIRS, plain("round-robin"), HELD, two, restart)
    on_it = {row.session for row in story._requests if row.node == "kong-1" and row.sent_s < 100.0}
    assert 10 < len(on_it) < 50
    assert _exposed(story) == [(session, 1, "disconnected") for session in sorted(on_it)]
    assert _broken(story) <= on_it
    assert story.operation.broken == len(_broken(story)) > 0


# Unions ---------------------------------------------------------------------------------------------------------


def test_a_session_counts_once_however_many_operations_it_meets(tmp_path: Path) -> None:
    """Two rollouts, one session each in numerator and denominator; per entry it counts in both.

    See rule B15.
    """
    clients = [[50.0 + i / 4, 150.0 + i / 4, 260.0 + i / 4] for i in range(40)]
    both = _timeline({"at": 100, "rollout": "app"}, {"at": 200, "rollout": "app"})
    story = tell(tmp_path, clients, both, DRAIN_OFF)
    assert story.summary["exposed_sessions"] == story.summary["broken_exposed_sessions"] == 40
    assert story.summary["alive_sessions"] == story.summary["broken_alive_sessions"] == 40
    for entry in ("1", "2"):
        assert story.summary[f"entries.{entry}.exposed_sessions"] == 40
        assert story.summary[f"entries.{entry}.broken_alive_sessions"] == 40


def test_repeats_of_an_entry_are_one(tmp_path: Path) -> None:
    """What `every` repeats counts a session once (rule O7)."""
    clients = [[50.0 + i / 4, 150.0 + i / 4, 260.0 + i / 4] for i in range(40)]
    twice = _timeline({"at": 100, "rollout": "app", "every": "100s", "times": 2})
    story = tell(tmp_path, clients, twice, DRAIN_OFF)
    assert [row.exposed for row in story.result.operations.itertuples()] == [40, 40]
    assert story.summary["entries.1.exposed_sessions"] == story.summary["exposed_sessions"] == 40


def test_what_exposes_nobody_is_in_no_denominator(tmp_path: Path) -> None:
    """A push, a scale to what is there, and a switch to where the route leads already dilute no share.

    See rule B7.
    """
    late = [[205.0 + i / 4, 400.0] for i in range(100)]
    harmless = (
        {"at": 210, "configPush": "all"},
        {"at": 220, "scale": "app", "replicas": 3},
        {"at": 230, "switchService": "shop", "to": "app"},
    )
    switch = {**GREEN, "service": {"name": "shop"}}
    alone = tell(tmp_path, PAIRS + late, switch, rollout(), DRAIN_OFF)
    more = tell(tmp_path, PAIRS + late, switch, DRAIN_OFF, _timeline({"at": 100, "rollout": "app"}, *harmless))
    assert alone.summary["broken_of_alive"] == more.summary["broken_of_alive"] == 1.0
    assert alone.summary["alive_sessions"] == more.summary["alive_sessions"] == 60
    for number in ("2", "3", "4"):
        assert more.summary[f"entries.{number}.alive_sessions"] == 0
        assert more.summary[f"entries.{number}.exposed_sessions"] == 0


def test_emptying_the_old_side_adds_nothing_to_the_switch(tmp_path: Path) -> None:
    """When the old side is scaled to 0 after the switch has come through, it has nobody left to expose."""
    clients = [[50.0 + i / 8, 130.0 + i / 2, 170.0 + i / 2] for i in range(60)]
    switch, empty = {"at": 100, "switchService": "shop", "to": "green"}, {"at": 140, "scale": "app", "replicas": 0}
    shop = {**GREEN, "service": {"name": "shop"}}
    alone = tell(tmp_path, clients, shop, _timeline(switch))
    both = tell(tmp_path, clients, shop, _timeline(switch, empty))
    assert sorted(_exposed(alone)) == sorted(_exposed(both)) == [(session, 1, "unrouted") for session in range(60)]
    for name in ("exposed_sessions", "broken_exposed_sessions", "alive_sessions", "broken_alive_sessions"):
        assert alone.summary[name] == both.summary[name] == 60
    assert both.summary["entries.2.exposed_sessions"] == 0


# Any cause ------------------------------------------------------------------------------------------------------


def test_nothing_but_failures_counts_as_broken_by_any_cause(tmp_path: Path) -> None:
    """With no pods left nobody is answered wrongly, and everybody fails (rule B14)."""
    story = tell(tmp_path, PAIRS, scale_to(0))
    assert story.summary["broken_exposed_sessions"] == 0
    assert story.summary["exposed_sessions"] == 60
    assert (story.summary["any_cause_sessions"], story.summary["broken_any_cause_sessions"]) == (60, 60)


def test_an_answer_from_the_right_pod_is_no_failure(tmp_path: Path) -> None:
    """A session that was answered once since the operation's start, and failed afterwards, is not broken by failing."""
    clients = [[50.0 + i / 4, 101.0 + i, 190.0] for i in range(20)]
    story = tell(tmp_path, clients, scale_to(0), {"kic": {"proxySyncSeconds": 20}})
    served = {session for session in range(20) if story.outcomes(session)[1] == "answered"}
    assert story.summary["any_cause_sessions"] == 20
    assert story.summary["broken_any_cause_sessions"] == 20 - len(served)
    assert 0 < len(served) < 20


def test_those_still_open_at_the_end_are_left_out_and_counted(tmp_path: Path) -> None:
    """Nobody knows how they end, and a warning says so (rule B14)."""
    clients = [[50.0 + i / 4, 130.0 + i / 4, 1000.0] for i in range(10)]
    story = tell(tmp_path, clients, scale_to(1), DRAIN_OFF, {"run": {"until": "200s"}})
    assert (story.summary["any_cause_sessions"], story.summary["any_cause_left_out"]) == (0, 10)
    assert story.summary["broken_any_cause"] is None
    assert any("broken_any_cause is not known" in text for text in story.result.warnings)


def test_without_operations_it_is_about_those_that_began_and_ended_in_the_run(tmp_path: Path) -> None:
    """Without a timeline, broken by any cause is about the sessions that began and ended in the run."""
    clients = [[50.0 + i / 4, 130.0 + i / 4] for i in range(10)] + [[60.0, 1000.0]]
    clients.sort()
    story = tell(tmp_path, clients, plain("round-robin"), {"run": {"until": "200s", "settle": "51s"}})
    assert story.summary["any_cause_left_out"] == 0
    assert story.summary["any_cause_sessions"] == sum(sends[0] >= 51.0 and sends[-1] < 200.0 for sends in clients)
    assert story.summary["broken_any_cause"] == 1.0
    assert tell(tmp_path, clients, {"run": {"until": "200s"}}).summary["broken_any_cause"] == 0.0


def test_listed_before_it_listens_is_counted(tmp_path: Path) -> None:
    """A new pod without a readiness probe is sent requests while it starts."""
    clients = [[60.0 + i, 61.0 + i] for i in range(100)]
    story = tell(tmp_path, clients, scale_to(4), {"app": {"startup": "20s"}, "gateway": {"retries": 0}})
    failed = [row for row in story._requests if row.outcome == "bad_gateway"]
    assert len(failed) == story.summary["failed_before_listening"] > 0
    assert all(row.operation == 1 for row in failed)
    assert any("listed before their application listens" in text for text in story.result.warnings)
    probed = merged({"app": {"startup": "20s"}}, {"deployment": {"readinessProbe": {"periodSeconds": 1}}})
    assert tell(tmp_path, clients, scale_to(4), probed).summary["failed_before_listening"] == 0
