"""The pages that say where things are: every file and name exists, and the picture shows the rooms there are."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from markdown_page import ROOT, blocks
from scripts_of_docs import script as load

PAGES = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
_NAMED = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|json|yaml|toml|svg))(?::([\w.]+))?`")
_PYTHON_FILE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.py)(?::([\w.]+))?`")
_FOLDER = re.compile(r"`((?:[\w.-]+/)+)`")
_GENERATED = {"NAME.yaml", "NAME.py"}
"""Stand for any name."""


def place_of(name: str) -> Path | None:
    """Return the file or folder of a name on a page: below the package, or the repository; a bare one anywhere."""
    whole = (ROOT / "simsticky" / name, ROOT / name)
    anywhere = () if "/" in name.rstrip("/") else _of_name(name.rstrip("/"))
    return next((path for path in (*whole, *anywhere) if path.exists()), None)


@cache
def _of_name(name: str) -> tuple[Path, ...]:
    return tuple(path for folder in ("simsticky", "tests", "docs") for path in (ROOT / folder).rglob(name))


def _is_near(file: Path, name: str, within: str) -> bool:
    """Return whether a name in a file is that of another, in its own folder or anywhere; it may be a path's end."""
    near = next((path for path in (file.parent / name, *_of_name(name), ROOT / name) if path.exists()), None)
    return near is not None and (not within or within in names_in(near))


def names_in(file: Path) -> set[str]:
    """Return what a Python file defines: functions, classes, ``Class.method``, attributes and constants."""
    return set(_names(ast.parse(file.read_text(encoding="utf-8")).body, ""))


def _names(body: list[ast.stmt], within: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield within + node.name
        if isinstance(node, ast.ClassDef):
            yield from _names(node.body, f"{within}{node.name}.")
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (within + target.id for target in targets if isinstance(target, ast.Name))


def missing_in(text: str) -> list[str]:
    """Return what a text names in backticks and is not there: ``path``, ``path.py:name`` or ``folder/``."""
    found = []
    for named in _NAMED.finditer(text):
        path, name = place_of(named[1]), named[2]
        if named[1].rpartition("/")[2] in _GENERATED:
            continue
        if path is None or (name is not None and name not in names_in(path)):
            found.append(named[0])
    return found + [folder[0] for folder in _FOLDER.finditer(text) if place_of(folder[1]) is None]


@pytest.fixture(scope="module")
def house() -> ModuleType:
    """The script that draws the picture."""
    return load("house")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_and_name_on_the_page_exists(page: Path) -> None:
    """Every file and name on the page is there."""
    text = page.read_text(encoding="utf-8")
    assert len(_NAMED.findall(text)) > 10
    assert missing_in(text) == []


@pytest.mark.parametrize("folder", ["docs", "simsticky", "tests"])
def test_no_page_and_no_docstring_names_a_file_that_is_gone(folder: str) -> None:
    """No page and no docstring has a name that a file had before it moved; a bare name may be anywhere."""
    files = [
        file for kind in ("*.md", "*.py") for file in sorted((ROOT / folder).rglob(kind)) if file != Path(__file__)
    ]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    gone = [
        f"{file.relative_to(ROOT)}: {name} {within}"
        for file, text in texts.items()
        for name, within in _PYTHON_FILE.findall(text)
        if not _is_near(file, name, within)
    ]
    assert gone == []


def test_the_layers_in_contributing_are_those_that_are_held() -> None:
    """The layers in CONTRIBUTING are those that ``lint-imports`` reads."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    held = " > ".join(contract["layers"]).replace("simsticky.", "")
    (written,) = (block.text for block in blocks(ROOT / "CONTRIBUTING.md") if block.text.startswith("cli >"))
    assert " ".join(written.split()) == held


def test_files_names_and_folders_that_are_not_there_are_found() -> None:
    """Names that lead nowhere are found, and names that lead somewhere are not."""
    there = "`units.py`, `docs/house.py:rows`, `simulate.py:simulate`, `sim/`, `kong/balancer.py:Balancer.get_peer`"
    assert missing_in(there) == []
    gone = ["`unit.py`", "`simulate.py:simulated`", "`kong/balancer.py:Balancer.last_peer`", "`sum/`"]
    assert missing_in(f"{there}, {', '.join(gone)}") == gone


def test_every_folder_is_a_room(house: ModuleType) -> None:
    """The picture shows every folder."""
    for folder in (ROOT / "simsticky", ROOT / "simsticky" / "sim"):
        rooms = [file.parent.relative_to(ROOT / "simsticky") for file in folder.glob("*/__init__.py")]
        assert {".".join(room.parts) for room in rooms} <= set(house.ROOMS)
    assert [module for module in house.modules() if house.room_of(module) is None] == ["simsticky"]


def test_imports_between_rooms_go_down(house: ModuleType) -> None:
    """Each room stands in a row above all that it imports."""
    row = {room: number for number, rooms in enumerate(house.rows()) for room in rooms}
    assert set(row) == {house.outer(room) for room in house.ROOMS}
    assert [(one, other) for one, others in house.imports().items() for other in others if row[one] >= row[other]] == []


def test_the_picture_is_up_to_date(house: ModuleType) -> None:
    """``python docs/house.py`` draws it; sizes may be off by a fifth, so that not every change draws it anew."""
    written = house.PICTURE.read_text(encoding="utf-8")
    assert house.is_current(written)
    assert not house.is_current(written.replace("cli imports report, ", ""))
    assert not house.is_current(written.replace("cli (3", "cli (6"))
    shown = re.findall(r'<text class="name" x="\S+" y="\S+">([\w/]+)</text>', written)
    assert sorted(shown) == sorted(house.name_of(room) for room in house.ROOMS)
    assert written.count('<path class="arrow"') == len(house.arrows())
