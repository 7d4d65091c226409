"""What operations act on: the running cluster and its gateway."""

from collections.abc import Mapping
from dataclasses import dataclass

from simsticky.recording.events import PodNames
from simsticky.recording.record import How
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.endpoints import EndpointSliceController
from simsticky.sim.control.ingress import IngressController
from simsticky.sim.control.kubelet import Kubelet
from simsticky.sim.control.pods import Pod
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.world import World


@dataclass(frozen=True, slots=True)
class Cluster:
    """All that an operation may change.

    Attributes:
        workloads: The Deployments (or the StatefulSet) by name, the application's first.
        slices: Says what the route leads to.
    """

    world: World
    api: ApiServer
    kubelet: Kubelet
    workloads: Mapping[str, WorkloadController]
    gateway: Gateway
    ingress: IngressController
    slices: EndpointSliceController

    def active(self, workload: WorkloadController) -> list[Pod]:
        """Return a workload's pods that nobody has deleted and that are not over, the oldest first."""
        return [pod for pod in self.api.pods if pod.active and workload.owns(pod)]

    def chosen(self, among: list[Pod], count: int, pod: int | str | None, cause: int) -> list[Pod]:
        """Return the pods that an operation means: the first ``count``, or the one it names.

        One that is not there is told in the story, and the operation does nothing.

        Args:
            among: The pods it can mean, the oldest first.
            count: How many it means.
            pod: Which one instead: its place among them, from 1, or its name.
            cause: The operation's number.
        """
        if pod is None:
            return among[:count]
        found = among[pod - 1 : pod] if isinstance(pod, int) else [one for one in among if one.name == pod]
        if not found:
            names = PodNames(tuple(one.name for one in among))
            self.world.tell("operator", "no_such_pod", str(pod), names, cause)
        return found

    def expose(self, pod: Pod, number: int, how: How) -> None:
        """Note that the sessions bound to a pod are cut off from their state by an operation (rule B13)."""
        self.gateway.exposures.of_pod(pod, number, how)
