"""The files that manifests are read from, and what else lies about in a folder of them.

A folder as people have it holds a kustomization, a chart, a Compose file. They are no manifests: they make some. What
they would make is not made here; what is left out is said in one line, with the command that makes it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from simsticky.errors import Diagnostic, InputError
from simsticky.files import STANDARD_INPUT, irregular, read_standard_input, read_text, shown_path
from simsticky.scenario.location import read_documents
from simsticky.scenario.report import ManifestNote

_ADDRESS = re.compile(r"[a-z]+://", re.ASCII)
_PATTERN = re.compile(r"[*?\[]", re.ASCII)
NAME_IT = "and manifests: [all.yaml]"
"""What to do in a scenario with a file that a command has made; who has no scenario says it otherwise."""
_SUFFIXES = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHART = re.compile(r"Chart\.ya?ml|(.*[-_.])?values([-_.].*)?\.ya?ml|values\.schema\.json", re.ASCII)
_COMPOSE = re.compile(r"(docker-)?compose([-_.].*)?\.ya?ml", re.ASCII)
_OF_HELM = re.compile(r"\{\{-?\s*(.*[\s(])?\.(Values|Release|Chart|Capabilities|Files)\b|\{\{-?\s*include\b", re.ASCII)
"""What only the templates of a chart hold; ``{{ $labels.pod }}`` also stands in the texts of other objects."""
_ACTION = re.compile(r"\{\{")
"""What any template holds: a text of it that is no YAML is one."""
_HARMLESS = {
    *("apiVersion", "kind", "metadata", "namespace", "resources", "commonLabels", "labels", "commonAnnotations"),
    *("buildMetadata", "sortOptions", "configMapGenerator", "secretGenerator", "generatorOptions", "openapi", "crds"),
}
"""Fields of a kustomization that change neither how many pods there are nor how they come and go."""


class Text(NamedTuple):
    """A text that may hold manifests.

    Attributes:
        name: File as the person named it, or ``<stdin>``.
        text: Its content.
        folder: The folder that it lies in, if that was named and not the file itself.
    """

    name: str
    text: str
    folder: "Folder | None" = None


@dataclass
class Folder:
    """What of a folder is no manifest.

    Attributes:
        path: The folder, as the person named it.
        kustomization: Its kustomization; empty if it has none.
        deciding: Fields of that kustomization that would change the answer.
        chart: Files of a Helm chart.
        others: Files that hold no Kubernetes object.
    """

    path: str
    kustomization: str = ""
    deciding: tuple[str, ...] = ()
    chart: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def skipped(self) -> list[str]:
        """Names of the files that were left out."""
        return [*([self.kustomization] if self.kustomization else []), *sorted(self.chart), *sorted(self.others)]

    @property
    def way_out(self) -> str:
        """How to get at the manifests that the files would make; empty if they make none."""
        build = [f"kustomize build {self.path}"] if self.kustomization else []
        render = [f"helm template {_chart_of(self.path)}"] if self.chart else []
        return " or ".join(_into_one_file(command) for command in (*build, *render))

    def note(self) -> ManifestNote | None:
        """Return the one line about what was left out; None if nothing was."""
        if not self.skipped:
            return None
        why, way_out = "no Kubernetes objects", self.way_out
        if self.deciding:
            verb = "are" if len(self.deciding) > 1 else "is"
            why = f"{_listed(self.deciding)} would change the answer and {verb} not applied"
        elif self.chart:
            why = "what a chart makes of them is not read"
        elif self.kustomization:
            why = "it changes nothing that matters here"
        text = f"{_listed(self.skipped)} skipped: {why}" + (f" (what is applied: {way_out})" if way_out else "")
        return ManifestNote(str(Path(self.path) / self.skipped[0]), 1, "", text)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = [*names[:4], f"{len(names) - 4} more"] if len(names) > 5 else list(names)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _chart_of(path: str) -> str:
    """Return the chart of a folder: the one above where it is the chart's ``templates``."""
    folder = Path(path)
    return str(folder.parent) if folder.name == "templates" else path


