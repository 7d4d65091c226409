"""Requests fail as they do in life: refused, without a target, cut, or timed out; and what clients do then."""

from pathlib import Path
from typing import Any

import pytest
from stories import Story, merged, plain, scale_to, tell

_SINGLE = {
    "deployment": {"replicas": 1, "preStop": None, "grace": "30s", "readinessProbe": {"periodSeconds": 1}},
    "kic": {"pushDelay": "4s"},
    "app": {"startup": "20s"},
}
_DELETED = {"timeline": [{"at": 100, "deletePod": "app"}]}


def test_502_after_retries_when_every_target_refuses(tmp_path: Path) -> None:
    """Until the push the only target refuses the first attempt and all five retries."""
    story = tell(tmp_path, [[1.0, 101.0, 103.0]], _SINGLE, _DELETED)
    for row in story.requests(0)[1:]:
        assert (row.status, row.outcome, row.attempts) == (502, "bad_gateway", 6)
        assert (row.started_s, row.ended_s, row.operation) == (row.sent_s, row.sent_s, 1)
        assert row.pod != row.pod
    assert story.summary["failed.bad_gateway_502"] == 2


def test_retries_are_the_gateways_setting(tmp_path: Path) -> None:
    """With gateway.retries 0 there is one attempt."""
    story = tell(tmp_path, [[1.0, 101.0]], _SINGLE, _DELETED, {"gateway": {"retries": 0}})
    assert [row.attempts for row in story.requests(0)] == [1, 1]
    assert story.outcomes(0) == ["answered", "bad_gateway"]


def test_503_when_no_target_is_left(tmp_path: Path) -> None:
    """After the push there is nobody to ask, until the replacement is listed."""
    story = tell(tmp_path, [[1.0, 110.0, 130.0]], _SINGLE, _DELETED)
    none, new = story.requests(0)[1:]
    assert (none.status, none.outcome, none.ended_s) == (503, "no_target", 110.0)
    assert (new.outcome, new.broke) == ("answered", "lost")
    assert story.summary["failed.no_target_503"] == 1


def test_failed_request_moves_no_state(tmp_path: Path) -> None:
    """A break takes an answer, so a session that only fails is not broken (rule R3)."""
    story = tell(tmp_path, [[1.0, 101.0, 110.0]], _SINGLE, _DELETED)
    assert story.outcomes(0) == ["answered", "bad_gateway", "no_target"]
    assert story.breaks(0) == []
    assert (story.operation.exposed, story.operation.broken, story.operation.failed) == (1, 0, 2)


_LONG = {
    "deployment": {"preStop": None, "grace": "10s"},
    "app": {"onSigterm": "finishInFlight", "concurrency": 2},
}
_AT_WORK = [[1.0 + i, 99.0, 200.0] for i in range(3)]


def _cut(tmp_path: Path, on_failure: dict[str, Any], *more: dict[str, Any]) -> tuple[Story, list[Any]]:
    """Let each pod be busy with requests of 40 s when one is deleted with a grace of 10 s."""
    story = tell(tmp_path, _AT_WORK, scale_to(2), _LONG, {"traffic": {"onFailure": on_failure}}, *more, service_s=40.0)
    (session,) = story.at_home_on(story.removed.pod)
    return story, story.requests(session)


def test_sigkill_cuts_what_is_still_in_service(tmp_path: Path) -> None:
    """A request of 40 s that began 1 s before the deletion is reset after 10 s."""
    story, (_, cut, after) = _cut(tmp_path, {"action": "continue"})
    assert story.removed.sigkill_s == 110.0
    assert (cut.status, cut.outcome, cut.sent_s, cut.ended_s) == (502, "reset", 99.0, 110.0)
    assert cut.pod == story.removed.pod
    assert cut.operation == 1
    # The next think time of 61 s starts at the cut.
    assert (after.sent_s, after.request, after.broke) == (171.0, 3, "lost")
    assert story.summary["failed.reset"] == 1


