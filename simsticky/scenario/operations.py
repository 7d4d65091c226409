"""The timeline's operations: what a person or a machine does to the Deployment, and when.

Each is written with one verb: ``{at: 10m, rollout: shop}``, ``{at: 10m, scale: shop, replicas: 2}``,
``{at: 10m, deletePod: shop, count: 1}``. In Python all three offer the same attributes.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from simsticky.scenario.distributions import Law
from simsticky.scenario.fields import Duration, Section, Switch, Whole
from simsticky.scenario.problems import did_you_mean

VERBS = ("rollout", "scale", "deletePod")


class Rollout(Section):
    """A new pod template: the Deployment replaces its pods."""

    at_s: Duration = Field(alias="at")
    """When, in seconds of model time."""
    rollout: str
    """Name of the Deployment."""
    startup: Law | None = None
    """Start-up time of the new version, if it differs from ``app.startup``."""
    never_ready: Switch = False
    """The new version never passes its readiness probe."""

    @property
    def kind(self) -> Literal["rollout"]:
        """The verb."""
        return "rollout"

    @property
    def target(self) -> str:
        """Name of the Deployment."""
        return self.rollout

    @property
    def replicas(self) -> None:
        """No change of the wanted number."""
        return

    @property
    def count(self) -> int:
        """Without meaning here: 0."""
        return 0

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"rollout {self.rollout}"


class Scale(Section):
    """A new wanted number of pods."""

    at_s: Duration = Field(alias="at")
    """When, in seconds of model time."""
    scale: str
    """Name of the Deployment."""
    replicas: Annotated[Whole, Field(ge=0, le=100_000)]
    """The new wanted number of pods."""

    @property
    def kind(self) -> Literal["scale"]:
        """The verb."""
        return "scale"

    @property
    def target(self) -> str:
        """Name of the Deployment."""
        return self.scale

    @property
    def startup(self) -> None:
        """No new version."""
        return

    @property
    def never_ready(self) -> bool:
        """No new version."""
        return False

    @property
    def count(self) -> int:
        """Without meaning here: 0."""
        return 0

    @property
    def label(self) -> str:
        """Short text for tables."""
        return f"scale {self.scale} to {self.replicas}"


class DeletePod(Section):
    """Pods are deleted by hand; the ReplicaSet replaces them at once."""

    at_s: Duration = Field(alias="at")
    """When, in seconds of model time."""
    delete_pod: str
    """Name of the Deployment whose pods are deleted."""
    count: Annotated[Whole, Field(ge=1, le=100_000)] = 1
    """How many pods, as far as there are."""

    @property
    def kind(self) -> Literal["deletePod"]:
        """The verb."""
        return "deletePod"

    @property
    def target(self) -> str:
        """Name of the Deployment."""
        return self.delete_pod

    @property
    def replicas(self) -> None:
        """No change of the wanted number."""
        return

    @property
    def startup(self) -> None:
        """No new version."""
        return

    @property
    def never_ready(self) -> bool:
        """No new version."""
        return False

    @property
    def label(self) -> str:
        """Short text for tables."""
        pods = "pod" if self.count == 1 else f"{self.count} pods"
        return f"delete {pods} of {self.delete_pod}"


def _verb(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return next((verb for verb in VERBS if verb in value or (verb == "deletePod" and "delete_pod" in value)), None)
    return getattr(value, "kind", None)


def _one_verb(value: Any) -> Any:
    if isinstance(value, Mapping):
        given = [verb for verb in VERBS if verb in value]
        if len(given) > 1:
            raise ValueError(f"one operation an entry, got {' and '.join(given)}")
        if _verb(value) is None:
            known = (*VERBS, "at", "replicas", "count", "startup", "neverReady")
            hints = (did_you_mean(str(key), VERBS) for key in value if key not in known)
            hint = next((hint for hint in hints if hint), "for example {at: 10m, rollout: app}")
            raise ValueError(f"an operation needs one of {', '.join(VERBS)}; {hint}")
    elif not isinstance(value, Rollout | Scale | DeletePod):
        raise ValueError("an operation is a mapping such as {at: 10m, rollout: app}")
    return value


_AnyOperation = Annotated[
    Annotated[Rollout, Tag("rollout")] | Annotated[Scale, Tag("scale")] | Annotated[DeletePod, Tag("deletePod")],
    Discriminator(_verb),
]
Operation = Annotated[_AnyOperation, BeforeValidator(_one_verb, json_schema_input_type=_AnyOperation)]
"""One entry of the timeline."""
