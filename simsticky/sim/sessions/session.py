"""One session as Python sees it: a view of its place in the plane, and what only few sessions ever have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from simsticky.kong.balancer import Balancer, Handle
from simsticky.recording.record import Exposure
from simsticky.sim.clients.long_lived.connection import Connection
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.browser import Browser
from simsticky.sim.gateway.nodes import Worker
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import (
    ANSWERED,
    BACKGROUND,
    BORN,
    BROKE,
    BROKE_BEFORE,
    CAME_FROM,
    COOKIE,
    DOOMED,
    DOOMED_BEFORE,
    FAILED,
    FIRST,
    HOLDER,
    JAR,
    MOVED_BY,
    NUMBER,
    PICKED_BY,
    ROAMED,
    SLOW,
    STARTED,
)
from simsticky.sim.plane.rules import begin_state

INFINITY = float("inf")


class Cut(NamedTuple):
    """The request in flight was cut: its container died, or its machine went.

    Attributes:
        request: Its number.
        container: The container.
        again: Whether nginx sends it again.
        silent: Whether nobody tells the gateway, which waits for its read timeout: ``again`` or not is seen then.
    """

    request: int
    container: Container
    again: bool
    silent: bool


@dataclass(slots=True)
class Exchange:
    """One request on its way through the gateway, with all its attempts.

    Attributes:
        worker: The worker that took it.
        balancer: The balancer of the first attempt, which serves all further ones as well.
        presented: What binds it: the cookie's value, or the key that is hashed; None without one.
        sent_s: When the client sent it.
        demand_s: Its service demand.
        expires_s: Until when the session's holder remembers the session.
        request: Its number in the session.
        handle: What the balancer knows of it.
        attempt_s: When the attempt under way was made.
        tried: Addresses of the attempts, in order.
        timed_out: Those among them that did not answer in time.
        resume_s: When the attempt under way has failed for good, so that the next can begin.
        lost: The container of an attempt under way whose machine has gone; None without one.
        again: The target that the next attempt is to be on; None where the balancer is to pick it.
    """

    session: Session
    worker: Worker
    balancer: Balancer
    presented: str | None
    sent_s: float
    demand_s: float
    expires_s: float
    request: int
    handle: Handle
    attempt_s: float
    tried: list[str] = field(default_factory=list)
    timed_out: frozenset[str] = frozenset()
    resume_s: float = 0.0
    lost: Container | None = None
    again: str | None = None


Before = tuple[int, int, int, int, int, int, frozenset[int], frozenset[int], int, float]
"""What a session was before a request that may have moved it, to be put back if the request is cut."""


FRESH: Before = (-1, -1, -1, 0, 0, 0, frozenset(), frozenset(), 0, -INFINITY)
"""What a session is before its first request."""


class Failure(NamedTuple):
    """The latest failed request of a session, or of one of its tabs.

    Attributes:
        request: Its number.
        times: How often it has failed.
        ended_s: When it did so last.
    """

    request: int
    times: int
    ended_s: float


NO_FAILURE = Failure(-1, 0, INFINITY)


class Broken(NamedTuple):
    """A break of a session with several tabs, kept so that it can be taken back.

    Attributes:
        cause: Number of the operation behind it, 0 for none.
        exposed: Whether that operation had exposed the session before.
        answered_s: When the request was answered.
    """

    cause: int
    exposed: bool
    answered_s: float


@dataclass(slots=True)
class Tabs:
    """The tabs of a session that has several (rule B12).

    Attributes:
        left: How many still send.
        first_request: Number of the first request that they send.
        places: Their places in the plane; the session's own is the first.
        own_s: Sending and end of the latest request of the session's own place, once that has those of all tabs.
        expires_s: Until when the session's holder remembers it, by all tabs' requests; None before the first answer.
        breaks: The breaks so far, by request.
    """

    left: int
    first_request: int
    places: list[int] = field(default_factory=list)
    own_s: tuple[float, float] | None = None
    expires_s: float | None = None
    breaks: dict[int, Broken] = field(default_factory=dict)


_NO_OPERATIONS: frozenset[int] = frozenset()


class Session:
    """One session as Python sees it: a view of its place in the plane, and what only few sessions ever have.

    It is made when somebody asks for it, so that a session which meets nothing unusual costs no object.

    Attributes:
        place: Its place in the plane.
        before: What the session was before its latest irregular request.
        breaks_caused: Its breaks that an operation is behind.
        exposures: The operations that have cut it off from the pod with its state, or could.
        alive_at: Operations that started while it was alive: (operation number, time).
        broken_by: Numbers of the operations that broke it.
        harmed_by: Those of them that had exposed it before, on the pod that it lost.
        picks: Random picks made for it.
        visits: Requests whose cookie, path or key was looked up.
        key: What its latest request is hashed by, where the algorithm hashes.
        exchange: Its latest irregular request.
        failing: Its latest failed request by place, its own or another tab's.
        tabs: Its tabs; None of a session with one.
        browser: What its client holds beyond one cookie; None where one cookie is all there is to it.
        client: Its side of a long-lived connection; None where each request has its own.
        connection: Its open connection, where connections are long-lived; None while it has none.
        lost_by: Number of the operation that has cost it its connection, 0 for none; None while it has one, or before.
        stand_in: The worker that takes its requests while its own worker's node is down.
        successor: The client's next session, already on its way; of a closed population only.
    """

    __slots__ = (
        "_columns",
        "_containers",
        "alive_at",
        "before",
        "breaks_caused",
        "broken_by",
        "browser",
        "client",
        "connection",
        "exchange",
        "exposures",
        "failing",
        "harmed_by",
        "key",
        "lost_by",
        "picks",
        "place",
        "stand_in",
        "successor",
        "tabs",
        "visits",
    )

    def __init__(self, place: int, columns: Columns, containers: list[Container]) -> None:
        self.place = place
        self._columns = columns
        self._containers = containers
        self.before: Before = FRESH
        self.exposures: tuple[Exposure, ...] = ()
        self.alive_at: tuple[tuple[int, float], ...] = ()
        self.broken_by: frozenset[int] = _NO_OPERATIONS
        self.harmed_by: frozenset[int] = _NO_OPERATIONS
        self.breaks_caused = self.picks = self.visits = 0
        self.failing: dict[int, Failure] = {}
        self.successor: int | None = None
        self.key: str | None = None
        self.exchange: Exchange | None = None
        self.tabs: Tabs | None = None
        self.browser: Browser | None = None
        self.client: Any = None
        self.connection: Connection | None = None
        self.lost_by: int | None = None
        self.stand_in: Worker | None = None

    # Its columns --------------------------------------------------------------------------------------------------

    @property
    def id(self) -> int:
        """Its number."""
        number: int = self._columns.ints[NUMBER][self.place]
        return number

    @property
    def jar(self) -> bool:
        """Whether the client keeps cookies."""
        return bool(self._columns.ints[JAR][self.place])

    @property
    def started_s(self) -> float:
        """When it began."""
        at_s: float = self._columns.floats[STARTED][self.place]
        return at_s

    @property
    def holder(self) -> Container | None:
        """The container instance that holds its current state, None before the first answer."""
        index = self._columns.ints[HOLDER][self.place]
        return self._containers[index] if index >= 0 else None

    @holder.setter
    def holder(self, container: Container | None) -> None:
        self._columns.ints[HOLDER][self.place] = -1 if container is None else container.index

    def begin_on(self, container: Container) -> None:
        """Let its state begin on a container instance."""
        begin_state(self.place, container.index, self._columns.ints, self._columns.containers)

    @property
    def cookie(self) -> str | None:
        """What its sticky cookie names, None without one."""
        number = self._columns.ints[COOKIE][self.place]
        return self._columns.cells.numbers.names[number] if number >= 0 else None

    @cookie.setter
    def cookie(self, named: str | None) -> None:
        columns = self._columns
        columns.ints[COOKIE][self.place] = -1 if named is None else columns.number_of(named)

    @property
    def request(self) -> int:
        """Number of the latest request that may have moved it as nobody could foresee; -1 for none."""
        request: int = self._columns.ints[MOVED_BY][self.place]
        return request

    @request.setter
    def request(self, request: int) -> None:
        self._columns.ints[MOVED_BY][self.place] = request

    @property
    def picked_by(self) -> int:
        """Number of the balancer of its first request; -1 where that did not begin it."""
        number: int = self._columns.ints[PICKED_BY][self.place]
        return number

    @property
    def failed(self) -> int:
        """Its failed requests."""
        failed: int = self._columns.ints[FAILED][self.place]
        return failed

    @failed.setter
    def failed(self, failed: int) -> None:
        self._columns.ints[FAILED][self.place] = failed

    @property
    def breaks_background(self) -> int:
        """Its breaks that nobody is behind."""
        breaks: int = self._columns.ints[BACKGROUND][self.place]
        return breaks

    @breaks_background.setter
    def breaks_background(self, breaks: int) -> None:
        self._columns.ints[BACKGROUND][self.place] = breaks

    @property
    def doomed_by(self) -> int:
        """Number of the operation that had deleted the pod with its state before it came there, 0 if none had."""
        operation: int = self._columns.ints[DOOMED][self.place]
        return operation

    @doomed_by.setter
    def doomed_by(self, operation: int) -> None:
        self._columns.ints[DOOMED][self.place] = operation

    @property
    def broke_s(self) -> float:
        """When it was last answered without its state; -inf before."""
        at_s: float = self._columns.floats[BROKE][self.place]
        return at_s

    @broke_s.setter
    def broke_s(self, at_s: float) -> None:
        self._columns.floats[BROKE][self.place] = at_s

    @property
    def answered_s(self) -> float:
        """When it was last answered, as far as has been told."""
        at_s: float = self._columns.floats[ANSWERED][self.place]
        return at_s

    @answered_s.setter
    def answered_s(self, at_s: float) -> None:
        self._columns.floats[ANSWERED][self.place] = at_s

    def slow_down(self, reason: int) -> None:
        """Let its requests be irregular from now on."""
        self._columns.ints[SLOW][self.place] |= reason

    @property
    def roamed(self) -> int:
        """Number of the request that took it to another pod because nothing binds it; -1 for none."""
        request: int = self._columns.ints[ROAMED][self.place]
        return request

    def turn_back(self, *, counts: bool) -> None:
        """Be again where it was before it roamed; with ``counts``, a break less."""
        ints, floats, place = self._columns.ints, self._columns.floats, self.place
        ints[HOLDER][place], ints[DOOMED][place] = ints[CAME_FROM][place], ints[DOOMED_BEFORE][place]
        ints[ROAMED][place] = -1
        if counts:
            ints[BACKGROUND][place] -= 1
            floats[BROKE][place] = floats[BROKE_BEFORE][place]

    # Copies of its state ------------------------------------------------------------------------------------------

    def leave_copy(self, left: Container, container: Container, until_s: float) -> float:
        """Leave a copy of its state, until a time; return until when the next container keeps an older one."""
        columns = self._columns
        columns.queues.have_copies()
        copies = columns.state.copies
        kept_s: float = columns.run.swap_copies(copies, self.place, left.index, container.index, float(until_s))
        return kept_s

    # Before and after ---------------------------------------------------------------------------------------------

    def remember(self, request: int) -> None:
        """Note a request that may move it, and what :meth:`restore` puts back."""
        ints, place = self._columns.ints, self.place
        ints[MOVED_BY][place] = request
        self.before = (
            ints[HOLDER][place],
            ints[COOKIE][place],
            ints[FIRST][place],
            ints[BORN][place],
            self.breaks_caused,
            ints[BACKGROUND][place],
            self.broken_by,
            self.harmed_by,
            ints[DOOMED][place],
            self._columns.floats[BROKE][place],
        )

    def restore(self, *, keep_cookie: bool) -> None:
        """Be again what :attr:`before` says, but for the cookie where a response has set it."""
        ints, place = self._columns.ints, self.place
        holder, cookie, first, born, caused, background, self.broken_by, self.harmed_by, doomed, broke_s = self.before
        ints[HOLDER][place], ints[FIRST][place], ints[BORN][place] = holder, first, born
        ints[BACKGROUND][place], ints[DOOMED][place] = background, doomed
        self.breaks_caused, self.broke_s = caused, broke_s
        if not keep_cookie:
            ints[COOKIE][place] = cookie
