"""The sessions of clients that hold a connection: what they share, and who of them goes on when (rules V)."""

from simsticky.scenario.model import Scenario
from simsticky.sim.clients.connections import Client
from simsticky.sim.clients.departures import Departures
from simsticky.sim.clients.severed import Severed
from simsticky.sim.clock import Clock
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.plane.columns import Columns
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import Cut, Session
from simsticky.sim.world import World

INFINITY = float("inf")


class LongLived:
    """Runs the sessions of clients that hold a connection."""

    def __init__(self, world: World, gateway: Gateway, sessions: Sessions, departures: Departures) -> None:
        scenario: Scenario = world.scenario
        self.world = world
        self.env: Clock = world.env
        self.columns: Columns = gateway.columns
        self.gateway = gateway
        self.sessions = sessions
        self.recorder = world.recorder
        self.meter = world.recorder.connections
        self.departures = departures
        self.law = scenario.traffic.connections.connect
        self.reconnect = scenario.traffic.connections.reconnect
        self.warm_up = scenario.app.warm_up
        self.timeout_s = scenario.app.session_timeout if scenario.app.state == "pod" else INFINITY
        self.severed = Severed(world)

    def adopt(self, session: Session, first_s: float) -> None:
        """Let a session be connected from before the run, which sends its next message at ``first_s`` (rule V9)."""
        client = session.client = Client(self, session, first_s)
        client.adopt()

    def take_turn(self, session: Session, now_s: float) -> None:
        """Let a session go on: connect, if it has just begun."""
        if session.client is None:
            session.client = Client(self, session, now_s)
            session.client.begin()
        else:
            session.client.go_on()

    def cut(self, session: Session, news: Cut) -> None:
        """Take back what a message or connect did that a dying container cuts, and let its client know."""
        self.gateway.undo(session, news.request, self.world.now_s)
        if not news.again:
            session.failed += 1
        session.client.cut(news)

    def is_over(self, place: int) -> bool:
        """Say, at the end of the run, whether a session has sent its last request; take back what is unanswered."""
        client: Client = self.sessions.at(place).client
        return client.report()
