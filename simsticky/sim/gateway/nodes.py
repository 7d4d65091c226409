"""Kong's nodes and worker processes: what each of them knows (docs/model.md, rules G).

The target table and the health checker belong to the node, the balancer to the worker. A worker whose algorithm wants
to hear of the end of a request (open connections, response times) keeps a heap of the ends to come and looks at it
before each pick: no event is needed for an end that nobody waits for.
"""

from heapq import heapify, heappop, heappush

from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target
from simsticky.recording.record import Kind, Mechanism, Origin, Outcome, pack
from simsticky.sim.control.causes import NodeCauses
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.tables import Led

Open = tuple[float, float, float, Balancer, str, float]
"""An open request: its end, its session, its number, the balancer of its first attempt, the address of its latest, and
the response time that Kong averages, 0 after a retry, where Kong reads a list of times as no number."""


class Node:
    """One Kong node: its target table, shared by its workers (rule G1).

    Attributes:
        up: Whether it takes requests; not while it restarts.
        routes: Listening container by address, for targets of the table that requests may take without ado.
        weights: Weight of every listed target by address.
        history: The tables it has had, and what its health checks had taken out of them.
        configured: How many of the changes that KIC has pushed it has got.
        causes: The operations behind what has become of it.
        targets: The table as it was pushed; their weights are the full ones also while they grow.
        since_s: Since when each target whose weight grows has been listed.
        restarts: How often it went down.
        watched: Targets whose answers the health checker wants to hear of; kept out of ``routes``.
    """

    __slots__ = (
        "causes",
        "configured",
        "history",
        "index",
        "name",
        "restarts",
        "routes",
        "since_s",
        "targets",
        "up",
        "watched",
        "weights",
        "workers",
    )

    def __init__(self, index: int, name: str) -> None:
        self.index = index
        self.name = name
        self.up = True
        self.routes: dict[str | None, Container] = {}
        self.weights: dict[str, int] = {}
        self.history: list[Led] = []
        self.configured = 0
        self.causes = NodeCauses()
        self.restarts = 0
        self.targets: tuple[Target, ...] = ()
        self.since_s: dict[str, float] = {}
        self.watched: set[str] = set()
        self.workers: list[Worker] = []

    @property
    def balancers(self) -> list[Balancer]:
        """The balancers of all workers."""
        return [worker.balancer for worker in self.workers]

    def note(self, led: Led) -> None:
        """Note what it leads requests by from now on, if that is not what it does already."""
        latest = self.history[-1] if self.history else None
        if latest is None or (latest.targets, latest.unavailable) != (led.targets, led.unavailable):
            self.history.append(led)

    def log_until(self, now_s: float) -> None:
        """Log what has ended by ``now_s``: whoever changes or replaces the balancers does so first."""
        for worker in self.workers:
            if worker.logs:
                worker.log_until(now_s)


class Worker:
    """One worker process of a node: its own balancer, rebuilt at every push (rule G1).

    Args:
        logs: Whether the algorithm wants to hear of the end of each request.

    Attributes:
        open: Heap of the requests that will be logged, if the algorithm wants to hear of them.
        counts: Whether the algorithm counts connections.
        times: Whether it averages response times.
        ok_code: Code in the recording of an answer at the first attempt; ``lost_code`` and ``stale_code`` where the
            session was sent away from its state by an algorithm without affinity.
        rebuilds: How often its balancer was replaced.
        version: Changes whenever a key may lead elsewhere than before.
        now_s: The time as the balancer sees it, as of the latest log phase or pick.
    """

    __slots__ = (
        "balancer",
        "counts",
        "index",
        "logs",
        "lost_code",
        "node",
        "now_s",
        "ok_code",
        "open",
        "rebuilds",
        "routes",
        "stale_code",
        "times",
        "version",
    )
    balancer: Balancer

    def __init__(self, index: int, node: Node, *, logs: bool) -> None:
        """Make a worker without a balancer; the first push brings one."""
        self.index = index
        self.node = node
        self.routes = node.routes
        self.logs = logs
        self.ok_code = float(pack(node.index))
        lost, stale = (
            float(pack(node.index, 1, Outcome.ANSWERED, Mechanism.NO_COOKIE, kind, Origin.BACKGROUND))
            for kind in (Kind.LOST, Kind.STALE)
        )
        self.lost_code, self.stale_code = lost, stale
        self.rebuilds = -1  # the empty balancer it begins with does not count
        self.version = 0
        self.now_s = 0.0
        self.open: list[Open] = []

    def begin(self, balancer: Balancer) -> None:
        """Work with a new balancer from now on; requests that are open keep theirs."""
        self.balancer = balancer
        self.counts = not isinstance(balancer.algorithm, Latency)
        self.times = not isinstance(balancer.algorithm, LeastConnections)
        self.rebuilds += 1

    # Picks ------------------------------------------------------------------------------------------------------

    def next_peer(self) -> str | None:
        """Return the target of a request that brings nothing, None where the balancer has none to name."""
        try:
            return self.balancer.next_peer()
        except NoPeerError:
            return None

    def peer_of(self, key: str) -> str | None:
        """Return the target that a key leads to, None where the balancer has none to name."""
        try:
            return self.balancer.get_peer(Handle(key))
        except NoPeerError:
            return None

    # The log phase ----------------------------------------------------------------------------------------------

    def opened(self, request: Open) -> None:
        """Note a request that will be logged at its end, to the balancer of its first attempt."""
        heappush(self.open, request)

    def log_until(self, now_s: float) -> None:
        """Log the requests that have ended by ``now_s``, each at its time: release, then average the time in."""
        waiting, counts, times = self.open, self.counts, self.times
        while waiting and waiting[0][0] <= now_s:
            self.now_s, _, _, balancer, address, response_s = heappop(waiting)
            if counts:
                balancer.release(address)
            if times:
                balancer.feedback(address, response_s)
        self.now_s = now_s

    def log(self, balancer: Balancer, address: str, response_s: float, now_s: float) -> None:
        """Log what has ended just now and was not known to end: a long-lived connection."""
        self.log_until(now_s)
        if self.counts:
            balancer.release(address)
        if self.times:
            balancer.feedback(address, response_s)

    def balancer_of(self, session: int, request: int) -> Balancer:
        """Return the balancer of an open request's first attempt; the present one where it is not known."""
        return next((entry[3] for entry in self.open if entry[1:3] == (session, request)), self.balancer)

    def forget(self, session: int, request: int) -> None:
        """Drop an open request, which goes on elsewhere: its retry releases the address."""
        self.open[:] = [entry for entry in self.open if (entry[1], entry[2]) != (session, request)]
        heapify(self.open)

    def cut_short(self, session: int, request: int, now_s: float) -> None:
        """Let an open request end now, and take only so long."""

        def ended(entry: Open) -> Open:
            ended_s, by, number, balancer, address, response_s = entry
            if (by, number) != (session, request):
                return entry
            return now_s, by, number, balancer, address, max(0.0, response_s - (ended_s - now_s))

        self.open[:] = map(ended, self.open)
        heapify(self.open)
