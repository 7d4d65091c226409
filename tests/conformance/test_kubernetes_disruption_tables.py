"""PodDisruptionBudgets against the numbers worked out from the disruption controller's rules."""

from typing import Any

import pytest

from simsticky.kubernetes.disruption import BudgetPod, DisruptionBudget, evict, expected_and_desired, sync

Case = dict[str, Any]


def budget_of(case: Case) -> DisruptionBudget:
    if case["kind"] == "minAvailable":
        return DisruptionBudget(min_available=case["value"])
    return DisruptionBudget(max_unavailable=case["value"])


def pods_of(case: Case) -> list[BudgetPod]:
    return [BudgetPod(f"pod-{n}", ready=n < case["healthy_pods"]) for n in range(case["matching_pods"])]


@pytest.mark.table("kubernetes", "DERIVED_pdb", "cases")
def test_disruptions_allowed(case: Case) -> None:
    """Percentages round up for both kinds, and what is healthy beyond the desired number may go."""
    budget, pods = budget_of(case), pods_of(case)
    _, desired = expected_and_desired(budget, case["controller_scale"], case["matching_pods"])
    status = sync(budget, pods, case["controller_scale"], {}, now_s=0.0)
    assert desired == status.desired_healthy == case["expect_desired_healthy"]
    assert status.disruptions_allowed == case["expect_disruptions_allowed"]
    assert status.current_healthy == case["healthy_pods"]


@pytest.mark.table("kubernetes", "DERIVED_pdb", "cases")
def test_evictions_granted(case: Case) -> None:
    """Of healthy pods asked for one after the other exactly the allowed number may go, with one status for all."""
    budget, pods = budget_of(case), pods_of(case)
    status = sync(budget, pods, case["controller_scale"], {}, now_s=0.0)
    codes = []
    for pod in pods[: case["healthy_pods"]]:
        verdict = evict(pod, [(budget, status)], 0.0)
        codes.append(verdict.code)
        status = verdict.status or status
    allowed = case["expect_disruptions_allowed"]
    assert codes == [201] * allowed + [429] * (case["healthy_pods"] - allowed)
    # Before the deletions are seen the controller counts the evicted pods out.
    assert sync(budget, pods, case["controller_scale"], status.disrupted_pods, now_s=1.0).disruptions_allowed == 0
