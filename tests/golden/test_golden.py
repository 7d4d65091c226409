"""Every shipped scenario keeps its numbers and its story; ``--rewrite-golden`` writes them anew and prunes."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from golden_case import (
    COMMAND,
    DIGEST,
    VERSIONS,
    Case,
    behind,
    difference,
    names,
    numbers,
    orphans,
    same_machine,
    versions,
)


@pytest.fixture
def rewrites(request: pytest.FixtureRequest) -> bool:
    """Whether the files are to be written anew."""
    return bool(request.config.getoption("--rewrite-golden"))


@pytest.mark.parametrize("name", names())
def test_a_shipped_scenario_gives_what_it_gave(name: str, rewrites: bool) -> None:
    """The numbers and the story of a shipped scenario change only when somebody means them to."""
    case = Case(name)
    made = case.run()
    if rewrites:
        case.write(made)
    kept = case.kept()
    if kept and not rewrites and not same_machine():
        kept[DIGEST] = made[DIGEST]  # the other numbers are to be the same, to as many digits as are kept
    assert kept == made, difference(case, kept, made)


def test_every_golden_folder_has_its_scenario(rewrites: bool) -> None:
    """A folder without a scenario fails, and the rewrite flag prunes it."""
    if rewrites:
        VERSIONS.write_text(versions(), "utf-8")
        for folder in orphans():
            shutil.rmtree(folder)
    left = [folder.name for folder in orphans()]
    assert not left, f"no scenario belongs to {', '.join(left)}; prune with\n    {COMMAND}"


def test_a_folder_without_a_scenario_is_found(tmp_path: Path) -> None:
    """The pruning takes the folders that no scenario belongs to, and no others."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/kept.yaml").touch()
    for name in ("kept", "left"):
        (tmp_path / "cases" / name).mkdir(parents=True)
    (tmp_path / "cases/versions.json").touch()
    assert orphans(tmp_path / "cases", tmp_path / "scenarios") == [tmp_path / "cases/left"]


def test_a_scenario_without_files_names_the_command() -> None:
    """The failure says what to run."""
    assert COMMAND in difference(Case("new"), {}, {"story.txt": "a\n"})


def test_a_changed_line_is_shown_with_what_may_be_behind_it() -> None:
    """The failure shows the old and the new line, and what to do about it."""
    text = difference(Case("x"), {"story.txt": "one\ntwo\n"}, {"story.txt": "one\nthree\n"})
    assert "-two\n" in text
    assert "+three\n" in text
    assert COMMAND in text


def test_other_libraries_are_named_first() -> None:
    """After an upgrade of NumPy the message says so, else that the model changed."""
    old, new = json.dumps({"numpy": "1.0", "simpy": "4"}), json.dumps({"numpy": "2.0", "simpy": "4"})
    assert "numpy 1.0 (here 2.0)" in behind(old, new)
    assert "simpy" not in behind(old, new)
    assert "Results change" in behind(new, new)


def test_numbers_are_rounded_and_sorted() -> None:
    """The kept numbers have their keys in order, few decimals, and no load skew but that of sessions."""
    summary = {"b": 1 / 3, "a": 2, "load_skew.requests.serving.cv": 1.0, "load_skew.sessions.serving.cv": None}
    stub: Any = SimpleNamespace(summary=summary)
    assert json.loads(numbers(stub)) == {"a": 2, "b": 0.3333, "load_skew.sessions.serving.cv": None}
    assert numbers(stub).index('"a"') < numbers(stub).index('"b"')
