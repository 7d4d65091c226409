"""Long-lived connections: what binds a session while its connection is open, what cuts it, how clients come back."""

from pathlib import Path
from typing import Any

import pytest
from stories import DRAIN_OFF, SERVICE_S, Story, merged, plain, rollout, scale_to, tell

from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

NOW_AND_THEN = [[1.0 + i, 50.0 + i, 105.0 + i, 140.0 + i, 170.0 + i] for i in range(3)]
"""Three clients, one a pod; the pod that goes is deleted at 100 s and exits at 130 s."""
IGNORES = {"app": {"onSigterm": {"listener": "close", "exit": "never"}}}
WHEN_IDLE = {"app": {"onSigterm": "finishInFlight"}}


def held(**reconnect: Any) -> dict[str, Any]:
    """Return traffic over long-lived connections, by default without jitter."""
    return {"traffic": {"connections": {"kind": "long-lived", "reconnect": {"jitter": "none", **reconnect}}}}


def cut_off(story: Story, pod: str | None = None) -> list[Any]:
    """Return the requests of the only session that was at home on a pod, by default the one removed."""
    (session,) = story.at_home_on(story.removed.pod if pod is None else pod)
    return story.requests(session)


def connects(rows: list[Any]) -> list[float]:
    """Return when connects were sent."""
    return [row.sent_s for row in rows if row.connect]


# While the connection is open -----------------------------------------------------------------------------------------


def test_first_request_connects_and_the_others_are_messages(tmp_path: Path) -> None:
    """A session is one connect, then messages to the same pod, numbered on (rule V1)."""
    rows = tell(tmp_path, NOW_AND_THEN, held()).requests(0)
    assert [(row.request, row.connect) for row in rows] == [(1, True), (2, False), (3, False), (4, False), (5, False)]
    assert len({row.pod for row in rows}) == 1


@pytest.mark.parametrize("table", [{}, DRAIN_OFF])
def test_messages_go_on_whatever_the_table_says(table: dict[str, Any], tmp_path: Path) -> None:
    """A push does nothing to open connections, by weight 0 or by the target's removal (rule V2).

    The listener that closes at SIGTERM does not cut them either, as long as the process lives.
    """
    story = tell(tmp_path, NOW_AND_THEN, held(), scale_to(2), table, IGNORES)
    assert story.pushed("weight 100->0" if not table else "-") == 100.0
    assert (story.removed.sigterm_s, story.removed.dead_s) == (130.0, 160.0)
    rows = cut_off(story)
    assert [row.pod for row in rows[:4]] == [story.removed.pod] * 4
    assert [row.sent_s < 160.0 for row in rows] == [True] * 4 + [False] * 2
    assert {row.outcome for row in rows} == {"answered"}


def test_messages_wait_for_a_slot_and_connections_take_none(tmp_path: Path) -> None:
    """With one slot five idle connections are no load, two messages at once are served in turn.

    See rule V3.
    """
    clients = [[1.0 + i, 60.0] for i in range(5)]
    one = {"app": {"concurrency": 1}, "deployment": {"replicas": 1}}
    story = tell(tmp_path, clients, held(), one)
    messages = sorted(story.requests(session)[1].ended_s for session in range(5))
    assert messages == [60.0 + SERVICE_S * (i + 1) for i in range(5)]


def test_connecting_may_cost_more_than_a_message(tmp_path: Path) -> None:
    """A handshake of 2 s takes a slot for as long, and the connection opens at its end."""
    traffic = {"traffic": {"connections": {"kind": "long-lived", "connect": "2s"}}}
    story = tell(tmp_path, [[1.0, 50.0]], traffic)
    first, second = story.requests(0)
    assert (first.ended_s - first.sent_s, second.ended_s - second.sent_s) == (2.0, SERVICE_S)


# Cut ------------------------------------------------------------------------------------------------------------------


def test_exit_cuts_the_connection_and_the_client_comes_back(tmp_path: Path) -> None:
    """At the exit, 130 s, the client learns of it, waits 1 s, and breaks where it lands."""
    story = tell(tmp_path, NOW_AND_THEN, held(), scale_to(2))
    rows = cut_off(story)
    session = rows[0].session
    assert story.all_times("cut_off", story.removed.pod) == [130.0]
    assert connects(rows) == [rows[0].sent_s, 131.0]
    assert rows[3].pod != story.removed.pod
    assert story.breaks(session) == [(131.0, "lost", "target_removed", "drain_window_too_short")]
    # Its think time goes on: the next message comes when it would have come.
    assert rows[4].sent_s == 140.0 + session
    assert story.summary["connections_lost"] == story.summary["reconnects"] == 1
    assert story.summary["disconnected_longest_s"] == 1.0 + SERVICE_S
    assert story.all_times("reconnected", story.removed.pod) == [131.0 + SERVICE_S]


