"""The timeline: does each operation at its time, and follows it until its last old pod is gone (rules O)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from simsticky.kubernetes.replicaset import LOWEST_DELETION_COST
from simsticky.recording.events import Data, Over, Stuck, Utilization
from simsticky.recording.record import Harmed, How, OperationRecord
from simsticky.scenario.entries import AUTOSCALER, entry_keys, timeline_entries
from simsticky.scenario.model import (
    ConfigPush,
    DeletePod,
    GatewayRestart,
    Operation,
    ReadinessFlap,
    Rollout,
    Scale,
)
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.cluster import Cluster
from simsticky.sim.control.endpoints import EndpointSliceController
from simsticky.sim.control.ingress import IngressController
from simsticky.sim.control.kubelet import Kubelet
from simsticky.sim.control.pods import Pod
from simsticky.sim.control.workload_controller import Template, WorkloadController
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.operations.verbs import ClusterOperations
from simsticky.sim.plane.sessions import Sessions
from simsticky.sim.world import World

_ONLY_WRITES = frozenset({"rollout", "rollback", "resume", "scale", "hpa"})
"""Operations that change what is wanted: they are done when the status says so. The others take pods away first."""
_WHO_BEGINS = {"hpa": "hpa", "spot": "cloud", "nodeLoss": "cloud"}


class Timeline:
    """Runs the operations of the scenario.

    Args:
        operations: The scenario's timeline.
        workloads: The Deployments (or StatefulSet) by name.
        ingress: Pushes the configuration on behalf of an operation.
        slices: Says what the route leads to.
        delete_pod: Deletes a pod on behalf of an operation, with a grace period that may cut its own.
        force_delete: Deletes a pod with grace period 0.
        on_over: Called once when every operation is over.

    Attributes:
        parts: Called where the first operation is about to begin; where it returns that this is the run without
            operations from here on, this one and all later ones do nothing.
    """

    def __init__(
        self,
        world: World,
        operations: tuple[Operation, ...],
        cluster: Cluster,
        kubelet: Kubelet,
        workloads: Mapping[str, WorkloadController],
        gateway: Gateway,
        ingress: IngressController,
        slices: EndpointSliceController,
        sessions: Sessions,
        delete_pod: Callable[[Pod, int, int | None], None],
        force_delete: Callable[[Pod, int], None],
        on_over: Callable[[], None],
    ) -> None:
        """Put every operation on the clock."""
        self._world = world
        self._cluster = cluster
        self._workloads = workloads
        self._gateway = gateway
        self._ingress = ingress
        self._sessions = sessions
        self._delete_pod = delete_pod
        self._force_delete = force_delete
        self._on_over = on_over
        self.parts: Callable[[], bool] = lambda: False
        self._is_void: bool | None = None
        self._on_the_cluster = ClusterOperations(
            world, cluster, kubelet, workloads, slices, delete_pod, gateway.exposures.of_pod, self._blocked
        )
        self._do: dict[str, Callable[[Any, int], None]] = {
            "rollout": self._roll_out,
            "scale": self._scale,
            "deletePod": self._delete_pods,
            "readinessFlap": self._flap,
            "gatewayRestart": self._restart_gateway,
            "configPush": self._push_config,
            **self._on_the_cluster.verbs(),
        }
        self._records = world.recorder.recording.operations
        world.recorder.recording.entries.update((key, Harmed()) for key, _ in timeline_entries(world.scenario))
        self._running: list[OperationRecord] = []
        self._concerned: dict[int, tuple[WorkloadController, ...]] = {}
        self._timed: set[int] = set()
        self._flapped: dict[int, list[Pod]] = {}
        self._coming_back: set[Pod] = set()
        self._time_over: set[int] = set()
        self._to_come = sorted(operations, key=lambda operation: operation.at_s)
        self._over = not operations
        keys = entry_keys(world.scenario)
        # Of one instant, the clock begins them in the order of the file (rule O9).
        for number, operation in enumerate(operations, start=1):
            record = OperationRecord(number, operation.label, operation.kind, operation.at_s, keys[number - 1])
            self._records.append(record)
            call_at(world.env, operation.at_s, Phase.OPERATION, partial(self._begin, operation, record))
        cluster.on_change.append(self._pod_changed)
        for workload in workloads.values():
            workload.on_change.append(self._workload_changed)

    def _does_nothing(self) -> bool:
        if self._is_void is None:
            self._is_void = self.parts()
        return self._is_void

    def _begin(self, operation: Operation, record: OperationRecord) -> None:
        if self._does_nothing():
            return
        self._to_come.remove(operation)
        self._start(record, operation.target)
        if operation.lasts_s is not None:
            self._timed.add(record.number)
            call_at(self._world.env, operation.lasts_s, Phase.OPERATION, partial(self._time_is_up, record))
        self._do[operation.kind](operation, record.number)
        if operation.lasts_s is None and operation.kind not in _ONLY_WRITES:
            # What it did may have changed no pod, as with a node that is empty.
            for workload in self._concerned[record.number]:
                workload.wake()

    def _start(self, record: OperationRecord, target: str, why: Data | None = None) -> None:
        world, number = self._world, record.number
        record.target = target
        if world.recorder.recording.window_s is None:
            world.recorder.start_window(world.now_s)
        self._running.append(record)
        named = self._workloads.get(target)
        self._concerned[number] = tuple(self._workloads.values()) if named is None else (named,)
        record.peak_pods = len(self._cluster.pods)
        for session in self._sessions.alive(world.now_s):
            session.alive_at += ((number, world.now_s),)
        world.tell(_WHO_BEGINS.get(record.kind, "operator"), record.kind, target, why, number)

    def scale_by_itself(self, workload: WorkloadController, replicas: int, before: int, why: Utilization) -> None:
        """Let the autoscaler scale: an operation of its own, so that what it breaks is told apart (rule A5)."""
        if self._does_nothing():
            return
        label = f"hpa scale {before} to {replicas}"
        record = OperationRecord(len(self._records) + 1, label, "hpa", self._world.now_s, AUTOSCALER)
        record.wanted_pods = replicas
        self._records.append(record)
        self._start(record, workload.name, why)
        workload.scale(replicas, record.number)

    # What each operation does: one method a verb, given the operation and its number ----------------------------

    def _roll_out(self, operation: Rollout, number: int) -> None:
        startup = operation.startup if operation.startup is not None else self._world.scenario.app.startup
        self._workloads[operation.rollout].roll_out(Template(startup, operation.never_ready), number)

    def _scale(self, operation: Scale, number: int) -> None:
        self._records[number - 1].wanted_pods = operation.replicas
        workload = self._workloads[operation.scale]
        if operation.pod is not None:
            for pod in self._cluster.chosen(self._active(workload), 1, operation.pod, number):
                pod.deletion_cost = LOWEST_DELETION_COST
        workload.scale(operation.replicas, number)

    def _delete_pods(self, operation: DeletePod, number: int) -> None:
        active = self._active(self._workloads[operation.delete_pod])
        for pod in self._cluster.chosen(active, operation.count, operation.pod, number):
            if operation.force:
                self._force_delete(pod, number)
            else:
                self._delete_pod(pod, number, None)

    def _flap(self, operation: ReadinessFlap, number: int) -> None:
        until_s = self._world.now_s + operation.for_s
        active = self._active(self._workloads[operation.readiness_flap])
        running = [pod.container for pod in active if pod.container is not None]
        for container in running[: operation.count]:
            container.pod.causes.flapping = number
            self._flapped.setdefault(number, []).append(container.pod)
            container.fail_probes(until_s, also_checks=operation.seen_by_gateway)

    def _active(self, workload: WorkloadController) -> list[Pod]:
        """Return a workload's pods that nobody has deleted, the oldest first."""
        return [pod for pod in self._cluster.pods if pod.active and workload.owns(pod)]

    def _restart_gateway(self, operation: GatewayRestart, number: int) -> None:
        self._gateway.restart(operation.gateway_restart, operation.downtime, self._world.now_s, number)

    def _push_config(self, operation: ConfigPush, number: int) -> None:
        everywhere = operation.config_push == operation.everything
        self._ingress.push_unrelated(None if everywhere else operation.config_push)

    # How it goes on ---------------------------------------------------------------------------------------------

    def pod_deleted(self, pod: Pod, cause: int) -> None:
        """Note a deletion, and the sessions whose state is on the pod."""
        record = self._records[cause - 1]
        if record.first_deletion_s != record.first_deletion_s:
            record.first_deletion_s = self._world.now_s
        self._gateway.exposures.of_pod(pod, cause, How.DELETED)

    def _pod_changed(self, pod: Pod) -> None:
        if pod in self._coming_back and (pod.ready or pod.deleted or pod.gone):
            self._coming_back.discard(pod)
            self._ingress.under_way.end()
        for record in self._running:
            record.peak_pods = max(record.peak_pods, len(self._cluster.pods))
        if not pod.gone:
            return
        now_s = self._world.now_s
        cause = pod.record.deleted_by or pod.causes.unlisted
        if cause:
            self._records[cause - 1].last_old_pod_gone_s = now_s
            self._world.recorder.mark_window(now_s)
        for workload in self._workloads.values():
            if workload.owns(pod):
                workload.pod_gone(pod)
        self._workload_changed()

    def _workload_changed(self) -> None:
        now_s = self._world.now_s
        for record in self._running:
            if record.number in self._timed or record.done_s == record.done_s:
                continue
            concerned = self._concerned[record.number]
            if all(workload.complete for workload in concerned) and self._settled(record):
                record.done_s = now_s
                record.stuck = None
                self._world.recorder.mark_window(now_s)
                if record.kind in _ONLY_WRITES:
                    owner = self._world.scenario.deployment.kind.lower()
                    self._world.tell(owner, "complete", record.label, cause=record.number)
                continue
            for workload in concerned:
                # What waits for somebody to go on with it is stuck only if nobody will.
                if workload.stuck and not (workload.paused and self._will_resume()):
                    record.stuck = workload.stuck
        self._review()

    def _will_resume(self) -> bool:
        return any(operation.kind == "resume" for operation in self._to_come)

    def _blocked(self, number: int, why: Stuck) -> None:
        """A drain makes no headway; it goes on trying."""
        record = self._records[number - 1]
        if record.stuck != why and record.done_s != record.done_s:
            record.stuck = why
            self._world.tell("operator", "stuck", record.label, why, number)
            self._review()

    def _time_is_up(self, record: OperationRecord) -> None:
        self._time_over.add(record.number)
        for pod in self._flapped.pop(record.number, ()):
            if not pod.ready and not pod.deleted and pod not in self._coming_back:
                # Its next probe will find it ready, and the nodes are to hear of that, too.
                self._coming_back.add(pod)
                self._ingress.under_way.begin()
        self._world.recorder.mark_window(self._world.now_s)
        self._review()

    def _settled(self, record: OperationRecord) -> bool:
        """Whether the status can speak of an operation: pods that it takes must be missed, and replaced (rule O5)."""
        if record.kind in _ONLY_WRITES:
            return True
        if not self._on_the_cluster.in_effect(record.number):
            return False
        return all(
            sum(pod.active and pod.ready and workload.owns(pod) for pod in self._cluster.pods) >= workload.replicas
            for workload in self._concerned[record.number]
        )

    def _review(self) -> None:
        """Let operations go that are over: complete, stuck or their time up, and none of their pods left (rule O1)."""
        for record in list(self._running):
            dying = any(pod.record.deleted_by == record.number for pod in self._cluster.pods)
            ended = record.done_s == record.done_s or record.stuck or record.number in self._time_over
            if ended and not dying:
                self._running.remove(record)
                who, how = _WHO_BEGINS.get(record.kind, "operator"), Over(record.number in self._timed)
                self._world.tell(who, "over", record.label, how, record.number)
        if not self._running and not self._to_come and not self._over:
            self._over = True
            self._on_over()
