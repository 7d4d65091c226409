"""The application in the pods: how long it takes to start, how it ends, and where it keeps its sessions."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simsticky.scenario.distributions import Constant, Law, Lognormal
from simsticky.scenario.fields import SHORTEST_PERIOD_S, Duration, Section, Whole
from simsticky.scenario.problems import Problem, did_you_mean, refuse
from simsticky.units import format_duration, quoted

_SHORT_FORMS = {
    "exit": {"listener": "close", "exit": "immediately"},
    "finishInFlight": {"listener": "close", "exit": "whenIdle"},
    "ignore": {"listener": "keep", "exit": "never"},
}


class OnSigterm(Section):
    """What the application does on SIGTERM.

    Written ``exit``, ``finishInFlight``, ``ignore``, or in full
    ``{listener: close, exit: {after: 10s}, connections: {closeOver: 20s}}``.
    """

    listener: Literal["close", "keep"] = "close"
    """Whether new connections are still accepted."""
    exit: Literal["immediately", "whenIdle", "never", "after"] = "whenIdle"
    """When the process ends by itself; ``whenIdle`` once all accepted and queued requests are done."""
    after_s: Duration = 0.0
    """Seconds from SIGTERM to the exit, for ``after``; to the earliest exit, for ``whenIdle``."""
    connections: Literal["wait", "close"] = "wait"
    """What becomes of open long-lived connections: nothing until the process ends, or the application closes each
    after the message under way."""
    close_over_s: Duration = 0.0
    """Seconds over which it spreads that, for ``close``: each connection at a moment drawn uniformly."""

    @model_validator(mode="before")
    @classmethod
    def _forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in _SHORT_FORMS:
                hint = did_you_mean(value, _SHORT_FORMS) or f"one of {', '.join(_SHORT_FORMS)}, or a mapping"
                raise ValueError(f"unknown reaction {quoted(value)} to SIGTERM: {hint}")
            return _SHORT_FORMS[value]
        if isinstance(value, Mapping) and isinstance(value.get("connections"), Mapping):
            if set(value["connections"]) != {"closeOver"}:
                raise ValueError("connections is wait, close, or {closeOver: 20s}")
            value = {**value, "connections": "close", "close_over_s": value["connections"]["closeOver"]}
        if isinstance(value, Mapping) and isinstance(value.get("exit"), Mapping):
            if set(value["exit"]) not in ({"after"}, {"whenIdleAfter"}):
                raise ValueError("exit is immediately, whenIdle, never, {after: 10s} or {whenIdleAfter: 5s}")
            ((when, seconds),) = value["exit"].items()
            return {**value, "exit": "after" if when == "after" else "whenIdle", "after_s": seconds}
        if isinstance(value, Mapping) and value.get("exit") == "after" and "after_s" not in value:
            raise ValueError("exit: after needs its time, write exit: {after: 10s}")
        return value

    @model_serializer(mode="plain")
    def _as_written(self) -> dict[str, Any]:
        return {
            "listener": self.listener,
            "exit": self._exit_as_written(),
            "connections": {"closeOver": self.close_over_s} if self.close_over_s else self.connections,
        }

    def _exit_as_written(self) -> str | dict[str, float]:
        if self.exit == "after":
            return {"after": self.after_s}
        return {"whenIdleAfter": self.after_s} if self.exit == "whenIdle" and self.after_s else self.exit

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the forms that people write."""
        from simsticky.scenario.docstrings import docstrings  # of use for a schema only

        described = docstrings(cls)

        def timed(key: str, description: str) -> JsonSchemaValue:
            duration = {"type": ["string", "number"], "description": description, "examples": ["10s"]}
            return {
                "type": "object",
                "properties": {key: duration},
                "required": [key],
                "additionalProperties": False,
            }

        return {
            "title": "OnSigterm",
            "anyOf": [
                {"enum": list(_SHORT_FORMS)},
                {
                    "type": "object",
                    "properties": {
                        "listener": {
                            "enum": ["close", "keep"],
                            "default": "close",
                            "description": described.get("listener", ""),
                        },
                        "exit": {
                            "description": described.get("exit", ""),
                            "anyOf": [
                                {"enum": ["immediately", "whenIdle", "never"]},
                                timed("after", "The process ends this long after SIGTERM."),
                                timed("whenIdleAfter", "It ends when it is idle, at the earliest after this time."),
                            ],
                        },
                        "connections": {
                            "description": described.get("connections", ""),
                            "anyOf": [
                                {"enum": ["wait", "close"]},
                                timed("closeOver", described.get("close_over_s", "")),
                            ],
                        },
                    },
                    "additionalProperties": False,
                },
            ],
        }


class Crashes(Section):
    """Containers that exit by themselves; the kubelet restarts them in the same pod, with CrashLoopBackOff."""

    every: Law
    """From the start of a container until it crashes; one that runs at 0 is met at a random moment of its life."""
    versions: Literal["all", "new"] = "all"
    """Whose containers: all, or only those of versions rolled out in the run."""
    exit_code: Annotated[Whole, Field(ge=0, le=255)] = 1
    """What the process exits with, which matters to ``deployment.restartPolicyRules``."""

    @model_validator(mode="after")
    def _not_without_end(self) -> Self:
        if self.every.mean < SHORTEST_PERIOD_S:
            text = f"must be at least {format_duration(SHORTEST_PERIOD_S)} on average"
            refuse(
                "Crashes", [Problem(("every",), text, "containers that never come up: timeline rollout, neverReady")]
            )
        return self


class MemoryLimit(Section):
    """What a container's memory holds before the kernel kills it (OOM)."""

    sessions: Annotated[Whole, Field(ge=1, le=1_000_000_000)]
    """Sessions in memory, each kept until ``sessionTimeout`` after its last request; one more kills the container."""


class WarmUp(Section):
    """A container is slower at first: caches are cold, code is not compiled yet."""

    duration: Annotated[Duration, Field(gt=0)]
    """From the moment the application listens until it works at full speed."""
    slowdown: Annotated[float, Field(ge=1, le=1000)]
    """Factor of service demands at first; it falls to 1 in a straight line."""


class App(Section):
    """The application: its start, capacity, end and session state."""

    startup: Law = Lognormal(median=8.0, sigma=0.4)
    """From the start of the container until the application listens and its probes can pass."""
    concurrency: Annotated[Whole, Field(ge=1, le=1_000_000)] = 16
    """Requests a pod works on at a time; more wait in a queue, first come first served."""
    on_sigterm: OnSigterm = OnSigterm()
    """What the application does on SIGTERM."""
    state: Literal["pod", "external"] = "pod"
    """Where sessions are kept: in the memory of a container instance, or outside, where nothing can break."""
    external_latency: Law = Constant(value=0.0)
    """Added to each request when the state is external."""
    session_timeout: Duration = 1800.0
    """A session is kept this long after its last request; it counts for ``waitUntil: noSessions``."""
    crash: Crashes | None = None
    """When containers crash by themselves; never, if left out."""
    oom: MemoryLimit | None = None
    """When containers are killed for want of memory; never, if left out."""
    warm_up: WarmUp | None = None
    """How new containers come up to speed; at once, if left out."""
