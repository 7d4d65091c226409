"""Kong's nodes and worker processes: what each of them knows (docs/model.md, rules G).

The target table and the health checker belong to the node, the balancer to the worker.
"""

from simsticky.kong.algorithms.consistent_hashing import ConsistentHashing
from simsticky.kong.algorithms.hash_modulo import HashModulo
from simsticky.kong.algorithms.latency import Latency
from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.algorithms.sticky_sessions import StickySessions
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target
from simsticky.recording.record import Kind, Mechanism, Origin, Outcome, pack
from simsticky.sim.control.causes import NodeCauses
from simsticky.sim.gateway.log_phase import LogPhase
from simsticky.sim.gateway.tables import History
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    BALANCER,
    HEALTHY,
    LOST_CODE,
    NODE,
    OK_CODE,
    PICKS_AT,
    ROUTES_AT,
    STALE_CODE,
)


class Node:
    """One Kong node: its target table, shared by its workers (rule G1).

    Attributes:
        up: Whether it takes requests; not while it restarts.
        weights: Weight of every listed target by address.
        history: The tables it has had, and what its health checks had taken out of them.
        configured: How many of the changes that KIC has pushed it has got.
        causes: The operations behind what has become of it.
        targets: The table as it was pushed; their weights are the full ones also while they grow.
        since_s: Since when each target whose weight grows has been listed.
        restarts: How often it went down.
        leads: Numbers of the names that lead to each target.
        routes: By number of a name the container that requests may take without ado, -1 for none.
        watched: Targets whose answers the health checker wants to hear of; no request takes those without ado.
    """

    __slots__ = (
        "causes",
        "configured",
        "history",
        "index",
        "leads",
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
        self.weights: dict[str, int] = {}
        self.leads: dict[str, tuple[int, ...]] = {}
        self.routes: dict[int, int] = {}
        self.history = History()
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

    def log_until(self, now_s: float) -> None:
        """Log what has ended by ``now_s``: whoever changes or replaces the balancers does so first."""
        for worker in self.workers:
            if worker.logs:
                worker.log_until(now_s)


class Worker:
    """One worker process of a node: its own balancer, rebuilt at every push (rule G1).

    Args:
        log: Logs what ends.
        logs: Whether the algorithm wants to hear of the end of each request.

    Attributes:
        counts: Whether the algorithm counts connections.
        times: Whether it averages response times.
        ok_code: Code in the recording of an answer at the first attempt.
        rebuilds: How often its balancer was replaced.
        now_s: The time as the balancer sees it, as of the latest log phase or pick.
    """

    __slots__ = (
        "_columns",
        "_log",
        "_numbers",
        "balancer",
        "counts",
        "index",
        "logs",
        "node",
        "now_s",
        "ok_code",
        "rebuilds",
        "times",
    )
    balancer: Balancer

    def __init__(self, index: int, node: Node, columns: Columns, log: LogPhase, *, logs: bool) -> None:
        """Make a worker without a balancer; the first push brings one."""
        self.index = index
        self.node = node
        self.logs = logs
        self.ok_code = float(pack(node.index))
        self.rebuilds = -1  # the empty balancer it begins with does not count
        self.now_s = 0.0
        self._log = log
        self._numbers: list[int] = []  # of its balancers, the present one last
        self._columns = columns
        log.workers.append(self)
        columns.workers.grow(index + 1)
        columns.codes.grow(index + 1)
        columns.workers[NODE][index] = node.index
        columns.workers[ROUTES_AT][index] = columns.routes_of(node.index)
        columns.codes[OK_CODE][index] = self.ok_code
        for field, kind in ((LOST_CODE, Kind.LOST), (STALE_CODE, Kind.STALE)):
            # The session was sent away from its state, bound by nothing.
            code = pack(node.index, 1, Outcome.ANSWERED, Mechanism.NO_COOKIE, kind, Origin.BACKGROUND)
            columns.codes[field][index] = float(code)

    def begin(self, balancer: Balancer) -> None:
        """Work with a new balancer from now on; requests that are open keep theirs."""
        workers = self._columns.workers
        number = workers[BALANCER][self.index] = self._log.number(balancer, workers[BALANCER][self.index])
        self._numbers = [old for old in self._numbers if self._log.balancer(old) is not None] + [number]
        self.balancer = balancer
        self.counts = not isinstance(balancer.algorithm, Latency)
        self.times = not isinstance(balancer.algorithm, LeastConnections)
        self.rebuilds += 1
        self.show()

    def show(self) -> None:
        """Let the hot path pick by the balancer as it is now; it has changed."""
        workers, at = self._columns.workers, self.index
        first_cell = _first_cell_of(self.balancer)
        workers[HEALTHY][at] = self.balancer.healthy and first_cell is not None
        if first_cell is not None:
            workers[PICKS_AT][at] = first_cell
        self._columns.changed()

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

    def opened(self, session: int, request: int, balancer: Balancer, at: tuple[float, str, float]) -> None:
        """Note a request that will be logged at its end; see :meth:`LogPhase.opened`."""
        self._log.opened(self, session, request, balancer, at)

    def log_until(self, now_s: float) -> None:
        """Log the requests that have ended by ``now_s``."""
        self._log.until(now_s)
        self.now_s = now_s

    def tell(self, balancer: Balancer, address: str, response_s: float) -> None:
        """Tell a balancer of the end of a request it has picked for."""
        if self.counts:
            balancer.release(address)
        if self.times:
            balancer.feedback(address, response_s)

    def log(self, balancer: Balancer, address: str, response_s: float, now_s: float) -> None:
        """Log what has ended just now and was not known to end: a long-lived connection."""
        self.log_until(now_s)
        self.tell(balancer, address, response_s)

    def balancer_of(self, session: int, request: int, sent_s: float) -> Balancer:
        """Return the balancer of a request's first attempt, which was sent at a time (rule G9)."""
        found = self._log.balancer_of(session, request)
        if found is not None:
            return found
        then = next((number for number in self._numbers if self._log.was_replaced(number, sent_s)), None)
        return self.balancer if then is None else self._log.balancer(then) or self.balancer

    def numbered(self, number: int) -> Balancer | None:
        """Return the balancer with a number, None where it is not known any more."""
        return self._log.balancer(number)

    def forget(self, session: int, request: int) -> None:
        """Drop an open request, which goes on elsewhere: its retry releases the address."""
        self._log.forget(session, request)

    def cut_short(self, session: int, request: int, now_s: float) -> None:
        """Let an open request end now, and take only so long."""
        self._log.cut_short(session, request, now_s)


def _first_cell_of(balancer: Balancer) -> int | None:
    """Return where a balancer keeps what new requests are picked by; None where another rule picks."""
    algorithm = balancer.algorithm
    if isinstance(algorithm, StickySessions):
        return algorithm.wheel
    if isinstance(algorithm, RoundRobin | LeastConnections | Latency | ConsistentHashing | HashModulo):
        return algorithm.first_cell
    return None
