"""The Deployment controller: it wakes, asks ``kubernetes/`` what to do, and writes it.

A wake-up is level-triggered and coalesced, as in :mod:`simsticky.sim.control.replica_sets`.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from simsticky.kubernetes.canary import Step, counts, current_weight, reached
from simsticky.kubernetes.deployment import Annotations, sync
from simsticky.kubernetes.deployment_spec import (
    DeploymentSpec,
    ReplicaSetState,
    Strategy,
    max_surge,
    split_new_and_old,
)
from simsticky.kubernetes.progress import (
    DeploymentStatus,
    ProgressCondition,
    deployment_complete,
    deployment_status,
    next_condition,
)
from simsticky.recording.events import CanaryPause, CanaryWaits, DeploymentPaused, NoProgress, Size, Stuck
from simsticky.scenario.distributions import Law
from simsticky.scenario.model import Deployment
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.api_server import ApiServer, generated_suffix
from simsticky.sim.control.pods import Pod, Template
from simsticky.sim.control.replica_sets import ReplicaSetController
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


class DeploymentController(WorkloadController):
    """Rolls out and scales (rules K1 to K4, K10 to K12, K17).

    Attributes:
        spec: What is asked for now.
        status: What its ReplicaSets add up to.
        synced: Whether the last sync had nothing to write.
    """

    def __init__(
        self,
        world: World,
        api: ApiServer,
        number: int,
        name: str,
        replicas: int,
        startup: Law,
        deletion_cost: Callable[[Pod], int] | None,
    ) -> None:
        """Take a Deployment as it stands before the run.

        Args:
            world: Clock, luck and scenario; ``scenario.deployment`` says all but name and size.
            api: Where the pods are.
            number: Which Deployment of the scenario it is, from 0.
            name: Its name.
            replicas: Its size.
            startup: Start-up time of its first version.
            deletion_cost: See :class:`ReplicaSetController`.
        """
        self._world = world
        self._api = api
        self._number = number
        self._hops = 0
        self._waking = False
        self._rollout_cause = 0
        self._scale_cause = 0
        self._condition: ProgressCondition | None = None
        self._history = [1]
        self._steps = _steps(world.scenario.deployment)
        self._step = len(self._steps)
        self._stable = 1
        self._pauses = 0
        self._pausing = False
        self.name = name
        self.on_change: list[Callable[[], None]] = []
        self.status = DeploymentStatus()
        self.stuck: Stuck | None = None
        self.synced = True
        self.templates = {1: Template(startup)}
        self.spec = _spec(world.scenario.deployment, replicas)
        self.replica_sets = ReplicaSetController(world, api, number, self.templates, deletion_cost, self.wake)

    @property
    def replicas(self) -> int:
        """``spec.replicas``."""
        return self.spec.replicas

    @property
    def paused(self) -> bool:
        """Whether rollouts are held, by somebody or by a step without end."""
        return self.spec.paused or (self._pausing and self._steps[self._step].pause_s == math.inf)

    @property
    def revision(self) -> int:  # type: ignore[override]  # read-only here
        """Number of the present template."""
        return self.spec.revision

    @property
    def complete(self) -> bool:
        """Whether the status says so for the present spec (deployment_util.go:DeploymentComplete)."""
        return self.synced and deployment_complete(self.spec.replicas, self.status)

    def owns(self, pod: Pod) -> bool:
        """Whether a pod is of one of its ReplicaSets."""
        return pod.replica_set in self.replica_sets.states

    # What it is asked -------------------------------------------------------------------------------------------

    def roll_out(self, template: Template, cause: int) -> None:
        """Give the Deployment a new pod template."""
        revision = max(self.templates) + 1
        self.templates[revision] = template
        self._go_to(revision, cause)

    def roll_back(self, cause: int) -> bool:
        """Go back to the template before (rule K11): its ReplicaSet, living pods included, is the new one again.

        Source: kubectl rollout undo; deployment_util.go:FindNewReplicaSet. The ReplicaSet gets the highest revision
        number then, so that going back twice ends where it began.
        """
        if len(self._history) < 2:
            return False
        self._go_to(self._history[-2], cause)
        return True

    def _go_to(self, revision: int, cause: int) -> None:
        self._history = [earlier for earlier in self._history if earlier != revision] + [revision]
        self.spec = replace(self.spec, revision=revision)
        self._rollout_cause = cause
        # Going back to the stable version, which is still there, needs no canary.
        self._go_to_step(0 if revision != self._stable else len(self._steps))
        self._restart_clock()

    def hold(self, held: bool) -> None:
        """Pause or resume; resuming restarts the progress deadline (progress.go, DeploymentResumed).

        Resuming also ends the pause of a canary, as ``kubectl argo rollouts promote`` does.
        """
        if not held and self._pausing:
            self._go_to_step(self._step + 1)
        self.spec = replace(self.spec, paused=held)
        self._restart_clock()

    def scale(self, replicas: int, cause: int) -> None:
        """Ask for another number of pods."""
        self.spec = replace(self.spec, replicas=replicas)
        self._scale_cause = cause
        self._go_to_step(self._step, again=True)
        self._restart_clock()

    # The steps of a canary --------------------------------------------------------------------------------------

    def _go_to_step(self, step: int, *, again: bool = False) -> None:
        """Let the rollout go as far as a step; behind the last one it goes to its end."""
        self._step = step
        if not again:
            self._pauses += 1
            self._pausing = False
        over = step >= len(self._steps)
        wanted = None if over else counts(self.spec, current_weight(self._steps, step))
        self.spec = replace(self.spec, canary=wanted)
        if over and not again:
            self.stuck = None

    def _advance(self) -> None:
        """Go on to the next step once this one is reached; a pause begins then, and its end goes on."""
        canary = self.spec.canary
        if canary is None:
            if self.complete:
                self._stable = self.spec.revision
            return
        step = self._steps[self._step]
        if self._pausing or not reached(self.spec, list(self.replica_sets.states.values()), canary):
            return
        if step.weight is not None:
            self._go_to_step(self._step + 1)
            self.wake()
            return
        self._pausing = True
        pause = CanaryPause(self._step + 1, len(self._steps), step.pause_s if step.pause_s < math.inf else None)
        self._world.tell("deployment", "pauses", self.name, pause, self._rollout_cause)
        if step.pause_s < math.inf:
            call_at(self._world.env, step.pause_s, Phase.CONTROLLER, partial(self._pause_over, self._pauses))

    def _pause_over(self, pause: int) -> None:
        if self._pausing and pause == self._pauses:
            self._go_to_step(self._step + 1)
            self._restart_clock()

    def _restart_clock(self) -> None:
        self.synced = False
        self.stuck = None
        self._condition = ProgressCondition("ReplicaSetUpdated", self._world.now_s)
        self._look_again_after_the_deadline()
        self.wake()

    def adopt(self, running_since_s: Callable[[int], float]) -> list[Pod]:
        """Start with one ReplicaSet of the present template, all its pods available."""
        controller = self.replica_sets
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
            terminating_replicas=None if self.spec.pod_replacement_policy is None else 0,
        )
        controller.causes[name] = 0
        self.status = deployment_status(self.spec, list(controller.states.values()))
        revision, template = self.spec.revision, self.templates[self.spec.revision]
        return [
            self._api.create(self._number, name, revision, template, 0, created_s=running_since_s(place))
            for place in range(replicas)
        ]

    def wake(self) -> None:
        """Have the Deployment synced after a hop, unless that is coming already (rule K9)."""
        if self._waking:
            return
        self._waking = True
        call_at(self._world.env, self._hop_s(), Phase.CONTROLLER, self._sync)

    def _hop_s(self) -> float:
        self._hops += 1
        law = self._world.scenario.kubernetes.api_write
        return self._world.draw(law, Purpose.API_WRITE, 2 * self._number, self._hops)

    def pod_gone(self, pod: Pod) -> None:
        """A pod object is gone; only a Deployment that recreates, or that counts terminating pods, waits for that."""
        if self.spec.strategy.kind == "Recreate" or self.spec.pod_replacement_policy is not None:
            self.wake()

    # One pass ---------------------------------------------------------------------------------------------------

    def _sync(self) -> None:
        self._waking = False
        controller = self.replica_sets
        if controller.resized:
            # Sizes are promises: a pass that builds on them before the pods are there, or gone, could exceed maxSurge.
            # The ReplicaSet that acts last wakes this controller again.
            return
        states = list(controller.states.values())
        result = sync(self.spec, states, self._old_pods_running())
        scaling = result.reason in ("scaling event", "paused")
        # A paused Deployment takes old pods away, too, once all new ones are there (sync.go:scale).
        causes = (self._scale_cause, self._rollout_cause)
        cause = next((cause for cause in (causes if scaling else causes[::-1]) if cause), 0)
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
                terminating_replicas=None if self.spec.pod_replacement_policy is None else 0,
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
        else:
            self._advance()
        self._report()

    def _size(self, name: str, replicas: int, cause: int) -> None:
        controller = self.replica_sets
        controller.causes[name] = cause
        controller.resized.add(name)
        self._world.tell("deployment", "sized", name, Size(replicas), cause)
        controller.wake(name)

    def _annotate(self, name: str, annotations: dict[str, Annotations]) -> None:
        states = self.replica_sets.states
        if name in states:
            written = annotations[name]
            states[name] = replace(
                states[name], desired_annotation=written.desired, max_replicas_annotation=written.max_replicas
            )

    def _report(self) -> None:
        """Write the status and the Progressing condition, which is information only."""
        before, now_s = self.status, self._world.now_s
        self.status = deployment_status(self.spec, list(self.replica_sets.states.values()))
        if self.spec.paused:
            # No deadline runs then (progress.go: the condition is kept up by a rollout only).
            self.stuck = DeploymentPaused() if self.synced and self._rollout_is_held() else None
        elif self._pausing:
            self.stuck = CanaryWaits(self._step + 1) if self.paused else None
        else:
            self._keep_up_condition(before, now_s)
        for listener in self.on_change:
            listener()

    def _rollout_is_held(self) -> bool:
        new, old = split_new_and_old(self.spec, list(self.replica_sets.states.values()))
        return new is None or any(state.spec_replicas for state in old)

    def _keep_up_condition(self, before: DeploymentStatus, now_s: float) -> None:
        condition = next_condition(self.spec, self._condition, before, self.status, now_s)
        if condition is None or condition == self._condition:
            return
        if not condition.status:
            self.stuck = self._why_stuck()
            cause = self._rollout_cause or self._scale_cause
            self._world.tell("deployment", "stuck", self.name, self.stuck, cause)
        elif condition.reason == "ReplicaSetUpdated":
            self.stuck = None
            self._look_again_after_the_deadline()
        self._condition = condition

    def _look_again_after_the_deadline(self) -> None:
        """The controller looks again one second after the deadline (progress.go:requeueStuckDeployment)."""
        if self.spec.progress_deadline_seconds is not None:
            call_at(self._world.env, self.spec.progress_deadline_seconds + 1.0, Phase.CONTROLLER, self.wake)

    def _why_stuck(self) -> NoProgress:
        status = self.status
        new = [
            pod
            for pod in self._api.pods
            if pod.active and not pod.ready and self.owns(pod) and pod.record.revision == self.spec.revision
        ]
        no_node = sum(not pod.record.node for pod in new)
        down = sum(pod.container is not None and pod.container.dead for pod in new)
        return NoProgress(
            updated=status.updated_replicas,
            wanted=self.spec.replicas,
            available=status.available_replicas,
            replicas=status.replicas,
            no_node=no_node,
            down=down,
            unready=len(new) - no_node - down,
        )

    def _old_pods_running(self) -> bool:
        return any(
            pod.record.revision != self.spec.revision and not pod.terminal and self.owns(pod) for pod in self._api.pods
        )

    def _replica_set_name(self, revision: int) -> str:
        bits = self._world.streams.bits(Purpose.UID, (1 << 30) + self._number, revision)
        return f"{self.name}-{generated_suffix(bits, 9)}"


def _steps(deployment: Deployment) -> tuple[Step, ...]:
    return tuple(
        Step(weight=step.set_weight)
        if step.pause is None
        else Step(pause_s=math.inf if step.pause == "forever" else step.pause)
        for step in deployment.strategy.steps
    )


def _spec(deployment: Deployment, replicas: int) -> DeploymentSpec:
    rolling = deployment.strategy.rolling_update
    return DeploymentSpec(
        replicas=replicas,
        strategy=Strategy(deployment.strategy.type, rolling.max_surge, rolling.max_unavailable),
        paused=deployment.paused,
        progress_deadline_seconds=deployment.progress_deadline_seconds,
        pod_replacement_policy=deployment.pod_replacement_policy,
    )
