"""Kubernetes objects as they come out of files, directories, lists and standard input."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.files import STANDARD_INPUT, read_standard_input, read_text, shown_path
from simsticky.scenario.location import (
    Document,
    Keys,
    Place,
    dotted,
    read_documents,
)

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, eq=False)
class KubernetesObject:
    """One object, with its place in its document.

    Attributes:
        document: The YAML document it stands in.
        root: Its path in the document; not empty for items of a List.
        data: Its fields.
    """

    document: Document
    root: Keys
    data: Mapping[str, Any]

    def get(self, *keys: str | int) -> Any:
        """Return the value at a path; None if there is none."""
        node: Any = self.data
        for key in keys:
            if isinstance(node, Mapping):
                node = node.get(str(key))
            elif isinstance(node, list) and isinstance(key, int) and key < len(node):
                node = node[key]
            else:
                return None
        return node

    def mapping(self, *keys: str | int) -> Mapping[str, Any]:
        """Return the mapping at a path; an empty one if there is none."""
        found = self.get(*keys)
        return found if isinstance(found, Mapping) else {}

    def items(self, *keys: str | int) -> list[Any]:
        """Return the list at a path; an empty one if there is none."""
        found = self.get(*keys)
        return found if isinstance(found, list) else []

    def place(self, *keys: str | int, of_key: bool = False) -> Place:
        """Return the place of the value (or of its key) at a path, or of the nearest node above."""
        found = self.document.place((*self.root, *keys), of_key=of_key)
        return found._replace(path=dotted(keys))

    def has_place(self, *keys: str | int) -> bool:
        """Return whether a path exists."""
        return (*self.root, *keys) in self.document.values

    @property
    def group(self) -> str:
        """API group: ``apps`` of ``apps/v1``; empty for the core group."""
        version = self.get("apiVersion")
        return version.rpartition("/")[0] if isinstance(version, str) else ""

    @property
    def kind(self) -> str:
        """Kind."""
        return str(self.get("kind"))

    @property
    def name(self) -> str:
        """Name; empty if there is none."""
        found = self.get("metadata", "name")
        return found if isinstance(found, str) else ""

    @property
    def label(self) -> str:
        """Kind and name, for people."""
        return f"{self.kind} {self.name}".strip()

    def may_share_namespace(self, other: "KubernetesObject") -> bool:
        """Return whether two objects can be in one namespace; a file may leave its namespace to kubectl."""
        mine, others = self.get("metadata", "namespace"), other.get("metadata", "namespace")
        return mine is None or others is None or mine == others

    def is_a(self, kind: str, *groups: str) -> bool:
        """Return whether the object is of a kind and of one of the groups."""
        return self.kind == kind and self.group in groups


def read_objects(paths: Iterable[str], base: Path) -> tuple[list[KubernetesObject], list[Diagnostic]]:
    """Return the objects of files, directories and ``-``, and everything that is wrong with the texts.

    Args:
        paths: As written; ``-`` is standard input; a directory stands for its *.yaml, *.yml and *.json, sorted.
        base: Directory that relative paths start from.
    """
    objects: list[KubernetesObject] = []
    problems: list[Diagnostic] = []
    for written in paths:
        try:
            for name, text in _texts(written, base):
                try:
                    for document in read_documents(text, name):
                        _collect(document, (), document.data, objects, problems)
                except InputError as error:
                    problems += error.diagnostics
        except InputError as error:
            problems += error.diagnostics
    return objects, problems


def _texts(written: str, base: Path) -> list[tuple[str, str]]:
    if written == STANDARD_INPUT:
        return [("<stdin>", read_standard_input())]
    path = base / written
    name = shown_path(path)
    try:
        if not path.is_dir():
            return [(name, read_text(path, name))]
        files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.of(f"cannot be read: {reason}", file=name) from None
    if not files:
        raise InputError.of(f"the directory has no {', '.join(_SUFFIXES)} file", file=name)
    texts: list[tuple[str, str]] = []
    problems: list[Diagnostic] = []
    for file in files:
        try:
            texts.append((shown_path(file), read_text(file, shown_path(file))))
        except InputError as error:
            problems += error.diagnostics
    if problems:
        raise InputError(problems)
    return texts


def _collect(
    document: Document,
    root: Keys,
    data: Any,
    objects: list[KubernetesObject],
    problems: list[Diagnostic],
) -> None:
    if not isinstance(data, Mapping):
        problems.append(document.diagnostic(root, "is not a Kubernetes object: a mapping is wanted"))
        return
    if not root and str(data.get("schema", "")).startswith("simsticky/"):
        return  # the scenario itself, in a directory of manifests
    kind = data.get("kind")
    if not isinstance(kind, str) or not kind:
        problems.append(document.diagnostic(root, "is not a Kubernetes object: it has no kind"))
        return
    if not isinstance(data.get("apiVersion"), str):
        problems.append(document.diagnostic(root, f"{kind} has no apiVersion"))
        return
    if kind.endswith("List") and isinstance(data.get("items"), list):
        for i, item in enumerate(data["items"]):
            # "kubectl get deployments -o json" names the kind in the list only in old versions; new ones in each.
            _collect(document, (*root, "items", i), item, objects, problems)
        return
    if kind == "List":
        problems.append(document.diagnostic(root, "a List needs items"))
        return
    objects.append(KubernetesObject(document, root, data))
