"""The sessions of clients that hold a connection: who of them goes on when (rules V)."""

from simsticky.sim.clients.departures import Departures
from simsticky.sim.clients.long_lived.client import Client
from simsticky.sim.clients.long_lived.shared import Shared
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import Cut, Session
from simsticky.sim.world import World


class LongLived:
    """Runs the sessions of clients that hold a connection."""

    def __init__(self, world: World, gateway: Gateway, sessions: Sessions, departures: Departures) -> None:
        self._world = world
        self._gateway = gateway
        self._sessions = sessions
        self._shared = Shared(world, gateway, departures)

    def adopt(self, session: Session, first_s: float) -> None:
        """Let a session be connected from before the run, which sends its next message at ``first_s`` (rule V9)."""
        client = session.client = Client(self._shared, session, first_s)
        client.adopt()

    def take_turn(self, session: Session, now_s: float) -> None:
        """Let a session go on: connect, if it has just begun."""
        if session.client is None:
            session.client = Client(self._shared, session, now_s)
            session.client.begin()
        else:
            session.client.go_on()

    def cut(self, session: Session, news: Cut) -> None:
        """Take back what a message or connect did that a dying container cuts, and let its client know."""
        self._gateway.undo(session, news.request, self._world.now_s)
        if not news.again:
            session.failed += 1
        session.client.cut(news)

    def is_over(self, place: int) -> bool:
        """Say, at the end of the run, whether a session has sent its last request; take back what is unanswered."""
        client: Client = self._sessions.at(place).client
        return client.report()
