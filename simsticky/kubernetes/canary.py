"""The steps of an Argo Rollout's canary: how many pods of each version a weight asks for, and when a step is done.

Rule K17 of docs/model.md.

Source: Argo Rollouts v1.9, utils/replicaset/canary.go: ``approximateWeightedCanaryStableReplicaCounts`` (no traffic
router), ``GetCurrentSetWeight`` and ``AtDesiredReplicaCountsForCanary``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simsticky.kubernetes.deployment_spec import (
    CanaryCounts,
    DeploymentSpec,
    ReplicaSetState,
    max_surge,
    split_new_and_old,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a weight to reach, or a pause.

    Attributes:
        weight: Percent of the pods that are to be of the new version; None for a pause.
        pause_s: Length of the pause in seconds, infinite for one that somebody has to end.
    """

    weight: int | None = None
    pause_s: float = 0.0


def current_weight(steps: Sequence[Step], at: int) -> int:
    """Return the weight in force at a step: the last one given up to it, 0 before the first, 100 behind all steps."""
    if at >= len(steps):
        return 100
    given = [step.weight for step in steps[: at + 1] if step.weight is not None]
    return given[-1] if given else 0


def counts(spec: DeploymentSpec, weight: int) -> CanaryCounts:
    """Return the pods of the new and of the old version that come nearest to a weight.

    Together they are ``replicas``, or one more where the surge allows that and it comes nearer. Of two or more pods
    each version keeps at least one as long as the weight is neither 0 nor 100.
    """
    replicas = spec.replicas
    if replicas == 0:
        return CanaryCounts(0, 0)
    surge = max_surge(spec) > 0
    high, low = math.ceil(replicas * weight / 100), math.floor(replicas * weight / 100)
    none_allowed = weight in (0, 100) or (replicas == 1 and not surge)
    options: list[tuple[int, int]] = []
    for total in (replicas, replicas + 1) if surge else (replicas,):
        if total > replicas or high < replicas or none_allowed:
            options.append((high, total))
        tied = math.isclose((total * weight / 100) % 1.0, 0.5)
        if not tied and (low > 0 or none_allowed):
            options.append((low, total))
    if not options:
        return CanaryCounts(0, replicas)
    new, total = min(options, key=lambda option: abs(weight - 100 * option[0] / option[1]))
    return CanaryCounts(new, total - new)


def reached(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState], wanted: CanaryCounts) -> bool:
    """Return whether both versions are at the counts of a step, and all their pods available."""
    new, old = split_new_and_old(spec, replica_sets)
    news = (new.spec_replicas, new.available_replicas) if new is not None else (0, 0)
    olds = (sum(rs.spec_replicas for rs in old), sum(rs.available_replicas for rs in old))
    return news == (wanted.new, wanted.new) and olds == (wanted.old, wanted.old)
