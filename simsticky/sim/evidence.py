"""A recording as evidence: columns sorted by session, pods' lives, and the nodes' tables as their pushes tell them.

What :mod:`simsticky.sim.invariants` asks; like it, this knows nothing of the running model.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simsticky.errors import InvariantError
from simsticky.scenario.model import Scenario
from simsticky.sim.recording import (
    CODE,
    CONTAINER,
    SENT,
    SESSION_COLUMNS,
    WIDTH,
    ContainerRecord,
    Outcome,
    PodRecord,
    Recording,
    Rows,
    unpack_columns,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

INFINITY = float("inf")
_FULL_WEIGHT = 100
_PUSHED = re.compile(r"(?P<sign>[+-]?)(?P<pod>\S+?)(?: weight (?:\d+->)?(?P<weight>\d+))?")
_LIFE = (
    "created_s",
    "scheduled_s",
    "started_s",
    "ready_s",
    "deleted_s",
    "prestop_end_s",
    "sigterm_s",
    "listener_closed_s",
    "sigkill_s",
    "dead_s",
    "endpoint_gone_s",
    "removed_s",
)
_CONTAINER_LIFE = (
    "due_s",
    "started_s",
    "listening_s",
    "sigterm_s",
    "listener_closed_s",
    "sigkill_s",
    "cut_s",
    "dead_s",
)


@dataclass(frozen=True)
class Evidence:
    """A recording as columns.

    Attributes:
        recording: What was recorded.
        scenario: What was simulated.
    """

    recording: Recording
    scenario: Scenario

    @cached_property
    def rows(self) -> Rows:
        """The requests, sorted by session, then time of sending; every column below is in this order."""
        rows = np.concatenate([np.empty((0, WIDTH)), *self.recording.request_blocks])
        return rows[np.lexsort((rows[:, 1], rows[:, SENT], rows[:, 0]))]

    @cached_property
    def fields(self) -> dict[str, Integers]:
        """The parts of each request's code."""
        return unpack_columns(self.rows[:, CODE])

    @cached_property
    def outcome(self) -> Integers:
        """How each request ended."""
        return self.fields["outcome"]

    @cached_property
    def container(self) -> Integers:
        """The container that each request reached, -1 for none."""
        return self.rows[:, CONTAINER].astype(np.int64)

    @cached_property
    def follows(self) -> Mask:
        """Whether the row before is of the same session."""
        session = self.rows[:, 0]
        return np.concatenate([[False], session[1:] == session[:-1]]) if len(session) else np.empty(0, bool)

    @cached_property
    def session_rows(self) -> Rows:
        """The sessions, columns as in ``SESSION_COLUMNS``."""
        return self.recording.session_rows

    @cached_property
    def has_jar(self) -> Mask:
        """Whether the client of each request keeps cookies."""
        with_jar = self.session_rows[self.session_rows[:, SESSION_COLUMNS.index("has_jar")] > 0, 0]
        return np.isin(self.rows[:, 0], with_jar)

    @cached_property
    def sticky(self) -> bool:
        """Whether the upstream follows a cookie."""
        return self.scenario.upstream.algorithm == "sticky-sessions"

    def of_pod(self, value: Callable[[PodRecord], float]) -> Floats:
        """Return a time of the pod that each request reached; NaN where it reached none."""
        pods, containers = self.recording.pods, self.recording.containers
        return np.array([*(value(pods[pod]) for pod in containers), np.nan])[self.container]

    def of_container(self, value: Callable[[ContainerRecord], float]) -> Floats:
        """Return a time of the container that each request reached; NaN where it reached none."""
        return np.array([*map(value, self.recording.lives), np.nan])[self.container]

    @cached_property
    def instances(self) -> dict[int, list[ContainerRecord]]:
        """The containers of each pod that had any, in order of their start, by the pod's index."""
        found: dict[int, list[ContainerRecord]] = {}
        for record in self.recording.lives:
            found.setdefault(record.pod, []).append(record)
        return found

    @cached_property
    def tables(self) -> dict[str, tuple[list[float], list[dict[str, int]]]]:
        """Each node's target table by pod name, and since when, as its pushes tell."""
        first = {pod.pod: _FULL_WEIGHT for pod in self.recording.pods if pod.created_s < 0}
        tables: dict[str, tuple[list[float], list[dict[str, int]]]] = {}
        for node in range(self.scenario.gateway.nodes):
            tables[f"kong-{node + 1}"] = ([-INFINITY], [first])
        for event in self.recording.events:
            if event.kind == "pushed":
                times, contents = tables[event.actor]
                times.append(event.at_s)
                contents.append(_applied(contents[-1], event.detail))
        return tables

    def table_of(self, row: int) -> dict[str, int]:
        """Return the table of the node that took a request, at the time of sending."""
        times, contents = self.tables[f"kong-{self.fields['node'][row] + 1}"]
        return contents[bisect_right(times, self.rows[row, SENT]) - 1]

    def container_of(self, row: int) -> ContainerRecord:
        """Return the life of the container that a request reached."""
        return self.recording.lives[int(self.container[row])]

    def pod_of(self, row: int) -> PodRecord:
        """Return the pod that a request reached."""
        return self.recording.pods[self.recording.containers[int(self.container[row])]]

    def refuse(self, invariant: str, wrong: Mask) -> None:
        """Raise for the first of the rows that are wrong."""
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InvariantError(f"{invariant}: {self.describe(row)}")

    def describe(self, row: int) -> str:
        """Return a request's particulars and the life of the pod that it reached."""
        session, request, sent_s, started_s, ended_s = self.rows[row, :5]
        text = (
            f"session {session:.0f}, request {request:.0f}, sent at {sent_s!s} s, started at {started_s!s} s, "
            f"ended at {ended_s!s} s, {Outcome(self.outcome[row]).name.lower()}"
        )
        return text if self.container[row] < 0 else f"{text} by {life(self.pod_of(row))}"


def _applied(table: dict[str, int], detail: str) -> dict[str, int]:
    after = dict(table)
    for part in filter(None, detail.split(", ")):
        found = _PUSHED.fullmatch(part)
        if found is None:
            raise InvariantError(f"a push says what it changed: {part!r} is not understood")
        if found["sign"] == "-":
            after.pop(found["pod"], None)
        else:
            after[found["pod"]] = _FULL_WEIGHT if found["weight"] is None else int(found["weight"])
    return after


def life(pod: PodRecord) -> str:
    """Return a pod's name and its moments."""
    times = (f"{name.removesuffix('_s')} {getattr(pod, name)!s} s" for name in _LIFE if known(getattr(pod, name)))
    return f"pod {pod.pod} ({', '.join(times)})"


def container_life(pod: PodRecord, container: ContainerRecord) -> str:
    """Return a container's pod, its number there and its moments."""
    times = (
        f"{name.removesuffix('_s')} {getattr(container, name)!s} s"
        for name in _CONTAINER_LIFE
        if known(getattr(container, name))
    )
    return f"container {container.instance} of {pod.pod} ({', '.join(times)}; {container.ended or 'running'})"


def known(time_s: float) -> bool:
    """Return whether a moment of a pod's life has come."""
    return time_s == time_s
