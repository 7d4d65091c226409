"""The probes of a pod on their ticks: startup first, then liveness and readiness side by side (docs/model.md, rules P).

What a row of results comes to is decided in ``kubernetes/probe.py``; here are the ticks and what a probe meets. Only a
tick that can change something is an event (rule T2).
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from math import inf

from simsticky.kubernetes.probe import ProbeKind, ProbeResult, ProbeSpec, ProbeWorker, due, first_tick, tick_s
from simsticky.scenario.model import Deployment, LivenessProbe, Probe
from simsticky.sim.clock import Clock, Phase, Place, call_on, place_of
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

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
        api: ApiServer,
        deployment: Deployment,
        on_unhealthy: Callable[[Container, str], None],
    ) -> None:
        self._world = world
        self._api = api
        self._on_unhealthy = on_unhealthy
        self._readiness, self._startup, self._liveness = (
            None if probe is None else spec_of(probe)
            for probe in (deployment.readiness_probe, deployment.startup_probe, deployment.liveness_probe)
        )
        self._workers: dict[tuple[int, ProbeKind], ProbeWorker] = {}
        self._ticks_since_s: dict[int, float] = {}
        self._numbers = count()

    def sync_begins(self, pod: Pod) -> None:
        """The kubelet has a new pod: the ticks of its startup and liveness probes count from here."""
        self._ticks_since_s[pod.index] = self._world.now_s

    def adopt(self, container: Container) -> None:
        """Probe a container that has been ready since before the run; its ticks are at any phase."""
        pod, streams = container.pod, self._world.streams
        if self._readiness is not None:
            worker = self._worker(pod, self._readiness, "readiness")
            worker.outcome = "success"
            # Pods were started at different moments, so their ticks do not coincide.
            phase = streams.uniform(Purpose.STATUS_UPDATE, pod.entity, _ADOPTED_READINESS)
            self._probe_readiness(container, worker, phase * self._readiness.period_s, 0)
        self._ticks_since_s[pod.index] = -_HOUR_S * streams.uniform(Purpose.PROBE_PHASE, pod.entity)
        self._probe_liveness(container)

    def watch(self, container: Container) -> None:
        """Probe a container that the kubelet has just seen running; without probes its pod is ready now (rule P3)."""
        if self._startup is None:
            self._has_started(container)
            return
        worker = self._worker(container.pod, self._startup, "startup")
        since_s, tick = self._first_tick(container, self._startup)
        self._begin(container, worker, since_s, tick, partial(self._startup_is_over, container, worker))

    def _startup_is_over(self, container: Container, worker: ProbeWorker) -> bool:
        if worker.passed:
            self._has_started(container)
        else:
            self._on_unhealthy(container, "startup")
        return False

    def _has_started(self, container: Container) -> None:
        """Probe a container whose startup probe, if it has one, has passed."""
        pod = container.pod
        if self._readiness is None:
            self._api.set_ready(pod, ready=True)
        else:
            # A container that runs and is not ready is probed at once, whatever the tick (prober_manager.go).
            first_look_s = self._world.now_s - container.record.started_s
            worker = self._worker(pod, self._readiness, "readiness")
            tick = first_tick(self._readiness, first_look_s)
            self._probe_readiness(container, worker, container.record.started_s + first_look_s, tick)
        self._probe_liveness(container)

    def _begin(
        self, container: Container, worker: ProbeWorker, since_s: float, tick: int, on_change: Callable[[], bool]
    ) -> None:
        _Row(self._world.env, next(self._numbers), container, worker, since_s, tick, on_change)

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

    def _probe_liveness(self, container: Container) -> None:
        """Probe until the probe has failed, or the container is over; where there is such a probe."""
        if self._liveness is None:
            return
        worker = self._worker(container.pod, self._liveness, "liveness")
        since_s, tick = self._first_tick(container, self._liveness)
        self._begin(container, worker, since_s, tick, partial(self._has_failed, container))

    def _has_failed(self, container: Container) -> bool:
        if not container.pod.ending:
            self._on_unhealthy(container, "liveness")
        return False

    def _probe_readiness(self, container: Container, worker: ProbeWorker, first_look_s: float, tick: int) -> None:
        """Probe as long as the container lives and publish each change."""
        self._begin(container, worker, first_look_s, tick, partial(self._publish, container, worker))

    def _publish(self, container: Container, worker: ProbeWorker) -> bool:
        flaps = container.flapping_until_s > self._world.now_s
        self._api.set_ready(container.pod, ready=worker.passed, cause=container.pod.causes.flapping if flaps else 0)
        return True


class _Row:
    """The ticks of one probe of one container, of which only those that can change something are events.

    Between two events all results are equal, and too few to change what is published. They are counted when the next
    event comes, or what a probe finds changes: a listener opens or closes, the probe is made to fail, the queue grows.

    Args:
        number: Of the row, in order of beginning.
        worker: What is made of the results.
        since_s: When tick 0 is.
        tick: The first that probes.
        on_change: Called when what is published has changed, or the probe has failed for good; returns whether to
            probe on.
    """

    __slots__ = (
        "_clock",
        "_container",
        "_due",
        "_expected",
        "_first",
        "_first_place",
        "_last_s",
        "_on_change",
        "_rank",
        "_since_s",
        "_tick",
        "_upcoming",
        "_worker",
    )

    def __init__(
        self,
        clock: Clock,
        number: int,
        container: Container,
        worker: ProbeWorker,
        since_s: float,
        tick: int,
        on_change: Callable[[], bool],
    ) -> None:
        self._clock = clock
        self._container = container
        self._worker = worker
        self._since_s = since_s
        self._on_change = on_change
        self._tick = tick  # the next that is to be counted
        self._last_s = float(clock.now)  # when the one before was
        self._expected: ProbeResult = "success"
        self._first, self._first_place = tick, clock.place()
        # Of two rows with one period whose ticks coincide, that one comes first whose first common tick was waited for
        # earlier.
        first_s = self._at(tick, self._last_s)
        late = self._last_s > first_s - worker.spec.period_s
        self._rank = float(late), first_s if late else -first_s, self._last_s, float(number)
        self._upcoming = tick  # the tick of the next event
        self._due: _Due | None = None  # that event; None at rest
        container.watch(self)
        self._plan()

    # What it is told --------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Count what has been found so far, and look ahead anew."""
        self._count(including_now=self._clock.has_passed(Phase.STATUS))
        if self._over:
            self._due = None
            self._container.unwatch(self)
        else:
            self._plan()

    def filling(self, free_s: float) -> None:
        """Make an event of the next tick if that is going to find the queue too long."""
        if self._expected == "success" and not self._over:
            self._count(including_now=self._clock.has_passed(Phase.STATUS))
            at_s = self._at(self._tick, self._last_s)
            if free_s - at_s > self._worker.spec.timeout_s:
                self._set(self._tick, at_s, self._last_s)

    # What it does -----------------------------------------------------------------------------------------------

    def _look(self, due: "_Due") -> None:
        """Probe, if this is the event that is waited for."""
        if self._due is not due or self._over:
            return
        worker, (now_s, place) = self._worker, due
        worker.repeat(self._expected, self._upcoming - self._tick)
        self._tick, self._last_s, self._due = self._upcoming + 1, now_s, None
        if worker.on_result(self._finds(now_s)) or worker.on_hold:
            for other in self._container.watchers:
                if isinstance(other, _Row):
                    other._let_pass(place)
            if not self._on_change():
                self._container.unwatch(self)
                return
        self._plan()

    def _let_pass(self, place: Place) -> None:
        """Count a tick of this instant that is no event and comes before another row's: what follows may change it."""
        if not self._over and self._place(self._tick, self._last_s) < place:
            self._count(including_now=True)

    # Ticks ------------------------------------------------------------------------------------------------------

    @property
    def _over(self) -> bool:
        """Probes stop mattering once a pod is deleted: KIC never reads ``serving`` (rule D6)."""
        return self._container.dead or self._container.pod.deleted

    def _at(self, tick: int, last_s: float) -> float:
        """Return when a tick is for who waits for each in turn, the one before at ``last_s``: to the last bit."""
        return last_s + max(0.0, tick_s(self._since_s, self._worker.spec.period_s, tick) - last_s)

    def _place(self, tick: int, last_s: float) -> Place:
        """Return the place among events of a tick that is waited for since the one before it, at ``last_s``."""
        return self._first_place if tick == self._first else place_of(last_s, Phase.STATUS, self._rank)

    def _finds(self, at_s: float) -> ProbeResult:
        """A probe takes no slot of the traffic, but waits like a request in the queue as it is now (rule P4)."""
        container = self._container
        waits = container.queue_wait_s(at_s) <= self._worker.spec.timeout_s
        return "success" if container.listening and waits and container.flapping_until_s <= at_s else "failure"

    def _count(self, *, including_now: bool) -> None:
        """Count the ticks until now that were no events."""
        now_s, first = float(self._clock.now), self._tick
        while (at_s := self._at(self._tick, self._last_s)) < now_s or (including_now and at_s == now_s):
            self._tick, self._last_s = self._tick + 1, at_s
        self._worker.repeat(self._expected, self._tick - first)

    def _plan(self) -> None:
        """Have an event at the next tick that can change anything, if nothing else changes before."""
        container, tick, last_s = self._container, self._tick, self._last_s
        at_s = self._at(tick, last_s)
        self._expected = self._finds(at_s)
        until_s = inf
        if self._expected == "failure" and container.listening:
            # It passes again when it is no longer made to fail; a queue perhaps at the next tick.
            until_s = max(at_s, container.flapping_until_s)
        left = self._worker.results_until_change(self._expected)
        if left == until_s == inf:
            self._due = None
            return
        while left > 1 and at_s < until_s:
            tick, left, last_s = tick + 1, left - 1, at_s
            at_s = self._at(tick, last_s)
        self._set(tick, at_s, last_s)

    def _set(self, tick: int, at_s: float, last_s: float) -> None:
        due = at_s, self._place(tick, last_s)
        self._upcoming = tick
        if due != self._due:
            self._due = due
            call_on(self._clock, at_s, Phase.STATUS, partial(self._look, due), due[1])


_Due = tuple[float, Place]
"""When an event is, and its place among those of that instant."""


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
