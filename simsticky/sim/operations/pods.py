"""Operations on single pods: delete them, crash them, make their readiness probe fail."""

from simsticky.recording.record import How
from simsticky.scenario.cluster_operations import Crash
from simsticky.scenario.model import DeletePod, ReadinessFlap
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.operations.cluster import Cluster


class PodOperations:
    """Does what is done to pods: one method a verb, given the operation and its number."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._crashed: dict[int, list[tuple[Pod, Container]]] = {}
        self._flapped: dict[int, list[Pod]] = {}
        self._coming_back: set[Pod] = set()
        cluster.api.watch_pods(self._pod_changed)

    def in_effect(self, number: int) -> bool:
        """Whether the pods that an operation has crashed are ready again, or gone."""
        crashed = self._crashed.get(number, ())
        return all(pod.deleted or pod.terminal or (pod.ready and pod.container is not old) for pod, old in crashed)

    def delete(self, operation: DeletePod, number: int) -> None:
        """Delete pods, by force if asked."""
        cluster = self._cluster
        active = cluster.active(cluster.workloads[operation.delete_pod])
        for pod in cluster.chosen(active, operation.count, operation.pod, number):
            if operation.force:
                cluster.api.force_delete(pod, number, "operator")
            else:
                cluster.api.delete(pod, number, "operator")

    def crash(self, operation: Crash, number: int) -> None:
        """Let containers exit by themselves; the sessions bound to them lose their state."""
        active = self._cluster.active(self._cluster.workloads[operation.crash])
        running = [(pod, pod.container) for pod in active if pod.container is not None and not pod.container.dead]
        named = self._cluster.chosen([pod for pod, _ in running], operation.count, operation.pod, number)
        chosen = [entry for entry in running if entry[0] in named]
        self._crashed[number] = chosen
        for pod, _ in chosen:
            self._cluster.expose(pod, number, How.CRASHED)
            self._cluster.kubelet.crash(pod, number)

    # Readiness --------------------------------------------------------------------------------------------------

    def flap(self, operation: ReadinessFlap, number: int) -> None:
        """Make readiness probes fail for a time although the pods serve."""
        until_s = self._cluster.world.now_s + operation.for_s
        active = self._cluster.active(self._cluster.workloads[operation.readiness_flap])
        running = [pod.container for pod in active if pod.container is not None]
        for container in running[: operation.count]:
            container.pod.causes.flapping = number
            self._flapped.setdefault(number, []).append(container.pod)
            container.fail_probes(until_s, also_checks=operation.seen_by_gateway)

    def time_is_up(self, number: int) -> None:
        """Wait for the pods of a flap that is over: their next probe will find them ready, and the nodes hear of it."""
        for pod in self._flapped.pop(number, ()):
            if not pod.ready and not pod.deleted and pod not in self._coming_back:
                self._coming_back.add(pod)
                self._cluster.ingress.under_way.begin()

    def _pod_changed(self, pod: Pod) -> None:
        if pod in self._coming_back and (pod.ready or pod.deleted or pod.gone):
            self._coming_back.discard(pod)
            self._cluster.ingress.under_way.end()
