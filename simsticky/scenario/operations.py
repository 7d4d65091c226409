"""The timeline's operations: what a person or a machine does to the application or to its gateway, and when.

Each is written with one verb and the name of what it is done to: ``{at: 10m, rollout: shop}``. A new operation is a
class here, its line in the union at the end, and a method of ``sim/operations/timeline.py``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic.alias_generators import to_snake

from simsticky.scenario.cluster_operations import (
    Canary,
    Crash,
    DrainNode,
    NodeLoss,
    Pause,
    Resume,
    Rollback,
    ShutdownNode,
    Spot,
    SwitchService,
    TrafficChange,
    Uncordon,
)
from simsticky.scenario.distributions import Law
from simsticky.scenario.fields import Duration, Switch, Whole
from simsticky.scenario.operation import (
    GATEWAY_NODE,
    BaseOperation,
    InstantOperation,
    PodChoice,
    PodCount,
    pods,
    refuse_both,
)
from simsticky.scenario.problems import did_you_mean
from simsticky.units import format_duration


class Rollout(BaseOperation):
    """A new pod template: the Deployment replaces its pods."""

    verb = "rollout"
    noun = "rollout"
    rollout: str
    """Name of the Deployment."""
    startup: Law | None = None
    """Start-up time of the new version, if it differs from ``app.startup``."""
    never_ready: Switch = False
    """The new version never listens, so that it passes no probe."""


class Scale(BaseOperation):
    """A new wanted number of pods."""

    verb = "scale"
    noun = "scaling"
    scale: str
    """Name of the Deployment."""
    replicas: Annotated[Whole, Field(ge=0, le=100_000)]
    """The new wanted number of pods."""
    pod: PodChoice | None = None
    """A pod that is to go first: it gets the smallest ``controller.kubernetes.io/pod-deletion-cost``. 1 is the oldest
    pod there is then; a name is that of the ``pods`` table. Not of a StatefulSet, which takes the highest ordinal."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"scale {self.scale} to {self.replicas}"


class DeletePod(BaseOperation):
    """Pods are deleted by hand; the ReplicaSet replaces them at once."""

    verb = "deletePod"
    noun = "deletion"
    delete_pod: str
    """Name of the Deployment whose pods are deleted."""
    count: PodCount = 1
    """How many pods, the oldest first, as far as there are."""
    pod: PodChoice | None = None
    """Which pod instead: 1 for the oldest that is there then, or a name of the ``pods`` table."""
    force: Switch = False
    """Delete with grace period 0: the object and its endpoint go at once, the container gets 2 s."""

    @model_validator(mode="after")
    def _count_or_pod(self) -> Self:
        refuse_both(self)
        return self

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"{'force-' if self.force else ''}delete {pods(self.count, self.pod)} of {self.delete_pod}"


class ReadinessFlap(BaseOperation):
    """The readiness probes of some pods fail for a time, although the application serves."""

    verb = "readinessFlap"
    noun = "flap"
    readiness_flap: str
    """Name of the Deployment whose pods are meant; it needs a readiness probe."""
    count: PodCount = 1
    """How many pods, the oldest first, as far as there are."""
    for_s: Annotated[Duration, Field(gt=0)] = Field(alias="for")
    """How long the probes fail."""
    seen_by_gateway: Switch = False
    """Whether the gateway's active HTTP checks meet the same failure, status 503."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"flap {pods(self.count)} of {self.readiness_flap} for {format_duration(self.for_s)}"

    @property
    def lasts_s(self) -> float:
        """Seconds until the operation is over."""
        return self.for_s


class GatewayRestart(BaseOperation):
    """A gateway node goes away gracefully and comes back empty: counters, health and balancer state are lost."""

    verb = "gatewayRestart"
    noun = "restart"
    subject = GATEWAY_NODE
    gateway_restart: str
    """Name of the node: ``kong-1`` to ``kong-N``."""
    downtime: Annotated[Duration, Field(gt=0)] = 10.0
    """How long the node is away."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"restart {self.gateway_restart}"

    @property
    def lasts_s(self) -> float:
        """Seconds until the operation is over."""
        return self.downtime


class ConfigPush(InstantOperation):
    """The gateway accepts a push caused by an unrelated object: every balancer of every worker is built anew."""

    verb = "configPush"
    noun = "push"
    subject = GATEWAY_NODE
    everything = "all"
    config_push: str
    """Name of a gateway node, or ``all``."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"push to {'all nodes' if self.config_push == self.everything else self.config_push}"


def _verb(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return next((verb for verb in VERBS if verb in value or to_snake(verb) in value), None)
    return getattr(value, "kind", None)


def _one_verb(value: Any) -> Any:
    if isinstance(value, Mapping):
        given = [verb for verb in VERBS if verb in value]
        if len(given) > 1:
            raise ValueError(f"one operation an entry, got {' and '.join(given)}")
        if _verb(value) is None:
            hints = (did_you_mean(str(key), VERBS) for key in value if key not in _KEYS)
            hint = next((hint for hint in hints if hint), "for example {at: 10m, rollout: app}")
            raise ValueError(f"an operation needs one of {', '.join(VERBS)}; {hint}")
    elif not isinstance(value, BaseOperation):
        raise ValueError("an operation is a mapping such as {at: 10m, rollout: app}")
    return value


_AnyOperation = Annotated[
    Annotated[Rollout, Tag("rollout")]
    | Annotated[Scale, Tag("scale")]
    | Annotated[DeletePod, Tag("deletePod")]
    | Annotated[ReadinessFlap, Tag("readinessFlap")]
    | Annotated[GatewayRestart, Tag("gatewayRestart")]
    | Annotated[ConfigPush, Tag("configPush")]
    | Annotated[Rollback, Tag("rollback")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Resume, Tag("resume")]
    | Annotated[Crash, Tag("crash")]
    | Annotated[DrainNode, Tag("drainNode")]
    | Annotated[Uncordon, Tag("uncordon")]
    | Annotated[ShutdownNode, Tag("shutdownNode")]
    | Annotated[NodeLoss, Tag("nodeLoss")]
    | Annotated[Spot, Tag("spot")]
    | Annotated[SwitchService, Tag("switchService")]
    | Annotated[Canary, Tag("canary")]
    | Annotated[TrafficChange, Tag("traffic")],
    Discriminator(_verb),
]
Operation = Annotated[_AnyOperation, BeforeValidator(_one_verb, json_schema_input_type=_AnyOperation)]
"""One entry of the timeline."""

OPERATIONS: Final[Mapping[str, type[BaseOperation]]] = {
    get_args(tag)[1].tag: get_args(tag)[0] for tag in get_args(get_args(_AnyOperation)[0])
}
"""The class of each operation, by verb."""

VERBS: Final = tuple(OPERATIONS)
TIMED: Final = frozenset(verb for verb, kind in OPERATIONS.items() if kind.lasts_s is not BaseOperation.lasts_s)
"""Verbs of operations that are over after a time of their own, whatever the pods do."""
_KEYS: Final = {
    field.alias or name for operation in OPERATIONS.values() for name, field in operation.model_fields.items()
}


def repeated(timeline: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Return the timeline with every repetition written out, in the order of the entries (rule O7)."""
    return tuple(
        entry.model_copy(update={"at_s": entry.at_s + number * (entry.every or 0.0), "every": None, "times": 1})
        if number
        else entry
        for entry in timeline
        for number in range(entry.times)
    )
