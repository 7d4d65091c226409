"""Several containers in a pod: who is stopped when, and why a plain sidecar cuts the application off.

A native sidecar (an init container with ``restartPolicy: Always``) is stopped after the main containers, the
last started first, within what is left of the grace period. A plain container is told to stop together with
the application: a proxy that exits at once leaves the application unreachable while it still drains.

Source: Kubernetes, kubelet/kuberuntime/kuberuntime_termination_order.go (``newTerminationOrdering``,
``waitForTurn``), kuberuntime_container.go:killContainer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simsticky.kubernetes.pod import MINIMUM_CONTAINER_STOP_GRACE_S, TerminationTimeline, pre_stop_wait_s


@dataclass(frozen=True, slots=True)
class StoppedContainer:
    """A container of a pod that is terminated.

    ``pre_stop_s`` and ``exit_after_sigterm_s`` are as in :func:`simsticky.kubernetes.pod.termination_timeline`.
    ``sidecar``: it is a native sidecar.
    """

    name: str
    sidecar: bool = False
    pre_stop_s: float | None = None
    exit_after_sigterm_s: float | None = 0.0


def pod_termination(containers: Sequence[StoppedContainer], grace_s: int) -> dict[str, TerminationTimeline]:
    """Return the end of each container: name -> times in seconds since the kubelet started killing the pod.

    Args:
        containers: All containers; sidecars in the order in which they were started.
        grace_s: The pod's effective grace period, one clock for all of them.

    All preStop hooks start together, those of sidecars too. A sidecar then waits for the main containers and
    for the sidecars started after it, at most until the grace period is over; SIGTERM follows, and SIGKILL
    after what is left, at least 2 s.
    """
    mains = [container for container in containers if not container.sidecar]
    ends = {container.name: _stopped(container, grace_s, 0.0) for container in mains}
    turn_s = max((end.container_dead_at_s for end in ends.values()), default=0.0)
    for container in reversed([container for container in containers if container.sidecar]):
        end = _stopped(container, grace_s, turn_s)
        ends[container.name] = end
        turn_s = max(turn_s, end.container_dead_at_s)
    return ends


def pod_dead_at_s(ends: dict[str, TerminationTimeline]) -> float:
    """Return when the last container is dead; the terminal phase is published only then."""
    return max(end.container_dead_at_s for end in ends.values())


def _stopped(container: StoppedContainer, grace_s: int, turn_s: float) -> TerminationTimeline:
    """Return the end of a container whose turn comes at ``turn_s``."""
    hook_s = pre_stop_wait_s(grace_s, container.pre_stop_s)
    left_s = grace_s - math.floor(hook_s)
    # Only while grace is left does it wait; the time waited is cut to whole seconds like the hook's.
    sigterm_s = min(max(hook_s, turn_s), hook_s + max(left_s, 0))
    timeout_s = max(left_s - math.floor(sigterm_s - hook_s), MINIMUM_CONTAINER_STOP_GRACE_S)
    exit_s = container.exit_after_sigterm_s
    killed = exit_s is None or exit_s > timeout_s
    lasts_s = timeout_s if exit_s is None or killed else exit_s
    return TerminationTimeline(sigterm_s, timeout_s, sigterm_s + lasts_s, killed)
