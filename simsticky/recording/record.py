"""The recording of one replication: what the running model writes and ``results/`` reads.

Plain columns and small dataclasses; nothing here knows SimPy, a clock or the running model.

A request is one row of seven numbers in the order of :data:`REQUEST_COLUMNS`. Its last number, the *code*, packs
everything that is the same for nearly every request, so that the hot path writes a constant:
:func:`pack` and :func:`unpack_columns` are each other's inverse.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simsticky.recording.changes import Changes, joined, of_each
from simsticky.recording.events import EventRecord, Stuck, UncoveredPath
from simsticky.recording.failure_windows import FailureWindows
from simsticky.recording.pods import ContainerRecord, PodRecord, PodState, Selection
from simsticky.stats.histogram import LogHistogram
from simsticky.stats.skew import SkewTotals

REQUEST_COLUMNS = ("session", "request", "sent_s", "started_s", "ended_s", "container", "code")
WIDTH = len(REQUEST_COLUMNS)
SESSION, REQUEST, SENT, STARTED, ENDED, CONTAINER, CODE = range(WIDTH)

Rows = npt.NDArray[np.float64]
"""Shape (n, WIDTH), one row a request."""


class Outcome(IntEnum):
    """How a sent request ended: exactly one of these (rule R1)."""

    ANSWERED = 0
    BAD_GATEWAY = 1
    NO_TARGET = 2
    TIMED_OUT = 3
    RESET = 4
    UNFINISHED = 5


STATUS = {
    Outcome.ANSWERED: 200,
    Outcome.BAD_GATEWAY: 502,
    Outcome.NO_TARGET: 503,
    Outcome.TIMED_OUT: 504,
    Outcome.RESET: 502,
    Outcome.UNFINISHED: 0,
}
"""HTTP status the client sees; 0 where it sees none."""


class Mechanism(IntEnum):
    """How a request left the pod that holds its session's state (rule B10)."""

    NONE = 0
    TARGET_REMOVED = 1
    REFUSED = 2
    TIMED_OUT = 3
    UNHEALTHY = 4
    REHASHED = 5
    NO_COOKIE = 6
    RESTARTED = 7
    EXPIRED = 8


class Kind(IntEnum):
    """What the session met: a container that never held its state, or one that holds an older copy."""

    NONE = 0
    LOST = 1
    STALE = 2


class Origin(IntEnum):
    """Why a session's state became unreachable: the first event that made it so (rule B4)."""

    NONE = 0
    DRAIN_OFF = 1
    DRAIN_WINDOW_TOO_SHORT = 2
    RACE = 3
    KILLED = 4
    CRASH = 5
    BACKGROUND = 6
    RETARGETED = 7


class How(IntEnum):
    """How an operation has cut a session off from the pod with its state, or is about to (docs/model.md, rule B13)."""

    DELETED = 0
    CRASHED = 1
    NODE_ENDED = 2
    UNROUTED = 3
    DISCONNECTED = 4
    STOPPED = 5
    REMOVED = 6
    DRAINED = 7
    UNHEALTHY = 8
    REHASHED = 9


class Exposure(NamedTuple):
    """An operation has cut a session off from the container that holds its state, or could.

    Attributes:
        operation: Its number.
        at_s: When, in seconds of simulated time.
        container: The container's index.
        how: By what.
    """

    operation: int
    at_s: float
    container: int
    how: How


_FIELDS = (
    ("node", 12),
    ("attempts", 8),
    ("outcome", 3),
    ("mechanism", 4),
    ("kind", 2),
    ("origin", 3),
    ("cause", 16),
    ("connect", 1),
)
MAX_ATTEMPTS = (1 << 8) - 1
"""Attempts beyond these are made, but not counted."""
CONNECT = 1 << 48
"""Bit of the code that tells a connect from a message, where connections are long-lived."""
SENDING = CONNECT | (1 << 20) - 1
"""Bits of the code that tell how a request was sent, and nothing of how it ended."""


def pack(
    node: int,
    attempts: int = 1,
    outcome: int = 0,
    mechanism: int = 0,
    kind: int = 0,
    origin: int = 0,
    cause: int = 0,
) -> int:
    """Pack a request's particulars into one integer, exact in a float64.

    ``cause`` is the operation's number counted from 1; 0 means none (background where ``kind`` says a break).
    """
    return node | attempts << 12 | outcome << 20 | mechanism << 23 | kind << 27 | origin << 29 | cause << 32


def unpack_columns(codes: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.int64]]:
    """Unpack a column of codes into integer columns of the same length, by name of their field."""
    rest = codes.astype(np.int64)
    columns = {}
    for name, bits in _FIELDS:
        columns[name] = rest & ((1 << bits) - 1)
        rest = rest >> bits
    return columns


