"""The pods of one replication over time: their phases, marks, sessions, and which of them served at a moment.

Everything is read from the frames; what the Kong nodes listed is what their pushes say they changed.
"""

import math
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from simsticky.report.frames import Frames
from simsticky.results.story import short_names

Floats = npt.NDArray[np.float64]
Phase = Literal["starting", "ready", "unready", "down", "draining", "stopping", "dead"]
PHASES: tuple[Phase, ...] = ("starting", "ready", "unready", "down", "draining", "stopping", "dead")
"""From creation: until ready, until deleted, until SIGTERM, until the container is dead, until the pod is gone.

Until it is deleted a pod may cease to be ready while its container runs (``unready``), or its container may end
(``down``) and start again (``starting``)."""

MARKS = ("deleted", "weight 0", "removed", "preStop end", "SIGTERM", "SIGKILL")
"""What may happen to a pod on its way out, in the usual order. ``weight 0`` and ``removed``: at the first Kong node
that took it in."""

_PUSHED = re.compile(r"(?P<sign>[+-]?)(?P<pod>\S+?)(?: weight (?:\d+->)?(?P<weight>\d+))?")
_FULL_WEIGHT = 100

_BY_ITSELF = ("crashed", "oom_killed")
DOWN = (*_BY_ITSELF, "exited")
"""Kinds of events with which a container is down; until it is ``started`` again, unless its pod was deleted."""


@dataclass(frozen=True, slots=True)
class PodLife:
    """One pod's life; times in seconds of simulated time.

    Attributes:
        pod: Its name.
        short: The end of its name that tells it apart.
        revision: The template that it was made from, counted from 1.
        deleted_by: Number of the operation that deleted it, 0 if none did.
        phases: (phase, start, end); the last may be open to the right: infinity.
        marks: (mark, time), in order of time.
        times: Moments at which its number of sessions changed, ascending; empty without a container.
        sessions: Sessions whose state is on it, from each of these moments on.
    """

    pod: str
    short: str
    revision: int
    deleted_by: int
    phases: tuple[tuple[Phase, float, float], ...]
    marks: tuple[tuple[str, float], ...]
    times: Floats
    sessions: Floats

    def at(self, times: Floats) -> Floats:
        """Return the sessions on it at some moments; 0 before its container started."""
        if not len(self.times):
            return np.zeros(len(times))
        place = np.searchsorted(self.times, times, side="right") - 1
        return np.where(place >= 0, self.sessions[place], 0.0)


def pod_lives(run: Frames) -> list[PodLife]:
    """Return the pods of a replication, by creation."""
    table = run.pods
    short = short_names(list(dict.fromkeys(table["pod"])))
    tables = _target_tables(run)
    turns = _turns(run)
    loads = {str(pod): rows for pod, rows in run.load.groupby("pod", observed=True, sort=False)}
    lives = []
    for row in table.to_dict("records"):
        times, sessions = _sessions(loads.get(row["pod"]))
        marks = _marks(row, tables)
        pod, phases = row["pod"], _phases(row, turns.get(str(row["pod"]), ()))
        lives.append(PodLife(pod, short[pod], row["revision"], row["deleted_by"], phases, marks, times, sessions))
    return lives


def _sessions(rows: pd.DataFrame | None) -> tuple[Floats, Floats]:
    """Return a pod's series without the rows at which only its requests in flight changed."""
    if rows is None:
        return np.empty(0), np.empty(0)
    times, sessions = rows["time_s"].to_numpy(np.float64), rows["sessions"].to_numpy(np.float64)
    changed = np.append(True, sessions[1:] != sessions[:-1])
    return times[changed], sessions[changed]


def _turns(run: Frames) -> dict[str, list[tuple[float, str]]]:
    """Return when a container started or ended and a pod became ready or ceased to be, by pod, in order of time."""
    told = run.events[run.events["kind"].isin([*DOWN, "started", "ready", "unready"])]
    turns: dict[str, list[tuple[float, str]]] = {}
    for pod, at_s, kind in zip(told["subject"], told["at_s"], told["kind"], strict=True):
        turns.setdefault(str(pod), []).append((float(at_s), str(kind)))
    return turns


