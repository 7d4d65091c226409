"""That no recorded case of Kong lies unread."""

import json
import re
from pathlib import Path

import pytest
from conformance_tables import tables_dir

INPUTS = {"notes", "keys", "key_xxh32"}
"""Lists in the tables that are not cases."""

MARK = re.compile(r'pytest\.mark\.table\("kong", "(\w+)", "(\w+)"\)')


def test_every_list_of_cases_is_read(pytestconfig: pytest.Config) -> None:
    """Each list of each file of cases is the argument of a test."""
    tests = Path(__file__).parent.glob("test_kong_*_table.py")
    read = {match for test in tests for match in MARK.findall(test.read_text(encoding="utf-8"))}
    there = {
        (file.stem, section)
        for file in (tables_dir(pytestconfig) / "kong").glob("*.json")
        for section, part in json.loads(file.read_text(encoding="utf-8")).items()
        if isinstance(part, list) and section not in INPUTS
    }
    assert there <= read
