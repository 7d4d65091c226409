"""The timeline's operations: what a person or a machine does to the application or to its gateway, and when.

Each is written with one verb and the name of what it is done to: ``{at: 10m, rollout: shop}``. A new operation is a
class here, its line in the union at the end, and a method of ``sim/operations.py``.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic.alias_generators import to_snake

from simsticky.scenario.distributions import Law
from simsticky.scenario.fields import Duration, Section, Switch, Whole
from simsticky.scenario.problems import did_you_mean
from simsticky.units import format_duration

DEPLOYMENT: Final = "Deployment"
GATEWAY_NODE: Final = "gateway node"

_PodCount = Annotated[Whole, Field(ge=1, le=100_000)]


class BaseOperation(Section):
    """What every operation has: a time, a verb and what it is done to.

    Attributes:
        verb: As in YAML; the field of the same name in snake_case holds the target.
        noun: What people call the operation: "sessions that the *rollout* broke".
        subject: What kind of thing the target is: its name is looked up among the scenario's. Empty for any text.
        everything: A word that stands for all of them, empty if there is none.
    """

    verb: ClassVar[str]
    noun: ClassVar[str] = "operation"
    subject: ClassVar[str] = DEPLOYMENT
    everything: ClassVar[str] = ""

    at_s: Duration = Field(alias="at")
    """When, in seconds of model time."""

    @property
    def kind(self) -> str:
        """The verb."""
        return self.verb

    @property
    def target(self) -> str:
        """Name of what the operation is done to."""
        return str(getattr(self, to_snake(self.verb)))

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"{self.verb} {self.target}"

    @property
    def lasts_s(self) -> float | None:
        """Seconds until the operation is over; None: until the Deployment is complete and the deleted pods are gone."""
        return None


class Rollout(BaseOperation):
    """A new pod template: the Deployment replaces its pods."""

    verb = "rollout"
    noun = "rollout"
    rollout: str
    """Name of the Deployment."""
    startup: Law | None = None
    """Start-up time of the new version, if it differs from ``app.startup``."""
    never_ready: Switch = False
    """The new version never passes its readiness probe."""


class Scale(BaseOperation):
    """A new wanted number of pods."""

    verb = "scale"
    noun = "scaling"
    scale: str
    """Name of the Deployment."""
    replicas: Annotated[Whole, Field(ge=0, le=100_000)]
    """The new wanted number of pods."""

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
    count: _PodCount = 1
    """How many pods, as far as there are."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"delete {_pods(self.count)} of {self.delete_pod}"


class ReadinessFlap(BaseOperation):
    """The readiness probes of some pods fail for a time, although the application serves."""

    verb = "readinessFlap"
    noun = "flap"
    readiness_flap: str
    """Name of the Deployment whose pods are meant; it needs a readiness probe."""
    count: _PodCount = 1
    """How many pods, the oldest first, as far as there are."""
    for_s: Annotated[Duration, Field(gt=0)] = Field(alias="for")
    """How long the probes fail."""
    seen_by_gateway: Switch = False
    """Whether the gateway's active HTTP checks meet the same failure, status 503."""

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"flap {_pods(self.count)} of {self.readiness_flap} for {format_duration(self.for_s)}"

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


class ConfigPush(BaseOperation):
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

    @property
    def lasts_s(self) -> float:
        """Seconds until the operation is over."""
        return 0.0


def _pods(count: int) -> str:
    return "pod" if count == 1 else f"{count} pods"


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
    | Annotated[ConfigPush, Tag("configPush")],
    Discriminator(_verb),
]
Operation = Annotated[_AnyOperation, BeforeValidator(_one_verb, json_schema_input_type=_AnyOperation)]
"""One entry of the timeline."""

OPERATIONS: Final[Mapping[str, type[BaseOperation]]] = {
    get_args(tag)[1].tag: get_args(tag)[0] for tag in get_args(get_args(_AnyOperation)[0])
}
"""The class of each operation, by verb."""

VERBS: Final = tuple(OPERATIONS)
_KEYS: Final = {
    field.alias or name for operation in OPERATIONS.values() for name, field in operation.model_fields.items()
}
