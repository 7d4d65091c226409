"""Reading a scenario file: its own sections over those of its manifests, every problem with its place."""

import re
from collections.abc import Mapping
from os.path import relpath
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simsticky.errors import Diagnostic, InputError
from simsticky.files import (
    STANDARD_INPUT,
    irregular,
    read_standard_input,
    read_text,
    same_file,
    shown_path,
)
from simsticky.manifests.reading import ManifestSet, read_manifests
from simsticky.manifests.rollouts import as_operations
from simsticky.scenario.location import Document, Keys, Place, dotted, leading_to, read_documents
from simsticky.scenario.model import Scenario
from simsticky.scenario.paths.changes import base_for_algorithm, delays_of
from simsticky.scenario.paths.diagnose import diagnose, in_order
from simsticky.scenario.paths.vocabulary import suggestion
from simsticky.scenario.reading.profile import take_in
from simsticky.scenario.report import ManifestReport
from simsticky.scenario.short_names import expanded
from simsticky.scenario.support import unsupported
from simsticky.scenario.traffic import is_inline

VERSION = "simsticky/1"
_MOST_BASES = 20
_GUESS = re.compile(r"#\s*GUESS\b")
_WHOLE: tuple[Keys, ...] = (("deployment", "preStop"),)
"""What is replaced as a whole: its forms do not mix."""


def load(path: str | Path, *, namespace: str | None = None, lenient: bool = False) -> Scenario:
    """Read a scenario file and the manifests it names.

    Args:
        path: The file; relative paths inside it start from its directory. ``-`` is standard input, whose relative
            paths start from the working directory.
        namespace: The application's namespace; it wins over ``namespace:`` in the file.
        lenient: Warn about manifest fields that are unknown or of a wrong type, and ignore them.

    Raises:
        InputError: Everything that is wrong, as ``file:line:column: path: message``.
    """
    if str(path) == STANDARD_INPUT:
        return loads(read_standard_input(), "<stdin>", namespace=namespace, lenient=lenient)
    path = Path(path)
    name = shown_path(path)
    text = read_text(path, name)
    document = the_document(read_documents(text, name), name)
    return read(document, path.parent, shown_path(path.stem), (path,), namespace=namespace, lenient=lenient, text=text)


def loads(
    text: str,
    name: str = "<string>",
    base_dir: str | Path = ".",
    *,
    namespace: str | None = None,
    lenient: bool = False,
) -> Scenario:
    """Read a scenario from text.

    Args:
        text: YAML.
        name: What to call the text in errors.
        base_dir: Directory that relative paths start from.
        namespace: As for :func:`load`.
        lenient: Warn about manifest fields that are unknown or of a wrong type, and ignore them.

    Raises:
        InputError: Everything that is wrong.
    """
    document = the_document(read_documents(text, name), name)
    return read(document, Path(base_dir), "scenario", namespace=namespace, lenient=lenient, text=text)


def _guessed(text: str, name: str, places: Mapping[Keys, tuple[Place, Place]]) -> list[str]:
    """The settings whose keys stand on lines of the file that a comment marks as guesses, without those within."""
    lines = {number for number, line in enumerate(text.splitlines(), 1) if _GUESS.search(line)}
    found = [dotted(keys) for keys, (_, key) in places.items() if key.file == name and key.line in lines and keys]
    return [path for path in found if not any(path.startswith(f"{above}.") for above in found)]


