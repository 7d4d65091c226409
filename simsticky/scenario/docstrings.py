"""What stands below the fields of a model in its source: their descriptions in the JSON schema."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel


def describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Give each property of a model's JSON schema the docstring of its field, unless the field is described otherwise.

    A docstring says more of a field than what its type says of itself, so it takes the place of that.

    Args:
        schema: The schema, with its ``properties`` by the names in YAML.
        model: The model.
    """
    properties = schema.get("properties", {})
    for name, text in docstrings(model).items():
        field = model.model_fields.get(name)
        if field is not None and field.description is None and (field.alias or name) in properties:
            properties[field.alias or name]["description"] = text


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field of a model, its parents' included; without its source none."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls is not BaseModel:
            found.update(_below(_classes(cls.__module__).get(cls.__name__)))
    return found


def _below(definition: ast.ClassDef | None) -> Iterator[tuple[str, str]]:
    """Yield the name of each annotated attribute that is followed by a text, and the text."""
    for field, text in pairwise([] if definition is None else definition.body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            yield field.target.id, inspect.cleandoc(text.value.value)


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    try:
        source = inspect.getsource(sys.modules[module])
    except OSError:  # shipped without
        return {}
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
