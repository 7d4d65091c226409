"""What a setting costs: how long the operation holds on to old pods, and how many pods that takes.

Time and pods are different currencies, and no weight between them is honest for everybody. So settings are ordered by
one cost after the other (:data:`ORDER`): those within :data:`TIE` of the least are equal in it, and the next one
decides among them; the last one decides by its exact value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from simsticky.errors import InputError
from simsticky.results.pod_time import extra_pod_seconds
from simsticky.study.case import simulate_numbers

if TYPE_CHECKING:
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario
    from simsticky.study.case import Simulate

ORDER = ("last_old_pod_gone_s", "peak_pods", "extra_pod_s")
"""The costs in their default order."""

TIE = 0.05
"""Costs that differ by less than this part of the least one are equal, and the next cost decides."""

Candidate = TypeVar("Candidate")


@dataclass(frozen=True, slots=True)
class WithPodTime:
    """A ``simulate`` whose summary also has ``extra_pod_s``; picklable."""

    simulate: Simulate = simulate_numbers

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Result:
        """Run one replication."""
        result = self.simulate(scenario, seed=seed, replication=replication)
        summary = {**result.summary, "extra_pod_s": extra_pod_seconds(result.recording)}
        return replace(result, summary=summary)


def checked_order(order: Sequence[str]) -> tuple[str, ...]:
    """Return costs in the wanted order, the others behind in the default one.

    Raises:
        InputError: There is no such cost.
    """
    unknown = [name for name in order if name not in ORDER]
    if unknown:
        raise InputError.of(f"there is no cost {unknown[0]!r}", file="--cost", hint=f"the costs are {', '.join(ORDER)}")
    return (*order, *(name for name in ORDER if name not in order))


def cheapest(candidates: Sequence[Candidate], costs: Sequence[Mapping[str, Any]], order: Sequence[str]) -> Candidate:
    """Return the cheapest of the candidates; of equal ones the first.

    Args:
        candidates: At least one.
        costs: The costs of each, by name; None, where an end never came, is more than any number.
        order: The costs in their order.
    """
    left = list(range(len(candidates)))
    for name in order[:-1]:
        least = min(_cost(costs[index], name) for index in left)
        left = [index for index in left if _cost(costs[index], name) <= least * (1 + TIE)]
    return candidates[min(left, key=lambda index: _cost(costs[index], order[-1]))]


def _cost(costs: Mapping[str, Any], name: str) -> float:
    value = costs[name]
    return math.inf if value is None else float(value)
