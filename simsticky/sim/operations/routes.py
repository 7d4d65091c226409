"""Operations on the way to the pods: the route, the gateway's nodes, and their configuration."""

from simsticky.recording.record import How
from simsticky.scenario.cluster_operations import Canary, SwitchService
from simsticky.scenario.model import ConfigPush, GatewayRestart
from simsticky.sim.operations.cluster import Cluster


class RouteOperations:
    """Does what is done to routes and gateways: one method a verb, given the operation and its number."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def restart_gateway(self, operation: GatewayRestart, number: int) -> None:
        """Let a node of the gateway go and come back empty."""
        gateway, now_s = self._cluster.gateway, self._cluster.world.now_s
        gateway.restart(operation.gateway_restart, operation.downtime, now_s, number)

    def push_config(self, operation: ConfigPush, number: int) -> None:
        """Push the same tables again, to one node or to all."""
        everywhere = operation.config_push == operation.everything
        self._cluster.ingress.push_unrelated(None if everywhere else operation.config_push)

    def switch(self, operation: SwitchService, number: int) -> None:
        """Let the Service select another workload's pods."""
        self._leave_out({operation.to}, number)
        self._cluster.slices.select(operation.to, number)

    def split(self, operation: Canary, number: int) -> None:
        """Lead the route to several workloads by weight."""
        self._leave_out(set(operation.weights), number)
        self._cluster.slices.split(operation.weights, number)

    def _leave_out(self, kept: set[str], number: int) -> None:
        """Note the pods that the route leads to now and will not: their sessions cannot reach them any more."""
        for name, workload in self._cluster.workloads.items():
            if name in kept or not self._cluster.slices.leads_to(name):
                continue
            for pod in self._cluster.api.pods:
                if workload.owns(pod) and not pod.deleted:
                    self._cluster.expose(pod, number, How.UNROUTED)
                    pod.causes.unlisted = pod.causes.unlisted or number
