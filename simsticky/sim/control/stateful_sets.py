"""The StatefulSet controller: one ordinal after the other, under the same names (rule K15)."""

from collections.abc import Callable
from dataclasses import replace

from simsticky.kubernetes.statefulset import (
    Awaited,
    StatefulPod,
    StatefulSetSpec,
    heeds_max_unavailable,
    sync,
    update_complete,
)
from simsticky.recording.events import StatefulSetWaits, Stuck
from simsticky.scenario.distributions import Law
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.pods import Pod, Template
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


class StatefulSetController(WorkloadController):
    """Rolls out and scales a StatefulSet: no surge, an ordinal's next pod only when its last one is gone.

    A new pod of an ordinal has the same name; in the recording later ones are told apart by a number: ``app-2``, then
    ``app-2.2``. Its address is a new one.

    Attributes:
        spec: What is asked for now.
    """

    def __init__(self, world: World, api: ApiServer, name: str, replicas: int, startup: Law) -> None:
        """Take the StatefulSet as it stands before the run."""
        deployment, several = world.scenario.deployment, heeds_max_unavailable(world.scenario.kubernetes.release)
        self._world = world
        self._api = api
        self._hops = 0
        self._waking = False
        self._synced = True
        self._waits_for: Awaited | None = None
        self._cause = 0
        self._history = [1]
        self._generations: dict[int, int] = {}
        self._replaces: dict[int, int] = {}
        self._progress_deadline_s = float(deployment.progress_deadline_seconds)
        self._moved_s = 0.0
        self.name = name
        self.stuck: Stuck | None = None
        self.on_change: list[Callable[[], None]] = []
        self.templates = {1: Template(startup)}
        self.spec = StatefulSetSpec(
            replicas=replicas,
            pod_management=deployment.pod_management_policy,
            update_strategy=deployment.update_strategy.type,
            partition=deployment.update_strategy.partition,
            max_unavailable=deployment.update_strategy.max_unavailable if several else None,
            min_ready_seconds=deployment.min_ready_seconds,
        )
        api.watch_pods(self._pod_changed)

    @property
    def replicas(self) -> int:
        """``spec.replicas``."""
        return self.spec.replicas

    @property
    def paused(self) -> bool:
        """A StatefulSet cannot be paused."""
        return False

    @property
    def complete(self) -> bool:
        """Whether every pod that is wanted is there, healthy and, as far as it is to be, of the present template."""
        if not self._synced:
            return False
        if self.spec.update_strategy == "OnDelete":
            return sum(pod.ready and not pod.deleted for pod in self._pods()) == self.spec.replicas
        return update_complete(self.spec, [self._seen(pod) for pod in self._pods()])

    def owns(self, pod: Pod) -> bool:
        """Whether a pod is one of its own."""
        return pod.replica_set == self.name

    def _pods(self) -> list[Pod]:
        return [pod for pod in self._api.pods if self.owns(pod)]

    def _pod_changed(self, pod: Pod) -> None:
        if not self.owns(pod):
            return
        if not pod.active:
            self._replaces[_ordinal(pod)] = pod.causes.end  # whose doing its replacement will be
        self.wake()

    def adopt(self, running_since_s: Callable[[int], float]) -> list[Pod]:
        """Start with all pods of the first template."""
        return [self._create(ordinal, 1, 0, running_since_s(ordinal)) for ordinal in range(self.spec.replicas)]

    def roll_out(self, template: Template, cause: int) -> None:
        """Begin a rolling update, from the highest ordinal down."""
        revision = max(self.templates) + 1
        self.templates[revision] = template
        self._go_to(revision, cause)

    def roll_back(self, cause: int) -> bool:
        """Begin a rolling update to the template before (kubectl rollout undo)."""
        if len(self._history) < 2:
            return False
        self._go_to(self._history[-2], cause)
        return True

    def _go_to(self, revision: int, cause: int) -> None:
        previous = self.spec.revision
        self._history = [earlier for earlier in self._history if earlier != revision] + [revision]
        self.spec = replace(self.spec, revision=revision, previous_revision=previous)
        self._begin(cause)

    def hold(self, held: bool) -> None:
        """Change nothing: a StatefulSet has no pause; its partition holds an update back."""
        self.wake()

    def scale(self, replicas: int, cause: int) -> None:
        """Ask for another number of pods."""
        self.spec = replace(self.spec, replicas=replicas)
        self._begin(cause)

    def _begin(self, cause: int) -> None:
        self._cause = cause
        self._synced = False
        self.stuck = None
        self._moved()
        self.wake()

    def wake(self) -> None:
        """Have the controller look again after a hop, unless that is coming already."""
        if self._waking:
            return
        self._waking = True
        self._hops += 1
        law = self._world.scenario.kubernetes.api_write
        delay_s = self._world.draw(law, Purpose.API_WRITE, 1 << 29, self._hops)
        call_at(self._world.env, delay_s, Phase.CONTROLLER, self._sync)

    def pod_gone(self, pod: Pod) -> None:
        """It hears of every change of its pods already."""

    def _sync(self) -> None:
        self._waking = False
        now_s, by_ordinal = self._world.now_s, {_ordinal(pod): pod for pod in self._pods()}
        step = sync(self.spec, [self._seen(pod) for pod in by_ordinal.values()], now_s)
        for action in step.actions:
            if action.kind == "create":
                self._create(action.ordinal, action.revision, self._replaces.pop(action.ordinal, self._cause))
            else:
                pod = by_ordinal[action.ordinal]
                self._api.delete(pod, _ended_by(pod) or self._cause, "statefulset")
        if step.actions or step.waits_for != self._waits_for:
            self._moved()
        self._waits_for = step.waits_for
        self._synced = not step.actions
        if step.actions:
            self.wake()
        for pod in by_ordinal.values():
            self._look_when_available(pod, now_s)
        for listener in self.on_change:
            listener()

    def _look_when_available(self, pod: Pod, now_s: float) -> None:
        if pod.ready_since_s is not None and pod.ready_since_s + self.spec.min_ready_seconds > now_s:
            left_s = pod.ready_since_s + self.spec.min_ready_seconds - now_s
            call_at(self._world.env, left_s, Phase.CONTROLLER, self.wake)

    def _moved(self) -> None:
        """Note progress. A StatefulSet has no deadline of its own; that of the scenario tells people (assumed)."""
        self._moved_s = moved_s = self._world.now_s

        def look() -> None:
            if self._moved_s == moved_s and not self.complete and not self.stuck:
                self.stuck = StatefulSetWaits(*(self._waits_for or ()))
                self._world.tell("statefulset", "stuck", self.name, self.stuck, self._cause)
                for listener in self.on_change:
                    listener()

        call_at(self._world.env, self._progress_deadline_s + 1.0, Phase.CONTROLLER, look)

    def _create(self, ordinal: int, revision: int, cause: int, created_s: float | None = None) -> Pod:
        generation = self._generations[ordinal] = self._generations.get(ordinal, 0) + 1
        name = f"{self.name}-{ordinal}" + (f".{generation}" if generation > 1 else "")
        return self._api.create(0, self.name, revision, self.templates[revision], cause, created_s, name)

    def _seen(self, pod: Pod) -> StatefulPod:
        return StatefulPod(_ordinal(pod), pod.record.revision, pod.phase, pod.ready_since_s, pod.deleted)


def _ended_by(pod: Pod) -> int:
    """Return the operation that has ended a pod which is over already, else 0."""
    return pod.container.causes.own_end or 0 if pod.terminal and pod.container is not None else 0


def _ordinal(pod: Pod) -> int:
    """Return the number at the end of a pod's name, as the controller reads it (getParentNameAndOrdinal)."""
    return int(pod.name.rpartition("-")[2].partition(".")[0])
