"""A client with a long-lived connection (docs/model.md, rules V): what it does, from its first connect to its end.

A session's first request is a connect: it goes through the gateway like any request, and opens a connection when it
is answered (``connects.py``). From then on nobody asks the gateway: messages go to the connected container for as long
as its process lives, and the plane sends them (``plane/loop.py``); the client has a turn when it has sent the last, or
where one is not regular. A session that has lost its connection waits, with back-off and jitter, and connects again.
"""

from simsticky.recording.record import CONNECT
from simsticky.sim.clients.departures import PAUSE_AFTER_FAILURE_S
from simsticky.sim.clients.long_lived.connection import Closed, Connection, GivenUpError
from simsticky.sim.clients.long_lived.connects import Connects
from simsticky.sim.clients.long_lived.holding import Holding
from simsticky.sim.clients.long_lived.messages import Messages
from simsticky.sim.clients.long_lived.shared import Shared
from simsticky.sim.clients.long_lived.turns import CutOff, Turns, Waiting
from simsticky.sim.plane.fields import CURSOR, SENT_AT
from simsticky.sim.sessions.session import Cut, Session

INFINITY = float("inf")


class Client:
    """One session's side of its connection.

    Args:
        of: What all clients share.
        session: The session.
        first_s: When it begins, or, if it is connected already, when its next message is due.
    """

    __slots__ = ("_connects", "_finishes", "_holding", "_messages", "_of", "_session", "_turns")

    def __init__(self, of: Shared, session: Session, first_s: float) -> None:
        self._of = of
        self._session = session
        self._turns = Turns(of.env, of.columns, session.place)
        self._messages = Messages(of, session, first_s)
        self._holding = Holding(of, session)
        self._connects = Connects(of, session, self._turns, self._messages, self._holding)
        self._finishes = False

    # Its turns ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Connect for the first time (rule V1)."""
        self._of.columns.ints[CURSOR][self._session.place] += 1
        self._turns.begin(self._run(self._connects.open()))

    def adopt(self) -> None:
        """Be connected already, to the container that holds the session's state (rule V9)."""
        container, worker = self._session.holder, self._messages.worker
        assert container is not None
        self._holding.hold(Connection(container, worker, worker.balancer, container.pod.address, 0.0, 1))
        self._turns.begin(self._run(()))

    def go_on(self) -> None:
        """Take the turn that has been waited for."""
        self._turns.go_on()

    def cut(self, news: Cut) -> None:
        """Hear that the container of its connection has died, or of its connect under way."""
        self._turns.interrupt(CutOff(news))

    def closed(self, closed: Closed) -> None:
        """Hear that the other side closes the connection, after the message under way."""
        self._turns.interrupt(closed)

    # The session --------------------------------------------------------------------------------------------------

    def _run(self, before: Waiting | tuple[()]) -> Waiting:
        """Send everything the session has to send, after what comes before its next message."""
        of, session, messages = self._of, self._session, self._messages
        try:
            yield from before
            while not messages.all_sent:
                yield from self._pause()
                if not messages.all_sent:
                    messages.send()
            yield from self._finish()
            messages.tell_answer()
            of.departures.leave(session, session.place, messages.ended_s)
        except GivenUpError:
            messages.tell_answer()
            of.departures.leave(session, session.place, messages.ended_s + PAUSE_AFTER_FAILURE_S)
        yield

    def _pause(self) -> Waiting:
        """Wait until the plane has sent the last message, or one is due that is not for it; connect where need be."""
        env, messages, holding = self._of.env, self._messages, self._holding
        due_s = messages.due_s()
        while True:
            if self._session.connection is None:
                yield from self._connects.open()
            try:
                self._turns.wait_until(max(due_s, float(env.now)))
                yield
                return
            except CutOff as cut:
                if messages.ended_s > env.now:
                    messages.cut()
                due_s = self._due_after(due_s)
                holding.lose(cut.news.container.cause, severed=True)
            except Closed as closed:
                yield from self._await_end()
                due_s = self._due_after(due_s)
                holding.lose(closed.cause, severed=closed.by_container)

    def _due_after(self, due_s: float) -> float:
        """Return when the next message is due: as it was, unless some have been sent since the latest connect."""
        return self._messages.due_s() if self._messages.any_since_connect else due_s

    def _finish(self) -> Waiting:
        """Close the connection once the last message is answered, or lost with it."""
        self._finishes = True
        yield from self._await_end()
        self._holding.let_go()

    def _await_end(self) -> Waiting:
        """Wait for the end of the message under way, if there is one, or until it is cut."""
        ended_s = self._messages.ended_s
        if ended_s <= self._of.env.now:
            return
        while True:
            try:
                self._turns.wait_for_end(ended_s)
                yield
                return
            except CutOff:
                self._messages.cut()
                return
            except Closed:
                pass  # it is closing already

    def report(self) -> bool:
        """Say what the session is at the end of the run; return whether it has sent its last request."""
        of, session, messages, now_s = self._of, self._session, self._messages, float(self._of.env.now)
        if self._connects.waits:
            sent_s = of.columns.floats[SENT_AT][session.place]
            messages.write(sent_s, INFINITY, INFINITY, -1.0, messages.worker.ok_code + CONNECT)
        elif messages.ended_s > now_s and session.request == messages.latest:
            of.gateway.undo(session, messages.latest, now_s)  # a connect that is unanswered, so it moved nothing
        if session.connection is None and not self._finishes:
            of.meter.still_without(self._holding.lost_s, now_s)
        return self._finishes
