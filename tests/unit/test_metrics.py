"""The metric registry and the summary that is made of it."""

import numpy as np
import pytest
from small_scenario import small

from simsticky.results.metrics import EXCESS_FIGURES, METRICS, summarise
from simsticky.sim.recording import Harmed, Mechanism, OperationRecord, Origin, Recording
from simsticky.simulate import simulate
from simsticky.stats.skew import SkewTotals


def recording(*operations: OperationRecord, **counts: int) -> Recording:
    return Recording("summary", 0.0, operations=list(operations), counts=counts)


def rollout(number: int = 1, **values: float) -> OperationRecord:
    operation = OperationRecord(number, "rollout app", "rollout", 10.0)
    for name, value in values.items():
        setattr(operation, name, value)
    return operation


def test_the_headline_metrics_keep_their_names_and_counts():
    """Thresholds in people's files and gates in their pipelines name these; a rename would break them."""
    counted = {m.name: (m.unit, m.numerator, m.denominator) for m in METRICS.values() if m.numerator is not None}
    assert counted == {
        "broken_sessions": ("share", "broken_exposed_sessions", "exposed_sessions"),
        "broken_of_alive": ("share", "broken_alive_sessions", "alive_sessions"),
        "broken_any_cause": ("share", "broken_any_cause_sessions", "any_cause_sessions"),
        "breaks_per_session": ("ratio", "breaks", "exposed_sessions"),
        "failed_requests": ("share", "requests_failed", "requests_sent"),
        "background_broken_sessions": ("share", "background_broken_sessions_count", "sessions_seen"),
        "censored_sessions": ("share", "censored_sessions_count", "exposed_or_censored_sessions"),
    }


def test_every_metric_is_defined_once_and_in_a_sentence():
    """`simsticky explain` prints definitions; one that is empty or cut short explains nothing."""
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.definition[0].isupper() or metric.definition.startswith("load_skew")
        assert metric.definition.endswith(".")
        assert metric.unit != "share" or (metric.numerator in METRICS and metric.denominator in METRICS)


def test_every_mechanism_origin_and_failure_has_a_count():
    """A mechanism that the model can record and the registry does not know would vanish from every report."""
    for mechanism in list(Mechanism)[1:]:
        assert f"mechanism.{mechanism.name.lower()}" in METRICS
        assert f"background.{mechanism.name.lower()}" in METRICS
    for origin in list(Origin)[1:]:
        assert f"origin.{origin.name.lower()}" in METRICS


def test_the_summary_holds_every_metric_in_order_even_when_nothing_happened():
    """Reports and JSON rely on the same keys in every replication: counts are 0, rates and times are missing."""
    summary = summarise(recording(), None)
    assert list(summary) == list(METRICS)
    for name, value in summary.items():
        assert value == 0 if METRICS[name].unit == "count" else value is None, name


def test_operations_add_up_and_the_longest_of_their_times_counts():
    """Several operations are one headline: each session once, the longest of the durations."""
    first = rollout(1, exposed=10, broken=4, alive=20, broken_alive=3, done_s=40.0, peak_pods=4, censored=1)
    second = rollout(2, exposed=30, broken=6, alive=20, broken_alive=7, done_s=25.0, peak_pods=5, stuck="no pod")
    second.last_old_pod_gone_s = 60.0
    both = recording(first, second, breaks=16, censored_sessions_count=1)
    both.union = Harmed(exposed=40, broken=10, alive=40, broken_alive=10)
    summary = summarise(both, None)
    assert summary["broken_sessions"] == 10 / 40
    assert summary["broken_of_alive"] == 10 / 40
    assert summary["breaks_per_session"] == 16 / 40
    assert summary["censored_sessions"] == 1 / 41
    assert (summary["rollout_done_s"], summary["last_old_pod_gone_s"]) == (30.0, 50.0)
    assert (summary["peak_pods"], summary["operations_stuck"]) == (5, 1)


def test_a_rollout_that_never_ends_has_no_longest_time():
    """Beside one that is stuck, the time of those that ended would read as if all had."""
    ended, stuck = rollout(1, done_s=40.0), rollout(2, stuck="a pod is not ready")
    stuck.done_s = float("nan")
    assert summarise(recording(ended, stuck), None)["rollout_done_s"] is None


def test_failures_are_counted_over_requests_that_ended():
    """Failed requests are a share of the requests sent and ended."""
    summary = summarise(recording(requests_sent=50, requests_failed=1, requests_unfinished=7), None)
    assert (summary["failed_requests"], summary["requests_unfinished"]) == (0.02, 7)


def test_the_excess_of_load_skew_is_the_difference_to_the_floor():
    """Equal pods have skew by chance; only what the operation adds is its own (rule L4)."""

    def with_loads(*loads: int) -> Recording:
        totals = SkewTotals()
        totals.add(np.array([[load] for load in loads]), np.ones(1, np.int64))
        return Recording("summary", 0.0, skew={("sessions", "serving"): totals})

    summary = summarise(with_loads(3, 1), with_loads(5, 3))
    assert summary["load_skew.sessions.serving.max_to_mean"] == 1.5
    assert summary["load_skew_excess.sessions.serving.max_to_mean"] == pytest.approx(0.25)
    alone = summarise(with_loads(3, 1), None)
    empty_floor = summarise(with_loads(3, 1), with_loads(0, 0))
    for figure in EXCESS_FIGURES:
        assert alone[f"load_skew_excess.sessions.serving.{figure}"] is None
        assert empty_floor[f"load_skew_excess.sessions.serving.{figure}"] is None


def test_a_run_gives_plain_numbers_and_counts_that_fit_together():
    """Shares stay within 0 and 1, parts add up to their whole, and every value is a plain int, float or None."""
    whole = simulate(small(traffic__cookies={"keep": 0.8})).summary
    summary = {name: value for name, value in whole.items() if name in METRICS}
    others = [name for name in whole if name not in METRICS]
    assert {name for name in others if name.startswith("not_yet.")} <= {f"not_yet.{name}" for name in METRICS}
    assert [name for name in others if not name.startswith("not_yet.")] == [
        "entries.1.exposed_sessions",
        "entries.1.broken_exposed_sessions",
        "entries.1.alive_sessions",
        "entries.1.broken_alive_sessions",
    ]
    for name, value in summary.items():
        assert type(value) in (int, float, type(None)), name
        assert METRICS[name].unit != "count" or type(value) is int, name
    for metric in METRICS.values():
        if metric.unit == "share":
            assert 0 <= summary[metric.numerator] <= summary[metric.denominator], metric.name
    by_prefix = {
        prefix: sum(value for name, value in summary.items() if name.startswith(prefix))
        for prefix in ("mechanism.", "background.", "origin.", "failed.")
    }
    assert summary["breaks"] == by_prefix["mechanism."] == summary["lost"] + summary["stale"] > 0
    assert summary["breaks_background"] == by_prefix["background."] == summary["origin.background"] > 0
    assert by_prefix["origin."] == summary["breaks"] + summary["breaks_background"]
    assert summary["requests_failed"] == by_prefix["failed."]
    assert summary["requests_sent"] == summary["requests_answered"] + summary["requests_failed"]
