"""Nodes that go: lost, shut down, taken back by the cloud, or removed by the cluster autoscaler.

Source: Kubernetes, controller/nodelifecycle/node_lifecycle_controller.go (``tryUpdateNodeHealth``,
``monitorNodeHealth``), tainteviction, kubelet/nodeshutdown/nodeshutdown_manager.go (``migrateConfig``,
``processShutdownEvent``), kubernetes/autoscaler cluster-autoscaler (defaults of its flags).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from simsticky.kubernetes.pod import (
    DEFAULT_TERMINATION_GRACE_PERIOD_S,
    TerminationTimeline,
    effective_grace_s,
    termination_timeline,
)

NODE_LEASE_RENEW_S = 10.0
NODE_MONITOR_PERIOD_S = 5.0
NODE_MONITOR_GRACE_S = 40.0
UNREACHABLE_TOLERATION_S = 300.0

SHUTDOWN_GRACE_PERIOD_S = 0
SHUTDOWN_GRACE_PERIOD_CRITICAL_S = 0

AUTOSCALER_MAX_GRACEFUL_TERMINATION_S = 600
AUTOSCALER_MAX_POD_EVICTION_S = 120.0


class NodeLoss(NamedTuple):
    """What the control plane does about a node that fell silent; model times in seconds.

    Until ``not_ready_at_s`` nobody knows: the endpoints are ready and connections fail. Then the pods' Ready
    condition is False, so their endpoints are neither ready nor terminating. At ``deleted_at_s`` the pods get
    their deletion timestamp, and their controller replaces them; the objects stay, terminating, until the
    kubelet is back or the node object goes.
    """

    not_ready_at_s: float
    deleted_at_s: float


def node_loss(
    last_renewal_s: float,
    *,
    monitor_phase_s: float = 0.0,
    monitor_period_s: float = NODE_MONITOR_PERIOD_S,
    grace_s: float = NODE_MONITOR_GRACE_S,
    toleration_s: float = UNREACHABLE_TOLERATION_S,
) -> NodeLoss:
    """Return when the loss of a node takes effect.

    Args:
        last_renewal_s: When the kubelet last renewed its lease, at most 10 s before the node was lost.
        monitor_phase_s: When the node controller looks, any one of its ticks.
        monitor_period_s: Time between two looks.
        grace_s: ``--node-monitor-grace-period``: 40, from 1.32 on 50.
        toleration_s: ``tolerationSeconds`` of the pods for ``node.kubernetes.io/unreachable:NoExecute``.

    The grace period counts from the look that *saw* the renewal, and the controller's looks lie a little more
    than their period apart, so the loss is noticed at the look that many seconds later: with a grace of 40 s
    and a renewal every 10 s, 30 to 45 s after it happened; with 50 s, 40 to 55 s.
    """
    seen = _tick_at_or_after(last_renewal_s, monitor_phase_s, monitor_period_s)
    noticed_s = monitor_phase_s + (seen + math.ceil(grace_s / monitor_period_s)) * monitor_period_s
    return NodeLoss(noticed_s, noticed_s + toleration_s)


def last_renewal_s(lost_at_s: float, renew_phase_s: float, renew_s: float = NODE_LEASE_RENEW_S) -> float:
    """Return the last renewal of the lease before the node was lost, the kubelet renewing at that phase."""
    return renew_phase_s + math.floor((lost_at_s - renew_phase_s) / renew_s) * renew_s


def _tick_at_or_after(time_s: float, phase_s: float, period_s: float) -> int:
    """Return the number of the first tick from then on, tick 0 being at the phase."""
    return math.ceil((time_s - phase_s) / period_s)


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
