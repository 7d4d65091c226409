"""Whether a rollout is complete, moving or past its deadline: information only, nothing is rolled back.

Source: Kubernetes, deployment/progress.go:syncRolloutStatus, deployment_util.go (``DeploymentComplete``,
``DeploymentProgressing``, ``DeploymentTimedOut``), sync.go:calculateStatus.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from simsticky.kubernetes.deployment_spec import (
    DeploymentSpec,
    ReplicaSetState,
    split_new_and_old,
    sum_available,
    sum_ready,
    sum_status,
)

ProgressReason = Literal[
    "",
    "NewReplicaSetCreated",
    "FoundNewReplicaSet",
    "ReplicaSetUpdated",
    "NewReplicaSetAvailable",
    "ProgressDeadlineExceeded",
    "DeploymentPaused",
    "DeploymentResumed",
]


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """Pods a Deployment reports; terminating ones are in none of these numbers."""

    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0


@dataclass(frozen=True, slots=True)
class ProgressCondition:
    """The Progressing condition: its reason and when it was last updated, in seconds of model time."""

    reason: ProgressReason
    updated_at_s: float

    @property
    def status(self) -> bool:
        """Whether the condition is True; only a missed deadline makes it False."""
        return self.reason != "ProgressDeadlineExceeded"


def deployment_status(spec: DeploymentSpec, replica_sets: Sequence[ReplicaSetState]) -> DeploymentStatus:
    """Return the status that the ReplicaSets' reports add up to."""
    new, _ = split_new_and_old(spec, replica_sets)
    return DeploymentStatus(
        replicas=sum_status(replica_sets),
        updated_replicas=new.status_replicas if new is not None else 0,
        ready_replicas=sum_ready(replica_sets),
        available_replicas=sum_available(replica_sets),
    )


def deployment_complete(replicas: int, status: DeploymentStatus) -> bool:
    """Return whether all ``replicas`` pods are updated and available and no old pod is reported.

    Source: deployment_util.go:DeploymentComplete. Terminating old pods do not delay it.
    """
    return status.updated_replicas == status.replicas == status.available_replicas == replicas


def deployment_progressing(before: DeploymentStatus, after: DeploymentStatus) -> bool:
    """Return whether the rollout moved: more updated, fewer old, more ready or more available pods.

    Source: deployment_util.go:DeploymentProgressing.
    """
    return (
        after.updated_replicas > before.updated_replicas
        or after.replicas - after.updated_replicas < before.replicas - before.updated_replicas
        or after.ready_replicas > before.ready_replicas
        or after.available_replicas > before.available_replicas
    )


def deployment_timed_out(
    progress_deadline_s: float | None, since_last_update_s: float | None, reason: ProgressReason = ""
) -> bool:
    """Return whether the deadline is past (rule K4).

    Args:
        progress_deadline_s: ``progressDeadlineSeconds``; ``None`` never times out.
        since_last_update_s: Seconds since the Progressing condition was last updated; ``None``: unknown, or there
            is none yet.
        reason: Reason of that condition. A complete rollout cannot time out; one that has stays so.

    Source: deployment_util.go:DeploymentTimedOut.
    """
    if progress_deadline_s is None or reason == "NewReplicaSetAvailable":
        return False
    if reason == "ProgressDeadlineExceeded":
        return True
    return since_last_update_s is not None and since_last_update_s > progress_deadline_s


def next_condition(
    spec: DeploymentSpec,
    condition: ProgressCondition | None,
    before: DeploymentStatus,
    after: DeploymentStatus,
    now_s: float,
) -> ProgressCondition | None:
    """Return the Progressing condition after a status change, or the same one when nothing is to be said.

    Args:
        spec: The Deployment; without a deadline the condition is not kept up.
        condition: The present condition. A sync that creates a ReplicaSet sets ``NewReplicaSetCreated``
            itself.
        before: The status reported so far.
        after: The status now.
        now_s: Model time in seconds.

    Source: progress.go:syncRolloutStatus.
    """
    reason = condition.reason if condition is not None else ""
    finished = after.replicas == after.updated_replicas and reason == "NewReplicaSetAvailable"
    if spec.progress_deadline_seconds is None or finished:
        return condition
    since_s = now_s - condition.updated_at_s if condition is not None else None
    if deployment_complete(spec.replicas, after):
        return ProgressCondition("NewReplicaSetAvailable", now_s)
    if deployment_progressing(before, after):
        return ProgressCondition("ReplicaSetUpdated", now_s)
    if reason != "ProgressDeadlineExceeded" and deployment_timed_out(spec.progress_deadline_seconds, since_s, reason):
        return ProgressCondition("ProgressDeadlineExceeded", now_s)
    return condition
