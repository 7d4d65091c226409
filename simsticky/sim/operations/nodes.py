"""Operations on nodes: drained, shut down, lost, or taken back by the cloud (rules N)."""

from collections.abc import Callable

from simsticky.kubernetes.node import (
    AUTOSCALER_MAX_GRACEFUL_TERMINATION_S,
    AUTOSCALER_MAX_POD_EVICTION_S,
    NODE_LEASE_RENEW_S,
    last_renewal_s,
    node_loss,
)
from simsticky.recording.events import Stuck
from simsticky.recording.record import How
from simsticky.scenario.cluster_operations import DrainNode, NodeLoss, ShutdownNode, Spot, Uncordon
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.evictions import Evictions
from simsticky.sim.control.pods import Pod
from simsticky.sim.operations.cluster import Cluster
from simsticky.sim.streams import Purpose

_OPERATOR = "operator"
_NODE_CONTROLLER = "nodecontroller"
_HANDLER = "handler"
"""Who drains a node on the cloud's notice."""


class NodeOperations:
    """Does what is done to nodes: one method a verb, given the operation and its number.

    Args:
        on_blocked: Called with an operation's number and the reason when its drain makes no headway.
    """

    def __init__(self, cluster: Cluster, on_blocked: Callable[[int, Stuck], None]) -> None:
        """Open the Eviction API; the disruption budget is that of the first workload."""
        self._cluster = cluster
        self._world = cluster.world
        self._api = cluster.api
        self._kubelet = cluster.kubelet
        self._has_to_go: dict[int, set[Pod]] = {}
        self._evictions = Evictions(cluster.world, cluster.api, next(iter(cluster.workloads.values())), on_blocked)

    def in_effect(self, number: int) -> bool:
        """Whether the pods that an operation was to take are evicted, or gone."""
        return not self._evictions.draining.get(number) and all(pod.gone for pod in self._has_to_go.get(number, ()))

    def _on_node(self, node: str) -> list[Pod]:
        return [pod for pod in self._api.pods if pod.record.node == node]

    def drain(self, operation: DrainNode, number: int) -> None:
        """Cordon a node and evict its pods (rule N2), as far as its autoscaler has the patience (rule N4)."""
        node = operation.drain_node
        self._cordon(node, number)
        if operation.by == "kubectl":
            self._evictions.drain(node, number, _OPERATOR)
            return
        limit_s = AUTOSCALER_MAX_GRACEFUL_TERMINATION_S
        self._evictions.drain(node, number, _OPERATOR, grace_s=limit_s, give_up_s=AUTOSCALER_MAX_POD_EVICTION_S)

    def _cordon(self, node: str, number: int, who: str = _OPERATOR) -> None:
        self._api.nodes.cordon(node)
        self._world.tell(who, "cordoned", node, cause=number)

    def uncordon(self, operation: Uncordon, number: int) -> None:
        """Let a node take pods again."""
        self._api.nodes.uncordon(operation.uncordon)

    def shut_down(self, operation: ShutdownNode, number: int) -> None:
        """The kubelet ends the pods; nobody deletes them, so that no endpoint is ever *terminating* (rule N5)."""
        node, period_s = operation.shutdown_node, operation.grace_period
        self._cordon(node, number, "kubelet")
        pods = [pod for pod in self._on_node(node) if not pod.terminal]
        self._has_to_go[number] = set(pods)
        for pod in pods:
            self._end_by(pod, number)
            self._kubelet.terminate(pod, grace_s=int(period_s))
        call_at(self._world.env, self._until_monitor_s(), Phase.STATUS, lambda: self._not_ready(pods, number))
        off_s = period_s + operation.critical_grace_period
        call_at(self._world.env, off_s, Phase.CONTAINER, lambda: self._off(node, pods, number, "podgc"))

    def lose(self, operation: NodeLoss, number: int) -> None:
        """Take a node away without a word (rule N6)."""
        world, settings, node = self._world, self._world.scenario.kubernetes, operation.node_loss
        pods = self._on_node(node)
        self._has_to_go[number] = set(pods)
        self._power_off(node, pods, number)
        period_s, now_s = settings.node_monitor_period, world.now_s
        noticed_s = now_s + settings.node_monitor_grace
        if period_s > 0:
            renewed_s = last_renewal_s(now_s, world.streams.uniform(Purpose.NODE_MONITOR, 1) * NODE_LEASE_RENEW_S)
            loss = node_loss(
                renewed_s,
                monitor_phase_s=self._monitor_phase_s(),
                monitor_period_s=period_s,
                grace_s=settings.node_monitor_grace,
            )
            noticed_s = loss.not_ready_at_s
        call_at(world.env, noticed_s - now_s, Phase.STATUS, lambda: self._not_ready(pods, number))
        deleted_s = noticed_s + settings.unreachable_toleration
        call_at(world.env, deleted_s - now_s, Phase.CONTROLLER, lambda: self._delete(pods, number, _NODE_CONTROLLER))
        call_at(
            world.env,
            operation.object_gone,
            Phase.STATUS,
            lambda: self._node_object_gone(node, pods, number, _NODE_CONTROLLER),
        )

    def reclaim(self, operation: Spot, number: int) -> None:
        """A handler drains the node on the notice; when the machine goes, what is left goes with it (rule N7)."""
        node = operation.spot
        self._cordon(node, number, _HANDLER)
        pods = self._on_node(node)
        self._has_to_go[number] = set(pods)
        self._evictions.drain(node, number, _HANDLER)
        call_at(self._world.env, operation.notice, Phase.CONTAINER, lambda: self._off(node, pods, number, _HANDLER))

    def _off(self, node: str, pods: list[Pod], number: int, who: str) -> None:
        """The machine is off and its node object goes: what is left of its pods is removed with it."""
        self._power_off(node, pods, number)
        self._node_object_gone(node, pods, number, who)

    def _power_off(self, node: str, pods: list[Pod], number: int) -> None:
        self._api.nodes.power_off(node)
        self._world.tell(node, "powered_off", node, cause=number)
        for pod in pods:
            if pod.gone:
                continue
            if not pod.deleted:
                self._end_by(pod, number)
            self._kubelet.power_off(pod)

    def _end_by(self, pod: Pod, number: int) -> None:
        """Note that an operation ends a pod's container, and the sessions that lose their state by it."""
        self._cluster.expose(pod, number, How.NODE_ENDED)
        if pod.container is not None and not pod.container.dead and not pod.container.causes.own_end:
            pod.container.causes.own_end = number
        if not pod.causes.unlisted:
            pod.causes.unlisted = number

    def _not_ready(self, pods: list[Pod], number: int) -> None:
        for pod in pods:
            if not pod.gone and not pod.deleted and not pod.terminal:
                self._api.set_ready(pod, ready=False, why="node_not_ready", cause=number)

    def _delete(self, pods: list[Pod], number: int, who: str) -> None:
        for pod in pods:
            if not pod.gone and not pod.deleted and not pod.terminal:
                self._api.delete(pod, number, who)

    def _node_object_gone(self, node: str, pods: list[Pod], number: int, who: str) -> None:
        """Pods of a node that does not exist any more are removed (podgc/gc_controller.go:gcOrphaned)."""
        self._world.tell("cloud", "node_gone", node, cause=number)
        self._delete(pods, number, who)
        for pod in pods:
            if not pod.gone:
                self._api.remove(pod, by="podgc")

    def _monitor_phase_s(self) -> float:
        period_s = self._world.scenario.kubernetes.node_monitor_period
        return self._world.streams.uniform(Purpose.NODE_MONITOR, 0) * period_s

    def _until_monitor_s(self) -> float:
        """Time to the node controller's next look."""
        period_s = self._world.scenario.kubernetes.node_monitor_period
        return (self._monitor_phase_s() - self._world.now_s) % period_s if period_s > 0 else 0.0
