"""What the page of a replay is given equals the frames: sessions, requests, breaks, exposures, and pods."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from recorded import crashing, drained, rollout, rows_by_session, stays, where
from small_scenario import small

import simsticky as ss
from simsticky.report.pod_lives import MARKS
from simsticky.report.replay import data as whole
from simsticky.report.replay import span as spans
from simsticky.report.replay.data import data_of, same_sessions
from simsticky.report.replay.pods import PHASES, pods_of


def replayed(run):
    """Its data, its only side, and the moment from which times count."""
    data = data_of([("", run)])
    return data, data["sides"][0], data["from_s"]


def in_span(run, data, from_s):
    """The requests of a run that belong to a replay."""
    requests, to_s = run.requests, from_s + data["length"] / 100
    return requests[(requests["sent_s"] <= to_s) & ~(requests["ended_s"] < from_s)]


@pytest.mark.parametrize("run", [rollout, crashing], ids=["rollout", "crashing"])
def test_every_request_is_in_a_row(run):
    """Each session's rows stand for its requests, in order; what is not plain has a row of its own, with its words."""
    run = run()
    data, side, from_s = replayed(run)
    rows = rows_by_session(side)
    wanted = in_span(run, data, from_s)
    assert sum(row["count"] for of in rows.values() for row in of) == len(wanted)
    plain = (wanted["outcome"] == "answered") & (wanted["broke"] == "") & (wanted["attempts"] == 1)
    for number, requests in wanted.groupby("session"):
        told = rows[number]
        ordinals = [n for row in told for n in range(row["request"], row["request"] + row["count"])]
        assert ordinals == requests["request"].tolist()
        by_ordinal = {row["request"]: row for row in told if row["count"] == 1}
        for one in requests[~plain[requests.index]].itertuples():
            row = by_ordinal[one.request]
            assert (row["attempts"], row["status"], row["outcome"]) == (one.attempts, one.status, one.outcome)
            assert (row["broke"], row["mechanism"], row["origin"]) == (one.broke, one.mechanism, one.origin)
            assert row["operation"] == one.operation
            assert side["nodes"][row["node"]] == one.node
            assert row["sent"] / 100 == pytest.approx(one.sent_s - from_s, abs=0.0051)
            if one.ended_s == one.ended_s:
                assert (row["sent"] + row["took"]) / 100 == pytest.approx(one.ended_s - from_s, abs=0.0051)
            short = side["pods"][row["pod"]]["pod"] if row["pod"] >= 0 else None
            assert short is None if one.pod != one.pod else one.pod.endswith(short)


def test_a_run_of_plain_requests_has_one_pod():
    """A row that stands for several has the first one's time and how much later the last was sent and answered."""
    run = rollout()
    data, side, from_s = replayed(run)
    requests = in_span(run, data, from_s).set_index(["session", "request"])
    several = 0
    for number, rows in rows_by_session(side).items():
        for row in rows:
            own = requests.loc[number].loc[row["request"] : row["request"] + row["count"] - 1]
            assert own["pod"].nunique() <= 1
            assert (row["sent"] + row["until"]) / 100 == pytest.approx(own["sent_s"].iloc[-1] - from_s, abs=0.0051)
            several += row["count"] > 1
    assert several > 50


@pytest.mark.parametrize("run", [rollout, drained], ids=["rollout", "drained"])
def test_each_session_is_where_its_state_is(run):
    """At forty moments the sessions on each pod are those of the load frame."""
    run = run()
    data, side, from_s = replayed(run)
    assert data["every"] == 1
    found = stays(side)
    names = run.pods["pod"].tolist()
    moves = sorted({at for _, end, times, _ in found.values() for at in (*times, end)})
    checked = 0
    for at in np.linspace(50, data["length"] - 50, 80).round().tolist():
        if any(abs(at - move) <= 2 for move in moves):
            continue  # rounding decides what comes first
        at_s = from_s + at / 100
        here = Counter(where(stay, at) for stay in found.values())
        for place, name in enumerate(names):
            own = run.load[(run.load["pod"] == name) & (run.load["time_s"] <= at_s)]
            dead = [death for death in side["pods"][place]["deaths"] if death <= at]
            if not dead:  # what a dead pod had is drawn as gone, and no load
                assert here[place] == (own["sessions"].iloc[-1] if len(own) else 0), (at, name)
                checked += here[place] > 0
    assert checked > 40


def test_exposures_are_the_frames():
    """Who was exposed, when, by what and on which pod."""
    run = rollout()
    _, side, from_s = replayed(run)
    columns, table = side["exposures"], run.exposures
    assert len(table) > 20
    assert [side["sessions"]["id"][place] for place in columns["session"]] == table["session"].tolist()
    assert columns["how"] == table["how"].tolist()
    assert np.allclose(np.array(columns["at"]) / 100, table["at_s"] - from_s, atol=0.0051)
    assert all(name.endswith(side["pods"][pod]["pod"]) for name, pod in zip(table["pod"], columns["pod"], strict=True))


def test_pods_have_their_marks():
    """Deletion, weight 0, the end of preStop and SIGTERM of each pod that was replaced."""
    run = rollout()
    _, side, from_s = replayed(run)
    for pod, row in zip(side["pods"], run.pods.itertuples(), strict=True):
        marks = {MARKS[which]: at for which, at in pod["marks"]}
        if row.deleted_by:
            assert marks["deleted"] / 100 == pytest.approx(row.deleted_s - from_s, abs=0.0051)
            assert marks["SIGTERM"] / 100 == pytest.approx(row.sigterm_s - from_s, abs=0.0051)
            assert marks["deleted"] < marks["weight 0"] < marks["SIGTERM"]
        else:
            assert marks == {}