def test_without_drain_support_it_is_still_the_exit_that_breaks(tmp_path: Path) -> None:
    """The target went 30 s before, and the connection did not care."""
    story = tell(tmp_path, NOW_AND_THEN, held(), scale_to(2), DRAIN_OFF)
    session = cut_off(story)[0].session
    assert story.breaks(session) == [(131.0, "lost", "target_removed", "drain_window_too_short")]


def test_sigkill_cuts_the_message_under_way(tmp_path: Path) -> None:
    """The message under way is reset with its connection, is not sent again, and counts as failed.

    See rule V4.
    """
    clients = [[1.0 + i, 159.0, 300.0] for i in range(3)]
    story = tell(tmp_path, clients, held(), scale_to(2), IGNORES, service_s=4.0)
    assert story.removed.sigkill_s == 160.0
    _, message, connect, later = cut_off(story)
    assert (message.outcome, message.status, message.ended_s, message.attempts) == ("reset", 502, 160.0, 1)
    assert (connect.connect, connect.sent_s, connect.outcome) == (True, 161.0, "answered")
    # The think of 137 s begins with the failure.
    assert later.sent_s == 160.0 + 137.0
    assert story.summary["failed.reset"] == 1


def test_connect_under_way_goes_on_elsewhere(tmp_path: Path) -> None:
    """Until a connect is answered it is a GET, which nginx sends to the next target (rule V1)."""
    clients = [*([1.0 + i] for i in range(3)), *([159.0 + i / 8] for i in range(3))]
    new = {"kic": {"pushDelay": "100s"}}
    story = tell(
        tmp_path,
        clients,
        held(),
        scale_to(2),
        {"app": {"onSigterm": {"listener": "keep", "exit": "never"}}},
        new,
        service_s=4.0,
    )
    (row,) = [row for n in range(3, 6) for row in story.requests(n) if row.attempts > 1]
    assert (row.connect, row.outcome, row.started_s, row.ended_s) == (True, "answered", 160.0, 164.0)
    assert row.pod != story.removed.pod


def test_crash_cuts_at_once(tmp_path: Path) -> None:
    """The clients of a container that exits by itself reconnect, the memory is gone."""
    story = tell(tmp_path, NOW_AND_THEN, held(), {"timeline": [{"at": 100, "crash": "app", "count": 1}]})
    (at_s,) = story.all_times("cut_off")
    assert at_s == 100.0
    (session,) = [n for n in range(3) if len(connects(story.requests(n))) > 1]
    assert connects(story.requests(session))[1] == 101.0
    assert [origin for *_, origin in story.breaks(session)] == ["crash"]


def test_message_due_meanwhile_is_sent_once_connected(tmp_path: Path) -> None:
    """What was due at 130.5 s goes out when the connection is open again, not before, not later.

    See rule V5.
    """
    clients = [[1.0 + i, 130.5, 200.0] for i in range(3)]
    rows = cut_off(tell(tmp_path, clients, held(), scale_to(2)))
    assert [(row.sent_s, row.connect) for row in rows[1:3]] == [(131.0, True), (131.0 + SERVICE_S, False)]


def test_restarting_node_closes_the_connections_through_it(tmp_path: Path) -> None:
    """A Kong node that goes closes its connections after the message under way (rule V4).

    The containers live on, so the cookies bring their clients back and nothing breaks.
    """
    restart = {"gateway": {"nodes": 1}, "timeline": [{"at": 100, "gatewayRestart": "kong-1", "downtime": "1s"}]}
    story = tell(tmp_path, [[1.0, 98.0, 150.0], [2.0, 150.0]], held(), restart, service_s=4.0)
    assert connects(story.requests(0)) == [1.0, 103.0]
    assert connects(story.requests(1)) == [2.0, 101.0]
    assert {row.outcome for n in (0, 1) for row in story.requests(n)} == {"answered"}
    assert story.summary["breaks"] == story.summary["breaks_background"] == 0
    assert story.summary["connections_lost"] == 2


