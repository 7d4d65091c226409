"""One session as the rest of the model knows it, while its own loop runs (``plane/loop.py``)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import NamedTuple

from simsticky.kong.balancer import Balancer, Handle
from simsticky.recording.record import Exposure
from simsticky.sim.clients.connection import Connection
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.browser import Browser
from simsticky.sim.gateway.nodes import Worker

INFINITY = float("inf")

Loop = Generator[float | None, float, None]
"""A session's loop: resumed with the time of each send, it yields the time of the next once that is known."""


class Cut(Exception):  # noqa: N818  # a signal thrown into a session's loop, not an error
    """The request in flight was cut: its container died, or its machine went.

    Attributes:
        request: Its number.
        container: The container.
        again: Whether nginx sends it again.
        silent: Whether nobody tells the gateway, which waits for its read timeout: ``again`` or not is seen then.
    """

    def __init__(self, request: int, container: Container, *, again: bool, silent: bool) -> None:
        super().__init__(request)
        self.request = request
        self.container = container
        self.again = again
        self.silent = silent


class RunOver(Exception):  # noqa: N818
    """The run has ended: the session is to report itself."""


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
        tried: Addresses of the attempts, in order.
        timed_out: Those among them that did not answer in time.
        attempt_s: When the attempt under way was made.
        resume_s: When the attempt under way has failed for good, so that the next can begin.
        lost: The container of an attempt under way whose machine has gone; None without one.
        again: The target that the next attempt is to be on; None where the balancer is to pick it.
        request: Its number in the session.
    """

    session: Session
    worker: Worker
    balancer: Balancer
    presented: str | None
    sent_s: float
    demand_s: float
    expires_s: float
    handle: Handle = field(init=False)
    tried: list[str] = field(default_factory=list)
    timed_out: set[str] = field(default_factory=set)
    resume_s: float = 0.0
    lost: Container | None = None
    again: str | None = None
    attempt_s: float = field(init=False)
    request: int = field(init=False)

    def __post_init__(self) -> None:
        """Give the balancer's handle what binds the request."""
        self.handle = Handle(key=self.presented)
        self.request = self.session.request
        self.attempt_s = self.sent_s


Before = tuple[
    Container | None,
    dict[Container, float] | None,
    str | None,
    int,
    int,
    int,
    int,
    frozenset[int],
    frozenset[int],
    int,
    float,
]
"""What a session was before a request that may have moved it, to be put back if the request is cut."""


