"""The tables of a result agree with its summary and with each other."""

import json

import numpy as np
import pytest
from small_scenario import small

from simsticky.recording.pods import PodRecord
from simsticky.recording.record import Recording, pack
from simsticky.results import frames
from simsticky.simulate import simulate


@pytest.fixture(scope="module")
def result():
    """A rollout with background breaks, kills, failures and more than one node."""
    return simulate(
        small(
            gateway__nodes=2,
            traffic__cookies={"keep": 0.8},
            app__onSigterm="ignore",
            traffic__service={"kind": "exponential", "mean": "1s"},
        )
    )


def test_every_frame_has_its_columns(result):
    """Notebooks name these columns."""
    assert tuple(result.requests.columns) == frames.REQUESTS
    assert tuple(result.sessions.columns) == frames.SESSIONS
    assert tuple(result.pods.columns) == frames.PODS
    assert tuple(result.load.columns) == frames.LOAD
    assert tuple(result.events.columns) == frames.EVENTS
    assert tuple(result.operations.columns) == frames.OPERATIONS
    assert tuple(result.operation_rows[0]) == frames.OPERATIONS


def test_requests_add_up_to_the_summary(result):
    """Each count of the summary can be found again by counting rows sent after the settling time."""
    rows, summary = result.requests, result.summary
    settled = rows[rows.sent_s >= result.scenario.run.settle]
    outcome = settled.outcome.value_counts()
    assert outcome["answered"] == summary["requests_answered"]
    assert outcome["unfinished"] == summary["requests_unfinished"]
    assert outcome["reset"] == summary["failed.reset"] > 0
    assert outcome["bad_gateway"] == summary["failed.bad_gateway_502"]
    caused = rows[(rows.broke != "") & (rows.operation > 0)]
    assert len(caused) == summary["breaks"] > 0
    for mechanism, number in caused.mechanism.value_counts().items():
        assert number == (summary[f"mechanism.{mechanism}"] if mechanism else 0)
    background = settled[(settled.broke != "") & (settled.operation == 0)]
    assert len(background) == summary["breaks_background"] > 0


def test_requests_are_sorted_and_possible(result):
    """In order of sending, no request starts before it is sent or ends before it starts, each exactly once."""
    rows = result.requests
    assert rows.sent_s.is_monotonic_increasing
    assert not rows.duplicated(["session", "request"]).any()
    ended = rows[rows.outcome == "answered"]
    assert ((ended.sent_s <= ended.started_s) & (ended.started_s <= ended.ended_s)).all()
    assert (rows.status[rows.outcome == "answered"] == 200).all()
    assert set(rows.node.cat.categories) == {"kong-1", "kong-2"}


def test_no_request_is_answered_by_a_pod_that_is_dead(result):
    """The pods table and the requests table tell of the same pods."""
    rows = result.requests[result.requests.outcome == "answered"]
    dead_s = result.pods.set_index("pod").dead_s
    assert not (rows.ended_s > rows.pod.map(dead_s).astype(float)).any()


def test_sessions_add_up_to_their_requests(result):
    """A session's row counts what its request rows say."""
    rows, table = result.requests, result.sessions.set_index("session")
    failed = rows[~rows.outcome.isin(["answered", "unfinished"])].groupby("session").size()
    assert table.failed.sum() == failed.sum()
    assert table.breaks.sum() == result.summary["breaks"]
    assert (table.requests == rows.groupby("session").size()).all()
    assert set(table.end.unique()) == {"over"}
    assert table.ended_s.notna().all()


def test_unfinished_requests_and_sessions_have_no_end():
    """What the end of the run cut off is marked, and its end is missing."""
    cut = simulate(small([], run__until="20s", traffic__service="5s"))
    rows = cut.requests[cut.requests.outcome == "unfinished"]
    assert len(rows) > 0
    assert rows.ended_s.isna().all()
    assert (rows.status == 0).all()
    ends = cut.sessions.groupby("end", observed=True).ended_s
    assert ends.count()["last_request_open"] == ends.count()["more_to_come"] == 0
    assert ends.count()["over"] > 0


def test_load_ends_at_zero_and_starts_with_the_container(result):
    """When every session is over and every old pod gone, no load is left anywhere."""
    by_pod = result.load.groupby("pod", observed=True)
    assert (by_pod[["sessions", "in_flight"]].last() == 0).all(axis=None)
    assert (result.load[["sessions", "in_flight"]] >= 0).all(axis=None)
    started = result.pods.set_index("pod").started_s.clip(lower=0.0)
    assert (by_pod.time_s.first() == started.loc[by_pod.time_s.first().index]).all()
    dead = result.pods.set_index("pod").dead_s.dropna()
    assert (by_pod.time_s.last().loc[dead.index] <= dead).all()


