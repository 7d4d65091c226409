"""What a log says, whatever its format: requests as columns, sessions, pods and rollouts.

Plain columns and small dataclasses. No address, cookie value or path of the log is in a column: values are numbers,
and the names of pods and gateways stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from simsticky.units import thousands

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int16]
Flags = npt.NDArray[np.bool_]


def _no_flags() -> Flags:
    return np.zeros(0, np.bool_)


@dataclass(frozen=True, eq=False)
class LoggedRequests:
    """The requests of a log: one entry each in every column, sorted by ``sent_s``.

    Attributes:
        sent_s: float64[n], when the gateway got the request, seconds since ``epoch``.
        took_s: float64[n], seconds that the client waited in all; nan where the log does not say.
        service_s: float64[n], seconds of the upstream in the attempt that answered; nan unknown.
        session: int64[n], number of the recovered session; -1 where none is known (no cookie, not attributed).
        pod: int64[n], index into ``pods`` of the one that answered; -1 if none did or the log does not say.
        status: int16[n], HTTP status that the client got; 0 where it got none.
        attempts: int16[n], attempts made, the answering one included; 0 if the gateway tried none.
        gateway: int16[n], index into ``gateways`` of the node or log file that the line is from.
        cookie_in: int64[n], number of the sticky cookie's value that the request presented; -1 none.
        cookie_out: int64[n], number of the value that the answer set; -1 none. Both number the same values.
        epoch: Moment zero of all times, UTC.
        pods: Addresses (or names, where the log has only those) of pods, in order of their first request.
        gateways: Names of gateway nodes, or of the log files where lines name no node.
        window_s: First and last moment that the log covers, seconds since ``epoch``.
        server_down: bool[n], the gateway itself says that the server which the cookie names was down (HAProxy's
            letter D); bool[0] where the format has no such word.
        tick_s: How finely the log tells times, s: 1 where it has whole seconds (their lines were spread over them).
    """

    sent_s: Floats
    took_s: Floats
    service_s: Floats
    session: Numbers
    pod: Numbers
    status: Shorts
    attempts: Shorts
    gateway: Shorts
    cookie_in: Numbers
    cookie_out: Numbers
    epoch: datetime
    pods: tuple[str, ...]
    gateways: tuple[str, ...]
    window_s: tuple[float, float]
    server_down: Flags = field(default_factory=_no_flags)
    tick_s: float = 0.001

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.sent_s)


@dataclass(frozen=True)
class SessionKey:
    """What tells one session from another.

    Attributes:
        kind: ``cookie``, ``header``, ``consumer``, ``client`` (address and user agent), or ``none``.
        name: Of the cookie or header; ``ip`` for a client by its address alone; empty otherwise.
        quality: ``certain`` (one value is one session), ``good``, or ``weak`` (people may share it, or one may have
            several).
        evidence: Why, as a sentence with figures.
    """

    kind: str
    name: str
    quality: str
    evidence: str

    def __str__(self) -> str:
        """Return the key as ``--session-key`` takes it, for example ``cookie:JSESSIONID``."""
        if self.kind == "client":
            return self.name or "ip+ua"
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, eq=False)
class Sessions:
    """The recovered sessions, numbered as in :attr:`LoggedRequests.session`.

    Attributes:
        key: What they were told apart by.
        first_s: float64[n], when the first logged request was sent, seconds since the log's epoch.
        last_s: float64[n], when the last one was sent.
        requests: int64[n], logged requests.
        started_in_window: bool[n], the first logged request is the session's first; else it may be older than the
            log (left-censored).
        ended_in_window: bool[n], the last logged request is the session's last: it was silent for ``quiet_s`` before
            the log ends; else it may go on (right-censored).
        jar: bool[n], the client keeps cookies. False: it was given a cookie and came back without one.
        jar_known: bool[n], whether ``jar`` was seen; a session of one request shows nothing, and counts as with a jar.
        gap_s: Silence that ended a session: two visits of one key further apart are two sessions.
        quiet_s: Silence before the log's end (or after its beginning) that is taken for no session.
    """

    key: SessionKey
    first_s: Floats
    last_s: Floats
    requests: Numbers
    started_in_window: Flags
    ended_in_window: Flags
    jar: Flags
    jar_known: Flags
    gap_s: float
    quiet_s: float

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.first_s)

    @property
    def cookieless_share(self) -> float:
        """Share of the sessions whose client keeps no cookies, among those that show it; nan if none does."""
        known = int(self.jar_known.sum())
        return float((~self.jar[self.jar_known]).sum()) / known if known else float("nan")


@dataclass(frozen=True, eq=False)
class PodLives:
    """When each pod of :attr:`LoggedRequests.pods` answered.

    Attributes:
        first_s: float64[p], its first request.
        last_s: float64[p], its last request of any session.
        last_new_s: float64[p], its last request that began a session; nan if none did.
        requests: int64[p], requests it answered.
        came: bool[p], it appeared within the log: too long a silence before its first request to be chance.
        left: bool[p], it disappeared within the log, likewise.
    """

    first_s: Floats
    last_s: Floats
    last_new_s: Floats
    requests: Numbers
    came: Flags
    left: Flags


@dataclass(frozen=True)
class Rollout:
    """Addresses that came and went together.

    Attributes:
        kind: ``rollout`` (all pods replaced), ``replacement`` (some replaced, as many came), ``scale-down``,
            ``scale-up``, ``event`` (a stated time at which no address came or went), or ``cut`` (the log begins or
            ends within it, so nobody knows what it was).
        started_s: Its first sign at the gateway, seconds since the log's epoch; whoever began it did so earlier, by the
            start-up of the first new pod where those come first.
        ended_s: Its last: the last pod of the old ones has served its last request.
        old: Indexes of the pods that left.
        new: Indexes of the pods that came.
        source: ``addresses``, or ``events`` where its beginning was stated.
    """

    kind: str
    started_s: float
    ended_s: float
    old: tuple[int, ...]
    new: tuple[int, ...]
    source: str = "addresses"

    @property
    def cut(self) -> bool:
        """Whether the log shows only a part of it."""
        return self.kind == "cut"


@dataclass(frozen=True, eq=False)
class LogRead:
    """A log as it was read.

    Attributes:
        requests: The requests.
        sessions: The sessions recovered from them.
        format: Name of the format, for example ``kong-json``.
        lines: Lines read, blank ones left out.
        damaged: Lines that are neither requests nor anything else that such a log holds.
        first_damaged: The first of them: (line number, beginning of its text, the file's name before it).
        rollouts: In order of time.
        notes: What a reader of the figures should know, as sentences.
        pod_lives: When each pod answered.
        others: Lines that are no requests and no damage, such as the gateway's own messages.
        sticky_cookie: Name of the cookie that :attr:`LoggedRequests.cookie_in` numbers; empty if there is none.
        names_target: Whether its values name targets, so that they cannot tell sessions apart.
    """

    requests: LoggedRequests
    sessions: Sessions
    format: str
    lines: int
    damaged: int
    first_damaged: list[tuple[int, str]]
    rollouts: tuple[Rollout, ...]
    notes: list[str]
    pod_lives: PodLives
    others: int = 0
    sticky_cookie: str = ""
    names_target: bool = False

    def opening(self) -> list[str]:
        """Return what was read, and what tells sessions apart, as sentences; times are UTC."""
        return [_of_requests(self), *_of_damage(self), _of_key(self)]

    def describe(self) -> list[str]:
        """Return what a log says as sentences: its opening, sessions, cookies, rollouts, and what to know of them."""
        return [*self.opening(), *_of_sessions(self), *_of_cookies(self), *_of_rollouts(self), *self.notes]


def _of_requests(log: LogRead) -> str:
    requests = log.requests
    begin, end = (_clock(requests.epoch, moment) for moment in requests.window_s)
    hours_s = requests.window_s[1] - requests.window_s[0]
    pods = _count(len(requests.pods), "pod") if requests.pods else "it names no pods"
    several = f", {_count(len(requests.gateways), 'gateway')}" if len(requests.gateways) > 1 else ""
    return (
        f"{_count(len(requests), 'request')} in {_count(log.lines, 'line')} of the format {log.format}, "
        f"{begin} to {end} UTC ({_span(hours_s)}); {pods}{several}."
    )


def _of_damage(log: LogRead) -> list[str]:
    sentences = []
    if log.damaged:
        number, text = log.first_damaged[0]
        what = "line is" if log.damaged == 1 else "lines are"
        share = 100 * log.damaged / log.lines
        sentences.append(
            f"{thousands(log.damaged)} {what} damaged ({share:.2g} %), the first is line {number} of {text}"
        )
    if log.others:
        sentences.append(f"{_count(log.others, 'other line')} that are no requests were left out.")
    return sentences


def _of_key(log: LogRead) -> str:
    sessions = log.sessions
    if not len(sessions):
        return f"No sessions could be told apart. {sessions.key.evidence}"
    told_apart = f"told apart by {sessions.key} ({sessions.key.quality})"
    return f"{_count(len(sessions), 'session')}, {told_apart}. {sessions.key.evidence}"


def _of_sessions(log: LogRead) -> list[str]:
    sessions = log.sessions
    if not len(sessions):
        return []
    whole = int((sessions.started_in_window & sessions.ended_in_window).sum())
    sentences = [
        f"{thousands(whole)} of them begin and end within the log; a silence of {_span(sessions.quiet_s)} counts as an"
        " end.",
    ]
    known = int(sessions.jar_known.sum())
    if known:
        sentences.append(
            f"{100 * sessions.cookieless_share:.2g} % of the {thousands(known)} sessions that show whether they keep"
            " cookies keep none."
        )
    return sentences


def _of_cookies(log: LogRead) -> list[str]:
    if not log.sticky_cookie:
        return []
    came, given = log.requests.cookie_in, log.requests.cookie_out
    replaced = int(((came >= 0) & (given >= 0) & (came != given)).sum())
    sentences = [
        f"The sticky cookie is {log.sticky_cookie}; {_count(replaced, 'request')} brought one value and "
        f"{'was' if replaced == 1 else 'were'} given another."
    ]
    if len(log.requests.server_down):
        down = _count(int(log.requests.server_down.sum()), "request")
        sentences.append(f"The gateway itself says of {down} that the cookie's server was down.")
    return sentences


def _of_rollouts(log: LogRead) -> list[str]:
    if not log.rollouts:
        return ["No pod is seen to come or go, so there is no rollout in the log."] if log.requests.pods else []
    return [_of_rollout(log, each) for each in log.rollouts]


def _of_rollout(log: LogRead, rollout: Rollout) -> str:
    at = _clock(log.requests.epoch, rollout.started_s)
    lasted = _span(rollout.ended_s - rollout.started_s)
    old, new = _count(len(rollout.old), "pod"), _count(len(rollout.new), "pod")
    return {
        "rollout": f"{at}: a rollout replaces all {old} by {len(rollout.new)}; the last request of an old one is "
        f"{lasted} later.",
        "replacement": f"{at}: {old} replaced by {len(rollout.new)}, within {lasted}.",
        "scale-down": f"{at}: {old} removed; the last request of one is {lasted} later.",
        "scale-up": f"{at}: {new} added, within {lasted}.",
        "event": f"{at}: an operation is stated, but no pod came or went.",
        "cut": f"{at}: {old} went and {new} came where the log begins or ends, so what happened is not known.",
    }[rollout.kind]


def _count(number: int, what: str) -> str:
    return f"{thousands(number)} {what}{'' if number == 1 else 's'}"


def _clock(epoch: datetime, moment_s: float) -> str:
    return (epoch + timedelta(seconds=moment_s)).strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
