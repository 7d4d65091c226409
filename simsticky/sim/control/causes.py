"""Causes: which operation is behind what has become of a pod, a container or a node of Kong.

They are recorded when it happens, by whoever does it, and nobody deduces them afterwards (docs/model.md, rule B4). An
operation goes by its number, counted from 1; 0 says that none is behind it. Who reads them:

- the events of the story, and the recording of requests that failed (rule R3);
- EndpointSlices, which hand on with each change who is behind it, so that every table of a node knows that too
  (``sim/gateway/tables.py``);
- exposures and breaks, which ask what took a session's state out of reach first (``sim/gateway/exposures.py``);
- the owners of pods: what replaces a pod is the doing of whoever ended it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from simsticky.recording.pods import ContainerRecord, PodRecord
from simsticky.recording.record import Origin


class Closing(NamedTuple):
    """A container has ceased to listen.

    Attributes:
        at_s: When, in seconds of simulated time.
        origin: Why, as the origin of the breaks that follow from it; NONE where the application did so by itself.
        operation: Number of the operation behind it, 0 if none.
    """

    at_s: float
    origin: Origin
    operation: int


@dataclass(slots=True)
class PodCauses:
    """The operations behind what has become of a pod.

    Attributes:
        record: The pod's life in the recording, which holds who has deleted it.
        readiness: Behind its being ready, or not, as it is; at first whoever is behind its creation.
        flapping: Behind its readiness probe's failing for a while.
        unlisted: Behind its leaving the upstream without being deleted.
        container: The causes of its present container; None before its first.
    """

    record: PodRecord
    readiness: int = 0
    flapping: int = 0
    unlisted: int = 0
    container: "ContainerCauses | None" = None

    @property
    def end(self) -> int:
        """Behind its end, once it is deleted or over."""
        return self.record.deleted_by or (0 if self.container is None else self.container.end)

    @property
    def silence(self) -> int:
        """Behind nobody's listening at its address, where nobody does."""
        closed = None if self.container is None else self.container.closed
        return self.readiness if closed is None else closed.operation

    @property
    def endpoint(self) -> int:
        """Behind what its endpoint is now: its deletion, else its container's end, else its readiness."""
        if self.record.deleted_s == self.record.deleted_s:
            return self.record.deleted_by
        if self.container is not None and self.container.is_over:
            return self.container.end
        return self.readiness


@dataclass(slots=True)
class ContainerCauses:
    """The operations behind what has become of a container.

    Attributes:
        record: The container's life in the recording.
        pod: The causes of its pod.
        own_end: Behind an end that is not its pod's deletion; None where there is no such end.
        closed: When and why it has ceased to listen, and by whom; None until then.
    """

    record: ContainerRecord
    pod: PodCauses
    own_end: int | None = None
    closed: Closing | None = None

    @property
    def end(self) -> int:
        """Behind its end, or what is about to end it."""
        return self.pod.record.deleted_by if self.own_end is None else self.own_end

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.record.dead_s == self.record.dead_s


@dataclass(slots=True)
class NodeCauses:
    """The operations behind what has become of a node of Kong.

    What is behind each of its tables stands in its history (``simsticky.sim.gateway.tables.Led``).

    Attributes:
        down: Behind its being down, now or the last time.
        verdicts: Behind each target's being unhealthy, by address.
    """

    down: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
