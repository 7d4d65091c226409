"""Backtests: what is seen from outside, what of a log is replayed, what is refused, and what is said."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from logs_of_runs import log_of

import simsticky as ss
from simsticky.errors import InputError
from simsticky.logs.backtest import backtest
from simsticky.logs.backtest_answer import Backtest
from simsticky.logs.figures import Frame, Moment, count
from simsticky.logs.replay import replay_of
from simsticky.logs.requests import LogRead, Rollout, SessionKey
from simsticky.logs.watched import Watched, first_signs, moves_of
from simsticky.report import backtest as told
from simsticky.report.render import csv, markdown, terminal
from simsticky.report.render.lines import plain
from simsticky.stats.prediction import fewest_runs

END_S = 90.0
SHOP = {
    "name": "shop",
    "run": {"until": END_S, "settle": "0s", "start": "empty", "skewFloor": False},
    "traffic": {
        "sessions": {"kind": "poisson", "rate": 3},
        "requests": {"kind": "geometric", "mean": 8},
        "think": {"kind": "exponential", "mean": 3},
        "service": 0.02,
    },
    "app": {"startup": "1s"},
    "deployment": {"name": "web", "replicas": 3, "preStop": "3s", "grace": "40s"},
    "upstream": {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "srv"}},
    "kic": {"enableDrainSupport": False, "proxySyncSeconds": 1},
    "timeline": [{"at": 30, "rollout": "web"}],
}


def shop(**sections: Any) -> ss.Scenario:
    """Return the shop with some sections changed."""
    return ss.Scenario.model_validate({**SHOP, **sections})


@cache
def log() -> LogRead:
    """Return the log of a rollout of the shop that the model wrote."""
    return log_of(ss.simulate(shop(), seed=5), END_S, ("rollout",))


@cache
def of_the_shop() -> Backtest:
    """Return its backtest."""
    return backtested(shop(), log())


def log_with(seed: int = 5, **sections: Any) -> LogRead:
    """Return the log of the shop with some sections changed."""
    return log_of(ss.simulate(shop(**sections), seed=seed), END_S, ("rollout",))


def backtested(scenario: ss.Scenario, read: LogRead) -> Backtest:
    """Return a backtest of as few replications as there may be."""
    return backtest(scenario, read, reps=fewest_runs())


def row(found: Backtest, key: str) -> Any:
    """Return a row by its figure's key."""
    return next(each for each in found.rows if each.figure.key == key)


def seen(rows: list[tuple[int, float, int]], **changes: Any) -> Watched:
    """Return requests of (session, sent, pod), each of which takes 0.1 s."""
    session, sent_s, pod = (np.array(column) for column in zip(*rows, strict=True))
    whole: Mapping[str, Any] = {"leaving": (), "coming": (), "failed": np.zeros(len(rows), bool), **changes}
    return Watched(session=session, sent_s=sent_s.astype(float), ended_s=sent_s + 0.1, pod=pod, **whole)


# What is seen from outside.


def test_a_move_is_an_answer_by_another_pod_than_the_one_before() -> None:
    """What failed and what is of nobody known moves nobody; back again is a move, too."""
    rows = [(0, 1.0, 0), (1, 1.5, 0), (-1, 1.6, 1), (0, 2.0, -1), (0, 3.0, 1), (1, 3.5, 0), (0, 4.0, 0), (-1, 5.0, 0)]
    found = moves_of(seen(rows))
    assert found.session.tolist() == [0, 0]
    assert found.at_s.tolist() == [3.0, 4.0]


def test_of_whole_seconds_the_order_is_taken_that_moves_least() -> None:
    """Within second 2 the log has pod 1 before pod 0; nobody knows, and one move explains it."""
    rows = [(0, 1.0, 0), (0, 2.01, 1), (0, 2.02, 0), (0, 3.0, 1)]
    assert len(moves_of(seen(rows)).session) == 3
    assert moves_of(seen(rows, tick_s=1.0)).at_s.tolist() == [2.02]


def test_an_operation_shows_first_at_a_new_pod_or_at_the_last_session_that_begins_on_one_that_goes() -> None:
    """With drain support the old sessions of a pod tell nothing of when it was deleted."""
    rows = [(0, 1.0, 0), (1, 2.0, 1), (2, 3.0, 1), (1, 9.0, 1), (3, 5.0, 0), (4, 12.0, 2)]
    rows.sort(key=lambda each: each[1])
    assert first_signs(seen(rows, leaving=((1,), ()), coming=((), (2,)))) == [3.0, 12.0]
    assert np.isnan(first_signs(seen(rows, leaving=((),), coming=((),)))[0])


