"""Clients with long-lived connections (docs/model.md, rules V).

A session's first request is a connect: it goes through the gateway like any request, and opens a connection when it
is answered. From then on nobody asks the gateway: messages go to the connected container for as long as its process
lives, and the plane sends them (``plane/loop.py``), all but the last. A session that has lost its connection waits,
with back-off and jitter, and connects again.
"""

from collections.abc import Generator
from typing import Protocol

from simsticky.recording.connection_meter import ConnectionMeter
from simsticky.recording.record import CONNECT, Exposure, How
from simsticky.recording.recorder import Recorder
from simsticky.scenario.application import WarmUp
from simsticky.scenario.connections import Reconnect
from simsticky.scenario.distributions import Law
from simsticky.sim.clients.connection import Closed, Connection, GivenUpError
from simsticky.sim.clients.departures import PAUSE_AFTER_FAILURE_S, Departures
from simsticky.sim.clients.severed import Severed
from simsticky.sim.clock import Clock, call_on_completion
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.gateway.proxy import Reply
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    BEFORE,
    CONNECTED,
    CURSOR,
    ENDED,
    ENDED_BEFORE,
    LAST,
    REQUESTS,
    SENT_AT,
    THROUGH,
    WORKER,
)
from simsticky.sim.sessions.session import Cut, Exchange, Session
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

INFINITY = float("inf")
NAN = float("nan")

Waiting = Generator[None, None, None]
"""What a client does; it yields where it waits for its next turn."""


class CutOff(Exception):  # noqa: N818  # a signal, not an error
    """The container of a connection, or of a connect under way, has died.

    Attributes:
        news: What is known of it.
    """

    def __init__(self, news: Cut) -> None:
        super().__init__(news)
        self.news = news


class Parts(Protocol):
    """What all clients share (``long_lived.py``)."""

    world: World
    env: Clock
    columns: Columns
    gateway: Gateway
    recorder: Recorder
    meter: ConnectionMeter
    departures: Departures
    law: Law | None
    reconnect: Reconnect
    warm_up: WarmUp | None
    timeout_s: float
    severed: Severed


