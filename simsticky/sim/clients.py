"""The clients: one small loop per live session, and the hot path of the simulator.

A session is a generator that is resumed by one re-armed :class:`~simsticky.sim.kernel.Tick`: once per request, at the
moment of sending. With a FIFO queue the end of a request is known when it is sent, so the next send is put into the
queue at once and nothing happens in between (rule P1). What may still change the end, a container that dies with the
request in flight, throws :class:`~simsticky.sim.sessions.Cut` into the loop.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from heapq import heappush, heapreplace
from itertools import groupby
from typing import Any

import numpy as np
import simpy

from simsticky.scenario.model import Scenario
from simsticky.sim.gateway import Gateway, Worker
from simsticky.sim.kernel import Phase, Tick, arm, disarm
from simsticky.sim.recorder import SEAL_AT, Recorder
from simsticky.sim.sessions import Cut, RunOver, Session, Sessions
from simsticky.sim.streams import Purpose, Streams
from simsticky.workload.columns import SessionBlock
from simsticky.workload.generate import Workload

Chunk = tuple[Worker, list[float], list[float]]
"""A few consecutive requests through one worker: their service demands and the think gaps after them."""

Loop = Generator[None, Any, None]

_CHUNK = 64
_NOWHERE: Any = object()
"""Stands for the holder of a session without state: no route is ever this."""
_NO_SLOTS = [0.0]

INFINITY = float("inf")
NAN = float("nan")
_PAUSE_AFTER_FAILURE_S = 1.0
"""A client of a closed population whose session ended with a failure waits at least this long (rule C4)."""


class Clients:
    """Admits sessions and runs their loops.

    Args:
        sticky: Whether the upstream follows a cookie.
        sends_cookie: Whether the cookie's path covers the path the clients request.
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
        sticky: bool,
        sends_cookie: bool,
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
        self._sticky = sticky
        self._sends_cookie = sends_cookie
        # One worker takes all requests of a session, unless each is balanced anew.
        self._one_worker = len(gateway.workers) == 1 or scenario.gateway.front_balancer == "perConnection"
        # State outside the pods does not expire with them, and each request pays the way there.
        self._timeout_s = app.session_timeout if app.state == "pod" else INFINITY
        self._state_latency = app.external_latency if app.state == "external" else None
        self._read_timeout_s = scenario.gateway.read_timeout
        self._on_idle = on_idle
        self._arrivals = self._open_arrivals()
        self._open = True

    # Admission --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Arm the first arrival, or all clients of a closed population."""
        for client in range(self._workload.population):
            self._start_client(client, 0, 0.0)
        self._arm_next_arrival()

    def adopt(self, session: Session, block: SessionBlock, index: int) -> None:
        """Let a session that is alive at 0 go on: its next request comes at ``block.start_s[index]``."""
        self._sessions.admit(session)
        low, high = block.offset[index], block.offset[index + 1]
        feed = self._feed(session.id, block.service_s, block.think_s, low, high)
        total = high - low
        self._launch(session, block.start_s[index], feed, total, None, block.request_before[index])

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
        low, high = block.offset[index], block.offset[index + 1]
        feed = self._feed(session.id, block.service_s, block.think_s, low, high)
        self._launch(session, block.start_s[index], feed, high - low, self._arm_next_arrival, 0)

    def _start_client(self, client: int, ordinal: int, after_s: float) -> Session:
        """Arm a client's next session of a closed population, and return it."""
        workload = self._workload
        block = workload.client_session(client, ordinal)
        start_s = after_s + block.start_s[0]
        number = client + ordinal * workload.population
        session = Session(number, self.has_jar(block, 0), start_s)
        if workload.endless:
            self._launch(session, start_s, self._endless_feed(client), INFINITY, None, 0)
            return session

        def again(end_s: float) -> Session | None:
            return self._start_client(client, ordinal + 1, end_s) if self._open else None

        feed = self._feed(number, block.service_s, block.think_s, 0, block.offset[1])
        self._launch(session, start_s, feed, block.offset[1], None, 0, again)
        return session

    def has_jar(self, block: SessionBlock, index: int) -> bool:
        """Return whether a session of a block sends a cookie back."""
        return block.has_jar[index] and self._sends_cookie

    # Requests, a few at a time ----------------------------------------------------------------------------------

    def _feed(self, session: int, service: list[float], think: list[float], low: int, high: int) -> Iterable[Chunk]:
        """Return a session's requests ``low .. high - 1`` of the flat columns."""
        if self._one_worker and high - low <= _CHUNK:
            demands = self._demands(session, 0, service[low:high])
            return ((self.first_worker(session), demands, think[low:high]),)
        return self._long_feed(session, service, think, low, high)

    def _long_feed(
        self, session: int, service: list[float], think: list[float], low: int, high: int
    ) -> Iterator[Chunk]:
        for first in range(low, high, _CHUNK):
            last = min(first + _CHUNK, high)
            yield from self._chunks(session, first - low, service[first:last], think[first:last])

    def _endless_feed(self, client: int) -> Iterator[Chunk]:
        sent = chunk = 0
        while True:
            think, service = self._workload.more_requests(client, chunk)
            for first in range(0, len(think), _CHUNK):
                part = slice(first, first + _CHUNK)
                yield from self._chunks(client, sent, service[part], think[part])
                sent += _CHUNK
            chunk += 1

    def _chunks(self, session: int, first: int, service: list[float], think: list[float]) -> Iterator[Chunk]:
        """Yield consecutive requests, the ``first`` and following of a session, split where the worker changes."""
        demands = self._demands(session, first, service)
        if self._one_worker:
            yield self.first_worker(session), demands, think
            return
        workers = self._gateway.workers
        ordinals = np.arange(first, first + len(service))
        draws = self._streams.uniforms(Purpose.WORKER, np.full(len(service), session), ordinals)
        position = 0
        for index, same in groupby((draws * len(workers)).astype(int).tolist()):
            end = position + sum(1 for _ in same)
            yield workers[index], demands[position:end], think[position:end]
            position = end

    def first_worker(self, session: int) -> Worker:
        """Return the worker that the front balancer gives a session's first request, uniform over all (rule G2)."""
        workers = self._gateway.workers
        if len(workers) == 1:
            return workers[0]
        return workers[int(self._streams.uniform(Purpose.WORKER, session) * len(workers))]

    def _demands(self, session: int, first: int, service: list[float]) -> list[float]:
        if self._state_latency is None or self._state_latency.is_zero:
            return service
        generator = self._streams.generator(Purpose.EXTERNAL_STATE, session, first)
        demands: list[float] = (np.array(service) + self._state_latency.sample(generator, len(service))).tolist()
        return demands

    # The loop ---------------------------------------------------------------------------------------------------

    def _launch(
        self,
        session: Session,
        at_s: float,
        feed: Iterable[Chunk],
        total: float,
        on_start: Callable[[], None] | None,
        requests_before: int,
        on_end: Callable[[float], Session | None] | None = None,
    ) -> None:
        loop = self._run(session, at_s, feed, total, requests_before, on_start, on_end)
        session.loop = loop
        next(loop)
        loop.send((loop.send,))

    def _run(
        self,
        session: Session,
        at_s: float,
        feed: Iterable[Chunk],
        total: float,
        requests_before: int,
        on_start: Callable[[], None] | None,
        on_end: Callable[[float], Session | None] | None,
    ) -> Loop:
        """One session from its first send at ``at_s`` to its last; whatever is read per request is a local name."""
        env: Any = self._env
        queue, next_id, send_phase = env._queue, env._eid.__next__, int(Phase.SEND)
        recorder, sessions, gateway = self._recorder, self._sessions, self._gateway
        rows, record, number = recorder.rows, recorder.rows.extend, float(session.id)
        sticky, timeout_s, read_timeout_s = self._sticky, self._timeout_s, self._read_timeout_s
        address, holder, ends, container = self._where(session)
        adopted = holder is not _NOWHERE
        expires_s = timeout_s if adopted else INFINITY
        sent, total = float(requests_before), total + requests_before
        now = ended_s = -INFINITY
        failures, failing = 0, 0.0
        callbacks = yield
        tick = Tick()
        arm(env, tick, at_s, callbacks)
        try:
            yield
            if not adopted:
                if not self._open or session.withdrawn:
                    yield  # for good: no new sessions any more, or this one's predecessor goes on
                sessions.admit(session)
            if on_start is not None:
                on_start()
            for worker, service, think in feed:
                route, answered = worker.routes.get, worker.ok_code
                if len(rows) >= SEAL_AT:
                    recorder.seal(env._now)
                    sessions.purge(env._now)
                for demand, gap in zip(service, think, strict=True):
                    sent += 1.0
                    while True:  # once, unless the request fails and the client sends it again
                        now = env._now
                        if not sticky:
                            address = worker.next_peer()
                        free_s = ends[0]
                        started_s = free_s if free_s > now else now
                        ended_s = started_s + demand
                        if route(address) is holder and now <= expires_s and ended_s <= now + read_timeout_s:
                            heapreplace(ends, ended_s)
                            record((number, sent, now, started_s, ended_s, container, answered))
                            expires_s = ended_s + timeout_s
                            failed = False
                        else:
                            session.request = int(sent)
                            started_s, ended_s, index, code, failed = gateway.send(
                                session, worker, now, demand, expires_s, None if sticky else address
                            )
                            record((number, sent, now, started_s, ended_s, index, code))
                            address, holder, ends, container = self._where(session)
                            if not failed:
                                expires_s = ended_s + timeout_s
                        if not failed:
                            try:
                                if sent < total:
                                    tick.callbacks = callbacks
                                    heappush(queue, (ended_s + gap, send_phase, next_id(), tick))
                                    yield
                                    break
                                self._leave(session, now, ended_s, int(sent) - requests_before, on_end, ended_s)
                                yield  # for good, unless the last request is cut
                            except Cut:
                                if sent < total:
                                    disarm(tick)
                                    tick = Tick()
                                else:
                                    self._recall(session)
                                ended_s = env._now
                                address, holder, ends, container = self._where(session)
                        failures = failures + 1 if failing == sent else 1
                        failing = sent
                        due_s, again = self._after_failure(session, failures, ended_s, gap, last=sent == total)
                        if due_s == INFINITY:
                            after_s = ended_s + _PAUSE_AFTER_FAILURE_S
                            self._leave(session, now, ended_s, int(sent) - requests_before, on_end, after_s)
                        else:
                            arm(env, tick, due_s, callbacks)
                        yield
                        if not again:
                            break
        except RunOver:
            if ended_s > env._now and session.request == sent:
                gateway.undo(session, env._now)  # unanswered, so it moved nothing
            sessions.report(session, now, ended_s if sent == total else NAN, int(sent) - requests_before)
            yield

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
        self._sessions.leave(session, now_s, ended_s, sent)
        if on_end is not None:
            session.successor = on_end(after_s)
        if not self._open and not self._sessions.sending:
            self._on_idle()

    def _recall(self, session: Session) -> None:
        """Take back :meth:`_leave`: the last request was cut, so the client is not done at the time foreseen."""
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
