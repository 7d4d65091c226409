"""The API server: every pod object, who writes it, and who hears of it (docs/model.md, rules D1, D7 and T3).

Whoever wants a pod created, ready, deleted or gone says so here. Whoever has to do something about it watches: the
kubelet, the controllers, the EndpointSlices, and the timeline, which follows its operations.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

from simsticky.kubernetes.pod import delete_request
from simsticky.recording.events import Deleted, HowDeleted, NotReady, Revision, Unready
from simsticky.recording.pods import PodRecord, PodState
from simsticky.sim.control.machines import Nodes
from simsticky.sim.control.pods import Pod, Template
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' own for generated names (facts: apimachinery, util/rand)."""


class Deletion(NamedTuple):
    """A pod that somebody has deleted just now.

    Attributes:
        pod: The pod.
        cause: Number of the operation behind it, 0 if none.
        grace_s: What may cut its own grace period short; None for nothing.
        has_to_end: Whether its kubelet has anything to end.
    """

    pod: Pod
    cause: int
    grace_s: int | None
    has_to_end: bool = True


class ApiServer:
    """All pod objects, their names, addresses and nodes.

    Attributes:
        pods: The pod objects that exist, in order of creation.
        nodes: The nodes they run on.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._records = world.recorder.recording.pods
        self._states = world.recorder.recording.pod_states
        self.pods: list[Pod] = []
        self.nodes = Nodes(world.scenario.kubernetes.nodes)
        self._on_creation: list[Callable[[Pod], None]] = []
        self._on_change: list[Callable[[Pod], None]] = []
        self._on_deletion: list[Callable[[Deletion], None]] = []
        self._reuses = world.scenario.kubernetes.pod_addresses == "reuse"
        self._freed: list[str] = []
        self._taken: set[str] = set()
        self._had: dict[str, str] = {}
        self._born: Counter[tuple[int, int, bool]] = Counter()
        self._active_on: dict[int, str] = {}

    # Watches ----------------------------------------------------------------------------------------------------

    def watch_creations(self, watcher: Callable[[Pod], None]) -> None:
        """Call ``watcher`` with each pod that is created in the run."""
        self._on_creation.append(watcher)

    def watch_pods(self, watcher: Callable[[Pod], None]) -> None:
        """Call ``watcher`` with each pod whose object has changed: created, ready, deleted, terminal or gone."""
        self._on_change.append(watcher)

    def watch_deletions(self, watcher: Callable[[Deletion], None]) -> None:
        """Call ``watcher`` with each deletion, after those who watch pods."""
        self._on_deletion.append(watcher)

    # Writes -----------------------------------------------------------------------------------------------------

    def create(
        self,
        owner: int,
        replica_set: str,
        revision: int,
        template: Template,
        cause: int,
        created_s: float | None = None,
        name: str | None = None,
    ) -> Pod:
        """Create a pending pod object.

        Args:
            owner: Number of its workload.
            replica_set: Name of what owns it.
            revision: Of its template.
            template: What its revision has of its own.
            cause: Number of the operation behind it, 0 for none.
            created_s: Given for a pod that has been there since before the run.
            name: Its name; generated if None.
        """
        index, entity = len(self._records), self._entity(owner, revision, in_run=created_s is None)
        record = PodRecord(
            pod=name or self._name(replica_set, entity),
            replica_set=replica_set,
            revision=revision,
            node="",
            address="",
            created_s=self._world.now_s if created_s is None else created_s,
        )
        self._records.append(record)
        uid = f"{self._world.streams.bits(Purpose.UID, entity):016x}"
        pod = Pod(index, entity, uid, record, replica_set, template, cause)
        self.pods.append(pod)
        if created_s is None:
            actor = "replicaset" if name is None else "statefulset"
            self._world.tell(actor, "created", pod.name, Revision(revision), cause)
        self.changed(pod)
        if created_s is None:
            for watcher in self._on_creation:
                watcher(pod)
        return pod

    def delete(self, pod: Pod, cause: int, by: str, grace_s: int | None = None) -> None:
        """Set the deletion timestamp: from here two paths run side by side, endpoints and kubelet (rule D1).

        A pod that has no node yet, or is over already, waits for no kubelet: its object is gone at once.

        Args:
            pod: The pod.
            cause: Number of the operation behind it, 0 if none.
            by: Who deletes it, for people.
            grace_s: What may cut its own grace period short: an eviction's; None for nothing.
        """
        if delete_request(phase=pod.phase, scheduled=bool(pod.record.node)).gone:
            self._mark_deleted(pod, cause, by, "at_once")
            self.remove(pod)
            self._tell(Deletion(pod, cause, grace_s, has_to_end=False))
            return
        self._mark_deleted(pod, cause, by, "graceful")
        self.changed(pod)
        self._tell(Deletion(pod, cause, grace_s))

    def force_delete(self, pod: Pod, cause: int, by: str) -> None:
        """Remove the object at once; the kubelet ends the container as fast as it may (rules D7 and N8)."""
        self._mark_deleted(pod, cause, by, "forced")
        self.remove(pod)
        self._tell(Deletion(pod, cause, delete_request(requested_s=0).kubelet_grace_s))

    def _mark_deleted(self, pod: Pod, cause: int, by: str, how: HowDeleted) -> None:
        pod.deleted = True
        pod.record.deleted_s = self._world.now_s
        pod.record.deleted_by = cause
        if pod.container is not None:
            pod.container.pod_deleted(cause)
        self._world.tell(by, "deleted", pod.name, Deleted(how), cause)

    def _tell(self, deletion: Deletion) -> None:
        for watcher in self._on_deletion:
            watcher(deletion)

    def set_ready(
        self, pod: Pod, ready: bool, since_s: float | None = None, why: NotReady | None = None, cause: int = 0
    ) -> None:
        """Publish a pod's Ready condition.

        Args:
            pod: The pod.
            ready: The condition.
            since_s: When it became so, if long ago.
            why: What has made it unready, where no readiness probe has failed.
            cause: Number of the operation behind its being unready, 0 if none is. What has made it unready is behind
                its being ready again, too.
        """
        if pod.ready == ready:
            return
        pod.ready = ready
        if not ready:
            pod.causes.readiness = cause
        pod.ready_since_s = (self._world.now_s if since_s is None else since_s) if ready else None
        if ready and pod.record.ready_s != pod.record.ready_s:
            pod.record.ready_s = pod.ready_since_s or 0.0
        if since_s is None:
            self._world.tell("kubelet", "ready" if ready else "unready", pod.name, Unready(why) if why else None)
        self.changed(pod)

    def remove(self, pod: Pod, by: str = "kubelet") -> None:
        """Take the pod object away; ``by`` is who does it, for people."""
        self.pods.remove(pod)
        pod.gone = True
        if pod.address:
            self._freed.append(pod.address)
        pod.record.removed_s = self._world.now_s
        self._world.tell(by, "removed", pod.name, cause=pod.record.deleted_by)
        self.changed(pod)

    def changed(self, pod: Pod) -> None:
        """Tell those who watch pods that a pod's object has changed."""
        self._states.append(PodState(self._world.now_s, pod.index, pod.phase, pod.ready, pod.deleted, pod.gone))
        if not pod.active and pod.index in self._active_on:
            self.nodes.moved_out(self._active_on.pop(pod.index))
        for watcher in self._on_change:
            watcher(pod)

    # Nodes and identities (rule T3) -----------------------------------------------------------------------------

    def schedule(self, pod: Pod) -> bool:
        """Bind a pod to a node; False while no node takes pods."""
        node = self.nodes.choose()
        if node is None:
            return False
        pod.record.node = self._active_on[pod.index] = node
        self.nodes.moved_in(node)
        pod.address = pod.record.address = self._address(pod)
        self._had[pod.address] = pod.name
        return True

    def name_at(self, address: str) -> str:
        """Return the name of the pod that has an address, or had it last."""
        return self._had[address]

    def _entity(self, owner: int, revision: int, *, in_run: bool) -> int:
        """Return what a new pod's draws are keyed by: its place among those of its revision, before or in the run."""
        kind = (owner, revision, in_run)
        self._born[kind] += 1
        return ((2 * owner + in_run) << 48) + (revision << 24) + self._born[kind]

    def _name(self, replica_set: str, entity: int) -> str:
        """Return a generated name; the API server refuses one that is taken."""
        draws = (self._world.streams.bits(Purpose.UID, entity, attempt) for attempt in count())
        return self._first_free(f"{replica_set}-{generated_suffix(bits, 5)}" for bits in draws)

    def _address(self, pod: Pod) -> str:
        """Return an address for a new pod: one nobody had, or the one freed last (``kubernetes.podAddresses``)."""
        if self._reuses and self._freed:
            return self._freed.pop()
        draws = (self._world.streams.bits(Purpose.POD_ADDRESS, pod.entity, attempt) for attempt in count())
        return self._first_free(f"10.{bits >> 16 & 255}.{bits >> 8 & 255}.{bits & 255}:8080" for bits in draws)

    def _first_free(self, proposals: Iterator[str]) -> str:
        """Return the first of these that nobody has had in this run."""
        free = next(proposal for proposal in proposals if proposal not in self._taken)
        self._taken.add(free)
        return free


def generated_suffix(bits: int, length: int) -> str:
    """Return a name suffix as Kubernetes generates them, from random bits."""
    letters = []
    for _ in range(length):
        bits, letter = divmod(bits, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)