def test_client_that_tries_again_sends_the_same_request(tmp_path: Path) -> None:
    """After the backoff the same request comes again and is answered by another pod.

    See rule C3.
    """
    story, (_, cut, again, after) = _cut(tmp_path, {"action": "retry", "backoff": "3s"})
    assert (again.sent_s, again.request) == (cut.ended_s + 3.0, cut.request) == (113.0, 2)
    assert (again.outcome, again.broke, again.operation) == ("answered", "lost", 1)
    assert again.pod != story.removed.pod
    assert (after.request, after.pod, after.broke) == (3, again.pod, "")


def test_client_that_gives_up_ends_its_session(tmp_path: Path) -> None:
    """A client that abandons sends no further request, and so does not break (rule C3)."""
    story, rows = _cut(tmp_path, {"action": "abandon"})
    assert [row.outcome for row in rows] == ["answered", "reset"]
    session = story.result.sessions.set_index("session").loc[rows[0].session]
    assert (session["end"], session["failed"], session["ended_s"], session["breaks"]) == ("over", 1, 110.0, 0)


def test_request_that_is_cut_in_the_queue_never_started(tmp_path: Path) -> None:
    """Requests in the queue of a killed pod are reset like those in service, and were never in service."""
    queued = [[99.0 + i / 16] for i in range(9)]
    patient = {"gateway": {"readTimeout": "10m"}}
    story = tell(tmp_path, queued, scale_to(2), _LONG, patient, service_s=40.0)
    rows = [row for session in range(9) for row in story.requests(session) if row.pod == story.removed.pod]
    assert [row.outcome for row in rows] == ["reset"] * 3
    assert [row.ended_s for row in rows] == [110.0] * 3
    assert [row.started_s for row in rows[:2]] == [row.sent_s for row in rows[:2]]
    assert rows[2].started_s == rows[2].ended_s


def test_retries_of_one_request_do_not_count_against_the_next(tmp_path: Path) -> None:
    """The limit maxAttempts is for one request; one that succeeded starts the count anew."""
    policy = {"traffic": {"onFailure": {"action": "retry", "backoff": "3s", "maxAttempts": 3}}}
    # The second request succeeds at its third attempt, 6 s late, and so the third comes at 206 s.
    twice = {"timeline": [{"at": 100, "deletePod": "app"}, {"at": 206, "deletePod": "app"}]}
    quick = merged(_SINGLE, {"app": {"startup": "1s"}, "kic": {"pushDelay": "2s"}})
    story = tell(tmp_path, [[1.0, 100.0, 200.0]], quick, twice, policy)
    for request in (2, 3):
        outcomes = [row.outcome for row in story.requests(0) if row.request == request]
        assert outcomes == ["bad_gateway", "no_target", "answered"]


@pytest.mark.parametrize("upstream", [{}, plain("round-robin"), plain("latency")], ids=["sticky", "wheel", "latency"])
def test_504_at_the_read_timeout(upstream: dict[str, Any], tmp_path: Path) -> None:
    """The client hears 504 then, the pod works on, and the state stays where it was."""
    slow = {"gateway": {"readTimeout": "2s"}, "deployment": {"replicas": 1}, "app": {"concurrency": 1}}
    story = tell(tmp_path, [[10.0], [12.5], [20.0]], slow, upstream, service_s=5.0)
    for session in (0, 1, 2):
        (row,) = story.requests(session)
        assert (row.status, row.outcome, row.ended_s) == (504, "timed_out", row.sent_s + 2.0)
    # Service of the first goes on until 15 s, whoever listens, so that of the second had not begun at 14.5 s.
    starts = [story.requests(session)[0].started_s for session in range(3)]
    assert starts == [10.0, 14.5, 20.0]
    assert story.summary["failed.timeout_504"] == 3


