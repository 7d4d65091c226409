"""PodDisruptionBudgets and the Eviction API: how many pods may go, and what one eviction is answered.

A budget binds evictions only (``kubectl drain``, the cluster autoscaler). Rollouts, scale-downs, deletes and
the loss of a node never ask it.

Source: Kubernetes, controller/disruption/disruption.go (``getExpectedPodCount``, ``countHealthyPods``,
``buildDisruptedPodMap``, ``updatePdbStatus``), registry/core/pod/rest/eviction.go (``Create``,
``canIgnorePDB``, ``checkAndDecrement``), kubectl/pkg/drain for the drain's own numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from simsticky.units import scaled_int_or_percent

DELETION_TIMEOUT_S = 120.0
MAX_DISRUPTED_PODS = 2000
DRAIN_RETRY_AFTER_429_S = 5.0

UnhealthyPodEvictionPolicy = Literal["IfHealthyBudget", "AlwaysAllow"]


@dataclass(frozen=True, slots=True)
class DisruptionBudget:
    """The spec of a PodDisruptionBudget: one of the two numbers, in pods or as a percentage (``"50%"``).

    Raises:
        ValueError: Neither or both are given, or a value is neither an integer nor a percentage.
    """

    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_pod_eviction_policy: UnhealthyPodEvictionPolicy = "IfHealthyBudget"

    def __post_init__(self) -> None:
        given = [value for value in (self.min_available, self.max_unavailable) if value is not None]
        if len(given) != 1:
            raise ValueError("a PodDisruptionBudget needs exactly one of minAvailable and maxUnavailable")
        scaled_int_or_percent(given[0], 100, round_up=True)


@dataclass(frozen=True, slots=True)
class BudgetPod:
    """A pod as a budget and the Eviction API see it; ``terminating``: it has a deletion timestamp."""

    name: str
    ready: bool = True
    phase: str = "Running"
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """What the disruption controller last wrote; evictions decide by this, not by the pods.

    ``disrupted_pods``: pod name -> model time of its eviction in seconds, for pods whose deletion the
    controller has not seen yet. ``observed``: whether the controller has seen the present spec.
    """

    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    disrupted_pods: Mapping[str, float] = field(default_factory=dict)
    observed: bool = True


Refused = Literal["DisruptionBudget", "NotObserved", "TooManyUnconfirmed", "SeveralBudgets"]


class Verdict(NamedTuple):
    """The answer to one eviction.

    ``code``: 201 (created: the pod is deleted now), 429 (the budget forbids it; a drain asks again after 5 s),
    403 (too many evictions unconfirmed) or 500 (more than one budget covers the pod). ``status``: what the
    eviction writes to the budget, ``None`` where the budget is left alone. ``reason``: why it is refused; the healthy
    pods that the budget needs and has, where it forbids it.
    """

    code: int
    status: BudgetStatus | None = None
    reason: Refused | Literal[""] = ""
    desired_healthy: int = 0
    current_healthy: int = 0

    @property
    def allowed(self) -> bool:
        """Whether the pod is deleted."""
        return self.code == 201


def expected_and_desired(budget: DisruptionBudget, controller_scale: int, matching_pods: int) -> tuple[int, int]:
    """Return (expected pods, healthy pods desired).

    Args:
        budget: The spec.
        controller_scale: Sum of ``spec.replicas`` over the controllers that own the matching pods.
        matching_pods: Pods that match the budget's selector, whatever their state.

    A percentage is of the controllers' scale and rounds up for both kinds, so that ``maxUnavailable: 10%`` of
    3 pods allows one.
    """
    if budget.max_unavailable is not None:
        unavailable = scaled_int_or_percent(budget.max_unavailable, controller_scale, round_up=True)
        return controller_scale, max(0, controller_scale - unavailable)
    assert budget.min_available is not None
    if isinstance(budget.min_available, int):
        return matching_pods, budget.min_available
    return controller_scale, scaled_int_or_percent(budget.min_available, controller_scale, round_up=True)


def unconfirmed(disrupted_pods: Mapping[str, float], pods: Iterable[BudgetPod], now_s: float) -> dict[str, float]:
    """Return the evicted pods that still wait for their deletion, at most 2 minutes.

    A pod that is terminating or gone is confirmed. One that is still there after 2 minutes counts as healthy
    again.
    """
    waiting = {pod.name for pod in pods if not pod.terminating}
    return {
        name: at_s for name, at_s in disrupted_pods.items() if name in waiting and at_s + DELETION_TIMEOUT_S >= now_s
    }


def count_healthy(pods: Iterable[BudgetPod], disrupted_pods: Mapping[str, float], now_s: float) -> int:
    """Return the pods that are ready, not terminating and not evicted within the last 2 minutes."""
    return sum(
        pod.ready
        and not pod.terminating
        and not (pod.name in disrupted_pods and disrupted_pods[pod.name] + DELETION_TIMEOUT_S > now_s)
        for pod in pods
    )


def sync(
    budget: DisruptionBudget,
    pods: Sequence[BudgetPod],
    controller_scale: int,
    disrupted_pods: Mapping[str, float],
    now_s: float,
) -> BudgetStatus:
    """Return the status that one pass of the disruption controller writes.

    Args:
        budget: The spec.
        pods: All pods that match the selector.
        controller_scale: See :func:`expected_and_desired`.
        disrupted_pods: Of the last status, with the evictions since.
        now_s: Model time in seconds.
    """
    waiting = unconfirmed(disrupted_pods, pods, now_s)
    healthy = count_healthy(pods, waiting, now_s)
    expected, desired = expected_and_desired(budget, controller_scale, len(pods))
    # A budget that matches nothing yet allows nothing: its first pods may appear before the next pass.
    allowed = max(0, healthy - desired) if expected > 0 else 0
    return BudgetStatus(allowed, healthy, desired, waiting)


def can_ignore_budget(pod: BudgetPod) -> bool:
    """Return whether a pod is deleted whatever its budget says: not running yet, over, or terminating."""
    return pod.terminating or pod.phase in ("Pending", "Succeeded", "Failed")


def evict(pod: BudgetPod, budgets: Sequence[tuple[DisruptionBudget, BudgetStatus]], now_s: float) -> Verdict:
    """Return the answer of the Eviction API.

    Args:
        pod: The pod to evict.
        budgets: The budgets whose selectors match it, each with its present status.
        now_s: Model time in seconds, noted with the eviction.

    A pod that is not ready goes without touching the budget under ``AlwaysAllow``, or while as many pods are
    healthy as desired; otherwise it needs an allowed disruption like any other.
    """
    if can_ignore_budget(pod):
        return Verdict(201)
    if len(budgets) > 1:
        return Verdict(500, None, "SeveralBudgets")
    if not budgets:
        return Verdict(201)
    budget, status = budgets[0]
    if not pod.ready and _unready_may_go(budget, status):
        return Verdict(201)
    return _check_and_decrement(pod, status, now_s)


def _unready_may_go(budget: DisruptionBudget, status: BudgetStatus) -> bool:
    if budget.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return True
    return status.desired_healthy > 0 and status.current_healthy >= status.desired_healthy


def _check_and_decrement(pod: BudgetPod, status: BudgetStatus, now_s: float) -> Verdict:
    if not status.observed:
        return Verdict(429, None, "NotObserved")
    if len(status.disrupted_pods) > MAX_DISRUPTED_PODS:
        return Verdict(403, None, "TooManyUnconfirmed")
    if status.disruptions_allowed == 0:
        return Verdict(429, None, "DisruptionBudget", status.desired_healthy, status.current_healthy)
    after = replace(
        status,
        disruptions_allowed=status.disruptions_allowed - 1,
        disrupted_pods={**status.disrupted_pods, pod.name: now_s},
    )
    return Verdict(201, after)
