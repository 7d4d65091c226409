"""The two steps of a rolling update: grow the new ReplicaSet, shrink the old ones.

Each function is one step on a given state and returns sizes (new ``spec.replicas``); nothing is written.
Terminating pods appear in no sum: a Deployment does not wait for them.

Source: Kubernetes, deployment/rolling.go and deployment_util.go:NewRSNewReplicas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from simsticky.kubernetes.deployment_spec import (
    DeploymentSpec,
    ReplicaSetState,
    active,
    max_surge,
    max_unavailable,
    oldest_first,
    sum_available,
    sum_spec,
    sum_terminating,
)


@dataclass(frozen=True, slots=True)
class Cleanup:
    """The outcome of removing unhealthy pods of old ReplicaSets.

    ``sizes``: name -> new ``spec.replicas``. ``lagging``: a ReplicaSet reported more available pods than it
    should have, so its report is older than its last cut and the step ended there.
    """

    sizes: Mapping[str, int]
    count: int
    lagging: bool = False


def new_rs_new_replicas(spec: DeploymentSpec, all_pods: int, new_rs_replicas: int) -> int:
    """Return the size the new ReplicaSet may have: what fits in ``replicas + surge``, at most ``replicas``.

    Args:
        spec: The Deployment.
        all_pods: Pods asked of all its ReplicaSets together, the new one included.
        new_rs_replicas: Pods asked of the new ReplicaSet so far.

    Source: deployment_util.go:NewRSNewReplicas. Recreate asks for all pods at once.
    """
    if spec.strategy.kind == "Recreate":
        return spec.replicas
    room = spec.replicas + max_surge(spec) - all_pods
    if room <= 0:
        return new_rs_replicas
    return new_rs_replicas + min(room, spec.replicas - new_rs_replicas)


def reconcile_new_replica_set(
    spec: DeploymentSpec,
    all_replica_sets: Sequence[ReplicaSetState],
    new: ReplicaSetState,
) -> int:
    """Return the next size of the new ReplicaSet; its present size means there is nothing to do.

    Args:
        spec: The Deployment.
        all_replica_sets: Old and new ReplicaSets.
        new: The ReplicaSet of the current template.

    Raises:
        ValueError: ``TerminationComplete``, and a ReplicaSet does not report its terminating pods.

    Source: rolling.go:reconcileNewReplicaSet.
    """
    if new.spec_replicas >= spec.replicas:
        return spec.replicas
    return new_rs_new_replicas(spec, places_held(spec, all_replica_sets), new.spec_replicas)


def places_held(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState]) -> int:
    """Return how many of the ``replicas + surge`` places are taken (rule K12).

    In every release these are the pods asked for. Under ``TerminationComplete`` terminating pods count too,
    and existing pods beyond those asked for.

    Raises:
        ValueError: ``TerminationComplete``, and a ReplicaSet does not report its terminating pods.
    """
    if spec.pod_replacement_policy != "TerminationComplete":
        return sum_spec(replica_sets)
    terminating = sum_terminating(replica_sets)
    if terminating is None:
        raise ValueError("a ReplicaSet does not report its terminating pods, so none can be replaced yet")
    return terminating + sum(max(rs.spec_replicas, rs.status_replicas) for rs in replica_sets)


def reconcile_old_replica_sets(
    spec: DeploymentSpec,
    all_replica_sets: Sequence[ReplicaSetState],
    old: Sequence[ReplicaSetState],
    new: ReplicaSetState,
) -> dict[str, int]:
    """Return the old ReplicaSets to shrink: name -> new ``spec.replicas``, empty when nothing may go.

    Unhealthy old pods go first, then healthy ones down to the minimum that must stay available. New pods that
    are not available use up the budget, which is why a rollout of broken pods stops.

    Source: rolling.go:reconcileOldReplicaSets (``old`` are the active old ReplicaSets).
    """
    if sum_spec(old) == 0:
        return {}
    must_stay = spec.replicas - max_unavailable(spec)
    new_unavailable = new.spec_replicas - new.available_replicas
    budget = sum_spec(all_replica_sets) - must_stay - new_unavailable
    if budget <= 0:
        return {}
    cleanup = cleanup_unhealthy_replicas(old, budget)
    if cleanup.lagging:
        return dict(cleanup.sizes)
    cleaned = [replace(rs, spec_replicas=cleanup.sizes.get(rs.name, rs.spec_replicas)) for rs in old]
    healthy = scale_down_old_replica_sets_for_rolling_update(spec, [*cleaned, new], cleaned)
    return {**cleanup.sizes, **healthy}


def cleanup_unhealthy_replicas(old: Sequence[ReplicaSetState], max_cleanup: int) -> Cleanup:
    """Return the old ReplicaSets, oldest first, cut by their unavailable pods, ``max_cleanup`` in all.

    Which pods die is the ReplicaSet's choice; pods that are not ready come first there.

    Source: rolling.go:cleanupUnhealthyReplicas. Cuts made before a lagging ReplicaSet is met stay made.
    """
    sizes: dict[str, int] = {}
    count = 0
    for rs in oldest_first(active(old)):
        if count >= max_cleanup:
            break
        unavailable = rs.spec_replicas - rs.available_replicas
        if unavailable == 0:
            continue
        if unavailable < 0:
            return Cleanup(sizes, 0, lagging=True)
        cut = min(max_cleanup - count, unavailable)
        sizes[rs.name] = rs.spec_replicas - cut
        count += cut
    return Cleanup(sizes, count)


def scale_down_old_replica_sets_for_rolling_update(
    spec: DeploymentSpec, all_replica_sets: Sequence[ReplicaSetState], old: Sequence[ReplicaSetState]
) -> dict[str, int]:
    """Return the old ReplicaSets, oldest first, cut by what is available beyond the minimum: name -> size.

    Source: rolling.go:scaleDownOldReplicaSetsForRollingUpdate. The number available is the reported one: pods
    cleaned up in the same step were unavailable and change nothing.
    """
    budget = sum_available(all_replica_sets) - (spec.replicas - max_unavailable(spec))
    sizes: dict[str, int] = {}
    for rs in oldest_first(active(old)):
        if budget <= 0:
            break
        cut = min(rs.spec_replicas, budget)
        sizes[rs.name] = rs.spec_replicas - cut
        budget -= cut
    return sizes
