"""The clients: one small loop per live session, and the hot path of the simulator.

A session is a generator that is resumed by one re-armed :class:`~simsticky.sim.kernel.Tick`: once per request, at the
moment of sending. With a FIFO queue the end of a request is known when it is sent, so the next send is put into the
queue at once and nothing happens in between (rule P1). What may still change the end, a container that dies with the
request in flight, throws :class:`~simsticky.sim.sessions.Cut` into the loop.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from heapq import heappop, heappush, heapreplace
from typing import Any

import simpy

from simsticky.kong.balancer import NoPeerError
from simsticky.scenario.model import Scenario
from simsticky.sim.attempts import Reply
from simsticky.sim.breaks import HASH
from simsticky.sim.connections import PAUSE_AFTER_FAILURE_S, LongLived
from simsticky.sim.feeds import Chunk, Feeds
from simsticky.sim.gateway import Gateway
from simsticky.sim.kernel import Tick, arm, disarm
from simsticky.sim.pods import Container
from simsticky.sim.recorder import ROW, SEAL_AT, Recorder
from simsticky.sim.sessions import Cut, Exchange, Loop, RunOver, Session, Sessions, Tabs
from simsticky.sim.streams import Purpose, Streams
from simsticky.sim.workers import Worker
from simsticky.sim.world import World
from simsticky.workload.columns import SessionBlock
from simsticky.workload.generate import Workload

_NOWHERE: Any = object()
"""Stands for the holder of a session without state: no route is ever this."""
_NO_SLOTS = [0.0]
_UNKNOWN = -1
"""No worker's version: what the loop knows of its way to the holder is to be looked up."""

INFINITY = float("inf")
NAN = float("nan")


