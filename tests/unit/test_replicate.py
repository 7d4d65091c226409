"""A study: estimates over replications, verdicts, and JSON that is the same to the byte."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import stub_study
from stub_study import METRICS, StubMetric, StubScenario

from simsticky.errors import InputError
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import Interval
from simsticky.study.execution import Interrupted
from simsticky.study.replicate import replicate
from simsticky.study.verdicts import checked_thresholds, judge


def study(n=20, seed=7, scenario=None, simulate=stub_study.simulate, **how):
    """A study of the stub."""
    return replicate(scenario or StubScenario(), n, seed, simulate=simulate, metrics=METRICS, **how)


def test_summaries_come_in_replication_order():
    """Replication i of a study is simulate(seed, replication=i), NaN told as missing."""
    many = study(12)
    expected = stub_study.simulate(StubScenario(), seed=7, replication=11)
    assert many.n == 12
    assert many.summaries[11]["rollout_done_s"] == expected.summary["rollout_done_s"]
    assert many.summaries[11]["load_skew.sessions.serving.cv"] is None
    assert many.digests[11] == expected.digest


def test_results_do_not_depend_on_the_number_of_workers():
    """In this process, over two processes, over any executor: the same bytes."""
    alone = study(21).to_json()
    assert study(21, jobs=2).to_json() == alone
    with ThreadPoolExecutor(3) as threads:
        assert study(21, executor=threads).to_json() == alone
    assert study(21, seed=8).to_json() != alone


def test_defaults_come_from_the_scenario():
    """Without n and seed the scenario's own are used."""
    many = replicate(StubScenario(), simulate=stub_study.simulate, metrics=METRICS)
    assert (many.n, many.seed) == (30, 7)


def test_a_share_is_a_ratio_of_sums():
    """A share is all its numerators over all its denominators, not a mean of percentages."""
    estimate = study().estimate("broken_sessions")
    summaries = study().summaries
    assert estimate.numerator == sum(s["broken_exposed_sessions"] for s in summaries)
    assert estimate.denominator == sum(s["exposed_sessions"] for s in summaries)
    assert estimate.interval.estimate == pytest.approx(estimate.numerator / estimate.denominator)
    assert estimate.interval.low < estimate.interval.estimate < estimate.interval.high


def test_missing_values_are_counted():
    """The two rollouts of twenty that never end are left out of the mean and said."""
    interval = study().estimate("rollout_done_s").interval
    assert (interval.used, interval.left_out) == (18, 2)


def test_a_plain_count_of_the_summary_can_be_estimated():
    """Any count of the summary has a mean per replication; other names are refused with the nearest."""
    assert study().estimate("broken_exposed_sessions").unit == "count"
    with pytest.raises(InputError, match="did you mean broken_sessions"):
        study().estimate("broken_session")


def test_one_replication_has_no_intervals():
    """One run gives estimates, no intervals, and no verdict."""
    one = study(1)
    assert one.estimate("broken_sessions").interval.kind == "none"
    assert {verdict.mark for verdict in one.verdicts()} == {"?"}
    with pytest.raises(ValueError, match="at least one"):
        study(0)


def test_progress_counts_replications():
    """Progress is in replications, whatever the chunks."""
    seen = []
    study(100, on_progress=lambda finished, total: seen.append((finished, total)))
    assert seen[-1] == (100, 100)
    assert seen == sorted(seen)


def test_interrupted_counts_replications():
    """Ctrl-C says how many replications are finished."""
    with pytest.raises(Interrupted, match="12 of 30 replications were finished"):
        study(30, jobs=1, simulate=stub_study.interrupted_at_12)


def test_warnings_are_told_once():
    """A warning of some replications is one line that says how many."""
    scenario = StubScenario(warnings=("a law without a second moment",))
    assert study(scenario=scenario).warnings == (
        "a law without a second moment",
        "the rollout did not end (in 2 of 20 replications)",
    )


