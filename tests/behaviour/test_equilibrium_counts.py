"""What is counted, and what is not: runs without operations, the start in equilibrium, the end of the run."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from stories import QUIET, Story, merged, rollout, scale_to, tell

from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

_TRAFFIC = {
    "traffic": {"sessions": {"kind": "poisson", "rate": 2}, "requests": {"kind": "geometric", "mean": 8}, "think": "3s"}
}


def _run(*layers: Mapping[str, Any], seed: int = 3) -> Story:
    return Story(simulate(Scenario.model_validate(merged(QUIET, _TRAFFIC, *layers)), seed, verify=True))


def test_no_operation_means_no_caused_break() -> None:
    """Without an operation nothing is exposed and nothing breaks, jars or not."""
    for keep in (1.0, 0.5):
        story = _run({"traffic": {"cookies": {"keep": keep}}})
        assert story.summary["breaks"] == 0
        assert story.summary["broken_sessions"] is None
        assert (story.summary["breaks_background"] == 0) is (keep == 1.0)


def test_sessions_alive_at_the_start_are_bound_already() -> None:
    """A session that is older than the run has its pod and keeps it (rule W6)."""
    story = _run({"run": {"until": "5m"}})
    sessions = story.result.sessions.set_index("session")
    old = sessions[sessions["started_s"] < 0]
    assert len(old) > 10
    assert (old["first_pod"] == old["last_pod"]).all()
    firsts = [story.requests(number)[0].request for number in old.index if story.requests(number)]
    assert min(firsts) > 1
    assert story.summary["breaks_background"] == 0


def test_sessions_alive_at_the_start_were_active_just_then() -> None:
    """The state of sessions alive at 0 expires a session timeout after 0, whenever they sent last (rule W7)."""
    story = _run({"app": {"sessionTimeout": "5s"}, "run": {"until": "5m"}, "traffic": {"think": "10s"}})
    old = story.result.sessions.query("started_s < 0")["session"]
    firsts = [story.requests(number)[0] for number in old]
    late = [row for row in firsts if row.sent_s > 5]
    assert len(late) > 10
    assert [row for row in firsts if row.broke] == late


def test_requests_of_an_old_session_are_numbered_on() -> None:
    """The requests of sessions that were alive at 0 are numbered on from where the past has ended, without gaps."""
    story = _run({"run": {"until": "5m"}})
    for number in story.result.sessions["session"][:40]:
        ordinals = [row.request for row in story.requests(number)]
        assert ordinals == list(range(ordinals[0], ordinals[0] + len(ordinals)))


def test_empty_start_has_nobody_and_warms_up() -> None:
    """No session is older than the run (rule W8)."""
    story = _run({"run": {"start": "empty", "until": "5m"}})
    assert (story.result.sessions["started_s"] >= 0).all()


def test_empty_system_has_no_skew(tmp_path: Path) -> None:
    """Where no pod had any load, skew is missing, never 1."""
    # The only client is gone before the operation, whose window is all that is measured.
    summary = tell(tmp_path, [[1.0]], scale_to(2)).summary
    for quantity in ("sessions", "in_flight", "requests"):
        assert summary[f"load_skew.{quantity}.serving.max_to_mean"] is None


def test_a_draining_pod_serves_and_takes_nobody_new(tmp_path: Path) -> None:
    """With drain support the deleted pod is one that serves, to its end, as before (rule L1)."""
    # Seven sessions on three pods, all silent in the window, which ends with the deleted pod at 130 s.
    story = tell(tmp_path, [[1.0 + number, 200.0] for number in range(7)], scale_to(2))
    on = {pod.pod: len(story.at_home_on(pod.pod)) for pod in story.pods}
    removed, left = on[story.removed.pod], [on[pod.pod] for pod in story.left]
    of = {name: story.summary[f"load_skew.sessions.{name}.max_to_mean"] for name in ("taking_new", "serving")}
    assert of["taking_new"] == pytest.approx(max(left) / (sum(left) / 2))
    assert of["serving"] == pytest.approx(max(removed, *left) / (sum(on.values()) / 3))
    assert of["taking_new"] != of["serving"]
    assert story.summary["load_skew.sessions.terminating.max_to_mean"] == 1.0


def test_unfinished_requests_are_counted_and_in_no_rate(tmp_path: Path) -> None:
    """A request still open is neither sent nor failed nor answered, only unfinished.

    See rule R1.
    """
    story = tell(tmp_path, [[10.0], [599.0]], {"gateway": {"readTimeout": "10m"}}, service_s=5.0)
    assert story.outcomes(0) + story.outcomes(1) == ["answered", "unfinished"]
    assert story.requests(1)[0].status == 0
    assert story.summary["requests_unfinished"] == 1
    assert story.summary["requests_sent"] == story.summary["requests_answered"] == 1
    assert story.summary["failed_requests"] == 0


def test_settle_is_left_out_of_the_measures(tmp_path: Path) -> None:
    """Requests before it are recorded and not measured (rule O4)."""
    story = tell(tmp_path, [[10.0, 50.0, 70.0]], {"run": {"settle": "60s"}})
    assert len(story.requests(0)) == 3
    assert story.summary["requests_sent"] == 1


def test_exposed_are_those_on_the_pod_that_send_again(tmp_path: Path) -> None:
    """The denominator is the sessions with state on the pod when it is deleted, and at least one later request."""
    clients = [[1.0 + i, 50.0 + i] for i in range(3)] + [[4.0 + i, 60.0 + i, 115.0] for i in range(3)]
    story = tell(tmp_path, clients, scale_to(2))
    assert len(story.at_home_on(story.removed.pod)) == 2
    assert (story.operation.exposed, story.operation.broken) == (1, 0)
    assert story.operation.alive == 3


def test_censored_sessions_are_those_that_had_no_chance_to_show(tmp_path: Path) -> None:
    """Sessions on the removed pod that would only later send again are told apart.

    See rule B9.
    """
    story = tell(tmp_path, [[1.0 + i, 500.0] for i in range(3)], scale_to(2), {"run": {"until": "200s"}})
    assert (story.operation.exposed, story.operation.censored) == (0, 1)
    assert any("until" in warning for warning in story.result.warnings)


def test_drained_run_waits_for_every_session_alive_at_the_end_of_the_operation() -> None:
    """With `until: drained` nobody new comes after the last old pod is gone, and everybody there finishes.

    See rule O3.
    """
    story = _run({"run": {"until": "drained"}}, rollout())
    over_s = story.when("over")
    assert story.summary["requests_unfinished"] == 0
    assert (story.result.sessions["end"] == "over").all()
    assert story.result.sessions["started_s"].max() <= over_s
    assert story.result.recording.end_s > over_s
    assert story.summary["censored_sessions"] in (0, None)


def test_same_seed_same_digest_and_another_seed_another() -> None:
    """The same seed gives the same digest, and another seed another one."""
    layers = ({"run": {"until": "4m"}}, rollout())
    first, again, other = _run(*layers), _run(*layers), _run(*layers, seed=4)
    assert first.result.digest == again.result.digest != other.result.digest


@pytest.mark.parametrize("record", ["sessions", "summary"])
def test_summary_is_the_same_at_every_record_level(record: str) -> None:
    """What is kept changes no number."""
    layers = ({"run": {"until": "4m"}}, rollout())
    assert _run(*layers, {"run": {"record": record}}).summary == _run(*layers).summary


def test_closed_population_stays_that_large_when_last_requests_are_cut() -> None:
    """A session whose last request is cut has one successor, not two."""
    closed = {
        "traffic": {
            "sessions": {"kind": "closed", "population": 12},
            "requests": 2,
            "think": "1s",
            "service": {"kind": "uniform", "low": "1s", "high": "20s"},
        },
        "deployment": {"preStop": None, "grace": "2s"},
        "run": {"until": "5m"},
    }
    story = Story(simulate(Scenario.model_validate(merged(QUIET, closed, rollout())), 1, verify=True))
    assert story.summary["failed.reset"] > 0
    open_now = 0
    changes = [(row.sent_s, 1) for row in story._requests]
    changes += [(row.ended_s, -1) for row in story._requests if row.ended_s <= 300.0]  # NaN: unfinished
    for _, change in sorted(changes):
        open_now += change
        assert open_now <= 12


def test_endless_clients_that_never_think_do_not_stop_the_clock() -> None:
    """While every request fails at once, such a client sends one a second (rule C4)."""
    restless = {
        "traffic": {
            "sessions": {"kind": "closed", "population": 3},
            "requests": "endless",
            "think": "0s",
            "service": "250ms",
        },
        "deployment": {"replicas": 1},
        "app": {"startup": "20s"},
        "run": {"until": "2m"},
        "timeline": [{"at": "1m", "crash": "app"}],
    }
    story = Story(simulate(Scenario.model_validate(merged(QUIET, restless)), 1, verify=True))
    for number in range(3):
        failed = [row for row in story.requests(number) if row.outcome in ("bad_gateway", "no_target")]
        assert len(failed) > 10
        assert all(later.sent_s - row.ended_s >= 1.0 for row, later in pairwise(failed))
