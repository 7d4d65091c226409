"""Clients with long-lived connections: one small loop per live session (docs/model.md, rules V).

A session's first request is a connect: it goes through the gateway like any request, and opens a connection when it is
answered. From then on nobody asks the gateway: messages go to the connected container for as long as its process lives.
A session that has lost its connection waits, with back-off and jitter, and connects again.
"""

from collections.abc import Callable, Generator, Iterable

from simsticky.recording.open_rows import ROW
from simsticky.recording.record import CONNECT, Exposure, How
from simsticky.recording.recorder import SEAL_AT
from simsticky.scenario.model import Scenario
from simsticky.sim.clients.connection import Closed, Connection, GivenUpError
from simsticky.sim.clients.departures import PAUSE_AFTER_FAILURE_S, Departures, Successor
from simsticky.sim.clients.feeds import Chunk, one_by_one
from simsticky.sim.clients.severed import Severed
from simsticky.sim.clock import Clock, Tick
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.affinity import HASH
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.plane.session import Cut, Exchange, Loop, RunOver, Session
from simsticky.sim.plane.sessions import Sessions
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

INFINITY = float("inf")
NAN = float("nan")


class LongLived:
    """Runs the sessions of clients that hold a connection."""

    def __init__(self, world: World, gateway: Gateway, sessions: Sessions, departures: Departures) -> None:
        scenario: Scenario = world.scenario
        self.world = world
        self.env: Clock = world.env
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

    def run(
        self,
        session: Session,
        tick: Tick,
        at_s: float,
        feed: Iterable[Chunk],
        total: float,
        requests_before: int = 0,
        on_start: Callable[[], None] | None = None,
        on_end: Successor | None = None,
    ) -> Loop:
        """Return the loop of a session that connects at ``at_s``, or is connected and sends its next message then.

        Its tick is armed for that time by whoever starts the loop.
        """
        return _Client(self, session, tick, requests_before).run(at_s, feed, total, on_start, on_end)


