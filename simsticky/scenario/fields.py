"""The field types that the scenario's models share: durations, rates, counts, and the base of every model."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StrictBool,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from simsticky.errors import visible
from simsticky.units import format_duration, parse_duration, parse_rate, quoted


class Section(BaseModel):
    """Base of the scenario's models: frozen, camelCase in YAML, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,  # most are built as a part of the whole scenario, and few are ever used alone
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe each field by the docstring below it.

        Pydantic would read the source of every model when it is imported (``use_attribute_docstrings``), and only the
        JSON schema wants to know.
        """
        from simsticky.scenario.docstrings import describe

        schema = handler(core_schema)
        describe(handler.resolve_ref_schema(schema), cls)
        return schema


def _duration(value: Any) -> float:
    return parse_duration(value)


def _rate(value: Any) -> float:
    return parse_rate(value)


def _share(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{quoted(value)} is not a number between 0 and 1")
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{quoted(value)} is not a whole number")
    if abs(value) > 2**31 - 1:
        raise ValueError(f"{quoted(value)} is too large, the largest whole number here is {2**31 - 1}")
    return value


def _whole_seconds(value: Any) -> Any:
    if isinstance(value, str | float):
        seconds = parse_duration(value, allow_negative=True)
        if not seconds.is_integer():
            raise ValueError(f"{quoted(value)} is not a whole number of seconds, as Kubernetes wants here")
        value = int(seconds)
    return _whole(value)


def _text(value: str) -> str:
    if visible(value, keep="\n\t") != value:
        raise ValueError(f"{quoted(value)} holds characters that cannot be shown")
    if "\ufffd" in value:  # what the YAML reader makes of a surrogate without its other half
        raise ValueError(f"{quoted(value)} holds half a character")
    return value


def _line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise ValueError(f"{quoted(value)} is not one line of text")
    return _text(value)


# Kubernetes: apimachinery, util/validation: IsDNS1123Label; its limit is 63 characters.
_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_DNS_LABEL = re.compile(_LABEL, re.ASCII)


def _name(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    if _DNS_LABEL.fullmatch(value) is None:
        raise ValueError(
            f"{quoted(value)} is no name: at most 63 lower case letters, digits and '-', beginning and ending with a"
            " letter or digit (a DNS label)"
        )
    return value


# Kubernetes: apimachinery, util/validation: IsDNS1123Subdomain; its limit is 253 characters. Kubernetes would also take
# a part of more than 63, and no host of that name could be found.
_DNS_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*", re.ASCII)


def _object_name(value: str) -> str:
    return value if _DNS_SUBDOMAIN.fullmatch(value) else _name(value)


_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)


def _token(value: str) -> str:
    if value and _TOKEN.fullmatch(value) is None:
        raise ValueError(f"{quoted(value)} holds what no such name can: blanks, separators, or letters beyond ASCII")
    return value


def _cookie_path(value: str) -> str:
    if _COOKIE_PATH.fullmatch(value) is None:
        raise ValueError(f"{quoted(value)} is no cookie path: it can hold neither ';' nor what cannot be shown")
    return value


_COOKIE_PATH = re.compile(r"[ -:<-~]*", re.ASCII)


def _url_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError(f"must begin with /, got {quoted(value)}")
    if any(letter.isspace() for letter in value):
        raise ValueError(f"{quoted(value)} is no path: it holds a blank, write %20")
    return _text(value)


_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)", re.ASCII)
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)*(?![\d.]).*", re.ASCII)


def _version(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f'{quoted(value)} is a number here, not a version; put it in quotes, for example "1.34"')
    if isinstance(value, str) and version_of(value) is None:
        raise ValueError(f'{quoted(value)} is no version; write for example "3.11" or "1.34.2"')
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


def _period(value: float) -> float:
    if 0 < value < SHORTEST_PERIOD_S:
        raise ValueError(f"must be at least {format_duration(SHORTEST_PERIOD_S)}, got {format_duration(value)}")
    return value


SHORTEST_PERIOD_S = 1e-3

PeriodOrZero = Annotated[Duration, AfterValidator(_period)]
"""The time after which something happens again and again, at least a millisecond; or 0, where that means something."""

Period = Annotated[Duration, Field(gt=0), AfterValidator(_period)]
"""The time after which something happens again and again: shorter than a millisecond nothing here is."""

Rate = Annotated[float, BeforeValidator(_rate), _RATE_SCHEMA]
"""Events per second, not negative, finite; read from ``4/s``, ``120/min`` or a number."""

Share = Annotated[float, BeforeValidator(_share), Field(ge=0, le=1)]
"""A number between 0 and 1."""

Whole = Annotated[int, BeforeValidator(_whole)]
"""A 32-bit integer; neither a bool, nor text, nor a fraction."""

WholeSeconds = Annotated[int, BeforeValidator(_whole_seconds), Field(ge=0), _WHOLE_SECONDS_SCHEMA]
"""Whole seconds, as Kubernetes writes them, or a Go duration that comes to whole seconds."""


def _matching(pattern: re.Pattern[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern.pattern}$"}, mode="validation")


Text = Annotated[str, AfterValidator(_text)]
"""Text for people, of one line or several; what a terminal would act on is refused."""

Line = Annotated[str, AfterValidator(_line)]
"""Text of one line."""

Name = Annotated[str, AfterValidator(_name), _matching(_DNS_LABEL)]
"""The name of an object or container: a DNS label, as RFC 1123 has it."""

ObjectName = Annotated[str, AfterValidator(_object_name), _matching(_DNS_SUBDOMAIN)]
"""The name of a workload: DNS labels with dots between them, a subdomain as RFC 1123 has it."""

Token = Annotated[str, AfterValidator(_token), _matching(_TOKEN)]
"""The name of a cookie (RFC 6265, section 4.1.1) or of a header (RFC 9110, section 5.1): a token."""

CookiePath = Annotated[str, AfterValidator(_cookie_path), _matching(_COOKIE_PATH)]
"""The Path attribute of a cookie (RFC 6265, section 4.1.1)."""

UrlPath = Annotated[str, AfterValidator(_url_path), _matching(re.compile(r"/\S*"))]
"""A URL path, beginning with ``/``."""

Version = Annotated[str, BeforeValidator(_version)]
"""A version of at least two numbers, as text: unquoted, YAML reads 3.10 as the number 3.1."""

Switch = StrictBool
"""``true`` or ``false``, and nothing that merely looks like it."""
