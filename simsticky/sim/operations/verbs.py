"""What operations do to the cluster: one method a verb, and when each of them has had its effect (rules N and K)."""

from collections.abc import Callable, Mapping
from typing import Any

from simsticky.kubernetes.node import (
    AUTOSCALER_MAX_GRACEFUL_TERMINATION_S,
    AUTOSCALER_MAX_POD_EVICTION_S,
    NODE_LEASE_RENEW_S,
    last_renewal_s,
    node_loss,
)
from simsticky.recording.events import Stuck
from simsticky.recording.record import How
from simsticky.scenario.cluster_operations import (
    Canary,
    Crash,
    DrainNode,
    NodeLoss,
    Pause,
    Resume,
    Rollback,
    ShutdownNode,
    Spot,
    SwitchService,
    Uncordon,
)
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.cluster import Cluster
from simsticky.sim.control.endpoints import EndpointSliceController
from simsticky.sim.control.evictions import Evictions
from simsticky.sim.control.kubelet import Kubelet
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

_HANDLER = "handler"
"""Who drains a node on the cloud's notice."""


class ClusterOperations:
    """Does operations on the cluster.

    Args:
        workloads: The Deployments (or StatefulSet) by name.
        delete_pod: Deletes a pod on behalf of an operation.
        expose: Notes that the state on a pod is lost, or cut off, by an operation.

    Attributes:
        evictions: The Eviction API.
    """

    def __init__(
        self,
        world: World,
        cluster: Cluster,
        kubelet: Kubelet,
        workloads: Mapping[str, WorkloadController],
        slices: EndpointSliceController,
        delete_pod: Callable[[Pod, int, int | None], None],
        expose: Callable[[Pod, int, How], None],
        on_blocked: Callable[[int, Stuck], None],
    ) -> None:
        """Watch the cluster's pods."""
        first = next(iter(workloads.values()))
        self._world = world
        self._cluster = cluster
        self._kubelet = kubelet
        self._workloads = workloads
        self._slices = slices
        self._delete_pod = delete_pod
        self._expose = expose
        self._has_to_go: dict[int, set[Pod]] = {}
        self._crashed: dict[int, list[tuple[Pod, Container]]] = {}
        self.evictions = Evictions(world, cluster, first, delete_pod, on_blocked)

    def verbs(self) -> dict[str, Callable[[Any, int], None]]:
        """Return what does each verb, given the operation and its number."""
        return {
            "rollback": self._roll_back,
            "pause": self._pause,
            "resume": self._resume,
            "crash": self._crash,
            "drainNode": self._drain,
            "uncordon": self._uncordon,
            "shutdownNode": self._shut_down,
            "nodeLoss": self._lose,
            "spot": self._spot,
            "switchService": self._switch,
            "canary": self._canary,
            "traffic": lambda operation, number: None,  # the workload has known it from the start
        }

    def in_effect(self, number: int) -> bool:
        """Whether an operation has done what it was to do: pods evicted or gone, crashed ones ready again."""
        if self.evictions.draining.get(number):
            return False
        if any(not pod.gone for pod in self._has_to_go.get(number, ())):
            return False
        crashed = self._crashed.get(number, ())
        return all(pod.deleted or pod.terminal or (pod.ready and pod.container is not old) for pod, old in crashed)

    # Rollouts ---------------------------------------------------------------------------------------------------

    def _roll_back(self, operation: Rollback, number: int) -> None:
        workload = self._workloads[operation.rollback]
        if not workload.roll_back(number):
            self._world.tell("deployment", "no_history", workload.name, cause=number)
            workload.wake()  # so that the operation, which has nothing to do, is seen to be over

    def _pause(self, operation: Pause, number: int) -> None:
        self._workloads[operation.pause].hold(True)

    def _resume(self, operation: Resume, number: int) -> None:
        self._workloads[operation.resume].hold(False)

    # Containers and nodes ---------------------------------------------------------------------------------------

    def _crash(self, operation: Crash, number: int) -> None:
        workload = self._workloads[operation.crash]
        running = [
            (pod, pod.container)
            for pod in self._cluster.pods
            if workload.owns(pod) and pod.active and pod.container is not None and not pod.container.dead
        ]
        named = self._cluster.chosen([pod for pod, _ in running], operation.count, operation.pod, number)
        chosen = [entry for entry in running if entry[0] in named]
        self._crashed[number] = chosen
        for pod, _ in chosen:
            self._expose(pod, number, How.CRASHED)
            self._kubelet.crash(pod, number)

    def _on_node(self, node: str) -> list[Pod]:
        return [pod for pod in self._cluster.pods if pod.record.node == node]

    def _drain(self, operation: DrainNode, number: int) -> None:
        """Cordon a node and evict its pods (rule N2), as far as its autoscaler has the patience (rule N4)."""
        node = operation.drain_node
        self._cordon(node, number)
        if operation.by == "kubectl":
            self.evictions.drain(node, number, "operator")
            return
        limit_s = AUTOSCALER_MAX_GRACEFUL_TERMINATION_S
        self.evictions.drain(node, number, "operator", grace_s=limit_s, give_up_s=AUTOSCALER_MAX_POD_EVICTION_S)

    def _cordon(self, node: str, number: int, who: str = "operator") -> None:
        self._cluster.nodes.cordon(node)
        self._world.tell(who, "cordoned", node, cause=number)

    def _uncordon(self, operation: Uncordon, number: int) -> None:
        self._cluster.nodes.uncordon(operation.uncordon)

    def _shut_down(self, operation: ShutdownNode, number: int) -> None:
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
        call_at(self._world.env, off_s, Phase.CONTAINER, lambda: self._off(node, pods, number))

    def _lose(self, operation: NodeLoss, number: int) -> None:
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
        call_at(world.env, deleted_s - now_s, Phase.CONTROLLER, lambda: self._delete(pods, number))
        call_at(world.env, operation.object_gone, Phase.STATUS, lambda: self._node_object_gone(node, pods, number))

    def _spot(self, operation: Spot, number: int) -> None:
        """A handler drains the node on the notice; when the machine goes, what is left goes with it (rule N7)."""
        node = operation.spot
        self._cordon(node, number, _HANDLER)
        pods = self._on_node(node)
        self._has_to_go[number] = set(pods)
        self.evictions.drain(node, number, _HANDLER)
        call_at(self._world.env, operation.notice, Phase.CONTAINER, lambda: self._off(node, pods, number))

    def _off(self, node: str, pods: list[Pod], number: int) -> None:
        """The machine is off and its node object goes: what is left of its pods is removed with it."""
        self._power_off(node, pods, number)
        self._node_object_gone(node, pods, number)

    def _power_off(self, node: str, pods: list[Pod], number: int) -> None:
        self._cluster.nodes.power_off(node)
        self._world.tell(node, "powered_off", node, cause=number)
        for pod in pods:
            if pod.gone:
                continue
            if not pod.deleted:
                self._end_by(pod, number)
            self._kubelet.power_off(pod)

    def _end_by(self, pod: Pod, number: int) -> None:
        """Note that an operation ends a pod's container, and the sessions that lose their state by it."""
        self._expose(pod, number, How.NODE_ENDED)
        if pod.container is not None and not pod.container.dead and not pod.container.causes.own_end:
            pod.container.causes.own_end = number
        if not pod.causes.unlisted:
            pod.causes.unlisted = number

    def _not_ready(self, pods: list[Pod], number: int) -> None:
        for pod in pods:
            if not pod.gone and not pod.deleted and not pod.terminal:
                self._cluster.set_ready(pod, ready=False, why="node_not_ready", cause=number)

    def _delete(self, pods: list[Pod], number: int) -> None:
        for pod in pods:
            if not pod.gone and not pod.deleted and not pod.terminal:
                self._delete_pod(pod, number, None)

    def _node_object_gone(self, node: str, pods: list[Pod], number: int) -> None:
        """Pods of a node that does not exist any more are removed (podgc/gc_controller.go:gcOrphaned)."""
        self._world.tell("cloud", "node_gone", node, cause=number)
        self._delete(pods, number)
        for pod in pods:
            if not pod.gone:
                self._cluster.remove(pod, by="podgc")

    def _monitor_phase_s(self) -> float:
        period_s = self._world.scenario.kubernetes.node_monitor_period
        return self._world.streams.uniform(Purpose.NODE_MONITOR, 0) * period_s

    def _until_monitor_s(self) -> float:
        """Time to the node controller's next look."""
        period_s = self._world.scenario.kubernetes.node_monitor_period
        return (self._monitor_phase_s() - self._world.now_s) % period_s if period_s > 0 else 0.0

    # Routes -----------------------------------------------------------------------------------------------------

    def _switch(self, operation: SwitchService, number: int) -> None:
        self._leave_out({operation.to}, number)
        self._slices.select(operation.to, number)

    def _canary(self, operation: Canary, number: int) -> None:
        self._leave_out(set(operation.weights), number)
        self._slices.split(operation.weights, number)

    def _leave_out(self, kept: set[str], number: int) -> None:
        """Note the pods that the route leads to now and will not: their sessions cannot reach them any more."""
        for name, workload in self._workloads.items():
            if name in kept or not self._slices.leads_to(name):
                continue
            for pod in self._cluster.pods:
                if workload.owns(pod) and not pod.deleted:
                    self._expose(pod, number, How.UNROUTED)
                    pod.causes.unlisted = pod.causes.unlisted or number
