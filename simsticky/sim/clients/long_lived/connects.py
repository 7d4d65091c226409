"""How a client gets its connection, and gets it back: by connects, with waits before all but the very first."""

from collections.abc import Generator

from simsticky.recording.record import CONNECT
from simsticky.sim.clients.long_lived.connection import Connection, GivenUpError
from simsticky.sim.clients.long_lived.holding import Holding
from simsticky.sim.clients.long_lived.messages import Messages
from simsticky.sim.clients.long_lived.shared import Shared
from simsticky.sim.clients.long_lived.turns import CutOff, Turns, Waiting
from simsticky.sim.gateway.proxy import Reply
from simsticky.sim.plane.fields import SENT_AT
from simsticky.sim.sessions.session import Exchange, Session
from simsticky.sim.streams import Purpose


class Connects:
    """The connects of one session: each is a request, which goes through the gateway like any (rule V1).

    Attributes:
        waits: Whether one is under way of which nobody knows yet when it ends.
    """

    __slots__ = ("_demand_s", "_holding", "_made", "_messages", "_of", "_picked_anew", "_session", "_turns", "waits")

    def __init__(self, of: Shared, session: Session, turns: Turns, messages: Messages, holding: Holding) -> None:
        self._of = of
        self._session = session
        self._turns = turns
        self._messages = messages
        self._holding = holding
        self._made = 0
        self._demand_s: float = of.columns.demands.cells[messages.draw]  # that of the session's first request
        self._picked_anew = of.gateway.browsers.picks_anew(session)
        self.waits = False

    def open(self) -> Waiting:
        """Connect, with a wait before each attempt but a session's very first, until there is a connection (rule V5).

        Raises:
            GivenUpError: ``reconnect.maxAttempts`` attempts in a row have failed.
        """
        of, turns, messages, holding, failed, waits = self._of, self._turns, self._messages, self._holding, 0, 0
        messages.pause()
        if holding.is_lost:
            self._back_off(float(of.env.now), waits)
            yield
            waits = 1
        messages.begin_connect(again=holding.is_lost)
        while not (yield from self._connect()):
            failed += 1
            if failed == of.reconnect.max_attempts:
                turns.wait_for_end(messages.ended_s)
                yield
                holding.give_up(messages.ended_s)
                raise GivenUpError
            self._back_off(messages.ended_s, waits)
            yield
            waits += 1

    def _back_off(self, from_s: float, waits: int) -> None:
        draw = self._of.world.streams.uniform(Purpose.RECONNECT, self._session.id, self._made)
        self._turns.wait_until(from_s + self._of.reconnect.wait_s(waits, draw))

    def _connect(self) -> Generator[None, None, bool]:
        """Send one connect; return, at the time its fate is known, whether the connection is open."""
        of, session, messages = self._of, self._session, self._messages
        now_s, attempts = float(of.env.now), of.gateway.attempts
        reply = self._send(now_s)
        while True:
            exchange, session.exchange = session.exchange, None
            if reply is None:
                assert exchange is not None
                reply = yield from self._wait_for(exchange)
            started_s, ended_s, index, code, failed = reply
            messages.ended_s = ended_s
            messages.write(now_s, started_s, ended_s, index, code + CONNECT)
            if failed:
                session.request = -1
                return False
            assert exchange is not None
            connection = self._connection(exchange)
            try:
                self._turns.wait_for_end(ended_s)
                yield
            except CutOff as cut:
                messages.ended_s = cut_s = float(of.env.now)
                if not cut.news.again:
                    session.request = -1
                    connection.log(cut_s)
                    return False
                send_on = attempts.wait_in_vain if cut.news.silent else attempts.send_again
                reply = send_on(exchange, cut.news.container, cut_s)
                if reply is None:
                    session.exchange = exchange
            else:
                self._holding.regain(connection)
                return True

    def _send(self, now_s: float) -> Reply | None:
        """Send a connect; None where nothing is known of its end yet."""
        of, session, worker = self._of, self._session, self._messages.worker
        of.meter.connect(now_s, again=self._holding.is_lost)
        self._made += 1
        of.columns.floats[SENT_AT][session.place] = now_s
        if worker.logs:
            worker.log_until(now_s)
        first = of.gateway.browsers.peer_of_next(session, worker) if self._picked_anew else None
        number, expires_s = self._messages.latest, self._holding.expires_s
        return of.gateway.attempts.send(session, number, worker, now_s, self._cost_s(), expires_s, first)

    def _wait_for(self, exchange: Exchange) -> Generator[None, None, Reply]:
        """Wait for a connect whose attempt under way will fail; return what became of it."""
        self.waits, reply = True, None
        while reply is None:
            self._turns.wait_until(exchange.resume_s)
            yield
            reply = self._of.gateway.attempts.resume(exchange, float(self._of.env.now))
        self.waits, self._session.exchange = False, None
        return reply

    def _cost_s(self) -> float:
        """Return what the next connect asks of a pod, in seconds of service (rule V1)."""
        law = self._of.law
        if law is not None:
            return self._of.world.draw(law, Purpose.CONNECT, self._session.id, self._made)
        return self._demand_s

    def _connection(self, exchange: Exchange) -> Connection:
        container, address = self._session.holder, exchange.handle.address
        assert container is not None
        assert address is not None
        return Connection(container, exchange.worker, exchange.balancer, address, exchange.sent_s, len(exchange.tried))
