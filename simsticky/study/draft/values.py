"""The values of a draft, and how they are written down: YAML with the origin of each value beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simsticky.scenario.location import read_documents

_PLAIN = re.compile(
    r"(\.{1,2}/)*[A-Za-z/][A-Za-z0-9_./@+-]*|\d[\d.]*(ns|us|ms|s|m|h|%)[\dnusmh.]*|\d+/(s|min|h|d)", re.ASCII
)
"""Texts that YAML takes as they are; :func:`flow` looks whether they would be read as something else."""

_FARTHEST = 44
"""Column of comments, where the values leave them that much room."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a draft.

    Attributes:
        path: Where it stands, for example ``("traffic", "rps")``.
        written: The value in YAML, on one line.
        origin: Where it is from, beginning with ``read``, ``stated`` or ``GUESS``.
        ends: For a guess: two values around it, written likewise, whose answers say how much it matters; else none.
    """

    path: tuple[str, ...]
    written: str
    origin: str
    ends: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its dotted path."""
        return ".".join(self.path)

    @property
    def is_guess(self) -> bool:
        """Whether nobody has said it."""
        return self.origin.startswith("GUESS")


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and _read_back(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _read_back(text: str) -> Any:
    # A document that is null is none at all, a value is one.
    return read_documents(f"value: {text}", "a value", as_kubectl=True)[0].data["value"]


def block(values: Sequence[Value]) -> list[str]:
    """Return values as lines of YAML, sections in the order in which they come first, origins as comments."""
    tree: dict[str, Any] = {}
    for value in values:
        node = tree
        for key in value.path[:-1]:
            node = node.setdefault(key, {})
        node[value.path[-1]] = value
    lines: list[str] = []
    for section, below in tree.items():
        found = _lines({section: below}, 0)
        width = min(_FARTHEST, max(len(text) for text, _ in found))
        lines += [f"{text:<{width}} # {origin}" if origin else text for text, origin in found]
    return lines


def _lines(tree: Mapping[str, Any], depth: int) -> list[tuple[str, str]]:
    found = []
    for key, below in tree.items():
        name = "  " * depth + flow(key)
        if isinstance(below, Value):
            found.append((f"{name}: {below.written}", below.origin))
        else:
            found += [(f"{name}:", ""), *_lines(below, depth + 1)]
    return found
