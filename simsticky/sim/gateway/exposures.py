"""Exposures: which sessions an operation has cut off, or could, from the pod that holds their state.

An exposure is recorded when it happens and has one operation (docs/model.md, rules B6 and B13). What ends a pod or a
connection exposes at once those that are bound to it; what only leads a session elsewhere is looked for at its next
request that does not reach its state, so that the hot path knows nothing of it.
"""

from typing import NamedTuple

from simsticky.recording.record import Exposure, How, Origin
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.gateway.addresses import Addresses
from simsticky.sim.gateway.affinity import COOKIE
from simsticky.sim.gateway.cookies import Browsers
from simsticky.sim.gateway.front import FrontBalancer
from simsticky.sim.gateway.nodes import Node
from simsticky.sim.gateway.tables import Tables
from simsticky.sim.plane.fields import EXPOSED
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import Session
from simsticky.sim.world import World


class Away(NamedTuple):
    """The first event that took a session's state out of a node's reach.

    Attributes:
        at_s: When, in seconds of simulated time.
        operation: Number of the operation behind it, 0 if none.
        stopped: Whether the container had stopped to listen; otherwise the node leads elsewhere.
        origin: Why the container had; NONE otherwise, and where it did so by itself.
    """

    at_s: float
    operation: int
    stopped: bool
    origin: Origin = Origin.NONE


class Exposures:
    """Notes who is exposed, and says what took a session's state out of reach.

    Args:
        front: Says through which nodes a session's next request may go.
        tables: Reads the nodes' tables of the past; None for an algorithm that binds by nothing.
    """

    def __init__(
        self,
        world: World,
        sessions: Sessions,
        browsers: Browsers,
        front: FrontBalancer,
        addresses: Addresses,
        tables: Tables | None,
    ) -> None:
        self._world = world
        self._sessions = sessions
        self._browsers = browsers
        self._front = front
        self._addresses = addresses
        self._tables = tables
        self._by_cookie = browsers.affinity == COOKIE  # otherwise by keys

    # At once ----------------------------------------------------------------------------------------------------

    def of_pod(self, pod: Pod, operation: int, how: How) -> None:
        """Expose the sessions that are bound to a pod which an operation ends, or takes out of the route."""
        container = pod.container
        if container is None or container.dead:
            return
        for place in self._sessions.living_on(container, self._world.now_s):
            session = self._sessions.at(place)
            if self._is_bound(session, container):
                self.note(session, container, Exposure(operation, self._world.now_s, container.index, how))

    def note(self, session: Session, container: Container, exposure: Exposure) -> None:
        """Note an exposure, unless the same operation has cut the session off from this container before."""
        if not self.has(session, container, exposure.operation):
            session.exposures += (exposure,)
            if not session.jar:
                session.slow_down(EXPOSED)

    @staticmethod
    def has(session: Session, container: Container, operation: int) -> bool:
        """Whether the operation has cut the session off from this container before."""
        return any(e.operation == operation and e.container == container.index for e in session.exposures)

    def _is_bound(self, session: Session, container: Container) -> bool:
        """Whether a request of the session would go to the container by connection, cookie or key (rule B13)."""
        connection = session.connection
        if connection is not None:
            return connection.container is container
        if self._tables is None or not container.listening:
            return False
        brings = self._browsers.would_bring(session)
        if not brings:
            return False
        address = container.pod.address
        return any(self._leads(node, value) == address for node in self._front.nodes_of(session) for value in brings)

    def _leads(self, node: Node, brought: str) -> str | None:
        worker = node.workers[0]
        return worker.balancer.followable().get(brought) if self._by_cookie else worker.peer_of(brought)

    # At the next request ----------------------------------------------------------------------------------------

    def at_request(
        self, session: Session, holder: Container, node: Node, brought: str | None, expires_s: float, now_s: float
    ) -> None:
        """Expose a session that an operation has retargeted (rule B11): its request does not go to its state's pod.

        Args:
            session: The session, which sends a request that does not take the fast path.
            holder: The container that holds its state.
            node: The node that takes it.
            brought: The cookie or the key that the request brings, None for nothing that binds it.
            expires_s: Until when the pod remembers the session.
            now_s: The time.
        """
        if self._tables is None:
            return
        if session.tabs is not None and session.tabs.expires_s is not None:
            expires_s = session.tabs.expires_s
        if expires_s < now_s and session.exposures:
            # The hot path does not say when a session was last seen; now it is known that there was nothing to lose.
            session.exposures = tuple(
                e for e in session.exposures if e.container != holder.index or e.at_s <= expires_s
            )
        if brought is None or self._leads(node, brought) == holder.pod.address:
            return
        away = self.away(session, holder, node, brought)
        if away is not None and not away.stopped and away.at_s <= expires_s:
            self._expose_late(session, holder, away, self._how(node, brought, holder.pod.address))

    def away(self, session: Session, holder: Container, node: Node, brought: str | None) -> Away | None:
        """Return what took a session's state out of a node's reach first; None if nothing has.

        Args:
            session: The session.
            holder: The container that holds its state.
            node: The node.
            brought: The cookie or key of its present request; None for nothing that binds it.
        """
        stopped, closed = None, holder.causes.closed
        if not holder.listening and closed is not None:
            stopped = Away(closed.at_s, closed.operation, stopped=True, origin=closed.origin)
        if brought is None and self._by_cookie and any(e.container == holder.index for e in session.exposures):
            # What it had when it was exposed, and has lost since.
            brought = self._addresses.identity(holder.pod.address)
        if self._tables is None or brought is None:
            return stopped
        led = self._tables.led_away(node.history, brought, holder.pod.address)
        if led is None or (stopped is not None and stopped.at_s <= led.at_s):
            return stopped
        return Away(led.at_s, led.operation, stopped=False)

    def _expose_late(self, session: Session, holder: Container, away: Away, how: How) -> None:
        """Expose a session by what is behind ``away``, unless it came to a pod which that had doomed before."""
        if away.operation and away.operation != session.doomed_by:
            self.note(session, holder, Exposure(away.operation, away.at_s, holder.index, how))

    def _how(self, node: Node, brought: str, address: str) -> How:
        if address not in node.weights:
            return How.REMOVED
        if not node.workers[0].balancer.is_available(address):
            return How.UNHEALTHY
        return How.REHASHED if node.weights[address] else How.DRAINED

    def of_connection(self, session: Session, holder: Container) -> int:
        """Return the operation that has cost an exposed session its connection to the holder of its state, else 0."""
        operation = session.lost_by or 0
        return operation if self.has(session, holder, operation) else 0

    # Whose break ------------------------------------------------------------------------------------------------

    def behind(self, session: Session, holder: Container, away: Away | None, *, bound: bool) -> int:
        """Return the operation that a break belongs to, 0 for none (rule B5).

        Args:
            session: The session.
            holder: The container that it leaves.
            away: What took that out of reach first, if anything has.
            bound: Whether the request brought what binds its session.
        """
        if away is not None and away.operation:
            operation = away.operation
            if operation == session.doomed_by:
                return operation if bound else 0
            if bound:
                self._expose_late(session, holder, away, How.STOPPED)
            if self.has(session, holder, operation):
                return operation
        if away is None and not bound:
            return 0  # it could have gone there, but brought nothing that leads there
        for exposure in session.exposures:
            if exposure.container == holder.index and exposure.how in FOR_GOOD:
                return exposure.operation
        return 0


FOR_GOOD = frozenset({How.DELETED, How.CRASHED, How.NODE_ENDED, How.UNROUTED})
"""What no later change undoes: whatever breaks the session on that pod afterwards, its fate was sealed."""
