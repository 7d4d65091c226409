"""The autoscaler's replica calculator against Kubernetes' own cases and those derived from its source."""

import re
from typing import Any

import pytest

from simsticky.kubernetes.autoscaler import AutoscalerSpec, AutoscalerState, reconcile
from simsticky.kubernetes.replica_calculator import (
    Calculator,
    MeasuredPod,
    MetricsError,
    Proposal,
    Sample,
    Tolerances,
    average_value_replicas,
    resource_replicas,
)

Case = dict[str, Any]
NOW_S = 1e9
LONG_AGO_S = 0.0


def calculator(harness: Case) -> Calculator:
    return Calculator(
        Tolerances(harness["tolerance"], harness["tolerance"]),
        harness["cpu_initialization_period_s"],
        harness["initial_readiness_delay_s"],
    )


HARNESS: Case = {
    "tolerance": 0.1,
    "cpu_initialization_period_s": 120,
    "initial_readiness_delay_s": 10,
    "metric_window_s": 60,
}
"""What the cases of the supplement assume: the harness of ``hpa_replica_calculator.json``."""

STARTED_S = {"hot": NOW_S, "cool": NOW_S - 180, "unset": LONG_AGO_S}


def utilization_of(case: Case, harness: Case) -> Proposal:
    """Run one case; samples and Ready conditions are of long ago, as in the upstream harness."""
    pods, samples = [], {}
    for number, row in enumerate(case["pods"]):
        name = f"pod-{number}"
        pods.append(
            MeasuredPod(
                name,
                row.get("request_milli"),
                row.get("phase") or "Running",
                row.get("ready", True),
                row.get("deleting", False),
                STARTED_S[row.get("start") or "unset"],
                LONG_AGO_S,
            )
        )
        if row.get("usage_milli") is not None:
            samples[name] = Sample(row["usage_milli"], LONG_AGO_S, harness["metric_window_s"])
    for number, value in enumerate(case.get("metrics_of_unknown_pods_milli") or []):
        samples[f"unknown-{number}"] = Sample(value, LONG_AGO_S, harness["metric_window_s"])
    return resource_replicas(
        case["current_replicas"], case["target_utilization_pct"], pods, samples, NOW_S, calculator(harness)
    )


def in_order(words: str) -> str:
    """Return a pattern of these words in this order: the tables shorten what Kubernetes says."""
    return ".*".join(re.escape(word) for word in words.split())


def check_utilization(case: Case, harness: Case) -> None:
    if case.get("expect_error"):
        with pytest.raises(MetricsError, match=in_order(case["expect_error"])):
            utilization_of(case, harness)
        return
    proposal = utilization_of(case, harness)
    assert proposal == (case["expect_replicas"], case["expect_utilization_pct"], case["expect_average_usage_milli"])
    # A first sync of the whole autoscaler asks the same, with limits that let any number be.
    current = case["current_replicas"]
    spec = AutoscalerSpec(max_replicas=max(current, 1), min_replicas=0)
    assert reconcile(spec, AutoscalerState(), current, [proposal.replicas], NOW_S).desired == case["expect_replicas"]


@pytest.mark.table("kubernetes", "hpa_replica_calculator", "cpu_utilization_cases")
def test_cpu_utilization(case: Case, table: Case) -> None:
    """Utilisation, tolerance, and the pods that are missing, starting, pending, failed or being deleted."""
    check_utilization(case, table["harness"])


@pytest.mark.table("kubernetes", "DERIVED_supplement", "hpa_cpu.cases")
def test_supplement_cpu_utilization(case: Case) -> None:
    """A pod that is not ready counts as unused when scaling up and can bring it back within the tolerance."""
    check_utilization(case, HARNESS)


@pytest.mark.table("kubernetes", "hpa_replica_calculator", "pods_metric_cases.cases")
def test_pods_metric(case: Case, table: Case) -> None:
    """An average over pods asks nobody's readiness; pods without a sample damp the change."""
    values = case["pod_metric_milli"]
    pods = [MeasuredPod(f"pod-{number}", ready=False) for number in range(len(values))]
    samples = {f"pod-{number}": Sample(value) for number, value in enumerate(values) if value is not None}

    def propose() -> Proposal:
        current, target = case["current_replicas"], case["target_average_milli"]
        return average_value_replicas(current, target, pods, samples, NOW_S, calculator(table["harness"]))

    if case.get("expect_error"):
        with pytest.raises(MetricsError, match=in_order(case["expect_error"])):
            propose()
    else:
        assert propose() == (case["expect_replicas"], None, case["expect_average_milli"])
