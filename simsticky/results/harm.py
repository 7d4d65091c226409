"""Which sessions broke with each container: every break is traced back to the one that held the session's state."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simsticky.recording.record import (
    CODE,
    CONTAINER,
    ENDED,
    REQUEST,
    SENT,
    SESSION,
    SESSION_COLUMNS,
    Kind,
    Mechanism,
    Origin,
    Outcome,
    Recording,
    Rows,
    outcomes,
    unpack_columns,
)


@dataclass(slots=True)
class Harm:
    """What losing one container did to the sessions whose state it held.

    Attributes:
        sessions: The sessions that broke, each once, by number.
        breaks: Number of breaks by (kind, mechanism).
        first_s: Time at which the first request that broke was sent, in seconds; inf without any.
        last_s: The same of the last one; -inf without any.
    """

    sessions: list[int] = field(default_factory=list)
    breaks: Counter[tuple[Kind, Mechanism]] = field(default_factory=Counter)
    first_s: float = np.inf
    last_s: float = -np.inf


def harm_by_container(recording: Recording) -> dict[tuple[int, int], Harm]:
    """Return what broke with each container, by its index and the operation's number; 0 for a crash without one.

    The container that held the state is the one that gave the session's last answer before the break. Other
    background breaks are left out. Empty where requests were not recorded.
    """
    harm: defaultdict[tuple[int, int], Harm] = defaultdict(Harm)
    broken: set[int] = set()
    for block in recording.request_blocks:
        broken.update(block[_told(block[:, CODE]), SESSION].astype(np.int64).tolist())
    if broken:
        rows = _answers_of(recording, np.array(sorted(broken), np.float64))
        _trace_back(recording, rows, harm)
    return dict(harm)


def requests_cut(recording: Recording) -> Counter[tuple[int, float]]:
    """Return how many requests in flight were cut, by the index of their pod and the time; of those recorded."""
    found: Counter[tuple[int, float]] = Counter()
    for block in recording.request_blocks:
        cut = block[outcomes(block[:, CODE]) == Outcome.RESET]
        for container, at_s in zip(cut[:, CONTAINER].astype(np.int64).tolist(), cut[:, ENDED].tolist(), strict=True):
            found[recording.containers[container], at_s] += 1
    return found


def failures_by_operation(recording: Recording) -> dict[int, Counter[Outcome]]:
    """Return the failed requests that each operation caused, by its number and the kind of failure.

    Empty where requests were not recorded; kinds of failure in the order of :class:`Outcome`.
    """
    found: Counter[tuple[int, int]] = Counter()
    for block in recording.request_blocks:
        outcome = outcomes(block[:, CODE])
        failed = (outcome != Outcome.ANSWERED) & (outcome != Outcome.UNFINISHED)
        causes = unpack_columns(block[failed, CODE])["cause"]
        found.update(zip(causes.tolist(), outcome[failed].tolist(), strict=True))
    failures: defaultdict[int, Counter[Outcome]] = defaultdict(Counter)
    for cause, kind in sorted(found):
        if cause:
            failures[cause][Outcome(kind)] = found[cause, kind]
    return dict(failures)


def _told(codes: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which codes tell of a break with an operation or a crash behind it."""
    fields = unpack_columns(codes)
    behind = (fields["cause"] > 0) | (fields["origin"] == Origin.CRASH)
    return np.asarray((fields["kind"] != Kind.NONE) & behind)


def _answers_of(recording: Recording, sessions: npt.NDArray[np.float64]) -> Rows:
    """Return the answered requests of some sessions, by session, then time of sending."""
    parts = [
        block[np.isin(block[:, SESSION], sessions) & (outcomes(block[:, CODE]) == Outcome.ANSWERED)]
        for block in recording.request_blocks
    ]
    rows = np.concatenate(parts)
    return rows[np.lexsort((rows[:, REQUEST], rows[:, SENT], rows[:, SESSION]))]


def _trace_back(recording: Recording, rows: Rows, harm: defaultdict[tuple[int, int], Harm]) -> None:
    first_container = _first_containers(recording)
    fields = unpack_columns(rows[:, CODE])
    for index in np.flatnonzero(_told(rows[:, CODE])).tolist():
        session, sent_s = int(rows[index, SESSION]), float(rows[index, SENT])
        has_answer_before = index > 0 and rows[index - 1, SESSION] == session
        # Without an answer before, the session was alive at 0 and its state is where it was then.
        holder = int(rows[index - 1, CONTAINER]) if has_answer_before else first_container[session]
        of_it = harm[holder, int(fields["cause"][index])]
        if not of_it.sessions or of_it.sessions[-1] != session:
            of_it.sessions.append(session)
        of_it.breaks[Kind(fields["kind"][index]), Mechanism(fields["mechanism"][index])] += 1
        of_it.first_s, of_it.last_s = min(of_it.first_s, sent_s), max(of_it.last_s, sent_s)


def _first_containers(recording: Recording) -> dict[int, int]:
    rows = recording.session_rows
    first = rows[:, SESSION_COLUMNS.index("first_container")]
    return dict(zip(rows[:, SESSION].astype(np.int64).tolist(), first.astype(np.int64).tolist(), strict=True))
