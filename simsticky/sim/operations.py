"""The timeline: does each operation at its time, and follows it until its last old pod is gone (rules O)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from simsticky.scenario.distributions import Law
from simsticky.scenario.model import (
    ConfigPush,
    DeletePod,
    GatewayRestart,
    Operation,
    ReadinessFlap,
    Rollout,
    Scale,
)
from simsticky.sim.cluster import Cluster
from simsticky.sim.controllers import DeploymentController
from simsticky.sim.endpoints import IngressController
from simsticky.sim.gateway import Gateway
from simsticky.sim.kernel import Phase, call_at
from simsticky.sim.pods import Pod
from simsticky.sim.recording import OperationRecord
from simsticky.sim.sessions import Sessions
from simsticky.sim.world import World


class Timeline:
    """Runs the operations of the scenario.

    Args:
        operations: The scenario's timeline.
        ingress: Pushes the configuration on behalf of an operation.
        delete_pod: Deletes a pod on behalf of an operation.
        on_over: Called once when every operation is over.
    """

    def __init__(
        self,
        world: World,
        operations: tuple[Operation, ...],
        cluster: Cluster,
        deployment: DeploymentController,
        gateway: Gateway,
        ingress: IngressController,
        sessions: Sessions,
        delete_pod: Callable[[Pod, int], None],
        on_over: Callable[[], None],
    ) -> None:
        """Put every operation on the clock."""
        self._world = world
        self._cluster = cluster
        self._deployment = deployment
        self._gateway = gateway
        self._ingress = ingress
        self._sessions = sessions
        self._delete_pod = delete_pod
        self._on_over = on_over
        self._do: dict[str, Callable[[Any, int], None]] = {
            "rollout": self._roll_out,
            "scale": self._scale,
            "deletePod": self._delete_pods,
            "readinessFlap": self._flap,
            "gatewayRestart": self._restart_gateway,
            "configPush": self._push_config,
        }
        self._records = world.recorder.recording.operations
        self._running: list[OperationRecord] = []
        self._timed: set[int] = set()
        self._time_over: set[int] = set()
        self._left = len(operations)
        self.startup_of: dict[int, tuple[Law, bool]] = {}
        for number, operation in enumerate(operations, start=1):
            record = OperationRecord(number, operation.label, operation.kind, operation.at_s)
            self._records.append(record)
            call_at(world.env, operation.at_s, Phase.OPERATION, partial(self._begin, operation, record))
        cluster.on_change.append(self._pod_changed)
        deployment.on_change.append(self._deployment_changed)

    def _begin(self, operation: Operation, record: OperationRecord) -> None:
        world, number = self._world, record.number
        if not self._running and self._left == len(self._records):
            world.recorder.start_window(world.now_s)
        self._left -= 1
        self._running.append(record)
        self._gateway.latest_operation = number
        record.peak_pods = len(self._cluster.pods)
        for session in self._sessions.alive(world.now_s):
            session.alive_at += ((number, world.now_s),)
        world.tell("operator", operation.kind, operation.target, operation.label, number)
        if operation.lasts_s is not None:
            self._timed.add(number)
            call_at(world.env, operation.lasts_s, Phase.OPERATION, partial(self._time_is_up, record))
        self._do[operation.kind](operation, number)

    # What each operation does: one method a verb, given the operation and its number --------------------------------

    def _roll_out(self, operation: Rollout, number: int) -> None:
        revision = self._deployment.roll_out(number)
        startup = operation.startup if operation.startup is not None else self._world.scenario.app.startup
        self.startup_of[revision] = (startup, operation.never_ready)

    def _scale(self, operation: Scale, number: int) -> None:
        self._deployment.scale(operation.replicas, number)

    def _delete_pods(self, operation: DeletePod, number: int) -> None:
        active = [pod for pod in self._cluster.pods if pod.active]
        for pod in active[: operation.count]:
            self._delete_pod(pod, number)
        self._deployment.wake()

    def _flap(self, operation: ReadinessFlap, number: int) -> None:
        until_s = self._world.now_s + operation.for_s
        running = [pod.container for pod in self._cluster.pods if pod.active and pod.container is not None]
        for container in running[: operation.count]:
            container.pod.unready_by = number
            self._expose(container.pod, number)
            container.flapping_until_s = max(container.flapping_until_s, until_s)
            if operation.seen_by_gateway:
                container.refuses_checks_until_s = max(container.refuses_checks_until_s, until_s)

    def _restart_gateway(self, operation: GatewayRestart, number: int) -> None:
        self._gateway.restart(operation.gateway_restart, operation.downtime, self._world.now_s)

    def _push_config(self, operation: ConfigPush, number: int) -> None:
        everywhere = operation.config_push == operation.everything
        self._ingress.push_unrelated(None if everywhere else operation.config_push)

    # How it goes on -------------------------------------------------------------------------------------------------

    def pod_deleted(self, pod: Pod, cause: int) -> None:
        """Note the sessions whose state is on a pod that is being deleted."""
        record, now_s = self._records[cause - 1], self._world.now_s
        if record.first_deletion_s != record.first_deletion_s:
            record.first_deletion_s = now_s
        self._expose(pod, cause)

    def _expose(self, pod: Pod, cause: int) -> None:
        """Note the sessions whose state is on a pod that an operation takes away from them."""
        now_s = self._world.now_s
        for session in self._sessions.alive(now_s):
            if session.holder is not None and session.holder is pod.container:
                session.exposures += ((cause, now_s),)

    def _pod_changed(self, pod: Pod) -> None:
        for record in self._running:
            record.peak_pods = max(record.peak_pods, len(self._cluster.pods))
        if pod.record.removed_s == self._world.now_s and pod.record.deleted_by:
            record = self._records[pod.record.deleted_by - 1]
            record.last_old_pod_gone_s = self._world.now_s
            self._world.recorder.mark_window(self._world.now_s)
            self._deployment.pod_gone()
            self._review()

    def _deployment_changed(self) -> None:
        deployment, now_s = self._deployment, self._world.now_s
        for record in self._running:
            if record.number in self._timed:
                continue
            if deployment.complete and record.done_s != record.done_s and self._settled(record):
                record.done_s = now_s
                self._world.recorder.mark_window(now_s)
                self._world.tell("deployment", "complete", record.label, "the rollout is complete", record.number)
            elif deployment.stuck and record.done_s != record.done_s:
                record.stuck = deployment.stuck
        self._review()

    def _time_is_up(self, record: OperationRecord) -> None:
        self._time_over.add(record.number)
        self._world.recorder.mark_window(self._world.now_s)
        self._review()

    def _settled(self, record: OperationRecord) -> bool:
        """Whether the Deployment's status can speak of this operation: a deleted pod must have been missed first."""
        if record.kind != "deletePod":
            return True
        return sum(pod.active and pod.ready for pod in self._cluster.pods) >= self._deployment.spec.replicas

    def _review(self) -> None:
        """Let operations go that are over: complete, stuck or their time up, and none of their pods left."""
        for record in list(self._running):
            dying = any(pod.record.deleted_by == record.number for pod in self._cluster.pods)
            ended = record.done_s == record.done_s or record.stuck or record.number in self._time_over
            if ended and not dying:
                self._running.remove(record)
                why = "its time is up" if record.number in self._timed else "its last old pod is gone"
                self._world.tell("operator", "over", record.label, why, record.number)
        if not self._running and not self._left:
            self._left = -1
            self._on_over()
