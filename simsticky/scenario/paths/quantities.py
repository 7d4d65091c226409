"""What kind of number a setting takes: for values that follow other settings, and for ranges to draw from."""

import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from simsticky.scenario import fields
from simsticky.scenario.containers import PreStop
from simsticky.scenario.deployment import IntOrPercent
from simsticky.scenario.distributions import Constant, CountLaw, LawBase
from simsticky.scenario.location import Keys, value_at
from simsticky.scenario.paths.vocabulary import models_at, models_below
from simsticky.scenario.sections import Sections
from simsticky.scenario.short_names import full_keys
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

    The annotation of its field says so. A law written as a constant (``app.startup: 2s``) counts as a time, or as a
    number where its field counts things; so do the parameters of a law, and a preStop hook is a time.
    """
    keys = full_keys(keys)
    root, data = type(scenario), scenario.to_json_dict()
    parents = models_at(root, keys[:-1], data)
    found = {_of_field(model, str(keys[-1])) for model in parents}
    found.discard(TEXT)
    if len(found) != 1:
        return TEXT
    quantity = found.pop()
    if quantity.dimension == "time" and any(issubclass(model, LawBase) for model in parents):
        counts = any(_counts(model, str(keys[-2])) for model in models_at(root, keys[:-2], data))
        return Quantity("number") if counts else quantity
    return quantity


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
    keys = full_keys(keys)
    node: Any = scenario.to_json_dict()
    parents = models_at(type(scenario), keys[:-1], node)
    if any(models_below(model, str(keys[-1])) == (PreStop,) for model in parents):
        hook = scenario.deployment.pre_stop
        return (0.0 if hook is None else max(hook.seconds, hook.at_most_s)), quantity
    for key in keys:
        node = value_at(node, key)
    if isinstance(node, Mapping):
        if node.get("kind") != Constant.model_fields["kind"].default:
            raise ValueError(f"is a law of kind {node.get('kind')} and no single number")
        node = node["value"]
    if node is None:
        raise ValueError("has no value")
    return quantity.read(node), quantity


def _of_field(model: type[BaseModel], key: str) -> Quantity:
    below = models_below(model, key)
    if below == (PreStop,):
        return Quantity("time", whole=True)  # Kubernetes' preStop.sleep.seconds is an integer
    if below:
        is_law = all(issubclass(law, LawBase) for law in below)
        return TEXT if not is_law else Quantity("number" if _counts(model, key) else "time")
    field = _field(model, key)
    if field is None:
        return TEXT
    readers = _readers(field)
    for reader, quantity in _KINDS:
        if reader in readers:
            return quantity
    return _PLAIN.get(_plain_types(field.annotation), TEXT)


def _field(model: type[BaseModel], key: str) -> FieldInfo | None:
    return next((field for name, field in model.model_fields.items() if (field.alias or name) == key), None)


def _counts(model: type[BaseModel], key: str) -> bool:
    """Whether a field holds a law of a number of things."""
    field = _field(model, key)
    return field is not None and _READS_COUNTS in _readers(field)


def _readers(field: FieldInfo) -> set[Any]:
    """Return the functions that read a field's value: they are what tells a duration from a share."""
    return {getattr(part, "func", None) for part in (*field.metadata, *_inner(field.annotation))}


def _inner(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        first, *others = get_args(annotation)
        return (*others, *_inner(first))
    return tuple(part for argument in get_args(annotation) for part in _inner(argument))


def _plain_types(annotation: Any) -> frozenset[Any]:
    """Return the types that an annotation allows beside None, whatever else it says of them."""
    if get_origin(annotation) is Annotated:
        return _plain_types(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return frozenset().union(*map(_plain_types, get_args(annotation))) - {types.NoneType}
    return frozenset([annotation])


def _reader(annotation: Any) -> Any:
    """Return the outermost function that reads values of an annotated type."""
    return next(part.func for part in reversed(get_args(annotation)) if isinstance(part, BeforeValidator))


_READS_COUNTS = _reader(CountLaw)
_KINDS = (
    (_reader(fields.WholeSeconds), Quantity("time", whole=True)),
    (_reader(fields.Duration), Quantity("time")),
    (_reader(fields.Rate), Quantity("rate")),
    (_reader(fields.Share), Quantity("number")),
    (_reader(fields.Whole), Quantity("number", whole=True)),
    (_reader(IntOrPercent), Quantity("number", whole=True)),
)
_PLAIN = {frozenset([float]): Quantity("number"), frozenset([int]): Quantity("number", whole=True)}
