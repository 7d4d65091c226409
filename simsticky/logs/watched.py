"""What can be seen of a run from outside: the same of a log and of a replication, read by the same rules.

A log knows nothing of sessions' state. So of the model, too, only that is counted which its access log would show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from simsticky.results.result import Result

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FAILED = (0, 502, 503, 504)
"""Statuses of requests that failed on the way: the gateway's, and none at all. 500 is the application's own."""

_NEVER = float("nan")


@dataclass(frozen=True, eq=False)
class Watched:
    """The requests of a run as its access log shows them, of a log or of a replication.

    Attributes:
        session: int64[n], whose it is; -1 where nobody knows.
        sent_s: float64[n], ascending; seconds since the beginning.
        ended_s: float64[n].
        pod: int64[n], who answered; -1 for nobody.
        failed: bool[n], see :data:`FAILED`.
        leaving: Of each operation the pods that went with it.
        coming: Of each operation the pods that came with it.
        tick_s: How finely times are told: 1 where a log has whole seconds.
    """

    session: Numbers
    sent_s: Floats
    ended_s: Floats
    pod: Numbers
    failed: Flags
    leaving: tuple[tuple[int, ...], ...]
    coming: tuple[tuple[int, ...], ...]
    tick_s: float = 0.001


class Moves(NamedTuple):
    """Answers by another pod than the one before, one entry each, by time.

    Attributes:
        session: Whose.
        at_s: When the request was sent.
    """

    session: Numbers
    at_s: Floats


def of_result(result: Result, bound: Flags, end_s: float) -> Watched:
    """Return what a replication's access log would show until ``end_s``.

    Args:
        result: The replication, with its requests recorded.
        bound: Length of all sessions, whether the client keeps cookies: others are told apart by nobody.
        end_s: When the log ends.
    """
    frame = result.requests
    sent_s = frame["sent_s"].to_numpy()
    shown = sent_s <= end_s
    status = frame["status"].to_numpy()[shown]
    session = frame["session"].to_numpy()[shown]
    pods = {name: number for number, name in enumerate(frame["pod"].cat.categories)}
    code = frame["pod"].cat.codes.to_numpy()[shown].astype(np.int64)
    open_still = frame["outcome"].to_numpy()[shown] == "unfinished"
    lives = [life for life in result.recording.pods if life.pod in pods]
    starts_s = [operation.start_s for operation in result.recording.operations]
    ends_s = [*starts_s[1:], np.inf]
    return Watched(
        session=np.where(bound[session], session, -1),
        sent_s=sent_s[shown],
        ended_s=frame["ended_s"].to_numpy()[shown],
        pod=np.where(np.isin(status, FAILED), -1, code),
        failed=np.isin(status, FAILED) & ~open_still,
        leaving=tuple(
            tuple(pods[life.pod] for life in lives if life.deleted_by == number)
            for number in range(1, len(starts_s) + 1)
        ),
        coming=tuple(
            tuple(pods[life.pod] for life in lives if start_s <= life.created_s < end_s)
            for start_s, end_s in zip(starts_s, ends_s, strict=True)
        ),
    )


def moves_of(seen: Watched) -> Moves:
    """Return where a session was answered by another pod than the one before.

    Where times are whole seconds, nobody knows the order within one second; there the order is taken that moves
    least.
    """
    known = (seen.session >= 0) & (seen.pod >= 0)
    session, pod, sent_s = seen.session[known], seen.pod[known], seen.sent_s[known]
    order_s = np.floor(seen.ended_s[known]) if seen.tick_s >= 1.0 else sent_s
    order = np.lexsort((order_s, session))
    session, pod, sent_s, order_s = session[order], pod[order], sent_s[order], order_s[order]
    if seen.tick_s >= 1.0:
        pod = _least_moving(session, order_s, pod)
    moved = np.flatnonzero((session[1:] == session[:-1]) & (pod[1:] != pod[:-1])) + 1
    moved = moved[np.argsort(sent_s[moved], kind="stable")]
    return Moves(session[moved], sent_s[moved])


def _least_moving(session: Numbers, order_s: Floats, pod: Numbers) -> Numbers:
    """Return the pods with those of one session and second brought together, that of the second before first."""
    pod = pod.copy()
    first = np.flatnonzero(np.append(True, (session[1:] != session[:-1]) | (order_s[1:] != order_s[:-1])))
    last = np.append(first[1:], len(pod))
    mixed = last - first > 1
    for begin, end in zip(first[mixed].tolist(), last[mixed].tolist(), strict=True):
        before = pod[begin - 1] if begin and session[begin - 1] == session[begin] else -1
        after = pod[end] if end < len(pod) and session[end] == session[begin] else -1
        pod[begin:end] = sorted(pod[begin:end].tolist(), key=lambda one: (one != before, one == after, one))
    return pod


def first_signs(seen: Watched) -> list[float]:
    """Return of each operation when it first shows: nan where it never does.

    Where a new pod comes, it is the first answer of such a one. Otherwise it is the last session that began on a pod
    that goes: where drain support is on, its other sessions go on for long.
    """
    begins = _begins(seen)
    signs = []
    for leaving, coming in zip(seen.leaving, seen.coming, strict=True):
        came = np.isin(seen.pod, coming)
        gone = begins & np.isin(seen.pod, leaving)
        if came.any():
            signs.append(float(seen.sent_s[came].min()))
        else:
            signs.append(float(seen.sent_s[gone].max()) if gone.any() else _NEVER)
    return signs


def _begins(seen: Watched) -> Flags:
    """Return which requests began a session; those of nobody known each begin one."""
    begins = seen.session < 0
    _, at = np.unique(seen.session, return_index=True)
    begins[at] = True
    return begins
