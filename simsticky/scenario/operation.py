"""One operation of the timeline: what all of them share."""

from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator
from pydantic.alias_generators import to_snake

from simsticky.scenario.fields import Duration, Period, Section, Whole
from simsticky.scenario.problems import Problem, refuse

DEPLOYMENT: Final = "Deployment"
GATEWAY_NODE: Final = "gateway node"
NODE: Final = "node"
SERVICE: Final = "Service"

PodCount = Annotated[Whole, Field(ge=1, le=100_000)]
"""How many pods an operation means."""

PodChoice = Annotated[Whole, Field(ge=1, le=100_000)] | Annotated[str, Field(min_length=1, max_length=253)]
"""Which pod an operation means: 1 for the oldest that is there at that moment, 2 for the next; or a pod's name."""


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
    every: Period | None = None
    """Repeat it this long after the last time, ``times`` times in all."""
    times: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    """How often it is done in all; more than once only with ``every``."""

    @model_validator(mode="after")
    def _times_need_every(self) -> Self:
        if self.times > 1 and self.every is None:
            refuse(type(self).__name__, [Problem(("times",), "needs every: how long after the last time, such as 30m")])
        if self.every is not None and "times" not in self.model_fields_set:
            refuse(type(self).__name__, [Problem(("every",), "needs times: how often in all, such as 5")])
        return self

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


class InstantOperation(BaseOperation):
    """An operation that is over at once: it writes to an object, or changes a rate, and no more."""

    @property
    def lasts_s(self) -> float:
        """Seconds until the operation is over."""
        return 0.0


def pods(count: int, pod: int | str | None = None) -> str:
    """Return the pods that an operation means as text for labels: how many, or which one."""
    if pod is not None:
        return f"pod {pod}"
    return "pod" if count == 1 else f"{count} pods"


def refuse_both(operation: BaseOperation) -> None:
    """Refuse an operation that says both how many pods it means and which one.

    Raises:
        ValueError: It does.
    """
    if getattr(operation, "pod", None) is not None and getattr(operation, "count", 1) != 1:
        message = "count and pod exclude each other: pod means one pod"
        refuse(type(operation).__name__, [Problem(("count",), message)])
