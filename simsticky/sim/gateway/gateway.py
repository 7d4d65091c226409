"""The gateway: Kong's nodes, their target tables, and what may be reached through them (docs/model.md, rules G).

What a request meets is in ``proxy.py``, which worker it goes through in ``front.py``, who is behind an address in
``addresses.py``; the hot path is ``plane/loop.py``.
"""

from collections.abc import Callable, Iterable, Sequence

from simsticky.kic.translation import Changed
from simsticky.kong.balancer import AlgorithmFactory
from simsticky.kong.upstream import Target
from simsticky.recording.record import Origin
from simsticky.scenario.upstream_settings import checks
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.causes import Closing
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.gateway.addresses import Addresses
from simsticky.sim.gateway.affinity import AFFINITY, COOKIE, HASH, NONE
from simsticky.sim.gateway.balancers import Balancers
from simsticky.sim.gateway.breaks import Breaks
from simsticky.sim.gateway.cookies import Browsers, no_key
from simsticky.sim.gateway.cuts import Cuts
from simsticky.sim.gateway.exposures import Exposures
from simsticky.sim.gateway.front import FrontBalancer
from simsticky.sim.gateway.health_checks import HealthCheckers
from simsticky.sim.gateway.log_phase import LogPhase
from simsticky.sim.gateway.nodes import Node, Worker
from simsticky.sim.gateway.plane_rules import tell_rules
from simsticky.sim.gateway.proxy import Attempts
from simsticky.sim.gateway.reach import Reach
from simsticky.sim.gateway.retries import Retries
from simsticky.sim.gateway.slow_start import SlowStart
from simsticky.sim.gateway.tables import Led, Step, Table, Tables
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import Session
from simsticky.sim.world import World
from simsticky.workload.generate import Workload