def test_operations_are_averaged():
    """An operation keeps its name; its numbers are means over replications."""
    (rollout,) = study().operations()
    assert rollout["operation"] == "rollout app"
    assert rollout["start_s"] == {"mean": 600.0, "low": 600.0, "high": 600.0, "replications": 20}
    assert rollout["broken"]["low"] < rollout["broken"]["mean"]


def test_json_carries_its_provenance():
    """The JSON says what made it, and nothing of when or on how many cores."""
    document = json.loads(study().to_json())
    assert document["schemaVersion"] == 2
    assert document["scenario"]["name"] == "rolling"
    assert document["scenario"]["digest"] == "0123456789abcdef"
    assert document["scenario"]["from"] == {"thresholds.broken_sessions": "rolling.yaml:18"}
    assert len(document["values"]["broken_exposed_sessions"]) == 20
    assert "broken_sessions" not in document["values"]
    assert set(document["libraries"]) == {"python", "numpy", "simpy"}
    assert (document["seed"], document["replications"], len(document["digests"])) == (7, 20, 20)
    assert document["verdicts"][0]["verdict"] == "not met"
    assert document["estimates"]["failed_requests"]["interval"] == "upper bound"
    assert document["manifests"]["read"] == ["a.yaml:3: Deployment app: spec.replicas: 3"]


@pytest.mark.parametrize(
    ("text", "low", "high", "mark"),
    [
        ("< 1%", 0.002, 0.0099, "✓"),
        ("< 1%", 0.002, 0.01, "?"),
        ("<= 1%", 0.002, 0.01, "✓"),
        ("< 1%", 0.01, 0.02, "✗"),
        ("<= 1%", 0.01, 0.02, "?"),
        ("> 0.9", 0.91, 0.95, "✓"),
        (">= 90%", 0.85, 0.89, "✗"),
        ("< 1%", None, None, "?"),
    ],
)
def test_verdicts_need_the_whole_interval(text, low, high, mark):
    """✓ only when all of the interval meets the threshold, ✗ only when none of it does (rule Q5)."""
    assert judge(Threshold.parse(text), Interval(0.5, low, high)) == mark


def test_thresholds_keep_to_the_metrics_unit():
    """Durations for times, percentages for shares, numbers for counts."""
    thresholds = {"rollout_done_s": "<= 5m", "peak_pods": "<= 5", "failed_requests": "< 0.1%"}
    read = checked_thresholds(StubScenario(thresholds=thresholds), METRICS)
    assert [threshold.value for threshold in read.values()] == pytest.approx([300, 5, 0.001])


@pytest.mark.parametrize(
    ("metric", "text", "message"),
    [
        ("broken_sessions", "< 5", "did you mean '5%'"),
        ("broken_sessions", "< 5m", "is a duration"),
        ("peak_pods", "< 5%", "no plain number"),
        ("peak_pods", "< 5m", "no plain number"),
        ("rollout_done_s", "< 5%", "is a share"),
    ],
)
def test_thresholds_in_another_unit_are_refused(metric, text, message):
    """A threshold that cannot mean what it says is an error, not a guess."""
    with pytest.raises(InputError, match=message):
        checked_thresholds(StubScenario(thresholds={metric: text}), METRICS)


def test_thresholds_are_checked_before_anything_runs():
    """An unknown metric is told with its line and column, before a minute of simulation."""

    def never(scenario, *, seed, replication):
        raise AssertionError("it ran")

    thresholds = {"broken_sessions": "< 5", "broken_sesions": "< 1%"}
    scenario = StubScenario(thresholds=thresholds)
    with pytest.raises(InputError) as caught:
        study(scenario=scenario, simulate=never)
    first, second = str(caught.value).splitlines()
    assert first.startswith("rolling.yaml:18:20: thresholds.broken_sessions: ")
    assert "did you mean broken_sessions?" in second


def test_a_ratio_with_counts_is_a_ratio_of_sums():
    """Breaks per session is all breaks over all exposed sessions."""
    estimate = study().estimate("breaks_per_session")
    assert estimate.interval.kind == "ratio t"
    assert isinstance(METRICS["breaks_per_session"], StubMetric)
