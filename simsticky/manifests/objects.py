"""Kubernetes objects as they come out of files, directories, lists and standard input."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simsticky.errors import Diagnostic, InputError
from simsticky.manifests.sources import Folder, Text, build_hint, read_texts, template_problem
from simsticky.scenario.location import (
    Document,
    Keys,
    Place,
    dotted,
    read_documents,
)
from simsticky.scenario.report import ManifestNote


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
        """What it is: ``Deployment``, ``Service`` and so on."""
        return str(self.get("kind"))

    @property
    def name(self) -> str:
        """Name; empty if there is none."""
        found = self.get("metadata", "name")
        return found if isinstance(found, str) else ""

    @property
    def namespace(self) -> str | None:
        """Namespace; None if the manifest leaves it to kubectl."""
        found = self.get("metadata", "namespace")
        return found if isinstance(found, str) else None

    @property
    def label(self) -> str:
        """Kind and name, for people."""
        return f"{self.kind} {self.name}".strip()

    def may_share_namespace(self, other: "KubernetesObject") -> bool:
        """Return whether two objects can be in one namespace; a file may leave its namespace to kubectl."""
        return self.namespace is None or other.namespace is None or self.namespace == other.namespace

    def is_a(self, kind: str, *groups: str) -> bool:
        """Return whether the object is of a kind and of one of the groups."""
        return self.kind == kind and self.group in groups


@dataclass
class Reading:
    """What has been read.

    Attributes:
        objects: The objects, in the order of the files.
        problems: What is wrong with the texts.
        skipped: What was left out, one line for each directory.
    """

    objects: list[KubernetesObject] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    skipped: list[ManifestNote] = field(default_factory=list)


def read_objects(paths: Iterable[str], base: Path) -> Reading:
    """Return the objects of files, directories and ``-``, and everything that is wrong with the texts.

    Args:
        paths: As written; ``-`` is standard input; a directory stands for its *.yaml, *.yml and *.json, sorted.
        base: Directory that relative paths start from.
    """
    reading = Reading()
    folders: list[Folder] = []
    read: set[str] = set()
    for written in paths:
        try:
            for text in read_texts(written, base, folders):
                if text.name not in read:  # a file that is named beside its folder is one file
                    collect_objects(text, reading)
                read.add(text.name)
        except InputError as error:
            reading.problems += error.diagnostics
    for folder in folders:
        if (note := folder.note()) is not None:
            reading.skipped.append(note)
            if not reading.objects and not reading.problems:
                nothing = "the directory holds no manifests"
                reading.problems.append(Diagnostic(folder.path, None, None, "", nothing, folder.way_out))
    return reading


def collect_objects(text: Text, reading: Reading) -> None:
    """Add the objects of a text to what has been read; of a directory's, what is no manifest is noted and left out."""
    folder = text.folder
    documents: list[Document] = []
    problems: list[Diagnostic] = []
    try:
        documents = read_documents(text.text, text.name, as_kubectl=True)
    except InputError as error:
        problems += error.diagnostics
    template = template_problem(text, is_yaml=not problems)
    if template is not None:
        if folder is not None:
            folder.chart.append(Path(text.name).name)
        else:
            reading.problems.append(template)
        return
    reading.problems += problems
    if folder is not None and documents and not any(_may_hold_objects(document.data) for document in documents):
        folder.others.append(Path(text.name).name)
        return
    for document in documents:
        before = len(reading.objects)
        _collect(document, (), document.data, reading.objects, reading.problems)
        reading.problems += _duplicates_outside(document, reading.objects[before:])


def _may_hold_objects(data: Any) -> bool:
    """Return whether a document is an object, or was meant to be one, or is the scenario itself."""
    if not isinstance(data, Mapping) or _is_kustomization(data) or _is_a_tools(data):
        return False
    return bool({"kind", "apiVersion", "metadata", "schema"} & data.keys())


def _is_a_tools(data: Mapping[str, Any]) -> bool:
    """Return whether a document is what kubectl, kind or another tool is told by, and no object of a cluster."""
    names_nothing = "metadata" not in data and "items" not in data and "spec" not in data
    return names_nothing and isinstance(data.get("apiVersion"), str) and isinstance(data.get("kind"), str)


def _is_kustomization(data: Mapping[str, Any]) -> bool:
    return str(data.get("apiVersion", "")).startswith("kustomize.config.k8s.io/")


def _duplicates_outside(document: Document, objects: list[KubernetesObject]) -> list[Diagnostic]:
    """Return the keys of a document that are given twice in no object: in a List, or in what is none."""
    roots = {obj.root for obj in objects}
    return [
        document.diagnostic(keys, f"duplicate key, first given on line {first}", of_key=True)
        for keys, first in document.duplicates.items()
        if roots.isdisjoint(keys[:length] for length in range(len(keys) + 1))
    ]


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
    if _is_kustomization(data):
        text = "is a kustomization, which makes manifests and is none"
        folder = Path(document.place(root).file).parent
        problems.append(document.diagnostic(root, text, build_hint(str(folder))))
        return
    kind = data.get("kind")
    if not isinstance(kind, str) or not kind:
        problems.append(document.diagnostic(root, "is not a Kubernetes object: it has no kind"))
        return
    if not isinstance(data.get("apiVersion"), str):
        problems.append(document.diagnostic(root, f"{kind} has no apiVersion"))
        return
    if kind.endswith("List") and isinstance(data.get("items"), list):
        for i, item in enumerate(data["items"]):
            # "kubectl get --raw" names the kind in the list only.
            if isinstance(item, Mapping) and kind != "List":
                item = {"apiVersion": data["apiVersion"], "kind": kind.removesuffix("List"), **item}
            _collect(document, (*root, "items", i), item, objects, problems)
        return
    if kind == "List" and "items" in data and data["items"] is None:
        return  # an empty list, as Go writes one
    if kind == "List":
        problems.append(document.diagnostic(root, "a List needs items"))
        return
    objects.append(KubernetesObject(document, root, data))
