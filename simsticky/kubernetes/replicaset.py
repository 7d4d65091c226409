"""How a ReplicaSet makes up the difference: batches of new pods, the order in which surplus pods go.

Source: Kubernetes, replicaset/replica_set.go (``manageReplicas``, ``getPodsToDelete``, ``slowStartBatch``)
and controller_utils.go (``ActivePodsWithRanks``).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cmp_to_key
from typing import TypeVar

BURST_REPLICAS = 500
SLOW_START_INITIAL_BATCH = 1
MIN_READY_REQUEUE_EXTRA_S = 1

_Ordered = TypeVar("_Ordered", int, float, str)

_PHASE_ORDER = {"Pending": 0, "Unknown": 1, "Running": 2}


LOWEST_DELETION_COST = -(2**31)
"""Smallest value of ``controller.kubernetes.io/pod-deletion-cost``, an int32: such a pod goes first."""


@dataclass(frozen=True, slots=True)
class PodRank:
    """What the deletion order knows of a pod.

    ``node`` is ``""`` until the pod is scheduled. ``rank``: active pods of the same Deployment on that node
    (:func:`rank_by_node`). ``ready_since_s`` and ``created_s`` are model times as the API publishes them
    (:func:`api_time_s`), ``None`` for unset. ``max_restarts``: the highest restart count of its containers.
    """

    uid: str = ""
    node: str = ""
    phase: str = "Running"
    ready: bool = False
    deletion_cost: int | None = None
    rank: int = 0
    ready_since_s: float | None = None
    max_restarts: int = 0
    created_s: float | None = None


def api_time_s(time_s: float) -> float:
    """Return a time as the API publishes it: whole seconds, truncated."""
    return float(math.floor(time_s))


def is_pod_available(ready_since_s: float | None, min_ready_seconds: int, now_s: float) -> bool:
    """Return whether a pod, ready since then (``None``: not ready), has been so for ``minReadySeconds`` (rule K7)."""
    return ready_since_s is not None and now_s >= ready_since_s + min_ready_seconds


def slow_start_batches(count: int) -> list[int]:
    """Return the sizes of the batches in which ``count`` pods are created: 1, 2, 4, …, the rest (rule K13).

    At most 500 pods are created in one pass. A batch starts when the one before it has been created.
    """
    batches = []
    left = min(count, BURST_REPLICAS)
    batch = SLOW_START_INITIAL_BATCH
    while left > 0:
        batches.append(min(batch, left))
        left -= batches[-1]
        batch *= 2
    return batches


def rank_by_node(pods: Iterable[PodRank], nodes_of_active_pods: Iterable[str]) -> list[PodRank]:
    """Return the pods with their ranks set.

    Args:
        pods: The pods of one ReplicaSet.
        nodes_of_active_pods: The node of every active pod of *all* ReplicaSets of the Deployment, these
            included: in a rollout the pods of the next version crowd a node too.

    Source: replica_set.go:getIndirectlyRelatedPods, getPodsRankedByRelatedPodsOnSameNode.
    """
    crowd = Counter(nodes_of_active_pods)
    return [replace(pod, rank=crowd[pod.node]) for pod in pods]


def pods_to_delete(pods: Sequence[PodRank], count: int, now_s: float) -> list[PodRank]:
    """Return the ``count`` pods to delete, at most 500, of a ReplicaSet's active pods with ranks set.

    When all go there is nothing to sort. Source: replica_set.go:getPodsToDelete.
    """
    count = min(count, BURST_REPLICAS)
    if count >= len(pods):
        return list(pods)
    return deletion_order(pods, now_s)[: max(count, 0)]


def deletion_order(
    pods: Iterable[PodRank],
    now_s: float,
    *,
    pod_deletion_cost: bool = True,
    logarithmic_scale_down: bool = True,
) -> list[PodRank]:
    """Return the pods in the order in which they are deleted, first one first; equal pods keep their order (rule K6).

    Args:
        pods: Active pods with ranks set.
        now_s: Model time in seconds, for the ages.
        pod_deletion_cost: The feature gate PodDeletionCost.
        logarithmic_scale_down: The feature gate LogarithmicScaleDown.
    """

    def compare(a: PodRank, b: PodRank) -> int:
        return compare_for_deletion(
            a,
            b,
            now_s,
            pod_deletion_cost=pod_deletion_cost,
            logarithmic_scale_down=logarithmic_scale_down,
        )

    return sorted(pods, key=cmp_to_key(compare))


def compare_for_deletion(
    a: PodRank,
    b: PodRank,
    now_s: float,
    *,
    pod_deletion_cost: bool = True,
    logarithmic_scale_down: bool = True,
) -> int:
    """Return -1 if ``a`` is deleted before ``b``, 1 if after, 0 if nothing tells them apart.

    The first difference decides: unassigned before assigned; Pending, Unknown, Running; not ready before
    ready; lower deletion cost; higher rank; both ready: later ready; more restarts; later created.

    Source: controller_utils.go:ActivePodsWithRanks.Less.
    """
    first = (
        # Two assigned pods are not told apart by the name of their node.
        _order(a.node != "", b.node != "")
        or _order(_PHASE_ORDER.get(a.phase, 0), _PHASE_ORDER.get(b.phase, 0))
        or _order(a.ready, b.ready)
        or (_order(a.deletion_cost or 0, b.deletion_cost or 0) if pod_deletion_cost else 0)
        or _order(b.rank, a.rank)
    )
    if first:
        return first
    if a.ready and b.ready and a.ready_since_s != b.ready_since_s:
        return _younger_first(a.ready_since_s, b.ready_since_s, now_s, a, b, logarithmic_scale_down)
    if a.max_restarts != b.max_restarts:
        return _order(b.max_restarts, a.max_restarts)
    if a.created_s != b.created_s:
        return _younger_first(a.created_s, b.created_s, now_s, a, b, logarithmic_scale_down)
    return 0


def log_bucket(age_s: float) -> int:
    """Return floor(log2(age in nanoseconds)), -1 for an age of 0; ages in one bucket are the same age."""
    return max(round(age_s * 1e9), 0).bit_length() - 1


def _younger_first(
    since_a_s: float | None,
    since_b_s: float | None,
    now_s: float,
    a: PodRank,
    b: PodRank,
    logarithmic: bool,
) -> int:
    """Order two different times: unset first, then the smaller bucket of age, then the UID as text."""
    if since_a_s is None:
        return -1
    if since_b_s is None:
        return 1
    if not logarithmic:
        return _order(since_b_s, since_a_s)
    return _order(log_bucket(now_s - since_a_s), log_bucket(now_s - since_b_s)) or _order(a.uid, b.uid)


def _order(a: _Ordered, b: _Ordered) -> int:
    return (a > b) - (a < b)