class Client:
    """One session's side of its connection."""

    __slots__ = (
        "_connects",
        "_due_s",
        "_expires_s",
        "_first_s",
        "_is_cut",
        "_last",
        "_loop",
        "_lost_s",
        "_of",
        "_opened",
        "_opening_s",
        "_picked_anew",
        "_place",
        "_reopened",
        "_severed_by",
        "_turn",
        "_waits",
        "session",
    )
    _loop: Waiting

    def __init__(self, of: Parts, session: Session, first_s: float) -> None:
        self._of = of
        self.session = session
        self._place = session.place
        self._first_s = first_s
        self._lost_s = NAN
        self._expires_s = INFINITY
        self._opening_s = 0.0
        self._connects = self._turn = self._reopened = 0
        self._opened = self._sent  # the latest request that was no message
        self._waits = self._last = self._is_cut = False
        self._severed_by: Container | None = None
        self._picked_anew = of.gateway.browsers.picks_anew(session)

    # Its columns --------------------------------------------------------------------------------------------------

    @property
    def _sent(self) -> int:
        """Number of its latest request."""
        sent: int = self._of.columns.ints[REQUESTS][self._place]
        return sent

    @property
    def _ended_s(self) -> float:
        """When that ends."""
        ended_s: float = self._of.columns.floats[ENDED][self._place]
        return ended_s

    @_ended_s.setter
    def _ended_s(self, ended_s: float) -> None:
        self._of.columns.floats[ENDED][self._place] = ended_s

    @property
    def _message_s(self) -> float:
        """When its latest message is answered; -inf where that was cut, or there is none since it has connected."""
        return -INFINITY if self._is_cut or self._sent == self._opened else self._ended_s

    @property
    def _at(self) -> int:
        """The draw of its next message."""
        at: int = self._of.columns.ints[CURSOR][self._place]
        return at

    @property
    def _has_sent(self) -> bool:
        """Whether it has sent anything in the run that has taken a draw: its first connect, or a message."""
        return self._sent > int(self._of.columns.ints[BEFORE][self._place]) + self._reopened

    @property
    def _worker(self) -> Worker:
        """The worker of its latest request, or of its first."""
        of, columns = self._of, self._of.columns
        number: int = columns.ints[WORKER][self._place]
        if not of.gateway.front.one_worker:
            number = columns.via.cells[self._at - self._has_sent]
        return of.gateway.workers[number]

    # Its turns ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Connect for the first time (rule V1)."""
        self._loop = self._run(adopted=False)
        next(self._loop)

    def adopt(self) -> None:
        """Be connected already, to the container that holds the session's state (rule V9)."""
        container, worker = self.session.holder, self._worker
        assert container is not None
        self._hold(Connection(container, worker, worker.balancer, container.pod.address, 0.0, 1))
        self._loop = self._run(adopted=True)
        next(self._loop)

    def go_on(self) -> None:
        """Take the turn that has been waited for."""
        self._turn += 1
        next(self._loop, None)

    def cut(self, news: Cut) -> None:
        """Hear that the container of its connection has died, or of its connect under way."""
        self._interrupt(CutOff(news))

    def closed(self, closed: Closed) -> None:
        """Hear that the other side closes the connection, after the message under way."""
        self._interrupt(closed)

    def _interrupt(self, signal: Exception) -> None:
        self._turn += 1
        self._of.columns.queues.withdraw((self._place,))
        self._loop.throw(signal)

    def _wait_until(self, at_s: float) -> None:
        """Have its next turn among the sends of a moment."""
        self._of.columns.send_at(self._place, at_s)

    def _wait_for_end(self, at_s: float) -> None:
        """Have its next turn before all else of a moment."""
        turn = self._turn

        def take() -> None:
            if self._turn == turn:
                self.go_on()

        call_on_completion(self._of.env, at_s, take)

    # The session --------------------------------------------------------------------------------------------------

    def _run(self, *, adopted: bool) -> Waiting:
        """Send everything the session has to send, from its first connect on, or its next message if it is adopted."""
        of, session, ints = self._of, self.session, self._of.columns.ints
        self._opening_s = of.columns.demands.cells[self._at]
        try:
            if not adopted:
                ints[CURSOR][self._place] += 1
                yield from self._open()
            while self._at < of.columns.ints[LAST][self._place]:
                yield from self._pause()
                self._send()
            yield from self._finish()
            self._tell_answer()
            of.departures.leave(session, self._place, self._ended_s)
        except GivenUpError:
            self._tell_answer()
            of.departures.leave(session, self._place, self._ended_s + PAUSE_AFTER_FAILURE_S)
        yield

    def report(self) -> bool:
        """Say what the session is at the end of the run; return whether it has sent its last request."""
        of, now_s = self._of, float(self._of.env.now)
        if self._waits:
            self._write(
                of.columns.floats[SENT_AT][self._place], INFINITY, INFINITY, -1.0, self._worker.ok_code + CONNECT
            )
        elif self._ended_s > now_s and self.session.request == self._sent:
            of.gateway.undo(self.session, self._sent, now_s)  # a connect that is unanswered, so it moved nothing
        if self.session.connection is None and not self._last:
            of.meter.still_without(self._lost_s, now_s)
        return self._last

    def _write(self, sent_s: float, started_s: float, ended_s: float, container: float, code: float) -> None:
        row = (self.session.id, self._sent, sent_s, started_s, ended_s, container, code)
        self._of.recorder.request(row, float(self._of.env.now))

    # Messages -----------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        """Send a message to where the connection ends, whatever any table says (rule V2)."""
        of, now_s, connection, place = self._of, float(self._of.env.now), self.session.connection, self._place
        assert connection is not None
        container, columns = connection.container, of.columns
        demand_s = columns.demands.cells[self._at]
        started_s, ended_s = container.serve(now_s, demand_s * container.slowdown(now_s, of.warm_up))
        self._tell_answer()
        columns.ints[CURSOR][place] += 1
        columns.ints[REQUESTS][place] += 1
        columns.floats[SENT_AT][place], columns.floats[ENDED][place] = now_s, ended_s
        self._is_cut = False
        self._write(now_s, started_s, ended_s, container.index, connection.worker.ok_code)

    def _tell_answer(self) -> None:
        """Tell of the latest message that it was answered, unless it was cut."""
        self.session.answered_s = max(self.session.answered_s, self._message_s)

    def _cut_message(self) -> None:
        """Let the latest message end now without an answer; the one before it, if the plane has sent both, had one."""
        before_s = self._of.columns.floats[ENDED_BEFORE][self._place]
        self.session.answered_s = max(self.session.answered_s, before_s)
        self._is_cut = True
        self._ended_s = float(self._of.env.now)

    def _due(self) -> float:
        """Return when the next message is due."""
        if not self._has_sent:
            return self._first_s
        due_s: float = self._ended_s + self._of.columns.gaps.cells[self._at - 1]
        return due_s

    def _pause(self) -> Waiting:
        """Wait until a message is due that is not the plane's to send, and until there is a connection for it."""
        env = self._of.env
        self._due_s = self._due()
        while True:
            if self.session.connection is None:
                yield from self._open()
            try:
                self._wait_until(max(self._due_s, float(env.now)))
                yield
                return
            except CutOff as cut:
                if self._ended_s > env.now:
                    self._cut_message()
                self._look_again()
                self._lose(cut.news.container.cause, severed=True)
            except Closed as closed:
                if self._ended_s > env.now:
                    yield from self._is_cut_before(self._ended_s)
                self._look_again()
                self._lose(closed.cause, severed=closed.by_container)

    def _look_again(self) -> None:
        """See when the next message is due, if the plane has sent some since the connection was opened."""
        if self._sent != self._opened:
            self._due_s = self._due()

    def _finish(self) -> Waiting:
        """Close the connection once the last message is answered, or lost with it."""
        self._last = True
        if self._ended_s > self._of.env.now:
            yield from self._is_cut_before(self._ended_s)
        self._let_go()

    def _is_cut_before(self, at_s: float) -> Generator[None, None, bool]:
        """Wait for the end of the message under way; return whether the connection's end came first."""
        while True:
            try:
                self._wait_for_end(at_s)
                yield
                return False
            except CutOff:
                self._cut_message()
                return True
            except Closed:
                pass  # it is closing already

    # Connections --------------------------------------------------------------------------------------------------

    def _open(self) -> Waiting:
        """Connect, with a wait before each attempt but a session's very first, until there is a connection (rule V5).

        Raises:
            GivenUpError: ``reconnect.maxAttempts`` attempts in a row have failed.
        """
        of, failed, waits = self._of, 0, 0
        self._tell_answer()
        of.columns.ints[REQUESTS][self._place] += 1
        self._opened, self._is_cut = self._sent, False
        if self._lost_s == self._lost_s:
            self._reopened += 1
            yield from self._back_off(float(of.env.now), waits)
            waits = 1
        while not (yield from self._connect()):
            failed += 1
            if failed == of.reconnect.max_attempts:
                self._wait_for_end(self._ended_s)
                yield
                of.meter.given_up(self._lost_s, self._ended_s)
                self._settle(None)
                raise GivenUpError
            yield from self._back_off(self._ended_s, waits)
            waits += 1

    def _back_off(self, from_s: float, waits: int) -> Waiting:
        draw = self._of.world.streams.uniform(Purpose.RECONNECT, self.session.id, self._connects)
        self._wait_until(from_s + self._of.reconnect.wait_s(waits, draw))
        yield

    def _connect(self) -> Generator[None, None, bool]:
        """Send one connect; return, at the time its fate is known, whether the connection is open."""
        of, session, worker = self._of, self.session, self._worker
        now_s = float(of.env.now)
        of.meter.connect(now_s, again=self._lost_s == self._lost_s)
        self._connects += 1
        of.columns.floats[SENT_AT][self._place] = now_s
        if worker.logs:
            worker.log_until(now_s)
        first = of.gateway.browsers.peer_of_next(session, worker) if self._picked_anew else None
        reply = of.gateway.attempts.send(session, self._sent, worker, now_s, self._demand_s(), self._expires_s, first)
        while True:
            exchange, session.exchange = session.exchange, None
            if reply is None:
                assert exchange is not None
                reply = yield from self._wait_for(exchange)
            started_s, self._ended_s, index, code, failed = reply
            self._write(now_s, started_s, self._ended_s, index, code + CONNECT)
            if failed:
                session.request = -1
                return False
            assert exchange is not None
            connection = self._connection(exchange)
            try:
                self._wait_for_end(self._ended_s)
                yield
            except CutOff as cut:
                self._ended_s = float(of.env.now)
                if not cut.news.again:
                    session.request = -1
                    connection.log(self._ended_s)
                    return False
                attempts = of.gateway.attempts
                send_on = attempts.wait_in_vain if cut.news.silent else attempts.send_again
                reply = send_on(exchange, cut.news.container, self._ended_s)
                if reply is None:
                    session.exchange = exchange
            else:
                self._regain(connection)
                return True

    def _wait_for(self, exchange: Exchange) -> Generator[None, None, Reply]:
        """Wait for a connect whose attempt under way will fail; return what became of it."""
        self._waits, reply = True, None
        while reply is None:
            self._wait_until(exchange.resume_s)
            yield
            reply = self._of.gateway.attempts.resume(exchange, float(self._of.env.now))
        self._waits, self.session.exchange = False, None
        return reply

    def _demand_s(self) -> float:
        """Return what the next connect asks of a pod, in seconds of service (rule V1)."""
        law = self._of.law
        if law is not None:
            return self._of.world.draw(law, Purpose.CONNECT, self.session.id, self._connects)
        return self._opening_s

    def _connection(self, exchange: Exchange) -> Connection:
        container, address = self.session.holder, exchange.handle.address
        assert container is not None
        assert address is not None
        return Connection(container, exchange.worker, exchange.balancer, address, exchange.sent_s, len(exchange.tried))

    def _regain(self, connection: Connection) -> None:
        """Have a connection, the first one or a new one."""
        now_s, lost_s = float(self._of.env.now), self._lost_s
        self.session.answered_s = now_s
        if lost_s == lost_s:
            self._of.meter.regained(lost_s, now_s)
            self._settle(now_s - lost_s)
            self._lost_s = NAN
        self._hold(connection)

    def _settle(self, after_s: float | None) -> None:
        if self._severed_by is not None:
            self._of.severed.settled(self._severed_by, after_s)
            self._severed_by = None

    def _hold(self, connection: Connection) -> None:
        session, container = self.session, connection.container
        session.connection, session.lost_by = connection, None
        columns = self._of.columns
        columns.ints[CONNECTED][self._place], columns.ints[THROUGH][self._place] = (
            container.index,
            connection.worker.index,
        )
        session.request = -1  # messages move nothing
        container.hold(session.id)
        if container.closes_connections and not container.listening:
            self._of.gateway.cuts.close([session], container.cause, by_container=True)

    def _let_go(self) -> Container:
        """Be without a connection; return where it ended."""
        connection = self.session.connection
        assert connection is not None
        self.session.connection = None
        self._of.columns.ints[CONNECTED][self._place] = -1
        connection.container.drop(self.session.id)
        connection.log(float(self._of.env.now))
        return connection.container

    def _lose(self, cause: int, *, severed: bool) -> None:
        """Lose the connection, and remember since when and whose doing it is (rules V4 and V6).

        Args:
            cause: Number of the operation behind it, 0 if none.
            severed: Whether it was the container's doing.
        """
        of, now_s, container = self._of, float(self._of.env.now), self._let_go()
        self._lost_s = now_s
        self._expires_s = now_s + of.timeout_s
        self.session.lost_by = cause
        if cause:
            of.gateway.exposures.note(
                self.session, container, Exposure(cause, now_s, container.index, How.DISCONNECTED)
            )
        of.meter.lost(now_s)
        if severed:
            self._severed_by = container
            of.severed.note(container)
