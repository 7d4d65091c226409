"""The tables of a result as pandas frames; nothing here is imported before one is asked for.

Columns carry their unit in their name, times are seconds of simulated time, words are categories. A table of
requests may be long, so it is built one narrow column after the other.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from simsticky.recording.events import EventRecord
from simsticky.recording.pods import PodRecord
from simsticky.recording.record import (
    CODE,
    CONTAINER,
    ENDED,
    SENT,
    SESSION_COLUMNS,
    STARTED,
    STATUS,
    How,
    Kind,
    Mechanism,
    Origin,
    Outcome,
    Recording,
    Rows,
    unpack_columns,
)
from simsticky.results.metrics import Value
from simsticky.results.story.details import detail, subject

REQUESTS = (
    "session",
    "request",
    "sent_s",
    "started_s",
    "ended_s",
    "pod",
    "node",
    "attempts",
    "status",
    "outcome",
    "broke",
    "mechanism",
    "origin",
    "operation",
    "connect",
)
SESSIONS = (
    "session",
    "started_s",
    "ended_s",
    "requests",
    "failed",
    "breaks",
    "breaks_background",
    "has_jar",
    "first_pod",
    "last_pod",
    "end",
)
PODS = tuple(field.name for field in fields(PodRecord))
LOAD = ("time_s", "pod", "sessions", "in_flight")
EVENTS = ("seq", "at_s", "actor", "kind", "subject", "detail", "data", "operation")
OPERATIONS = (
    "operation",
    "label",
    "kind",
    "entry",
    "start_s",
    "first_deletion_s",
    "rollout_done_s",
    "last_old_pod_gone_s",
    "rollout_done_after_s",
    "last_old_pod_gone_after_s",
    "peak_pods",
    "exposed",
    "broken",
    "broken_share",
    "alive",
    "broken_alive",
    "breaks",
    "lost",
    "stale",
    "failed",
    "born_on_terminating",
    "born_broken",
    "censored",
    "stuck",
)

EXPOSURES = ("session", "operation", "at_s", "pod", "how")

Column = npt.NDArray[Any]


def requests(recording: Recording) -> pd.DataFrame:
    """Return one row per request with the columns ``REQUESTS``, by time of sending, then session, then its ordinal.

    ``ended_s`` is NaN where the request was unfinished, ``pod`` is missing where none was reached. ``status`` is what
    the client saw, 0 where it saw nothing; ``broke`` is ``lost``, ``stale`` or empty; ``operation`` is the number
    of the operation behind a break or a failure, 0 if none. ``connect`` is whether it was to open a long-lived
    connection, on which the others are messages; never true where each request has a connection of its own.
    """
    length = sum(len(block) for block in recording.request_blocks)
    columns: dict[str, Column] = {
        "session": np.empty(length, np.int64),
        "request": np.empty(length, np.int32),
        "sent_s": np.empty(length),
        "started_s": np.empty(length),
        "ended_s": np.empty(length),
        "pod": np.empty(length, np.int32),
        "node": np.empty(length, np.int16),
        "attempts": np.empty(length, np.int16),
        "status": np.empty(length, np.int16),
        "outcome": np.empty(length, np.int8),
        "broke": np.empty(length, np.int8),
        "mechanism": np.empty(length, np.int8),
        "origin": np.empty(length, np.int8),
        "operation": np.empty(length, np.int32),
        "connect": np.empty(length, np.bool_),
    }
    names, pod_of = _pod_codes(recording)
    status = np.array([STATUS[outcome] for outcome in Outcome], np.int16)
    first = 0
    for block in recording.request_blocks:
        part = slice(first, first + len(block))
        codes = unpack_columns(block[:, CODE])
        columns["session"][part] = block[:, 0]
        columns["request"][part] = block[:, 1]
        columns["sent_s"][part] = block[:, SENT]
        columns["started_s"][part] = block[:, STARTED]
        columns["ended_s"][part] = block[:, ENDED]
        columns["pod"][part] = pod_of[block[:, CONTAINER].astype(np.int64)]
        columns["status"][part] = status[codes["outcome"]]
        for name, code in _CODES.items():
            columns[name][part] = codes[code]
        first = part.stop
    _sort_by_sending(columns)
    nodes = [f"kong-{number + 1}" for number in range(int(columns["node"].max(initial=0)) + 1)]
    categories = {"pod": names, "node": nodes, **_WORDS}
    # Not copied: pandas would otherwise gather equal types into one array, and need the memory twice.
    frame = {name: _categorical(columns.pop(name), categories.get(name)) for name in REQUESTS}
    return pd.DataFrame(frame, copy=False)


_CODES = {
    "node": "node",
    "attempts": "attempts",
    "outcome": "outcome",
    "broke": "kind",
    "mechanism": "mechanism",
    "origin": "origin",
    "operation": "cause",
    "connect": "connect",
}
"""Which part of a request's code each column holds."""


