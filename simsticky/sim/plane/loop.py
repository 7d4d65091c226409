"""One session's loop: the hot path of the simulator.

A session is a generator that is resumed by one re-armed :class:`~simsticky.sim.clock.Tick`: once per request, at the
moment of sending. With a FIFO queue the end of a request is known when it is sent, so the next send is put into the
queue at once and nothing happens in between (rule P1). What may still change the end, a container that dies with the
request in flight, throws :class:`~simsticky.sim.plane.sessions.Cut` into the loop.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush, heapreplace
from typing import Any

from simsticky.kong.balancer import NoPeerError
from simsticky.recording.open_rows import ROW
from simsticky.recording.recorder import SEAL_AT
from simsticky.sim.clients.departures import PAUSE_AFTER_FAILURE_S, Departures, Successor
from simsticky.sim.clients.feeds import Chunk
from simsticky.sim.clock import Clock, Tick
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.affinity import HASH, NONE
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.plane.patience import patience_s
from simsticky.sim.plane.session import Cut, Loop, RunOver, Session
from simsticky.sim.plane.sessions import Sessions
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

_NOWHERE: Any = object()
"""Stands for the holder of a session without state: no route is ever this."""
_NO_SLOTS = [0.0]
_UNKNOWN = -1
"""No worker's version: what the loop knows of its way to the holder is to be looked up."""

INFINITY = float("inf")
NAN = float("nan")


