"""What a person names, read: manifests from files, directories and standard input, and scenarios with theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from simsticky.errors import Diagnostic, InputError
from simsticky.files import STANDARD_INPUT, read_standard_input, read_text, shown_path
from simsticky.lint.apps import App, app_of_scenario, apps_of
from simsticky.lint.objects import Objects
from simsticky.manifests.objects import KubernetesObject, Reading, collect_objects, read_objects
from simsticky.manifests.sources import NAME_IT, Text
from simsticky.manifests.strict_fields import StrictFields
from simsticky.scenario.location import Place
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import load, loads, stated_by

_SCENARIO = re.compile(r"""^["']?schema["']?\s*:\s*["']?simsticky/""", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Material:
    """What the rules look at.

    Attributes:
        objects: All objects.
        apps: The applications in them, and those of scenarios.
        notes: What was left out, one sentence each.
    """

    objects: Objects
    apps: Sequence[App]
    notes: Sequence[str] = field(default=())


def read_material(paths: Iterable[str], *, namespace: str | None = None) -> Material:
    """Read everything that is named.

    Args:
        paths: Files and directories of manifests, scenario files, or ``-`` for standard input.
        namespace: Objects of other namespaces are left out.

    Raises:
        InputError: Something cannot be read, or holds neither manifests nor a scenario; all of it at once.
    """
    reading, scenarios = Reading(), []
    for path in paths:
        try:
            text = _text_of(path)
            if text is None:
                _add(reading, read_objects([path], Path()))
            elif _SCENARIO.search(text.text):
                scenarios.append(_scenario(path, text, reading, namespace))
            else:
                _add_text(reading, text)
        except InputError as error:
            reading.problems += error.diagnostics
    if reading.problems:
        raise InputError(replace(problem, hint=_without_scenario(problem.hint)) for problem in reading.problems)
    every = [obj for obj in _once(reading.objects) if namespace is None or obj.namespace in (None, namespace)]
    known = [scenario for scenario in scenarios if scenario is not None]
    if unnamed := [obj for obj in every if not obj.name]:
        raise InputError(
            Diagnostic(place.file, place.line, place.column, f"{obj.kind}: metadata.name", "Required value")
            for obj in unnamed
            for place in [obj.place("metadata")]
        )
    if not every and not known:
        raise InputError.of("no Kubernetes object and no scenario is among them", file=", ".join(paths))
    strict = StrictFields(every, lenient=True)
    objects = Objects(every, list(strict.faults()))
    return Material(objects, _apps(objects, known), [_without_scenario(str(note)) for note in reading.skipped])


def _without_scenario(hint: str) -> str:
    return hint.replace(NAME_IT, "and simsticky lint all.yaml")


def _text_of(path: str) -> Text | None:
    """Return the text of a file or of standard input; None for a directory."""
    if path == STANDARD_INPUT:
        return Text("<stdin>", read_standard_input())
    where = Path(path)
    if not path:
        raise InputError.of("an empty path names no file")
    try:
        if where.is_dir():
            return None
    except (OSError, ValueError):
        pass  # reading it says what is wrong
    return Text(shown_path(where), read_text(where, shown_path(where)))


def _add(reading: Reading, more: Reading) -> None:
    reading.objects += more.objects
    reading.problems += more.problems
    reading.skipped += more.skipped


def _add_text(reading: Reading, text: Text) -> None:
    """Read the objects of one file, and say so where it holds none."""
    before = len(reading.objects), len(reading.problems)
    collect_objects(text, reading)
    if (len(reading.objects), len(reading.problems)) == before:
        hint = "a manifest has apiVersion and kind, a scenario begins with schema: simsticky/1"
        reading.problems.append(Diagnostic(text.name, None, None, "", "holds no Kubernetes object", hint))


def _scenario(path: str, text: Text, reading: Reading, namespace: str | None) -> Scenario | None:
    """Read a scenario, and its manifests among the objects; None where only its manifests are wrong.

    Raises:
        InputError: The scenario itself is wrong, or its manifests cannot be read.
    """
    is_file = path != STANDARD_INPUT
    try:
        scenario = load(path, namespace=namespace, lenient=True) if is_file else loads(text.text, text.name)
    except InputError as error:
        named = _manifests_of(text, Path(path).parent if is_file else Path())
        found = read_objects(named, Path())
        files = {obj.place().file for obj in found.objects}
        if found.problems or not named or any(problem.file not in files for problem in error.diagnostics):
            raise
        _add(reading, found)
        return None
    if scenario.manifests:
        _add(reading, read_objects(scenario.manifests, Path()))
    return scenario


def _manifests_of(text: Text, folder: Path) -> list[str]:
    """Return the manifests that a scenario names, of the file that it stands on, too."""
    try:
        _, stated, _ = stated_by(text.text, text.name, folder, [], ())
    except InputError:
        return []
    named = stated.get("manifests")
    return [str(folder / str(path)) for path in named if path != STANDARD_INPUT] if isinstance(named, list) else []


def _once(objects: Iterable[KubernetesObject]) -> list[KubernetesObject]:
    """Return the objects, each once: a scenario may name a file that was named itself."""
    seen: dict[Place, KubernetesObject] = {}
    for obj in objects:
        seen.setdefault(obj.place(), obj)
    return list(seen.values())


def _apps(objects: Objects, scenarios: Sequence[Scenario]) -> list[App]:
    """Return the applications: of what a scenario is about, the scenario says more."""
    found = [app_of_scenario(scenario, objects) for scenario in scenarios]
    told = {app.workload.owner for app in found if app.workload is not None}
    policies = [app.object("upstream") for app in found]
    for app in apps_of(objects):
        known = app.object("upstream") in policies if app.workload is None else app.workload.owner in told
        if not known:
            found.append(app)
    return found
