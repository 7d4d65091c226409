"""When the containers of a pod end, worked out at once from the kubelet's arithmetic.

The simulation comes to these times step by step; the tests hold it to them. A native sidecar (an init container with
``restartPolicy: Always``) is stopped after the main containers, the last started first, within what is left of the
grace period. A plain container is told to stop together with the application.

Source: Kubernetes, kubelet/kuberuntime/kuberuntime_termination_order.go (``newTerminationOrdering``,
``waitForTurn``), kuberuntime_container.go:killContainer, kubelet/nodeshutdown/nodeshutdown_manager.go
(``migrateConfig``, ``processShutdownEvent``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from simsticky.kubernetes.node import SHUTDOWN_GRACE_PERIOD_CRITICAL_S, SHUTDOWN_GRACE_PERIOD_S
from simsticky.kubernetes.pod import (
    DEFAULT_TERMINATION_GRACE_PERIOD_S,
    MINIMUM_CONTAINER_STOP_GRACE_S,
    TerminationTimeline,
    effective_grace_s,
    pre_stop_wait_s,
    termination_timeline,
)


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


@dataclass(frozen=True, slots=True)
class ShutdownPod:
    """A pod on a node that shuts down.

    ``pre_stop_s`` and ``exit_after_sigterm_s`` are as in :func:`simsticky.kubernetes.pod.termination_timeline`;
    ``critical``: it is of a system priority class.
    """

    name: str
    grace_s: int = DEFAULT_TERMINATION_GRACE_PERIOD_S
    pre_stop_s: float | None = None
    exit_after_sigterm_s: float | None = 0.0
    critical: bool = False


class ShutdownStop(NamedTuple):
    """How the shutdown ends one pod: seconds since the kubelet learnt of it.

    ``killed_from_s``: when the kubelet starts killing, with ``grace_s`` seconds of grace; ``end`` counts from
    there. At ``failed_at_s`` the phase is Failed (reason Terminated) and the pod's controller replaces it. The
    object is *not* deleted: it has no deletion timestamp, its endpoint is never *terminating*, and drain
    support does nothing.
    """

    killed_from_s: float
    grace_s: int
    end: TerminationTimeline

    @property
    def failed_at_s(self) -> float:
        """When the pod is over."""
        return self.killed_from_s + self.end.container_dead_at_s


def graceful_shutdown(
    pods: Sequence[ShutdownPod],
    shutdown_grace_s: int = SHUTDOWN_GRACE_PERIOD_S,
    critical_s: int = SHUTDOWN_GRACE_PERIOD_CRITICAL_S,
) -> dict[str, ShutdownStop]:
    """Return how a graceful node shutdown stops the node's pods: pod name -> times; empty when it is inactive.

    Args:
        pods: The pods of the node.
        shutdown_grace_s: ``shutdownGracePeriod`` in whole seconds; 0, the default, is inactive, and then pods
            are cut off by the node's end like those of a lost node.
        critical_s: ``shutdownGracePeriodCriticalPods``, the last part of it, for critical pods only.

    Regular pods are killed first, all at once, with their own grace or their part of the period if that is
    shorter. Critical ones follow when the regular ones are over or their part has passed. A preStop hook runs
    inside that grace as always.
    """
    if shutdown_grace_s <= 0 or critical_s > shutdown_grace_s:
        return {}
    stops: dict[str, ShutdownStop] = {}
    start_s = 0.0
    for critical, period_s in ((False, shutdown_grace_s - critical_s), (True, critical_s)):
        group = [pod for pod in pods if pod.critical is critical]
        for pod in group:
            grace_s = effective_grace_s(pod.grace_s, override_s=min(pod.grace_s, period_s))
            end = termination_timeline(grace_s, pod.pre_stop_s, pod.exit_after_sigterm_s)
            stops[pod.name] = ShutdownStop(start_s, grace_s, end)
        over_s = max((stops[pod.name].failed_at_s for pod in group), default=start_s)
        start_s = min(over_s, start_s + period_s)
    return stops


def cut_short(timeline: TerminationTimeline, left_s: float) -> TerminationTimeline:
    """Return a container's end when its machine goes ``left_s`` seconds after the kubelet began to kill it.

    A spot notice gives 30 to 120 s, whatever the pod's own grace: what is not over by then is cut off, which
    counts as a kill. SIGTERM may then never be sent; its time is the machine's end.
    """
    if timeline.container_dead_at_s <= left_s:
        return timeline
    sigterm_at_s = min(timeline.sigterm_at_s, left_s)
    return replace(timeline, sigterm_at_s=sigterm_at_s, container_dead_at_s=left_s, sigkill=True)
