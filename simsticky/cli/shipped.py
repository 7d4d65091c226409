"""The shipped scenarios: found in the installed package or in the repository, written out with all they need."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simsticky.cli import console, places
from simsticky.errors import InputError


def folder() -> Path:
    """Return the directory of the shipped scenarios: in the wheel, or at the top of the repository.

    Raises:
        InputError: There is none.
    """
    package = Path(__file__).parents[1]
    for place in (package / "shipped", package.parent / "scenarios"):
        if (place / "rolling.yaml").is_file():
            return place
    raise InputError.of("this installation holds no scenarios", file="--example")


def names() -> list[str]:
    """Return the names of the shipped scenarios."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def write_example(asked: list[str], out: Path | None, *, force: bool, quiet: bool) -> None:
    """Write a shipped scenario with what it names below a directory, and print its files; or list all.

    Args:
        asked: Name of the scenario; empty for the list.
        out: The directory; the working directory if None.
        force: Overwrite files that are there.
        quiet: Do not say what to do next.

    Raises:
        InputError: There is no such scenario, a file is there already, or cannot be written.
    """
    from simsticky.scenario.problems import did_you_mean

    if not asked:
        console.print_text("".join(_entry(name, console.width()) for name in names()))
        return
    if len(asked) > 1:
        raise InputError.of("takes one name", file="--example", hint=f"simsticky init --example {asked[0]}")
    name = asked[0].removesuffix(".yaml")
    if name not in names():
        hint = did_you_mean(name, names()) or "simsticky init --example lists them"
        raise InputError.of(f"there is no shipped scenario {name!r}", file="--example", hint=hint)
    to = out or Path()
    if to.exists() and not to.is_dir():
        raise InputError.of(f"{to} is a file, a directory is wanted", file="--out")
    texts = {to / relative: (folder() / relative).read_text(encoding="utf-8") for relative in _needed(f"{name}.yaml")}
    new = {path: text for path, text in texts.items() if not _holds(path, text)}
    for path in new:
        if path.exists() and not force:
            raise InputError.of(f"{path} is there already, and another one", file="--out", hint="--force overwrites it")
    _write(new)
    console.print_text("".join(f"{path}\n" for path in texts))
    if not quiet:
        console.complain(f"note: next: simsticky run {to / f'{name}.yaml'}")


def _write(texts: Mapping[Path, str]) -> None:
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            places.replace(path, lambda place, text=text: place.write_text(text, encoding="utf-8"))  # type: ignore[misc]
        except OSError as error:
            raise InputError.of(f"{path} cannot be written: {error.strerror or error}", file="--out") from None


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False


def _needed(name: str) -> list[str]:
    """Return a scenario's file and those that it stands on or names, relative to the folder."""
    data = _data(name)
    found = [name]
    if isinstance(base := data.get("base"), str):
        found += _needed(base)
    for path in data.get("manifests") or ():
        place = folder() / path
        found += [f"{path}/{file.name}" for file in sorted(place.iterdir())] if place.is_dir() else [path]
    trace = (data.get("traffic") or {}).get("trace")
    if isinstance(trace, str) and "\n" not in trace:
        found.append(trace)
    return list(dict.fromkeys(found))


def _entry(name: str, width: int) -> str:
    about = " ".join(str(_data(f"{name}.yaml").get("about", "")).split())
    return f"{name}\n{textwrap.fill(about, width, initial_indent='    ', subsequent_indent='    ')}\n"


def _data(name: str) -> dict[str, Any]:
    from simsticky.scenario.location import read_documents

    data: dict[str, Any] = read_documents((folder() / name).read_text(encoding="utf-8"), name)[0].data
    return data