def _words(kinds: type[Outcome] | type[Kind] | type[Mechanism] | type[Origin] | type[How]) -> list[str]:
    return ["" if kind.name == "NONE" else kind.name.lower() for kind in kinds]


_WORDS = {
    "outcome": _words(Outcome),
    "broke": _words(Kind),
    "mechanism": _words(Mechanism),
    "origin": _words(Origin),
}


def _categorical(codes: Any, categories: Sequence[str] | None) -> Any:
    return codes if categories is None else pd.Categorical.from_codes(codes, categories=pd.Index(categories))


def _pod_codes(recording: Recording) -> tuple[list[str], npt.NDArray[np.int32]]:
    """Return the pods' names and, for each container index, the index of its pod's name; the last is for no container.

    A container index of -1 finds that last one, which is -1: missing.
    """
    names = list(dict.fromkeys(pod.pod for pod in recording.pods))
    index_of = {name: index for index, name in enumerate(names)}
    codes = [index_of[recording.pods[pod].pod] for pod in recording.containers]
    return names, np.array([*codes, -1], np.int32)


def _sort_by_sending(columns: dict[str, Column]) -> None:
    """Sort in place; rows come as they ended, or as they were sealed."""
    sent_s = columns["sent_s"]
    if (sent_s[1:] > sent_s[:-1]).all():
        return
    order = np.lexsort((columns["request"], columns["session"], sent_s))
    for name in columns:
        columns[name] = columns[name][order]


def sessions(recording: Recording) -> pd.DataFrame:
    """Return one row per session with the columns ``SESSIONS``, by session.

    ``breaks`` are those caused by operations. ``end`` is ``over``, or what the session still was at the run's end:
    ``last_request_open`` or ``more_to_come``; ``ended_s`` is NaN then.
    """
    rows = recording.session_rows
    column = {name: rows[:, index] for index, name in enumerate(SESSION_COLUMNS)}
    names, pod_of = _pod_codes(recording)
    unfinished, ended_s = column["unfinished"] > 0, column["ended_s"]
    end = np.where(unfinished, np.where(np.isnan(ended_s), 2, 1), 0).astype(np.int8)
    return pd.DataFrame(
        {
            "session": column["session"].astype(np.int64),
            "started_s": column["started_s"],
            "ended_s": np.where(unfinished, np.nan, ended_s),
            "requests": column["requests"].astype(np.int32),
            "failed": column["failed"].astype(np.int32),
            "breaks": column["breaks_caused"].astype(np.int32),
            "breaks_background": column["breaks_background"].astype(np.int32),
            "has_jar": column["has_jar"] > 0,
            "first_pod": _categorical(pod_of[column["first_container"].astype(np.int64)], names),
            "last_pod": _categorical(pod_of[column["last_container"].astype(np.int64)], names),
            "end": _categorical(end, ["over", "last_request_open", "more_to_come"]),
        },
        columns=list(SESSIONS),
    )


