"""How a ReplicaSet makes up the difference: batches of new pods, the order in which surplus pods go.

Source: Kubernetes, replicaset/replica_set.go (``manageReplicas``, ``getPodsToDelete``, ``slowStartBatch``)
and controller_utils.go (``ActivePodsWithRanks``).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import NamedTuple

BURST_REPLICAS = 500
SLOW_START_INITIAL_BATCH = 1
MIN_READY_REQUEUE_EXTRA_S = 1

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
    return [
        PodRank(
            uid=pod.uid,
            node=pod.node,
            phase=pod.phase,
            ready=pod.ready,
            deletion_cost=pod.deletion_cost,
            rank=crowd[pod.node],
            ready_since_s=pod.ready_since_s,
            max_restarts=pod.max_restarts,
            created_s=pod.created_s,
        )
        for pod in pods
    ]


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
    listed = list(pods)
    standings = [_standing(pod, now_s, pod_deletion_cost, logarithmic_scale_down) for pod in listed]
    order = cmp_to_key(_compare)
    return [listed[place] for place in sorted(range(len(listed)), key=lambda place: order(standings[place]))]


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
    gates = pod_deletion_cost, logarithmic_scale_down
    return _compare(_standing(a, now_s, *gates), _standing(b, now_s, *gates))


class _Standing(NamedTuple):
    """What decides between a pod and others, in the order in which it does.

    Attributes:
        first: What decides before all ages: the smaller goes first.
        ready_since_s: Since when it is ready, as published; None for unset.
        ready_age: The smaller goes first of two that are ready since different times; None first of all.
        created_s, created_age: Likewise of its creation.
    """

    first: tuple[bool, int, bool, int, int]
    ready_since_s: float | None
    ready_age: float | None
    restarts: int
    created_s: float | None
    created_age: float | None
    uid: str


def _standing(pod: PodRank, now_s: float, pod_deletion_cost: bool, logarithmic: bool) -> _Standing:
    """Return what decides about a pod; asked once, for it is compared with many."""

    def age(since_s: float | None) -> float | None:
        if since_s is None:
            return None
        return log_bucket(now_s - since_s) if logarithmic else -since_s

    cost = (pod.deletion_cost or 0) if pod_deletion_cost else 0
    return _Standing(
        # Two assigned pods are not told apart by the name of their node.
        (pod.node != "", _PHASE_ORDER.get(pod.phase, 0), pod.ready, cost, -pod.rank),
        pod.ready_since_s,
        age(pod.ready_since_s),
        pod.max_restarts,
        pod.created_s,
        age(pod.created_s),
        pod.uid,
    )


def _compare(a: _Standing, b: _Standing) -> int:
    if a.first != b.first:
        return -1 if a.first < b.first else 1
    if a.first[2] and a.ready_since_s != b.ready_since_s:
        return _younger_first(a.ready_age, b.ready_age, a.uid, b.uid)
    if a.restarts != b.restarts:
        return -1 if a.restarts > b.restarts else 1
    if a.created_s != b.created_s:
        return _younger_first(a.created_age, b.created_age, a.uid, b.uid)
    return 0


def log_bucket(age_s: float) -> int:
    """Return floor(log2(age in nanoseconds)), -1 for an age of 0; ages in one bucket are the same age."""
    return max(round(age_s * 1e9), 0).bit_length() - 1


def _younger_first(age_a: float | None, age_b: float | None, uid_a: str, uid_b: str) -> int:
    """Order two different times: unset first, then the smaller (bucket of) age, then the UID as text."""
    if age_a is None:
        return -1
    if age_b is None:
        return 1
    if age_a != age_b:
        return -1 if age_a < age_b else 1
    return (uid_a > uid_b) - (uid_a < uid_b)
