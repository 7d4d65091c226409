"""The recorder: the same figures whenever rows are sealed, and rows patched when a container dies."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_scenario import small

from simsticky.errors import InputError
from simsticky.recording.open_rows import ROWS_AT_ONCE, InFlight, OpenRows
from simsticky.recording.record import (
    CODE,
    CONTAINER,
    ENDED,
    MAX_ATTEMPTS,
    SENT,
    STARTED,
    Kind,
    Mechanism,
    OperationRecord,
    Origin,
    Outcome,
    Recording,
    pack,
    unpack_columns,
)
from simsticky.recording.recorder import Recorder
from simsticky.scenario.gateway import MOST_NODES
from simsticky.scenario.targets import MOST_OPERATIONS

_END_S = 50.0
_CODES = [
    pack(0),
    pack(1, 2),
    pack(0, 6, Outcome.BAD_GATEWAY, cause=1),
    pack(0, 1, Outcome.NO_TARGET),
    pack(0, 1, Outcome.TIMED_OUT, cause=2),
    pack(0, 1, Outcome.ANSWERED, Mechanism.REFUSED, Kind.LOST, Origin.RACE, 1),
    pack(1, 1, Outcome.ANSWERED, Mechanism.TARGET_REMOVED, Kind.STALE, Origin.DRAIN_OFF, 2),
    pack(0, 1, Outcome.ANSWERED, Mechanism.NO_COOKIE, Kind.LOST, Origin.BACKGROUND),
]


def test_every_node_and_operation_that_a_scenario_may_have_fits_a_code() -> None:
    """A node or cause beyond its bits would change the fields beside it."""
    most = pack(MOST_NODES - 1, MAX_ATTEMPTS, Outcome.ANSWERED, cause=MOST_OPERATIONS)
    columns = {name: column.item() for name, column in unpack_columns(np.array([float(most)])).items()}
    assert (columns.pop("node"), columns.pop("attempts"), columns.pop("cause")) == (4095, 255, 65_535)
    assert set(columns.values()) == {0}
    base = small()
    assert base.evolve({"gateway.nodes": MOST_NODES}).gateway.nodes == MOST_NODES
    with pytest.raises(InputError, match=r"gateway\.nodes"):
        base.evolve({"gateway.nodes": MOST_NODES + 1})
    push = {"at": "1s", "configPush": "all", "every": "1s", "times": 5_000}
    base.evolve({"timeline": [push] * 13})
    with pytest.raises(InputError, match="70000 operations, repetitions counted; at most 65535 are possible"):
        base.evolve({"timeline": [push] * 14})


class _Sent(NamedTuple):
    sent_s: float
    wait_s: float
    service_s: float
    container: int
    code: int


_REQUESTS = st.lists(
    st.builds(
        _Sent,
        st.integers(0, 40).map(float),
        st.sampled_from([0.0, 1.0, 30.0]),
        st.sampled_from([0.25, 5.0, 20.0]),
        st.integers(0, 2),
        st.sampled_from(_CODES),
    ),
    max_size=25,
).map(sorted)


def _write(recorder: Recorder, *row: float) -> None:
    """Write a request that was sent at the time of its only attempt."""
    recorder.request(row, row[SENT])


def _recorded(requests: Sequence[_Sent], seals: Sequence[bool], level: str = "requests") -> Recording:
    recorder = Recorder(level, 10.0)
    recorder.recording.containers.extend([0, 1, 2])
    recorder.recording.operations += [OperationRecord(number, "", "rollout", 0.0) for number in (1, 2)]
    for number, request in enumerate(requests):
        if seals[number % len(seals)]:
            recorder.seal(request.sent_s)
        started_s = request.sent_s + request.wait_s
        row = (number, 1.0, request.sent_s, started_s, started_s + request.service_s, request.container, request.code)
        _write(recorder, *row)
    return recorder.finish(_END_S)


def _rows(recording: Recording) -> list[list[float]]:
    rows = np.concatenate([np.empty((0, 7)), *recording.request_blocks])
    return np.nan_to_num(rows[np.argsort(rows[:, 0])], nan=-1.0).tolist()


@given(_REQUESTS, st.lists(st.booleans(), min_size=1, max_size=5))
def test_sealing_at_any_moment_gives_the_same_figures(requests: list[_Sent], seals: list[bool]) -> None:
    """Counts, operations, latencies and rows are the same whenever blocks are made."""
    one, other = _recorded(requests, [False]), _recorded(requests, seals)
    assert one.counts == other.counts
    assert _of_operations(one) == _of_operations(other)
    bins = np.flatnonzero(one.latency.counts)
    assert one.latency.counts.tolist() == other.latency.counts.tolist()
    assert one.latency.means(bins).tolist() == other.latency.means(bins).tolist()
    assert one.digest == other.digest
    assert _rows(one) == _rows(other)


def _of_operations(recording: Recording) -> list[tuple[int, ...]]:
    return [(o.breaks, o.lost, o.stale, o.failed) for o in recording.operations]


@given(_REQUESTS)
def test_counts_are_those_of_the_rows(requests: list[_Sent]) -> None:
    """The counters agree with counting by hand."""
    recording = _recorded(requests, [True, False])
    measured = [r for r in requests if r.sent_s >= 10.0]
    over = [r for r in measured if r.sent_s + r.wait_s + r.service_s <= _END_S]
    outcomes = [Outcome((r.code >> 20) & 7) for r in over]
    counts = recording.counts
    assert counts.get("requests_unfinished", 0) == len(measured) - len(over)
    assert counts.get("requests_sent", 0) == len(over)
    assert counts.get("requests_answered", 0) == outcomes.count(Outcome.ANSWERED)
    assert counts.get("failed.timeout_504", 0) == outcomes.count(Outcome.TIMED_OUT)
    assert counts.get("requests_failed", 0) == len(over) - outcomes.count(Outcome.ANSWERED)
    ended = [r for r in requests if r.sent_s + r.wait_s + r.service_s <= _END_S]
    # A break that an operation caused counts whenever it was, one in the background only once things have settled.
    assert counts.get("breaks", 0) == sum(r.code in _CODES[5:7] for r in ended)
    assert counts.get("breaks_background", 0) == sum(r.code == _CODES[7] for r in over)


@pytest.mark.parametrize("level", ["sessions", "summary"])
def test_lower_levels_keep_no_rows_and_the_same_counts(level: str) -> None:
    """What is kept changes no figure, the digest included."""
    requests = [_Sent(float(second), 0.0, 0.25, second % 3, _CODES[second % len(_CODES)]) for second in range(40)]
    full, less = _recorded(requests, [False, True]), _recorded(requests, [False, True], level)
    assert (less.counts, less.digest) == (full.counts, full.digest)
    assert less.request_blocks == []


def test_cut_patches_what_is_in_flight_on_that_container() -> None:
    """A kill resets the requests of its container now; those of others and those over by now are left alone."""
    rows = OpenRows()
    recorder = Recorder("requests", 0.0, rows=rows)
    recorder.recording.containers.extend([0, 1])
    recorder.recording.operations += [OperationRecord(number, "", "rollout", 0.0) for number in range(1, 6)]
    for session, (sent_s, started_s, ended_s, container) in enumerate(
        [(1.0, 1.0, 9.0, 0), (2.0, 2.0, 10.0, 0), (3.0, 3.0, 11.0, 0), (4.0, 4.0, 11.0, 1), (5.0, 12.0, 20.0, 0)]
    ):
        _write(recorder, session, 7.0, sent_s, started_s, ended_s, container, pack(3, 2))
    assert rows.in_flight(0, 10.0) == [InFlight(2, 7, 2), InFlight(4, 7, 2)]
    recorder.cut(10.0, 0, cause=5, sent_again=())
    assert rows.in_flight(0, 10.0) == []
    recording = recorder.finish(30.0)
    kept = np.concatenate(recording.request_blocks)
    kept = kept[np.argsort(kept[:, 0])]
    fields = unpack_columns(kept[:, CODE])
    assert fields["outcome"].tolist() == [0, 0, Outcome.RESET, 0, Outcome.RESET]
    assert kept[:, ENDED].tolist() == [9.0, 10.0, 10.0, 11.0, 10.0]
    # The last one was cut in the queue: it was never in service.
    assert kept[:, STARTED].tolist() == [1.0, 2.0, 3.0, 4.0, 10.0]
    assert fields["cause"].tolist() == [0, 0, 5, 0, 5]
    assert (fields["node"].tolist(), fields["attempts"].tolist()) == ([3] * 5, [2] * 5)


@pytest.mark.parametrize("sealed_s", [[], [9.0]])
def test_window_begins_with_the_requests_in_flight(sealed_s: list[float]) -> None:
    """What was sent before and ends within it counts until it ends."""
    recorder = Recorder("requests", 0.0)
    recorder.recording.containers.extend([0, 1])
    recorder.pod_sets(0.0, {"taking_new": (0, 1), "serving": (0, 1), "terminating": ()})
    for number, (sent_s, ended_s, container, outcome) in enumerate(
        [
            (1.0, 10.0, 0, Outcome.ANSWERED),  # over when the window begins
            (2.0, 15.0, 0, Outcome.ANSWERED),
            (3.0, 12.0, 1, Outcome.TIMED_OUT),
            (4.0, 18.0, -1, Outcome.TIMED_OUT),  # reached no container
        ]
    ):
        _write(recorder, number, 1.0, sent_s, sent_s, ended_s, container, pack(0, 1, outcome))
    for now_s in sealed_s:
        recorder.seal(now_s)
    recorder.start_window(10.0)
    _write(recorder, 9, 1.0, 19.0, 19.0, 30.0, 1, pack(0))
    recorder.mark_window(20.0)
    totals = recorder.finish(25.0).skew["in_flight", "serving"]
    assert (totals.mean, totals.max) == ((5 + 2 + 1) / 2, 5 + 1)


def test_window_without_requests_in_flight_follows_none() -> None:
    """A run without an operation measures sessions and requests, and nothing in flight.

    See rule L2.
    """
    recorder = Recorder("requests", 0.0)
    recorder.recording.containers.append(0)
    recorder.pod_sets(0.0, {"taking_new": (0,), "serving": (0,), "terminating": ()})
    _write(recorder, 0, 1.0, 5.0, 5.0, 15.0, 0, pack(0))
    recorder.start_window(10.0, in_flight=False)
    _write(recorder, 1, 1.0, 11.0, 11.0, 19.0, 0, pack(0))
    recorder.mark_window(20.0)
    recording = recorder.finish(25.0)
    assert recording.skew["in_flight", "serving"].mean == 0.0
    assert recording.skew["requests", "serving"].mean == 1.0


@pytest.mark.parametrize("gathered", [False, True])
def test_in_flight_are_the_requests_that_a_container_is_to_answer(gathered: bool) -> None:
    """A container's death is told to its requests by time of sending, whether or not somebody has gathered the rows.

    What is over by now, has timed out, or is on another container, is not in flight there.
    """
    rows = OpenRows()
    for session, sent_s, ended_s, container, outcome in [
        (8, 3.0, 20.0, 0, Outcome.ANSWERED),
        (7, 3.0, 20.0, 0, Outcome.ANSWERED),
        (1, 1.0, 10.0, 0, Outcome.ANSWERED),
        (2, 1.0, 30.0, 0, Outcome.TIMED_OUT),
        (3, 1.0, 30.0, 1, Outcome.ANSWERED),
    ]:
        rows.add((session, 4, sent_s, sent_s, ended_s, container, pack(0, 1, outcome)), sent_s)
    rows.add((9, 5, 2.0, 6.0, 11.0, 0, pack(0, 3)), 6.0)
    if gathered:
        rows.gather()
    assert rows.in_flight(0, 10.0) == [InFlight(9, 5, 3), InFlight(7, 4, 1), InFlight(8, 4, 1)]
    assert rows.in_flight(2, 10.0) == []


def test_rows_can_be_written_while_a_profiler_keeps_what_it_saw() -> None:
    """Dask looks at its threads' calls from another thread and keeps them, names and all, for longer than they last."""
    rows, kept = OpenRows(), []
    sys.setprofile(lambda frame, *_: kept.append(frame))
    try:
        for sent_s in (1.0, 2.0, 3.0):
            rows.add((1, 1, sent_s, sent_s, 9.0, 0, pack(0)), sent_s)
            rows.add((2, 1, sent_s, 4.0, 9.0, 0, pack(0)), 4.0)
            rows.look()
            rows.in_flight(0, sent_s)
        rows.gather()
        rows.add((1, 2, 10.0, 10.0, 11.0, 0, pack(0)), 10.0)
    finally:
        sys.setprofile(None)
    assert {"look", "in_flight", "gather"} <= {frame.f_code.co_name for frame in kept}
    assert rows.columns.shape[1] == 6


