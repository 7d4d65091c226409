"""What a Deployment asks for and what its ReplicaSets report: the words of every rollout decision.

Source: Kubernetes, deployment/util/deployment_util.go (``ResolveFenceposts``, ``MaxSurge``,
``MaxUnavailable``, ``MinAvailable``, the replica sums) and apps/v1/defaults.go (the default values).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from simsticky.units import scaled_int_or_percent

StrategyKind = Literal["RollingUpdate", "Recreate"]

# KEP-5882, in no released API: TerminationStarted is what every release does.
PodReplacementPolicy = Literal["TerminationStarted", "TerminationComplete"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """How pods of one template are replaced by pods of the next.

    ``max_surge`` and ``max_unavailable`` are pods or a percentage of ``replicas`` (``"25%"``); ``None`` reads
    as 0.
    """

    kind: StrategyKind = "RollingUpdate"
    max_surge: int | str | None = "25%"
    max_unavailable: int | str | None = "25%"


@dataclass(frozen=True, slots=True)
class CanaryCounts:
    """How far a step of a canary lets a rolling update go.

    Attributes:
        new: Pods of the new version, at most.
        old: Pods of old versions, at least.
    """

    new: int
    old: int


@dataclass(frozen=True, slots=True)
class DeploymentSpec:
    """The desired state of a Deployment.

    ``revision`` stands for the current pod template: ReplicaSets of that revision are its "new" ReplicaSet. A
    ``progress_deadline_seconds`` of ``None`` means no deadline. ``pod_replacement_policy`` is a what-if of the
    unreleased KEP-5882: ``TerminationComplete`` makes terminating pods hold their place in a rolling update.
    ``canary`` is how far the present step of an Argo Rollout goes; ``None`` lets a rolling update go to its end.
    """

    replicas: int = 1
    strategy: Strategy = field(default_factory=Strategy)
    revision: int = 1
    paused: bool = False
    progress_deadline_seconds: int | None = 600
    pod_replacement_policy: PodReplacementPolicy | None = None
    canary: CanaryCounts | None = None


@dataclass(frozen=True, slots=True)
class ReplicaSetState:
    """One ReplicaSet as its Deployment's controller sees it.

    ``spec_replicas`` is what was last asked of it; ``status_replicas``, ``ready_replicas`` and
    ``available_replicas`` are its own report and may lag; none of them counts terminating pods.
    ``creation_order`` orders ReplicaSets by age (0 = oldest). The two annotations are
    ``deployment.kubernetes.io/desired-replicas`` and ``…/max-replicas`` (desired + surge) of the last time
    the Deployment's controller sized it. ``observed`` is whether the ReplicaSet controller has reported at
    all, ``terminating_replicas`` its report of terminating pods (``None``: not reported).
    """

    name: str
    revision: int
    creation_order: int
    spec_replicas: int
    status_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    desired_annotation: int | None = None
    max_replicas_annotation: int | None = None
    observed: bool = True
    terminating_replicas: int | None = None


def resolve_fenceposts(max_surge: int | str | None, max_unavailable: int | str | None, desired: int) -> tuple[int, int]:
    """Return (surge, unavailable) in pods: surge rounds up, unavailable rounds down, both zero gives (0, 1) (rule K2).

    Raises:
        ValueError: A value is neither an integer nor a percentage.

    Source: deployment_util.go:ResolveFenceposts.
    """
    surge = scaled_int_or_percent(0 if max_surge is None else max_surge, desired, round_up=True)
    unavailable = scaled_int_or_percent(0 if max_unavailable is None else max_unavailable, desired, round_up=False)
    if surge == 0 and unavailable == 0:
        # Otherwise a rollout could never take its first step.
        unavailable = 1
    return surge, unavailable


def max_surge(spec: DeploymentSpec) -> int:
    """Return how many pods a rolling update may add beyond ``replicas``; 0 for Recreate."""
    if spec.strategy.kind != "RollingUpdate":
        return 0
    return resolve_fenceposts(spec.strategy.max_surge, spec.strategy.max_unavailable, spec.replicas)[0]


def max_unavailable(spec: DeploymentSpec) -> int:
    """Return how many of ``replicas`` may be unavailable in a rolling update, at most all; 0 for Recreate."""
    if spec.strategy.kind != "RollingUpdate":
        return 0
    resolved = resolve_fenceposts(spec.strategy.max_surge, spec.strategy.max_unavailable, spec.replicas)[1]
    return min(resolved, spec.replicas)


def min_available(spec: DeploymentSpec) -> int:
    """Return how many pods must stay available in a rolling update; 0 for Recreate."""
    if spec.strategy.kind != "RollingUpdate":
        return 0
    return spec.replicas - max_unavailable(spec)


def sum_spec(replica_sets: Iterable[ReplicaSetState]) -> int:
    """Return the pods asked for (deployment_util.go:GetReplicaCountForReplicaSets)."""
    return sum(rs.spec_replicas for rs in replica_sets)


def sum_status(replica_sets: Iterable[ReplicaSetState]) -> int:
    """Return the non-terminating pods reported (GetActualReplicaCountForReplicaSets) (rule K3)."""
    return sum(rs.status_replicas for rs in replica_sets)


def sum_ready(replica_sets: Iterable[ReplicaSetState]) -> int:
    """Return the ready pods reported (GetReadyReplicaCountForReplicaSets)."""
    return sum(rs.ready_replicas for rs in replica_sets)


def sum_available(replica_sets: Iterable[ReplicaSetState]) -> int:
    """Return the available pods reported (GetAvailableReplicaCountForReplicaSets)."""
    return sum(rs.available_replicas for rs in replica_sets)


def sum_terminating(replica_sets: Iterable[ReplicaSetState]) -> int | None:
    """Return the terminating pods reported, ``None`` when a ReplicaSet that reports leaves the count out.

    A ReplicaSet that has never reported counts as 0 (GetTerminatingReplicaCountForReplicaSets).
    """
    total = 0
    for rs in replica_sets:
        if rs.terminating_replicas is not None:
            total += rs.terminating_replicas
        elif rs.observed:
            return None
    return total


def active(replica_sets: Iterable[ReplicaSetState]) -> list[ReplicaSetState]:
    """Return the ReplicaSets that ask for at least one pod (FilterActiveReplicaSets)."""
    return [rs for rs in replica_sets if rs.spec_replicas > 0]


def oldest_first(replica_sets: Iterable[ReplicaSetState]) -> list[ReplicaSetState]:
    """Return the ReplicaSets by creation, then name (ReplicaSetsByCreationTimestamp)."""
    return sorted(replica_sets, key=lambda rs: (rs.creation_order, rs.name))


def split_new_and_old(
    spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState]
) -> tuple[ReplicaSetState | None, list[ReplicaSetState]]:
    """Return the ReplicaSet of the current template (``None`` if missing) and all others, oldest first.

    Of several of that template the oldest is taken. Going back to an earlier template re-adopts that
    ReplicaSet with its running pods.

    Source: deployment_util.go:FindNewReplicaSet, FindOldReplicaSets.
    """
    by_age = oldest_first(replica_sets)
    new = next((rs for rs in by_age if rs.revision == spec.revision), None)
    return new, [rs for rs in by_age if rs is not new]
