"""Pods and their containers as the model moves them: plain state with no decisions of its own.

A :class:`Container` is one *instance*: a restarted container is a new one. It serves like a pool of slots with one
FIFO queue, kept as a heap of slot-end times (rule P1): a request that arrives at ``now`` starts at
``max(now, ends[0])`` and its end is known at once.
"""

from simsticky.sim.recording import Origin, PodRecord


class Pod:
    """One pod object and the state of its single application container.

    Attributes:
        gone: Whether the object has been removed.
        unready_by: Number of the operation that has made it unready, or taken it out of the route; 0 if none has.
    """

    __slots__ = (
        "container",
        "deleted",
        "gone",
        "index",
        "name",
        "ordinal",
        "phase",
        "ready",
        "ready_since_s",
        "record",
        "replica_set",
        "uid",
        "unready_by",
    )

    def __init__(self, index: int, uid: str, record: PodRecord, replica_set: str) -> None:
        """Make a pending pod."""
        self.index = index
        self.name = record.pod
        self.uid = uid
        self.record = record
        self.replica_set = replica_set
        self.phase = "Pending"
        self.ready = False
        self.ready_since_s: float | None = None
        self.deleted = False
        self.gone = False
        self.unready_by = 0
        self.container: Container | None = None

    @property
    def address(self) -> str:
        """The pod's ``ip:port``."""
        return self.record.address

    @property
    def terminal(self) -> bool:
        """Whether the pod has published that its containers are over."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def active(self) -> bool:
        """Whether its controller counts it: not terminal and not deleted (facts: replica_set.go, FilterActivePods)."""
        return not self.deleted and not self.terminal


class Container:
    """One container instance.

    Attributes:
        index: Its number in the recording; ``number`` is the same as the float that goes into the rows.
        ends: Heap of the times at which each slot is free; the largest is the end of its last request so far.
        listening: Whether it takes connections.
        closed_s: When it stopped taking connections, inf until then.
        closed_because: Why, as the origin of the breaks that follow from it.
        dead: Whether the process is gone.
        ended_by: Number of the operation behind its end where that does not delete the pod; 0 if there is none.
    """

    __slots__ = ("closed_because", "closed_s", "dead", "ended_by", "ends", "index", "listening", "number", "pod")

    def __init__(self, index: int, pod: Pod, concurrency: int, free_from_s: float) -> None:
        """Make a container whose slots are free from ``free_from_s`` and that does not listen yet."""
        self.index = index
        self.number = float(index)
        self.pod = pod
        self.ends = [free_from_s] * concurrency
        self.listening = False
        self.closed_s = float("inf")
        self.closed_because = Origin.NONE
        self.dead = False
        self.ended_by = 0

    @property
    def idle_at_s(self) -> float:
        """End of the last request accepted so far, in seconds of simulated time."""
        return max(self.ends)

    def queue_wait_s(self, now_s: float) -> float:
        """How long a request that arrives now would wait for a slot."""
        return max(0.0, self.ends[0] - now_s)