class _Client:
    """One session's side of its connection."""

    __slots__ = (
        "_before",
        "_connects",
        "_ended_s",
        "_expires_s",
        "_last",
        "_lost_s",
        "_message_s",
        "_of",
        "_opening_s",
        "_picked_anew",
        "_sent",
        "_sent_s",
        "_severed_by",
        "_tick",
        "_waits",
        "_worker",
        "session",
    )
    _worker: Worker

    def __init__(self, of: LongLived, session: Session, tick: Tick, requests_before: int) -> None:
        self._of = of
        self.session = session
        self._before = self._sent = requests_before
        self._sent_s = self._ended_s = -INFINITY
        self._lost_s = NAN
        self._expires_s = INFINITY
        self._message_s = -INFINITY
        self._opening_s = 0.0
        self._connects = 0
        self._waits = self._last = False
        self._severed_by: Container | None = None
        self._tick = tick
        picks, _ = of.gateway.browsers.binding(session)
        self._picked_anew = picks and of.gateway.affinity == HASH

    # The session --------------------------------------------------------------------------------------------------

    def run(
        self,
        at_s: float,
        feed: Iterable[Chunk],
        total: float,
        on_start: Callable[[], None] | None,
        on_end: Successor | None,
    ) -> Loop:
        """Send everything the session has to send; see :meth:`LongLived.run`."""
        of, session = self._of, self.session
        adopted, done = session.holder is not None, 0
        try:
            for worker, demand_s, gap_s in one_by_one(feed):
                self._worker = worker
                if done:
                    self._send(demand_s)
                else:
                    self._opening_s = demand_s
                    yield from self._begin(at_s, demand_s, on_start, adopted=adopted)
                done += 1
                if done < total:
                    yield from self._pause(self._ended_s + gap_s, gap_s)
            yield from self._finish()
            self._tell_answer()
            of.departures.leave(session, self._sent_s, self._ended_s, self._sent - self._before, on_end, self._ended_s)
            yield None  # for good
        except GivenUpError:
            self._tell_answer()
            after_s = self._ended_s + PAUSE_AFTER_FAILURE_S
            of.departures.leave(session, self._sent_s, self._ended_s, self._sent - self._before, on_end, after_s)
            yield None  # for good
        except RunOver:
            self._report()
            yield None  # for good

    def _begin(self, at_s: float, demand_s: float, on_start: Callable[[], None] | None, *, adopted: bool) -> Loop:
        """Send the first request: a connect (rule V1), or the next message of a session that is connected already."""
        of, session = self._of, self.session
        if adopted:
            self._adopt()
            yield from self._pause(at_s, 0.0, armed=True)
            self._send(demand_s)
            return
        yield None
        if not of.departures.open:
            yield None  # for good: no new sessions any more
        of.sessions.admit(session)
        if on_start is not None:
            on_start()
        yield from self._open()

    def _adopt(self) -> None:
        """Be connected from before the run to the container that holds the session's state (rule V9)."""
        container, worker = self.session.holder, self._worker
        assert container is not None
        self._hold(Connection(container, worker, worker.balancer, container.pod.address, 0.0, 1))

    def _report(self) -> None:
        """Say what the session is at the end of the run."""
        of, session, now_s = self._of, self.session, float(self._of.env.now)
        if self._waits:
            row = (session.id, self._sent, self._sent_s, INFINITY, INFINITY, -1.0, self._worker.ok_code + CONNECT)
            of.recorder.request(row, now_s)
        elif self._ended_s > now_s and session.request == self._sent:
            of.gateway.undo(session, self._sent, now_s)  # a connect that is unanswered, so it moved nothing
        if session.connection is None and not self._last:
            of.meter.still_without(self._lost_s, now_s)
        ended_s = self._ended_s if self._last else NAN
        of.sessions.report(session, self._sent_s, ended_s, self._sent - self._before)

    # Messages -----------------------------------------------------------------------------------------------------

    def _send(self, demand_s: float) -> None:
        """Send a message to where the connection ends, whatever any table says (rule V2)."""
        of, now_s, connection = self._of, float(self._of.env.now), self.session.connection
        assert connection is not None
        container = connection.container
        started_s, ended_s = container.serve(now_s, demand_s * container.slowdown(now_s, of.warm_up))
        self._tell_answer()
        self._message_s = ended_s
        self._sent += 1
        self._sent_s, self._ended_s = now_s, ended_s
        code = connection.worker.ok_code
        of.recorder.write(ROW(self.session.id, self._sent, now_s, started_s, ended_s, container.number, code, -1.0))
        self._seal()

    def _tell_answer(self) -> None:
        """Tell of the latest message that it was answered, unless it was cut."""
        self.session.answered_s = max(self.session.answered_s, self._message_s)

    def _pause(self, due_s: float, gap_s: float, *, armed: bool = False) -> Loop:
        """Wait until the next message is due, and until there is a connection to send it on.

        Args:
            due_s: When it is due.
            gap_s: How long after the end of the one before; that may come sooner, with the connection's.
            armed: Whether the tick is set for ``due_s`` already.
        """
        env = self._of.env
        while True:
            if self.session.connection is None:
                yield from self._open()
            try:
                if not armed:
                    env.arm(self._tick, max(due_s, float(env.now)))
                armed = False
                yield None
                return
            except Cut as cut:
                self._disarm()
                if self._ended_s > env.now:
                    self._message_s = -INFINITY
                    self._ended_s = float(env.now)
                    due_s = self._ended_s + gap_s
                self._lose(cut.container.cause, severed=True)
            except Closed as closed:
                self._disarm()
                if self._ended_s > env.now and (yield from self._is_cut_before(self._ended_s)):
                    due_s = self._ended_s + gap_s
                self._lose(closed.cause, severed=closed.by_container)

    def _finish(self) -> Loop:
        """Close the connection once the last message is answered, or lost with it."""
        self._last = True
        if self._ended_s > self._of.env.now:
            yield from self._is_cut_before(self._ended_s)
        self._let_go()

    def _is_cut_before(self, at_s: float) -> Generator[float | None, float, bool]:
        """Wait for the end of the message under way; return whether the connection's end came first."""
        env = self._of.env
        while True:
            try:
                env.arm_completion(self._tick, at_s)
                yield None
                return False
            except Cut:
                self._disarm()
                self._message_s = -INFINITY
                self._ended_s = float(env.now)
                return True
            except Closed:
                self._disarm()  # it is closing already

    # Connections --------------------------------------------------------------------------------------------------

    def _open(self) -> Loop:
        """Connect, with a wait before each attempt but a session's very first, until there is a connection (rule V5).

        Raises:
            GivenUpError: ``reconnect.maxAttempts`` attempts in a row have failed.
        """
        of, failed, waits = self._of, 0, 0
        self._sent += 1
        if self._lost_s == self._lost_s:
            yield from self._back_off(float(of.env.now), waits)
            waits = 1
        while not (yield from self._connect()):
            failed += 1
            if failed == of.reconnect.max_attempts:
                of.env.arm_completion(self._tick, self._ended_s)
                yield None
                of.meter.given_up(self._lost_s, self._ended_s)
                self._settle(None)
                raise GivenUpError
            yield from self._back_off(self._ended_s, waits)
            waits += 1

    def _back_off(self, from_s: float, waits: int) -> Loop:
        draw = self._of.world.streams.uniform(Purpose.RECONNECT, self.session.id, self._connects)
        self._of.env.arm(self._tick, from_s + self._of.reconnect.wait_s(waits, draw))
        yield None

    def _connect(self) -> Generator[float | None, float, bool]:
        """Send one connect; return, at the time its fate is known, whether the connection is open."""
        of, session, worker = self._of, self.session, self._worker
        now_s = float(of.env.now)
        of.meter.connect(now_s, again=self._lost_s == self._lost_s)
        self._connects += 1
        self._sent_s = now_s
        self._seal()
        if worker.logs:
            worker.log_until(now_s)
        session.request = self._sent
        first = of.gateway.browsers.peer_of_next(session, worker) if self._picked_anew else None
        reply = of.gateway.attempts.send(session, worker, now_s, self._demand_s(), self._expires_s, first)
        while True:
            exchange, session.exchange = session.exchange, None
            if reply is None:
                assert exchange is not None
                self._waits = True
                reply = yield from of.gateway.attempts.wait(exchange, self._tick, of.env)
                self._waits, session.exchange = False, None
            started_s, self._ended_s, index, code, failed = reply
            row = (session.id, self._sent, self._sent_s, started_s, self._ended_s, index, code + CONNECT)
            of.recorder.request(row, float(of.env.now))
            if failed:
                session.request = -1
                return False
            assert exchange is not None
            connection = self._connection(exchange)
            try:
                of.env.arm_completion(self._tick, self._ended_s)
                yield None
            except Cut as cut:
                self._disarm()
                self._ended_s = float(of.env.now)
                if not cut.again:
                    session.request = -1
                    connection.log(self._ended_s)
                    return False
                attempts = of.gateway.attempts
                send_on = attempts.wait_in_vain if cut.silent else attempts.send_again
                reply = send_on(exchange, cut.container, self._ended_s)
                if reply is None:
                    session.exchange = exchange
            else:
                self._regain(connection)
                return True

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
        session.request = -1  # messages move nothing
        container.hold(session.id)
        if container.closes_connections and not container.listening:
            self._of.gateway.cuts.close([session], container.cause, by_container=True)

    def _let_go(self) -> Container:
        """Be without a connection; return where it ended."""
        connection = self.session.connection
        assert connection is not None
        self.session.connection = None
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

    def _disarm(self) -> None:
        self._tick = self._tick.disarm()

    def _seal(self) -> None:
        recorder, now_s = self._of.recorder, float(self._of.env.now)
        if recorder.written() >= SEAL_AT:
            recorder.seal(now_s)
            self._of.sessions.purge(now_s)
