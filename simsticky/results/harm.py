"""Which sessions each pod's end broke: every break is traced back to the pod that held the session's state."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from simsticky.sim.recording import (
    CODE,
    CONTAINER,
    ENDED,
    SENT,
    SESSION_COLUMNS,
    Kind,
    Mechanism,
    Outcome,
    Recording,
    Rows,
    outcomes,
    unpack_columns,
)

SESSION = 0


@dataclass(slots=True)
class Harm:
    """What one pod's end did to the sessions whose state it held.

    Attributes:
        sessions: The sessions that broke, each once, by number.
        breaks: Number of breaks by (kind, mechanism).
        first_s: Time at which the first request that broke was sent, in seconds; inf without any.
        last_s: The same of the last one; -inf without any.
        cut: Requests that were in flight when a container of the pod died, by the time of that.
    """

    sessions: list[int] = field(default_factory=list)
    breaks: Counter[tuple[Kind, Mechanism]] = field(default_factory=Counter)
    first_s: float = np.inf
    last_s: float = -np.inf
    cut: Counter[float] = field(default_factory=Counter)


def harm_by_pod(recording: Recording) -> dict[int, Harm]:
    """Return the harm of each pod that did any, by the pod's index; empty where requests were not recorded.

    The pod that held the state is the one that gave the session's last answer before the break. Background breaks
    are left out.
    """
    harm: defaultdict[int, Harm] = defaultdict(Harm)
    broken: set[int] = set()
    for block in recording.request_blocks:
        broken.update(block[_caused(block[:, CODE]), SESSION].astype(np.int64).tolist())
        cut = block[outcomes(block[:, CODE]) == Outcome.RESET]
        for container, at_s in zip(cut[:, CONTAINER].astype(np.int64).tolist(), cut[:, ENDED].tolist(), strict=True):
            harm[recording.containers[container]].cut[at_s] += 1
    if broken:
        rows = _answers_of(recording, np.array(sorted(broken), np.float64))
        _trace_back(recording, rows, harm)
    return dict(harm)


def failures_by_operation(recording: Recording) -> dict[int, Counter[Outcome]]:
    """Return the failed requests that each operation caused, by its number and the kind of failure.

    Empty where requests were not recorded.
    """
    failures: defaultdict[int, Counter[Outcome]] = defaultdict(Counter)
    for block in recording.request_blocks:
        outcome = outcomes(block[:, CODE])
        failed = (outcome != Outcome.ANSWERED) & (outcome != Outcome.UNFINISHED)
        causes = unpack_columns(block[failed, CODE])["cause"]
        for cause, kind in zip(causes.tolist(), outcome[failed].tolist(), strict=True):
            if cause:
                failures[cause][Outcome(kind)] += 1
    return dict(failures)


def _caused(codes: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which codes tell of a break with an operation behind it."""
    fields = unpack_columns(codes)
    return np.asarray((fields["kind"] != Kind.NONE) & (fields["cause"] > 0))


def _answers_of(recording: Recording, sessions: npt.NDArray[np.float64]) -> Rows:
    """Return the answered requests of some sessions, by session, then time of sending."""
    parts = [
        block[np.isin(block[:, SESSION], sessions) & (outcomes(block[:, CODE]) == Outcome.ANSWERED)]
        for block in recording.request_blocks
    ]
    rows = np.concatenate(parts)
    return rows[np.lexsort((rows[:, SENT], rows[:, SESSION]))]


def _trace_back(recording: Recording, rows: Rows, harm: defaultdict[int, Harm]) -> None:
    first_container = _first_containers(recording)
    fields = unpack_columns(rows[:, CODE])
    for index in np.flatnonzero(_caused(rows[:, CODE])).tolist():
        session, sent_s = int(rows[index, SESSION]), float(rows[index, SENT])
        has_answer_before = index > 0 and rows[index - 1, SESSION] == session
        # Without an answer before, the session was alive at 0 and its state is where it was then.
        holder = int(rows[index - 1, CONTAINER]) if has_answer_before else first_container[session]
        of_pod = harm[recording.containers[holder]]
        if not of_pod.sessions or of_pod.sessions[-1] != session:
            of_pod.sessions.append(session)
        of_pod.breaks[Kind(fields["kind"][index]), Mechanism(fields["mechanism"][index])] += 1
        of_pod.first_s, of_pod.last_s = min(of_pod.first_s, sent_s), max(of_pod.last_s, sent_s)


def _first_containers(recording: Recording) -> dict[int, int]:
    rows = recording.session_rows
    first = rows[:, SESSION_COLUMNS.index("first_container")]
    return dict(zip(rows[:, SESSION].astype(np.int64).tolist(), first.astype(np.int64).tolist(), strict=True))
