"""Which fields each kind of object has, and of what type: the table that ``docs/distil_fields.py`` writes.

``fields.json`` holds Kubernetes' own kinds, from the published schemas of the releases it names;
``custom_fields.json`` those of Kong, the Gateway API and Argo Rollouts, written by hand from their definitions.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

_FILES = ("fields.json", "custom_fields.json")
SCALARS: Final = ("string", "integer", "number", "boolean", "quantity", "int-or-string", "any")
"""The types that are not made of fields; ``any`` is not looked into."""
REST: Final = "*"
"""The field of a type whose other fields are not known here, and allowed."""

Release = tuple[int, int]


class Field(NamedTuple):
    """One field of a type.

    Attributes:
        shape: What its value is: ``list``, ``map``, or empty for a single value.
        type: One of :data:`SCALARS` or the name of a type; of each item where the value is a list or map. A list of
            lists and the like is no single value's type and stands here as it is in the table.
        since: The release it came with; None if it is as old as its type, or older than the table.
        until: The last release that knew it; None if the newest does.
    """

    shape: str
    type: str
    since: Release | None = None
    until: Release | None = None


Type = Mapping[str, Field]
Path = tuple[str, ...]


def parse(text: str) -> Field:
    """Return what the table says of a field, as ``[]core.v1.Container since 1.16``."""
    written, *dates = text.split(" ")
    known = {word: _release(release) for word, release in zip(dates[::2], dates[1::2], strict=True)}
    shape = {"[]": "list", "{}": "map"}.get(written[:2], "")
    return Field(shape, written[2:] if shape else written, known.get("since"), known.get("until"))


def _release(text: str) -> Release:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


class FieldTable:
    """The fields of every kind that is known.

    Args:
        parts: Tables as the script writes them; a later one adds to those before.

    Attributes:
        releases: The releases of Kubernetes that the first of them was made of, oldest first.
    """

    def __init__(self, *parts: Mapping[str, Any]) -> None:
        self._kinds: dict[str, str] = {}
        self._types: dict[str, Mapping[str, str]] = {}
        self.releases: tuple[str, ...] = tuple(parts[0].get("releases", ())) if parts else ()
        for part in parts:
            self._kinds |= part["kinds"]
            self._types |= part["types"]
        self._parsed: dict[str, Type] = {}
        self._paths: dict[str, list[tuple[Path, str]]] = {}

    def kind(self, api_version: str, kind: str) -> Field | None:
        """Return the root of a kind; None if the table does not hold it in this version."""
        text = self._kinds.get(f"{api_version} {kind}")
        return None if text is None else parse(text)

    def kinds(self) -> Iterator[tuple[str, str]]:
        """Yield every kind, as apiVersion and kind."""
        for name in self._kinds:
            version, _, kind = name.partition(" ")
            yield version, kind

    def fields(self, type_name: str) -> Type:
        """Return the fields of a type by their names; none of a type that is not made of fields."""
        found = self._parsed.get(type_name)
        if found is None:
            written = self._types.get(type_name, {})
            found = self._parsed[type_name] = {name: parse(text) for name, text in written.items()}
        return found

    def type_at(self, type_name: str, path: Iterable[str]) -> str:
        """Return the type that a path, as :meth:`paths` writes it, leads to; empty if it leads nowhere."""
        for step in path:
            field = self.fields(type_name).get(step.removesuffix("[]"))
            if field is None:
                return ""
            type_name = field.type
        return type_name

    def paths(self, type_name: str) -> list[tuple[Path, str]]:
        """Return the path to every type below one, and that type; ``containers[]`` stands for any item of a list."""
        if type_name not in self._paths:
            self._paths[type_name] = list(self._walk(type_name, (), ()))
        return self._paths[type_name]

    def _walk(self, type_name: str, path: Path, above: Path) -> Iterator[tuple[Path, str]]:
        yield path, type_name
        for key, field in self.fields(type_name).items():
            if field.type in self._types and field.type not in above:
                step = f"{key}[]" if field.shape else key
                yield from self._walk(field.type, (*path, step), (*above, type_name))


@cache
def shipped() -> FieldTable:
    """Return the table that ships."""
    folder = files(__package__)
    return FieldTable(*(json.loads((folder / name).read_text(encoding="utf-8")) for name in _FILES))