def test_frequent_cuts_do_not_keep_rows_from_being_sealed() -> None:
    """Each cut takes the rows out of the buffer, which so is never full."""
    recorder = Recorder("requests", 0.0)
    recorder.recording.containers.append(0)
    recorder.start_window(0.0)
    for second in range(60):
        for number in range(1_000):
            _write(recorder, number, 1.0, second, second, second + 0.5, 0, pack(0))
        recorder.cut(second + 0.9, 0, 0, ())
        recorder.mark_window(second + 0.9)
        sealed = sum(map(len, recorder.recording.request_blocks))
        assert 1_000 * (second + 1) - sealed <= ROWS_AT_ONCE + 1_000


def test_request_that_is_sent_again_leaves_no_row_of_its_cut_attempt() -> None:
    """What nginx sends again is told once, by its next attempt."""
    recorder = Recorder("requests", 0.0)
    recorder.recording.containers.extend([0, 1])
    recorder.recording.operations += [OperationRecord(1, "", "rollout", 0.0)]
    for request in (2.0, 3.0):
        recorder.request((4, request, 1.0, 1.0, 20.0, 0, pack(0, 2)), 1.0)
    recorder.cut(10.0, 0, 1, {(4, 3)})
    recorder.request((4, 3.0, 1.0, 10.0, 29.0, 1, pack(0, 3)), arrived_s=10.0)
    recording = recorder.finish(30.0)
    rows = np.concatenate(recording.request_blocks)
    assert rows[np.argsort(rows[:, 1])][:, [1, ENDED, CONTAINER]].tolist() == [[2.0, 10.0, 0.0], [3.0, 29.0, 1.0]]
    assert (recording.counts["requests_sent"], recording.counts["failed.reset"]) == (2, 1)


def test_open_requests_are_unfinished_at_the_end() -> None:
    """Unfinished requests have no end time and no answer, whatever was expected of them."""
    recording = _recorded([_Sent(45.0, 0.0, 20.0, 0, _CODES[5])], [False])
    (row,) = np.concatenate(recording.request_blocks)
    assert np.isnan(row[ENDED])
    assert unpack_columns(row[CODE : CODE + 1])["outcome"].tolist() == [Outcome.UNFINISHED]
    assert unpack_columns(row[CODE : CODE + 1])["kind"].tolist() == [Kind.NONE]
    assert recording.counts["requests_unfinished"] == 1
    assert recording.counts.get("breaks", 0) == 0
