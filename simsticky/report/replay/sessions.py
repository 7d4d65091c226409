"""The sessions of a replay and their requests as compact columns of whole numbers.

Times are hundredths of a second since the replay's beginning. Requests that follow each other and are answered by the
same pod, at the first attempt and with the session's state, share a row: nothing happens there that one would follow.
Where a session's state is, when it breaks and when it fails follows from the rows; the page works that out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from simsticky.report.replay.span import Span, alive, caused

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

OPEN = -1
"""Stands for a time that does not come: a request without an answer, a session that goes on."""

KIND: Final = ("attempts", "status", "outcome", "broke", "mechanism", "origin", "operation", "connect")
"""Columns of which each row has a combination."""

ROW: Final = ("request", "count", "sent", "until", "took", "late", "pod", "node", "kind")
"""A row: ordinal of its first request, how many it stands for, when the first was sent, how much later the last one was
sent, how long that took, how much later than sent it came to its pod, and indexes of pod, Kong node and kind."""

Ints = npt.NDArray[np.int64]


def hundredths(times_s: Any, from_s: float) -> Ints:
    """Return times as whole hundredths of a second since the beginning; OPEN for what is not known or never comes."""
    times = np.asarray(times_s, np.float64) - from_s
    return np.where(np.isfinite(times), np.round(100 * np.where(np.isfinite(times), times, 0.0)), OPEN).astype(np.int64)


def sessions_of(run: Frames, span: Span, pods: list[str], nodes: list[str]) -> dict[str, Any]:
    """Return the columns of the sessions that are replayed, of their rows, and the kinds of rows.

    ``sessions``: ``id``, ``start`` (which may be before the beginning), ``end``, ``jar`` (1: keeps cookies), ``at``
    (index of the pod with its state at the beginning, OPEN: none yet), ``harm`` (1: broken before by an operation or a
    crash, 2: in the background, 3: both) and ``rows``, how many of the rows, which stand in the same order, are the
    session's.
    """
    numbers, starts, ends = alive(run, span.from_s, span.to_s)
    chosen = numbers % span.every == 0
    numbers, starts, ends = numbers[chosen], starts[chosen], ends[chosen]
    table = run.sessions.set_index("session").loc[numbers]
    requests = _requests(run, numbers, span)
    before = requests["ended_s"].to_numpy() < span.from_s
    rows, kinds = _rows(requests[~before], span, pods, nodes)
    per_session = pd.Series(rows.pop("session")).value_counts()
    first = table["first_pod"].where(starts < 0).to_numpy(object)
    return {
        "sessions": {
            "id": numbers.tolist(),
            "start": hundredths(starts, span.from_s).tolist(),
            "end": hundredths(ends, span.from_s).tolist(),
            "jar": table["has_jar"].astype(int).tolist(),
            "at": _places(requests[before], numbers, first, pods),
            "harm": _harm(requests[before], numbers),
            "rows": per_session.reindex(numbers, fill_value=0).astype(int).tolist(),
        },
        "rows": {name: column.tolist() for name, column in rows.items()},
        "kinds": kinds,
    }


def _requests(run: Frames, numbers: Ints, span: Span) -> pd.DataFrame:
    """Return the requests of some sessions until the end of the span, by session, then time of sending."""
    requests = run.requests
    session, sent_s = requests["session"].to_numpy(), requests["sent_s"].to_numpy()
    mine = requests[np.isin(session, numbers) & (sent_s <= span.to_s)]
    return mine.iloc[np.argsort(mine["session"].to_numpy(), kind="stable")]


def _places(before: pd.DataFrame, numbers: Ints, first: npt.NDArray[Any], pods: list[str]) -> list[int]:
    """Return where the state of each session is when the replay begins: where its last answer came from."""
    answered = before[before["outcome"] == "answered"]
    last = answered.groupby("session", sort=False)["pod"].last().reindex(numbers).to_numpy(object)
    index = {name: place for place, name in enumerate(pods)}
    return [index.get(a, index.get(b, OPEN)) for a, b in zip(last, first, strict=True)]


def _harm(before: pd.DataFrame, numbers: Ints) -> list[int]:
    broke = before[before["broke"] != ""]
    told = set(broke.loc[caused(broke), "session"])
    others = set(broke.loc[~caused(broke), "session"])
    return [(number in told) + 2 * (number in others) for number in numbers.tolist()]


def _rows(
    requests: pd.DataFrame, span: Span, pods: list[str], nodes: list[str]
) -> tuple[dict[str, Ints], list[list[Any]]]:
    """Return the rows as columns, ``session`` among them, and the kinds that they refer to."""
    kind, kinds = _kinds(requests)
    plain = np.array([k[2] == "answered" and k[3] == "" and k[0] == 1 for k in kinds], bool)[kind]
    session, request = requests["session"].to_numpy(np.int64), requests["request"].to_numpy(np.int64)
    pod = pd.Index(pods).get_indexer(pd.Index(requests["pod"].astype(object)))
    goes_on = np.zeros(len(requests), bool)
    goes_on[1:] = (
        plain[1:]
        & (session[1:] == session[:-1])
        & (request[1:] == request[:-1] + 1)
        & (request[:-1] > 1)  # the first one brings no cookie
        & (kind[1:] == kind[:-1])
        & (pod[1:] == pod[:-1])
    )
    first = np.flatnonzero(~goes_on)
    last = np.append(first[1:], len(requests)) - 1 if len(first) else first
    sent, ended = (hundredths(requests[name], span.from_s) for name in ("sent_s", "ended_s"))
    late = hundredths(requests["started_s"] - requests["sent_s"], 0.0)
    late = np.where(requests["attempts"].to_numpy() > 1, np.maximum(late, 0), 0)
    rows = {
        "session": session[first],
        "request": request[first],
        "count": last - first + 1,
        "sent": sent[first],
        "until": sent[last] - sent[first],
        "took": np.where(requests["ended_s"].isna().to_numpy()[last], OPEN, ended[last] - sent[last]),
        "late": late[first],
        "pod": pod[first],
        "node": pd.Index(nodes).get_indexer(pd.Index(requests["node"].astype(object)))[first],
        "kind": kind[first],
    }
    return rows, kinds


def _kinds(requests: pd.DataFrame) -> tuple[Ints, list[list[Any]]]:
    """Return for each request the index of its kind, and the kinds, those that come first first."""
    codes = np.zeros(len(requests), np.int64)
    for name in KIND:
        own, values = pd.factorize(requests[name])
        codes = codes * max(1, len(values)) + own
    kind, representatives = pd.factorize(codes)
    places = [int(np.flatnonzero(codes == code)[0]) for code in representatives]
    chosen = requests[list(KIND)].iloc[places].astype(object)
    kinds = [
        [int(a), int(s), str(o), _word(b), _word(m), _word(why), int(op), int(c)]
        for a, s, o, b, m, why, op, c in chosen.itertuples(index=False)
    ]
    return kind.astype(np.int64), kinds


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""
