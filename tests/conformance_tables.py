"""Tables of cases: where they are, and how each case becomes one test with a readable name.

A test function takes its cases from a file by a marker and gets one at a time as the argument ``case``::

    @pytest.mark.table("kubernetes", "deployment_rolling", "reconcile_new_replicaset.cases")
    def test_reconcile_new(case): ...

The third argument is the dotted path of a list inside the file; a path to an object of plain values gives one
``(key, value)`` pair at a time, any other object is one case. ``"*"`` gives ``(section, key, value)`` for
everything two levels deep. Fields given by name (``kind="..."``) take the cases that have these values. The fixture
``table`` is the whole file. Code that needs more calls ``load_table``. ``pytest --conformance-tables DIR`` reads the
same file names from another folder; a file or section that is missing there is named by one skipped test, in our own
folder it is an error.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

OWN_TABLES = Path(__file__).parent / "conformance" / "tables"


def tables_dir(config: pytest.Config) -> Path:
    """Return the folder that holds ``kubernetes/``, ``kong/`` and ``theory/``."""
    chosen = config.getoption("--conformance-tables", default=None)
    return config.invocation_params.dir / chosen if chosen else OWN_TABLES


def load_table(config: pytest.Config, area: str, name: str) -> dict[str, Any] | None:
    """Return the table ``area/name.json``, ``None`` if another folder was chosen and does not hold it.

    Raises:
        FileNotFoundError: The table is missing from the repository's own folder.
    """
    folder = tables_dir(config)
    path = folder / area / f"{name}.json"
    if not path.exists() and folder.resolve() != OWN_TABLES.resolve():
        return None
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def section(table: dict[str, Any], path: str, fields: Mapping[str, Any] | None = None) -> list[Any] | None:
    """Return the cases at a dotted path as a list, ``None`` if the path leads nowhere.

    With fields only the cases that have these values, ``None`` if there are none.
    """
    if fields:
        cases = section(table, path) or []
        return [case for case in cases if fields.items() <= case.items()] or None
    if path == "*":
        sections = {name: part for name, part in table.items() if isinstance(part, dict)}
        return [(name, *pair) for name, part in sections.items() for pair in _pairs(part)]
    found: Any = table
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    if isinstance(found, list):
        return found
    if any(isinstance(value, dict | list) for value in found.values()):
        return [found]
    return _pairs(found)


def _pairs(part: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in part.items() if not key.startswith("_") and key != "note"]


def case_id(case: Any, number: int) -> str:
    """Return a short readable name: the case's own label, or what goes into it."""
    if isinstance(case, tuple):
        words = ".".join(str(key) for key in case[:-1])
    elif isinstance(case, dict):
        named = next((case[key] for key in ("label", "why", "change", "name") if case.get(key)), None)
        given = {key: value for key, value in case.items() if not key.startswith(("expect", "steps"))}
        words = str(named) if named else " ".join(f"{key}={value}" for key, value in given.items())
        words = words.replace("'", "")
    else:
        words = str(case)
    return f"{number}: {re.sub(r'[^ -~]', '?', words)[:100]}".strip(": ")
