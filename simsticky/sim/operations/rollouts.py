"""Operations that change what is wanted: a template, a size, or whether a rollout goes on (rules K)."""

from simsticky.kubernetes.replicaset import LOWEST_DELETION_COST
from simsticky.scenario.cluster_operations import Pause, Resume, Rollback
from simsticky.scenario.model import Rollout, Scale
from simsticky.sim.control.pods import Template
from simsticky.sim.operations.cluster import Cluster


class Rollouts:
    """Asks the controllers: one method a verb, given the operation and its number."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._world = cluster.world

    def roll_out(self, operation: Rollout, number: int) -> None:
        """Give a workload a new template."""
        startup = operation.startup if operation.startup is not None else self._world.scenario.app.startup
        template = Template(startup, operation.never_ready)
        self._cluster.workloads[operation.rollout].roll_out(template, number)

    def roll_back(self, operation: Rollback, number: int) -> None:
        """Let the template before the present one come back."""
        workload = self._cluster.workloads[operation.rollback]
        if not workload.roll_back(number):
            self._world.tell("deployment", "no_history", workload.name, cause=number)
            workload.wake()  # so that the operation, which has nothing to do, is seen to be over

    def pause(self, operation: Pause, number: int) -> None:
        """Hold a workload's rollouts."""
        self._cluster.workloads[operation.pause].hold(True)

    def resume(self, operation: Resume, number: int) -> None:
        """Let a held workload go on."""
        self._cluster.workloads[operation.resume].hold(False)

    def scale(self, operation: Scale, number: int) -> None:
        """Ask for another number of pods; with ``pod``, say which one is to go first (rule K14)."""
        self._world.recorder.recording.operations[number - 1].wanted_pods = operation.replicas
        workload = self._cluster.workloads[operation.scale]
        if operation.pod is not None:
            for pod in self._cluster.chosen(self._cluster.active(workload), 1, operation.pod, number):
                pod.deletion_cost = LOWEST_DELETION_COST
        workload.scale(operation.replicas, number)
