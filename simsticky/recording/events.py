"""What happens in a run, as data: an event says who did what to whom, and a few figures that its kind comes with.

The running model makes no sentences. :mod:`simsticky.results.story` does, from what is here.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

# The way to the pods --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TargetChange:
    """What a push changes of one target: a pod's weight before and after, None where it is no target."""

    pod: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Push:
    """``pushing`` and ``pushed``: how many targets there are from then on, and how that differs from before.

    ``changes`` has what is added, then what is removed, then what has another weight, each by the pod's name.
    """

    targets: int
    changes: tuple[TargetChange, ...]


@dataclass(frozen=True, slots=True)
class EndpointState:
    """``wrote``: the conditions of an endpoint; None where a condition is not set."""

    ready: bool | None
    terminating: bool | None


@dataclass(frozen=True, slots=True)
class StaleCache:
    """``stale``: how many endpoints a pass would have changed, and in how many seconds it is tried again."""

    changes: int
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class Switch:
    """``switched``: how many endpoints leave a Service at once, and how many come, as it selects other pods."""

    left: int
    come: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """``unhealthy`` and ``healthy``: an HTTP status, ``tcp`` or ``timeout``, found by a probe (active) or a request."""

    found: int | str
    active: bool


# Pods and containers --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Size:
    """``sized``: the number of pods that a ReplicaSet is to have."""

    replicas: int


@dataclass(frozen=True, slots=True)
class Revision:
    """``created``: the template that a pod is made from, counted from 1."""

    revision: int


@dataclass(frozen=True, slots=True)
class Placement:
    """``scheduled``: the node that a pod is to run on."""

    node: str


HowDeleted = Literal["graceful", "at_once", "forced"]


@dataclass(frozen=True, slots=True)
class Deleted:
    """``deleted``: whether a kubelet has something to end first, there is none (at once), or nobody waits (forced)."""

    how: HowDeleted


NotReady = Literal["container_down", "node_not_ready"]


@dataclass(frozen=True, slots=True)
class Unready:
    """``unready``, where no readiness probe has failed: what has made the pod so instead."""

    why: NotReady


@dataclass(frozen=True, slots=True)
class Probe:
    """``probe_failed``: which probe, ``liveness`` or ``startup``."""

    probe: str


@dataclass(frozen=True, slots=True)
class Exit:
    """``not_restarted``: the code that a container has exited with."""

    code: int


@dataclass(frozen=True, slots=True)
class BackOff:
    """``backing_off``: seconds from a container's end to its next start."""

    restart_after_s: float


@dataclass(frozen=True, slots=True)
class Hook:
    """``prestop``: the kind of hook that begins, as the scenario names it."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sigterm:
    """``sigterm``: seconds until SIGKILL."""

    sigkill_in_s: int


@dataclass(frozen=True, slots=True)
class SidecarSigterm:
    """``sidecar_sigterm``: which sidecar, and seconds until SIGKILL."""

    sidecar: str
    sigkill_in_s: int


@dataclass(frozen=True, slots=True)
class SidecarExit:
    """``sidecar_exited``: which sidecar, and whether by SIGKILL."""

    sidecar: str
    killed: bool


@dataclass(frozen=True, slots=True)
class Connections:
    """``closes`` and ``cut_off``: how many long-lived connections there are, and over how many seconds they close."""

    held: int
    over_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reconnection:
    """``reconnected``: sessions that were cut off, those connected again, and the longest that took, in seconds."""

    sessions: int
    again: int
    longest_s: float


# Operations -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Utilization:
    """``hpa``: what the autoscaler saw, in percent, and the pods it proposed; None where it had no samples."""

    target: int
    seen: int | None = None
    proposed: int | None = None


@dataclass(frozen=True, slots=True)
class Over:
    """``over``: whether an operation is over because its time is up, and not because its last old pod is gone."""

    time_is_up: bool


@dataclass(frozen=True, slots=True)
class CanaryPause:
    """``pauses``: a canary's step, counted from 1, of how many, and for how many seconds; None: without end."""

    step: int
    steps: int
    for_s: float | None


@dataclass(frozen=True, slots=True)
class PodNames:
    """``no_such_pod``: the pods that the operation could have meant."""

    pods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """``refused``: the Eviction API's status and reason (``simsticky.kubernetes.disruption``), and the healthy pods."""

    code: int
    reason: str
    desired_healthy: int
    current_healthy: int


# Why an operation is stuck --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoProgress:
    """A Deployment's deadline is over: its status then, and what its new pods that are not ready wait for.

    Attributes:
        updated: Pods of the new version.
        wanted: ``spec.replicas``.
        available: Pods that are available.
        replicas: Pods that there are.
        no_node: New pods that no node has taken yet.
        down: New pods whose container is down.
        unready: The other new pods that are not ready.
    """

    updated: int
    wanted: int
    available: int
    replicas: int
    no_node: int
    down: int
    unready: int


@dataclass(frozen=True, slots=True)
class DeploymentPaused:
    """Somebody has paused the Deployment."""


@dataclass(frozen=True, slots=True)
class CanaryWaits:
    """A canary pauses without end, at a step counted from 1."""

    step: int


@dataclass(frozen=True, slots=True)
class StatefulSetWaits:
    """A StatefulSet waits for the pod of an ordinal to be ``available`` or ``gone``; for none: it makes no progress."""

    ordinal: int | None = None
    until: str = ""


@dataclass(frozen=True, slots=True)
class EvictionRefused:
    """A drain cannot evict a pod, and goes on trying or has given up."""

    pod: str
    gave_up: bool
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class UncoveredPath:
    """A path that clients request, and that the path of the sticky cookie does not cover; no event, known at once."""

    cookie_path: str
    path: str


Stuck = NoProgress | DeploymentPaused | CanaryWaits | StatefulSetWaits | EvictionRefused

Data = (
    Push
    | EndpointState
    | StaleCache
    | Switch
    | CheckResult
    | Size
    | Revision
    | Placement
    | Deleted
    | Unready
    | Probe
    | Exit
    | BackOff
    | Hook
    | Sigterm
    | SidecarSigterm
    | SidecarExit
    | Connections
    | Reconnection
    | Utilization
    | Over
    | CanaryPause
    | PodNames
    | Refusal
    | Stuck
)

D = TypeVar("D")


@dataclass(slots=True)
class EventRecord:
    """One thing that happened.

    Attributes:
        at_s: When, in seconds of simulated time.
        actor: Who acted: ``deployment``, ``replicaset``, ``kubelet``, ``kic``, ``kong-1`` and so on.
        kind: What happened, one stable word: ``deleted``, ``sigterm``, ``pushed`` and so on.
        subject: Whom it happened to: a pod, a node, an operation; empty for a push.
        data: What else there is to know of that kind; None where that is nothing.
        cause: Number of the operation behind it, 0 if none.
    """

    at_s: float
    actor: str
    kind: str
    subject: str
    data: Data | None = None
    cause: int = 0

    def of(self, kind: type[D]) -> D:
        """Return the data, which is of that type."""
        assert isinstance(self.data, kind), self
        return self.data
