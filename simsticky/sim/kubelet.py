"""The kubelet: starts pods, probes them, and ends them (docs/model.md, rules P and D).

Each pod has one process for its start and one for its end, written for reading: they wait, ask a decision of
``kubernetes/``, and apply it.
"""

from collections.abc import Callable, Generator
from typing import Any

from simsticky.kubernetes.pod import effective_grace_s, pre_stop_wait_s, stop_timeout_s
from simsticky.kubernetes.probe import ProbeSpec, ProbeWorker, first_tick, tick_s
from simsticky.scenario.distributions import Law
from simsticky.scenario.model import Probe
from simsticky.sim.cluster import Cluster
from simsticky.sim.gateway import Gateway
from simsticky.sim.kernel import Phase, Wait, call_at
from simsticky.sim.pods import Container, Pod
from simsticky.sim.recording import Origin
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

Process = Generator[Wait, Any, None]


class Kubelet:
    """Runs pods on all nodes.

    Args:
        on_listeners: Called when a container has begun or ceased to listen.
    """

    def __init__(self, world: World, cluster: Cluster, gateway: Gateway, on_listeners: Callable[[], None]) -> None:
        """Read the pod template once."""
        deployment = world.scenario.deployment
        self._world = world
        self._cluster = cluster
        self._gateway = gateway
        self._on_listeners = on_listeners
        self._delays = world.scenario.kubernetes
        self._readiness = _spec(deployment.readiness_probe)
        self._startup = _spec(deployment.startup_probe)
        self._hook = deployment.pre_stop
        self._grace_s = effective_grace_s(deployment.termination_grace_period_seconds)
        self._on_sigterm = world.scenario.app.on_sigterm
        self._session_timeout_s = world.scenario.app.session_timeout

    # Start ------------------------------------------------------------------------------------------------------

    def start(self, pod: Pod, startup: Law, never_ready: bool) -> None:
        """Begin to run a new pod; ``startup`` is the time from container start until the application listens."""
        self._world.env.process(self._start(pod, startup, never_ready))

    def adopt(self, pod: Pod, running_since_s: float) -> Container:
        """Take over a pod that has been running and ready since long before the run."""
        self._cluster.schedule(pod)
        pod.record.scheduled_s = running_since_s
        pod.phase = "Running"
        container = self._cluster.start_container(pod, 0.0)
        pod.record.started_s = running_since_s
        self._gateway.listener_opened(container)
        self._cluster.set_ready(pod, ready=True, since_s=running_since_s)
        if self._readiness is not None:
            worker = ProbeWorker(self._readiness, "readiness")
            worker.outcome = "success"
            # Pods were started at different moments, so their ticks do not coincide.
            phase_s = self._world.streams.uniform(Purpose.STATUS_UPDATE, pod.index, 1 << 20) * self._readiness.period_s
            self._world.env.process(self._probe_readiness(pod, container, worker, phase_s, 0))
        return container

    def _start(self, pod: Pod, startup: Law, never_ready: bool) -> Process:
        world, delays, env = self._world, self._delays, self._world.env
        yield Wait(env, world.draw(delays.scheduler, Purpose.SCHEDULER, pod.index), Phase.CONTROLLER)
        if _is_deleted(pod):
            return
        self._cluster.schedule(pod)
        pod.record.scheduled_s = world.now_s
        world.tell("scheduler", "scheduled", pod.name, f"on {pod.record.node}")
        pull_s = world.draw(delays.image_pull, Purpose.IMAGE_PULL, pod.index)
        start_s = world.draw(delays.container_start, Purpose.CONTAINER_START, pod.index)
        yield Wait(env, pull_s + start_s, Phase.CONTAINER)
        if _is_deleted(pod):
            return
        container = self._cluster.start_container(pod, world.now_s)
        world.tell("kubelet", "started", pod.name, "its container runs, the application is starting")
        if not never_ready:
            startup_s = world.draw(startup, Purpose.APP_STARTUP, pod.index)
            call_at(env, startup_s, Phase.CONTAINER, lambda: self._listen(container))
        yield Wait(env, world.draw(delays.status_update, Purpose.STATUS_UPDATE, pod.index), Phase.STATUS)
        if _is_deleted(pod) or container.dead:
            return
        pod.phase = "Running"
        self._cluster.changed(pod)
        yield from self._become_ready(pod, container)

    def _listen(self, container: Container) -> None:
        if container.dead or container.pod.record.sigterm_s <= self._world.now_s:
            return
        container.ends = [max(end, self._world.now_s) for end in container.ends]
        self._gateway.listener_opened(container)
        self._world.tell("app", "listening", container.pod.name)
        self._on_listeners()

    def _become_ready(self, pod: Pod, container: Container) -> Process:
        """Run the startup probe, if any, then the readiness probe, if any; without either the pod is ready now."""
        first_look_s = self._world.now_s - pod.record.started_s
        if self._startup is not None:
            worker = ProbeWorker(self._startup, "startup")
            yield from self._probe(pod, container, worker, pod.record.started_s + first_look_s, 0)
            if not worker.passed:
                return
            first_look_s = self._world.now_s - pod.record.started_s
        if self._readiness is None:
            self._cluster.set_ready(pod, ready=True)
            return
        tick = first_tick(self._readiness, first_look_s)
        worker = ProbeWorker(self._readiness, "readiness")
        yield from self._probe_readiness(pod, container, worker, pod.record.started_s + first_look_s, tick)

    # Probes -----------------------------------------------------------------------------------------------------

    def _probe_readiness(
        self, pod: Pod, container: Container, worker: ProbeWorker, first_look_s: float, tick: int
    ) -> Process:
        """Probe on every tick as long as the container lives and publish each change."""
        while True:
            yield from self._probe(pod, container, worker, first_look_s, tick, until_change=True)
            if container.dead or pod.deleted:
                return
            self._cluster.set_ready(pod, ready=worker.passed)
            tick = round((self._world.now_s - first_look_s) / worker.spec.period_s) + 1

    def _probe(
        self,
        pod: Pod,
        container: Container,
        worker: ProbeWorker,
        first_look_s: float,
        tick: int,
        *,
        until_change: bool = False,
    ) -> Process:
        """Probe on ticks until what the worker publishes changes, or the container is over.

        A probe takes no slot of the traffic, but it waits like a request in the present queue and fails past its
        timeout (rule P4). Probes stop mattering once a pod is deleted: KIC never reads ``serving``.
        """
        env = self._world.env
        while True:
            due_s = tick_s(first_look_s, worker.spec.period_s, tick)
            yield Wait(env, max(0.0, due_s - self._world.now_s), Phase.STATUS)
            if container.dead or pod.deleted:
                return
            passes = container.listening and container.queue_wait_s(self._world.now_s) <= worker.spec.timeout_s
            if worker.on_result("success" if passes else "failure"):
                return
            if worker.on_hold:
                return
            tick += 1

    # End --------------------------------------------------------------------------------------------------------

    def terminate(self, pod: Pod, *, grace_s: int | None = None) -> None:
        """Begin to end a pod that has got its deletion timestamp now."""
        self._world.env.process(self._terminate(pod))

    def _terminate(self, pod: Pod) -> Process:
        """Follow facts: kuberuntime_container.go, killContainer, from the kubelet's first look to the object's end."""
        world, env, record = self._world, self._world.env, pod.record
        if not record.node:
            self._cluster.remove(pod)
            return
        notice_s = world.draw(self._delays.kubelet_notice, Purpose.KUBELET_NOTICE, pod.index)
        yield Wait(env, notice_s, Phase.CONTAINER)
        container = pod.container
        if container is not None:
            hook_s = yield from self._pre_stop(pod, container)
            yield from self._stop(pod, container, stop_timeout_s(self._grace_s, hook_s))
            status_s = world.draw(self._delays.status_update, Purpose.STATUS_UPDATE, pod.index, 1)
            yield Wait(env, status_s, Phase.STATUS)
        pod.phase = "Failed" if record.sigkill_s == record.sigkill_s else "Succeeded"
        pod.ready = False
        self._cluster.changed(pod)
        yield Wait(env, world.draw(self._delays.pod_removal, Purpose.POD_REMOVAL, pod.index), Phase.STATUS)
        self._cluster.remove(pod)

    def _pre_stop(self, pod: Pod, container: Container) -> Generator[Wait, Any, float]:
        """Run the preStop hook inside the grace period and return how long it took.

        Not as a difference of clock readings: the kubelet cuts that time to whole seconds, and (t + 30) - t may be a
        rounding error short of 30.
        """
        hook, world = self._hook, self._world
        if hook is None:
            return 0.0
        if hook.kind == "fails":
            world.tell("kubelet", "prestop_failed", pod.name, "FailedPreStopHook", pod.record.deleted_by)
            return 0.0
        world.tell("kubelet", "prestop", pod.name, f"{hook.kind} begins", pod.record.deleted_by)
        if hook.kind == "sleep":
            took_s = pre_stop_wait_s(self._grace_s, hook.seconds)
            yield Wait(world.env, took_s, Phase.CONTAINER)
        else:
            begun_s, longest_s = world.now_s, pre_stop_wait_s(self._grace_s, hook.at_most_s)
            give_up_s = begun_s + longest_s
            linger_s = self._session_timeout_s if hook.until == "noSessions" else 0.0
            while (over_s := container.idle_at_s + linger_s) > world.now_s and world.now_s < give_up_s:
                yield Wait(world.env, min(over_s, give_up_s) - world.now_s, Phase.CONTAINER)
            took_s = longest_s if world.now_s >= give_up_s else world.now_s - begun_s
        pod.record.prestop_end_s = world.now_s
        return took_s

    def _stop(self, pod: Pod, container: Container, timeout_s: int) -> Process:
        """Send SIGTERM, let the application do what it does, and kill it after ``timeout_s``."""
        world, reaction, cause = self._world, self._on_sigterm, pod.record.deleted_by
        sigterm_s = pod.record.sigterm_s = world.now_s
        kill_s = sigterm_s + timeout_s
        world.tell("kubelet", "sigterm", pod.name, f"SIGKILL follows in {timeout_s} s", cause)
        if reaction.listener == "close":
            self._close(container, Origin.NONE)
        if reaction.exit == "after":
            yield Wait(world.env, min(reaction.after_s, float(timeout_s)), Phase.CONTAINER)
            killed = reaction.after_s > timeout_s
        elif reaction.exit == "whenIdle":
            while container.idle_at_s > world.now_s and world.now_s < kill_s:
                yield Wait(world.env, min(container.idle_at_s, kill_s) - world.now_s, Phase.CONTAINER)
            killed = container.idle_at_s > world.now_s
        elif reaction.exit == "never":
            yield Wait(world.env, float(timeout_s), Phase.CONTAINER)
            killed = True
        else:
            killed = False
        if killed:
            pod.record.sigkill_s = world.now_s
            world.tell("kubelet", "sigkill", pod.name, "the grace period is over", cause)
        self._die(pod, container, Origin.KILLED if killed else Origin.NONE)

    def _close(self, container: Container, because: Origin) -> None:
        if container.listening:
            container.pod.record.listener_closed_s = self._world.now_s
            self._gateway.listener_closed(container, self._world.now_s, because)
            self._on_listeners()

    def _die(self, pod: Pod, container: Container, because: Origin) -> None:
        self._close(container, because)
        container.dead = True
        pod.record.dead_s = self._world.now_s
        self._gateway.cut(container, self._world.now_s)
        self._world.tell("app", "exited", pod.name, "the container is dead", pod.record.deleted_by)
        self._on_listeners()


def _is_deleted(pod: Pod) -> bool:
    """Whether the pod has been deleted by now; asked again after every wait."""
    return pod.deleted


def _spec(probe: Probe | None) -> ProbeSpec | None:
    if probe is None:
        return None
    return ProbeSpec(
        probe.initial_delay_seconds,
        probe.timeout_seconds,
        probe.period_seconds,
        probe.success_threshold,
        probe.failure_threshold,
    )