FRESH: Before = (None, None, None, -1, 0, 0, 0, frozenset(), frozenset(), 0, -INFINITY)
"""What a session is before its first request."""


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
        sent: Requests sent by those that send no more.
        loops: Their loops.
        ended_s: The latest end of a request so far.
        reports: What those have reported that were not over when the run was.
        expires_s: Until when the session's holder remembers it, by all tabs' requests; None before the first answer.
        breaks: The breaks so far, by request.
    """

    left: int
    first_request: int
    sent: int = 0
    loops: list[Loop] = field(default_factory=list)
    ended_s: float = 0.0
    reports: list[tuple[float, float, int]] = field(default_factory=list)
    expires_s: float | None = None
    breaks: dict[int, Broken] = field(default_factory=dict)


_NO_OPERATIONS: frozenset[int] = frozenset()


class Session:
    """One session as others see it.

    Attributes:
        id: Its number.
        loop: Its client's loop in ``plane/loop.py`` or ``clients/connections.py``.
        jar: Whether the client keeps cookies.
        cookie: The address its sticky cookie names, None without one.
        holder: The container instance that holds its current state, None before the first answer.
        past: Containers that hold older copies, and until when those live; None until the first break.
        request: Ordinal of the latest request that was sent the slow way, and so may have moved the session.
        before: What the session was before that request.
        exposures: The operations that have cut it off from the pod with its state, or could.
        alive_at: Operations that started while it was alive: (operation number, time).
        broken_by: Numbers of the operations that broke it.
        harmed_by: Those of them that had exposed it before, on the pod that it lost.
        doomed_by: Number of the operation that had deleted the pod with its state before it came there, 0 if none had.
        broke_s: When it was last answered without its state; -inf before.
        answered_s: When it was last answered, as far as the hot path has told.
        visits: Requests whose cookie, path or key was looked up.
        key: What its latest request is hashed by, where the algorithm hashes.
        exchange: The request just sent the slow way; its loop takes it over.
        picked_by: The balancer of its first request, where that was answered without an exchange.
        tabs: Its tabs; None of a session with one.
        browser: What its client holds beyond one cookie; None where one cookie is all there is to it.
        connection: Its open connection, where connections are long-lived; None while it has none.
        lost_by: Number of the operation that has cost it its connection, 0 for none; None while it has one, or before.
        stand_in: The worker that takes its requests while its own worker's node is down.
        successor: The client's next session, already on its way; of a closed population only.
        withdrawn: Whether it is not to start after all.
    """

    __slots__ = (
        "alive_at",
        "answered_s",
        "before",
        "born_terminating",
        "breaks_background",
        "breaks_caused",
        "broke_s",
        "broken_by",
        "browser",
        "connection",
        "cookie",
        "doomed_by",
        "exchange",
        "exposures",
        "failed",
        "first_container",
        "harmed_by",
        "holder",
        "id",
        "jar",
        "key",
        "loop",
        "lost_by",
        "past",
        "picked_by",
        "picks",
        "request",
        "stand_in",
        "started_s",
        "successor",
        "tabs",
        "visits",
        "withdrawn",
    )
    loop: Loop

    def __init__(self, number: int, jar: bool, started_s: float) -> None:
        self.id = number
        self.jar = jar
        self.started_s = started_s
        self.cookie: str | None = None
        self.holder: Container | None = None
        self.first_container = self.request = -1
        self.past: dict[Container, float] | None = None
        self.before: Before | None = None
        self.exposures: tuple[Exposure, ...] = ()
        self.alive_at: tuple[tuple[int, float], ...] = ()
        self.broken_by: frozenset[int] = _NO_OPERATIONS
        self.harmed_by: frozenset[int] = _NO_OPERATIONS
        self.broke_s = self.answered_s = -INFINITY
        self.doomed_by = self.born_terminating = self.breaks_caused = self.breaks_background = 0
        self.failed = self.picks = self.visits = 0
        self.successor: Session | None = None
        self.withdrawn = False
        self.key: str | None = None
        self.exchange: Exchange | None = None
        self.picked_by: Balancer | None = None
        self.tabs: Tabs | None = None
        self.browser: Browser | None = None
        self.connection: Connection | None = None
        self.lost_by: int | None = None
        self.stand_in: Worker | None = None

    def loop_of(self, request: int) -> Loop:
        """Return the loop that sends a request."""
        tabs = self.tabs
        return self.loop if tabs is None else tabs.loops[(request - tabs.first_request) % len(tabs.loops)]

    def remember(self) -> Before:
        """Return what :meth:`restore` puts back."""
        if self.holder is None and self.cookie is None:
            return FRESH
        return (
            self.holder,
            self.past,
            self.cookie,
            self.first_container,
            self.born_terminating,
            self.breaks_caused,
            self.breaks_background,
            self.broken_by,
            self.harmed_by,
            self.doomed_by,
            self.broke_s,
        )

    def restore(self, *, keep_cookie: bool) -> None:
        """Be again what :attr:`before` says, but for the cookie where a response has set it."""
        assert self.before is not None
        cookie = self.cookie
        (
            self.holder,
            self.past,
            self.cookie,
            self.first_container,
            self.born_terminating,
            self.breaks_caused,
            self.breaks_background,
            self.broken_by,
            self.harmed_by,
            self.doomed_by,
            self.broke_s,
        ) = self.before
        if keep_cookie:
            self.cookie = cookie
