"""The section ``run``: how long, how often and with which seed to simulate."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from simsticky.scenario.fields import Duration, Section, Switch, Whole
from simsticky.scenario.problems import Problem, did_you_mean, refuse
from simsticky.units import format_duration, parse_duration, quoted


def _until(value: Any) -> float | Literal["drained"]:
    if isinstance(value, str) and value == "drained":
        return "drained"
    try:
        return parse_duration(value)
    except ValueError:
        if isinstance(value, str) and did_you_mean(value, ["drained"]):
            raise ValueError(f"{quoted(value)} is neither drained nor a duration; did you mean drained?") from None
        raise ValueError(f"{quoted(value)} is neither drained nor a duration such as 30m") from None


class Run(Section):
    """How long, how often and with which seed to simulate."""

    until: Annotated[
        Literal["drained"] | float,
        PlainValidator(_until),
        WithJsonSchema({"anyOf": [{"const": "drained"}, {"type": ["string", "number"]}]}, mode="validation"),
    ] = "drained"
    """``drained``: until every session alive after the last operation has ended; or a time."""
    horizon: Annotated[Duration, Field(gt=0)] = 7200.0
    """The run ends here at the latest."""
    replications: Annotated[Whole, Field(ge=1, le=1_000_000)] = 30
    """Independent runs."""
    seed: Annotated[Whole, Field(ge=0)] = 1
    """Seed of all randomness."""
    settle: Duration = 60.0
    """Left out of the measures at the start."""
    start: Literal["equilibrium", "empty"] = "equilibrium"
    """Whether sessions are alive at 0 as in the long run, or none is."""
    record: Literal["requests", "sessions", "summary"] = "requests"
    """How much is kept."""
    skew_floor: Switch = True
    """Run each replication once more without the operation, for the excess of load skew."""

    @model_validator(mode="after")
    def _settles(self) -> Self:
        end = self.horizon if self.until == "drained" else min(self.until, self.horizon)
        if "settle" in self.model_fields_set and self.settle >= end:
            text = f"{format_duration(self.settle)} is the whole run of {format_duration(end)}: nothing is measured"
            refuse("Run", [Problem(("settle",), text, "lower it, or lengthen run.horizon")])
        return self
