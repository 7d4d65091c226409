"""What kind of number a setting takes: for values that follow other settings, and for ranges to draw from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from simsticky.scenario import fields
from simsticky.scenario.containers import PreStop
from simsticky.scenario.deployment import SHORT_PATHS, IntOrPercent
from simsticky.scenario.distributions import Constant, LawBase
from simsticky.scenario.location import Keys, value_at
from simsticky.scenario.paths.vocabulary import models_at, models_below
from simsticky.scenario.sections import Sections
from simsticky.units import (
    format_duration,
    format_rate,
    parse_duration,
    parse_number,
    parse_percentage,
    parse_rate,
    quoted,
)

Dimension = Literal["time", "rate", "number", "text"]

# A hair above a whole number is that number: 0.1 s * 30 is 3.0000000000000004 s.
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Quantity:
    """The numbers that a setting takes.

    Attributes:
        dimension: ``time`` (seconds), ``rate`` (per second), ``number``, or ``text`` for what is no number.
        whole: Whether only whole numbers (of seconds, pods ...) are taken.
    """

    dimension: Dimension
    whole: bool = False

    def read(self, value: Any) -> float:
        """Return a value as a number: seconds of ``30s``, 4.0 of ``4/s``, 0.25 of ``25%``.

        Raises:
            ValueError: It is no such number.
        """
        if self.dimension == "time":
            return parse_duration(value)
        if self.dimension == "rate":
            return parse_rate(value)
        if isinstance(value, str) and value.strip().endswith("%"):
            if self.whole:
                raise ValueError(f"{quoted(value)} is a share of another setting and no number of its own")
            return parse_percentage(value)
        if isinstance(value, str):
            return parse_number(value)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(value, bool) or not math.isfinite(number):
            raise ValueError(f"{quoted(value)} is not a number")
        return number

    def write(self, number: float) -> str | int | float:
        """Return a number as people write it in a scenario: ``6m52s``, ``4/s``, 3.

        Where only whole numbers are taken it is the next one up: half a second more of grace is a second.

        Raises:
            ValueError: It is not finite.
        """
        if not math.isfinite(number):
            raise ValueError("comes to more than any number")
        if self.whole:
            number = math.ceil(number - _HAIR)
        if self.dimension == "time":
            return format_duration(number)
        if self.dimension == "rate":
            return format_rate(number)
        return int(number) if float(number).is_integer() else number


TEXT = Quantity("text")


def quantity_of(scenario: Sections, keys: Keys) -> Quantity:
    """Return what kind of number the setting at some keys takes; ``text`` when it takes none.

    A law written as a constant (``app.startup: 2s``) counts as a time; so does a preStop hook.
    """
    if len(keys) == 2 and keys[0] == "deployment" and keys[1] in SHORT_PATHS:
        keys = ("deployment", *SHORT_PATHS[str(keys[1])])
    data = scenario.to_json_dict()
    if len(keys) == 2 and keys[-1] == "delays":
        return Quantity("time")
    found = {_of_field(model, str(keys[-1])) for model in models_at(type(scenario), keys[:-1], data)}
    found.discard(TEXT)
    return found.pop() if len(found) == 1 else TEXT


def number_at(scenario: Sections, keys: Keys) -> tuple[float, Quantity]:
    """Return the number that a setting has now, and what kind it is.

    A waiting preStop hook counts as long as it waits at most; a hook that fails, or none, as 0 s; a law as its
    value if it is constant.

    Raises:
        ValueError: The setting is no number.
    """
    quantity = quantity_of(scenario, keys)
    if quantity == TEXT:
        raise ValueError("is no number")
    if len(keys) == 2 and keys[0] == "deployment" and keys[1] in SHORT_PATHS:
        keys = ("deployment", *SHORT_PATHS[str(keys[1])])
    node: Any = scenario.to_json_dict()
    for key in keys:
        node = value_at(node, key)
    if keys == ("deployment", "preStop"):
        hook = scenario.deployment.pre_stop
        return (0.0 if hook is None else max(hook.seconds, hook.at_most_s)), quantity
    if isinstance(node, Mapping):
        if node.get("kind") != Constant.model_fields["kind"].default:
            raise ValueError(f"is a law of kind {node.get('kind')} and no single number")
        node = node["value"]
    if node is None:
        raise ValueError("has no value")
    return quantity.read(node), quantity


def _of_field(model: type[BaseModel], key: str) -> Quantity:
    field = next((f for name, f in model.model_fields.items() if (f.alias or name) == key), None)
    if field is None:
        return TEXT
    below = models_below(model, key)
    if below:
        # Kubernetes' preStop.sleep.seconds is an integer; a law is a time unless it counts.
        if below == (PreStop,):
            return Quantity("time", whole=True)
        return Quantity("time") if all(issubclass(law, LawBase) for law in below) and key != "requests" else TEXT
    validators = _validators(field)
    for kind, quantity in _KINDS:
        if kind in validators:
            return quantity
    return Quantity("number") if field.annotation is float else TEXT


def _validators(field: FieldInfo) -> set[Any]:
    """Return the functions that read a field's value: they are what tells a duration from a share."""
    return {getattr(part, "func", None) for part in (*field.metadata, *_inner(field.annotation))}


def _inner(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        first, *others = get_args(annotation)
        return (*others, *_inner(first))
    return tuple(part for argument in get_args(annotation) for part in _inner(argument))


def _reader(annotation: Any) -> Any:
    return get_args(annotation)[1].func


_KINDS = (
    (_reader(fields.WholeSeconds), Quantity("time", whole=True)),
    (_reader(fields.Duration), Quantity("time")),
    (_reader(fields.Rate), Quantity("rate")),
    (_reader(fields.Share), Quantity("number")),
    (_reader(fields.Whole), Quantity("number", whole=True)),
    (_reader(IntOrPercent), Quantity("number", whole=True)),
)
