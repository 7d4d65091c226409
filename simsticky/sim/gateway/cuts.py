"""What a container's end, or its farewell, does to the requests and connections on it (rules G9, N6, V4 and V7)."""

from collections.abc import Callable, Iterable
from functools import partial

from simsticky.kong.retries import Attempt
from simsticky.recording.events import Connections
from simsticky.recording.open_rows import InFlight
from simsticky.sim.clients.long_lived.connection import Closed
from simsticky.sim.clock import Phase, call_at
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.retries import Retries
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import Cut, Session
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World


class Cuts:
    """Ends requests, and closes connections.

    Attributes:
        on_cut: Called with the sessions whose request in flight is cut, each with the news.
    """

    def __init__(self, world: World, sessions: Sessions, retries: Retries) -> None:
        self._world = world
        self._sessions = sessions
        self._retries = retries
        self.on_cut: Callable[[list[tuple[Session, Cut]]], None] = _nobody

    def cut(self, container: Container, *, silent: bool = False) -> None:
        """End the requests in flight on a container that dies now, and its connections, and tell their sessions.

        Args:
            container: The container.
            silent: Whether its machine went with it: nobody is left to reset what is in flight (rule N6).
        """
        now_s, cause, held = self._world.now_s, container.cause, self.held_by(container)
        if held:
            self._world.tell("clients", "cut_off", container.pod.name, Connections(len(held)), cause)
        cut = self._world.rows.in_flight(container.index, now_s)
        of = self._sessions.named({each.session for each in cut}) if cut else {}
        again = {(each.session, each.request) for each in cut if self._goes_on(each, of[each.session], silent=silent)}
        if cut:
            self._world.recorder.cut(now_s, container.index, cause, again)
        self.on_cut([(of[n], Cut(r, container, (n, r) in again, silent)) for n, r, _ in cut])
        for session in held:
            if session.id in container.connections:
                session.client.cut(Cut(-1, container, again=False, silent=silent))

    def _goes_on(self, cut: InFlight, sender: Session, *, silent: bool) -> bool:
        """Return whether a request that a dying container cuts has not ended by that.

        A message goes with its connection, at once (rule V4). Others are sent again, if they may be (rule G9); where
        the machine is gone nobody tells the gateway, which waits in vain (rule N6).
        """
        if sender.connection is not None:
            return False
        return silent or self._retries.again(sender, cut.request, Attempt.RESET, cut.attempts)

    # Long-lived connections -------------------------------------------------------------------------------------

    def held_by(self, container: Container) -> list[Session]:
        """Return the sessions with an open connection to a container, in the order of opening."""
        of = self._sessions.named(container.connections) if container.connections else {}
        return [of[number] for number in container.connections]

    def close(self, held: Iterable[Session], cause: int, *, by_container: bool, over_s: float = 0.0) -> None:
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


def _nobody(_: list[tuple[Session, Cut]]) -> None:
    """Nobody sends anything."""


def _close(session: Session, connection: object, closed: Closed) -> None:
    """Close a connection, unless the session has lost it, or left, by now."""
    if session.connection is connection:
        session.client.closed(closed)