class Clients:
    """Admits sessions and runs their loops; those of sessions with long-lived connections are in ``connections.py``.

    Args:
        on_idle: Called when no session sends any more after :meth:`close`.
    """

    def __init__(
        self,
        env: simpy.Environment,
        workload: Workload,
        gateway: Gateway,
        sessions: Sessions,
        recorder: Recorder,
        streams: Streams,
        scenario: Scenario,
        *,
        on_idle: Callable[[], None],
    ) -> None:
        """Bind everything the loops need."""
        app = scenario.app
        self._env = env
        self._workload = workload
        self._gateway = gateway
        self._sessions = sessions
        self._recorder = recorder
        self._streams = streams
        self._on_failure = scenario.traffic.on_failure
        self._tabs = scenario.traffic.tabs
        self._sends_cookie = gateway.browsers.sends_cookie
        self._feeds = Feeds(workload, gateway, streams, scenario)
        # State outside the pods does not expire with them, and is not left behind with them.
        self._state_in_pods = app.state == "pod"
        self._timeout_s = app.session_timeout if self._state_in_pods else INFINITY
        # A container whose memory is bounded must hear of every session that comes.
        self._roams = self._state_in_pods and app.oom is None
        self._read_timeout_s = scenario.gateway.read_timeout
        self._on_idle = on_idle
        self._long_lived: LongLived | None = None
        if scenario.traffic.connections.long_lived:
            world = World(env, scenario, streams, recorder)
            self._long_lived = LongLived(world, gateway, sessions, self._leave, self._later, lambda: self._open)
        self._arrivals = self._open_arrivals()
        self._open = True

    # Admission --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Arm the first arrival, or all clients of a closed population."""
        for client in range(self._workload.population):
            self._start_client(client, 0, 0.0)
        self._arm_next_arrival()

    def first_worker(self, session: int) -> Worker:
        """Return the worker that the front balancer gives a session's first request."""
        return self._feeds.first_worker(session)

    def adopt(self, session: Session, block: SessionBlock, index: int) -> None:
        """Let a session that is alive at 0 go on: its next request comes at ``block.start_s[index]``."""
        self._sessions.admit(session)
        self._launch(session, block, index, block.start_s[index], requests_before=block.request_before[index])

    def close(self) -> None:
        """Admit no more sessions."""
        self._open = False
        if not self._sessions.sending:
            self._on_idle()

    def _open_arrivals(self) -> Iterator[tuple[SessionBlock, int]]:
        for block in self._workload.arrivals():
            for index in range(len(block)):
                yield block, index

    def _arm_next_arrival(self) -> None:
        arrival = next(self._arrivals, None)
        if arrival is None or not self._open:
            return
        block, index = arrival
        session = Session(block.first_session + index, self.has_jar(block, index), block.start_s[index])
        self._launch(session, block, index, block.start_s[index], on_start=self._arm_next_arrival)

    def _start_client(self, client: int, ordinal: int, after_s: float) -> Session:
        """Arm a client's next session of a closed population, and return it."""
        workload = self._workload
        block = workload.client_session(client, ordinal)
        start_s = after_s + block.start_s[0]
        number = client + ordinal * workload.population
        session = Session(number, self.has_jar(block, 0), start_s)
        if workload.endless:
            tick = Tick()
            loop = self._loop(session, tick, start_s, self._feeds.endless(client), INFINITY)
            self._begin(session, loop, tick, start_s)
            return session

        def again(end_s: float) -> Session | None:
            return self._start_client(client, ordinal + 1, end_s) if self._open else None

        self._launch(session, block, 0, start_s, on_end=again)
        return session

    def has_jar(self, block: SessionBlock, index: int) -> bool:
        """Return whether a session of a block sends a cookie back."""
        return block.has_jar[index] and self._sends_cookie

    # The loop ---------------------------------------------------------------------------------------------------

    def _launch(
        self,
        session: Session,
        block: SessionBlock,
        index: int,
        at_s: float,
        *,
        requests_before: int = 0,
        on_start: Callable[[], None] | None = None,
        on_end: Callable[[float], Session | None] | None = None,
    ) -> None:
        """Start the loop of a block's session, or one for each of its tabs."""
        low, high = block.offset[index], block.offset[index + 1]
        if self._tabs == 1:
            feed = self._feeds.of(session.id, block.service_s, block.think_s, low, high)
            tick = Tick()
            loop = self._loop(session, tick, at_s, feed, high - low, requests_before, on_start, on_end)
            self._begin(session, loop, tick, at_s)
            return
        # The session's requests are dealt out; each tab but the first opens after a think of its own (rule C1).
        tabs = min(self._tabs, high - low)
        session.tabs = Tabs(left=tabs, first_request=requests_before + 1)
        for tab in range(tabs):
            service, think = block.service_s[low + tab : high : tabs], block.think_s[low + tab : high : tabs]
            feed = self._feeds.of(session.id, service, think, 0, len(service))
            opens_s = at_s + think[0] if tab else at_s
            tick = Tick()
            loop = self._run(
                session, tick, feed, high - low, requests_before, None if tab else on_start, on_end, (tab, tabs)
            )
            session.tabs.loops.append(loop)
            self._begin(session, loop, tick, opens_s)
        session.loop = session.tabs.loops[0]

    def _loop(
        self,
        session: Session,
        tick: Tick,
        at_s: float,
        feed: Iterable[Chunk],
        total: float,
        requests_before: int = 0,
        on_start: Callable[[], None] | None = None,
        on_end: Callable[[float], Session | None] | None = None,
    ) -> Loop:
        """Return the loop of a session with one tab."""
        if self._long_lived is not None:
            return self._long_lived.run(session, tick, at_s, feed, total, requests_before, on_start, on_end)
        return self._run(session, tick, feed, total, requests_before, on_start, on_end)

    def _begin(self, session: Session, loop: Loop, tick: Tick, at_s: float) -> None:
        """Let a loop go on whenever its tick comes, first at ``at_s``."""
        session.loop = loop
        next(loop)
        tick.resume = loop.send
        arm(self._env, tick, at_s)

    def _run(
        self,
        session: Session,
        tick: Tick,
        feed: Iterable[Chunk],
        total: float,
        requests_before: int = 0,
        on_start: Callable[[], None] | None = None,
        on_end: Callable[[float], Session | None] | None = None,
        tab: tuple[int, int] = (0, 1),
    ) -> Loop:
        """One session from its first send to its last; whatever is read per request is a local name.

        It is resumed by its tick, with the time; it yields the time of its next send once that is known.
        """
        env: Any = self._env
        recorder, sessions, gateway, attempts = self._recorder, self._sessions, self._gateway, self._gateway.attempts
        write, written, number = recorder.write, recorder.written, float(session.id)
        timeout_s, read_timeout_s, logs = self._timeout_s, self._read_timeout_s, gateway.picks_counted
        browsers = gateway.browsers
        picks, key = browsers.binding(session)
        by_key = browsers.peer_of_next if picks and gateway.affinity == HASH else None
        roams, roamed = picks and self._roams, 0
        version, reached = _UNKNOWN, False
        past: dict[Container, float] = {}
        address, holder, ends, container = self._where(session)
        adopted = holder is not _NOWHERE
        expires_s = timeout_s if adopted else INFINITY
        (first, step), total = tab, total + requests_before
        sent, before_last = float(requests_before + first + 1 - step), total - step
        now = ended_s = never = -INFINITY
        came_from: Container | None = None
        exchange: Any = None
        failures, failing, waits = 0, 0.0, False
        try:
            now = yield None
            if first:
                if not sessions.knows(session):
                    yield None  # for good: the session has not been admitted
            elif not adopted:
                if not self._open or session.withdrawn:
                    yield None  # for good: no new sessions any more, or this one's predecessor goes on
                sessions.admit(session)
            if on_start is not None:
                on_start()
            for worker, service, think in feed:
                waiting: Any = worker.open
                counts, times = worker.counts, worker.times
                route, answered = browsers.routes(session, worker), worker.ok_code
                if written() >= SEAL_AT:
                    recorder.seal(env._now)
                    sessions.purge(env._now)
                for demand, gap in zip(service, think, strict=True):
                    sent += step
                    while True:  # once, unless the request fails and the client sends it again
                        came_from = None
                        if picks:
                            if by_key is not None:
                                address = by_key(session, worker)
                            else:
                                if logs:
                                    # ``Worker.log_until``, written out.
                                    while waiting and waiting[0][0] <= now:
                                        worker.now_s, _, _, balancer, left, took_s = heappop(waiting)
                                        if counts:
                                            balancer.release(left)
                                        if times:
                                            balancer.feedback(left, took_s)
                                    worker.now_s = now
                                try:
                                    address = worker.balancer.next_peer()
                                except NoPeerError:
                                    address = None
                            target: Any = route(address)
                            reached = target is holder
                            if not reached and target is not None and roams and holder is not _NOWHERE:
                                # No affinity: the session leaves its state, as most requests do (rule B5).
                                came_from, holder, ends, container = holder, target, target.ends, target.number
                        elif version != worker.version:
                            version = worker.version
                            if key is not None:
                                address = worker.peer_of(key)
                            reached = route(address) is holder
                        free_s = ends[0]
                        started_s = free_s if free_s > now else now
                        ended_s = started_s + demand
                        if ended_s <= now + read_timeout_s and (came_from or (reached and now <= expires_s)):
                            heapreplace(ends, ended_s)
                            if came_from is None:
                                write(ROW(number, sent, now, started_s, ended_s, container, answered, -1.0))
                            else:
                                code = worker.stale_code if past.get(holder, never) >= now else worker.lost_code
                                write(ROW(number, sent, now, started_s, ended_s, container, code, came_from.number))
                                past[came_from] = expires_s
                                session.holder = holder
                                roamed += 1
                            if logs:
                                heappush(waiting, (ended_s, number, sent, worker.balancer, address, ended_s - now))
                            expires_s = ended_s + timeout_s
                            failed = False
                        else:
                            came_from = None
                            session.past = past if picks else session.past
                            session.breaks_background += roamed
                            roamed = 0
                            session.request = int(sent)
                            reply = attempts.send(session, worker, now, demand, expires_s, address if picks else None)
                            exchange, session.exchange = session.exchange, None
                            if reply is None:
                                waits = True
                                reply = yield from self._later(exchange, tick)
                            started_s, ended_s, index, code, failed = reply
                            recorder.request((number, sent, now, started_s, ended_s, index, code), env._now)
                            waits = False
                            address, holder, ends, container = self._where(session)
                            version, past = _UNKNOWN, session.past if session.past is not None else past
                            if not failed:
                                expires_s = ended_s + timeout_s
                            elif session.request == sent:
                                session.request = -1  # it moved nothing, so there is nothing to take back
                        due_s: float | None = ended_s + gap
                        while not failed:
                            try:
                                if sent <= before_last:
                                    now = yield due_s
                                    break
                                session.breaks_background += roamed
                                roamed = 0
                                count = (int(sent) - requests_before - first - 1) // step + 1
                                self._leave(session, now, ended_s, count, on_end, ended_s)
                                yield None  # unless the last request is cut, until the session is let go
                                return
                            except Cut as cut:
                                if sent <= before_last:
                                    tick = disarm(tick)
                                else:
                                    self._recall(session, count)
                                if came_from is not None:
                                    session.holder = came_from
                                    recorder.moved(env._now, container, came_from.number)
                                    roamed -= 1
                                session.breaks_background += roamed
                                roamed = 0
                                ended_s = env._now
                                failed = not cut.again
                                if cut.again:
                                    if exchange is None or (exchange.sent_s, exchange.request) != (now, cut.request):
                                        exchange = attempts.exchange_of(
                                            session, worker, cut.request, now, demand, expires_s
                                        )
                                    exchange.worker.forget(session.id, cut.request)
                                    send_on = attempts.wait_in_vain if cut.silent else attempts.send_again
                                    reply = send_on(exchange, cut.container, ended_s)
                                    if reply is None:
                                        waits = True
                                        reply = yield from self._later(exchange, tick)
                                    started_s, ended_s, index, code, failed = reply
                                    recorder.request((number, sent, now, started_s, ended_s, index, code), env._now)
                                    waits = False
                                    if not failed:
                                        expires_s = ended_s + timeout_s
                                else:
                                    slow = exchange is not None and exchange.request == sent
                                    attempts.end_cut(exchange.worker if slow else worker, session, cut, ended_s)
                                came_from = None
                                address, holder, ends, container = self._where(session)
                                version = _UNKNOWN
                                if sent <= before_last and not failed:
                                    arm(env, tick, ended_s + gap)
                                    due_s = None
                        if not failed:
                            break
                        exchange = None
                        failures = failures + 1 if failing == sent else 1
                        failing = sent
                        last = sent > before_last
                        again_s, again = self._after_failure(session, failures, ended_s, gap, last=last)
                        if again_s == INFINITY:
                            after_s = ended_s + PAUSE_AFTER_FAILURE_S
                            session.breaks_background += roamed
                            roamed = 0
                            count = (int(sent) - requests_before - first - 1) // step + 1
                            self._leave(session, now, ended_s, count, on_end, after_s)
                            yield None  # until the session is let go
                            return
                        arm(env, tick, again_s)
                        now = yield None
                        if not again:
                            break
        except RunOver:
            if waits:
                recorder.request((number, sent, now, INFINITY, INFINITY, -1.0, answered), env._now)
            elif ended_s > env._now and (session.request == sent or session.tabs is not None):
                gateway.undo(session, int(sent), env._now)  # unanswered, so it moved nothing
            elif ended_s > env._now and came_from is not None:
                session.holder = came_from
                recorder.moved(env._now, container, came_from.number)
                roamed -= 1
            session.breaks_background += roamed
            count = (int(sent) - requests_before - first - 1) // step + 1
            sessions.report(session, now, ended_s if sent > before_last else NAN, count)
            yield None

    def _later(self, exchange: Exchange, tick: Tick) -> Generator[None, float, Reply]:
        """Wait for a request whose attempt under way will fail, and for its further ones; return what became of it."""
        reply = None
        while reply is None:
            arm(self._env, tick, exchange.resume_s)
            now_s = yield
            reply = self._gateway.attempts.resume(exchange, now_s)
        return reply

    def _where(self, session: Session) -> tuple[str | None, Any, list[float], float]:
        """Return what the loop keeps of where its session lives: cookie, holder, the holder's slots and number."""
        holder = session.holder
        if holder is None:
            return session.cookie, _NOWHERE, _NO_SLOTS, -1.0
        return session.cookie, holder, holder.ends, holder.number

    def _leave(
        self,
        session: Session,
        now_s: float,
        ended_s: float,
        sent: int,
        on_end: Callable[[float], Session | None] | None,
        after_s: float,
    ) -> None:
        """Let a session go that has sent its last request: the last of its tabs, if it has several."""
        tabs = session.tabs
        if tabs is not None:
            tabs.left -= 1
            tabs.sent = sent = tabs.sent + sent
            tabs.ended_s = ended_s = max(tabs.ended_s, ended_s)
            if tabs.left:
                return
            after_s = max(after_s, ended_s)
        self._sessions.leave(session, now_s, ended_s, sent)
        if on_end is not None:
            session.successor = on_end(after_s)
        if not self._open and not self._sessions.sending:
            self._on_idle()

    def _recall(self, session: Session, sent: int) -> None:
        """Take back :meth:`_leave`: the last request was cut, so the client is not done at the time foreseen."""
        if session.tabs is not None:
            session.tabs.left += 1
            session.tabs.sent -= sent
            if session.tabs.left > 1:
                return
        self._sessions.recall(session)
        if session.successor is not None:
            session.successor.withdrawn = True

    def _after_failure(
        self, session: Session, failures: int, ended_s: float, gap_s: float, *, last: bool
    ) -> tuple[float, bool]:
        """Say when a client whose request failed sends again (inf: never), and whether that is the same request."""
        policy = self._on_failure
        if policy.action == "retry" and failures < policy.max_attempts:
            generator = self._streams.generator(Purpose.BACKOFF, session.id, session.failed)
            return ended_s + float(policy.backoff.sample(generator, 1)[0]), True
        if policy.action == "abandon" or last:
            return INFINITY, False
        return ended_s + gap_s, False
