"""Replicating to a precision: what is asked for, when it stops, and that it says so."""

import json

import pytest
import stub_study
from stub_study import METRICS, StubScenario

from simsticky.errors import InputError
from simsticky.stats.intervals import Interval
from simsticky.study.precision import Precision
from simsticky.study.replicate import replicate


def study(precision, **how):
    """A study of the stub."""
    return replicate(StubScenario(), seed=7, precision=precision, simulate=stub_study.simulate, metrics=METRICS, **how)


@pytest.mark.parametrize(
    ("text", "metric", "half_width", "relative"),
    [
        ("0.2%", "broken_sessions", 0.002, False),
        ("0.2% absolute", "broken_sessions", 0.002, False),
        ("5% relative", "broken_sessions", 0.05, True),
        ("5% rel", "broken_sessions", 0.05, True),
        ("rel:5%", "broken_sessions", 0.05, True),
        ("rel: 0.05", "broken_sessions", 0.05, True),
        ("failed_requests=0.01%", "failed_requests", 0.0001, False),
        ("last_old_pod_gone_s=2s", "last_old_pod_gone_s", 2.0, False),
        ("last_old_pod_gone_s = 5%", "last_old_pod_gone_s", 0.05, True),
        ("breaks_per_session=0.01", "breaks_per_session", 0.01, False),
    ],
)
def test_what_a_precision_means(text, metric, half_width, relative):
    """A percentage of a share is absolute, of anything else relative; a word says the other."""
    read = Precision.parse(text, METRICS)
    assert (read.metric, read.half_width, read.relative) == (metric, pytest.approx(half_width), relative)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("broken_sesions=1%", "did you mean broken_sessions"),
        ("5m", "is no precision"),
        ("0%", "is none"),
        ("150%", "is none"),
        ("5% relativ", "neither relative nor absolute"),
        ("peak_pods=5% absolute", "cannot be absolute"),
        ("last_old_pod_gone_s=-2s", "is no precision"),
    ],
)
def test_what_is_no_precision(text, told):
    """A width that cannot be meant is an error before anything runs."""
    with pytest.raises(InputError, match=told):
        study(text)


def test_it_stops_when_the_interval_is_narrow_enough():
    """The last interval keeps the width, the one before did not, and the study says after how many it looked.

    See rule Q9.
    """
    found = study("0.2%")
    interval = found.estimate("broken_sessions").interval
    stopping = found.stopping
    assert stopping.met
    assert interval.high - interval.low <= 2 * 0.002
    assert stopping.looks[0] == 10
    assert found.n == stopping.looks[-1] > 20
    before = replicate(StubScenario(), stopping.looks[-2], 7, simulate=stub_study.simulate, metrics=METRICS)
    wide = before.estimate("broken_sessions").interval
    assert wide.high - wide.low > 2 * 0.002
    assert (
        str(stopping) == f"Stopped after {found.n} replications: broken_sessions to ± 0.2 percentage points is reached."
    )
    assert json.loads(found.to_json())["precision"]["looks"] == list(stopping.looks)


def test_it_is_a_study_of_so_many_replications():
    """The numbers are those of a study of n replications, on any number of workers (rule Q9)."""
    found = study("0.3%")
    plain = replicate(StubScenario(), found.n, 7, simulate=stub_study.simulate, metrics=METRICS)
    assert found.summaries == plain.summaries
    assert study("0.3%", jobs=2).to_json() == found.to_json()


def test_ten_replications_are_the_fewest():
    """An interval of three replications that happens to be narrow stops nothing."""
    assert study("50%").n == 10


def test_the_most_is_kept_and_said():
    """At the cap it stops and warns that the precision is not reached."""
    found = study("0.01%", max_reps=25)
    assert found.n == 25
    assert not found.stopping.met
    assert found.warnings[-1].startswith("Stopped after 25 replications, the most allowed")
    with pytest.raises(ValueError, match="at least 10"):
        study("1%", max_reps=5)
    with pytest.raises(ValueError, match="not both"):
        study("1%", n=20)


def test_relative_to_nothing_is_never_reached():
    """5 % of zero is zero: no number of replications gets there."""
    assert not study("failed_requests=rel:5%", max_reps=20).stopping.met


def test_a_relative_precision_allows_for_its_own_error():
    """Five percent of the truth is 0.05 / 1.05 of the estimate (Law)."""
    precision = Precision.parse("rel:5%", METRICS)
    assert precision.is_met(Interval(1.0, 1 - 0.0476, 1.0476))
    assert not precision.is_met(Interval(1.0, 0.95, 1.05))


def test_a_round_never_more_than_doubles():
    """The next number follows from the width, between a fifth more and twice as many, up to the cap."""
    precision = Precision.parse("1%", METRICS)
    assert precision.next_n(10, Interval(0.5, 0.3, 0.7), 1000) == 20
    assert precision.next_n(100, Interval(0.5, 0.489, 0.511), 1000) == 134
    assert precision.next_n(100, Interval(0.5, 0.4899, 0.5101), 1000) == 120
    assert precision.next_n(100, Interval(0.5, 0.3, 0.7), 150) == 150
    assert precision.next_n(10, Interval(None, None, None), 1000) == 20
