"""One pass of the Deployment controller: what it creates and scales, given what it sees.

Source: Kubernetes, deployment/deployment_controller.go:syncDeployment, rolling.go:rolloutRolling,
recreate.go:rolloutRecreate, sync.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from simsticky.kubernetes.deployment_spec import (
    DeploymentSpec,
    ReplicaSetState,
    Strategy,
    active,
    max_surge,
    split_new_and_old,
    sum_status,
)
from simsticky.kubernetes.proportional import is_scaling_event, scale
from simsticky.kubernetes.rolling import (
    new_rs_new_replicas,
    places_held,
    reconcile_new_replica_set,
    reconcile_old_replica_sets,
)

__all__ = [
    "Annotations",
    "DeploymentSpec",
    "NewReplicaSet",
    "Reason",
    "ReplicaSetState",
    "Strategy",
    "SyncResult",
    "sync",
]

Reason = Literal[
    "paused",
    "scaling event",
    "create new",
    "create new + scale old",
    "scale new",
    "scale old",
    "waiting for old pods",
    "none",
]


@dataclass(frozen=True, slots=True)
class Annotations:
    """What is written on a ReplicaSet whenever it is sized: ``replicas`` and ``replicas + surge``."""

    desired: int
    max_replicas: int


@dataclass(frozen=True, slots=True)
class NewReplicaSet:
    """A ReplicaSet to create for the current template, already at its first size."""

    revision: int
    replicas: int
    annotations: Annotations


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What one sync writes.

    ``create``: the ReplicaSet to create, if any. ``scale``: name -> new ``spec.replicas``, only those that
    change. ``annotations``: name -> new annotations, only those that change; a name here and not in ``scale``
    is a write that leaves the size alone.
    """

    reason: Reason
    create: NewReplicaSet | None = None
    scale: dict[str, int] = field(default_factory=dict)
    annotations: dict[str, Annotations] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether anything is written at all."""
        return self.create is not None or bool(self.scale) or bool(self.annotations)


def sync(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState], old_pods_running: bool = False) -> SyncResult:
    """Return what one pass of the controller does (rule K1).

    Args:
        spec: The Deployment.
        replica_sets: All its ReplicaSets, in any order, as the controller sees them.
        old_pods_running: Whether a pod of an old ReplicaSet exists that is in no terminal phase; terminating
            pods count here. Only Recreate asks.

    A paused Deployment and a scaling event only scale. Otherwise one step of the strategy is taken: a new
    ReplicaSet is created and the *same* pass goes on; a pass that resizes the existing new ReplicaSet leaves
    the old ones alone.

    Raises:
        ValueError: See :func:`simsticky.kubernetes.rolling.places_held`.
    """
    if spec.paused or is_scaling_event(spec, replica_sets):
        return _scale_only(spec, replica_sets)
    if spec.strategy.kind == "Recreate":
        return _recreate(spec, replica_sets, old_pods_running)
    return _roll(spec, replica_sets)


def _scale_only(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState]) -> SyncResult:
    scaling = scale(spec, *split_new_and_old(spec, replica_sets))
    wanted = _annotations(spec)
    current = {rs.name: (rs.desired_annotation, rs.max_replicas_annotation) for rs in replica_sets}
    stale = [name for name in scaling.annotated if current[name] != (wanted.desired, wanted.max_replicas)]
    annotations = dict.fromkeys(stale, wanted)
    return SyncResult("paused" if spec.paused else "scaling event", None, scaling.sizes, annotations)


def _roll(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState]) -> SyncResult:
    """Source: rolling.go:rolloutRolling."""
    new, old = split_new_and_old(spec, replica_sets)
    create = None
    if new is None:
        create = _create(spec, _up_to_the_step(spec, new_rs_new_replicas(spec, places_held(spec, old), 0), 0))
        new = _as_created(create, old)
    size = _up_to_the_step(spec, reconcile_new_replica_set(spec, [*old, new], new), new.spec_replicas)
    if size != new.spec_replicas:
        return _scaled(spec, "scale new", {new.name: size})
    sizes = _down_to_the_step(spec, old, reconcile_old_replica_sets(spec, [*old, new], active(old), new))
    if create is not None:
        return _scaled(spec, "create new + scale old" if sizes else "create new", sizes, create)
    return _scaled(spec, "scale old" if sizes else "none", sizes)


def _up_to_the_step(spec: DeploymentSpec, size: int, present: int) -> int:
    """Return a size of the new ReplicaSet that the present step of a canary allows; it is never made smaller."""
    return size if spec.canary is None else max(present, min(size, spec.canary.new))


def _down_to_the_step(spec: DeploymentSpec, old: Sequence[ReplicaSetState], sizes: dict[str, int]) -> dict[str, int]:
    """Return the sizes of old ReplicaSets that leave the pods which the present step of a canary keeps."""
    if spec.canary is None:
        return sizes
    may_go = sum(rs.spec_replicas for rs in old) - spec.canary.old
    kept: dict[str, int] = {}
    for rs in old:
        cut = min(rs.spec_replicas - sizes.get(rs.name, rs.spec_replicas), max(0, may_go))
        if cut > 0:
            kept[rs.name] = rs.spec_replicas - cut
            may_go -= cut
    return kept


def _recreate(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState], old_pods_running: bool) -> SyncResult:
    """Source: recreate.go:rolloutRecreate, oldPodsRunning."""
    new, old = split_new_and_old(spec, replica_sets)
    stop = {rs.name: 0 for rs in active(old)}
    if stop:
        return _scaled(spec, "scale old", stop)
    if old_pods_running or sum_status(old) > 0:
        return SyncResult("waiting for old pods")
    if new is None:
        return SyncResult("create new", _create(spec, spec.replicas))
    if new.spec_replicas != spec.replicas:
        return _scaled(spec, "scale new", {new.name: spec.replicas})
    return SyncResult("none")


def _annotations(spec: DeploymentSpec) -> Annotations:
    return Annotations(spec.replicas, spec.replicas + max_surge(spec))


def _create(spec: DeploymentSpec, replicas: int) -> NewReplicaSet:
    return NewReplicaSet(spec.revision, replicas, _annotations(spec))


def _as_created(create: NewReplicaSet, old: Sequence[ReplicaSetState]) -> ReplicaSetState:
    """Return the state of a ReplicaSet that has just been created: no pod, nothing reported, no name yet."""
    youngest = max((rs.creation_order for rs in old), default=-1)
    return ReplicaSetState("", create.revision, youngest + 1, create.replicas, observed=False)


def _scaled(
    spec: DeploymentSpec, reason: Reason, sizes: dict[str, int], create: NewReplicaSet | None = None
) -> SyncResult:
    wanted = _annotations(spec)
    return SyncResult(reason, create, sizes, dict.fromkeys(sizes, wanted))