def test_load_rows_are_changes(result):
    """The series is piecewise constant: a row that repeats the one before it says nothing."""
    for _, series in result.load.groupby("pod", observed=True):
        assert (np.diff(series.time_s) > 0).all()
        assert (series[["sessions", "in_flight"]].diff().iloc[1:] != 0).any(axis=1).all()


def test_load_in_flight_is_the_sum_of_the_requests(result):
    """The area under the in-flight series is the time that requests spent on pods."""
    rows = result.requests[result.requests.pod.notna() & result.requests.ended_s.notna()]
    spent_s = float((rows.ended_s - rows.sent_s).sum())
    area = sum(
        float((series.in_flight.to_numpy()[:-1] * np.diff(series.time_s)).sum())
        for _, series in result.load.groupby("pod", observed=True)
    )
    assert area == pytest.approx(spent_s)


def test_load_without_requests_tells_of_sessions_only():
    """At the level `sessions` the in-flight column is left out rather than filled with zeros."""
    load = simulate(small(run__record="sessions")).load
    assert tuple(load.columns) == ("time_s", "pod", "sessions")
    assert load.sessions.max() > 0


def test_events_carry_their_figures_beside_the_words(result):
    """Nobody has to parse `detail`: `data` holds what it is made from, as JSON, or nothing where a kind has no more."""
    sigterm = result.events[result.events["kind"] == "sigterm"].iloc[0]
    assert json.loads(sigterm["data"]) == {"sigkill_in_s": 20}
    assert sigterm["detail"] == "SIGKILL follows in 20 s"
    targets = {pod.pod for pod in result.recording.pods if pod.created_s < 0}
    for push in result.events[result.events["kind"] == "pushing"]["data"].map(json.loads):
        for change in push["changes"]:
            (targets.discard if change["after"] is None else targets.add)(change["pod"])
        assert len(targets) == push["targets"]
    assert targets == set(result.pods[result.pods["deleted_s"].isna()]["pod"])


def test_pods_and_events_tell_the_rollout_in_order(result):
    """Each old pod is deleted, gets SIGTERM, dies and goes, in this order; events never run back."""
    old = result.pods[result.pods.deleted_by == 1]
    assert len(old) == 3
    for _, pod in old.iterrows():
        assert pod.deleted_s <= pod.prestop_end_s <= pod.sigterm_s <= pod.dead_s <= pod.endpoint_gone_s <= pod.removed_s
    assert result.events.at_s.is_monotonic_increasing
    assert (result.events.seq == np.arange(len(result.events))).all()


def test_operations_hold_both_ends(result):
    """One row per operation, with its two ends as moments and as durations."""
    (row,) = result.operations.to_dict("records")
    assert (row["label"], row["exposed"], row["broken"]) == (
        "rollout app",
        result.summary["exposed_sessions"],
        result.summary["broken_exposed_sessions"],
    )
    assert row["rollout_done_s"] - row["start_s"] == row["rollout_done_after_s"] == result.summary["rollout_done_s"]
    assert row["last_old_pod_gone_after_s"] == result.summary["last_old_pod_gone_s"]


def test_frames_of_nothing_are_empty_with_their_columns():
    """A run without pods, requests or operations has tables all the same."""
    nothing = Recording("requests", 0.0)
    assert tuple(frames.requests(nothing).columns) == frames.REQUESTS
    assert tuple(frames.sessions(nothing).columns) == frames.SESSIONS
    assert tuple(frames.pods(nothing).columns) == frames.PODS
    assert tuple(frames.load(nothing).columns) == frames.LOAD
    assert tuple(frames.events(nothing).columns) == frames.EVENTS
    assert tuple(frames.operations([]).columns) == frames.OPERATIONS


def test_rows_out_of_order_are_sorted_by_sending_then_session():
    """A request that takes long is in a later block than the ones sent after it."""
    early = np.array([[5, 0, 2.0, 2.0, 2.1, 0, pack(0)], [4, 0, 2.0, 2.0, 2.1, -1, pack(1, 2, 1)]])
    late = np.array([[3, 0, 1.0, 1.0, 9.0, 0, pack(0, 1, 0, 1, 2, 2, 7)]])
    pod = PodRecord("app-a", "app", 1, "node-1", "10.0.0.1:80")
    table = frames.requests(Recording("requests", 0.0, request_blocks=[early, late], pods=[pod], containers=[0]))
    assert table.session.tolist() == [3, 4, 5]
    assert table.pod.astype(object).where(table.pod.notna(), None).tolist() == ["app-a", None, "app-a"]
    assert (table.broke[0], table.mechanism[0], table.origin[0], table.operation[0]) == (
        "stale",
        "target_removed",
        "drain_window_too_short",
        7,
    )
    assert (table.outcome[1], table.status[1], table.attempts[1], table.node[1]) == ("bad_gateway", 502, 2, "kong-2")
