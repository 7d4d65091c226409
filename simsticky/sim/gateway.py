"""The gateway: Kong nodes and their workers, and the slow path of a request.

The fast path lives in ``clients.py``: a sticky request whose cookie names a listening container that holds its
session's state is one dictionary look-up. Everything else comes here: new picks, refused connections and further
attempts, state that is not where the request goes, cookies (docs/model.md, rules G, S and B).
"""

from collections.abc import Callable, Iterable
from heapq import heapreplace
from itertools import count

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.algorithms.sticky_sessions import StickyOptions, StickySessions, response_cookie
from simsticky.kong.balancer import Algorithm, Balancer, Handle, NoPeerError
from simsticky.kong.retries import max_attempts
from simsticky.kong.upstream import Target
from simsticky.scenario.model import Gateway as GatewaySettings
from simsticky.scenario.model import WarmUp
from simsticky.sim.pods import Container
from simsticky.sim.recorder import Recorder
from simsticky.sim.recording import Kind, Mechanism, Origin, Outcome, pack
from simsticky.sim.sessions import Cut, Session, Sessions
from simsticky.sim.streams import Purpose, Streams

INFINITY = float("inf")
_DRAWS_PER_SHUFFLE = 1 << 20
"""Room for the draws of one wheel's shuffle, so that the next rebuild has draws of its own."""

_NOT_BROKEN = (Mechanism.NONE, Kind.NONE, Origin.NONE, 0)


Reply = tuple[float, float, int, float, bool]
"""What became of one request: when its service started, when its client has the answer, the container's number (-1:
none), its code in the recording, and whether it failed."""


class Node:
    """One Kong node: its target table, shared by its workers.

    Attributes:
        routes: Listening container by address, for the targets of the table a cookie may follow.
        weights: Weight of every listed target by address.
        removed_s: When a target that was listed left the table, by address.
    """

    __slots__ = ("index", "name", "removed_s", "routes", "weights", "workers")

    def __init__(self, index: int, name: str) -> None:
        """Make a node with an empty table."""
        self.index = index
        self.name = name
        self.routes: dict[str | None, Container] = {}
        self.weights: dict[str, int] = {}
        self.removed_s: dict[str, float] = {}
        self.workers: list[Worker] = []


class Worker:
    """One worker process of a node: its own balancer, rebuilt at every push."""

    __slots__ = ("balancer", "index", "node", "ok_code", "rebuilds", "routes")
    balancer: Balancer

    def __init__(self, index: int, node: Node) -> None:
        """Make a worker without a balancer; the first push brings one."""
        self.index = index
        self.node = node
        self.routes = node.routes
        self.ok_code = float(pack(node.index))
        self.rebuilds = 0

    def next_peer(self) -> str | None:
        """Return the target of a request that brings nothing, None where the balancer has none to name."""
        try:
            return self.balancer.next_peer()
        except NoPeerError:
            return None


