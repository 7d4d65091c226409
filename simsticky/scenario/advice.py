"""What a scenario may say and yet should be looked at twice."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from simsticky.scenario.distributions import LawBase
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario


def warnings_of(scenario: "Scenario") -> tuple[str, ...]:
    """Return the warnings, in the order of the file."""
    return tuple(_warnings(scenario))


def _warnings(scenario: "Scenario") -> Iterator[str]:
    for path, law in _laws(scenario, ""):
        if law.sd == float("inf"):
            yield f"{path}: the law has no second moment; averages converge slowly, if at all"
    run, deployment = scenario.run, scenario.deployment
    for i, operation in enumerate(scenario.timeline):
        if operation.at_s < run.settle:
            yield (
                f"timeline.{i}: {operation.label} at {format_duration(operation.at_s)} begins before"
                f" run.settle ({format_duration(run.settle)}) is over"
            )
        if operation.at_s >= (run.horizon if run.until == "drained" else min(run.until, run.horizon)):
            when = format_duration(operation.at_s)
            yield f"timeline.{i}: {operation.label} at {when} is after the run's end"
        if operation.kind == "rollout" and deployment.paused:
            yield f"timeline.{i}: {operation.label} does not proceed, the Deployment is paused"
    path, route = scenario.traffic.path, scenario.ingress.path
    if not f"{path}/".startswith(f"{route.rstrip('/')}/") and not route.startswith("/~"):
        yield f"traffic.path: clients request {path}, the Ingress routes {route}"
    hook, grace = deployment.pre_stop, deployment.termination_grace_period_seconds
    longest = 0.0 if hook is None else max(hook.seconds, hook.at_most_s)
    if longest > grace:
        yield (
            f"deployment.preStop: {format_duration(longest)} exceeds the grace period of"
            f" {format_duration(grace)}: the hook is not waited for to its end"
        )
    for name, probe in (
        ("readinessProbe", deployment.readiness_probe),
        ("startupProbe", deployment.startup_probe),
    ):
        if probe is not None and probe.timeout_seconds > probe.period_seconds:
            yield f"deployment.{name}: timeoutSeconds exceeds periodSeconds"


def _laws(model: BaseModel, prefix: str) -> Iterator[tuple[str, LawBase]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        path = f"{prefix}{field.alias or name}"
        if isinstance(value, LawBase):
            yield path, value
        elif isinstance(value, BaseModel):
            yield from _laws(value, f"{path}.")
        elif isinstance(value, tuple):
            for i, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _laws(item, f"{path}.{i}.")
