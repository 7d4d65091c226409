"""One replication: puts the parts together, starts them, and runs the clock to the end."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice

from simsticky.kong.balancer import AlgorithmFactory
from simsticky.recording.events import UncoveredPath
from simsticky.recording.record import Recording
from simsticky.recording.recorder import Recorder
from simsticky.scenario.distributions import Law
from simsticky.scenario.model import Scenario
from simsticky.scenario.replicas import start_replicas
from simsticky.sim.clients.admission import Clients
from simsticky.sim.clients.paired import PairedRun, Skew, may_be_alone
from simsticky.sim.clients.past_picks import PastPicks
from simsticky.sim.clients.sends import Plane
from simsticky.sim.clients.tally import Tally
from simsticky.sim.clock import Clock, Phase, call_at
from simsticky.sim.control.api_server import ApiServer
from simsticky.sim.control.autoscaler import Autoscaler
from simsticky.sim.control.deployments import DeploymentController
from simsticky.sim.control.endpoints import EndpointSliceController
from simsticky.sim.control.ingress import IngressController
from simsticky.sim.control.kubelet import Kubelet
from simsticky.sim.control.pod_sets import PodSets
from simsticky.sim.control.pods import Pod
from simsticky.sim.control.stateful_sets import StatefulSetController
from simsticky.sim.control.workload_controller import WorkloadController
from simsticky.sim.gateway.cookies import Stranger
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.operations.cluster import Cluster
from simsticky.sim.operations.timeline import Timeline
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import SEQUENCE
from simsticky.sim.plane.ways import INTERPRETED, Engine
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.streams import Streams
from simsticky.sim.world import World
from simsticky.workload.columns import AliveBlock
from simsticky.workload.generate import Workload

_DAY_S = 86_400.0
_PASSED_ON_BY_S = 60.0
"""Time after the last operation's end at which no new sessions begin, though the nodes may not have heard of all."""


