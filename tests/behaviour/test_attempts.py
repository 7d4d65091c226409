"""The attempts of one request: what is tried again, where, for how long, and what the client gets in the end."""

from pathlib import Path
from typing import Any

import pytest
from stories import DRAIN_OFF, Story, hashed, plain, scale_to, tell

GET: dict[str, Any] = {"traffic": {"idempotent": 1.0}}
BLACKHOLE: dict[str, Any] = {"gateway": {"connection": "blackhole", "connectTimeout": "3s"}}
_GONE_AT_ONCE = {"deployment": {"preStop": None}, "kic": {"pushDelay": "40s"}}
"""The pod closes at 100 s and nobody learns of it before 140 s."""
_BOUND = [[1.0 + i, 101.0 + i, 200.0 + i] for i in range(3)]


def _of_removed(story: Story) -> tuple[int, list[Any]]:
    (session,) = story.at_home_on(story.removed.pod)
    return session, story.requests(session)


# Connections ----------------------------------------------------------------------------------------------------------


def test_refused_connection_goes_on_elsewhere_at_once(tmp_path: Path) -> None:
    """The second attempt costs no time, and the session breaks by it."""
    story = tell(tmp_path, _BOUND, scale_to(2), _GONE_AT_ONCE)
    session, (_, second, third) = _of_removed(story)
    assert (second.attempts, second.started_s, second.outcome) == (2, second.sent_s, "answered")
    assert story.breaks(session) == [(second.sent_s, "lost", "refused", "drain_window_too_short")]
    assert third.attempts == 1


def test_vanished_address_costs_the_connect_timeout(tmp_path: Path) -> None:
    """Nothing answers for three seconds, then the next target does (rule G7)."""
    story = tell(tmp_path, _BOUND, scale_to(2), _GONE_AT_ONCE, BLACKHOLE)
    session, (_, second, _) = _of_removed(story)
    assert (second.attempts, second.outcome) == (2, "answered")
    assert (second.started_s, second.ended_s) == (second.sent_s + 3.0, second.sent_s + 3.25)
    assert story.breaks(session) == [(second.sent_s, "lost", "timed_out", "drain_window_too_short")]


def test_last_attempt_that_times_out_is_a_504(tmp_path: Path) -> None:
    """Without retries the client has its 504 after the connect timeout, and reached no pod."""
    story = tell(tmp_path, _BOUND, scale_to(2), _GONE_AT_ONCE, BLACKHOLE, {"gateway": {"retries": 0}})
    session, (_, second, third) = _of_removed(story)
    assert (second.status, second.outcome, second.attempts) == (504, "timed_out", 1)
    assert second.ended_s == second.sent_s + 3.0
    assert second.pod != second.pod
    assert second.operation == 1
    # A failure moves no state: the session breaks by its next request, which gets an answer.
    assert [sent_s for sent_s, *_ in story.breaks(session)] == [third.sent_s]


def test_refused_everywhere_uses_up_the_retries(tmp_path: Path) -> None:
    """One attempt and two retries are all refused, in no time, and the answer is a 502 (rule G6)."""
    alone = {"deployment": {"replicas": 1, "preStop": None}, "app": {"startup": "60s"}, "gateway": {"retries": 2}}
    late = {"timeline": [{"at": 100, "deletePod": "app"}], "kic": {"pushDelay": "40s"}}
    (_, second) = tell(tmp_path, [[1.0, 101.0]], alone, late).requests(0)
    assert (second.status, second.outcome, second.attempts, second.ended_s) == (502, "bad_gateway", 3, 101.0)


# Timeouts of answers --------------------------------------------------------------------------------------------------

_ONE_SLOT: dict[str, Any] = {"app": {"concurrency": 1}, "deployment": {"replicas": 1}}
_SECOND_WAITS = [[99.0 + i / 8, 400.0] for i in range(2)]


def test_slow_answer_of_an_idempotent_request_is_sent_again(tmp_path: Path) -> None:
    """After 60 s behind another it is sent again, by the balancer it began with.

    A second pod is listed by then, but the balancer of the first attempt knows the one pod only, which works off what
    nobody waits for any more before it begins anew (rule G8).
    """
    story = tell(tmp_path, _SECOND_WAITS, _ONE_SLOT, scale_to(2, 110.0), GET, service_s=40.0)
    first, second = story.requests(0)[0], story.requests(1)[0]
    assert (first.attempts, first.ended_s) == (1, 139.0)
    assert (second.attempts, second.outcome, second.pod) == (2, "answered", first.pod)
    assert (second.started_s, second.ended_s) == (179.0, 219.0)


def test_slow_answer_of_a_post_is_a_504(tmp_path: Path) -> None:
    """The same request, not idempotent, is a 504 after the read timeout."""
    second = tell(tmp_path, _SECOND_WAITS, _ONE_SLOT, service_s=40.0).requests(1)[0]
    assert (second.attempts, second.status, second.ended_s) == (1, 504, 159.125)


def test_slow_pod_loses_the_session_to_the_next(tmp_path: Path) -> None:
    """The state stays on the slow pod, and nobody's operation is behind it."""
    one = {"app": {"concurrency": 1}, "gateway": {"readTimeout": "5s"}}
    # Session 0 lives on a pod that three others keep busy from 50 s on; two of them have no home there.
    clients = [[1.0, 52.0], [2.0], [3.0], *([50.0 + i / 8] for i in range(3))]
    story = tell(tmp_path, clients, one, GET, service_s=4.0)
    last = story.requests(0)[1]
    assert (last.attempts, last.outcome) == (2, "answered")
    assert last.started_s >= 57.0
    assert story.breaks(0) == [(52.0, "lost", "timed_out", "background")]


