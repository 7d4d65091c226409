"""Every value that a scenario was simulated with, as people write it, and where it came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel

from simsticky.scenario.containers import PreStop
from simsticky.scenario.fields import Duration, Rate
from simsticky.scenario.law import LawBase
from simsticky.scenario.model import Scenario
from simsticky.units import format_duration

Kind = Literal["scenario", "manifest", "set", "default"]

_DURATION, _RATE = get_args(Duration)[1], get_args(Rate)[1]
_TOLD_ELSEWHERE = {"schema", "name", "about", "thresholds"}
_COUNTS = {"traffic.requests"}
"""Laws of a number of things: their parameters are no durations."""
_PLAIN = {"sigma", "cv", "shape", "alpha", "weights"}
"""Parameters of a law that have no unit."""


@dataclass(frozen=True, slots=True)
class Input:
    """One value of a scenario.

    Attributes:
        path: Its dotted path.
        value: The value as people write it.
        origin: ``file:line``, the flag that set it, or ``default``.
        kind: Whether the scenario file, a manifest or a flag stated it, or nobody.
    """

    path: str
    value: str
    origin: str
    kind: Kind


def inputs(scenario: Scenario) -> list[Input]:
    """Return the values of a scenario in the order of the format; a law is one value.

    What nobody stated and what is off by default is left out.
    """
    home = scenario.came_from("schema").rpartition(":")[0]
    return [
        Input(path, value, origin, _kind(origin, home))
        for path, value in _walk(scenario, "")
        for origin in (scenario.came_from(path),)
        if not (value == "none" and origin == "default")
    ]


def _kind(origin: str, home: str) -> Kind:
    if origin == "default":
        return "default"
    file, _, line = origin.rpartition(":")
    if not file or not line.isdigit():
        return "set"
    return "scenario" if file == home else "manifest"


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, LawBase | PreStop):
        yield path, _one_line(value, counts=path in _COUNTS)
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            key = field.alias or name
            below = f"{path}.{key}" if path else key
            held = getattr(value, name)
            if below in _TOLD_ELSEWHERE or (key == "kind" and path == ""):
                continue
            if isinstance(held, float | int) and not isinstance(held, bool):
                yield below, _number(held, field.metadata)
            else:
                yield from _walk(held, below)
    elif isinstance(value, tuple | list) and any(isinstance(item, BaseModel) for item in value):
        for number, item in enumerate(value):
            yield from _walk(item, f"{path}.{number}")
    else:
        yield path, _word(value)


def _number(value: float, metadata: list[Any]) -> str:
    if _DURATION in metadata:
        return format_duration(value)
    return f"{value:g}/s" if _RATE in metadata else f"{value:g}"


def _word(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _one_line(value: LawBase | PreStop, *, counts: bool = False) -> str:
    """Return a law or a hook on one line: ``exponential, mean 6s``, ``30s``."""
    if isinstance(value, PreStop):
        if value.kind == "sleep":
            return f"sleep {format_duration(value.seconds)}"
        if value.kind == "fails":
            return "fails"
        return f"wait until {value.until}, at most {format_duration(value.at_most_s)}"
    parts = []
    kind = ""
    for name, field in type(value).model_fields.items():
        held = getattr(value, name)
        if name == "kind":
            kind = str(held)
        elif held is not None:
            key = field.alias or name
            timed = key not in _PLAIN and not counts
            items = held if isinstance(held, tuple) else (held,)
            shown = " ".join(format_duration(item) if timed else f"{item:g}" for item in items)
            parts.append(shown if key == "value" else f"{key} {shown}")
    return ", ".join([kind, *parts]) if kind != "constant" else " ".join(parts)