def _phases(row: Mapping[Hashable, Any], turns: Iterable[tuple[float, str]]) -> tuple[tuple[Phase, float, float], ...]:
    """Return the phases that a pod went through; one that was deleted before it was ready skips ``ready``."""
    deleted_s, dead_s, removed_s = (_or_infinity(row[name]) for name in ("deleted_s", "dead_s", "removed_s"))
    changes: list[tuple[float, Phase]] = [(row["created_s"], "starting")]
    if row["ready_s"] == row["ready_s"]:
        changes.append((row["ready_s"], "ready"))
    for at_s, kind in turns:
        if at_s < row["created_s"]:
            continue  # of an earlier pod of that name: a StatefulSet gives names again
        now = changes[-1][1]
        if kind in DOWN:
            changes.append((at_s, "down"))
        elif kind == "started" and now == "down":
            changes.append((at_s, "starting"))
        elif kind == "ready":
            changes.append((at_s, "ready"))
        elif kind == "unready" and now == "ready":
            changes.append((at_s, "unready"))
    if dead_s < deleted_s:
        changes.append((dead_s, "down"))  # its machine is off, and the API server does not know yet
    changes = [change for change in changes if change[0] < deleted_s]
    last: list[tuple[float, Phase]] = [
        (deleted_s, "draining"),
        (min(_or_infinity(row["sigterm_s"]), dead_s, removed_s), "stopping"),
        (min(dead_s, removed_s), "dead"),
        (removed_s, "dead"),
    ]
    edges = sorted(changes, key=lambda change: change[0])
    for at_s, phase in last:
        edges.append((max(edges[-1][0], at_s), phase))
    spans = [(phase, start, end) for (start, phase), (end, _) in pairwise(edges) if end > start]
    return tuple(_joined(spans))


def _joined(spans: Iterable[tuple[Phase, float, float]]) -> Iterator[tuple[Phase, float, float]]:
    """Return the spans with neighbours of one phase as one."""
    for phase, same in groupby(spans, key=lambda span: span[0]):
        whole = list(same)
        yield phase, whole[0][1], whole[-1][2]


def _or_infinity(time_s: float) -> float:
    return math.inf if time_s != time_s else float(time_s)


def _marks(
    row: Mapping[Hashable, Any], tables: list[tuple[float, str, dict[str, int]]]
) -> tuple[tuple[str, float], ...]:
    pod, deleted_s = str(row["pod"]), row["deleted_s"]
    weight_zero_s = removed_s = math.nan
    if deleted_s == deleted_s:
        # An empty table is that of a node that stopped, which says nothing of the pod.
        after = [(at_s, table) for at_s, _, table in tables if at_s >= deleted_s and table]
        weight_zero_s = next((at_s for at_s, table in after if table.get(pod) == 0), math.nan)
        removed_s = next((at_s for at_s, table in after if pod not in table), math.nan)
        if weight_zero_s == weight_zero_s:
            removed_s = math.nan  # its drain is what people look for; that it leaves once it is gone is no news
    times = (deleted_s, weight_zero_s, removed_s, row["prestop_end_s"], row["sigterm_s"], row["sigkill_s"])
    marks = [(mark, float(at_s)) for mark, at_s in zip(MARKS, times, strict=True) if at_s == at_s]
    return tuple(sorted(marks, key=lambda mark: mark[1]))


def _target_tables(run: Frames) -> list[tuple[float, str, dict[str, int]]]:
    """Return (time, node, weights by pod) for each push that a Kong node applied, in order of time.

    Raises:
        ValueError: A push says something that is no change of the targets.
    """
    first = {str(pod): _FULL_WEIGHT for pod in run.pods.loc[run.pods["created_s"] < 0, "pod"]}
    latest: dict[str, dict[str, int]] = {}
    tables: list[tuple[float, str, dict[str, int]]] = []
    pushed = run.events[run.events["kind"].isin(["pushed", "stopped"])]
    columns = (pushed[name] for name in ("at_s", "actor", "kind", "detail"))
    for at_s, node, kind, detail in zip(*columns, strict=True):
        if kind == "stopped":  # a node that stops forgets its targets
            latest[node] = {}
            tables.append((float(at_s), str(node), {}))
            continue
        table = dict(latest.get(node, first))
        for part in filter(None, str(detail).split(", ")):
            found = _PUSHED.fullmatch(part)
            if found is None:
                raise ValueError(f"a push says what it changed: {part!r} is not understood")
            if found["sign"] == "-":
                table.pop(found["pod"], None)
            else:
                table[found["pod"]] = _FULL_WEIGHT if found["weight"] is None else int(found["weight"])
        latest[node] = table
        tables.append((float(at_s), str(node), table))
    return tables