class Gateway:
    """All nodes, and what stands before and behind them.

    Args:
        make_algorithm: Makes the algorithm of each new balancer instead of the scenario's; it has no affinity.

    Attributes:
        affinity: What the algorithm binds sessions by.
        asks_each_time: Whether the algorithm is one's own, which is handed each request.
        picks_counted: Whether the algorithm wants to hear of the end of each request.
        nodes: The nodes.
        workers: The workers of all nodes.
        front: Gives sessions their workers.
        addresses: Knows who is behind an address.
        attempts: Sends requests the slow way.
        cuts: Ends what is in flight on a container.
        browsers: What clients bring and keep.
        exposures: Who is exposed to which operation.
        reach: Knows which addresses the nodes list, and which they give new sessions.
        on_tables: Called when a table, a listener or a verdict has changed what may be reached.
        on_reach: Called with a pod when its container, or whether a node leads there, may be another.
        on_ready: Called with a node that has come back empty and wants its configuration.
    """

    def __init__(
        self, world: World, sessions: Sessions, workload: Workload, make_algorithm: AlgorithmFactory | None = None
    ) -> None:
        settings, algorithm = world.scenario.gateway, world.scenario.upstream.algorithm
        self._world = world
        self.columns = world.columns
        self._sessions = sessions
        # What clients bring follows from the scenario's upstream, whoever picks.
        self.affinity = AFFINITY.get(algorithm, NONE)
        self.asks_each_time = make_algorithm is not None
        self.picks_counted = self.asks_each_time or algorithm in ("least-connections", "latency")
        self._incremental = settings.sync == "incremental"
        # KIC lists targets by address, which is luck; a person who writes another proxy's file, in order of creation.
        self._by_age = settings.sticky_new_pick == "in_order" or settings.hash_method == "modulo"
        # Whose an address is then is said when a table comes, for later it may be somebody else's.
        names = self._by_age or settings.sticky_identity == "by_target_id"
        self._renames = names and world.scenario.kubernetes.pod_addresses == "reuse"
        self._pushed: tuple[Table, tuple[Target, ...]] | None = None
        self._held = world.scenario.traffic.connections.long_lived
        self._slow_start = SlowStart(world, settings.slow_start, self._rebuild_routes)
        self.reach = Reach()
        self.on_tables: Callable[[], None] = _nothing
        self.on_reach: Callable[[Pod], None] = _nothing
        self.on_ready: Callable[[Node], None] = _nothing
        self.addresses = Addresses(world)
        self._balancers = Balancers(world, self.addresses, make_algorithm)
        self.log = LogPhase(world)
        self.nodes = self._make_nodes(settings.nodes, settings.workers)
        self.front = FrontBalancer(world, self.nodes)
        self.workers = self.front.workers
        self.browsers = Browsers(
            world, workload.key_of if workload.states_keys else no_key, asks_each_time=self.asks_each_time
        )
        self.exposures = Exposures(world, sessions, self.browsers, self.front, self.addresses, self._past_tables())
        breaks, retries = Breaks(world, self.exposures), Retries(world, workload)
        self._breaks = breaks
        self._health = HealthCheckers(world, checks(world.scenario), self.addresses, self._verdict)
        self.attempts = Attempts(world, self.front, self.addresses, self.browsers, breaks, self._health, retries)
        self.cuts = Cuts(world, sessions, retries)
        sessions.on_known = self.browsers.introduce
        tell_rules(
            world,
            self.affinity,
            asks_each_time=self.asks_each_time,
            endless=workload.endless,
            closed=bool(workload.population),
        )

    def _make_nodes(self, number: int, workers: int) -> list[Node]:
        nodes = [Node(index, f"kong-{index + 1}") for index in range(number)]
        self.columns.have_nodes(number)
        for node in nodes:
            first = node.index * workers
            node.workers = [
                Worker(first + i, node, self.columns, self.log, logs=self.picks_counted) for i in range(workers)
            ]
        for node in nodes:
            for worker in node.workers:
                worker.begin(self._balancers.make(worker, ()))
        return nodes

    def _past_tables(self) -> Tables | None:
        """Return what reads the tables of the past, where something leads sessions by them."""
        # An algorithm of one's own says which cookies it follows; whether a key leads anywhere, nobody knows.
        if self.affinity == COOKIE or (self.affinity == HASH and not self.asks_each_time):
            named = tuple if self._renames else self._named
            return Tables(
                self._balancers.of_the_past,
                named,
                by_cookie=self.affinity == COOKIE,
                open_if_available=self._balancers.open_if_available,
            )
        return None

    # Tables -----------------------------------------------------------------------------------------------------

    def apply(self, node: Node, table: Table, now_s: float, steps: Sequence[Step] = ()) -> None:
        """Apply a configuration push on one node: every worker builds a new balancer (facts: Kong, DB-less reload).

        Args:
            node: The node; one that is down has no use for it.
            table: The whole table.
            now_s: The time.
            steps: The changes that have led to it from the table before, in order; none where it is the same.
        """
        if not node.up:
            return
        targets = self._targets_of(table)
        before, node.weights = node.weights, {target.address: target.weight for target in targets}
        if self._incremental and before == node.weights:
            return  # this upstream is none of what has changed (rule G3)
        node.log_until(now_s)
        node.targets = targets
        self._slow_start.listed(node, before, now_s)
        for worker in node.workers:
            worker.begin(self._balancers.make(worker, self._slow_start.weighed(node, now_s)))
        self._health.rebuild(node, targets, now_s)
        self._note_tables(node, table, now_s, steps)
        self._rebuild_routes(node)
        self._look(node)

    def _targets_of(self, table: Table) -> tuple[Target, ...]:
        """Return the targets of a push, which are the same on every node."""
        if self._pushed is None or self._pushed[0] is not table or self._renames:
            self._pushed = table, self._named(table.targets)
        return self._pushed[1]

    def _named(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        """Return targets in the order of the wheel, with what a cookie for them names if not their address."""
        if self._by_age:
            targets = sorted(targets, key=lambda target: self.addresses.pods[target.address].index)
        if not self.addresses.by_uid:
            return tuple(targets)
        return tuple(Target(t.address, t.weight, self.addresses.identity(t.address)) for t in targets)

    def _note_tables(self, node: Node, table: Table, now_s: float, steps: Sequence[Step]) -> None:
        """Keep what a push has changed, change by change, each with the operation behind it."""
        listed = unavailable = node.workers[0].balancer.unavailable
        led = [Led(now_s, steps[-1].operation if steps else 0, table, unavailable)]
        for step in reversed(steps):
            led.append(Led(now_s, step.operation, step.table, listed, step.changed))
            listed = _listed_before(step.changed, listed, unavailable) if unavailable else listed
        for each in reversed(led):
            node.history.note(each._replace(table=Table(self._named(each.table.targets))) if self._renames else each)

    def _rebuild_routes(self, node: Node) -> None:
        """Say anew which targets requests may take without ado; a key may lead elsewhere from now on."""
        servers, watched = self.addresses.servers, node.watched
        node.leads = self._leads(node) if node.up else {}
        before, node.routes = (
            node.routes,
            {
                number: servers[address].index
                for address, numbers in node.leads.items()
                if address in servers and address not in watched
                for number in numbers
            },
        )
        self.columns.set_routes(node.index, before, node.routes)
        for worker in node.workers:
            worker.show()

    def _leads(self, node: Node) -> dict[str, tuple[int, ...]]:
        """Return the numbers of the names that lead to each target of a node."""
        numbers_of, by_cookie = self.columns.numbers_of, self.affinity == COOKIE
        leads: dict[str, tuple[int, ...]] = {}
        if not by_cookie or self.addresses.by_uid:
            # A new session is given an address, which no cookie names.
            leads = {address: (number,) for address, number in zip(node.weights, numbers_of(node.weights), strict=True)}
        if by_cookie:
            named = node.workers[0].balancer.followable()
            for address, number in zip(named.values(), numbers_of(named), strict=True):
                leads[address] = (*leads.get(address, ()), number)
        return leads

    def _reroute(self, node: Node, address: str) -> None:
        """Say anew whether requests may take one target without ado: what leads there is as it was."""
        container = self.addresses.servers.get(address)
        index = -1 if container is None or address in node.watched else container.index
        for number in node.leads.get(address, ()):
            self.columns.set_route(node.index, number, index)
            node.routes[number] = index

    def _verdict(self, node: Node, address: str, cause: int | None = None) -> None:
        """A health checker has counted something, or told the balancers of a node.

        Args:
            node: The node.
            address: The target that it is about.
            cause: Number of the operation behind what it told them, 0 for none; None if it told them nothing.
        """
        if cause is None:
            self._reroute(node, address)
        else:
            latest, unavailable = node.history.led[-1], node.workers[0].balancer.unavailable
            node.history.note(Led(self._world.now_s, cause, latest.table, unavailable))
            self._rebuild_routes(node)
            self._look(node)
        self.on_tables()

    def _look(self, node: Node) -> None:
        """Tell whose pods a node lists, or gives new sessions, that it did not before, or the other way round."""
        for address in self.reach.look(node):
            if address in self.addresses.pods:
                self.on_reach(self.addresses.pods[address])

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
        self._look(node)
        self.on_tables()
        self._world.tell(name, "stopped", name, cause=cause)
        if self._held:
            self.cuts.close(self._sessions.connected(now_s, node), cause, by_container=False)

        def started() -> None:
            if node.restarts == restart:
                self.on_ready(node)

        call_at(self._world.env, downtime_s, Phase.PUSH, started)

    def binds(self, *, jar: bool) -> bool:
        """Return whether the algorithm leads the requests of a session, with a jar or without, to one pod."""
        if self.asks_each_time and not any(worker.balancer.followable() for worker in self.workers):
            return False
        return self.browsers.binds(jar=jar)

    # Containers -------------------------------------------------------------------------------------------------

    def address_taken(self, pod: Pod) -> None:
        """Know whose an address is from now on."""
        self.addresses.pods[pod.address] = pod
        number = self.columns.number_of(pod.address)
        self.columns.identities.cells[number] = self.columns.number_of(self.addresses.identity(pod.address))

    def listener_opened(self, container: Container) -> None:
        """Let requests through to a container that has begun to listen."""
        container.listening = True
        address = container.pod.address
        self.addresses.servers[address] = container
        for node in self.nodes:
            self._reroute(node, address)
        self.on_reach(container.pod)
        self._health.watch(container)
        container.tell_changed()

    def warmed_up(self, container: Container) -> None:
        """Let a container work at full speed from now on."""
        container.warm = True

    def container_made(self, container: Container) -> None:
        """Know a container, by its number."""
        self._sessions.containers.append(container)
        self.on_reach(container.pod)

    def container_died(self, container: Container) -> None:
        """Know that a container is dead."""
        container.dead = True
        self.on_reach(container.pod)

    def listener_closed(self, container: Container, now_s: float, because: Origin) -> None:
        """Refuse connections to a container from now on."""
        if not container.listening:
            return
        container.listening = False
        container.causes.closed = Closing(now_s, because, container.cause)
        servers, address = self.addresses.servers, container.pod.address
        if servers.get(address) is container:
            del servers[address]
        for node in self.nodes:
            self._reroute(node, address)
        self.on_reach(container.pod)
        container.tell_changed()

    def cookie_for(self, container: Container) -> int:
        """Return the number of what the cookie names that brings a session to a container; -1 where cookies do not."""
        if self.affinity != COOKIE:
            return -1
        return self.columns.number_of(self.addresses.identity(container.pod.address))

    def undo(self, session: Session, request: int, now_s: float) -> None:
        """Take back what a request did to its session that has not been answered when the run ends."""
        self._breaks.undo(session, request, now_s)


def _listed_before(changed: Changed, listed: frozenset[str], among: frozenset[str]) -> frozenset[str]:
    """Return which of some addresses were listed before a change, given those that were afterwards."""
    came = {address for address, (before, _) in changed.items() if before is None}
    went = {address for address, (before, after) in changed.items() if before is not None and after is None}
    return (listed - came) | (went & among)


def _nothing(*_: object) -> None:
    """Nobody wants to know."""