# Back-off -------------------------------------------------------------------------------------------------------------

_ALONE = {"deployment": {"replicas": 1}, "app": {"startup": "60s"}, "timeline": [{"at": 100, "deletePod": "app"}]}
"""The only pod exits at 130 s, the next one listens from 160 s on."""


def test_waits_double_while_nobody_listens(tmp_path: Path) -> None:
    """The back-off without jitter is 1, 2, 4, 8, 16 s, each from the failure before it (rule V5)."""
    story = tell(tmp_path, [[1.0, 50.0, 300.0]], held(), _ALONE)
    assert connects(story.requests(0)) == [1.0, 131.0, 133.0, 137.0, 145.0, 161.0]
    failed = [row.outcome for row in story.requests(0) if row.connect][1:]
    assert failed[-1] == "answered"
    assert set(failed[:-1]) <= {"bad_gateway", "no_target"}
    assert story.summary["reconnects"] == 5
    assert story.summary["disconnected_longest_s"] == 31.0 + SERVICE_S


def test_wait_is_bounded_and_begins_anew(tmp_path: Path) -> None:
    """The second loss waits 1 s again."""
    two = {"timeline": [{"at": at_s, "deletePod": "app"} for at_s in (100, 300)]}
    story = tell(tmp_path, [[1.0, 50.0, 550.0]], held(max="3s"), merged(_ALONE, two))
    assert connects(story.requests(0)) == [
        *(1.0, 131.0, *(133.0 + 3.0 * i for i in range(10))),
        *(331.0, *(333.0 + 3.0 * i for i in range(10))),
    ]


def test_client_that_has_failed_often_enough_gives_up(tmp_path: Path) -> None:
    """After three failures in a row the session is over, its last message unsent."""
    story = tell(tmp_path, [[1.0, 50.0, 300.0]], held(maxAttempts=3), _ALONE)
    assert connects(story.requests(0)) == [1.0, 131.0, 133.0, 137.0]
    assert story.summary["sessions_given_up"] == 1
    assert story.summary["disconnected_mean_s"] == 7.0  # from 130 s on, until it gives up
    assert story.summary["disconnected_p95_s"] is None  # nobody comes back
    (session,) = story.result.sessions.itertuples()
    assert (session.end, session.ended_s, session.failed) == ("over", 137.0, 3)


def test_first_connect_that_fails_is_tried_again(tmp_path: Path) -> None:
    """A session that never had a connection backs off as well, and is no reconnect."""
    story = tell(tmp_path, [[1.0], [140.0, 200.0]], held(), _ALONE)
    assert connects(story.requests(1)) == [140.0, 141.0, 143.0, 147.0, 155.0, 171.0]
    assert story.summary["reconnects"] == 0


@pytest.mark.parametrize(("jitter", "earliest_s"), [("full", 0.0), ("equal", 4.0)])
def test_jitter_stays_within_its_bounds(jitter: str, earliest_s: float, tmp_path: Path) -> None:
    """Each client waits a time of its own, between the bounds of its jitter and 8 s."""
    clients = [[1.0 + i / 8, 300.0] for i in range(120)]
    story = tell(tmp_path, clients, held(jitter=jitter, backoff="8s", max="8s"), scale_to(2))
    waits = [connects(story.requests(n))[1] - 130.0 for n in story.at_home_on(story.removed.pod)]
    assert len(waits) == len(set(waits)) == 40
    assert earliest_s <= min(waits) < earliest_s + 1.0
    assert 7.0 < max(waits) < 8.0


def test_jitter_flattens_the_storm(tmp_path: Path) -> None:
    """40 clients that are cut off at once come back in one second, or spread over eight."""
    clients = [[1.0 + i / 8, 300.0] for i in range(120)]
    peaks = {}
    for jitter in ("none", "full"):
        story = tell(tmp_path, clients, held(jitter=jitter, backoff="8s", max="8s"), scale_to(2))
        assert story.summary["connections_lost"] == story.summary["reconnects"] == 40
        peaks[jitter] = story.summary["peak_connects_in_1s"]
        # 120 connects in the 100 s before.
        assert story.summary["reconnect_storm"] == pytest.approx(peaks[jitter] / 1.2)
    assert peaks["none"] == 40
    assert 5 <= peaks["full"] <= 12


