"""Replications by column: nothing is lost, little is kept, and what travels is small."""

import gc
import pickle
import tracemalloc

import stub_study
from small_scenario import small
from stub_study import METRICS, StubScenario

from simsticky.study.replicate import replicate
from simsticky.study.replications import Replication, Replications
from simsticky.study.runner import simulate_numbers


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


def test_a_worker_sends_little():
    """What one replication of the real model sends is under 10 kB: numbers, no recording."""
    sent = [Replication.of(simulate_numbers(small(), seed=3, replication=0))]
    assert len(pickle.dumps(sent)) < 10_000


def test_ten_thousand_replications_need_little_memory():
    """The parent keeps columns of numbers: from 1,000 to 10,000 replications it grows by less than 1 kB each."""

    def peak(n):
        gc.collect()
        tracemalloc.start()
        try:
            study = replicate(StubScenario(), n, 7, simulate=stub_study.simulate, metrics=METRICS)
            assert study.n == n
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    few, many = peak(1000), peak(10_000)
    print(f"1,000: {few / 1e6:.1f} MB, 10,000: {many / 1e6:.1f} MB, {(many - few) / 9000:.0f} bytes a replication")
    assert (many - few) / 9000 < 1000
