"""The application in the pods: how long it takes to start, how it ends, and where it keeps its sessions."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simsticky.scenario.distributions import Constant, Law, Lognormal
from simsticky.scenario.fields import Duration, Section, Whole
from simsticky.scenario.problems import did_you_mean

_SHORT_FORMS = {
    "exit": {"listener": "close", "exit": "immediately"},
    "finishInFlight": {"listener": "close", "exit": "whenIdle"},
    "ignore": {"listener": "keep", "exit": "never"},
}


class OnSigterm(Section):
    """What the application does on SIGTERM.

    Written ``exit``, ``finishInFlight``, ``ignore``, or in full ``{listener: close, exit: {after: 10s}}``.
    """

    listener: Literal["close", "keep"] = "close"
    """Whether new connections are still accepted."""
    exit: Literal["immediately", "whenIdle", "never", "after"] = "whenIdle"
    """When the process ends by itself; ``whenIdle`` once all accepted and queued requests are done."""
    after_s: Duration = 0.0
    """Seconds from SIGTERM to the exit, for ``after``."""

    @model_validator(mode="before")
    @classmethod
    def _forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in _SHORT_FORMS:
                hint = did_you_mean(value, _SHORT_FORMS) or f"one of {', '.join(_SHORT_FORMS)}, or a mapping"
                raise ValueError(f"unknown reaction {value!r} to SIGTERM: {hint}")
            return _SHORT_FORMS[value]
        if isinstance(value, Mapping) and isinstance(value.get("exit"), Mapping):
            if set(value["exit"]) != {"after"}:
                raise ValueError("exit is immediately, whenIdle, never, or {after: 10s}")
            return {**value, "exit": "after", "after_s": value["exit"]["after"]}
        if isinstance(value, Mapping) and value.get("exit") == "after" and "after_s" not in value:
            raise ValueError("exit: after needs its time, write exit: {after: 10s}")
        return value

    @model_serializer(mode="plain")
    def _as_written(self) -> dict[str, Any]:
        return {
            "listener": self.listener,
            "exit": {"after": self.after_s} if self.exit == "after" else self.exit,
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the forms that people write."""
        after = {
            "type": "object",
            "properties": {"after": {"type": ["string", "number"]}},
            "required": ["after"],
            "additionalProperties": False,
        }
        return {
            "title": "OnSigterm",
            "anyOf": [
                {"enum": list(_SHORT_FORMS)},
                {
                    "type": "object",
                    "properties": {
                        "listener": {"enum": ["close", "keep"], "default": "close"},
                        "exit": {"anyOf": [{"enum": ["immediately", "whenIdle", "never"]}, after]},
                    },
                    "additionalProperties": False,
                },
            ],
        }


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
