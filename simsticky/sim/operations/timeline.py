"""The timeline: does each operation at its time, and follows it until its last old pod is gone (rules O)."""

from collections.abc import Callable
from functools import partial

from simsticky.recording.events import Data, Over, Stuck, Utilization
from simsticky.recording.record import Harmed, How, OperationRecord
from simsticky.scenario.entries import AUTOSCALER, entry_keys, timeline_entries
from simsticky.scenario.model import Operation
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.api_server import Deletion
from simsticky.sim.control.pods import Pod
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.operations.cluster import Cluster
from simsticky.sim.operations.verbs import Verbs
from simsticky.sim.sessions.registry import Sessions


class Timeline:
    """Runs the operations of the scenario.

    Args:
        operations: The scenario's timeline.
        on_over: Called once when every operation is over.

    Attributes:
        on_first: Called where the first operation is about to begin.
    """

    def __init__(
        self, cluster: Cluster, operations: tuple[Operation, ...], sessions: Sessions, on_over: Callable[[], None]
    ) -> None:
        world = self._world = cluster.world
        self._cluster = cluster
        self._workloads = cluster.workloads
        self._pods = cluster.api.pods
        self._sessions = sessions
        self._on_over = on_over
        self.on_first: Callable[[], None] = _nothing
        self._verbs = Verbs(cluster, self._blocked)
        self._records = world.recorder.recording.operations
        world.recorder.recording.entries.update((key, Harmed()) for key, _ in timeline_entries(world.scenario))
        self._running: list[OperationRecord] = []
        self._concerned: dict[int, tuple[WorkloadController, ...]] = {}
        self._timed: set[int] = set()
        self._time_over: set[int] = set()
        self._to_come = sorted(operations, key=lambda operation: operation.at_s)
        self._over = not operations
        keys = entry_keys(world.scenario)
        # Of one instant, the clock begins them in the order of the file (rule O9).
        for number, operation in enumerate(operations, start=1):
            record = OperationRecord(number, operation.label, operation.kind, operation.at_s, keys[number - 1])
            self._records.append(record)
            call_at(world.env, operation.at_s, Phase.OPERATION, partial(self._begin, operation, record))
        cluster.api.watch_pods(self._pod_changed)
        cluster.api.watch_deletions(self._pod_deleted)
        for workload in self._workloads.values():
            workload.on_change.append(self._workload_changed)

    def _begin(self, operation: Operation, record: OperationRecord) -> None:
        self._to_come.remove(operation)
        self._start(record, operation.target)
        if operation.lasts_s is not None:
            self._timed.add(record.number)
            call_at(self._world.env, operation.lasts_s, Phase.OPERATION, partial(self._time_is_up, record))
        self._verbs[operation.kind].do(operation, record.number)
        if operation.lasts_s is None and not self._verbs[operation.kind].only_writes:
            # What it did may have changed no pod, as with a node that is empty.
            for workload in self._concerned[record.number]:
                workload.wake()

    def _start(self, record: OperationRecord, target: str, why: Data | None = None) -> None:
        world, number = self._world, record.number
        on_first, self.on_first = self.on_first, _nothing
        on_first()
        record.target = target
        world.recorder.operation_begins(world.now_s)
        self._running.append(record)
        named = self._workloads.get(target)
        self._concerned[number] = tuple(self._workloads.values()) if named is None else (named,)
        record.peak_pods = len(self._pods)
        for session in self._sessions.alive(world.now_s):
            session.alive_at += ((number, world.now_s),)
        world.tell(self._verbs[record.kind].who, record.kind, target, why, number)

    def scale_by_itself(self, workload: WorkloadController, replicas: int, before: int, why: Utilization) -> None:
        """Let the autoscaler scale: an operation of its own, so that what it breaks is told apart (rule A5)."""
        label = f"hpa scale {before} to {replicas}"
        record = OperationRecord(len(self._records) + 1, label, "hpa", self._world.now_s, AUTOSCALER)
        record.wanted_pods = replicas
        self._records.append(record)
        self._start(record, workload.name, why)
        workload.scale(replicas, record.number)

    # How it goes on ---------------------------------------------------------------------------------------------

    def _pod_deleted(self, deletion: Deletion) -> None:
        """Note a deletion, and the sessions whose state is on the pod."""
        if not deletion.cause:
            return
        record = self._records[deletion.cause - 1]
        if record.first_deletion_s != record.first_deletion_s:
            record.first_deletion_s = self._world.now_s
        self._cluster.expose(deletion.pod, deletion.cause, How.DELETED)

    def _pod_changed(self, pod: Pod) -> None:
        for record in self._running:
            record.peak_pods = max(record.peak_pods, len(self._pods))
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
                if self._verbs[record.kind].only_writes:
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
        self._verbs.time_is_up(record.number)
        self._world.recorder.mark_window(self._world.now_s)
        self._review()

    def _settled(self, record: OperationRecord) -> bool:
        """Whether the status can speak of an operation: pods that it takes must be missed, and replaced (rule O5)."""
        if self._verbs[record.kind].only_writes:
            return True
        if not self._verbs.in_effect(record.number):
            return False
        return all(
            sum(pod.active and pod.ready and workload.owns(pod) for pod in self._pods) >= workload.replicas
            for workload in self._concerned[record.number]
        )

    def _review(self) -> None:
        """Let operations go that are over: complete, stuck or their time up, and none of their pods left (rule O1)."""
        for record in list(self._running):
            dying = any(pod.record.deleted_by == record.number for pod in self._pods)
            ended = record.done_s == record.done_s or record.stuck or record.number in self._time_over
            if ended and not dying:
                self._running.remove(record)
                how = Over(record.number in self._timed)
                self._world.tell(self._verbs[record.kind].who, "over", record.label, how, record.number)
        if not self._running and not self._to_come and not self._over:
            self._over = True
            self._on_over()


def _nothing() -> None:
    """Nobody wants to know."""