class SessionLoops:
    """What the loops of all sessions share, and the loop."""

    def __init__(self, world: World, gateway: Gateway, sessions: Sessions, departures: Departures) -> None:
        scenario = world.scenario
        app = scenario.app
        self._clock: Clock = world.env
        self._gateway = gateway
        self._sessions = sessions
        self._departures = departures
        self._recorder = world.recorder
        self._streams = world.streams
        self._on_failure = scenario.traffic.on_failure
        # State outside the pods does not expire with them, and is not left behind with them.
        state_in_pods = app.state == "pod"
        self._timeout_s = app.session_timeout if state_in_pods else INFINITY
        # A container whose memory is bounded must hear of every session that comes.
        self._roams = state_in_pods and app.oom is None
        self._free = gateway.affinity == NONE and not gateway.asks_each_time
        self._read_timeout_s = scenario.gateway.read_timeout
        self._prompt_s = min(self._read_timeout_s, patience_s(scenario))

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
        tab: tuple[int, int] = (0, 1),
    ) -> Loop:
        """Run one session from its first send to its last; whatever is read per request is a local name.

        It is resumed by its tick, with the time; it yields the time of its next send once that is known.

        Args:
            session: The session.
            tick: Resumes the loop, first when it begins.
            at_s: When that is.
            feed: What it sends.
            total: The number of its requests.
            requests_before: Those that it made before the run.
            on_start: Called when it begins.
            on_end: Begins its client's next session.
            tab: Which of its tabs this one is, of how many.
        """
        clock: Any = self._clock
        recorder, sessions, gateway, attempts = self._recorder, self._sessions, self._gateway, self._gateway.attempts
        departures, leave = self._departures, self._departures.leave
        write, written, number = recorder.write, recorder.written, float(session.id)
        timeout_s, prompt_s, in_time, logs = self._timeout_s, self._prompt_s, self._in_time, gateway.picks_counted
        browsers, hashes = gateway.browsers, gateway.affinity == HASH
        picks, key = browsers.binding(session) if hashes else (self._free, None)
        by_key = browsers.peer_of_next if picks and hashes else None
        roams, roamed = picks and self._roams, 0
        broke_s = broke_before_s = -INFINITY
        version, reached = _UNKNOWN, False
        past: dict[Container, float] = {}
        address, holder, ends, container = None, _NOWHERE, _NO_SLOTS, -1.0
        if session.holder is not None:
            address, holder, ends, container = self._where(session)
        adopted = holder is not _NOWHERE
        expires_s = timeout_s if adopted else INFINITY  # active just before the run (rule W7)
        if adopted and picks:
            session.past = past
        first, step = tab
        # Floats, like all that is compared with them for each request: Python mixes them with integers slowly.
        stride, before_last = float(step), float(total + requests_before - step)
        sent = requests_before + first + 1 - stride
        now = ended_s = never = -INFINITY
        came_from: Container | None = None
        exchange: Any = None
        cut: Cut | None = None
        due_s: float | None = None
        failures, failing, waits = 0, 0.0, False
        try:
            now = yield None
            if first:
                if not sessions.knows(session):
                    yield None  # for good: the session has not been admitted
            elif not adopted:
                if not departures.open or session.withdrawn:
                    yield None  # for good: no new sessions any more, or this one's predecessor goes on
                sessions.admit(session)
            if on_start is not None:
                on_start()
            for worker, service, think in feed:
                waiting: Any = worker.open
                counts, times = worker.counts, worker.times
                route = browsers.routes(session, worker)
                answered, lost, stale = worker.ok_code, worker.lost_code, worker.stale_code
                if written() >= SEAL_AT:
                    recorder.seal(clock._now)
                    sessions.purge(clock._now)
                for demand, gap in zip(service, think, strict=True):
                    sent += stride
                    while True:  # once, unless the request fails and the client sends it again
                        came_from = None
                        if picks:
                            if by_key is not None:
                                address = by_key(session, worker)
                            else:
                                balancer = worker.balancer
                                if logs:
                                    # ``Worker.log_until``, written out.
                                    while waiting and waiting[0][0] <= now:
                                        over_s, _, _, picked_by, left, after_s = heappop(waiting)
                                        # Python calls what it has read from a slot faster than a method.
                                        if counts:
                                            release = picked_by.release
                                            release(left)
                                        if times:
                                            worker.now_s, feedback = over_s, picked_by.feedback
                                            feedback(left, after_s)
                                    worker.now_s = now
                                next_peer = balancer.next_peer
                                try:
                                    address = next_peer()
                                except NoPeerError:
                                    address = None
                            target: Any = route(address)
                            reached = target is holder
                            if not reached and target is not None:
                                if holder is _NOWHERE:
                                    if not hashes and attempts.begins(session, sent, worker, target, now, demand):
                                        holder, ends, container, reached = target, target.ends, target.number, True
                                        expires_s = INFINITY  # of a state before, which a cut has taken
                                        session.past = past
                                elif roams:
                                    # No affinity: the session leaves its state, as most requests do (rule B5).
                                    came_from, holder, ends, container = holder, target, target.ends, target.number
                                    reached = True
                        elif version != worker.version:
                            version = worker.version
                            if key is not None:
                                address = worker.peer_of(key)
                            reached = route(address) is holder
                        free_s = ends[0]
                        started_s = free_s if free_s > now else now
                        end_s = started_s + demand
                        if (
                            reached
                            and (now <= expires_s or came_from is not None)
                            and (end_s <= now + prompt_s or in_time(holder, now, end_s))
                        ):
                            ended_s = end_s
                            heapreplace(ends, ended_s)
                            if came_from is None:
                                write(ROW(number, sent, now, started_s, ended_s, container, answered, -1.0))
                            else:
                                code = stale if past.get(holder, never) >= now else lost
                                write(ROW(number, sent, now, started_s, ended_s, container, code, came_from.number))
                                past[came_from] = expires_s
                                session.holder = holder
                                roamed += 1
                                broke_s, broke_before_s = ended_s, broke_s
                            if logs:
                                heappush(waiting, (ended_s, number, sent, balancer, address, ended_s - now))
                            expires_s = ended_s + timeout_s
                            if sent <= before_last:
                                try:
                                    now = yield ended_s + gap
                                    break
                                except Cut as caught:
                                    cut = caught
                            failed = False
                        else:
                            came_from = None
                            session.past = past if picks else session.past
                            _tell_breaks(session, roamed, broke_s)
                            roamed = 0
                            if failing < sent - stride and ended_s > session.answered_s:
                                session.answered_s = ended_s  # the request before this one was answered
                            session.request = int(sent)
                            reply = attempts.send(session, worker, now, demand, expires_s, address if picks else None)
                            exchange, session.exchange = session.exchange, None
                            if reply is None:
                                waits = True
                                reply = yield from attempts.wait(exchange, tick, clock)
                            started_s, ended_s, index, code, failed = reply
                            recorder.request((number, sent, now, started_s, ended_s, index, code), clock._now)
                            waits = False
                            address, holder, ends, container = self._where(session)
                            version, past = _UNKNOWN, session.past if session.past is not None else past
                            if not failed:
                                expires_s = ended_s + timeout_s
                            elif session.request == sent:
                                session.request = -1  # it moved nothing, so there is nothing to take back
                            due_s = ended_s + gap
                        while cut is not None or not failed:
                            if cut is None:
                                try:
                                    if sent <= before_last:
                                        now = yield due_s
                                        break
                                    _tell_breaks(session, roamed, broke_s)
                                    roamed = 0
                                    session.answered_s = max(session.answered_s, ended_s)
                                    count = _sends(sent, requests_before, tab)
                                    leave(session, now, ended_s, count, on_end, ended_s)
                                    yield None  # unless the last request is cut, until the session is let go
                                    return
                                except Cut as caught:
                                    cut = caught
                            if sent <= before_last:
                                tick = tick.disarm()
                            else:
                                departures.recall(session, count)
                            if came_from is not None:
                                session.holder = came_from
                                recorder.moved(clock._now, container, came_from.number)
                                roamed -= 1
                                broke_s = broke_before_s
                            _tell_breaks(session, roamed, broke_s)
                            roamed = 0
                            ended_s = clock._now
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
                                    reply = yield from attempts.wait(exchange, tick, clock)
                                started_s, ended_s, index, code, failed = reply
                                recorder.request((number, sent, now, started_s, ended_s, index, code), clock._now)
                                waits = False
                                if not failed:
                                    expires_s = ended_s + timeout_s
                            else:
                                slow = exchange is not None and exchange.request == sent
                                attempts.end_cut(exchange.worker if slow else worker, session, cut, ended_s)
                            cut = came_from = None
                            address, holder, ends, container = self._where(session)
                            version, past = _UNKNOWN, session.past if session.past is not None else past
                            if sent <= before_last and not failed:
                                clock.arm(tick, ended_s + gap)
                                due_s = None
                        if not failed:
                            break
                        exchange = None
                        failures = failures + 1 if failing == sent else 1
                        failing = sent
                        at_once, left = ended_s + gap <= now, before_last - sent
                        again_s, again = self._after_failure(session, failures, ended_s, gap, left, at_once=at_once)
                        if again_s == INFINITY:
                            begins_s = ended_s + PAUSE_AFTER_FAILURE_S
                            _tell_breaks(session, roamed, broke_s)
                            roamed = 0
                            count = _sends(sent, requests_before, tab)
                            leave(session, now, ended_s, count, on_end, begins_s)
                            yield None  # until the session is let go
                            return
                        clock.arm(tick, again_s)
                        now = yield None
                        if not again:
                            break
        except RunOver:
            if waits:
                recorder.request((number, sent, now, INFINITY, INFINITY, -1.0, answered), clock._now)
            elif ended_s > clock._now and (session.request == sent or session.tabs is not None):
                gateway.undo(session, int(sent), clock._now)  # unanswered, so it moved nothing
            elif ended_s > clock._now and came_from is not None:
                session.holder = came_from
                recorder.moved(clock._now, container, came_from.number)
                roamed -= 1
                broke_s = broke_before_s
            _tell_breaks(session, roamed, broke_s)
            count = _sends(sent, requests_before, tab)
            sessions.report(session, now, ended_s if sent > before_last else NAN, count)
            yield None

    def _in_time(self, holder: Container, now_s: float, end_s: float) -> bool:
        """Whether an answer that is not prompt comes before the gateway gives up; then a probe may notice the queue."""
        if end_s > now_s + self._read_timeout_s:
            return False
        holder.tell_late(end_s)
        return True

    def _where(self, session: Session) -> tuple[str | None, Any, list[float], float]:
        """Return what the loop keeps of where its session lives: cookie, holder, the holder's slots and number."""
        holder = session.holder
        if holder is None:
            return session.cookie, _NOWHERE, _NO_SLOTS, -1.0
        return session.cookie, holder, holder.ends, holder.number

    def _after_failure(
        self, session: Session, failures: int, ended_s: float, gap_s: float, left: float, *, at_once: bool
    ) -> tuple[float, bool]:
        """Say when a client whose request failed sends again (inf: never), and whether that is the same request.

        It may go on, try the same request again, or give up (rule C3).

        Args:
            session: The session.
            failures: How often the request has failed by now.
            ended_s: When it failed.
            gap_s: The think time after it.
            left: Below 0 if it was the session's last request; inf if the client never stops.
            at_once: Whether the next would be sent at the same instant as this one.
        """
        policy = self._on_failure
        if policy.action == "retry" and failures < policy.max_attempts:
            generator = self._streams.generator(Purpose.BACKOFF, session.id, session.failed)
            return ended_s + float(policy.backoff.sample(generator, 1)[0]), True
        if policy.action == "abandon" or left < 0:
            return INFINITY, False
        # Time must pass where nothing else ends it (rule C4).
        endless = left == INFINITY
        return ended_s + (PAUSE_AFTER_FAILURE_S if endless and at_once else gap_s), False


def _sends(sent: float, requests_before: int, tab: tuple[int, int]) -> int:
    """Return how many requests a tab has sent whose latest is the session's request number ``sent``."""
    first, step = tab
    return (int(sent) - requests_before - first - 1) // step + 1


def _tell_breaks(session: Session, roamed: int, broke_s: float) -> None:
    """Add the breaks of the fast path to the session's, and when the last of them was answered."""
    session.breaks_background += roamed
    session.broke_s = max(session.broke_s, broke_s)
