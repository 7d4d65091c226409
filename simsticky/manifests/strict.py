"""The API server's strict decoding: a field that a type does not have, and a value of another type, are errors.

Source: Kubernetes, apimachinery/pkg/runtime/serializer/json and apiserver/pkg/endpoints/handlers (fieldValidation:
Strict); CustomResourceDefinitions with structural schemas are held to the same. ``null`` stands for an absent value.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from simsticky.manifests.field_table import REST, Field, FieldTable, Release
from simsticky.manifests.whereabouts import Keys, is_meant


class Fault(NamedTuple):
    """What the API server would refuse.

    Attributes:
        kind: ``unknown`` (no such field there), ``type`` (not what the field holds) or ``duplicate`` (given twice).
        keys: Path of the value in its object.
        type: Name of the type that has no such field, or of what the value should be.
        value: What stands there.
        message: What is wrong.
        hint: How to mend it; may be empty.
        open: Whether the type may have other fields than are known here: then only a field that is surely meant to be
            a known one is at fault.
    """

    kind: Literal["unknown", "type", "duplicate"]
    keys: Keys
    type: str
    value: Any
    message: str
    hint: str = ""
    open: bool = False


class Dated(NamedTuple):
    """A field that not every release knows.

    Attributes:
        keys: Path of the value in its object.
        since: The release it came with, or None.
        until: The last release that knew it, or None.
    """

    keys: Keys
    since: Release | None
    until: Release | None


def check(table: FieldTable, root: Field, data: Mapping[str, Any]) -> tuple[list[Fault], list[Dated]]:
    """Return what is wrong with an object, at every depth, and which of its fields came or went at some release.

    Args:
        table: The fields that are known.
        root: The object's kind in the table.
        data: The object.
    """
    walk = _Walk(table)
    if root.since is not None or root.until is not None:
        walk.dated.append(Dated(("apiVersion",), root.since, root.until))
    walk.value(data, root.type, ())
    faults = [
        fault
        for fault in walk.faults
        if not fault.open or is_meant(table, root.type, fault.keys, fault.type, fault.value)
    ]
    return faults, walk.dated


class _Walk:
    def __init__(self, table: FieldTable) -> None:
        self.table = table
        self.faults: list[Fault] = []
        self.dated: list[Dated] = []

    def field(self, value: Any, field: Field, keys: Keys) -> None:
        if field.shape == "list":
            if not isinstance(value, list):
                self._wrong(value, "list", keys)
                return
            for i, item in enumerate(value):
                self.value(item, field.type, (*keys, i))
        elif field.shape == "map":
            if not isinstance(value, Mapping):
                self._wrong(value, "map", keys)
                return
            for key, below in value.items():
                self.value(below, field.type, (*keys, key))
        else:
            self.value(value, field.type, keys)

    def value(self, value: Any, type_name: str, keys: Keys) -> None:
        if type_name == "any":
            return
        holds = _HOLDS.get(type_name)
        if holds is not None:
            if value is not None and not holds(value):
                self._wrong(value, type_name, keys)
            return
        if not isinstance(value, Mapping):
            self._wrong(value, "map", keys)
            return
        fields = self.table.fields(type_name)
        for key, below in value.items():
            known = fields.get(key)
            if known is None:
                text = f"unknown field {key}"
                self.faults.append(Fault("unknown", (*keys, key), type_name, below, text, open=REST in fields))
            elif below is not None:
                if known.since is not None or known.until is not None:
                    self.dated.append(Dated((*keys, key), known.since, known.until))
                self.field(below, known, (*keys, key))

    def _wrong(self, value: Any, wanted: str, keys: Keys) -> None:
        message = f"must be {_WANTED[wanted]}, got {shown(value)}"
        self.faults.append(Fault("type", keys, wanted, value, message, _hint(value, wanted)))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_HOLDS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "quantity": lambda value: isinstance(value, str) or _is_number(value),
    "int-or-string": lambda value: isinstance(value, str) or _is_integer(value),
}
_WANTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "quantity": "a number or text",
    "int-or-string": "a whole number or text",
    "list": "a list",
    "map": "a mapping",
}


def _hint(value: Any, wanted: str) -> str:
    if wanted == "string" and isinstance(value, bool | int | float):
        return f'put it in quotes: "{shown(value)}"'
    if isinstance(value, str):
        plain = value.strip()
        is_bool = wanted == "boolean" and plain in ("true", "false")
        if is_bool or (wanted == "integer" and plain.lstrip("-").isdecimal()):
            return f"write it without quotes: {plain}"
    if wanted == "list" and value is not None and not isinstance(value, list):
        return "begin each item with a dash"
    return ""


def shown(value: Any) -> str:
    """Return how a person would name a value that is out of place."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    try:
        return str(value)[:60]
    except ValueError:  # more digits than Python turns into text
        return "a very long number"