@pytest.mark.parametrize("run", [rollout, crashing], ids=["rollout", "crashing"])
def test_a_pod_is_drawn_ready_only_with_a_container(run):
    """Whenever a pod is drawn ready, a container of it runs and it is not deleted; crashed pods are drawn so until the
    next container starts.
    """
    run = run()
    pods = pods_of(run)
    crashes = 0
    for number, pod in enumerate(pods):
        lives = [life for life in run.recording.lives if life.pod == number]
        row = run.recording.pods[number]
        edges = [*pod.phases, ("end", run.recording.end_s)]
        for (phase, since_s), (_, until_s) in pairwise(edges):
            if phase == "ready":
                middle_s = (max(since_s, 0.0) + until_s) / 2
                assert any(life.started_s <= middle_s and not life.dead_s < until_s for life in lives)
                assert not row.deleted_s < until_s
            if phase == "down":
                crashes += 1
                assert since_s in {life.dead_s for life in lives}
                assert until_s in {life.started_s for life in lives} | {row.deleted_s, run.recording.end_s}
        deaths = {life.dead_s for life in lives if life.dead_s == life.dead_s}
        assert deaths == set(pod.deaths)
    assert crashes > 3 or run is rollout()


def test_phases_follow_each_other():
    """A replaced pod is ready, drains from its deletion, stops from SIGTERM, and is gone; a new one starts."""
    slow = {"kind": "exponential", "mean": "2s"}  # so that a pod has requests to finish
    _, side, _ = replayed(ss.simulate(small(traffic__service=slow, app__onSigterm="finishInFlight")))
    seen = [[PHASES[phase] for phase, _ in pod["phases"]] for pod in side["pods"]]
    assert ["ready", "draining", "stopping", "gone"] in seen
    assert seen[-1] == ["starting", "ready"]
    assert "preStop" in side["phases"]
    without = ss.simulate(small(deployment__preStop=None))
    assert "preStop" not in replayed(without)[1]["phases"]


def test_the_last_break_is_in_the_replay():
    """It goes on until the last session that the rollout breaks has broken, and never for more than twice as long."""
    run = rollout()
    data, _, from_s = replayed(run)
    caused = run.requests[(run.requests["broke"] != "") & (run.requests["operation"] > 0)]
    assert from_s < run.operations["start_s"].min()
    assert caused["ended_s"].max() <= from_s + data["length"] / 100


def test_more_sessions_than_can_be_drawn_are_sampled(monkeypatch):
    """By number, whatever becomes of them, the same of every side; and fewer again where rows would be too many."""
    monkeypatch.setattr(spans, "MOST_AT_ONCE", 20)
    two = [("now", rollout()), ("longer", drained())]
    data = data_of(two)
    assert data["every"] == -(-max(spans.most_at_once(run, *_span(data)) for _, run in two) // 20) > 1
    for side in data["sides"]:
        assert side["sessions"]["id"]
        assert not any(number % data["every"] for number in side["sessions"]["id"])
        assert len(side["sessions"]["id"]) < side["all"]
    monkeypatch.setattr(whole, "MOST_ROWS", 100)
    fewer = data_of(two)
    assert fewer["every"] > data["every"]
    assert 0 < sum(len(side["rows"]["sent"]) for side in fewer["sides"]) <= 100


def _span(data):
    return data["from_s"], data["from_s"] + data["length"] / 100


def test_two_settings_meet_the_same_sessions():
    """On one clock; and it is known where they do not."""
    now, longer, other = rollout(), drained(), ss.simulate(small(traffic__sessions__rate="1/s"))
    data = data_of([("now", now), ("longer", longer)])
    assert [side["name"] for side in data["sides"]] == ["now", "longer"]
    starts = [dict(zip(side["sessions"]["id"], side["sessions"]["start"], strict=True)) for side in data["sides"]]
    common = starts[0].keys() & starts[1].keys()
    assert all(starts[0][number] == starts[1][number] for number in common)
    # The shorter run ends earlier: what begins later in the other one it has not.
    assert min(starts[1][number] for number in starts[1].keys() - common) > max(starts[0].values())
    closed = [[at for at, _, who, _, _ in side["lines"] if who == "run"] for side in data["sides"]]
    assert closed[0] == [max(starts[0].values())]
    assert same_sessions([("now", now), ("longer", longer)])
    assert not same_sessions([("now", now), ("other", other)])


def test_what_is_broken_before_is_kept(monkeypatch):
    """A session that broke before the replay begins is known to have."""
    run = rollout()
    monkeypatch.setattr(spans, "window", lambda _: (60.0, 70.0))
    data, side, from_s = replayed(run)
    assert from_s == 60.0
    caused = run.requests[(run.requests["broke"] != "") & (run.requests["operation"] > 0)]
    before = set(caused.loc[caused["ended_s"] < 60.0, "session"])
    harmed = {n for n, harm in zip(side["sessions"]["id"], side["sessions"]["harm"], strict=True) if harm & 1}
    assert harmed == before & set(side["sessions"]["id"])
    assert harmed
    assert data["length"] > 0


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, True),
        ({"traffic__cookies__clear": 0.1}, False),
        ({"traffic__tabs": 2}, False),
        ({"gateway__cookieOnRetry": "keep_cookie"}, False),
        ({"gateway__stickySetCookie": "always"}, False),
        ({"upstream__stickySessions__cookiePath": "/elsewhere"}, False),
    ],
    ids=["plain", "cleared", "tabs", "kept", "always", "path"],
)
def test_cookies_are_named_only_where_they_follow(changes, known):
    """Frames hold no cookies: the page speaks of them where they follow from the answers, and else does not."""
    run = ss.simulate(small(run__until="40s", **changes))
    assert replayed(run)[1]["cookies"] is known