def exposures(recording: Recording) -> pd.DataFrame:
    """Return one row per exposure with the columns ``EXPOSURES``, by time, then session.

    ``operation`` is the number of the operation that cut the session off from ``pod``, which held its state, or was
    about to; ``how`` is by what: ``deleted``, ``crashed``, ``node_ended``, ``unrouted``, ``disconnected`` and
    ``stopped`` name what became of the pod or the connection, ``removed``, ``drained``, ``unhealthy`` and ``rehashed``
    how the gateway came to send the session elsewhere. A session is in it as often as it was exposed.
    """
    rows = sorted(recording.exposures, key=lambda row: (row[1].at_s, row[0]))
    names, pod_of = _pod_codes(recording)
    return pd.DataFrame(
        {
            "session": np.array([session for session, _ in rows], np.int64),
            "operation": np.array([exposure.operation for _, exposure in rows], np.int32),
            "at_s": np.array([exposure.at_s for _, exposure in rows], np.float64),
            "pod": _categorical(pod_of[np.array([exposure.container for _, exposure in rows], np.int64)], names),
            "how": _categorical(np.array([exposure.how for _, exposure in rows], np.int8), _words(How)),
        },
        columns=list(EXPOSURES),
    )


def pods(recording: Recording) -> pd.DataFrame:
    """Return one row per pod with the columns ``PODS``, by creation; times are NaN where it did not happen.

    ``deleted_by`` is the number of the operation that deleted the pod, 0 if none did. Pods that were there before the
    run have negative times.
    """
    frame = pd.DataFrame({name: [getattr(pod, name) for pod in recording.pods] for name in PODS}, columns=list(PODS))
    return frame.astype({name: np.float64 for name in PODS if name.endswith("_s")} | {"deleted_by": np.int32})


def load(recording: Recording) -> pd.DataFrame:
    """Return the load of each pod as a piecewise-constant series with the columns ``LOAD``, by pod, then time.

    One row for each moment at which a load changed, with the loads from then on: ``sessions`` whose state is on the
    pod's container, and requests ``in_flight`` on it, waiting ones included (left out where requests were not
    recorded). A series starts with the pod's container, or at 0; with the container its sessions are gone.
    """
    names, pod_of = _pod_codes(recording)
    with_requests = recording.level == "requests"
    moved = _without_the_dead(recording)
    residence = _by_pod(pod_of, moved[:, 1], moved[:, 0], moved[:, 2])
    in_flight = _in_flight_by_pod(recording, pod_of) if with_requests else {}
    parts: list[dict[str, Column]] = []
    seen: set[str] = set()
    for pod in recording.pods:
        if pod.started_s != pod.started_s or pod.pod in seen:
            continue
        seen.add(pod.pod)
        code = names.index(pod.pod)
        none = (np.empty(0), np.empty(0))
        start_s = max(0.0, pod.started_s)
        died = pod.dead_s == pod.dead_s
        hosted = _series(*residence.get(code, none), start_s, pod.dead_s if died else recording.end_s, died=died)
        flying = _series(*in_flight.get(code, none), start_s, recording.end_s)
        times = np.union1d(hosted[0], flying[0])
        of_pod = np.full(len(times), code, np.int32)
        parts.append({"time_s": times, "pod": of_pod, "sessions": _at(hosted, times), "in_flight": _at(flying, times)})
    columns = LOAD if with_requests else LOAD[:-1]
    joined = {
        name: np.concatenate([part[name] for part in parts]) if parts else np.empty(0, np.int32) for name in columns
    }
    return pd.DataFrame({name: _categorical(joined[name], names if name == "pod" else None) for name in columns})


def _without_the_dead(recording: Recording) -> Rows:
    """Return the changes of sessions on containers, those of containers that were restarted ending with their death."""
    moved = recording.residence
    parts = [moved]
    for container, life in enumerate(recording.lives):
        if life.dead_s == life.dead_s and life.ended != "stopped":
            own = parts[0][:, 1] == container
            gone = own & (parts[0][:, 0] >= life.dead_s)
            left = parts[0][own & ~gone, 2].sum()
            parts[0] = parts[0][~gone]
            parts.append(np.array([[life.dead_s, container, -left]]))
    joined = np.concatenate(parts)
    return joined[np.argsort(joined[:, 0], kind="stable")]


