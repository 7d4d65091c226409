"""The probes of a pod on their ticks: startup first, then liveness and readiness side by side (docs/model.md, rules P).

What a row of results comes to is decided in ``kubernetes/probe.py``; here are the ticks and what a probe meets.
"""

from collections.abc import Callable, Generator
from typing import Any

from simsticky.kubernetes.probe import ProbeKind, ProbeSpec, ProbeWorker, due, first_tick, tick_s
from simsticky.scenario.model import Deployment, LivenessProbe, Probe
from simsticky.sim.cluster import Cluster
from simsticky.sim.kernel import Phase, Wait
from simsticky.sim.pods import Container, Pod
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

Process = Generator[Wait, Any, None]

_HOUR_S = 3600.0
"""Ticks of a pod from before the run count from within this time before it: at any phase of any period."""
_ADOPTED_READINESS = 1 << 20
"""Ordinal of the draw for the readiness ticks of a pod that has been running since before the run."""


class Prober:
    """Probes containers and publishes what readiness probes say.

    Args:
        on_unhealthy: Called with a container whose liveness or startup probe has failed, and which of the two.
    """

    def __init__(
        self,
        world: World,
        cluster: Cluster,
        deployment: Deployment,
        on_unhealthy: Callable[[Container, str], None],
    ) -> None:
        """Read the pod template once."""
        self._world = world
        self._cluster = cluster
        self._on_unhealthy = on_unhealthy
        self._readiness, self._startup, self._liveness = (
            None if probe is None else spec_of(probe)
            for probe in (deployment.readiness_probe, deployment.startup_probe, deployment.liveness_probe)
        )
        self._workers: dict[tuple[int, ProbeKind], ProbeWorker] = {}
        self._ticks_since_s: dict[int, float] = {}

    def sync_begins(self, pod: Pod) -> None:
        """The kubelet has a new pod: the ticks of its startup and liveness probes count from here."""
        self._ticks_since_s[pod.index] = self._world.now_s

    def adopt(self, container: Container) -> None:
        """Probe a container that has been ready since before the run; its ticks are at any phase."""
        pod, streams, env = container.pod, self._world.streams, self._world.env
        if self._readiness is not None:
            worker = self._worker(pod, self._readiness, "readiness")
            worker.outcome = "success"
            # Pods were started at different moments, so their ticks do not coincide.
            phase = streams.uniform(Purpose.STATUS_UPDATE, pod.entity, _ADOPTED_READINESS)
            env.process(self._probe_readiness(container, worker, phase * self._readiness.period_s, 0))
        self._ticks_since_s[pod.index] = -_HOUR_S * streams.uniform(Purpose.PROBE_PHASE, pod.entity)
        if self._liveness is not None:
            env.process(self._probe_liveness(container))

    def watch(self, container: Container) -> Process:
        """Probe a container that the kubelet has just seen running; without probes its pod is ready now (rule P3)."""
        pod = container.pod
        if self._startup is not None:
            worker = self._worker(pod, self._startup, "startup")
            yield from self._until_change(container, worker, *self._first_tick(container, self._startup))
            if not worker.passed:
                if worker.on_hold:
                    self._on_unhealthy(container, "startup")
                return
        if self._liveness is not None:
            self._world.env.process(self._probe_liveness(container))
        if self._readiness is None:
            self._cluster.set_ready(pod, ready=True)
            return
        # A container that runs and is not ready is probed at once, whatever the tick (prober_manager.go).
        first_look_s = self._world.now_s - container.record.started_s
        worker = self._worker(pod, self._readiness, "readiness")
        tick = first_tick(self._readiness, first_look_s)
        yield from self._probe_readiness(container, worker, container.record.started_s + first_look_s, tick)

    def _worker(self, pod: Pod, spec: ProbeSpec, kind: ProbeKind) -> ProbeWorker:
        """Return the worker of a pod's probe, which lives as long as the pod, reset for a new container."""
        worker = self._workers.setdefault((pod.index, kind), ProbeWorker(spec, kind))
        worker.on_new_container()
        return worker

    def _first_tick(self, container: Container, spec: ProbeSpec) -> tuple[float, int]:
        """Return the origin of a container's startup or liveness ticks, and the first that probes it (rule P3).

        The worker starts with the pod; it finds a container that is not known to run, or too young, and waits for the
        next tick (worker.go:doProbe).
        """
        since_s, tick = self._ticks_since_s[container.pod.index], 0
        while True:
            # Not the difference of two clock readings, which may fall short of whole seconds.
            elapsed_s = since_s - container.record.started_s + tick * spec.period_s
            if tick_s(since_s, spec.period_s, tick) >= self._world.now_s and due(spec, elapsed_s):
                return since_s, tick
            # Far behind, jump; then go tick by tick.
            tick = max(tick + 1, int((self._world.now_s - since_s) / spec.period_s) - 1)

    def _probe_liveness(self, container: Container) -> Process:
        """Probe until the probe has failed, or the container is over."""
        assert self._liveness is not None
        worker = self._worker(container.pod, self._liveness, "liveness")
        since_s, tick = self._first_tick(container, self._liveness)
        yield from self._until_change(container, worker, since_s, tick)
        if worker.on_hold and not container.dead and not container.pod.ending:
            self._on_unhealthy(container, "liveness")

    def _probe_readiness(self, container: Container, worker: ProbeWorker, first_look_s: float, tick: int) -> Process:
        """Probe on every tick as long as the container lives and publish each change."""
        while True:
            yield from self._until_change(container, worker, first_look_s, tick)
            if container.dead or container.pod.deleted:
                return
            flaps = container.flapping_until_s > self._world.now_s
            self._cluster.set_ready(container.pod, ready=worker.passed, cause=container.pod.unready_by if flaps else 0)
            tick = round((self._world.now_s - first_look_s) / worker.spec.period_s) + 1

    def _until_change(self, container: Container, worker: ProbeWorker, since_s: float, tick: int) -> Process:
        """Probe on ticks until what the worker publishes changes, or the container is over.

        Probes stop mattering once a pod is deleted: KIC never reads ``serving`` (rule D6).
        """
        while True:
            due_s = tick_s(since_s, worker.spec.period_s, tick)
            yield Wait(self._world.env, max(0.0, due_s - self._world.now_s), Phase.STATUS)
            if container.dead or container.pod.deleted:
                return
            if worker.on_result("success" if self._passes(container, worker.spec) else "failure") or worker.on_hold:
                return
            tick += 1

    def _passes(self, container: Container, spec: ProbeSpec) -> bool:
        """A probe takes no slot of the traffic, but waits like a request in the present queue (rule P4)."""
        now_s = self._world.now_s
        waits = container.queue_wait_s(now_s) <= spec.timeout_s
        return container.listening and waits and container.flapping_until_s <= now_s


def spec_of(probe: Probe) -> ProbeSpec:
    """Return a probe of the scenario as ``kubernetes/`` knows it."""
    return ProbeSpec(
        probe.initial_delay_seconds,
        probe.timeout_seconds,
        probe.period_seconds,
        probe.success_threshold,
        probe.failure_threshold,
        probe.termination_grace_period_seconds if isinstance(probe, LivenessProbe) else None,
    )
