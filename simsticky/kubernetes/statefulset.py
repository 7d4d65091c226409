"""One pass of the StatefulSet controller: which pods it creates and deletes, ordinal by ordinal.

A pod keeps its name: the next one of an ordinal is created only when the last one is gone altogether, its
termination included. There is no surge, so an update costs capacity.

Source: Kubernetes, controller/statefulset/stateful_set_control.go (``updateStatefulSet``, ``processReplica``,
``processCondemned``, ``updateStatefulSetAfterInvariantEstablished``) and stateful_set_utils.go
(``newVersionedStatefulSetPod``, ``getStatefulSetMaxUnavailable``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from simsticky.kubernetes.replicaset import is_pod_available
from simsticky.units import scaled_int_or_percent

PodManagement = Literal["OrderedReady", "Parallel"]
UpdateStrategy = Literal["RollingUpdate", "OnDelete"]


@dataclass(frozen=True, slots=True)
class StatefulSetSpec:
    """The desired state of a StatefulSet.

    ``revision`` stands for the current pod template, ``previous_revision`` for the one that ordinals below
    ``partition`` keep (``None``: the same). ``max_unavailable`` ``None`` is the feature gate
    MaxUnavailableStatefulSet off: one pod at a time.
    """

    replicas: int = 1
    revision: int = 1
    previous_revision: int | None = None
    pod_management: PodManagement = "OrderedReady"
    update_strategy: UpdateStrategy = "RollingUpdate"
    partition: int = 0
    max_unavailable: int | str | None = None
    min_ready_seconds: int = 0


@dataclass(frozen=True, slots=True)
class StatefulPod:
    """A pod object that exists, also while it terminates; ``ready_since_s`` ``None``: not ready."""

    ordinal: int
    revision: int
    phase: str = "Running"
    ready_since_s: float | None = None
    terminating: bool = False

    @property
    def running_and_ready(self) -> bool:
        """Whether the pod runs and is ready; a terminating one may be."""
        return self.phase == "Running" and self.ready_since_s is not None

    @property
    def healthy(self) -> bool:
        """Whether the pod runs, is ready and stays."""
        return self.running_and_ready and not self.terminating


class Action(NamedTuple):
    """One write: the pod of this ordinal is created at this revision, or the one of this revision is deleted."""

    kind: Literal["create", "delete"]
    ordinal: int
    revision: int


class Awaited(NamedTuple):
    """The pod that a pass waits for, and what it is to be."""

    ordinal: int
    until: Literal["available", "gone"]


class Step(NamedTuple):
    """What one sync writes; ``waits_for``: why it goes no further, None when nothing is left to do."""

    actions: tuple[Action, ...] = ()
    waits_for: Awaited | None = None


def heeds_max_unavailable(release: tuple[int, ...]) -> bool:
    """Return whether a release heeds ``rollingUpdate.maxUnavailable`` unless somebody has set its feature gate.

    Source: Kubernetes' page of feature gates, MaxUnavailableStatefulSet: off up to 1.34, on in 1.35.0 to 1.35.3, off
    from 1.35.4 to 1.36, on again from 1.37. Without a patch number a release is meant as it is at its end; one that
    is not known at all (empty) is as the newest.
    """
    return not release or release >= (1, 37) or (1, 35, 0) <= release <= (1, 35, 3)


def resolved_max_unavailable(spec: StatefulSetSpec) -> int:
    """Return how many pods an update may have down: a percentage rounds down, and at least 1.

    Source: stateful_set_utils.go:getStatefulSetMaxUnavailable (the API's comment says up; the code rounds
    down).
    """
    if spec.max_unavailable is None:
        return 1
    return max(1, scaled_int_or_percent(spec.max_unavailable, spec.replicas, round_up=False))


def revision_of_new_pod(spec: StatefulSetSpec, ordinal: int) -> int:
    """Return the revision at which a missing pod is created: the previous one below the partition.

    So a pod that is lost in mid-update comes back updated (newVersionedStatefulSetPod).
    """
    previous = spec.revision if spec.previous_revision is None else spec.previous_revision
    if spec.update_strategy == "RollingUpdate" and ordinal < spec.partition:
        return previous
    return spec.revision


def update_complete(spec: StatefulSetSpec, pods: Iterable[StatefulPod]) -> bool:
    """Return whether every pod asked for exists, is healthy and, from the partition up, of the revision."""
    by_ordinal = {pod.ordinal: pod for pod in pods}
    return sorted(by_ordinal) == list(range(spec.replicas)) and all(
        pod.healthy and pod.revision == revision_of_new_pod(spec, ordinal) for ordinal, pod in by_ordinal.items()
    )


def sync(spec: StatefulSetSpec, pods: Sequence[StatefulPod], now_s: float) -> Step:
    """Return what one pass of the controller does (rule K15).

    Args:
        spec: The StatefulSet.
        pods: All its pod objects, at most one an ordinal, in any order.
        now_s: Model time in seconds, for ``minReadySeconds``.

    First missing pods are created and failed ones deleted, lowest ordinal first; then surplus ones go, highest
    first; then the update goes on, highest first. ``OrderedReady`` does one thing at a time and stops at the
    first pod that is not available, so a broken pod of a low ordinal blocks everything: it has to be deleted
    by hand.
    """
    ordered = spec.pod_management == "OrderedReady"
    by_ordinal = {pod.ordinal: pod for pod in pods}
    actions: list[Action] = []
    for ordinal in range(spec.replicas):
        step = _living(spec, by_ordinal.get(ordinal), ordinal, now_s, ordered)
        actions += step.actions
        if step.waits_for or (ordered and step.actions):
            return Step(tuple(actions), step.waits_for)
    condemned = sorted((pod for pod in pods if pod.ordinal >= spec.replicas), key=lambda pod: -pod.ordinal)
    unhealthy = _first_unhealthy(pods)
    for pod in condemned:
        step = _condemned(spec, pod, unhealthy, now_s, ordered)
        actions += step.actions
        if step.waits_for or (ordered and step.actions):
            return Step(tuple(actions), step.waits_for)
    if spec.update_strategy == "OnDelete":
        return Step(tuple(actions))
    # Pods created in this very pass are not there yet: they count as unhealthy of their new revision.
    present = [by_ordinal.get(n) or StatefulPod(n, revision_of_new_pod(spec, n), "") for n in range(spec.replicas)]
    update = _update(spec, present, now_s)
    # A failed pod of the old template is deleted by both halves of the pass; the second request finds it gone.
    return Step(tuple(dict.fromkeys((*actions, *update.actions))), update.waits_for)


def _living(spec: StatefulSetSpec, pod: StatefulPod | None, ordinal: int, now_s: float, ordered: bool) -> Step:
    """Source: processReplica, runForAll: in Parallel nothing stops the pass."""
    if pod is None:
        return Step((Action("create", ordinal, revision_of_new_pod(spec, ordinal)),))
    if pod.phase in ("Failed", "Succeeded"):
        delete = () if pod.terminating else (Action("delete", ordinal, pod.revision),)
        return Step(delete, Awaited(ordinal, "gone") if ordered else None)
    if not ordered:
        return Step()
    if pod.terminating:
        return Step((), Awaited(ordinal, "gone"))
    return Step((), None if _available(spec, pod, now_s) else Awaited(ordinal, "available"))


def _condemned(
    spec: StatefulSetSpec, pod: StatefulPod, unhealthy: StatefulPod | None, now_s: float, ordered: bool
) -> Step:
    """Source: processCondemned. An unhealthy pod may go only if no other pod is unhealthy below it."""
    if pod.terminating:
        return Step((), Awaited(pod.ordinal, "gone") if ordered else None)
    if ordered and not _available(spec, pod, now_s) and pod is not unhealthy:
        return Step((), Awaited(pod.ordinal, "available"))
    return Step((Action("delete", pod.ordinal, pod.revision),))


def _first_unhealthy(pods: Iterable[StatefulPod]) -> StatefulPod | None:
    return next((pod for pod in sorted(pods, key=lambda pod: pod.ordinal) if not pod.healthy), None)


def _update(spec: StatefulSetSpec, pods: Sequence[StatefulPod], now_s: float) -> Step:
    """Return the deletions of the rolling update, ``pods`` being one an ordinal, lowest first."""
    outdated = [pod for pod in reversed(pods[spec.partition :]) if pod.revision != spec.revision]
    down = [pod for pod in pods if pod.terminating or not _available(spec, pod, now_s)]
    if spec.max_unavailable is not None:
        return _update_several(spec, outdated, down)
    for pod in reversed(pods[spec.partition :]):
        if pod.revision != spec.revision and not pod.terminating:
            return Step((Action("delete", pod.ordinal, pod.revision),))
        if pod in down:
            return Step((), Awaited(pod.ordinal, "available"))
    return Step()


def _update_several(spec: StatefulSetSpec, outdated: Sequence[StatefulPod], down: Sequence[StatefulPod]) -> Step:
    """Source: updateStatefulSetAfterInvariantEstablished. Whatever is down already uses up the number."""
    may_go = resolved_max_unavailable(spec) - len(down)
    if may_go <= 0:
        return Step((), Awaited(down[0].ordinal, "available") if outdated else None)
    gone = [pod for pod in outdated if not pod.terminating][:may_go]
    return Step(tuple(Action("delete", pod.ordinal, pod.revision) for pod in gone))


def _available(spec: StatefulSetSpec, pod: StatefulPod, now_s: float) -> bool:
    return pod.running_and_ready and is_pod_available(pod.ready_since_s, spec.min_ready_seconds, now_s)
