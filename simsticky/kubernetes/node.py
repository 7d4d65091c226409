"""Nodes that go: lost, shut down, taken back by the cloud, or removed by the cluster autoscaler.

Source: Kubernetes, controller/nodelifecycle/node_lifecycle_controller.go (``tryUpdateNodeHealth``,
``monitorNodeHealth``), tainteviction, kubelet/nodeshutdown/nodeshutdown_manager.go (``migrateConfig``,
``processShutdownEvent``), kubernetes/autoscaler cluster-autoscaler (defaults of its flags).
"""

import math
from typing import NamedTuple

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
    """Return when the loss of a node takes effect (rule N6).

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