def serving(run: Frames, lives: Iterable[PodLife]) -> list[tuple[float, frozenset[str]]]:
    """Return since when which pods were serving: listening and listed on some Kong node (rule L1).

    The first entry is at minus infinity.
    """
    first = frozenset(str(pod) for pod in run.pods.loc[run.pods["created_s"] < 0, "pod"])
    nodes = range(1, run.scenario.gateway.nodes + 1)
    listed: dict[str, Iterable[str]] = {f"kong-{number}": first for number in nodes}
    pushes = [(at_s, 0, node, table) for at_s, node, table in _target_tables(run)]
    doors: list[tuple[float, int, str, bool]] = []
    for row in run.pods.to_dict("records"):
        if row["created_s"] < 0:
            doors.append((-math.inf, 1, row["pod"], True))
        closes_s = min(_or_infinity(row["listener_closed_s"]), _or_infinity(row["dead_s"]))
        doors.append((closes_s, 1, row["pod"], False))
    # A container that ends by itself and starts again opens more than once.
    told = run.events[run.events["kind"].isin([*DOWN, "listening"])]
    for pod, at_s, kind in zip(told["subject"], told["at_s"], told["kind"], strict=True):
        doors.append((float(at_s), 1, str(pod), kind == "listening"))
    listening: set[str] = set()
    sets: list[tuple[float, frozenset[str]]] = []
    for at_s, what, subject, change in sorted([*pushes, *doors], key=lambda entry: entry[:2]):
        if at_s == math.inf:
            break
        if what == 0:
            assert isinstance(change, dict)
            listed[subject] = change
        elif change:
            listening.add(subject)
        else:
            listening.discard(subject)
        now = frozenset(listening & set().union(*listed.values()))
        if sets and sets[-1][0] == at_s:
            sets.pop()
        if not sets or sets[-1][1] != now:
            sets.append((at_s, now))
    return sets or [(-math.inf, first)]


def window(run: Frames) -> tuple[float, float]:
    """Return what a figure shows: from shortly before the first operation until shortly after the last old pod is gone.

    Where operations or crashes break and fail most only later (a version that crashes, a probe that fails for a
    while), until nine tenths of that are seen. Without an operation it is the whole run after ``run.settle``. In
    seconds of simulated time.
    """
    operations = run.operations
    load = run.load
    end_s = float(load["time_s"].max()) if len(load) else run.scenario.run.horizon
    if not len(operations):
        return min(run.scenario.run.settle, end_s), end_s
    start_s = float(operations["start_s"].min())
    ends = operations[["start_s", "rollout_done_s", "last_old_pod_gone_s"]].to_numpy(np.float64)
    last_s = max(float(np.nanmax(ends)), _or_zero(run.pods["ready_s"].max()), _most_of_the_harm(run), start_s + 1.0)
    span_s = last_s - start_s
    if not (run.pods["deleted_by"] > 0).any():
        # No pod went: what there is to see is how the load evens out.
        return max(0.0, start_s - span_s), max(last_s + 1.0, min(end_s, last_s + 10 * span_s))
    # More after the end than before the start: sessions on the last pod break only with their next request.
    return max(0.0, start_s - span_s / 8), last_s + span_s / 4


def _most_of_the_harm(run: Frames) -> float:
    """When nine tenths of what was not background broke or failed had been sent; 0 where nothing did, or unknown."""
    if run.scenario.run.record != "requests":
        return 0.0
    broken, failed = harm(run)
    return _or_zero(float(pd.concat([broken, failed])["sent_s"].quantile(0.9)))


def harm(run: Frames) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the requests that broke their session and those that failed, both by an operation or by a crash.

    Whose doing a failure was nobody records of a crash: failures from the first crash on count.
    """
    requests = run.requests
    ended = run.events.loc[run.events["kind"].isin(_BY_ITSELF), "at_s"]
    first_crash_s = float(ended.min()) if len(ended) else math.inf
    broken = requests[(requests["broke"] != "") & ~requests["origin"].isin(["", "background"])]
    failed = requests[~requests["outcome"].isin(["answered", "unfinished"])]
    return broken, failed[(failed["operation"] > 0) | (failed["sent_s"] >= first_crash_s)]


def _or_zero(value: float) -> float:
    return 0.0 if value != value else float(value)
