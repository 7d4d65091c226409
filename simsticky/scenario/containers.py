"""What Kubernetes is told of a pod's containers: hooks, probes, sidecars, and when one is started again."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simsticky.scenario.application import OnSigterm
from simsticky.scenario.fields import Duration, Name, Section, Switch, Whole, WholeSeconds
from simsticky.scenario.problems import did_you_mean
from simsticky.units import quoted


class PreStop(Section):
    """The preStop hook, run inside the grace period before SIGTERM.

    Written ``30s`` or ``{sleep: 30s}``; ``{fails: true}`` (no shell in the image, say: SIGTERM at once); or
    ``{waitUntil: noRequests | noSessions, atMost: 10m}``.
    """

    kind: Literal["sleep", "fails", "waitUntil"]
    seconds: Duration = 0.0
    """Length of the sleep."""
    until: Literal["noRequests", "noSessions"] | None = None
    """What the hook waits for."""
    at_most_s: Duration = 0.0
    """When a waiting hook gives up, in seconds from its start."""

    @model_validator(mode="before")
    @classmethod
    def _forms(cls, value: Any) -> Any:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return {"kind": "sleep", "seconds": value}
        if not isinstance(value, Mapping) or "kind" in value:
            return value
        keys = set(value)
        if keys == {"sleep"}:
            return {"kind": "sleep", "seconds": value["sleep"]}
        if keys == {"fails"}:
            if value["fails"] is not True:
                raise ValueError("fails can only be true; leave the hook out if there is none")
            return {"kind": "fails"}
        if keys == {"waitUntil", "atMost"}:
            return {"kind": "waitUntil", "until": value["waitUntil"], "at_most_s": value["atMost"]}
        known = ("sleep", "fails", "waitUntil", "atMost")
        for key in sorted(str(key) for key in keys.difference(known)):
            raise ValueError(f"unknown key {quoted(key)}; {did_you_mean(key, known) or 'known: ' + ', '.join(known)}")
        raise ValueError("write 30s, {sleep: 30s}, {fails: true} or {waitUntil: noSessions, atMost: 10m}")

    @model_serializer(mode="plain")
    def _as_written(self) -> dict[str, Any]:
        if self.kind == "sleep":
            return {"sleep": self.seconds}
        if self.kind == "fails":
            return {"fails": True}
        return {"waitUntil": self.until, "atMost": self.at_most_s}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the forms that people write."""
        duration = {"type": ["string", "number"], "examples": ["30s", "10m"]}

        def told(form: JsonSchemaValue, description: str) -> JsonSchemaValue:
            return {**form, "description": description}

        def mapping(**properties: Any) -> JsonSchemaValue:
            return {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            }

        wait = mapping(
            waitUntil=told(
                {"enum": ["noRequests", "noSessions"]}, "The hook ends when the pod has none of these left."
            ),
            atMost=told(duration, "The hook ends after this time all the same."),
        )
        sleep = mapping(sleep=told(duration, "The hook takes this long."))
        fails = mapping(fails=told({"const": True}, "The hook fails, and SIGTERM comes at once."))
        forms = [duration, sleep, fails, wait]
        return {"title": "PreStop", "anyOf": forms}


class Probe(Section):
    """When a probe runs and what it takes to pass or fail."""

    initial_delay_seconds: WholeSeconds = 0
    """Wait after the container's start."""
    timeout_seconds: Annotated[WholeSeconds, Field(ge=1)] = 1
    """A probe without answer fails after this time."""
    period_seconds: Annotated[WholeSeconds, Field(ge=1)] = 10
    """Time between probes."""
    success_threshold: Annotated[Whole, Field(ge=1)] = 1
    """Successes in a row that make the container ready."""
    failure_threshold: Annotated[Whole, Field(ge=1)] = 3
    """Failures in a row that make it not ready."""


class LivenessProbe(Probe):
    """A liveness probe: when it fails, the kubelet stops the container and starts it anew in the same pod."""

    success_threshold: Annotated[Whole, Field(ge=1, le=1)] = 1
    """Always 1."""
    termination_grace_period_seconds: Annotated[WholeSeconds, Field(ge=1)] | None = None
    """Grace period of that stop; the pod's, if left out."""


class StartupProbe(LivenessProbe):
    """A startup probe: one success ends it; when it fails, the container is stopped and started anew."""


class Sidecar(Section):
    """Another container of the pod, such as a mesh proxy."""

    name: Name = "sidecar"
    """Name, for the story."""
    kind: Literal["native", "plain"] = "plain"
    """``plain``: a container like any other, it gets SIGTERM without waiting for the application. ``native``: an init
    container with ``restartPolicy: Always``, it is stopped after the application."""
    proxy: Switch = False
    """Whether the application's requests go through it: when it refuses or ends, they are refused or cut."""
    on_sigterm: OnSigterm = OnSigterm(listener="keep", exit="immediately")
    """What it does on SIGTERM; the listener is that of a proxy."""
    pre_stop: PreStop | None = None
    """Its own preStop hook."""


class ExitCodes(Section):
    """Which exit codes a restart rule is about."""

    operator: Literal["In", "NotIn"]
    """Whether the code is to be one of ``values`` or none of them."""
    values: Annotated[tuple[Annotated[Whole, Field(ge=0, le=255)], ...], Field(min_length=1, max_length=255)]
    """The codes."""


class RestartPolicyRule(Section):
    """A rule of the application's container: with these exit codes it is restarted in its pod."""

    action: Literal["Restart", "RestartAllContainers"]
    """What is restarted in place; heeded from Kubernetes 1.35 on, all containers from 1.36 on."""
    exit_codes: ExitCodes
    """With which exit codes."""
