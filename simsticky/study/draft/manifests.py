"""The manifests of a draft: how they are read, and a scenario of them alone, for Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.location import Place
from simsticky.study.draft.asked import read_asked

if TYPE_CHECKING:
    from simsticky.manifests.reading import ManifestSet
    from simsticky.scenario.model import Scenario

_FILE = "scenario.yaml"


def read(
    paths: Sequence[str], settings: Mapping[tuple[str, ...], Any], *, namespace: str | None, lenient: bool
) -> ManifestSet:
    """Read the manifests that a draft is made of.

    Args:
        paths: Files and directories; ``-`` is standard input.
        settings: What is stated beside them, by path.
        namespace: The application's namespace, if somebody chose one.
        lenient: Whether unknown fields are warned of instead of refused.

    Raises:
        InputError: With everything that is wrong with them.
    """
    from simsticky.manifests.reading import load_manifests
    from simsticky.study.draft.draft import nested

    try:
        return load_manifests(paths, stated=nested(settings), namespace=namespace, lenient=lenient)
    except InputError as error:
        # What is missing altogether has no place of its own; here that is what was named.
        shown = ", ".join("<stdin>" if path == "-" else path for path in paths)
        raise InputError(d if d.file else replace(d, file=shown, path="") for d in error.diagnostics) from None


def reference(base: Path, path: str) -> str:
    """Return a path as a scenario in a directory writes it."""
    if Path(path).is_absolute():
        return path
    return Path(os.path.relpath(path, base)).as_posix() + ("/" if path.endswith("/") else "")


def scenario_from(
    paths: str | Path | Sequence[str | Path],
    *,
    settings: Mapping[str, Any],
    namespace: str | None,
    lenient: bool,
    **stated: Any,
) -> Scenario:
    """Return the scenario that a draft from manifests says; see :meth:`simsticky.Scenario.from_manifests`.

    Raises:
        InputError: With everything that is wrong; what an argument stated is told by the argument's name.
    """
    from simsticky.study.draft.draft import Source, draft

    named = [str(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not named:
        raise InputError.of("name the manifests", file="paths", hint='for example "k8s/" or ["app.yaml", "kong.yaml"]')
    try:
        asked = read_asked(settings=settings, **stated)
        manifests = read(named, asked.settings, namespace=namespace, lenient=lenient)
        references = () if "-" in named else tuple(reference(Path(), path) for path in named)
        source = Source(manifests, references, Path(), ", ".join(named), namespace, _FILE, lenient)
        found = draft(source, asked, try_guesses=False)
    except InputError as error:
        raise InputError(map(_by_argument, error.diagnostics)) from None
    origins = {value.name: Place(_said_by(value.origin)) for value in found.values}
    scenario = found.scenario
    places = {path: _origin(path, place, origins) for path, place in scenario.places.items()}
    scenario.set_origin(places, scenario.manifest_report)
    return scenario


def _origin(path: str, place: Place, origins: Mapping[str, Place]) -> Place:
    """Return where a value is from: what stands in the draft, which nobody sees, was stated or is a guess."""
    if place.file != _FILE:
        return place
    above = (other for other in origins if f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}."))
    return next((origins[other] for other in above), Place("the draft"))


def _said_by(origin: str) -> str:
    """Return where a value of a draft is from; what a flag would have stated, an argument has."""
    flag = origin.removeprefix("stated: ")
    return origin if flag == origin else f"argument {_argument(flag)}"


def _argument(flag: str) -> str:
    return "settings" if flag == "--set" else flag.removeprefix("--").replace("-", "_")


def _by_argument(problem: Diagnostic) -> Diagnostic:
    """Return a problem at the argument that stated what is wrong, where the command line would name its flag."""
    if not problem.file.startswith("--"):
        return problem
    return replace(problem, file=_argument(problem.file))
