"""What the pages show beside commands is true: Python runs, the scenario is the shipped one, the lists are whole."""

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from markdown_page import PAGES, ROOT, Block, blocks

import simsticky as ss
from simsticky.scenario.operations import VERBS

GUIDE = ROOT / "docs" / "guide"
SCENARIO = GUIDE / "scenario.md"
SHOWN = [(page, block) for page in PAGES for block in blocks(page)]
PYTHON = [block for page, block in SHOWN if block.language == "python" and page == GUIDE / "python.md"]
RECIPE = ROOT / "docs" / "mirror_an_experiment.md"
SCENARIOS = sorted(path.stem for path in (ROOT / "scenarios").glob("*.yaml"))

FEWER = {"n=10": "n=2", "n=20": "n=2"}
"""Replications that an example asks for, and that are made instead."""


def test_every_fence_is_of_a_language_that_a_test_reads() -> None:
    """No example stands on a page that nothing runs: a fence of another language is noticed."""
    languages = {(page.name, block.language) for page, block in SHOWN if block.language not in {"sh", "text"}}
    assert languages == {  # of a shell: test_page_commands.py, which also writes and checks what is text
        ("scenario.md", "yaml"),
        ("python.md", "python"),
        ("CONTRIBUTING.md", ""),  # the layers, which lint-imports checks
        ("ci.md", "yaml"),  # tests/packaging/test_ci_page.py
        ("logs.md", "yaml"),  # tests/unit/logs/test_fit_verb.py
        ("mirror_an_experiment.md", "python"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.heading)
def test_an_example_in_python_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example in Python runs, and what it calls frames of pandas are some."""
    monkeypatch.chdir(ROOT)
    text = block.text
    for shown, instead in FEWER.items():
        assert shown in text, f"{shown} is shown no more"
        text = text.replace(shown, instead)
    names: dict[str, object] = {}
    exec(compile(text, "python.md", "exec"), names)
    for line in text.splitlines():
        code, _, comment = line.partition("#")
        if "a pandas frame" in comment:
            owner, _, frame = code.strip().partition(".")
            for name in [frame, *re.findall(r"\.(\w+)", comment)]:
                assert isinstance(getattr(names[owner], name), pd.DataFrame), name


def test_the_recipe_runs_and_finds_what_it_says() -> None:
    """The blocks of the recipe run one after the other, and the sentences beside them are true."""
    names: dict[str, Any] = {}
    for block in blocks(RECIPE):
        exec(compile(block.text, str(RECIPE), "exec"), names)
    assert names["first"] == [14, 13, 13]
    deleted = names["result"].pods.dropna(subset="deleted_s")
    assert len(deleted) == 1
    assert deleted.index.tolist() == [2]
    found = names["found"]
    assert found.estimate > 0
    assert found.low == found.high == found.estimate


def test_the_scenario_shown_is_the_shipped_one(tmp_path: Path) -> None:
    """The scenario shown is ``rolling.yaml`` to the same digest; only the description is left out."""
    (shown,) = [block.text for block in blocks(SCENARIO) if block.language == "yaml"]
    shutil.copytree(ROOT / "scenarios" / "manifests", tmp_path / "manifests")
    copied = tmp_path / "rolling.yaml"
    copied.write_text(shown, encoding="utf-8")
    shipped = ss.load(ROOT / "scenarios" / "rolling.yaml")
    assert ss.load(copied).evolve({"about": shipped.about}).digest() == shipped.digest()


def test_the_table_names_every_shipped_scenario() -> None:
    """Each one that is shipped is named once, and no other."""
    rows = re.findall(r"^\| (`.*?`) \|", SCENARIO.read_text("utf-8"), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == SCENARIOS


def test_no_operation_is_left_out() -> None:
    """Every operation is in the list, or on the timeline of a shipped scenario."""
    further = re.search(r"^Further operations: (.*?);", SCENARIO.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert further is not None
    shown = {operation.verb for name in SCENARIOS for operation in ss.load(ROOT / f"scenarios/{name}.yaml").timeline}
    assert shown | set(re.findall(r"`(\w+)`", further[1])) == set(VERBS)
