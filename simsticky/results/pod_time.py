"""What an operation costs in pods: the time of those beyond the wanted number."""

from __future__ import annotations

import math

from simsticky.recording.pods import PodRecord
from simsticky.recording.record import OperationRecord, Recording
from simsticky.results.times import done_after_s, gone_after_s


def extra_pod_seconds(recording: Recording) -> float | None:
    """Return the pod-seconds beyond the wanted number of pods, over all operations; None where there is no operation.

    For each operation: the number of pods there are, terminating and starting ones included, less the number wanted
    (the pods that its end leaves undeleted), where that is positive, integrated from its start until its rollout is
    done and its last old pod is gone, or the run ends.
    """
    if not recording.operations:
        return None
    return math.fsum(_of_operation(operation, recording) for operation in recording.operations)


def _of_operation(operation: OperationRecord, recording: Recording) -> float:
    lasted = [seconds for seconds in (done_after_s(operation), gone_after_s(operation)) if seconds is not None]
    end_s = min(operation.start_s + max(lasted), recording.end_s) if lasted else recording.end_s
    there = [pod for pod in recording.pods if pod.created_s <= end_s and not pod.removed_s <= operation.start_s]
    wanted = sum(not pod.deleted_s <= end_s for pod in there)
    steps = sorted(change for pod in there for change in _changes(pod, operation.start_s, end_s))
    extra, now_s, number = 0.0, operation.start_s, 0
    for at_s, change in [*steps, (end_s, 0)]:
        extra += (at_s - now_s) * max(0, number - wanted)
        now_s, number = at_s, number + change
    return extra


def _changes(pod: PodRecord, start_s: float, end_s: float) -> list[tuple[float, int]]:
    """When a pod comes and goes between two moments; a time that is NaN has not come."""
    changes = [(max(start_s, pod.created_s), 1)]
    if pod.removed_s < end_s:
        changes.append((pod.removed_s, -1))
    return changes