@pytest.mark.parametrize("sent_s", [2.961758444039668, 62.96175844403967])
def test_request_that_takes_as_long_as_the_read_timeout_is_answered(sent_s: float, tmp_path: Path) -> None:
    """(t + 2) - t may be more than 2, for a first request and for a later one."""
    exactly = {"gateway": {"readTimeout": "2s"}, "deployment": {"replicas": 1}}
    for upstream in (plain("round-robin"), {}):
        story = tell(tmp_path, [[sent_s, sent_s + 10.0], [sent_s + 60.0]], exactly, upstream, service_s=2.0)
        assert story.outcomes(0) + story.outcomes(1) == ["answered"] * 3


def test_session_whose_first_request_was_cut_begins_anew_however_late(tmp_path: Path) -> None:
    """The state went with the container, so there is none left that could have expired."""
    story = tell(
        tmp_path,
        [[20.0, 200.0]],
        plain("round-robin"),
        {"deployment": {"replicas": 1}, "app": {"sessionTimeout": "5s"}, "timeline": [{"at": 22, "crash": "app"}]},
        service_s=4.0,
    )
    assert story.outcomes(0) == ["reset", "answered"]
    assert story.breaks(0) == []


def test_all_targets_draining_is_503_even_for_bound_sessions_unless_chosen(tmp_path: Path) -> None:
    """The health gate comes first; `serve_bound` follows cookies all the same."""
    clients = [[1.0 + i, 110.0 + i] for i in range(3)] + [[112.5]]
    gate = tell(tmp_path, clients, scale_to(0))
    assert [gate.outcomes(session) for session in range(3)] == [["answered", "no_target"]] * 3
    bound = tell(tmp_path, clients, scale_to(0), {"gateway": {"stickyWhenTotalWeightZero": "serve_bound"}})
    assert [bound.outcomes(session) for session in range(3)] == [["answered", "answered"]] * 3
    assert gate.outcomes(3) == bound.outcomes(3) == ["no_target"]


def test_draining_target_gives_its_sessions_up_where_the_option_says(tmp_path: Path) -> None:
    """`rebind` makes drain support void, and the breaks are the scale-down's."""
    clients = [[1.0 + i, 110.0 + i] for i in range(3)]
    story = tell(tmp_path, clients, scale_to(2), {"gateway": {"stickyOnWeightZero": "rebind"}})
    (session,) = story.at_home_on(story.removed.pod)
    assert story.pushed("weight 100->0") == 100.0
    assert story.breaks(session) == [(110.0 + session, "lost", "target_removed", "retargeted")]
    assert (story.operation.broken, story.operation.exposed) == (1, 1)
    assert story.summary["breaks"] == 1
    assert tell(tmp_path, clients, scale_to(2)).summary["breaks"] == 0


def test_request_bound_to_time_out_stays_a_504_when_its_container_dies_first(tmp_path: Path) -> None:
    """SIGKILL at 110 s leaves a request alone whose read timeout is at 159 s (rule G8)."""
    story = tell(tmp_path, [[99.0 + i / 16] for i in range(3)], scale_to(2), _LONG, service_s=90.0)
    (row,) = [row for session in range(3) for row in story.requests(session) if row.pod == story.removed.pod]
    assert row.outcome == "timed_out"
    assert row.ended_s == row.sent_s + 60.0


@pytest.mark.parametrize("keep", ["rebind_cookie", "keep_cookie"])
def test_cookie_after_a_retry_is_the_gateways_choice(keep: str, tmp_path: Path) -> None:
    """The session stays where the retry was answered, or meets the dead target again."""
    race = {"deployment": {"preStop": None}, "kic": {"pushDelay": "30s"}, "gateway": {"cookieOnRetry": keep}}
    story = tell(tmp_path, [[1.0 + i, 101.0, 105.0] for i in range(3)], scale_to(2), race)
    (session,) = story.at_home_on(story.removed.pod)
    attempts = [row.attempts for row in story.requests(session)]
    assert attempts == ([1, 2, 1] if keep == "rebind_cookie" else [1, 2, 2])