# Waiting for connections ----------------------------------------------------------------------------------------------


def test_exit_when_idle_waits_for_connections_until_sigkill(tmp_path: Path) -> None:
    """An open connection is in flight though nothing is sent on it, and SIGKILL cuts it.

    See rule V7.
    """
    story = tell(tmp_path, NOW_AND_THEN, held(), scale_to(2), WHEN_IDLE)
    assert (story.removed.sigterm_s, story.removed.sigkill_s) == (130.0, 160.0)
    assert connects(cut_off(story))[1] == 161.0


def test_exit_when_idle_comes_with_the_last_close(tmp_path: Path) -> None:
    """The process exits at the moment the last session there is over, not at the next look."""
    clients = [[1.0 + i, 50.0, 140.0 + i] for i in range(3)]
    story = tell(tmp_path, clients, held(), scale_to(2), WHEN_IDLE)
    last = cut_off(story)[-1]
    assert story.removed.dead_s == last.ended_s
    assert story.summary["connections_lost"] == 0


@pytest.mark.parametrize(("until", "after_s"), [("noRequests", 0.0), ("noSessions", 20.0)])
def test_pre_stop_waits_for_connections(until: str, after_s: float, tmp_path: Path) -> None:
    """The hook ends with the last connection, or the session timeout later."""
    hook = {"deployment": {"preStop": {"waitUntil": until, "atMost": "300s"}, "grace": "400s"}}
    clients = [[1.0 + i, 50.0, 140.0 + i] for i in range(3)]
    story = tell(tmp_path, clients, held(), scale_to(2), hook, {"app": {"sessionTimeout": "20s"}})
    assert story.removed.sigterm_s == cut_off(story)[-1].ended_s + after_s


def _closing(**connections: Any) -> dict[str, Any]:
    return {"app": {"onSigterm": {"listener": "close", "exit": "whenIdle", **connections}}}


def test_application_may_close_its_connections_on_sigterm(tmp_path: Path) -> None:
    """With ``connections: close`` idle connections close at SIGTERM, and the process need not be killed."""
    story = tell(tmp_path, NOW_AND_THEN, held(), scale_to(2), _closing(connections="close"))
    assert connects(cut_off(story))[1] == 131.0
    assert story.removed.dead_s == 130.0


def test_closing_lets_the_message_under_way_be_answered(tmp_path: Path) -> None:
    """The connection is closed after the answer to the message under way, and nothing fails."""
    clients = [[1.0 + i, 129.0, 300.0] for i in range(3)]
    story = tell(tmp_path, clients, held(), scale_to(2), _closing(connections="close"), service_s=4.0)
    assert connects(cut_off(story))[1] == 134.0
    assert story.removed.dead_s == 133.0
    assert story.summary["requests_failed"] == 0


def test_closing_over_a_time_spreads_the_reconnects(tmp_path: Path) -> None:
    """40 connections end one by one over 20 s, so even clients without jitter make no storm.

    See rule V7.
    """
    clients = [[1.0 + i / 8, 300.0] for i in range(120)]
    story = tell(tmp_path, clients, held(), scale_to(2), _closing(connections={"closeOver": "20s"}))
    waits = sorted(connects(story.requests(n))[1] - 131.0 for n in story.at_home_on(story.removed.pod))
    assert 0.0 <= waits[0] < 2.0
    assert 18.0 < waits[-1] < 20.0
    assert story.removed.dead_s == pytest.approx(130.0 + waits[-1])
    assert story.summary["peak_connects_in_1s"] < 10


# Algorithms -----------------------------------------------------------------------------------------------------------


def test_without_affinity_the_connection_binds(tmp_path: Path) -> None:
    """Messages stay where the connect was picked, and the break has the pod's end as its cause.

    With a connection for each request every one of them would have gone elsewhere (rule V6).
    """
    story = tell(tmp_path, NOW_AND_THEN, held(), plain("round-robin"), scale_to(2))
    session = cut_off(story)[0].session
    assert story.breaks(session) == [(131.0, "lost", "no_cookie", "drain_window_too_short")]
    assert (story.operation.exposed, story.operation.broken) == (1, 1)
    assert story.summary["breaks_background"] == 0


