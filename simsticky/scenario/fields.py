"""The field types that the scenario's models share: durations, rates, counts, and the base of every model."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema
from pydantic.alias_generators import to_camel

from simsticky.units import parse_duration, parse_rate


class Section(BaseModel):
    """Base of the scenario's models: frozen, camelCase in YAML, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


def _duration(value: Any) -> float:
    return parse_duration(value)


def _rate(value: Any) -> float:
    return parse_rate(value)


def _share(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number between 0 and 1")
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")
    if abs(value) > 2**31 - 1:
        raise ValueError(f"{value!r} is too large, the largest whole number here is {2**31 - 1}")
    return value


def _whole_seconds(value: Any) -> Any:
    if isinstance(value, str | float):
        seconds = parse_duration(value, allow_negative=True)
        if not seconds.is_integer():
            raise ValueError(f"{value!r} is not a whole number of seconds, as Kubernetes wants here")
        value = int(seconds)
    return _whole(value)


_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)", re.ASCII)
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)*(?![\d.]).*", re.ASCII)


def _version(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f'{value!r} is a number here, not a version; put it in quotes, for example "3.11"')
    if isinstance(value, str) and version_of(value) is None:
        raise ValueError(f"{value!r} is no version; write for example 3.11 or 3.11.0")
    return value


def version_of(text: str) -> tuple[int, int] | None:
    """Return the major and minor number of a version or image tag such as ``3.11.0.1-rhel``; None if it has none."""
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def release_of(text: str) -> tuple[int, ...]:
    """Return all the leading numbers of a version: (1, 35, 3) of ``v1.35.3-gke.100``; empty if it has none."""
    match = _RELEASE.match(text)
    return tuple(int(number) for number in match[1].split(".")) if match else ()


_DURATION_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "examples": ["30s", "1m30s", "250ms"]},
            {"type": "number", "minimum": 0},
        ],
        "description": "A Go duration, or a number of seconds.",
    },
    mode="validation",
)
_WHOLE_SECONDS_SCHEMA = WithJsonSchema(
    {
        "anyOf": [{"type": "string", "examples": ["30s", "1m"]}, {"type": "integer", "minimum": 0}],
        "description": "Whole seconds, as an integer or a Go duration.",
    },
    mode="validation",
)
_RATE_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "examples": ["4/s", "120/min", "10/h"]},
            {"type": "number", "minimum": 0},
        ],
        "description": "Events per time, or a number per second.",
    },
    mode="validation",
)

Duration = Annotated[float, BeforeValidator(_duration), _DURATION_SCHEMA]
"""Seconds, not negative, finite; read from Go duration text or a number of seconds."""

Rate = Annotated[float, BeforeValidator(_rate), _RATE_SCHEMA]
"""Events per second, not negative, finite; read from ``4/s``, ``120/min`` or a number."""

Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
"""A number between 0 and 1."""

Whole = Annotated[int, BeforeValidator(_whole)]
"""A 32-bit integer; neither a bool, nor text, nor a fraction."""

WholeSeconds = Annotated[int, BeforeValidator(_whole_seconds), Field(ge=0), _WHOLE_SECONDS_SCHEMA]
"""Whole seconds, as Kubernetes writes them, or a Go duration that comes to whole seconds."""

UrlPath = Annotated[str, Field(pattern=r"^/")]
"""A URL path, beginning with ``/``."""

Version = Annotated[str, BeforeValidator(_version)]
"""A version of at least two numbers, as text: unquoted, YAML reads 3.10 as the number 3.1."""

Switch = StrictBool
"""``true`` or ``false``, and nothing that merely looks like it."""
