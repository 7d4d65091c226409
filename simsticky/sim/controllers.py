"""The Deployment and ReplicaSet controllers: they wake, ask ``kubernetes/`` what to do, and write it.

A wake-up is level-triggered and coalesced: any number of events before the next sync lead to one sync, which sees
everything there is then, as with Kubernetes' work queues. Each hop costs ``kubernetes.apiWrite``.
"""

from collections.abc import Callable
from dataclasses import replace

from simsticky.kubernetes.deployment import Annotations, sync
from simsticky.kubernetes.deployment_spec import DeploymentSpec, ReplicaSetState, Strategy, max_surge
from simsticky.kubernetes.progress import (
    DeploymentStatus,
    ProgressCondition,
    deployment_complete,
    deployment_status,
    next_condition,
)
from simsticky.kubernetes.replicaset import PodRank, api_time_s, pods_to_delete, rank_by_node
from simsticky.scenario.model import Deployment
from simsticky.sim.cluster import Cluster, generated_suffix
from simsticky.sim.kernel import Phase, call_at
from simsticky.sim.pods import Pod
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


class ReplicaSetController:
    """Makes the pods of each ReplicaSet as many as asked for (rules K5 to K8).

    Args:
        start_pod: Called with each new pod.
        delete_pod: Called with a pod to delete and the operation behind it.
        on_status: Called when a ReplicaSet's status has changed, and when it has acted on a new size.

    Attributes:
        resized: ReplicaSets with a new size that they have not acted on yet.
    """

    def __init__(
        self,
        world: World,
        cluster: Cluster,
        min_ready_s: float,
        start_pod: Callable[[Pod, int], None],
        delete_pod: Callable[[Pod, int], None],
        on_status: Callable[[], None],
    ) -> None:
        """Watch the cluster's pods."""
        self._world = world
        self._cluster = cluster
        self._min_ready_s = min_ready_s
        self._start_pod = start_pod
        self._delete_pod = delete_pod
        self._on_status = on_status
        self._waking: set[str] = set()
        self._hops = 0
        self.states: dict[str, ReplicaSetState] = {}
        self.causes: dict[str, int] = {}
        self.resized: set[str] = set()
        cluster.on_change.append(lambda pod: self.wake(pod.replica_set))

    def wake(self, name: str) -> None:
        """Have a ReplicaSet synced after a hop, unless that is coming already."""
        if name in self._waking or name not in self.states:
            return
        self._waking.add(name)
        self._hops += 1
        delay_s = self._world.draw(self._world.scenario.kubernetes.api_write, Purpose.API_WRITE, 1, self._hops)
        call_at(self._world.env, delay_s, Phase.CONTROLLER, lambda: self._sync(name))

    def _sync(self, name: str) -> None:
        """One pass: replica_set.go:syncReplicaSet. The status reports what was there before this pass acted."""
        self._waking.discard(name)
        state = self.states[name]
        pods = [pod for pod in self._cluster.pods if pod.replica_set == name and pod.active]
        missing = state.spec_replicas - len(pods)
        for _ in range(missing):
            pod = self._cluster.create_pod(name, state.revision, self.causes[name])
            self._start_pod(pod, state.revision)
        if missing < 0:
            self._delete(pods, -missing, self.causes[name])
        self._write_status(name, pods)
        if name in self.resized:
            self.resized.discard(name)
            self._on_status()

    def _delete(self, pods: list[Pod], count: int, cause: int) -> None:
        crowd = [pod.record.node for pod in self._cluster.pods if pod.active]
        ranked = rank_by_node([_rank(pod) for pod in pods], crowd)
        by_uid = {pod.uid: pod for pod in pods}
        for victim in pods_to_delete(ranked, count, self._world.now_s):
            self._delete_pod(by_uid[victim.uid], cause)

    def _write_status(self, name: str, pods: list[Pod]) -> None:
        now_s, state = self._world.now_s, self.states[name]
        ready = [pod.ready_since_s for pod in pods if pod.ready_since_s is not None]
        wait_s = [since_s + self._min_ready_s - now_s for since_s in ready]
        written = replace(
            state,
            status_replicas=len(pods),
            ready_replicas=len(ready),
            available_replicas=sum(left_s <= 0 for left_s in wait_s),
        )
        for left_s in wait_s:
            if left_s > 0:
                call_at(self._world.env, left_s, Phase.CONTROLLER, lambda: self.wake(name))
        if written != state:
            self.states[name] = written
            self._on_status()


