"""Replications by column: nothing is lost, little is kept, and what travels is small."""

import gc
import pickle
import tracemalloc

import pytest
import stub_study
from hypothesis import given
from hypothesis import strategies as st
from small_scenario import small
from stub_study import METRICS, StubScenario

from simsticky.study.replicate import replicate
from simsticky.study.runner import simulate_numbers
from simsticky.study.store import Replication, Replications


def of_stub(number):
    """One replication of the stub."""
    return Replication.of(stub_study.simulate(StubScenario(), seed=7, replication=number))


def test_what_goes_in_comes_out():
    """Values keep their kind: an integer is no float, missing is not zero, a word is a word."""
    rows = [of_stub(number) for number in range(12)]
    rows += [
        Replication({"a": None}, "d1", (), ()),
        Replication({"a": 1, "b": 0.5}, "d2", ("w",), ({"label": "x", "start_s": 1.0, "stuck": False},)),
        Replication({"a": 2, "b": 1.0}, "d3", (), ({"label": "y", "start_s": None, "stuck": True}, {"label": "z"})),
        Replication({"a": 0.25, "b": 2**60 + 1}, "d4", (), ()),
    ]
    kept = Replications(rows)
    assert list(kept) == rows
    assert kept[-1] == rows[-1]
    assert list(kept[3:5]) == rows[3:5]
    assert [type(row.summary.get("a")) for row in kept] == [type(row.summary.get("a")) for row in rows]
    assert kept.column("a")[-4:] == [None, 1, 2, 0.25]
    assert kept.column("nothing") == [None] * 16
    assert kept == Replications(rows)


FACTS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["x", "y", 0, 0.0, 1])
RECORDS = st.dictionaries(st.sampled_from("abc"), FACTS, min_size=1)


@given(st.lists(st.tuples(RECORDS, st.lists(RECORDS, max_size=2)), max_size=8))
def test_whatever_goes_in_comes_out(records):
    """Keys that come and go, kinds that change within a column, numbers that no float holds: nothing is lost."""
    rows = [
        Replication({key: value for key, value in summary.items() if not isinstance(value, str)}, "d", (), tuple(more))
        for summary, more in records
    ]
    kept = Replications(rows)
    assert list(map(kinds, kept)) == list(map(kinds, rows))


def kinds(row):
    """Everything in a replication's records, with the kind of each value."""
    return [{key: (type(value), value) for key, value in record.items()} for record in (row.summary, *row.operations)]


def test_a_worker_sends_little():
    """What one replication of the real model sends is under 10 kB: numbers, no recording."""
    sent = [Replication.of(simulate_numbers(small(), seed=3, replication=0))]
    assert len(pickle.dumps(sent)) < 10_000


@pytest.mark.slow
@pytest.mark.parametrize(("few", "many", "kept"), [(1000, 10_000, False), (2500, 5000, True)])
def test_ten_thousand_replications_leave_their_numbers_and_nothing_else(few, many, kept, tmp_path, monkeypatch):
    """The parent's memory, its peak included, grows by 8 bytes for each number that varies and by the digest.

    A tenth more, because columns grow in steps; with a directory also by where each record is.
    """
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # thousands of waits for the disk show nothing here

    def peak(n):
        place = tmp_path / str(n) if kept else None
        gc.collect()
        tracemalloc.start()
        try:
            study = replicate(StubScenario(), n, 7, simulate=stub_study.simulate, metrics=METRICS, directory=place)
            return tracemalloc.get_traced_memory()[1], study
        finally:
            tracemalloc.stop()

    peak(10)
    (before, _), (after, study) = peak(few), peak(many)
    varying = sum(len(set(study.replications.column(key))) > 1 for key in study.replications.keys)
    numbers = varying + 1  # one of the operation's varies too
    warnings = 20  # a tenth of the replications has one
    places = 16 if kept else 0
    grown = (after - before) / (many - few)
    print(f"{numbers} numbers: {grown:.0f} bytes a replication")
    assert grown <= 1.15 * (8 * numbers + len(study.digests[0]) + 8 + places) + warnings


@pytest.mark.slow
def test_a_study_of_the_real_model_leaves_little():
    """All numbers of a rollout, its operation and its digest: about 1 kB a replication, 10 MB in ten thousand."""
    few = [Replication.of(simulate_numbers(small(), seed=3, replication=number)) for number in range(5)]

    def size(n):
        gc.collect()
        tracemalloc.start()
        try:
            kept = Replications(few[number % 5] for number in range(n))
            return len(kept), tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert (size(3000)[1] - size(500)[1]) / 2500 < 1250
