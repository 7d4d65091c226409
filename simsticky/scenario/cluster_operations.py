"""Operations on the cluster: rollouts held and taken back, crashes, nodes that go, traffic moved to other pods."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simsticky.scenario.fields import Duration, Section, Whole
from simsticky.scenario.operation import (
    NODE,
    SERVICE,
    BaseOperation,
    InstantOperation,
    PodChoice,
    PodCount,
    pods,
    refuse_both,
)
from simsticky.units import format_duration


class Rollback(BaseOperation):
    """The pod template before the present one comes back (kubectl rollout undo); its living pods are kept."""

    verb = "rollback"
    noun = "rollback"
    rollback: str
    """Name of the Deployment."""


class Pause(InstantOperation):
    """Rollouts are held: scaling still works, and nothing is reported as stuck."""

    verb = "pause"
    noun = "pause"
    pause: str
    """Name of the Deployment."""


class Resume(BaseOperation):
    """A paused Deployment goes on."""

    verb = "resume"
    noun = "resume"
    resume: str
    """Name of the Deployment."""


class Crash(BaseOperation):
    """Containers crash; the kubelet restarts them in the same pods, their memory is gone."""

    verb = "crash"
    noun = "crash"
    crash: str
    """Name of the Deployment whose pods are meant."""
    count: PodCount = 1
    """How many pods, the oldest first, as far as there are."""
    pod: PodChoice | None = None
    """Which pod instead: 1 for the oldest that is there then, or a name of the ``pods`` table."""

    @model_validator(mode="after")
    def _count_or_pod(self) -> Self:
        refuse_both(self)
        return self

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"crash {pods(self.count, self.pod)} of {self.crash}"


class DrainNode(BaseOperation):
    """A node is cordoned and its pods are evicted, all at once, as far as the disruption budget lets them go."""

    verb = "drainNode"
    noun = "drain"
    subject = NODE
    drain_node: str
    """Name of the node: ``node-1`` to ``node-N``."""
    by: Literal["kubectl", "clusterAutoscaler"] = "kubectl"
    """Who drains: kubectl retries a refused eviction every 5 s without end; the cluster autoscaler gives up after
    2 minutes, and cuts the pods' grace periods to 10 minutes."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"drain {self.drain_node}"


class Uncordon(InstantOperation):
    """A cordoned node, or a new one of that name, takes pods again."""

    verb = "uncordon"
    noun = "uncordoning"
    subject = NODE
    uncordon: str
    """Name of the node."""


class ShutdownNode(BaseOperation):
    """A node shuts down gracefully: its kubelet ends the pods, and nobody deletes them."""

    verb = "shutdownNode"
    noun = "shutdown"
    subject = NODE
    shutdown_node: str
    """Name of the node."""
    grace_period: Annotated[Duration, Field(gt=0)] = 30.0
    """What ``shutdownGracePeriod`` leaves to regular pods; it cuts longer grace periods."""
    critical_grace_period: Duration = 10.0
    """``shutdownGracePeriodCriticalPods``: the machine is off after both."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"shut down {self.shutdown_node}"


class NodeLoss(BaseOperation):
    """A node is gone without a word: its pods answer nobody, and the cluster notices late."""

    verb = "nodeLoss"
    noun = "node loss"
    subject = NODE
    node_loss: str
    """Name of the node."""
    object_gone: Annotated[Duration, Field(gt=0)] = 600.0
    """Until the node object is removed, and with it the pod objects that nobody can end; assumed."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"lose {self.node_loss}"


class Spot(BaseOperation):
    """The cloud takes a spot node back: a handler drains it on the notice, then the machine is off."""

    verb = "spot"
    noun = "spot notice"
    subject = NODE
    spot: str
    """Name of the node."""
    notice: Duration = 120.0
    """Time between the notice and the end of the machine."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"spot end of {self.spot} in {format_duration(self.notice)}"


class SwitchService(InstantOperation):
    """The Service's selector goes from one Deployment's pods to another's: all old endpoints vanish at once."""

    verb = "switchService"
    noun = "switch"
    subject = SERVICE
    switch_service: str
    """Name of the Service."""
    to: str
    """Name of the Deployment whose pods it selects from now on."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"switch {self.switch_service} to {self.to}"


class Canary(InstantOperation):
    """The route's weights change: it leads to several Services, one before each of the Deployments named."""

    verb = "canary"
    noun = "canary"
    subject = SERVICE
    canary: str
    """Name of the Service that the route led to before."""
    weights: dict[str, Annotated[Whole, Field(ge=0, le=1_000_000)]]
    """Weight of each backend by the name of its Deployment; who is left out has no backend."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return "canary " + ", ".join(f"{name} {weight}" for name, weight in self.weights.items())


class LoadChange(Section):
    """How the load changes."""

    rate_factor: Annotated[float, Field(ge=0, le=1e6)]
    """New sessions per second, as a multiple of what ``traffic.sessions`` says; 1 takes earlier changes back."""


class TrafficChange(InstantOperation):
    """More or fewer new sessions from here on; of open arrivals only."""

    verb = "traffic"
    noun = "traffic change"
    subject = ""
    traffic: LoadChange
    """The change."""

    @property
    def target(self) -> str:
        """What the operation is done to."""
        return "traffic"

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"traffic x{self.traffic.rate_factor:g}"