def read(
    document: Document,
    base: Path,
    stem: str,
    itself: tuple[Path, ...] = (),
    *,
    namespace: str | None,
    lenient: bool,
    text: str = "",
) -> Scenario:
    """Read a scenario from its document.

    Args:
        document: What it says.
        base: Directory that its paths start from.
        stem: Its name, unless it says one.
        itself: Its file, which it may not stand on.
        namespace: As for :func:`load`.
        lenient: As for :func:`load`.
        text: Its text, if it has one: comments there mark what is guessed.

    Raises:
        InputError: Everything that is wrong.
    """
    problems: list[Diagnostic] = []
    data, places = _on_its_base(document, base, problems, itself)
    if "schema" not in data:
        problems.append(document.diagnostic((), f"schema is missing; begin the file with schema: {VERSION}"))
    stated_namespace = data.pop("namespace", None)
    if not isinstance(stated_namespace, str | None):
        problems.append(document.diagnostic(("namespace",), "is the name of a namespace"))
    elif namespace is None:
        namespace = stated_namespace
    paths = data.get("manifests", ())
    manifests = ManifestSet({}, {}, ManifestReport())
    if isinstance(paths, list) and all(isinstance(path, str) for path in paths) and paths:
        manifests = read_manifests(paths, base_dir=base, stated=data, namespace=namespace, lenient=lenient)
        problems += [_at_the_manifests_key(problem, document, paths, base) for problem in manifests.problems]
        data["manifests"] = [path if path == "-" else str(base / path) for path in paths]
    merged = merge(manifests.sections, data)
    for keys, place in manifests.places.items():
        places.setdefault(keys, (place, place))
    if manifests.blue_green is not None:
        found = as_operations(merged, manifests.blue_green, places)
        problems += [document.diagnostic(path, text, hint) for path, text, hint in found]
    merged.setdefault("name", stem)
    _path_of_the_route(merged, places)
    problems += _trace(merged, document, base)
    scenario, wrong = _validated(merged, places)
    # Incomplete sections of broken manifests break other rules; only what the manifests did not cause is told.
    told = {(problem.file, problem.line, problem.column) for problem in manifests.problems} | manifests.moot
    wrong = [problem for problem in wrong if (problem.file, problem.line, problem.column) not in told]
    problems += [problem for problem in wrong if not (manifests.problems and _is_consequence(problem))]
    if scenario is not None:
        scenario.set_origin(_origins(places, merged), manifests.report, _guessed(text, document.place().file, places))
        problems += unsupported(scenario)
    if problems or scenario is None:
        raise InputError(in_order(problems))
    return scenario


def stated_by(
    text: str, name: str, folder: Path, problems: list[Diagnostic], above: tuple[Path, ...]
) -> tuple[Document, dict[str, Any], dict[Keys, tuple[Place, Place]]]:
    """Return a scenario file's document, and what it states on top of the file that its ``base`` names.

    Args:
        text: YAML.
        name: What to call the text in errors.
        folder: Directory that its paths start from.
        problems: Where problems go.
        above: The files that stand on this one, and itself.
    """
    document = the_document(read_documents(text, name), name)
    return document, *_on_its_base(document, folder, problems, above)


def _on_its_base(
    document: Document, folder: Path, problems: list[Diagnostic], above: tuple[Path, ...]
) -> tuple[dict[str, Any], dict[Keys, tuple[Place, Place]]]:
    places: dict[Keys, tuple[Place, Place]] = {
        keys: (place, document.keys.get(keys, place)) for keys, place in document.values.items()
    }
    problems += _no_snake_case(document)
    data = {key: value for key, value in document.data.items() if value is not None or key == "about"}
    _expand_short_names(data, places, problems, document)
    fitted, of_fitted = take_in(data, document, folder, problems)
    data, places = merge(fitted, data), _on_top(of_fitted, places)
    below = data.pop("base", None)
    if below is None:
        return data, places
    if not isinstance(below, str):
        problems.append(document.diagnostic(("base",), "is the name of another scenario file"))
        return data, places
    path = folder / below
    if any(same_file(path, other) for other in above):
        problems.append(document.diagnostic(("base",), f"{below} stands on this file itself"))
        return data, places
    if len(above) > _MOST_BASES:
        problems.append(document.diagnostic(("base",), f"more than {_MOST_BASES} files stand on each other"))
        return data, places
    try:
        text = read_text(path, shown_path(path))
    except InputError as error:
        problems.append(document.diagnostic(("base",), f"{below}: {error.diagnostics[0].message}"))
        return data, places
    _, found, found_places = stated_by(text, shown_path(path), path.parent, problems, (*above, path))
    for key in ("name", "about"):
        found.pop(key, None)
    _move_paths(found, path.parent, folder)
    return merge(found, data), _on_top(found_places, places)


