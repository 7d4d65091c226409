"""The clients: who begins a session and when, until no more may.

What a session does between its first send and its last is in ``plane/loop.py``, in ``irregular.py`` where a request is
not answered at once by its one target, and in ``long_lived/client.py`` where it holds a connection.
"""

from collections.abc import Callable, Sequence

from simsticky.recording.changes import NOWHERE
from simsticky.sim.clients.arrivals import Arrivals
from simsticky.sim.clients.departures import Departures
from simsticky.sim.clients.feeds import Feeds
from simsticky.sim.clients.irregular import IrregularSends
from simsticky.sim.clients.long_lived.clients import LongLived
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.plane.fields import (
    ADMITTED,
    ALWAYS,
    BEFORE,
    BEGINS,
    BY_ASKING,
    COOKIE,
    CURSOR,
    ENDED,
    ENOUGH,
    ENOUGH_LEFT,
    EXPIRES,
    FIRST,
    HOLDER,
    LAST,
    LEFT,
    LIVE,
    MODE,
    REQUESTS,
    RETIRED,
    SENDING,
    SLOW,
    STATE,
    TIMEOUT,
    TURN,
    WORKER,
    Stop,
)
from simsticky.sim.plane.rules import seat
from simsticky.sim.sessions.registry import Sessions
from simsticky.sim.sessions.session import Cut, Session, Tabs
from simsticky.sim.world import World
from simsticky.workload.columns import AliveBlock
from simsticky.workload.generate import Workload


