"""What one client has sent over its connections: its columns, and the messages that the plane does not send."""

from simsticky.sim.clients.long_lived.shared import Shared
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.plane.fields import BEFORE, CURSOR, ENDED, ENDED_BEFORE, LAST, REQUESTS, SENT_AT, WORKER
from simsticky.sim.sessions.session import Session

INFINITY = float("inf")


class Messages:
    """The requests of one session, connects and messages, numbered as one; the plane counts in the same columns.

    Args:
        of: What all clients share.
        session: The session.
        first_s: When its first message is due, if that is its first request in the run.
    """

    __slots__ = ("_connect", "_first_s", "_is_cut", "_of", "_place", "_reconnects", "_session")

    def __init__(self, of: Shared, session: Session, first_s: float) -> None:
        self._of = of
        self._session = session
        self._place = session.place
        self._first_s = first_s
        self._reconnects = 0  # requests that took no draw
        self._connect = self.latest  # its latest request that is no message
        self._is_cut = False

    # Its columns --------------------------------------------------------------------------------------------------

    @property
    def latest(self) -> int:
        """Number of its latest request."""
        number: int = self._of.columns.ints[REQUESTS][self._place]
        return number

    @property
    def ended_s(self) -> float:
        """When that ends."""
        ended_s: float = self._of.columns.floats[ENDED][self._place]
        return ended_s

    @ended_s.setter
    def ended_s(self, ended_s: float) -> None:
        self._of.columns.floats[ENDED][self._place] = ended_s

    @property
    def draw(self) -> int:
        """The draw of its next message."""
        at: int = self._of.columns.ints[CURSOR][self._place]
        return at

    @property
    def all_sent(self) -> bool:
        """Whether it has sent its last message."""
        ints, place = self._of.columns.ints, self._place
        sent: bool = ints[CURSOR][place] >= ints[LAST][place]
        return sent

    @property
    def any_since_connect(self) -> bool:
        """Whether its latest request is a message, sent by its client or by the plane."""
        return self.latest != self._connect

    @property
    def _any_drawn(self) -> bool:
        """Whether it has sent anything in the run that has taken a draw: its first connect, or a message."""
        return self.latest > int(self._of.columns.ints[BEFORE][self._place]) + self._reconnects

    @property
    def worker(self) -> Worker:
        """The worker of its latest request, or of its first."""
        of, columns = self._of, self._of.columns
        number: int = columns.ints[WORKER][self._place]
        if not of.gateway.front.one_worker:
            number = columns.via.cells[self.draw - self._any_drawn]
        return of.gateway.workers[number]

    # What it sends ------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Send no message until it has connected: what it sends next is a connect."""
        self.tell_answer()
        self._connect, self._is_cut = self.latest, False

    def begin_connect(self, *, again: bool) -> None:
        """Have a connect for its latest request; ``again``: it has had a connection before."""
        self._of.columns.ints[REQUESTS][self._place] += 1
        self._connect = self.latest
        self._reconnects += again

    def send(self) -> None:
        """Send a message to where the connection ends, whatever any table says (rule V2)."""
        of, now_s, connection, place = self._of, float(self._of.env.now), self._session.connection, self._place
        assert connection is not None
        container, columns = connection.container, of.columns
        demand_s = columns.demands.cells[self.draw]
        started_s, ended_s = container.serve(now_s, demand_s * container.slowdown(now_s, of.warm_up))
        self.tell_answer()
        columns.ints[CURSOR][place] += 1
        columns.ints[REQUESTS][place] += 1
        columns.floats[SENT_AT][place], columns.floats[ENDED][place] = now_s, ended_s
        self._is_cut = False
        self.write(now_s, started_s, ended_s, container.index, connection.worker.ok_code)

    def write(self, sent_s: float, started_s: float, ended_s: float, container: float, code: float) -> None:
        """Write down its latest request; times in seconds, the container's number, -1 for none."""
        row = (self._session.id, self.latest, sent_s, started_s, ended_s, container, code)
        self._of.recorder.request(row, float(self._of.env.now))

    def due_s(self) -> float:
        """Return when its next message is due."""
        if not self._any_drawn:
            return self._first_s
        due_s: float = self.ended_s + self._of.columns.gaps.cells[self.draw - 1]
        return due_s

    # What becomes of it -------------------------------------------------------------------------------------------

    def tell_answer(self) -> None:
        """Tell of its latest message that it was answered, unless it was cut, or there is none since it connected."""
        if not self._is_cut and self.any_since_connect:
            self._session.answered_s = max(self._session.answered_s, self.ended_s)

    def cut(self) -> None:
        """Let the latest message end now without an answer; the one before it, if the plane has sent both, had one."""
        before_s = self._of.columns.floats[ENDED_BEFORE][self._place]
        self._session.answered_s = max(self._session.answered_s, before_s)
        self._is_cut = True
        self.ended_s = float(self._of.env.now)
