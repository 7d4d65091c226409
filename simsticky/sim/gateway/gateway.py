"""The gateway: Kong nodes and their workers, the target tables, and what may be reached through them.

The hot path lives in ``session_loop.py``, the attempts of a request in ``attempts.py``, health checks in
``health_checks.py`` (docs/model.md, rules G, S and H).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count

from simsticky.kong.balancer import AlgorithmFactory
from simsticky.kong.upstream import Target
from simsticky.recording.events import Connections
from simsticky.recording.record import Origin
from simsticky.scenario.upstream_settings import checks, hash_on
from simsticky.sim.clients.connection import Closed
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.causes import Closing
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.gateway.affinity import AFFINITY, COOKIE, HASH, NONE
from simsticky.sim.gateway.balancers import Balancers
from simsticky.sim.gateway.breaks import Breaks
from simsticky.sim.gateway.cookies import Browsers
from simsticky.sim.gateway.exposures import Exposures
from simsticky.sim.gateway.health_checks import HealthCheckers
from simsticky.sim.gateway.nodes import Node, Worker
from simsticky.sim.gateway.proxy import Attempts
from simsticky.sim.gateway.slow_start import SlowStart
from simsticky.sim.gateway.tables import Led, Step, Tables
from simsticky.sim.plane.sessions import Cut, Session, Sessions
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World
from simsticky.workload.generate import Workload


class Gateway:
    """All nodes, and the containers behind the addresses.

    Args:
        make_algorithm: Makes the algorithm of each new balancer instead of the scenario's; it has no affinity.

    Attributes:
        affinity: What the algorithm binds sessions by.
        picks_counted: Whether the algorithm wants to hear of the end of each request.
        nodes: The nodes.
        one_worker: Whether all requests of a session go through the worker of its first.
        workers: The workers of all nodes.
        attempts: Sends requests the slow way.
        browsers: What clients bring and keep.
        exposures: Who is exposed to which operation.
        on_tables: Called when a table, a listener or a verdict has changed what may be reached.
        on_ready: Called with a node that has come back empty and wants its configuration.
    """

    def __init__(
        self, world: World, sessions: Sessions, workload: Workload, make_algorithm: AlgorithmFactory | None = None
    ) -> None:
        """Build the nodes and workers with empty tables."""
        scenario = world.scenario
        settings, policy = scenario.gateway, scenario.upstream
        self._world = world
        self._sessions = sessions
        # What clients bring follows from the scenario's upstream, whoever picks.
        self.affinity = AFFINITY.get(policy.algorithm, NONE)
        self.asks_each_time = make_algorithm is not None
        self._slow_start = SlowStart(world, settings.slow_start, self._rebuild_routes)
        # KIC lists targets by address, which is luck; a person who writes another proxy's file, in order of creation.
        self._by_age = settings.sticky_new_pick == "in_order" or settings.hash_method == "modulo"
        self._incremental = settings.sync == "incremental"
        self._blackhole = settings.connection == "blackhole"
        self._held = scenario.traffic.connections.long_lived
        self._balancers = Balancers(world, self._in_flight, make_algorithm)
        self._servers: dict[str, Container] = {}
        self._pods: dict[str, Pod] = {}
        self._versions = count(1)
        self.on_tables: Callable[[], None] = _nothing
        self.on_ready: Callable[[Node], None] = _nothing
        self.picks_counted = make_algorithm is not None or policy.algorithm in ("least-connections", "latency")
        self.nodes = [Node(index, f"kong-{index + 1}") for index in range(settings.nodes)]
        self.workers: list[Worker] = []
        for node in self.nodes:
            first = len(self.workers)
            node.workers = [Worker(first + i, node, logs=self.picks_counted) for i in range(settings.workers)]
            self.workers.extend(node.workers)
        for worker in self.workers:
            worker.begin(self._balancers.make(worker, ()))
        # One worker takes all requests of a session, unless each is balanced anew.
        self.one_worker = len(self.workers) == 1 or settings.front_balancer == "perConnection"
        self.browsers = Browsers(
            scenario,
            world.streams,
            self.affinity,
            hash_on(scenario),
            key_of=workload.key_of,
            asks_each_time=self.asks_each_time,
        )
        tables = None
        # An algorithm of one's own says which cookies it follows; whether a key leads anywhere, nobody knows.
        if self.affinity == COOKIE or (self.affinity == HASH and not self.asks_each_time):
            tables = Tables(self._balancers.of_the_past, by_cookie=self.affinity == COOKIE)
        self.exposures = Exposures(
            world,
            sessions,
            self.browsers,
            tables,
            nodes_of=self._nodes_of,
            identity=self._identity,
            by_cookie=self.affinity == COOKIE,
        )
        self._breaks = Breaks(
            world.recorder,
            self.exposures,
            affinity=self.affinity,
            drain_support=scenario.kic.enable_drain_support,
            external_state=scenario.app.state == "external",
            session_timeout_s=scenario.app.session_timeout,
            keeps_cookie_of_cut=settings.sticky_cookie_on_error_response,
            follows_draining=settings.sticky_on_weight_zero == "follow",
        )
        self._health = HealthCheckers(
            world,
            checks(scenario),
            servers=self._servers,
            pods=self._pods,
            vanished=self._vanished,
            on_verdict=self._verdict,
        )
        self.attempts = Attempts(
            scenario,
            self._balancers.options,
            self.affinity,
            breaks=self._breaks,
            exposures=self.exposures,
            browsers=self.browsers,
            health=self._health,
            streams=world.streams,
            servers=self._servers,
            vanished=self._vanished,
            identity=self._identity,
            stand_in=self._stand_in,
            behind_failure=self._behind_failure,
            asks_each_time=self.asks_each_time,
            stated_idempotent=workload.is_idempotent,
        )

    def _in_flight(self, address: str) -> int:
        container, now_s = self._servers.get(address), self._world.now_s
        if container is None:
            return 0
        return len(container.connections) + sum(end > now_s for end in container.ends)

    # Tables -----------------------------------------------------------------------------------------------------

    def apply(self, node: Node, targets: Iterable[Target], now_s: float, steps: Sequence[Step] = ()) -> None:
        """Apply a configuration push on one node: every worker builds a new balancer (facts: Kong, DB-less reload).

        Args:
            node: The node; one that is down has no use for it.
            targets: The whole table.
            now_s: The time.
            steps: The changes that have led to it from the table before, in order; none where it is the same.
        """
        if not node.up:
            return
        targets = self._named(targets)
        before, node.weights = node.weights, {target.address: target.weight for target in targets}
        if self._incremental and before == node.weights:
            return  # this upstream is none of what has changed (rule G3)
        node.log_until(now_s)
        node.targets = targets
        self._slow_start.listed(node, before, now_s)
        for worker in node.workers:
            worker.begin(self._balancers.make(worker, self._slow_start.weighed(node, now_s)))
        self._health.rebuild(node, targets, now_s)
        self._note_tables(node, targets, now_s, steps)
        self._rebuild_routes(node)

    def _named(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        """Return targets in the order of the wheel, with what a cookie for them names if not their address."""
        if self._by_age:
            targets = sorted(targets, key=lambda target: self._pods[target.address].index)
        if self._balancers.options.identity != "by_target_id":
            return tuple(targets)
        return tuple(Target(t.address, t.weight, self._identity(t.address)) for t in targets)

    def _note_tables(self, node: Node, targets: tuple[Target, ...], now_s: float, steps: Sequence[Step]) -> None:
        """Keep what a push has changed, change by change, each with the operation behind it."""
        unavailable = node.workers[0].balancer.unavailable
        for step in steps:
            listed = {target.address for target in step.targets}
            node.note(Led(now_s, step.operation, self._named(step.targets), unavailable & listed))
        node.note(Led(now_s, steps[-1].operation if steps else 0, targets, unavailable))

    def _rebuild_routes(self, node: Node) -> None:
        """Say anew which targets requests may take without ado; a key may lead elsewhere from now on."""
        balancer = node.workers[0].balancer
        node.routes.clear()
        if node.up:
            named = balancer.followable() if self.affinity == COOKIE else {a: a for a in node.weights}
            node.routes.update(
                {
                    name: self._servers[address]
                    for name, address in named.items()
                    if address in self._servers and self._servers[address].warm and address not in node.watched
                }
            )
        for worker in node.workers:
            worker.version = next(self._versions)

    def _verdict(self, node: Node, cause: int | None = None) -> None:
        """A health checker has counted something, or told the balancers of a node.

        Args:
            node: The node.
            cause: Number of the operation behind what it told them, 0 for none; None if it told them nothing.
        """
        if cause is not None:
            latest, unavailable = node.history[-1], node.workers[0].balancer.unavailable
            node.note(Led(self._world.now_s, cause, latest.targets, unavailable))
        self._rebuild_routes(node)
        self.on_tables()

    def _identity(self, address: str) -> str:
        """Return what a cookie for a target names (rule S8)."""
        return self._pods[address].uid if self._balancers.options.identity == "by_target_id" else address

    # Nodes ------------------------------------------------------------------------------------------------------

    def restart(self, name: str, downtime_s: float, now_s: float, cause: int) -> None:
        """Let a node go gracefully and come back empty: balancers, counters and health states are lost (rule G15).

        What it has in flight it finishes. It takes requests again once it has its configuration. One that is down
        already begins its downtime anew. ``cause`` is the number of the operation.
        """
        node = next(node for node in self.nodes if node.name == name)
        node.up = False
        node.restarts += 1
        restart = node.restarts
        self._health.forget(node)
        node.weights = {}
        node.causes.verdicts.clear()
        node.causes.down = cause
        node.targets = ()
        for worker in node.workers:
            worker.begin(self._balancers.make(worker, ()))
        self._rebuild_routes(node)
        self.on_tables()
        self._world.tell(name, "stopped", name, cause=cause)
        if self._held:
            self.close_connections(self._sessions.connected(now_s, node), cause, by_container=False)

        def started() -> None:
            if node.restarts == restart:
                self.on_ready(node)

        call_at(self._world.env, downtime_s, Phase.PUSH, started)

    def binds(self, session: Session) -> bool:
        """Return whether the algorithm leads a session's requests to one pod, by its cookie or its key."""
        if self.asks_each_time and not any(worker.balancer.followable() for worker in self.workers):
            return False
        return self.browsers.binds(session)

    def worker_of(self, session: int) -> Worker:
        """Return the worker that the front balancer gives a session's first request, uniform over all (rule G2)."""
        if len(self.workers) == 1:
            return self.workers[0]
        return self.workers[int(self._world.streams.uniform(Purpose.WORKER, session) * len(self.workers))]

    def _nodes_of(self, session: Session) -> list[Node]:
        """Return the nodes that the front balancer may give a session's next request."""
        if self.one_worker:
            own = self.worker_of(session.id).node
            if own.up:
                return [own]
        return [node for node in self.nodes if node.up]

    def _stand_in(self, session: Session) -> Worker | None:
        """Return the worker that the front balancer gives a session whose own worker's node is down (rule G15)."""
        held = session.stand_in
        if held is None or not held.node.up:
            workers = [worker for worker in self.workers if worker.node.up]
            if not workers:
                return None
            restarts = sum(node.restarts for node in self.nodes)
            draw = self._world.streams.uniform(Purpose.STAND_IN, session.id, restarts)
            held = session.stand_in = workers[int(draw * len(workers))]
        return held

    # Containers -------------------------------------------------------------------------------------------------

    def address_taken(self, pod: Pod) -> None:
        """Know whose an address is from now on."""
        self._pods[pod.address] = pod

    def listener_opened(self, container: Container) -> None:
        """Let requests through to a container that has begun to listen."""
        container.listening = True
        address = container.pod.address
        self._servers[address] = container
        for node in self.nodes:
            self._rebuild_routes(node)
        self._health.watch(container)
        container.tell_changed()

    def warmed_up(self, container: Container) -> None:
        """Let a container that works at full speed from now on be reached the fast way."""
        container.warm = True
        for node in self.nodes:
            self._rebuild_routes(node)

    def listener_closed(self, container: Container, now_s: float, because: Origin) -> None:
        """Refuse connections to a container from now on."""
        if not container.listening:
            return
        container.listening = False
        container.causes.closed = Closing(now_s, because, container.cause)
        if self._servers.get(container.pod.address) is container:
            del self._servers[container.pod.address]
        for node in self.nodes:
            self._rebuild_routes(node)
        container.tell_changed()

    def _vanished(self, address: str) -> bool:
        """Return whether nobody answers a connection to an address, not even by refusing it (rule G7)."""
        pod = self._pods.get(address)
        if pod is None:
            return self._blackhole
        gone = (pod.deleted or pod.ending) and (pod.container is None or pod.container.dead)
        return pod.unreachable or (self._blackhole and gone)

    def _behind_failure(self, node: Node, address: str | None) -> int:
        """Return the operation by which nobody is at an address, or a node has no target (None); else 0 (rule R3)."""
        if address is not None:
            pod = self._pods[address]
            if pod.to_listen and self._world.now_s >= self._world.recorder.settle_s:
                self._world.recorder.count("failed_before_listening")
            return pod.causes.silence
        emptied = node.history[-1]
        for led in reversed(node.history):
            if any(target.weight and target.address not in led.unavailable for target in led.targets):
                break
            emptied = led
        return emptied.operation

    def server_at(self, address: str | None) -> Container | None:
        """Return the container that listens at an address, None if nobody does."""
        return self._servers.get(address) if address is not None else None

    def give_cookie(self, session: Session, container: Container) -> None:
        """Let a session alive at 0 hold the cookie that brought it to its container."""
        if self.affinity == COOKIE and session.jar:
            session.cookie = self._identity(container.pod.address)
        elif self.affinity == HASH and session.jar:
            session.cookie = session.key

    def listed(self, address: str) -> bool:
        """Whether any node lists the address."""
        return any(address in node.weights for node in self.nodes)

    def takes_new(self, address: str) -> bool:
        """Whether any node gives the address new sessions."""
        return any(
            node.weights.get(address, 0) > 0 and node.workers[0].balancer.is_available(address) for node in self.nodes
        )

    # A container dies -------------------------------------------------------------------------------------------

    def cut(self, container: Container, now_s: float, *, silent: bool = False) -> None:
        """End the requests in flight on a container that dies now, and its connections, and tell their sessions.

        Args:
            container: The container.
            now_s: The time.
            silent: Whether its machine went with it: nobody is left to reset what is in flight (rule N6).
        """
        cause, held = container.cause, list(container.connections.values())
        if held:
            self._world.tell("clients", "cut_off", container.pod.name, Connections(len(held)), cause)
        goes_on = self._waits_in_vain if silent else self._is_sent_again
        for number, request, sent_again in self._world.recorder.cut(now_s, container.index, cause, goes_on):
            session = self._sessions[number]
            self._breaks.undo(session, request, now_s)
            if not sent_again:
                session.failed += 1
            session.loop_of(request).throw(Cut(request, container, again=sent_again, silent=silent))
        for session in held:
            if session.id in container.connections:
                session.loop.throw(Cut(-1, container, again=False, silent=silent))

    def _is_sent_again(self, session: int, request: int, attempts: int) -> bool:
        """Return whether a request that a dying container has cut is sent again (rule G9); no message is (rule V4)."""
        sender = self._sessions[session]
        return sender.connection is None and self.attempts.is_sent_again(sender, request, attempts)

    def _waits_in_vain(self, session: int, *_: int) -> bool:
        """Whether a request to a machine that is gone has not ended yet; messages go with their connection, at once."""
        return self._sessions[session].connection is None

    # Long-lived connections -------------------------------------------------------------------------------------

    def close_connections(
        self, held: Iterable[Session], cause: int, *, by_container: bool, over_s: float = 0.0
    ) -> None:
        """Close connections from the other side, each after the message under way.

        Args:
            held: The sessions, all connected.
            cause: Number of the operation behind it, 0 if none.
            by_container: Whether their container does, and not a node.
            over_s: Over which time, each at a moment drawn uniformly.
        """
        for session in held:
            after_s = over_s * self._world.streams.uniform(Purpose.CONNECTION_CLOSE, session.id) if over_s else 0.0
            close = partial(_close, session, session.connection, Closed(cause, by_container=by_container))
            call_at(self._world.env, after_s, Phase.CONTAINER, close)

    def undo(self, session: Session, request: int, now_s: float) -> None:
        """Take back what a request did to its session that has not been answered when the run ends."""
        self._breaks.undo(session, request, now_s)


def _close(session: Session, connection: object, closed: Closed) -> None:
    """Close a connection, unless the session has lost it, or left, by now."""
    if session.connection is connection:
        session.loop.throw(closed)


def _nothing(*_: object) -> None:
    """Nobody wants to know."""