def outcomes(codes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return only the outcome of each code."""
    return (codes.astype(np.int64) >> 20) & 7


@dataclass(slots=True)
class OperationRecord:
    """One operation of the timeline and what it did; times NaN where it did not happen, counts of sessions.

    ``entry`` is the key of its entry on the timeline (``simsticky.scenario.entries``); ``wanted_pods`` is the size it
    asked for, -1 if it asked for none; ``target`` is what it was done to; ``stuck`` is why it does not go on.
    """

    number: int
    label: str
    kind: str
    start_s: float
    entry: str = ""
    first_deletion_s: float = np.nan
    done_s: float = np.nan
    last_old_pod_gone_s: float = np.nan
    peak_pods: int = 0
    target: str = ""
    wanted_pods: int = -1
    stuck: Stuck | None = None
    exposed: int = 0
    broken: int = 0
    alive: int = 0
    broken_alive: int = 0
    breaks: int = 0
    lost: int = 0
    stale: int = 0
    failed: int = 0
    born_on_terminating: int = 0
    born_broken: int = 0
    censored: int = 0


@dataclass(slots=True)
class Harmed:
    """Sessions that were exposed to operations or alive at their start, each counted once, and those that broke."""

    exposed: int = 0
    broken: int = 0
    alive: int = 0
    broken_alive: int = 0


@dataclass(slots=True)
class ConnectionTotals:
    """What became of long-lived connections after ``run.settle``; nothing where requests have their own.

    Attributes:
        gaps: Times from the loss of a connection to the session's next one.
        given_up: The same times until the client gave up.
        open_gaps: The same times until the run ended, of clients that were still without a connection.
        longest_gap_s: The longest of all of them.
        peak: Most connects sent within one second, from the start of the measured window on.
        before: Connects sent before that window.
        before_s: Time from ``run.settle`` to its start.
    """

    gaps: LogHistogram = field(default_factory=LogHistogram)
    given_up: LogHistogram = field(default_factory=LogHistogram)
    open_gaps: LogHistogram = field(default_factory=LogHistogram)
    longest_gap_s: float = 0.0
    peak: int = 0
    before: int = 0
    before_s: float = 0.0


@dataclass(slots=True)
class Recording:
    """Everything one replication left behind.

    Attributes:
        level: ``requests``, ``sessions`` or ``summary``: which tables were kept.
        request_blocks: Blocks of finished rows, each in the order in which they were written down, which is that of
            sending but for requests sent again or timed out; empty below ``requests``.
        session_blocks: Rows of :data:`SESSION_COLUMNS`; empty at ``summary``.
        moves: Sessions that settle on containers, change them or leave them, in any order; empty at ``summary``.
        union: What became of the sessions, over all operations.
        entries: The same by entry of the timeline.
        exposures: The exposed sessions and their exposures, several of a session that met several; empty at
            ``summary``.
        pod_states: Every change of a pod object, in order.
        selections: Every change of the Service's selector, in order.
        containers: For each container index the index of its pod in ``pods``.
        lives: For each container index its life.
        counts: Counters by summary key.
        latency: Response times of the answered requests.
        connections: What became of long-lived connections.
        failures: Failed requests in windows of ten seconds from the first operation on.
        even_again_s: Since when the sessions have been spread as evenly as before the first operation; NaN if they were
            not when the run ended; the first operation's start where they never were less so.
        skew: Integrals by (quantity, pod set) over the measured window.
        kernel_events: Events the SimPy kernel was given; ``control_events`` of them are not the sending of a request.
        irregular_sends: Requests that took the way that always is plain Python (``sim/clients/irregular.py``).
        warnings: What the scenario and its trace file say that a reader should know.
        uncovered: Requested paths that the sticky cookie's path does not cover.
        digest: Hash of all request rows, whatever their order (:class:`simsticky.recording.row_hash.RowHash`), hex.
    """

    level: str
    settle_s: float
    end_s: float = 0.0
    window_s: tuple[float, float] | None = None
    request_blocks: list[Rows] = field(default_factory=list)
    session_blocks: list[Rows] = field(default_factory=list)
    moves: list[Changes] = field(default_factory=list)
    pods: list[PodRecord] = field(default_factory=list)
    containers: list[int] = field(default_factory=list)
    lives: list[ContainerRecord] = field(default_factory=list)
    events: list[EventRecord] = field(default_factory=list)
    pod_states: list[PodState] = field(default_factory=list)
    selections: list[Selection] = field(default_factory=list)
    operations: list[OperationRecord] = field(default_factory=list)
    union: Harmed = field(default_factory=lambda: Harmed())
    entries: dict[str, Harmed] = field(default_factory=dict)
    exposures: list[tuple[int, Exposure]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    latency: LogHistogram = field(default_factory=LogHistogram)
    connections: ConnectionTotals = field(default_factory=ConnectionTotals)
    failures: FailureWindows = field(default_factory=lambda: FailureWindows(0.0))
    even_again_s: float = np.nan
    skew: dict[tuple[str, str], SkewTotals] = field(default_factory=dict)
    kernel_events: int = 0
    control_events: int = 0
    irregular_sends: int = 0
    digest: str = ""
    warnings: list[str] = field(default_factory=list)
    uncovered: list[UncoveredPath] = field(default_factory=list)

    @property
    def session_rows(self) -> Rows:
        """All finished sessions by number, shape (n, len(SESSION_COLUMNS))."""
        rows = np.concatenate([np.empty((0, len(SESSION_COLUMNS))), *self.session_blocks])
        return rows[np.argsort(rows[:, 0], kind="stable")]

    @property
    def residence(self) -> Rows:
        """All changes of sessions on containers by time, container and direction, shape (n, 3)."""
        return of_each(joined(self.moves))


SESSION_COLUMNS = (
    "session",
    "started_s",
    "ended_s",
    "requests",
    "failed",
    "breaks_caused",
    "breaks_background",
    "has_jar",
    "first_container",
    "last_container",
    "unfinished",
)
