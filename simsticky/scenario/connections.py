"""How clients hold on to the service: a connection for each request, or one for the whole session."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simsticky.scenario.distributions import Law
from simsticky.scenario.fields import Period, Section
from simsticky.scenario.problems import Problem, did_you_mean, refuse
from simsticky.units import quoted

_KINDS = ("per-request", "long-lived")


def _attempts(value: Any) -> int | Literal["unlimited"]:
    if value == "unlimited":
        return "unlimited"
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000:
        return value
    hint = did_you_mean(value, ["unlimited"]) if isinstance(value, str) else ""
    raise ValueError(f"{quoted(value)} is neither unlimited nor a whole number from 1" + (f"; {hint}" if hint else ""))


Attempts = Annotated[
    int | Literal["unlimited"],
    PlainValidator(_attempts),
    WithJsonSchema({"anyOf": [{"const": "unlimited"}, {"type": "integer", "minimum": 1}]}, mode="validation"),
]
"""A number of attempts, or ``unlimited``."""


class Reconnect(Section):
    """How long a client that has lost its connection waits before it connects again.

    The first wait is ``backoff``, each further one ``factor`` times as long, at most ``max``; ``jitter`` draws from it.
    A connect that succeeds starts the row anew. A session's very first connect waits only once it has failed.
    """

    backoff: Period = 1.0
    """The first wait."""
    factor: Annotated[float, Field(ge=1, le=1000)] = 2.0
    """By what the wait grows with each failed attempt."""
    max: Period = 30.0
    """Longest wait, before jitter."""
    jitter: Literal["full", "equal", "none"] = "full"
    """Which part of the wait is drawn: all of it (uniform from 0), its second half, or nothing."""
    max_attempts: Attempts = "unlimited"
    """Failed connects in a row after which the client gives up and its session is over."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max < self.backoff:
            refuse("Reconnect", [Problem(("max",), "the longest wait must not be below the first, reconnect.backoff")])
        return self

    def wait_s(self, waits: int, draw: float) -> float:
        """Return the wait before the next attempt, in seconds.

        Args:
            waits: Waits since the client had a connection, or began: 0 for the first.
            draw: A uniform draw in [0, 1).
        """
        # The power of a large number is no float any more.
        whole_s = self.backoff
        for _ in range(waits):
            if whole_s >= self.max or self.factor == 1.0:
                break
            whole_s *= self.factor
        whole_s = min(whole_s, self.max)
        if self.jitter == "full":
            return whole_s * draw
        return whole_s / 2 + whole_s / 2 * draw if self.jitter == "equal" else whole_s


class Connections(Section):
    """How long clients' connections live.

    Written ``per-request``, ``long-lived`` (WebSocket, server-sent events), or in full
    ``{kind: long-lived, reconnect: {backoff: 1s, jitter: none}}``.
    """

    kind: Literal["per-request", "long-lived"] = "per-request"
    """``long-lived``: a session's first request opens a connection, on which all its later ones are messages."""
    connect: Law | None = None
    """Time a pod works on opening a connection; if left out, as long as on the session's first request."""
    reconnect: Reconnect = Reconnect()
    """What a client does whose connection is lost, or cannot be opened."""

    @model_validator(mode="before")
    @classmethod
    def _forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in _KINDS:
                hint = did_you_mean(value.replace(" ", "-"), _KINDS) or f"one of {', '.join(_KINDS)}, or a mapping"
                raise ValueError(f"unknown kind {quoted(value)} of connections: {hint}")
            return {"kind": value}
        return value

    @model_validator(mode="after")
    def _only_where_held(self) -> Self:
        if not self.long_lived:
            text = "only long-lived connections are opened and lost apart from requests"
            stated = [name for name in ("connect", "reconnect") if name in self.model_fields_set]
            refuse("Connections", [Problem((name,), text, "write kind: long-lived") for name in stated])
        return self

    @property
    def long_lived(self) -> bool:
        """Whether a session's requests are messages on one connection."""
        return self.kind == "long-lived"

    @model_serializer(mode="wrap")
    def _only_what_counts(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = dump(self)
        return written if self.long_lived else {"kind": self.kind}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the forms that people write."""
        return {
            "title": "Connections",
            "anyOf": [{"enum": list(_KINDS)}, super().__get_pydantic_json_schema__(core_schema, handler)],
        }
