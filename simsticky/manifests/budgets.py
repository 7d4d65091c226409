"""PodDisruptionBudgets, read from their manifests."""

from collections.abc import Mapping, Sequence
from typing import Any

from simsticky.kubernetes.selectors import LabelSelector, label_selector, selects, violations
from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import Workload

_BOUNDS = ("minAvailable", "maxUnavailable", "unhealthyPodEvictionPolicy")


def read_budgets(found: Findings, budgets: Sequence[KubernetesObject], workload: Workload | None) -> None:
    """Read the disruption budget that selects the application's pods; list others as ignored."""
    chosen = False
    for budget in budgets:
        written = budget.get("spec", "selector")
        for keys, text in violations(written) if isinstance(written, Mapping) else ():
            found.problem(budget, ("spec", "selector", *keys), text)
        selector = _selector(budget, written)
        mine = (
            workload is not None and selects(selector, workload.labels) and budget.may_share_namespace(workload.owner)
        )
        if not mine:
            found.ignore(budget, (), "selects other pods" if selector is not None else "selects no pods")
        elif chosen:
            text = "a second PodDisruptionBudget selects the same pods: the API server refuses every eviction"
            found.problem(budget, ("spec", "selector"), text, Hint.KEEP_ONE_OF_THEM.of())
        else:
            chosen = True
            found.fill("disruptionBudget", budget)
            text = f"{selector}: binds evictions only, no rollout, scale-down or deletion"
            found.read(budget, ("spec", "selector"), text)
            for field in _BOUNDS:
                found.take(budget, ("spec", field), ("deployment", "disruptionBudget", field))
            found.list_the_rest(budget)


def _selector(budget: KubernetesObject, written: Any) -> LabelSelector | None:
    """Return the selector; an empty one selects nothing in policy/v1beta1, and everything in policy/v1."""
    selector = label_selector(written)
    empty = selector is not None and not selector.requirements
    return None if empty and budget.get("apiVersion") == "policy/v1beta1" else selector
