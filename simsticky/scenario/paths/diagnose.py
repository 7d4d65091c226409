"""Pydantic's validation errors, told as places in the person's own files."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simsticky.errors import Diagnostic
from simsticky.scenario.location import Keys, Place, dotted
from simsticky.scenario.operations import VERBS
from simsticky.scenario.paths.vocabulary import kinds_of, models_at, suggestion
from simsticky.scenario.problems import did_you_mean
from simsticky.units import quoted

Locate = Callable[[Keys, bool], tuple[Keys, Place | None]]
"""Finds a path's place (of the key, if the flag is set): the part of the path it found, and the place.

A place without a path of its own is followed by the whole path."""


def diagnose(error: ValidationError, root: type[BaseModel], data: Any, locate: Locate) -> list[Diagnostic]:
    """Return an error's problems, each at its place, without repetitions.

    Args:
        error: What pydantic raised for ``data``.
        root: The model that was validated.
        data: The plain mapping that was validated.
        locate: Finds places.
    """
    found: dict[Diagnostic, None] = {}
    for line in error.errors(include_url=False):
        path = _written_path(line, data)
        message, hint = _message(line, root, path, data)
        of_key = line["type"] == "extra_forbidden"
        known, place = locate(path, of_key)
        if place is None:
            diagnostic = Diagnostic("", None, None, dotted(path), message, hint)
        else:
            rest = path[len(known) :]  # what the manifests call by another name keeps that name
            shown = ".".join(part for part in (place.path, dotted(rest)) if part)
            diagnostic = Diagnostic(place.file, place.line, place.column, shown, message, hint)
        found[diagnostic] = None
    return list(found)


def _written_path(line: ErrorDetails, data: Any) -> Keys:
    """Return the part of pydantic's location that exists in what was written.

    Pydantic also names the members of unions and the fields of normalised forms; those nobody wrote.
    """
    path: Keys = ()
    node = data
    last = len(line["loc"]) - 1
    for i, key in enumerate(line["loc"]):
        if key in VERBS and i == 2 and i < last and path[:1] == ("timeline",):
            continue  # the name of the union's member, although it is a key too
        if isinstance(node, Mapping) and key in node:
            node = node[key]
            path = (*path, key)
        elif isinstance(node, Mapping) and "delays" in node and i == 1:
            node = node["delays"]
            path = (*path, "delays")
        elif isinstance(node, list | tuple) and isinstance(key, int) and key < len(node):
            node = node[key]
            path = (*path, key)
        elif i == last and line["type"] == "missing" and isinstance(node, Mapping):
            path = (*path, key)
    return path


_LIMITS = {
    "greater_than": ("must be greater than {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than": ("must be less than {}", "lt"),
    "less_than_equal": ("must be at most {}", "le"),
}
_TYPES = {
    "string_type": "must be text",
    "string_unicode": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
}


def _message(line: ErrorDetails, root: type[BaseModel], path: Keys, data: Any) -> tuple[str, str]:
    kind, context, given = line["type"], line.get("ctx", {}), line["input"]
    if kind == "rule":
        return str(context["message"]), str(context["hint"])
    if kind == "value_error":
        return line["msg"].removeprefix("Value error, "), ""
    if kind == "extra_forbidden":
        hint = suggestion(root, path, data)
        return f"unknown, {hint}" if hint else "unknown", ""
    if kind == "missing":
        return "required, but missing", ""
    if kind in _LIMITS:
        text, limit = _LIMITS[kind]
        return f"{text.format(f'{context[limit]:g}')}, got {_short(given)}", ""
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        if len(words) == 1:
            return f"must be {words[0]}, got {_short(given)}", ""
        hint = did_you_mean(given, words) if isinstance(given, str) else ""
        return f"{_short(given)} is not one of {', '.join(words)}", hint
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        kinds = kinds_of(models_at(root, path, data if kind == "union_tag_not_found" else None))
        if kind == "union_tag_not_found":
            return f"needs a kind: one of {', '.join(kinds)}", ""
        tag = str(context.get("tag", ""))
        hint = did_you_mean(tag, kinds)
        return f"unknown kind {quoted(tag)}, one of {', '.join(kinds)}", hint
    if kind in ("too_short", "string_too_short"):
        return "must not be empty", ""
    if kind in _TYPES:
        return f"{_TYPES[kind]}, got {_short(given)}", ""
    return f"{line['msg'][:1].lower()}{line['msg'][1:]}, got {_short(given)}", ""


def _short(value: Any) -> str:
    """Return how a person would name a value that is out of place."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return quoted(value)


def in_order(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return diagnostics by file (in order of appearance), line and column, without repetitions."""
    unique = list(dict.fromkeys(problems))
    files = {problem.file: i for i, problem in reversed(list(enumerate(unique)))}
    return sorted(unique, key=lambda p: (files[p.file], p.line or 0, p.column or 0))