def read_texts(written: str, base: Path, folders: list[Folder]) -> list[Text]:
    """Return the texts of a file, of a directory (not below) or of standard input (``-``).

    Args:
        written: The path as written.
        base: Directory that relative paths start from.
        folders: Where a directory's account of what it holds beside manifests goes.

    Raises:
        InputError: It cannot be read; or it is a file that makes manifests instead of holding them.
    """
    if written == STANDARD_INPUT:
        return [Text("<stdin>", read_standard_input())]
    if _ADDRESS.match(written):
        hint = f"fetch it first: curl -o all.yaml {written}"
        raise InputError.of("is an address, and no file", file=written, hint=hint)
    path = base / written
    name = shown_path(path)
    if _PATTERN.search(written) and not path.exists():
        raise InputError.of("no such file; patterns are not filled in", file=name, hint="name the folder instead")
    try:
        if not path.is_dir():
            refuse_maker(path)
            return [Text(name, read_text(path, name))]
        entries = sorted(path.iterdir())
        files = [file for file in entries if file.suffix in _SUFFIXES and file.is_file()]
        below = [file.name for file in entries if file.is_dir() and not file.name.startswith(".")]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.of(f"cannot be read: {reason}", file=name) from None
    folder = Folder(name)
    folders.append(folder)
    left_out = _kustomization(path, folder)
    texts: list[Text] = []
    problems: list[Diagnostic] = []
    for file in files:
        if file.name in left_out:
            continue
        if _CHART.fullmatch(file.name):
            folder.chart.append(file.name)
        elif _COMPOSE.fullmatch(file.name):
            folder.others.append(file.name)
        else:
            try:
                texts.append(Text(shown_path(file), read_text(file, shown_path(file)), folder))
            except InputError as error:
                problems += error.diagnostics
    if problems:
        raise InputError(problems)
    if not texts:
        raise _nothing_there(folder, below, any_file=bool(files))
    return texts


def _nothing_there(folder: Folder, below: list[str], *, any_file: bool) -> InputError:
    wanted = ", ".join(_SUFFIXES)
    if folder.skipped:
        text = f"the directory holds no manifests, only {_listed(folder.skipped)}"
    else:
        text = f"the directory has no {wanted} file" + (" that holds manifests" if any_file else "")
    hint = folder.way_out or (f"folders below are not read, name them: {_listed(below)}" if below else "")
    return InputError.of(text, file=folder.path, hint=hint)


def build_hint(folder: str) -> str:
    """Return how to get at what a folder's kustomization makes."""
    return _into_one_file(f"kustomize build {folder}")


def _into_one_file(command: str) -> str:
    return f"{command} > all.yaml, {NAME_IT}"


def refuse_maker(path: Path) -> None:
    """Refuse a file that was named and makes manifests instead of holding them.

    Raises:
        InputError: With the command that makes them.
    """
    folder = str(path.parent)
    if path.name in _KUSTOMIZATIONS:
        text = "is a kustomization, which makes manifests and is none"
        raise InputError.of(text, file=str(path), hint=build_hint(folder))
    if _CHART.fullmatch(path.name):
        hint = _into_one_file(f"helm template {folder}")
        raise InputError.of("belongs to a Helm chart, which makes manifests", file=str(path), hint=hint)
    if _COMPOSE.fullmatch(path.name):
        hint = "name the manifests, or describe the application in the scenario's deployment section"
        raise InputError.of("is a Compose file and holds no Kubernetes objects", file=str(path), hint=hint)


def template_problem(text: Text, *, is_yaml: bool) -> Diagnostic | None:
    """Return what is wrong with a template that nobody has rendered; None if the text is none."""
    match = (_OF_HELM if is_yaml else _ACTION).search(text.text)
    if match is None:
        return None
    before = text.text[: match.start()]
    line, column = before.count("\n") + 1, match.start() - (before.rfind("\n") + 1) + 1
    chart = _chart_of(str(Path(text.name).parent))
    hint = f"render it first: {_into_one_file(f'helm template {chart}')}"
    return Diagnostic(text.name, line, column, "", "is a template that is not rendered", hint)


def _kustomization(path: Path, folder: Folder) -> set[str]:
    """Note a folder's kustomization; return the names of the files that are part of it and no objects."""
    file = next((path / name for name in _KUSTOMIZATIONS if (path / name).is_file()), None)
    if file is None:
        return set()
    folder.kustomization = file.name
    try:
        documents = read_documents(read_text(file, shown_path(file)), shown_path(file), as_kubectl=True)
    except InputError:
        return {file.name}
    data = documents[0].data if documents and isinstance(documents[0].data, Mapping) else {}
    deciding = [key for key, value in data.items() if key not in _HARMLESS and value]
    if _adds_annotations_of_kong(data):
        deciding.append("commonAnnotations")
    if any(irregular(path / str(resource)) for resource in _items(data, "resources")):
        deciding.append("resources elsewhere")
    folder.deciding = tuple(deciding)
    return {file.name, *_parts(data)}


def _adds_annotations_of_kong(data: Mapping[str, Any]) -> bool:
    added = data.get("commonAnnotations")
    return isinstance(added, Mapping) and any("konghq.com" in str(key) for key in added)


def _parts(data: Mapping[str, Any]) -> set[str]:
    """Return the names of a kustomization's patches and of what else it is configured with."""
    named: list[Any] = []
    for key in ("patches", "patchesJson6902", "replacements"):
        named += [item.get("path") for item in _items(data, key) if isinstance(item, Mapping)]
    for key in ("patchesStrategicMerge", "configurations", "transformers", "generators", "validators"):
        named += _items(data, key)
    return {name.removeprefix("./") for name in named if isinstance(name, str) and "\n" not in name}


def _items(data: Mapping[str, Any], key: str) -> list[Any]:
    found = data.get(key)
    return found if isinstance(found, list) else []
