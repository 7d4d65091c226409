"""The clients: who begins a session and when, until no more may.

What a session does between its first send and its last is in ``plane/loop.py``, or in ``connections.py`` where it
holds a long-lived connection.
"""

from collections.abc import Callable, Iterator

from simsticky.sim.clients.connections import LongLived
from simsticky.sim.clients.departures import Departures, Successor
from simsticky.sim.clients.feeds import Feeds
from simsticky.sim.clock import Tick
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.plane.loop import INFINITY, SessionLoops
from simsticky.sim.plane.session import Loop, Session, Tabs
from simsticky.sim.plane.sessions import Sessions
from simsticky.sim.world import World
from simsticky.workload.columns import SessionBlock
from simsticky.workload.generate import Workload


class Clients:
    """Admits sessions and starts their loops.

    Args:
        on_idle: Called when no session sends any more after :meth:`close`.
    """

    def __init__(
        self, world: World, workload: Workload, gateway: Gateway, sessions: Sessions, *, on_idle: Callable[[], None]
    ) -> None:
        traffic = world.scenario.traffic
        self._clock = world.env
        self._workload = workload
        self._sessions = sessions
        self._tabs = traffic.tabs
        self._sends_cookie = gateway.browsers.sends_cookie
        self._feeds = Feeds(workload, gateway, world.streams, world.scenario)
        self._departures = Departures(sessions, on_idle)
        self._loops = SessionLoops(world, gateway, sessions, self._departures)
        self._run: Callable[..., Loop] = self._loops.run
        if traffic.connections.long_lived:
            self._run = LongLived(world, gateway, sessions, self._departures).run
        self._arrivals = self._open_arrivals()

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
        self._departures.close()

    def _open_arrivals(self) -> Iterator[tuple[SessionBlock, int]]:
        for block in self._workload.arrivals():
            for index in range(len(block)):
                yield block, index

    def _arm_next_arrival(self) -> None:
        arrival = next(self._arrivals, None)
        if arrival is None or not self._departures.open:
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
            loop = self._run(session, tick, start_s, self._feeds.endless(client), INFINITY)
            self._begin(session, loop, tick, start_s)
            return session

        def again(end_s: float) -> Session | None:
            return self._start_client(client, ordinal + 1, end_s) if self._departures.open else None

        self._launch(session, block, 0, start_s, on_end=again)
        return session

    def has_jar(self, block: SessionBlock, index: int) -> bool:
        """Return whether a session of a block sends a cookie back."""
        return block.has_jar[index] and self._sends_cookie

    def _launch(
        self,
        session: Session,
        block: SessionBlock,
        index: int,
        at_s: float,
        *,
        requests_before: int = 0,
        on_start: Callable[[], None] | None = None,
        on_end: Successor | None = None,
    ) -> None:
        """Start the loop of a block's session, or one for each of its tabs."""
        low, high = block.offset[index], block.offset[index + 1]
        if self._tabs == 1:
            feed = self._feeds.of(session.id, block.service_s, block.think_s, low, high)
            tick = Tick()
            loop = self._run(session, tick, at_s, feed, high - low, requests_before, on_start, on_end)
            self._begin(session, loop, tick, at_s)
            return
        # The session's requests are dealt out; each tab but the first opens after a think of its own (rule C1).
        tabs = min(self._tabs, high - low)
        session.tabs = Tabs(left=tabs, first_request=requests_before + 1)
        for tab in range(tabs):
            service, think = block.service_s[low + tab : high : tabs], block.think_s[low + tab : high : tabs]
            feed = self._feeds.of(session.id, service, think, 0, len(service))
            opens_s = at_s + think[0] if tab else at_s
            tick, starts = Tick(), None if tab else on_start
            loop = self._loops.run(
                session, tick, opens_s, feed, high - low, requests_before, starts, on_end, tab=(tab, tabs)
            )
            session.tabs.loops.append(loop)
            self._begin(session, loop, tick, opens_s)
        session.loop = session.tabs.loops[0]

    def _begin(self, session: Session, loop: Loop, tick: Tick, at_s: float) -> None:
        """Let a loop go on whenever its tick comes, first at ``at_s``."""
        session.loop = loop
        next(loop)
        tick.resume = loop.send
        self._clock.arm(tick, at_s)