def _since_s(place: int) -> float:
    """Return since when the n-th pod that exists at 0 has been ready (rule P5)."""
    return -_DAY_S + 60.0 * min(place, 300)


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
        engine: What runs the data plane; Python, if it is not given.
        paired: Whether the load skew of the run without operations is going to be asked for.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        replication: int,
        window_s: tuple[float, float] | None = None,
        make_algorithm: AlgorithmFactory | None = None,
        engine: Engine | None = None,
        *,
        paired: bool = False,
    ) -> None:
        """Build every part; nothing happens before :meth:`run`."""
        self._scenario = scenario
        self.engine = engine or INTERPRETED
        self._window_s = window_s
        self._paired: PairedRun | None = None
        env = self._env = Clock()
        streams = Streams(seed, replication)
        acts = window_s is None and bool(scenario.operations or scenario.autoscaler)
        run, columns = scenario.run, Columns(self.engine)
        recorder = self._recorder = Recorder(run.record, run.settle, follows_evenness=acts, rows=columns.rows)
        recorder.measures_load_only = window_s is not None
        columns.write_moves_to(recorder.moves)
        world = self._world = World(env, scenario, streams, recorder, columns.rows, columns)
        self._workload = Workload(scenario, seed, replication)
        self._tally = Tally(world, self._is_sticky, guards_timeline=bool(scenario.timeline))
        self._sessions = Sessions(columns, recorder, self._tally.count)
        self._gateway = Gateway(world, self._sessions, self._workload, make_algorithm)
        self._clients = Clients(world, self._workload, self._gateway, self._sessions, on_idle=self._idle)
        env.sends = plane = Plane(env, columns, self._clients.serve)
        self._plane = plane
        browsers = self._gateway.browsers
        recorder.recording.uncovered = [UncoveredPath(browsers.cookie_path, path) for path in browsers.uncovered]
        self._api = ApiServer(world)
        self._pod_sets = PodSets(world, self._api, self._gateway)
        self._kubelet = Kubelet(world, self._api, self._gateway, self._pod_sets.publish)
        self.workloads = self._owners(scenario)
        self._ingress = IngressController(world, self._api, self._gateway, self._pod_sets)
        self._gateway.on_ready = self._ingress.configure
        self._slices = EndpointSliceController(world, self._api, self._ingress, list(self.workloads.values()))
        operations = scenario.operations if window_s is None else ()
        cluster = Cluster(world, self._api, self._kubelet, self.workloads, self._gateway, self._ingress, self._slices)
        self._timeline = Timeline(cluster, operations, self._sessions, self._operations_over)
        if paired and may_be_alone(scenario):
            self._timeline.on_first = self._pair
        self._autoscaler: Autoscaler | None = None
        if scenario.autoscaler is not None and window_s is None:
            first = next(iter(self.workloads.values()))
            scale = partial(self._timeline.scale_by_itself, first)
            self._autoscaler = Autoscaler(world, self._api, first, scenario.autoscaler, scale)
        self._end = env.event()
        self._until_drained = scenario.run.until == "drained" and bool(operations)

    def run(self, on_time: Callable[[float], None] | None = None) -> Recording:
        """Run to the end and return the recording; ``on_time`` is told the simulated time now and then, in seconds."""
        self._plane.on_time = on_time
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
            env.run(until=self._end)
        end_s = float(env.now)
        if self._window_s is not None or not scenario.timeline:
            recorder.mark_window(end_s)
        self._sessions.close(end_s, self._clients.is_over)
        self._tally.close()
        recording = recorder.finish(end_s)
        recording.control_events = env.scheduled
        recording.irregular_sends = self._clients.irregular.made
        recording.kernel_events = env.scheduled + self._world.columns.own.cells[SEQUENCE]
        recording.warnings = [*scenario.warnings, *self._workload.warnings]
        return recording

    # Start ------------------------------------------------------------------------------------------------------

    def _start_cluster(self) -> None:
        """Begin with all replicas ready since about a day, known to every node."""
        for workload in self.workloads.values():
            # A minute apart, so that ages differ but fall into one bucket of the deletion order.
            for place, pod in enumerate(workload.adopt(_since_s)):
                self._kubelet.adopt(pod, _since_s(place))
        self._slices.adopt()
        self._ingress.adopt(self._slices.backends())
        if self._autoscaler is not None:
            self._autoscaler.start()
        self._pod_sets.publish()

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
            new_pick=scenario.gateway.sticky_new_pick,
            held=scenario.traffic.connections.long_lived,
        )
        sessions = [Stranger(alive.first_session + at, jar) for at, jar in enumerate(clients.arrivals.jars(alive))]
        placed = picks.place(sessions, alive, clients.first_worker)
        clients.adopt(alive, placed, [session.visits for session in sessions])

    def _pair(self) -> None:
        """Keep what the run without operations goes on from."""
        now_s = self._world.now_s
        self._recorder.seal(now_s)
        self._sessions.purge(now_s)
        self._paired = PairedRun(self._world.columns, self._recorder, self._clients.arrivals, now_s)

    def paired_skew(self, end_s: float) -> Skew | None:
        """Return the load skew of the run without operations, from the first of them to a time.

        None where it has to be run from its start: more happens in it than the plane does alone.
        """
        if self._paired is None:
            return None
        with _collector_paused():
            return self._paired.skew(end_s)

    # What the parts tell each other -----------------------------------------------------------------------------

    def _owners(self, scenario: Scenario) -> dict[str, WorkloadController]:
        """Return the controllers of pods by name, the application's first."""
        deployment, world, api = scenario.deployment, self._world, self._api
        replicas = start_replicas(scenario)
        if deployment.kind == "StatefulSet":
            name = deployment.name
            return {name: StatefulSetController(world, api, name, replicas, scenario.app.startup)}
        cost = self._sessions_on if deployment.pod_deletion_cost == "liveSessions" else None
        sizes: list[tuple[str, int, Law | None]] = [(deployment.name, replicas, None)]
        sizes += [(other.name, other.replicas, other.startup) for other in scenario.companions]
        return {
            name: DeploymentController(world, api, number, name, size, startup or scenario.app.startup, cost)
            for number, (name, size, startup) in enumerate(sizes)
        }

    def _sessions_on(self, pod: Pod) -> int:
        """Count the live sessions whose state is on a pod (rule K14)."""
        container = pod.container
        return 0 if container is None else len(self._sessions.living_on(container, self._world.now_s))

    def _is_sticky(self, jar: bool) -> bool:
        return self._scenario.traffic.connections.long_lived or self._gateway.binds(jar=jar)

    def _operations_over(self) -> None:
        """Let no more sessions begin once all operations are over and every node has heard of it (rule O3)."""
        if self._until_drained:
            self._ingress.under_way.when_none(self._clients.close)
            call_at(self._env, _PASSED_ON_BY_S, Phase.COMPLETION, self._clients.close)

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