class Clients:
    """Admits sessions, and serves the plane whenever it stops.

    Args:
        on_idle: Called when no session sends any more after :meth:`close`.
    """

    def __init__(
        self, world: World, workload: Workload, gateway: Gateway, sessions: Sessions, *, on_idle: Callable[[], None]
    ) -> None:
        traffic = world.scenario.traffic
        self._world = world
        self._columns = gateway.columns
        self._workload = workload
        self._gateway = gateway
        self._sessions = sessions
        # A client that never ends deals out nothing.
        self._tabs = 1 if workload.endless else traffic.tabs
        self._departures = Departures(gateway.columns, sessions, on_idle)
        asks = self._columns.rules.cells[MODE] == BY_ASKING
        slow = ALWAYS if self._tabs > 1 or asks or not gateway.browsers.plain else 0
        feeds = Feeds(gateway.columns, workload, gateway.front, world.streams, world.scenario)
        self.arrivals = Arrivals(gateway.columns, gateway, workload, feeds, slow)
        if workload.population and not workload.endless:
            self._departures.succeed = self.arrivals.succeed
        self.irregular = IrregularSends(world, gateway, sessions, self._departures)
        gateway.cuts.on_cut = self._cut
        self._held: LongLived | None = None
        if traffic.connections.long_lived:
            self._held = LongLived(world, gateway, sessions, self._departures)

    # Admission --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Have the first arrival sent for, or all clients of a closed population."""
        for client in range(self._workload.population):
            self.arrivals.start_client(client, 0, 0.0)
        if self.arrivals.load():
            self._columns.have_room()
            self._columns.run.arrive(self._columns.state)

    def first_worker(self, session: int) -> Worker:
        """Return the worker that the front balancer gives a session's first request."""
        return self._gateway.front.worker_of(session)

    def adopt(self, alive: AliveBlock, placed: Sequence[Container | None], visits: Sequence[int]) -> None:
        """Let the sessions that are alive at 0 go on where they have been placed (rules W6 and W7).

        Args:
            alive: The sessions.
            placed: Where each is; None where no target takes sessions.
            visits: How often something has been drawn for each of them to be placed: its requests draw anew.
        """
        columns, browsers = self._columns, self._gateway.browsers
        numbers = range(alive.first_session, alive.first_session + len(alive))
        first = self.arrivals.feeds.add(numbers, alive.offset, alive.service_s, alive.think_s)
        jars = self.arrivals.jars(alive)
        keys = self._gateway.browsers.hashes(numbers, jars)
        for index, container in enumerate(placed):
            if container is None:
                continue
            bounds = first + alive.offset[index], first + alive.offset[index + 1]
            place = self.arrivals.seat(numbers[index], -alive.age_s[index], bounds, keys[index], jar=jars[index])
            ints, own = columns.ints, columns.own.cells
            own[SENDING] += 1
            own[ADMITTED] += 1
            ints[TURN][place], ints[STATE][place] = own[ADMITTED], LIVE
            ints[SLOW][place] -= BEGINS
            ints[BEFORE][place] = ints[REQUESTS][place] = alive.request_before[index]
            # Active just before the run.
            columns.floats[EXPIRES][place] = columns.times.cells[TIMEOUT]
            ints[HOLDER][place] = ints[FIRST][place] = container.index
            ints[COOKIE][place] = self._gateway.cookie_for(container) if jars[index] else -1
            container.take_in(0.0)
            self._world.recorder.moved(0.0, NOWHERE, container.index)
            if visits[index] and browsers.draws_each_time(jar=jars[index]):
                self._sessions.at(place).visits = visits[index]
            if self._held is not None:
                self._held.adopt(self._sessions.at(place), alive.start_s[index])
            else:
                columns.send_at(place, alive.start_s[index])

    def close(self) -> None:
        """Admit no more sessions."""
        self._departures.close()

    def _open_tabs(self, session: Session, now_s: float) -> None:
        """Let a session that begins have its tabs: its requests are dealt out (rule C1).

        Each tab but the first opens after a think of its own.
        """
        columns, home, ints = self._columns, session.place, self._columns.ints
        begin, end = ints[CURSOR][home], ints[LAST][home]
        service = list(columns.demands.cells[begin:end])
        think = list(columns.gaps.cells[begin:end])
        tabs, before = min(self._tabs, end - begin), ints[BEFORE][home]
        session.tabs = Tabs(left=tabs, first_request=before + 1, places=[home])
        for tab in range(tabs):
            demands, gaps = service[tab::tabs], think[tab::tabs]
            place = home
            if tab:
                place = columns.take_place()
                self._sessions.share(place, home)
                session.tabs.places.append(place)
                seat(columns.floats, columns.ints, place, session.id, session.started_s)
            first = self.arrivals.feeds.deal(session.id, demands, gaps)
            ints = columns.ints
            ints[CURSOR][place], ints[LAST][place] = first, first + len(demands)
            ints[BEFORE][place], ints[REQUESTS][place] = before, before + tab + 1 - tabs
            ints[WORKER][place], ints[SLOW][place] = ints[WORKER][home], ALWAYS
            columns.floats[EXPIRES][place] = columns.floats[EXPIRES][home]
            if tab:
                ints[STATE][place] = LIVE
                columns.send_at(place, now_s + gaps[0])

    def is_over(self, place: int) -> bool:
        """Say, at the end of the run, whether a session has sent its last request; take back what is unanswered."""
        if self._held is not None:
            return self._held.is_over(place)
        return self.irregular.is_over(place)

    # The plane's stops ------------------------------------------------------------------------------------------

    def serve(self, stop: int, place: int, now_s: float) -> None:
        """Do what the plane has stopped for, other than the time."""
        columns = self._columns
        match stop:
            case Stop.IRREGULAR:
                self._take_turn(place, now_s)
            case Stop.ARRIVALS:
                self.arrivals.load()
            case Stop.FEED:
                self.arrivals.feed(place)
            case Stop.ROOM:
                columns.have_room()
            case Stop.FULL:
                self._make_room(now_s)
            case Stop.SUCCESSOR | Stop.IDLE:
                self._departures.left(place, columns.floats[ENDED][place])
            case Stop.LAST:
                assert self._held is not None
                self._held.take_turn(self._sessions.at(place), now_s)
            case Stop.LOG:
                self._gateway.log.until(now_s)

    def _make_room(self, now_s: float) -> None:
        """Have the rows taken, or the sessions that have left, whichever are enough."""
        own, rules = self._columns.own.cells, self._columns.rules.cells
        if self._columns.rows.written >= rules[ENOUGH]:
            self._world.recorder.seal(now_s)
        if own[LEFT] + own[RETIRED] >= rules[ENOUGH_LEFT]:
            self._sessions.purge(now_s)

    def _take_turn(self, place: int, now_s: float) -> None:
        """Let a session go on whose next send is irregular."""
        session = self._sessions.at(place)
        if self._tabs > 1 and session.tabs is None:
            self._open_tabs(session, now_s)
        self._columns.queues.drop_first()
        if self._held is None:
            self.irregular.take_turn(session, place, now_s)
        else:
            self._held.take_turn(session, now_s)

    def _cut(self, news: Sequence[tuple[Session, Cut]]) -> None:
        """Let sessions know that their request in flight is cut."""
        places = {self.irregular.place_of(session, cut.request) for session, cut in news}
        self._columns.queues.withdraw(places)
        for session, cut in news:
            if self._held is not None:
                self._held.cut(session, cut)
            else:
                self.irregular.cut(session, cut)