# Resets ---------------------------------------------------------------------------------------------------------------

_KILLED = {"deployment": {"preStop": None, "grace": "10s"}, "app": {"onSigterm": "finishInFlight"}}
_AT_WORK = [[1.0 + i, 99.0, 200.0] for i in range(3)]


def test_idempotent_request_cut_by_sigkill_goes_on_elsewhere(tmp_path: Path) -> None:
    """A GET is sent again by nginx, takes its whole service anew, and the session breaks.

    See rule G9.
    """
    story = tell(tmp_path, _AT_WORK, scale_to(2), _KILLED, GET, service_s=40.0)
    assert story.removed.sigkill_s == 110.0
    session, (_, cut, after) = _of_removed(story)
    assert (cut.attempts, cut.outcome, cut.sent_s) == (2, "answered", 99.0)
    assert (cut.started_s, cut.ended_s) == (110.0, 150.0)
    assert cut.pod != story.removed.pod
    assert story.breaks(session) == [(99.0, "lost", "refused", "drain_window_too_short")]
    assert (after.pod, after.attempts, after.sent_s) == (cut.pod, 1, 211.0)
    assert story.summary["requests_failed"] == 0


def test_post_cut_by_sigkill_is_reset(tmp_path: Path) -> None:
    """A POST that was cut is a 502 the moment the pod dies, because it may not be sent twice (rule G9)."""
    story = tell(tmp_path, _AT_WORK, scale_to(2), _KILLED, service_s=40.0)
    _, (_, cut, _) = _of_removed(story)
    assert (cut.attempts, cut.status, cut.outcome, cut.ended_s) == (1, 502, "reset", 110.0)


def test_reset_uses_up_a_retry(tmp_path: Path) -> None:
    """With no retries even a GET is reset."""
    story = tell(tmp_path, _AT_WORK, scale_to(2), _KILLED, GET, {"gateway": {"retries": 0}}, service_s=40.0)
    _, (_, cut, _) = _of_removed(story)
    assert (cut.attempts, cut.outcome) == (1, "reset")


# Where the next attempt goes ------------------------------------------------------------------------------------------


def _attempts_after_the_pod_closed(tmp_path: Path, *layers: dict[str, Any]) -> list[tuple[int, str]]:
    """Return attempts and outcomes of one request a second for half a minute, with one of three pods refusing."""
    clients = [[1.0 + i] for i in range(9)] + [[101.0 + i] for i in range(30)]
    story = tell(tmp_path, clients, scale_to(2), {"gateway": {"retries": 1}}, _GONE_AT_ONCE, *layers)
    assert story.removed.listener_closed_s == 100.0
    rows = [story.requests(session)[0] for session in range(9, 39)]
    assert all(row.pod != story.removed.pod for row in rows)
    return [(row.attempts, row.outcome) for row in rows]


def test_round_robin_tries_the_next_of_its_wheel(tmp_path: Path) -> None:
    """Every third first pick is refused, but as the retry turns it too, every second request.

    See rule G14.
    """
    met = _attempts_after_the_pod_closed(tmp_path, plain("round-robin"))
    assert {outcome for _, outcome in met} == {"answered"}
    attempts = [number for number, _ in met]
    since_the_first = attempts[attempts.index(2) :]
    assert len(since_the_first) >= 28
    assert since_the_first == [2 - place % 2 for place in range(len(since_the_first))]


def test_least_connections_tries_one_it_has_not_failed_on(tmp_path: Path) -> None:
    """With one retry no request ever fails while a pod listens."""
    met = _attempts_after_the_pod_closed(tmp_path, plain("least-connections"))
    assert {outcome for _, outcome in met} == {"answered"}


def test_consistent_hashing_tries_the_same_again(tmp_path: Path) -> None:
    """Whoever is hashed to the dead pod fails, however many retries there are.

    See rule G14.
    """
    clients = [[1.0 + i, 101.0 + i] for i in range(30)]
    story = tell(tmp_path, clients, scale_to(2), _GONE_AT_ONCE, hashed(input="ip"), {"gateway": {"retries": 4}})
    bound = story.at_home_on(story.removed.pod)
    assert 0 < len(bound) < 30
    for session in range(30):
        row = story.requests(session)[1]
        expected = (5, "bad_gateway") if session in bound else (1, "answered")
        assert (row.attempts, row.outcome) == expected


def test_latency_tries_one_it_has_not_failed_on(tmp_path: Path) -> None:
    """Under latency one retry is enough while another pod listens, because failures are remembered."""
    met = _attempts_after_the_pod_closed(tmp_path, plain("latency"))
    assert {outcome for _, outcome in met} == {"answered"}


@pytest.mark.parametrize(("retry", "outcome"), [("next_by_new_pick", "answered"), ("same_target", "bad_gateway")])
def test_sticky_sessions_try_where_the_option_says(retry: str, outcome: str, tmp_path: Path) -> None:
    """A new pick by default, or the bound target until the retries are used up (rule S4)."""
    story = tell(tmp_path, _BOUND, scale_to(2), _GONE_AT_ONCE, {"gateway": {"stickyRetry": retry}}, DRAIN_OFF)
    _, (_, second, _) = _of_removed(story)
    assert (second.outcome, second.attempts) == (outcome, 2 if outcome == "answered" else 6)
