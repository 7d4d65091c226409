"""Irregular sends: what becomes of a request that is not answered by the one target it can go to, in time.

The regular ones are made in ``plane/loop.py``, on the same columns. Here a request is sent through all its attempts,
waits, fails, is cut, is sent again by its client; afterwards the session is the loop's again.
"""

from simsticky.sim.clients.departures import PAUSE_AFTER_FAILURE_S, Departures
from simsticky.sim.gateway.affinity import HASH
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.gateway.proxy import Reply
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    AGAIN,
    CURSOR,
    ENDED,
    ENDED_BEFORE,
    ENDLESS,
    EXPIRES,
    LAST,
    NUMBER,
    PICKED,
    REQUESTS,
    SENT_AT,
    SLOW,
    TIMEOUT,
    WAITS,
    WORKER,
)
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import NO_FAILURE, Cut, Exchange, Failure, Session
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

INFINITY = float("inf")


class IrregularSends:
    """Sends requests the irregular way, and takes the news of those that are cut."""

    def __init__(self, world: World, gateway: Gateway, sessions: Sessions, departures: Departures) -> None:
        self._world = world
        self._columns: Columns = gateway.columns
        self._gateway = gateway
        self._attempts = gateway.attempts
        self._workers = gateway.workers
        self._per_request = not gateway.front.one_worker
        self._by_key = gateway.affinity == HASH
        self._timeout_s: float = self._columns.times.cells[TIMEOUT]
        self._sessions = sessions
        self._departures = departures
        self._recorder = world.recorder
        self._on_failure = world.scenario.traffic.on_failure
        self._endless = bool(self._columns.rules.cells[ENDLESS])
        self._exchanges: dict[int, Exchange] = {}
        self.made = 0

    # A turn -------------------------------------------------------------------------------------------------------

    def take_turn(self, session: Session, place: int, now_s: float) -> None:
        """Go on with a session whose turn has come: with a request that waits, the same one again, or the next.

        Args:
            session: The session.
            place: Its place, or that of its tab.
            now_s: The time.
        """
        columns = self._columns
        ints, floats = columns.ints, columns.floats
        requests, cursors, slow = ints[REQUESTS], ints[CURSOR], ints[SLOW][place]
        if slow & WAITS:
            ints[SLOW][place] = slow & ~WAITS
            waiting = self._exchanges[place]
            self._settle(session, place, waiting, self._attempts.resume(waiting, now_s), now_s)
            return
        self.made += 1
        if slow & AGAIN:
            ints[SLOW][place] = slow & ~AGAIN  # its number and its draw stay
        else:
            requests[place] += 1 if session.tabs is None else len(session.tabs.places)
            cursors[place] += 1
        floats[SENT_AT][place], floats[ENDED_BEFORE][place] = now_s, floats[ENDED][place]
        worker, request, demand_s = self._worker(place), requests[place], columns.demands.cells[cursors[place] - 1]
        if worker.logs:
            worker.log_until(now_s)
        picked = columns.own.cells[PICKED]  # by the loop, for this very request
        first = columns.cells.numbers.names[picked] if picked >= 0 else None
        if self._by_key and self._gateway.browsers.picks_anew(session):
            first = self._gateway.browsers.peer_of_next(session, worker)
        reply = self._attempts.send(session, request, worker, now_s, demand_s, floats[EXPIRES][place], first)
        exchange, session.exchange = session.exchange, None
        failed = self._settle(session, place, exchange, reply, now_s)
        if failed and session.request == request:
            session.request = -1  # it moved nothing, so there is nothing to take back

    def _settle(
        self, session: Session, place: int, exchange: Exchange | None, reply: Reply | None, now_s: float
    ) -> bool:
        """Write down what became of a request, and go on from there; return whether it has failed.

        None, for a reply, is a wait: nothing is known of the request's end before the attempt under way has failed.
        """
        columns, ints, floats = self._columns, self._columns.ints, self._columns.floats
        if exchange is not None:
            self._exchanges[place] = exchange
        if reply is None:
            assert exchange is not None
            ints[SLOW][place] |= WAITS
            columns.send_at(place, exchange.resume_s)
            return False
        started_s, ended_s, index, code, failed = reply
        self._write(place, started_s, ended_s, index, code, now_s)
        floats[ENDED][place] = ended_s
        if failed:
            self._fail(session, place, now_s)
            return True
        floats[EXPIRES][place] = ended_s + self._timeout_s
        cursor = ints[CURSOR][place]
        if cursor < ints[LAST][place] or self._endless:
            columns.send_at(place, ended_s + columns.gaps.cells[cursor - 1])
        else:
            self._departures.leave(session, place, ended_s)
        return False

    def _write(self, place: int, started_s: float, ended_s: float, container: float, code: float, now_s: float) -> None:
        ints, sent_s = self._columns.ints, self._columns.floats[SENT_AT][place]
        row = (ints[NUMBER][place], ints[REQUESTS][place], sent_s, started_s, ended_s, container, code)
        self._recorder.request(row, now_s)

    def _worker(self, place: int) -> Worker:
        """Return the worker of a place's latest request."""
        columns = self._columns
        number: int = columns.ints[WORKER][place]
        if self._per_request:
            number = columns.via.cells[columns.ints[CURSOR][place] - 1]
        return self._workers[number]

    # Failures -----------------------------------------------------------------------------------------------------

    def _fail(self, session: Session, place: int, now_s: float) -> None:
        """Go on after a failed request: with the same again, with the next, or not at all (rule C3)."""
        columns = self._columns
        request, cursor = columns.ints[REQUESTS][place], columns.ints[CURSOR][place]
        ended_s, gap_s = columns.floats[ENDED][place], columns.gaps.cells[cursor - 1]
        before, before_s = session.failing.get(place, NO_FAILURE), columns.floats[ENDED_BEFORE][place]
        if before.ended_s != before_s:  # the request before this one may have been the last to be answered
            session.answered_s = max(session.answered_s, before_s)
        failures = before.times + 1 if before.request == request else 1
        session.failing[place] = Failure(request, failures, ended_s)
        policy = self._on_failure
        if policy.action == "retry" and failures < policy.max_attempts:
            generator = self._world.streams.generator(Purpose.BACKOFF, session.id, session.failed)
            columns.ints[SLOW][place] |= AGAIN
            columns.send_at(place, ended_s + float(policy.backoff.sample(generator, 1)[0]))
            return
        is_last = cursor >= columns.ints[LAST][place] and not self._endless
        if policy.action == "abandon" or is_last:
            self._departures.leave(session, place, ended_s + PAUSE_AFTER_FAILURE_S)
            return
        # Time must pass where nothing else ends it (rule C4).
        at_once = ended_s + gap_s <= now_s
        columns.send_at(place, ended_s + (PAUSE_AFTER_FAILURE_S if self._endless and at_once else gap_s))

    # Cuts ---------------------------------------------------------------------------------------------------------

    def place_of(self, session: Session, request: int) -> int:
        """Return the place of the tab that has sent a request."""
        tabs = session.tabs
        return session.place if tabs is None else tabs.places[(request - tabs.first_request) % len(tabs.places)]

    def cut(self, session: Session, cut: Cut) -> None:
        """Go on with a request in flight that its container cuts; the place's next send has been withdrawn.

        What the request did to its session is taken back. It fails, or is sent again, at once or after a wait in vain.
        """
        columns, attempts, now_s = self._columns, self._gateway.attempts, self._world.now_s
        place = self.place_of(session, cut.request)
        if columns.ints[CURSOR][place] >= columns.ints[LAST][place] and not self._endless:
            self._departures.recall(session, place)
        self._gateway.undo(session, cut.request, now_s)
        exchange = self._exchange(session, place, cut.request)
        columns.floats[ENDED][place] = now_s
        if not cut.again:
            session.failed += 1
            worker = self._worker(place) if exchange is None else exchange.worker
            attempts.end_cut(worker, session, cut, now_s)
            self._fail(session, place, now_s)
            return
        if exchange is None:
            demand_s = columns.demands.cells[columns.ints[CURSOR][place] - 1]
            sent_s, expires_s = columns.floats[SENT_AT][place], columns.floats[EXPIRES][place]
            exchange = attempts.exchange_of(session, self._worker(place), cut.request, sent_s, demand_s, expires_s)
        exchange.worker.forget(session.id, cut.request)
        send_on = attempts.wait_in_vain if cut.silent else attempts.send_again
        self._settle(session, place, exchange, send_on(exchange, cut.container, now_s), now_s)

    def _exchange(self, session: Session, place: int, request: int) -> Exchange | None:
        """Return the exchange of a place's latest request; None where it had none."""
        exchange = self._exchanges.get(place)
        if exchange is None or exchange.session is not session:
            return None
        same = (exchange.sent_s, exchange.request) == (self._columns.floats[SENT_AT][place], request)
        return exchange if same else None

    # The end of the run -------------------------------------------------------------------------------------------

    def is_over(self, place: int) -> bool:
        """Say, at the end of the run, whether a session has sent its last request; take back what is unanswered."""
        session = self._sessions.at(place)
        tabs = session.tabs
        if tabs is None:
            return self._ends(session, place)
        self._departures.part_tabs(session)
        over = [self._ends(session, each) for each in tabs.places]
        self._departures.gather_tabs(session)
        return all(over)

    def _ends(self, session: Session, place: int) -> bool:
        columns, now_s = self._columns, self._world.now_s
        request = columns.ints[REQUESTS][place]
        if columns.ints[SLOW][place] & WAITS:
            self._write(place, INFINITY, INFINITY, -1.0, self._worker(place).ok_code, now_s)
        elif columns.floats[ENDED][place] > now_s and (
            request in (session.request, session.roamed) or session.tabs is not None
        ):
            self._gateway.undo(session, request, now_s)
        return bool(columns.ints[CURSOR][place] >= columns.ints[LAST][place] and not self._endless)