def test_the_figures_by_hand() -> None:
    """Two pods, one of which goes at 10; session 0 moves before, 1 and 2 after, 2 twice."""
    rows = [(0, 1.0, 0), (1, 2.0, 1), (2, 3.0, 1), (0, 4.0, 1), (1, 11.0, 0), (2, 12.0, 0), (2, 13.0, 1), (3, 14.0, -1)]
    watched = seen(rows, leaving=((1,),), coming=((),), failed=np.array([False] * 7 + [True]))
    frame = Frame((Moment("scale web to 1", 10.0, 10.0, 1, 0),), 20.0, (2,))
    values = count(watched, frame)
    assert values == {
        "broken": 2, "moves": 3, "moved_before": 1, "failed": 1,
        "tail_1": pytest.approx(13.1 - 3.0), "load_0_1": 4, "load_0_2": 3,
    }  # fmt: skip


# What is replayed.


def test_the_sessions_of_a_log_are_replayed_as_they_were() -> None:
    """Without an operation and on other luck, each request is sent at the moment the log has."""
    read = log()
    replay = replay_of(read)
    quiet = shop(traffic={"trace": replay.trace}, timeline=[])
    again = ss.simulate(quiet).requests.sort_values(["session", "request"])
    logged = np.lexsort((read.requests.sent_s, read.requests.session))
    assert np.abs(again["sent_s"].to_numpy() - read.requests.sent_s[logged]).max() < 1e-6
    assert replay.pods == 3


@pytest.mark.slow
def test_clients_without_cookies_are_replayed_and_move_nobody() -> None:
    """They go to another pod with each request, in the log as in the model."""
    read = log_with(traffic={**SHOP["traffic"], "cookies": {"keep": 0.8}})
    replay = replay_of(read)
    assert 0.6 < replay.bound.mean() < 0.95
    assert any("without cookies" in note for note in replay.notes)
    assert row(backtested(shop(), read), "moved_before").observed == 0


def test_the_pods_and_rollouts_of_the_log_replace_those_of_the_scenario() -> None:
    """The entry of the scenario's own timeline is moved to where the log has it, with all that it says."""
    own = shop(
        timeline=[{"at": 10, "rollout": "web", "startup": "2s"}], deployment={**SHOP["deployment"], "replicas": 5}
    )
    found = backtested(own, log())
    (entry,) = found.scenario.timeline
    assert entry.at_s == pytest.approx(30.0, abs=4.0)
    assert entry.startup.mean == 2.0
    assert found.scenario.deployment.replicas == 3
    assert "3 pods, as in the log: the scenario has 5" in found.notes


@pytest.mark.slow
def test_three_rollouts_are_told_of_one_by_one() -> None:
    """Each has its own broken sessions; a session that two of them broke is one of the whole."""
    timeline = [{"at": at, "rollout": "web"} for at in (20, 40, 60)]
    result = ss.simulate(shop(timeline=timeline), seed=3)
    found = backtested(shop(), log_of(result, END_S, ("rollout",) * 3))
    assert len(found.scenario.timeline) == 3
    each = [row(found, f"broken_{number}").observed for number in (1, 2, 3)]
    whole = row(found, "broken").observed
    assert max(each) < whole <= sum(each)
    assert found.compatible is True


@pytest.mark.slow
def test_failures_that_were_there_before_are_expected_after() -> None:
    """A request in twenty fails for a reason of its own; the model has none, and is not blamed for it."""
    read = log()
    status = read.requests.status.copy()
    status[::20] = 503
    found = backtested(shop(), replace(read, requests=replace(read.requests, status=status)))
    failed = row(found, "failed")
    assert failed.predicted.low > 20
    assert failed.holds
    assert any("failed before the first operation" in note for note in found.notes)


# What is said.


@pytest.mark.slow
def test_the_models_own_log_is_compatible() -> None:
    """And the answer says so, with every figure and how sessions are told apart."""
    found = of_the_shop()
    assert found.compatible is True
    text = plain(terminal.render(told.blocks(found), 80))
    assert text.startswith("✓ The model is compatible with this log")
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "cookie:sid (certain)" in text
    assert "broken sessions" in found._repr_html_()


