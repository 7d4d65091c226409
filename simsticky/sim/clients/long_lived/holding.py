"""A client's connection: to have one, to lose it, and to be without one."""

from simsticky.recording.record import Exposure, How
from simsticky.sim.clients.long_lived.connection import Connection
from simsticky.sim.clients.long_lived.shared import Shared
from simsticky.sim.control.pods import Container
from simsticky.sim.plane.fields import CONNECTED, THROUGH
from simsticky.sim.sessions.session import Session

INFINITY = float("inf")
NAN = float("nan")


class Holding:
    """The connection of one session (``Session.connection``), which session, container and plane all know of.

    Attributes:
        lost_s: Since when it is without the connection that it had; NaN while it has one, or never had.
        expires_s: Until when its pod remembers the session, as of the latest loss.
    """

    __slots__ = ("_of", "_place", "_session", "_severed_by", "expires_s", "lost_s")

    def __init__(self, of: Shared, session: Session) -> None:
        self._of = of
        self._session = session
        self._place = session.place
        self._severed_by: Container | None = None
        self.lost_s = NAN
        self.expires_s = INFINITY

    @property
    def is_lost(self) -> bool:
        """Whether it had a connection and is without."""
        return self.lost_s == self.lost_s

    def hold(self, connection: Connection) -> None:
        """Have a connection."""
        session, container, ints = self._session, connection.container, self._of.columns.ints
        session.connection, session.lost_by = connection, None
        ints[CONNECTED][self._place], ints[THROUGH][self._place] = container.index, connection.worker.index
        session.request = -1  # messages move nothing
        container.hold(session.id)
        if container.closes_connections and not container.listening:
            self._of.gateway.cuts.close([session], container.cause, by_container=True)

    def regain(self, connection: Connection) -> None:
        """Have a connection that has just been opened, the first one or a new one."""
        now_s, lost_s = float(self._of.env.now), self.lost_s
        self._session.answered_s = now_s
        if self.is_lost:
            self._of.meter.regained(lost_s, now_s)
            self._settle(now_s - lost_s)
            self.lost_s = NAN
        self.hold(connection)

    def give_up(self, at_s: float) -> None:
        """Be without a connection for good, from a time on."""
        self._of.meter.given_up(self.lost_s, at_s)
        self._settle(None)

    def _settle(self, after_s: float | None) -> None:
        if self._severed_by is not None:
            self._of.severed.settled(self._severed_by, after_s)
            self._severed_by = None

    def let_go(self) -> Container:
        """Be without a connection; return where it ended."""
        connection = self._session.connection
        assert connection is not None
        self._session.connection = None
        self._of.columns.ints[CONNECTED][self._place] = -1
        connection.container.drop(self._session.id)
        connection.log(float(self._of.env.now))
        return connection.container

    def lose(self, cause: int, *, severed: bool) -> None:
        """Lose the connection, and remember since when and whose doing it is (rules V4 and V6).

        Args:
            cause: Number of the operation behind it, 0 if none.
            severed: Whether it was the container's doing.
        """
        of, now_s, container = self._of, float(self._of.env.now), self.let_go()
        self.lost_s = now_s
        self.expires_s = now_s + of.timeout_s
        self._session.lost_by = cause
        if cause:
            exposure = Exposure(cause, now_s, container.index, How.DISCONNECTED)
            of.gateway.exposures.note(self._session, container, exposure)
        of.meter.lost(now_s)
        if severed:
            self._severed_by = container
            of.severed.note(container)
