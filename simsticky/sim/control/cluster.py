"""The cluster as the API server knows it: pod objects and who hears of their changes."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

from simsticky.recording.events import NotReady, PodNames, Revision, Unready
from simsticky.recording.record import ContainerRecord, PodRecord, PodState
from simsticky.sim.control.machines import Nodes
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.plane.patience import patience_s
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' own for generated names (facts: apimachinery, util/rand)."""


class Cluster:
    """All pod objects, their names, addresses and nodes.

    Attributes:
        pods: The pod objects that exist, in order of creation.
        records: The records of all pods there ever were.
        nodes: The nodes they run on.
        on_change: Called with a pod whose object changed: created, ready, deleted, terminal or gone.
    """

    def __init__(self, world: World) -> None:
        """Start with no pods."""
        self._world = world
        self.records = world.recorder.recording.pods
        self._containers = world.recorder.recording.containers
        self._lives = world.recorder.recording.lives
        self.pods: list[Pod] = []
        self.nodes = Nodes(world.scenario.kubernetes.nodes)
        self.on_change: list[Callable[[Pod], None]] = []
        self._reuses = world.scenario.kubernetes.pod_addresses == "reuse"
        self._freed: list[str] = []
        self._taken: set[str] = set()
        self._born: Counter[tuple[int, int, bool]] = Counter()
        self._states = world.recorder.recording.pod_states
        self._concurrency = world.scenario.app.concurrency
        self._patience_s = patience_s(world.scenario)

    def create_pod(
        self,
        owner: int,
        replica_set: str,
        revision: int,
        cause: int,
        created_s: float | None = None,
        name: str | None = None,
    ) -> Pod:
        """Create a pending pod object.

        Args:
            owner: Number of its workload.
            replica_set: Name of what owns it.
            revision: Of its template.
            cause: Number of the operation behind it, 0 for none.
            created_s: Given for a pod that has been there since before the run.
            name: Its name; generated if None.
        """
        index, entity = len(self.records), self._entity(owner, revision, in_run=created_s is None)
        record = PodRecord(
            pod=name or self._name(replica_set, entity),
            replica_set=replica_set,
            revision=revision,
            node="",
            address="",
            created_s=self._world.now_s if created_s is None else created_s,
        )
        self.records.append(record)
        uid = f"{self._world.streams.bits(Purpose.UID, entity):016x}"
        pod = Pod(index, entity, uid, record, replica_set, cause)
        self.pods.append(pod)
        if created_s is None:
            actor = "replicaset" if name is None else "statefulset"
            self._world.tell(actor, "created", pod.name, Revision(revision), cause)
        self.changed(pod)
        return pod

    def chosen(self, among: list[Pod], count: int, pod: int | str | None, cause: int) -> list[Pod]:
        """Return the pods that an operation means: the first ``count``, or the one it names.

        One that is not there is told in the story, and the operation does nothing.

        Args:
            among: The pods it can mean, the oldest first.
            count: How many it means.
            pod: Which one instead: its place among them, from 1, or its name.
            cause: The operation's number.
        """
        if pod is None:
            return among[:count]
        found = among[pod - 1 : pod] if isinstance(pod, int) else [one for one in among if one.name == pod]
        if not found:
            names = PodNames(tuple(one.name for one in among))
            self._world.tell("operator", "no_such_pod", str(pod), names, cause)
        return found

    def schedule(self, pod: Pod) -> bool:
        """Bind a pod to a node; False while no node takes pods."""
        node = self.nodes.choose(self.pods)
        if node is None:
            return False
        pod.record.node = node
        pod.record.address = self._address(pod)
        return True

    # Identities (docs/model.md, rule T3) ------------------------------------------------------------------------

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

    def start_container(self, pod: Pod, now_s: float) -> Container:
        """Start a container instance in a pod; it does not listen yet."""
        life = ContainerRecord(pod.index, pod.record.restarts + 1, now_s, due_s=pod.restarted_s)
        number = len(self._containers)
        pod.container = Container(number, pod, self._concurrency, now_s, life, self._patience_s)
        self._containers.append(pod.index)
        self._lives.append(life)
        if pod.record.restarts == 0:
            pod.record.started_s = now_s
        return pod.container

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
        """Tell those who watch pods."""
        self._states.append(PodState(self._world.now_s, pod.index, pod.phase, pod.ready, pod.deleted, pod.gone))
        for listener in self.on_change:
            listener(pod)


def generated_suffix(bits: int, length: int) -> str:
    """Return a name suffix as Kubernetes generates them, from random bits."""
    letters = []
    for _ in range(length):
        bits, letter = divmod(bits, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return "".join(letters)
