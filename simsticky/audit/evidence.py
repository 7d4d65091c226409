"""A recording as evidence: columns sorted by session, pods' lives, and the nodes' tables as their pushes tell them.

What :mod:`simsticky.audit` asks; like it, this knows nothing of the running model.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simsticky.errors import InvariantError
from simsticky.recording.events import Push
from simsticky.recording.pods import ContainerRecord, PodRecord
from simsticky.recording.record import (
    CODE,
    CONTAINER,
    ENDED,
    SENT,
    SESSION_COLUMNS,
    STARTED,
    WIDTH,
    Outcome,
    Recording,
    Rows,
    unpack_columns,
)
from simsticky.scenario.model import Scenario

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

INFINITY = float("inf")
ROUNDING_S = 1e-9
"""What sums of times may be off by."""
_FULL_WEIGHT = 100
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
    def message(self) -> Mask:
        """Whether each request was sent on an open long-lived connection, so that no gateway picked its target."""
        held = self.scenario.traffic.connections.long_lived
        message: Mask = (self.fields["connect"] == 0) & held
        return message

    @cached_property
    def container(self) -> Integers:
        """The container that each request reached, -1 for none."""
        return self.rows[:, CONTAINER].astype(np.int64)

    @cached_property
    def sent_again(self) -> Mask:
        """Whether a request may have reached its pod later than it was sent: it had a second attempt, or waited for it.

        One whose first attempt timed out and whose retry found no target counts one attempt.
        """
        waited = (self.outcome == Outcome.NO_TARGET) & (self.rows[:, ENDED] > self.rows[:, SENT])
        waits = (self.outcome == Outcome.UNFINISHED) & (self.container < 0)
        again: Mask = (self.fields["attempts"] > 1) | waited | waits
        return again

    @cached_property
    def arrived_between(self) -> tuple[Floats, Floats]:
        """The earliest and the latest moment at which each request can have reached its pod."""
        sent_s, started_s, ended_s = self.rows[:, SENT], self.rows[:, STARTED], self.rows[:, ENDED]
        latest_s = np.where(np.isnan(started_s), self.recording.end_s, started_s)
        latest_s = np.where(self.sent_again, latest_s, sent_s)
        # The last attempt of a request that timed out on a pod began a read timeout before.
        timed_out = self.sent_again & (self.outcome == Outcome.TIMED_OUT) & (self.container >= 0)
        begun_s = ended_s - self.scenario.gateway.read_timeout
        return np.where(timed_out, begun_s - ROUNDING_S, sent_s), np.where(timed_out, begun_s + ROUNDING_S, latest_s)

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
        """Each node's target table by address, and since when, as its pushes tell; empty after its restart."""
        of_first = (pod for pod in self.recording.pods if is_of(pod, self.scenario.deployment.name))
        first = {pod.address: _FULL_WEIGHT for pod in of_first if pod.created_s < 0}
        address = {pod.pod: pod.address for pod in self.recording.pods}
        tables: dict[str, tuple[list[float], list[dict[str, int]]]] = {}
        for node in range(self.scenario.gateway.nodes):
            tables[f"kong-{node + 1}"] = ([-INFINITY], [first])
        for event in self.recording.events:
            if event.kind == "pushed":
                times, contents = tables[event.actor]
                times.append(event.at_s)
                contents.append(_applied(contents[-1], event.of(Push), address))
            elif event.kind == "stopped":
                times, contents = tables[event.actor]
                times.append(event.at_s)
                contents.append({})
        return tables

    @cached_property
    def unhealthy(self) -> dict[str, tuple[list[float], list[frozenset[str]]]]:
        """The addresses that each node's health checker has taken out, and since when, as its verdicts tell.

        A target of weight 0 is back after a push without a verdict, one that was away for 300 s as well.
        """
        address = {pod.pod: pod.address for pod in self.recording.pods}
        out: dict[str, tuple[list[float], list[frozenset[str]]]] = {
            name: ([-INFINITY], [frozenset[str]()]) for name in self.tables
        }
        for event in self.recording.events:
            if event.kind not in ("unhealthy", "healthy", "stopped") or event.actor not in out:
                continue
            times, sets = out[event.actor]
            times.append(event.at_s)
            if event.kind == "stopped":
                sets.append(frozenset())
            else:
                subject = {address[event.subject]}
                sets.append(sets[-1] | subject if event.kind == "unhealthy" else sets[-1] - subject)
        return out

    def node_of(self, row: int) -> str:
        """Return the name of the node that took a request."""
        return f"kong-{self.fields['node'][row] + 1}"

    def table_of(self, row: int) -> dict[str, int]:
        """Return the table of the node that took a request, at the time of sending."""
        times, contents = self.tables[self.node_of(row)]
        return contents[bisect_right(times, self.rows[row, SENT]) - 1]

    def tables_between(self, node: str, from_s: float, to_s: float) -> list[dict[str, int]]:
        """Return the tables that a node had at any time of a span, its ends included."""
        times, contents = self.tables[node]
        return contents[bisect_right(times, from_s) - 1 : bisect_right(times, to_s)]

    def judged_between(self, node: str, from_s: float, to_s: float) -> bool:
        """Return whether a node's health checker has changed its mind after ``from_s``, and by ``to_s``."""
        times, _ = self.unhealthy[node]
        return bisect_right(times, from_s) != bisect_right(times, to_s)

    def unhealthy_of(self, row: int) -> frozenset[str]:
        """Return the addresses out by a health check on the node that took a request, at the time of sending."""
        times, sets = self.unhealthy[self.node_of(row)]
        return sets[bisect_right(times, self.rows[row, SENT]) - 1]

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


def _applied(table: dict[str, int], push: Push, address: dict[str, str]) -> dict[str, int]:
    after = dict(table)
    for change in push.changes:
        if change.after is None:
            after.pop(address[change.pod], None)
        else:
            after[address[change.pod]] = change.after
    return after


def is_of(pod: PodRecord, workload: str) -> bool:
    """Return whether a pod is one of a Deployment's or StatefulSet's, given its name."""
    return workload in (pod.replica_set, pod.replica_set.rpartition("-")[0])


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


def per_session(counted: Mask, first: npt.NDArray[np.intp]) -> Integers:
    """Return how many of the rows that count there are in each session; ``first`` is where each session begins."""
    return np.add.reduceat(counted.astype(np.int64), first) if len(first) else np.empty(0, np.int64)
