"""Scaling a Deployment: all its active ReplicaSets, old and new, in proportion to their size.

Source: Kubernetes, deployment/sync.go:scale and deployment_util.go (``FindActiveOrLatest``, ``IsSaturated``,
``GetReplicaSetProportion``, ``getReplicaSetFraction``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simsticky.kubernetes.deployment_spec import (
    DeploymentSpec,
    ReplicaSetState,
    active,
    max_surge,
    oldest_first,
    sum_spec,
    sum_status,
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """Sizes of the ReplicaSets that change, and the names of all that get new annotations."""

    sizes: dict[str, int]
    annotated: tuple[str, ...]


def is_scaling_event(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState]) -> bool:
    """Return whether an active ReplicaSet was last sized for another ``spec.replicas`` (rule K16).

    Source: sync.go:isScalingEvent. Such a sync only scales and takes no step of a rollout.
    """
    return any(
        rs.desired_annotation is not None and rs.desired_annotation != spec.replicas for rs in active(replica_sets)
    )


def replica_set_fraction(spec: DeploymentSpec, rs: ReplicaSetState, deployment_status_replicas: int) -> int:
    """Return by how many pods one ReplicaSet's share of a scaling event changes it (negative: fewer).

    The share is ``spec.replicas · (replicas + surge) / max-replicas annotation``, rounded with .5 away from
    zero. Without the annotation, or with 0 there, the pods the Deployment reports stand in; without those
    nothing moves.

    Source: deployment_util.go:getReplicaSetFraction.
    """
    if spec.replicas == 0:
        return -rs.spec_replicas
    before = rs.max_replicas_annotation or deployment_status_replicas
    if before == 0:
        return 0
    numerator = rs.spec_replicas * (spec.replicas + max_surge(spec))
    return (2 * numerator + before) // (2 * before) - rs.spec_replicas


def scale(spec: DeploymentSpec, new: ReplicaSetState | None, old: Sequence[ReplicaSetState]) -> Scaling:
    """Return the sizes after a scaling event, or while the Deployment is paused (rule K10).

    One active ReplicaSet, or the latest if none is active, gets all ``replicas``. A saturated new ReplicaSet
    ends the old ones. Otherwise a rolling update shares ``replicas + surge`` among all active ReplicaSets: a
    scale in the middle of a rollout therefore ends at desired *plus surge*. Recreate then leaves everything
    as it is.
    """
    only = _active_or_latest(new, old)
    if only is not None:
        return _resize({only.name: (only.spec_replicas, spec.replicas)})
    if new is not None and _is_saturated(spec, new):
        return _resize({rs.name: (rs.spec_replicas, 0) for rs in active(old)})
    if spec.strategy.kind != "RollingUpdate":
        return Scaling({}, ())
    everyone = [*old, new] if new is not None else list(old)
    shares = _shares(spec, active(everyone), sum_status(everyone))
    changed = {rs.name: size for rs, size in shares if size != rs.spec_replicas}
    return Scaling(changed, tuple(rs.name for rs, _ in shares))


def _resize(moves: dict[str, tuple[int, int]]) -> Scaling:
    """Return the moves that change something; a ReplicaSet that keeps its size keeps its annotations too.

    So every release up to v1.36 hangs when a rollout has just cut the only active ReplicaSet to the size that is now
    asked for: its annotation stays stale, each sync is a scaling event that changes nothing, and the rollout waits
    until the Deployment gets another size (kubernetes/kubernetes issue 102551).
    """
    sizes = {name: after for name, (before, after) in moves.items() if before != after}
    return Scaling(sizes, tuple(sizes))


def _active_or_latest(new: ReplicaSetState | None, old: Sequence[ReplicaSetState]) -> ReplicaSetState | None:
    """Return the one active ReplicaSet, the newest if none is active; ``None`` if several are."""
    everyone = [*oldest_first(old), new] if new is not None else oldest_first(old)
    candidates = active(everyone)
    if len(candidates) > 1:
        return None
    candidates = candidates or everyone
    return candidates[-1] if candidates else None


def _is_saturated(spec: DeploymentSpec, rs: ReplicaSetState) -> bool:
    return rs.spec_replicas == rs.available_replicas == rs.desired_annotation == spec.replicas


def _shares(
    spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState], deployment_status_replicas: int
) -> list[tuple[ReplicaSetState, int]]:
    """Return (ReplicaSet, new size), largest first; the first one takes what rounding leaves over."""
    allowed = spec.replicas + max_surge(spec) if spec.replicas > 0 else 0
    to_add = allowed - sum_spec(replica_sets)
    by_age = oldest_first(replica_sets)
    if to_add > 0:  # among equals the newer one grows first
        by_age.reverse()
    by_size = sorted(by_age, key=lambda rs: -rs.spec_replicas)
    sizes = [rs.spec_replicas for rs in by_size]
    left = to_add
    for place, rs in enumerate(by_size):
        if left == 0:
            break
        fraction = replica_set_fraction(spec, rs, deployment_status_replicas)
        share = min(fraction, left) if to_add > 0 else max(fraction, left)
        sizes[place] += share
        left -= share
    if sizes:
        sizes[0] = max(sizes[0] + left, 0)
    return list(zip(by_size, sizes, strict=True))