_Changes = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Times and changes; or times and the values from then on."""


def _by_pod(pod_of: npt.NDArray[np.int32], containers: Column, times: Column, deltas: Column) -> dict[int, _Changes]:
    codes = pod_of[containers.astype(np.int64)]
    order = np.argsort(codes, kind="stable")
    # There may be more pods than containers: one that was deleted early never had any.
    starts = np.searchsorted(codes[order], np.arange(int(codes.max(initial=-1)) + 2))
    found = {}
    for code in np.unique(codes[codes >= 0]).tolist():
        mine = order[starts[code] : starts[code + 1]]
        found[code] = (times[mine], deltas[mine])
    return found


def _in_flight_by_pod(recording: Recording, pod_of: npt.NDArray[np.int32]) -> dict[int, _Changes]:
    def column(index: int) -> Column:
        return np.concatenate([np.empty(0), *(block[:, index] for block in recording.request_blocks)])

    containers, sent_s, ended_s = column(CONTAINER), column(SENT), column(ENDED)
    over = ~np.isnan(ended_s)
    times = np.concatenate([sent_s, ended_s[over]])
    deltas = np.concatenate([np.ones(len(sent_s)), -np.ones(int(over.sum()))])
    return _by_pod(pod_of, np.concatenate([containers, containers[over]]), times, deltas)


def _series(times: Column, deltas: Column, start_s: float, end_s: float, *, died: bool = False) -> _Changes:
    """Return what changes add up to, from ``start_s`` on, at each moment at which it changes; 0 from a death on."""
    inside = times < end_s if died else times <= end_s
    order = np.argsort(times[inside], kind="stable")
    times, values = times[inside][order], np.cumsum(deltas[inside][order])
    # Of several changes at one moment only their sum is seen.
    last = np.append(times[1:] != times[:-1], True) if len(times) else np.empty(0, bool)
    times, values = times[last], values[last]
    if not len(times) or times[0] > start_s:
        times, values = np.insert(times, 0, start_s), np.insert(values, 0, 0.0)
    if died:
        times, values = np.append(times, end_s), np.append(values, 0.0)
    changed = np.append(True, values[1:] != values[:-1])
    return times[changed], values[changed]


def _at(series: _Changes, times: Column) -> Column:
    since, values = series
    return values[np.searchsorted(since, times, side="right") - 1].astype(np.int32)


def events(recording: Recording) -> pd.DataFrame:
    """Return one row per event with the columns ``EVENTS``, in order.

    ``detail`` is for people; ``data`` is what it is made from, as a JSON object (the fields are those of the classes in
    ``simsticky.recording.events``), empty where a kind has none. ``operation`` is 0 where none is behind it.
    """
    rows = [
        (seq, event.at_s, event.actor, event.kind, subject(event), detail(recording, event), _json(event), event.cause)
        for seq, event in enumerate(recording.events)
    ]
    return _frame(rows, EVENTS).astype({"seq": np.int64, "at_s": np.float64, "operation": np.int32})


def _json(event: EventRecord) -> str:
    return "" if event.data is None else json.dumps(asdict(event.data), allow_nan=False)


def operations(rows: Sequence[dict[str, str | Value]]) -> pd.DataFrame:
    """Return one row per operation with the columns ``OPERATIONS``, in the order of the timeline.

    ``entry`` is the key of its entry on the timeline, "1", "2" and so on, or "hpa" for a scale of the autoscaler.
    ``..._after_s`` are durations since the operation's start, other times are absolute; NaN where it did not happen.
    """
    frame = _frame([tuple(row[name] for name in OPERATIONS) for row in rows], OPERATIONS)
    text = ("label", "kind", "entry", "stuck")
    return frame.astype(
        {name: np.float64 if name.endswith(("_s", "_share")) else np.int64 for name in OPERATIONS if name not in text}
    )


def _frame(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame.from_records(list(rows), columns=list(columns))