def test_least_connections_counts_what_is_open(tmp_path: Path) -> None:
    """Idle connections are connections, so nine clients one after the other go to all three pods.

    With a connection for each request they would all meet the same two (rules G11 and V8).
    """
    clients = [[1.0 + i, 300.0] for i in range(9)]
    story = tell(tmp_path, clients, held(), plain("least-connections"))
    pods = [story.answered_by(n)[0] for n in range(9)]
    assert sorted(pods.count(pod) for pod in set(pods)) == [3, 3, 3]


@pytest.mark.parametrize(("push", "pods"), [({}, 1), ({"timeline": [{"at": 100, "configPush": "all"}]}, 3)])
def test_push_makes_least_connections_forget_what_is_open(push: dict[str, Any], pods: int, tmp_path: Path) -> None:
    """Of a pod whose clients have left the next connects know only until a push (rule V8).

    The new balancer counts from 0, so the emptiest pod gets no more of them than the two full ones.
    """
    clients = [[1.0 + i, 300.0] for i in range(9)]
    before = tell(tmp_path, clients, held(), plain("least-connections"))
    leaving = before.at_home_on(before.answered_by(0)[0])
    clients = [[1.0 + i, 50.0 if i in leaving else 300.0] for i in range(9)] + [[120.0 + i, 300.0] for i in range(3)]
    story = tell(tmp_path, clients, held(), plain("least-connections"), push)
    assert len({story.answered_by(n)[0] for n in range(9, 12)}) == pods


# Other traffic --------------------------------------------------------------------------------------------------------


def _steady(**traffic: Any) -> Result:
    scenario = {
        "run": {"until": "4m", "settle": "0s", "skewFloor": False, "seed": 5},
        "traffic": {"requests": {"kind": "geometric", "mean": 8}, "think": "5s", "service": "100ms", **traffic},
        "deployment": {"name": "app", "replicas": 3, "preStop": "5s"},
        "app": {"startup": "5s", "onSigterm": "exit"},
        "upstream": {
            "algorithm": "sticky-sessions",
            "hashOn": {"input": "none"},
            "stickySessions": {"cookie": "session_id"},
        },
        **rollout(60.0),
    }
    return simulate(Scenario.model_validate(merged(scenario, held())), verify=True)


def test_sessions_alive_at_0_are_connected() -> None:
    """Sessions alive at 0 go on with a message, and are cut off and reconnect like all others (rule V9)."""
    requests = _steady(sessions={"kind": "poisson", "rate": "1/s"}).requests
    first = requests.groupby("session").first()
    met = first[first["request"] > 1]
    assert len(met) > 10
    assert not met["connect"].any()
    assert first[first["request"] == 1]["connect"].all()


def test_clients_of_a_closed_population_connect_for_each_session() -> None:
    """A session is a connection, the client's next session another one."""
    result = _steady(sessions={"kind": "closed", "population": 5, "pause": "1s"})
    first = result.requests.groupby("session").first()
    assert len(first) > 20
    assert first["connect"].all()
    assert result.summary["requests_failed"] == 0


def test_clients_that_never_leave_hold_their_connection() -> None:
    """Endless sessions connect once each, but for what the rollout cuts."""
    sessions = {"kind": "closed", "population": 12}
    result = _steady(sessions=sessions, requests="endless")
    assert result.summary["connects"] == 12 + result.summary["reconnects"]
    assert result.summary["connections_lost"] == result.summary["reconnects"] >= 12


@pytest.mark.parametrize("algorithm", ["round-robin", "least-connections", "latency", "consistent-hashing"])
def test_without_a_cookie_they_are_connected_as_their_algorithm_does(algorithm: str) -> None:
    """What counts connections is even, and is released in the end."""
    on = {"hashOn": {"input": "ip"}} if algorithm == "consistent-hashing" else {"hashOn": None}
    upstream = {"algorithm": algorithm, "stickySessions": None, **on}
    scenario = {"run": {"until": 120.0, "settle": "0s"}, "deployment": {"name": "app", "replicas": 3}}
    traffic = {"traffic": {"sessions": {"kind": "poisson", "rate": "2/s"}, "think": "5s"}}
    result = simulate(Scenario.model_validate(merged(scenario, traffic, held(), {"upstream": upstream})), verify=True)
    first = result.requests.groupby("session").first()
    number = first[first["request"] > 1]["pod"].value_counts()
    assert number.sum() > 50
    if algorithm == "least-connections":
        assert number.max() - number.min() <= 1