def _on_top(
    below: dict[Keys, tuple[Place, Place]], above: dict[Keys, tuple[Place, Place]]
) -> dict[Keys, tuple[Place, Place]]:
    """Return the places of both files; what is stated above hides what it replaces, inside of lists, too."""
    replaced = above.keys() - leading_to(above) - {()}
    replaced |= {keys[:-1] for keys in above if keys and isinstance(keys[-1], int)}
    kept = {keys: place for keys, place in below.items() if not any(keys[:i] in replaced for i in range(len(keys) + 1))}
    return kept | above


def _move_paths(data: dict[str, Any], found_in: Path, folder: Path) -> None:
    """Let the paths of a base in another directory start from this one."""
    if found_in == folder:
        return
    paths = data.get("manifests")
    if isinstance(paths, list):
        data["manifests"] = [_moved(path, found_in, folder) for path in paths]
    traffic = data.get("traffic")
    if isinstance(traffic, Mapping) and isinstance(traffic.get("trace"), str) and not is_inline(traffic["trace"]):
        data["traffic"] = {**traffic, "trace": _moved(traffic["trace"], found_in, folder)}


def _moved(path: Any, found_in: Path, folder: Path) -> Any:
    return relpath(found_in / path, folder) if isinstance(path, str) and path != "-" else path


def the_document(documents: list[Document], name: str) -> Document:
    """Return the one document of a scenario.

    Raises:
        InputError: There is none or more than one, or it is no scenario.
    """
    if not documents:
        raise InputError.of("is empty", file=name, hint=f"a scenario begins with schema: {VERSION}")
    first = documents[0]
    if len(documents) > 1:
        text = "a scenario file holds one document, this is a second one"
        raise InputError([documents[1].diagnostic((), text, "manifests go to files of their own")])
    if not isinstance(first.data, Mapping):
        kind = "a list" if isinstance(first.data, list) else "a single value"
        raise InputError([first.diagnostic((), f"a scenario is a mapping, this is {kind}")])
    if "schema" not in first.data and "kind" in first.data and "apiVersion" in first.data:
        text = "this is a Kubernetes manifest, not a scenario"
        raise InputError([first.diagnostic((), text, "name it in a scenario: manifests: [this-file.yaml]")])
    return first


def _no_snake_case(document: Document) -> list[Diagnostic]:
    """Refuse snake_case: the models accept it for Python's sake, but a file has one spelling."""
    problems = []
    for keys in document.keys:
        key = keys[-1]
        if isinstance(key, str) and "_" in key and keys[0] != "thresholds":
            hint = suggestion(Scenario, keys, document.data)
            text = f"unknown, {hint}" if hint else "unknown"
            problems.append(document.diagnostic(keys, text, of_key=True))
    return problems


def _expand_short_names(
    data: dict[str, Any],
    places: dict[Keys, tuple[Place, Place]],
    problems: list[Diagnostic],
    document: Document,
) -> None:
    """Move ``deployment.grace`` and its like to their full places, so that they win over the manifests."""
    section = data.get("deployment")
    if not isinstance(section, Mapping):
        return
    data["deployment"], moved, wrong = expanded(section)
    problems += [document.diagnostic(("deployment", short), text, of_key=True) for short, text in wrong.items()]
    for short, path in moved.items():
        of_value, of_key = places.pop(("deployment", short))
        places["deployment", *path] = of_value._replace(path=""), of_key._replace(path="")


def _at_the_manifests_key(problem: Diagnostic, document: Document, paths: list[str], base: Path) -> Diagnostic:
    """Return a problem of the manifests; one with no line of its own (a missing file) where the scenario names it."""
    if problem.line is not None:
        return problem
    if not problem.file:
        return document.diagnostic(("manifests",), problem.message, problem.hint)
    named = [i for i, path in enumerate(paths) if base / path in (Path(problem.file), *Path(problem.file).parents)]
    text = f"{problem.file}: {problem.message}"
    return document.diagnostic(("manifests", *named[:1]), text, problem.hint)


