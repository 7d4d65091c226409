"""Pods and their containers as the model moves them: plain state with no decisions of its own.

A :class:`Container` is one *instance*: a restarted container is a new one. It serves like a pool of slots with one
FIFO queue, kept as the times at which its slots are free (rule P1): a request that arrives at ``now`` starts then, or
when the first slot is free, and its end is known at once.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush, nsmallest
from math import nan
from typing import NamedTuple, Protocol

from simsticky.recording.pods import ContainerRecord, PodRecord
from simsticky.scenario.distributions import Law
from simsticky.scenario.model import WarmUp
from simsticky.sim.control.causes import ContainerCauses, PodCauses
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.fields import COLD, DELETED_BY, LISTENING_SINCE, WATCHERS
from simsticky.sim.plane.rules import service_start, warm_factor

INFINITY = float("inf")


class Template(NamedTuple):
    """What a revision's pods have of their own: start-up time, and whether they never pass their readiness probe."""

    startup: Law
    never_ready: bool = False


class Pod:
    """One pod object and the state of its single application container.

    Attributes:
        index: Its number in the recording, in order of creation.
        address: Its ``ip:port``.
        entity: What its draws are keyed by: the n-th pod of its revision has one luck, whatever else there is.
        unreachable: Whether packets to its address vanish, because its node has.
        causes: The operations behind what has become of it.
        ending: Whether the kubelet is ending it, or has: some time after its deletion, or without one.
        gone: Whether the pod object is gone; after a forced deletion its container may still run.
        startup: The law of its application's start-up.
        never_ready: Whether its application never listens.
        restarted_s: When the kubelet last began to start its container again; NaN before.
        deletion_cost: Its annotation ``controller.kubernetes.io/pod-deletion-cost``; None without one.
    """

    __slots__ = (
        "address",
        "causes",
        "container",
        "deleted",
        "deletion_cost",
        "ending",
        "entity",
        "gone",
        "index",
        "name",
        "never_ready",
        "phase",
        "ready",
        "ready_since_s",
        "record",
        "replica_set",
        "restarted_s",
        "startup",
        "uid",
        "unreachable",
    )

    def __init__(
        self,
        index: int,
        entity: int,
        uid: str,
        record: PodRecord,
        replica_set: str,
        template: Template,
        created_by: int = 0,
    ) -> None:
        """Make a pending pod; ``created_by`` is the number of the operation behind it, 0 if none is."""
        self.index = index
        self.entity = entity
        self.name = record.pod
        self.address = record.address
        self.uid = uid
        self.record = record
        self.replica_set = replica_set
        self.phase = "Pending"
        self.ready = False
        self.ready_since_s: float | None = None
        self.deleted = False
        self.unreachable = False
        self.causes = PodCauses(record, readiness=created_by)
        self.ending = False
        self.gone = False
        self.startup, self.never_ready = template
        self.restarted_s = nan
        self.deletion_cost: int | None = None
        self.container: Container | None = None

    @property
    def to_listen(self) -> bool:
        """Whether its application has never listened so far and is still to, unless it hangs."""
        container = self.container
        return container is None or not (container.dead or container.listening or container.causes.closed)

    @property
    def terminal(self) -> bool:
        """Whether the pod has published that its containers are over."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        """Whether its controller counts it: not terminal and not deleted (facts: replica_set.go, FilterActivePods)."""
        return not self.deleted and self.phase not in ("Succeeded", "Failed")


class Memory:
    """The sessions a container keeps: each until it has been idle for ``app.sessionTimeout`` (rule P11).

    Args:
        most: Sessions above which the container is killed.
        timeout_s: How long a session is kept after its last request.
        on_full: Called with the first session that is one too many.
    """

    __slots__ = ("_forgotten_s", "_most", "_on_full", "_timeout_s", "held")

    def __init__(self, most: int, timeout_s: float, on_full: Callable[[], None]) -> None:
        self._most = most
        self._timeout_s = timeout_s
        self._on_full = on_full
        self._forgotten_s: list[float] = []
        self.held = 0

    def take_in(self, now_s: float) -> None:
        """Keep one session more."""
        while self._forgotten_s and self._forgotten_s[0] <= now_s:
            heappop(self._forgotten_s)
            self.held -= 1
        self.held += 1
        if self.held == self._most + 1:
            self._on_full()

    def let_go(self, last_end_s: float) -> None:
        """A session comes no more: its last request ends at ``last_end_s``, and it is kept for the timeout."""
        heappush(self._forgotten_s, last_end_s + self._timeout_s)


class Watcher(Protocol):
    """Who probes a container now and then, and need not as long as nothing changes."""

    def changed(self) -> None:
        """What a probe finds may be something else from now on."""

    def filling(self, free_s: float) -> None:
        """No slot is free before ``free_s``, once the request that is being sent has been taken in."""


class Container:
    """One container instance.

    Attributes:
        index: Its number in the recording.
        record: Its life in the recording.
        listening: Whether it takes connections.
        causes: The operations behind what has become of it, and when and why it stopped taking connections.
        dead: Whether the process is gone.
        flapping_until_s: Until when its readiness probe fails although it serves.
        refuses_checks_until_s: Until when it answers the gateway's active HTTP checks with 503.
        memory: The sessions it keeps, where the scenario bounds them.
        connections: Numbers of the sessions with an open long-lived connection to it, in the order of opening.
        closes_connections: Whether it has begun to close them.
        on_last_closed: Called once, each, when no connection is open any more.
        patience_s: An answer later than this after its request may make a probe fail (``sim/gateway/patience.py``).
        watchers: Who is to be told of all that may change what a probe finds.
    """

    __slots__ = (
        "_columns",
        "_queues",
        "causes",
        "closes_connections",
        "connections",
        "dead",
        "flapping_until_s",
        "index",
        "listening",
        "memory",
        "on_last_closed",
        "patience_s",
        "pod",
        "record",
        "refuses_checks_until_s",
        "watchers",
    )

    def __init__(
        self,
        index: int,
        pod: Pod,
        concurrency: int,
        free_from_s: float,
        record: ContainerRecord,
        columns: Columns,
        patience_s: float = INFINITY,
    ) -> None:
        """Make a container whose slots are free from ``free_from_s`` and that does not listen yet."""
        self.index = index
        self.pod = pod
        self.record = record
        self._columns, self._queues = columns, columns.queues
        columns.add_container(free_from_s, concurrency)
        self.listening = False
        self.causes = pod.causes.container = ContainerCauses(record, pod.causes)
        self.dead = False
        self.flapping_until_s = 0.0
        self.refuses_checks_until_s = 0.0
        self.memory: Memory | None = None
        self.connections: dict[int, None] = {}
        self.closes_connections = False
        self.on_last_closed: list[Callable[[], None]] = []
        self.patience_s = patience_s
        self.watchers: list[Watcher] = []

    @property
    def ends(self) -> list[float]:
        """The times at which each slot is free, in any order; the largest is the end of its last request so far."""
        return self._queues.slots_of(self.index)

    @ends.setter
    def ends(self, ends_s: list[float]) -> None:
        self._queues.set_slots(self.index, ends_s)

    @property
    def warm(self) -> bool:
        """Whether it works at full speed."""
        return not self._columns.containers[COLD][self.index]

    @warm.setter
    def warm(self, warm: bool) -> None:
        self._columns.listening[LISTENING_SINCE][self.index] = self.record.listening_s
        self._columns.containers[COLD][self.index] = not warm

    def pod_deleted(self, operation: int) -> None:
        """Note that its pod is deleted, and the number of the operation behind that, 0 for none."""
        self._columns.containers[DELETED_BY][self.index] = operation

    def watch(self, watcher: Watcher) -> None:
        """Have somebody told of all that may change what a probe finds."""
        self.watchers.append(watcher)
        self._columns.containers[WATCHERS][self.index] = len(self.watchers)

    def unwatch(self, watcher: Watcher) -> None:
        """Have somebody told no more."""
        self.watchers.remove(watcher)
        self._columns.containers[WATCHERS][self.index] = len(self.watchers)

    @property
    def idle_at_s(self) -> float:
        """End of the last request accepted so far, in seconds of simulated time; inf while a connection is open."""
        return INFINITY if self.connections else max(self.ends)

    def hold(self, session: int) -> None:
        """Have an open connection to a session (rule V3)."""
        self.connections[session] = None

    def drop(self, session: int) -> None:
        """Have it no more; whoever waits for the last one is told."""
        del self.connections[session]
        if not self.connections:
            waiting, self.on_last_closed = self.on_last_closed, []
            for tell in waiting:
                tell()

    @property
    def cause(self) -> int:
        """Number of the operation that took it, or is taking it, away; 0 if none is."""
        return self.causes.end

    def take_in(self, now_s: float) -> None:
        """Note a session whose state is here from now on."""
        if self.memory is not None:
            self.memory.take_in(now_s)

    def let_go(self, last_end_s: float) -> None:
        """Note a session that comes no more; its last request here ends at ``last_end_s``."""
        if self.memory is not None:
            self.memory.let_go(last_end_s)

    def serve(self, now_s: float, demand_s: float) -> tuple[float, float]:
        """Take in a request that is sent now; return when its service starts and ends."""
        queues = self._queues
        started_s = service_start(queues.earliest(self.index), now_s)
        ended_s = started_s + demand_s
        if ended_s > now_s + self.patience_s:
            self.tell_late(ended_s)
        queues.occupy(self.index, ended_s)
        return started_s, ended_s

    def tell_late(self, ended_s: float) -> None:
        """Tell who watches that a request is about to be taken in whose answer is late; it ends at ``ended_s``."""
        free_s = min((ended_s, *nsmallest(2, self.ends)[1:]))  # the slot that is free first takes it in
        for watcher in self.watchers:
            watcher.filling(free_s)

    def fail_probes(self, until_s: float, *, also_checks: bool) -> None:
        """Fail the readiness probe although it serves, and with ``also_checks`` the gateway's active checks."""
        self.flapping_until_s = max(self.flapping_until_s, until_s)
        if also_checks:
            self.refuses_checks_until_s = max(self.refuses_checks_until_s, until_s)
        self.tell_changed()

    def tell_changed(self) -> None:
        """Tell who watches that a probe may find something else from now on."""
        for watcher in tuple(self.watchers):  # one that has seen enough goes
            watcher.changed()

    def queue_wait_s(self, now_s: float) -> float:
        """How long a request that arrives now would wait for a slot."""
        return service_start(self._queues.earliest(self.index), now_s) - now_s

    def slowdown(self, now_s: float, warm_up: WarmUp | None) -> float:
        """Return by what the service demand of a request sent now is multiplied: from ``slowdown`` down to 1."""
        if self.warm or warm_up is None:
            return 1.0
        return warm_factor(now_s - self.record.listening_s, warm_up.slowdown, warm_up.duration)