def _rank(pod: Pod) -> PodRank:
    since_s = pod.ready_since_s
    return PodRank(
        uid=pod.uid,
        node=pod.record.node,
        phase=pod.phase,
        ready=pod.ready,
        ready_since_s=None if since_s is None else api_time_s(since_s),
        created_s=api_time_s(pod.record.created_s),
    )


class DeploymentController:
    """Rolls out and scales (rules K1 to K4).

    Attributes:
        spec: What is asked for now.
        status: What its ReplicaSets add up to.
        complete: Whether the rollout of the present template and size is complete.
        stuck: Why the rollout does not go on, empty while it does.
    """

    def __init__(self, world: World, cluster: Cluster, deployment: Deployment) -> None:
        """Take the manifest's Deployment as it stands before the run."""
        rolling = deployment.strategy.rolling_update
        self._world = world
        self._cluster = cluster
        self._name = deployment.name
        self._hops = 0
        self._waking = False
        self._rollout_cause = 0
        self._scale_cause = 0
        self._condition: ProgressCondition | None = None
        self.replica_sets: ReplicaSetController | None = None
        self.on_change: list[Callable[[], None]] = []
        self.status = DeploymentStatus()
        self.stuck = ""
        self.synced = True
        self.spec = DeploymentSpec(
            replicas=deployment.replicas,
            strategy=Strategy(deployment.strategy.type, rolling.max_surge, rolling.max_unavailable),
            paused=deployment.paused,
            min_ready_seconds=deployment.min_ready_seconds,
            progress_deadline_seconds=deployment.progress_deadline_seconds,
            revision_history_limit=deployment.revision_history_limit,
        )

    @property
    def complete(self) -> bool:
        """Whether the status says so for the present spec (deployment_util.go:DeploymentComplete)."""
        return self.synced and deployment_complete(self.spec.replicas, self.status)

    def roll_out(self, cause: int) -> int:
        """Give the Deployment a new pod template and return its revision."""
        self.spec = replace(self.spec, revision=self.spec.revision + 1)
        self._rollout_cause = cause
        self._restart_clock()
        return self.spec.revision

    def scale(self, replicas: int, cause: int) -> None:
        """Ask for another number of pods."""
        self.spec = replace(self.spec, replicas=replicas)
        self._scale_cause = cause
        self._restart_clock()

    def _restart_clock(self) -> None:
        self.synced = False
        self.stuck = ""
        self._condition = ProgressCondition("ReplicaSetUpdated", self._world.now_s)
        self._look_again_after_the_deadline()
        self.wake()

    def adopt(self, controller: ReplicaSetController) -> str:
        """Start with one ReplicaSet of the present template, all its pods available; return its name."""
        self.replica_sets = controller
        name, replicas = self._replica_set_name(self.spec.revision), self.spec.replicas
        controller.states[name] = ReplicaSetState(
            name,
            self.spec.revision,
            creation_order=0,
            spec_replicas=replicas,
            status_replicas=replicas,
            ready_replicas=replicas,
            available_replicas=replicas,
            desired_annotation=replicas,
            max_replicas_annotation=replicas + max_surge(self.spec),
        )
        controller.causes[name] = 0
        self.status = deployment_status(self.spec, list(controller.states.values()))
        return name

    def wake(self) -> None:
        """Have the Deployment synced after a hop, unless that is coming already."""
        if self._waking:
            return
        self._waking = True
        self._hops += 1
        delay_s = self._world.draw(self._world.scenario.kubernetes.api_write, Purpose.API_WRITE, 0, self._hops)
        call_at(self._world.env, delay_s, Phase.CONTROLLER, self._sync)

    def pod_gone(self) -> None:
        """A pod object is gone; only a Deployment that recreates waits for that."""
        if self.spec.strategy.kind == "Recreate":
            self.wake()

    def _sync(self) -> None:
        self._waking = False
        controller = self.replica_sets
        assert controller is not None
        if controller.resized:
            # Sizes are promises: a pass that builds on them before the pods are there, or gone, could exceed maxSurge.
            # The ReplicaSet that acts last wakes this controller again.
            return
        states = list(controller.states.values())
        result = sync(self.spec, states, self._old_pods_running())
        scaling = result.reason in ("scaling event", "paused")
        cause = self._scale_cause if scaling else self._rollout_cause or self._scale_cause
        if result.create is not None:
            name = self._replica_set_name(result.create.revision)
            written = result.create.annotations
            controller.states[name] = ReplicaSetState(
                name,
                result.create.revision,
                len(states),
                result.create.replicas,
                desired_annotation=written.desired,
                max_replicas_annotation=written.max_replicas,
            )
            self._size(name, result.create.replicas, cause)
        for name, replicas in result.scale.items():
            controller.states[name] = replace(controller.states[name], spec_replicas=replicas)
            self._size(name, replicas, cause)
        for name in result.annotations:
            self._annotate(name, result.annotations)
        self.synced = not result.writes
        if result.writes:
            self.wake()
        self._report()

    def _size(self, name: str, replicas: int, cause: int) -> None:
        controller = self.replica_sets
        assert controller is not None
        controller.causes[name] = cause
        controller.resized.add(name)
        self._world.tell("deployment", "sized", name, f"to {replicas}", cause)
        controller.wake(name)

    def _annotate(self, name: str, annotations: dict[str, Annotations]) -> None:
        if name in annotations:
            controller = self.replica_sets
            assert controller is not None
            written = annotations[name]
            controller.states[name] = replace(
                controller.states[name],
                desired_annotation=written.desired,
                max_replicas_annotation=written.max_replicas,
            )

    def _report(self) -> None:
        """Write the status and the Progressing condition, which is information only."""
        controller = self.replica_sets
        assert controller is not None
        before, now_s = self.status, self._world.now_s
        self.status = deployment_status(self.spec, list(controller.states.values()))
        condition = next_condition(self.spec, self._condition, before, self.status, now_s)
        if condition is not None and condition != self._condition:
            if not condition.status:
                self.stuck = self._why_stuck()
                cause = self._rollout_cause
                self._world.tell("deployment", "stuck", self._name, f"{condition.reason}: {self.stuck}", cause)
            elif condition.reason == "ReplicaSetUpdated":
                self._look_again_after_the_deadline()
            self._condition = condition
        for listener in self.on_change:
            listener()

    def _look_again_after_the_deadline(self) -> None:
        """The controller looks again one second after the deadline (progress.go:requeueStuckDeployment)."""
        if self.spec.progress_deadline_seconds is not None:
            call_at(self._world.env, self.spec.progress_deadline_seconds + 1.0, Phase.CONTROLLER, self.wake)

    def _why_stuck(self) -> str:
        status, wanted = self.status, self.spec.replicas
        if self.spec.paused:
            return "the Deployment is paused"
        return (
            f"{status.updated_replicas} of {wanted} pods are of the new version, "
            f"{status.available_replicas} of {status.replicas} pods are available"
        )

    def _old_pods_running(self) -> bool:
        return any(pod.record.revision != self.spec.revision and not pod.terminal for pod in self._cluster.pods)

    def _replica_set_name(self, revision: int) -> str:
        bits = self._world.streams.bits(Purpose.UID, 1 << 30, revision)
        return f"{self._name}-{generated_suffix(bits, 9)}"