class Gateway:
    """All nodes, the containers behind the addresses, and the slow path.

    Args:
        settings: The scenario's gateway.
        sticky: Whether the upstream's algorithm is sticky-sessions.
        drain_support: KIC's drain support, which decides what a removal means for a session.
        external_state: Whether sessions keep their state outside the pods.
        warm_up: How containers come up to speed, None for at once.
        threshold: ``healthchecks.threshold``, in percent.
        clock: Returns the simulated time.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        sticky: bool,
        drain_support: bool,
        external_state: bool,
        warm_up: WarmUp | None,
        threshold: float,
        clock: Callable[[], float],
        streams: Streams,
        recorder: Recorder,
        sessions: Sessions,
    ) -> None:
        """Build the nodes and workers with empty tables."""
        self._sticky = sticky
        self._options = StickyOptions(
            new_pick=settings.sticky_new_pick,
            on_unhealthy=settings.sticky_on_unhealthy,
            when_total_weight_zero=settings.sticky_when_total_weight_zero,
            retry=settings.sticky_retry,
            cookie_on_retry=settings.cookie_on_retry,
            set_cookie=settings.sticky_set_cookie,
            cookie_on_error_response=settings.sticky_cookie_on_error_response,
        )
        self._random_picks = sticky and settings.sticky_new_pick == "random"
        self._retries = settings.retries
        self._read_timeout_s = settings.read_timeout
        self._drain_support = drain_support
        self._external = external_state
        self._warm_up = warm_up
        self._threshold = threshold
        self._clock = clock
        self._streams = streams
        self._recorder = recorder
        self._sessions = sessions
        self._servers: dict[str, Container] = {}
        self.latest_operation = 0
        self.nodes = [Node(index, f"kong-{index + 1}") for index in range(settings.nodes)]
        self.workers: list[Worker] = []
        for node in self.nodes:
            node.workers = [Worker(len(self.workers) + index, node) for index in range(settings.workers)]
            self.workers.extend(node.workers)
        for worker in self.workers:
            worker.balancer = self._balancer(worker, ())

    # Tables -----------------------------------------------------------------------------------------------------

    def apply(self, node: Node, targets: Iterable[Target], now_s: float) -> None:
        """Apply a configuration push on one node: every worker builds a new balancer (facts: Kong, DB-less reload)."""
        targets = tuple(targets)
        before, node.weights = node.weights, {target.address: target.weight for target in targets}
        for address in before:
            if address not in node.weights:
                node.removed_s[address] = now_s
        for address in node.weights:
            node.removed_s.pop(address, None)
        for worker in node.workers:
            worker.balancer = self._balancer(worker, targets)
            worker.rebuilds += 1
        self._rebuild_routes(node)

    def _balancer(self, worker: Worker, targets: tuple[Target, ...]) -> Balancer:
        draws = count(worker.rebuilds * _DRAWS_PER_SHUFFLE)

        def draw(upto: int) -> int:
            return 1 + int(self._streams.uniform(Purpose.SHUFFLE, worker.index, next(draws)) * upto)

        algorithm: Algorithm
        if self._sticky:
            algorithm = StickySessions(self._options, draw=draw, in_flight=self._in_flight)
        else:
            algorithm = RoundRobin(draw)
        return Balancer(targets, algorithm, self._threshold)

    def _in_flight(self, address: str) -> int:
        container, now_s = self._servers.get(address), self._clock()
        return 0 if container is None else sum(end > now_s for end in container.ends)

    def _rebuild_routes(self, node: Node) -> None:
        balancer = node.workers[0].balancer
        addresses: Iterable[str] = balancer.followable() if self._sticky else node.weights
        node.routes.clear()
        node.routes.update({a: self._servers[a] for a in addresses if a in self._servers and self._servers[a].warm})

    def listener_opened(self, container: Container) -> None:
        """Let requests through to a container that has begun to listen."""
        container.listening = True
        self._servers[container.pod.address] = container
        for node in self.nodes:
            self._rebuild_routes(node)

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
        container.closed_s = now_s
        container.closed_because = because
        if self._servers.get(container.pod.address) is container:
            del self._servers[container.pod.address]
        for node in self.nodes:
            node.routes.pop(container.pod.address, None)

    def listed(self, address: str) -> bool:
        """Whether any node lists the address."""
        return any(address in node.weights for node in self.nodes)

    def takes_new(self, address: str) -> bool:
        """Whether any node gives the address new sessions."""
        return any(node.weights.get(address, 0) > 0 for node in self.nodes)

    # The slow path ----------------------------------------------------------------------------------------------

    def send(
        self,
        session: Session,
        worker: Worker,
        now_s: float,
        demand_s: float,
        expires_s: float,
        first: str | None,
    ) -> Reply:
        """Send one request the slow way: pick, connect, try again, serve, and see whether the session broke.

        Args:
            session: Whose request it is.
            worker: The worker that took it.
            now_s: When it was sent.
            demand_s: Its service demand.
            expires_s: Until when the session's holder remembers it.
            first: The target already chosen for the first attempt (algorithms without affinity), or None.
        """
        session.before = session.remember()
        if first is None and session.cookie is None and not self._random_picks:
            first = worker.next_peer()
        container = self._servers.get(first) if first is not None else None
        if first is not None and container is not None:
            return self._serve(session, worker, container, now_s, demand_s, expires_s, [first])
        return self._try(session, worker, now_s, demand_s, expires_s, first)

    def _try(
        self, session: Session, worker: Worker, now_s: float, demand_s: float, expires_s: float, refused: str | None
    ) -> Reply:
        """Make attempts until one is answered, no target is left, or ``retries`` are used up."""
        handle = Handle(key=session.cookie, address=refused)
        if self._random_picks:
            session.picks += 1
            handle.u = self._streams.uniform(Purpose.PICK, session.id, session.picks)
        tried = [] if refused is None else [refused]
        while len(tried) < max_attempts(self._retries):
            try:
                address = worker.balancer.get_peer(handle)
            except NoPeerError:
                return self._fail(session, worker, now_s, Outcome.NO_TARGET, tried)
            tried.append(address)
            container = self._servers.get(address)
            if container is not None:
                return self._serve(session, worker, container, now_s, demand_s, expires_s, tried)
        return self._fail(session, worker, now_s, Outcome.BAD_GATEWAY, tried)

    def _serve(
        self,
        session: Session,
        worker: Worker,
        container: Container,
        now_s: float,
        demand_s: float,
        expires_s: float,
        tried: list[str],
    ) -> Reply:
        free_s = container.ends[0]
        started_s = free_s if free_s > now_s else now_s
        ended_s = started_s + demand_s * container.slowdown(now_s, self._warm_up)
        heapreplace(container.ends, ended_s)
        presented = session.cookie
        if ended_s - now_s > self._read_timeout_s:
            self._set_cookie(session, tried, gateway_error=True)
            session.failed += 1
            late = pack(worker.node.index, len(tried), Outcome.TIMED_OUT, cause=container.pod.record.deleted_by)
            gave_up_s = now_s + self._read_timeout_s
            return min(started_s, gave_up_s), gave_up_s, container.index, late, True
        self._set_cookie(session, tried, gateway_error=False)
        broken = self._settle_state(session, worker, container, now_s, expires_s, tried, presented)
        code: float = worker.ok_code
        if broken is not _NOT_BROKEN or len(tried) > 1:
            code = pack(worker.node.index, len(tried), Outcome.ANSWERED, *broken)
        return started_s, ended_s, container.index, code, False

    def _fail(self, session: Session, worker: Worker, now_s: float, outcome: Outcome, tried: list[str]) -> Reply:
        """Fail at once: no target (503) or every attempt refused (502); a failed request moves no state."""
        session.failed += 1
        if tried:
            self._set_cookie(session, tried, gateway_error=True)
        holder = session.holder
        cause = holder.pod.record.deleted_by if holder is not None else 0
        code = pack(worker.node.index, max(1, len(tried)), outcome, cause=cause or self.latest_operation)
        return now_s, now_s, -1, code, True

    def _set_cookie(self, session: Session, tried: list[str], *, gateway_error: bool) -> None:
        """Let the client's jar take the cookie of the response, if it has a jar and there is a cookie."""
        if self._sticky and session.jar:
            cookie = response_cookie(self._options, session.cookie, tried[0], tried[-1], gateway_error)
            session.cookie = session.cookie if cookie is None else cookie

    # State and breaks -------------------------------------------------------------------------------------------

    def _settle_state(
        self,
        session: Session,
        worker: Worker,
        container: Container,
        now_s: float,
        expires_s: float,
        tried: list[str],
        presented: str | None,
    ) -> tuple[Mechanism, Kind, Origin, int]:
        """Let the session's state be where its request is answered; say how and why it broke, if it did (rules B)."""
        holder = session.holder
        if holder is None:
            session.holder = container
            session.first_container = container.index
            if container.pod.deleted:
                session.born_terminating = container.pod.record.deleted_by
            container.take_in(now_s)
            self._recorder.residence.extend((now_s, container.index, 1.0))
            return _NOT_BROKEN
        if holder is container and (now_s <= expires_s or self._external):
            return _NOT_BROKEN
        past = session.past or {}
        kept_here = past.get(container, -INFINITY) >= now_s
        session.past = {**past, holder: expires_s}
        session.holder = container
        if holder is not container:
            holder.let_go(now_s)
            container.take_in(now_s)
        self._recorder.residence.extend((now_s, holder.index, -1.0, now_s, container.index, 1.0))
        if self._external:
            return _NOT_BROKEN
        mechanism, origin, cause = self._why(session, worker, holder, container, now_s, expires_s, tried, presented)
        if cause:
            session.breaks_caused += 1
            session.broken_by |= {cause}
        else:
            session.breaks_background += 1
        return mechanism, Kind.STALE if kept_here else Kind.LOST, origin, cause

    def _why(
        self,
        session: Session,
        worker: Worker,
        holder: Container,
        container: Container,
        now_s: float,
        expires_s: float,
        tried: list[str],
        presented: str | None,
    ) -> tuple[Mechanism, Origin, int]:
        """Name a break's mechanism, and as its origin the first event that made the state unreachable (rule B4)."""
        address, cause = holder.pod.address, holder.pod.record.deleted_by
        removed_s = worker.node.removed_s.get(address, INFINITY)
        if not self._sticky or presented is None:
            return Mechanism.NO_COOKIE, Origin.BACKGROUND, 0
        if expires_s < min(removed_s, holder.closed_s, now_s):
            return Mechanism.EXPIRED, Origin.BACKGROUND, 0
        if holder.pod is container.pod:
            mechanism = Mechanism.RESTARTED
        elif address in tried or address in worker.node.weights:
            mechanism = Mechanism.REFUSED
        else:
            mechanism = Mechanism.TARGET_REMOVED
        if holder.closed_s <= removed_s and holder.closed_s < INFINITY:
            origin = holder.closed_because
            if origin is Origin.NONE:
                origin = Origin.DRAIN_WINDOW_TOO_SHORT if self._drain_support else Origin.RACE
            return mechanism, origin, holder.cause
        if holder.pod.unlisted_by and removed_s < INFINITY:
            # It left without a deletion timestamp: no drain support keeps such a target.
            return mechanism, Origin.RETARGETED, holder.pod.unlisted_by
        if cause and removed_s < INFINITY:
            return (
                mechanism,
                Origin.DRAIN_WINDOW_TOO_SHORT if self._drain_support else Origin.DRAIN_OFF,
                cause,
            )
        return mechanism, Origin.BACKGROUND, 0

    def cut(self, container: Container, now_s: float) -> None:
        """Fail the requests in flight on a container that dies now, and tell their sessions."""
        cause = container.cause
        for number, request in self._recorder.cut(now_s, container.index, cause):
            session = self._sessions[number]
            if session.request == request:
                self.undo(session, now_s)
            session.failed += 1
            session.loop.throw(Cut())

    def undo(self, session: Session, now_s: float) -> None:
        """Take back what the latest slow request did to its session's state: it was never answered."""
        moved_to = session.holder
        session.restore(keep_cookie=self._options.cookie_on_error_response)
        holder = session.holder
        if moved_to is not None and moved_to is not holder:
            self._recorder.residence.extend((now_s, moved_to.index, -1.0))
            if holder is not None:
                self._recorder.residence.extend((now_s, holder.index, 1.0))