def merge(below: Mapping[str, Any], above: Mapping[str, Any], path: Keys = ()) -> dict[str, Any]:
    """Return two nested mappings as one; ``above`` wins, and null takes away."""
    merged = dict(below)
    if path == ("upstream",) and "algorithm" in above:
        merged = base_for_algorithm(merged, above["algorithm"], above)
    for key, value in above.items():
        under = merged.get(key)
        # Laws and arrivals of different kinds do not mix; the kind of a workload is a field like any other.
        whole = (*path, key) in _WHOLE or (isinstance(value, Mapping) and "kind" in value and key != "deployment")
        if isinstance(value, Mapping) and isinstance(under, Mapping) and not whole:
            merged[key] = merge(under, value, (*path, key))
        else:
            merged[key] = value
    return merged


def _path_of_the_route(merged: dict[str, Any], places: dict[Keys, tuple[Place, Place]]) -> None:
    """Let clients request the path that the Ingress routes, unless the scenario says otherwise."""
    traffic, ingress = merged.get("traffic", {}), merged.get("ingress")
    if (
        isinstance(ingress, Mapping)
        and isinstance(traffic, Mapping)
        and not (traffic.get("paths") or "path" in traffic)
    ):
        route = ingress.get("path")
        if isinstance(route, str) and route.startswith("/") and not route.startswith("/~"):
            merged["traffic"] = {**traffic, "path": route}
            places["traffic", "path"] = places["ingress", "path"]


def _trace(merged: dict[str, Any], document: Document, base: Path) -> list[Diagnostic]:
    """Resolve the trace file's path, and say if it is not there."""
    traffic = merged.get("traffic")
    if not isinstance(traffic, Mapping) or not isinstance(traffic.get("trace"), str) or is_inline(traffic["trace"]):
        return []
    path = base / traffic["trace"]
    merged["traffic"] = {**traffic, "trace": str(path)}
    if not (why := irregular(path)):
        return []
    return [document.diagnostic(("traffic", "trace"), f"{why}: {shown_path(path)}")]


def _validated(
    merged: dict[str, Any], places: Mapping[Keys, tuple[Place, Place]]
) -> tuple[Scenario | None, list[Diagnostic]]:
    def locate(path: Keys, of_key: bool) -> tuple[Keys, Place | None]:
        for length in range(len(path), -1, -1):
            if (found := places.get(path[:length])) is not None:
                place = found[1 if of_key and length == len(path) else 0]
                known = path[:length] if place.path or not length else ()
                if length or not path:
                    return known, place
                return (), _first_below(places, path) or place
        return (), None

    try:
        return Scenario.model_validate(merged), []
    except ValidationError as error:
        return None, diagnose(error, Scenario, merged, locate)


def _first_below(places: Mapping[Keys, tuple[Place, Place]], path: Keys) -> Place | None:
    """Return the place of the first value of a section that nobody wrote as one: manifests told its parts."""
    for length in range(len(path), 0, -1):
        for keys, (place, _) in places.items():
            if keys[:length] == path[:length]:
                return place._replace(path="")
    return None


def _is_consequence(problem: Diagnostic) -> bool:
    return any(text in problem.message for text in ("there is no Deployment", "no readiness probe"))


def _origins(places: Mapping[Keys, tuple[Place, Place]], merged: Mapping[str, Any]) -> dict[str, Place]:
    origins: dict[str, Place] = {}
    for keys, (place, _) in places.items():
        if not keys:
            continue
        for path in (dotted(keys), *delays_of(keys)):
            origins.setdefault(path, place)
    # A delay given itself wins over "delays", whatever their order in the file.
    return origins | {dotted(keys): place for keys, (place, _) in places.items() if keys}