@pytest.mark.slow
def test_a_model_that_does_otherwise_is_not() -> None:
    """The log is of a gateway that drains, and broke fewer."""
    found = backtested(shop(), log_with(kic={"enableDrainSupport": True, "proxySyncSeconds": 1}))
    assert found.compatible is False
    assert row(found, "broken") in found.outside
    assert told.headline(found).startswith("The model is not compatible with this log: ")


@pytest.mark.slow
def test_of_few_sessions_nobody_knows() -> None:
    """Fewer than 30 go through the rollout."""
    few = {**SHOP["traffic"], "sessions": {"kind": "poisson", "rate": 0.3}}
    found = backtested(shop(traffic=few), log_with(traffic=few))
    assert found.alive < 30
    assert found.compatible is None
    assert told.headline(found).startswith("Not certain")


@pytest.mark.slow
def test_no_address_of_the_log_is_in_any_answer() -> None:
    """JSON, CSV, Markdown and page hold figures only."""
    found = of_the_shop()
    texts = (csv.render(told.data_of(found)), markdown.render(told.blocks(found)))
    for text in (found.to_json(), *texts, told.page(found)):
        assert not [name for name in log().requests.pods if name in text]


# What is refused, and why.


def refused(read: LogRead) -> str:
    """Return why a log is refused."""
    with pytest.raises(InputError) as error:
        backtested(shop(), read)
    return str(error.value)


def test_a_cookie_that_names_the_target_tells_no_sessions_apart() -> None:
    """The way out is said."""
    read = log()
    key = SessionKey("none", "", "weak", "the cookie srv has 3 values, as many as there are pods: it names the target")
    why = refused(replace(read, sessions=replace(read.sessions, key=key), names_target=True))
    assert "it names the target" in why
    assert "--session-key" in why


def test_a_log_that_does_not_say_who_answered_is_refused() -> None:
    """A move cannot be seen in it."""
    read = log()
    blind = replace(read.requests, pod=np.full(len(read.requests), -1))
    assert "does not say which pod" in refused(replace(read, requests=blind))


def test_a_log_without_a_rollout_is_refused() -> None:
    """There is nothing to predict."""
    assert "no pod came or went" in refused(replace(log(), rollouts=()))


def test_a_log_that_is_cut_within_its_only_rollout_is_refused() -> None:
    """Whether it begins or ends there."""
    read = log()
    cut = tuple(replace(rollout, kind="cut") for rollout in read.rollouts)
    assert "within its only rollout" in refused(replace(read, rollouts=cut))


def test_a_log_that_begins_after_the_rollout_did_is_refused() -> None:
    """Its first sign comes sooner than the model can show one."""
    read = log()
    sign_s = read.rollouts[0].started_s
    requests = read.requests
    late = requests.sent_s >= sign_s - 0.2
    columns = ("sent_s", "took_s", "service_s", "session", "pod", "status", "attempts", "gateway", "cookie_in",
               "cookie_out")  # fmt: skip
    shorter = replace(
        requests, window_s=(sign_s - 0.2, END_S), **{name: getattr(requests, name)[late] for name in columns}
    )
    assert "begins in mid-rollout" in refused(replace(read, requests=shorter))


@pytest.mark.slow
def test_after_a_cut_rollout_the_rest_is_replayed() -> None:
    """A log that begins in mid-rollout and holds another one whole."""
    result = ss.simulate(shop(timeline=[{"at": 10, "rollout": "web"}, {"at": 45, "rollout": "web"}]), seed=4)
    read = log_of(result, END_S, ("rollout", "rollout"))
    first = replace(read.rollouts[0], kind="cut")
    found = backtested(shop(), replace(read, rollouts=(first, *read.rollouts[1:])))
    assert len(found.scenario.timeline) == 1
    assert any("begins in mid-rollout" in note for note in found.notes)
    assert row(found, "broken").holds


@pytest.mark.slow
def test_a_stated_operation_near_an_edge_is_replayed() -> None:
    """Near an edge of the log nobody knows what an operation was, unless its beginning is stated."""
    read = log()
    near = Rollout("cut", 30.0, read.rollouts[0].ended_s, read.rollouts[0].old, read.rollouts[0].new, "events")
    found = backtested(shop(), replace(read, rollouts=(near,)))
    assert found.scenario.timeline[0].at_s == 30.0
    assert found.compatible is True


def test_too_few_replications_are_refused() -> None:
    """Of 38 no interval can be told."""
    with pytest.raises(ValueError, match="at least 39"):
        backtest(shop(), log(), reps=38)
