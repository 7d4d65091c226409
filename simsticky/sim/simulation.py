"""One replication: puts the parts together, starts them, and runs the clock to the end."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import simpy

from simsticky.kong.cookie import path_match
from simsticky.scenario.model import Scenario
from simsticky.sim.clients import Clients
from simsticky.sim.cluster import Cluster
from simsticky.sim.controllers import DeploymentController, ReplicaSetController
from simsticky.sim.endpoints import EndpointSliceController, IngressController, publish_pod_sets
from simsticky.sim.gateway import AlgorithmFactory, Gateway
from simsticky.sim.kernel import Phase, call_at, run
from simsticky.sim.kubelet import Kubelet
from simsticky.sim.operations import Timeline
from simsticky.sim.past_picks import PastPicks
from simsticky.sim.pods import Pod
from simsticky.sim.recorder import Recorder
from simsticky.sim.recording import Recording
from simsticky.sim.sessions import Session, Sessions
from simsticky.sim.streams import Streams
from simsticky.sim.world import World
from simsticky.workload.columns import AliveBlock
from simsticky.workload.generate import Workload

_DAY_S = 86_400.0


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector: the run makes no garbage it is needed for, and it costs a third of the time.

    Sessions refer to themselves through their loops, which are closed when they end (``sessions.py``).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Simulation:
    """One replication of a scenario.

    Args:
        scenario: What is simulated.
        seed: Seed of the study.
        replication: Number of this replication.
        window_s: If given, load skew is measured from the first to the second time, and the run ends there.
        make_algorithm: Makes the algorithm of each balancer, instead of the scenario's.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        replication: int,
        window_s: tuple[float, float] | None = None,
        make_algorithm: AlgorithmFactory | None = None,
    ) -> None:
        """Build every part; nothing happens before :meth:`run`."""
        self._scenario = scenario
        self._window_s = window_s
        env = self._env = simpy.Environment()
        streams = Streams(seed, replication)
        recorder = self._recorder = Recorder(scenario.run.record, scenario.run.settle)
        world = self._world = World(env, scenario, streams, recorder)
        self._workload = Workload(scenario, seed, replication)
        policy = scenario.upstream
        self._sticky = policy.algorithm == "sticky-sessions" and make_algorithm is None
        cookie_path = policy.sticky_sessions.cookie_path if policy.sticky_sessions is not None else "/"
        sends_cookie = not self._sticky or path_match(scenario.traffic.path, cookie_path)
        threshold = policy.healthchecks.threshold if policy.healthchecks is not None else None
        self._sessions = Sessions(recorder, recorder.recording.operations)
        self._gateway = Gateway(
            scenario.gateway,
            sticky=self._sticky,
            drain_support=scenario.kic.enable_drain_support,
            external_state=scenario.app.state == "external",
            threshold=float(threshold or 0),
            clock=lambda: float(env.now),
            streams=streams,
            recorder=recorder,
            sessions=self._sessions,
            make_algorithm=make_algorithm,
        )
        self._clients = Clients(
            env,
            self._workload,
            self._gateway,
            self._sessions,
            recorder,
            streams,
            scenario,
            sticky=self._sticky,
            sends_cookie=sends_cookie,
            on_idle=self._idle,
        )
        if not sends_cookie:
            recorder.recording.warnings.append(
                f"the sticky cookie's path {cookie_path} does not cover the requested path "
                f"{scenario.traffic.path}: clients never send it back"
            )
        self._cluster = Cluster(world)
        self._kubelet = Kubelet(world, self._cluster, self._gateway, self._listeners_changed)
        self._deployment = DeploymentController(world, self._cluster, scenario.deployment)
        self._replica_sets = ReplicaSetController(
            world,
            self._cluster,
            scenario.deployment.min_ready_seconds,
            self._start_pod,
            self._delete_pod,
            self._deployment.wake,
        )
        self._ingress = IngressController(world, self._cluster, self._gateway)
        self._slices = EndpointSliceController(world, self._cluster, self._ingress)
        operations = scenario.timeline if window_s is None else ()
        self._timeline = Timeline(
            world,
            operations,
            self._cluster,
            self._deployment,
            self._gateway,
            self._sessions,
            self._delete_pod,
            self._operations_over,
        )
        self._end = env.event()
        self._until_drained = scenario.run.until == "drained" and bool(operations)

    def run(self) -> Recording:
        """Run to the end and return the recording."""
        scenario, env, recorder = self._scenario, self._env, self._recorder
        self._start_cluster()
        self._start_sessions()
        if self._window_s is not None:
            self._at(self._window_s[0], lambda: recorder.start_window(float(env.now)))
        elif not scenario.timeline:
            self._at(scenario.run.settle, lambda: recorder.start_window(float(env.now), in_flight=False))
        until = scenario.run.until
        stop_s = scenario.run.horizon if isinstance(until, str) else until
        if self._window_s is not None:
            stop_s = self._window_s[1]
        self._at(stop_s, self._stop)
        with _collector_paused():
            run(env, until=self._end)
        end_s = float(env.now)
        if self._window_s is not None or not scenario.timeline:
            recorder.mark_window(end_s)
        self._sessions.close(end_s)
        recording = recorder.finish(end_s)
        recording.kernel_events = next(env._eid)
        recording.control_events = recording.kernel_events - recorder.sends
        recording.warnings = [*scenario.warnings, *self._workload.warnings, *recording.warnings]
        return recording

    # Start ------------------------------------------------------------------------------------------------------

    def _start_cluster(self) -> None:
        """Begin with all replicas ready since about a day, known to every node."""
        name = self._deployment.adopt(self._replica_sets)
        for number in range(self._scenario.deployment.replicas):
            # A minute apart, so that ages differ but fall into one bucket of the deletion order.
            since_s = -_DAY_S + 60.0 * min(number, 300)
            pod = self._cluster.create_pod(name, self._deployment.spec.revision, 0, created_s=since_s)
            self._kubelet.adopt(pod, since_s)
            self._slices.adopt(pod)
        self._ingress.adopt(self._slices.slice)
        publish_pod_sets(self._world, self._cluster, self._gateway)

    def _start_sessions(self) -> None:
        alive = self._workload.alive()
        if alive is not None and len(alive):
            self._adopt_sessions(alive)
        self._clients.start()

    def _adopt_sessions(self, alive: AliveBlock) -> None:
        """Let the sessions alive at 0 go on where the pick rule has put them."""
        scenario, clients = self._scenario, self._clients
        sample = next(iter(islice(self._workload.arrivals(), 1)))
        picks = PastPicks(
            self._gateway,
            self._world.streams,
            self._workload.rate_at_zero,
            sample,
            sticky=self._sticky,
            new_pick=scenario.gateway.sticky_new_pick,
        )
        sessions = [
            Session(alive.first_session + index, clients.has_jar(alive, index), -alive.age_s[index])
            for index in range(len(alive))
        ]
        placed = picks.place(sessions, alive, clients.first_worker)
        for index, (session, container) in enumerate(zip(sessions, placed, strict=True)):
            if container is None:
                continue
            session.holder = container
            session.first_container = container.index
            if self._sticky and session.jar:
                session.cookie = container.pod.address
            self._recorder.residence.extend((0.0, container.index, 1.0))
            clients.adopt(session, alive, index)

    # What the parts tell each other -----------------------------------------------------------------------------

    def _start_pod(self, pod: Pod, revision: int) -> None:
        startup, never_ready = self._timeline.startup_of.get(revision, (self._scenario.app.startup, False))
        self._kubelet.start(pod, startup, never_ready)

    def _delete_pod(self, pod: Pod, cause: int) -> None:
        """Set the deletion timestamp: from here two paths run side by side, endpoints and kubelet (rule D1)."""
        pod.deleted = True
        pod.record.deleted_s = self._world.now_s
        pod.record.deleted_by = cause
        self._world.tell("replicaset", "deleted", pod.name, "gets its deletion timestamp", cause)
        self._timeline.pod_deleted(pod, cause)
        self._cluster.changed(pod)
        self._kubelet.terminate(pod)
        self._listeners_changed()

    def _listeners_changed(self) -> None:
        publish_pod_sets(self._world, self._cluster, self._gateway)

    def _operations_over(self) -> None:
        if self._until_drained:
            self._clients.close()

    def _idle(self) -> None:
        """No session sends any more: the run is over once the last request has ended, unless one is cut and retried."""
        left_s = max(0.0, self._sessions.last_end_s - self._world.now_s)
        self._at(self._world.now_s + left_s, self._stop_if_idle)

    def _stop_if_idle(self) -> None:
        if not self._sessions.sending and self._sessions.last_end_s <= self._world.now_s:
            self._stop()

    def _stop(self) -> None:
        if not self._end.triggered:
            self._end.succeed()

    def _at(self, at_s: float, action: Callable[[], None]) -> None:
        call_at(self._env, max(0.0, at_s - self._world.now_s), Phase.COMPLETION, action)
