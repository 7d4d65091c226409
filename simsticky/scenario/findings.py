"""What has been found in the manifests so far: values for the scenario, notes for people, problems."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from simsticky.errors import Diagnostic
from simsticky.scenario.location import Keys, Place
from simsticky.scenario.objects import KubernetesObject
from simsticky.scenario.report import ManifestNote, ManifestObject, ManifestReport

_IDENTITY: tuple[Keys, ...] = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


class Findings:
    """Collects values with their places, and remembers which fields were looked at.

    Args:
        stated: The scenario file's own sections: what it states wins over the manifests, and need not be read.
    """

    def __init__(self, stated: Mapping[str, Any]) -> None:
        self.stated = stated
        self.sections: dict[str, Any] = {}
        self.places: dict[Keys, Place] = {}
        self.problems: list[Diagnostic] = []
        self.policy = ""
        self._objects: dict[str, ManifestObject] = {}
        self._read: list[ManifestNote] = []
        self._ignored: list[ManifestNote] = []
        self._assumed: list[ManifestNote] = []
        self._looked_at: dict[KubernetesObject, set[Keys]] = {}

    def states(self, section: str, key: str) -> bool:
        """Return whether the scenario file itself states a value."""
        found = self.stated.get(section)
        return isinstance(found, Mapping) and key in found

    def put(self, target: Keys, value: Any, place: Place) -> None:
        """Set a value of the scenario."""
        node = self.sections
        for key in target[:-1]:
            node = node.setdefault(str(key), {})
        node[str(target[-1])] = value
        self.places[target] = place

    def take(self, obj: KubernetesObject, keys: Keys, target: Keys) -> None:
        """Copy a field, with all below it, to a place of the scenario; nothing happens if it is absent."""
        value = obj.get(*keys)
        if value is None:
            return
        self.look(obj, keys)
        self._copy(obj, keys, target, value)

    def _copy(self, obj: KubernetesObject, keys: Keys, target: Keys, value: Any) -> None:
        if isinstance(value, Mapping):
            self.put(target, {}, obj.place(*keys))
            for key, below in value.items():
                if below is not None:
                    self._copy(obj, (*keys, key), (*target, key), below)
        else:
            self.read(obj, keys, _shown(value))
            self.put(target, value, obj.place(*keys))

    def take_whole_number(self, obj: KubernetesObject, keys: Keys, target: Keys) -> None:
        """Copy a field that Kubernetes wants as an integer: unlike a scenario, no text will do."""
        value = obj.get(*keys)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            self.look(obj, keys)
            self.problem(obj, keys, f"must be a whole number, got {_shown(value)}")
            return
        self.take(obj, keys, target)

    def look(self, obj: KubernetesObject, keys: Keys) -> None:
        """Mark a field as looked at, so that it is not listed as ignored."""
        self._looked_at.setdefault(obj, set()).add(keys)

    def read(self, obj: KubernetesObject, keys: Keys, note: str) -> None:
        """List a field as read."""
        self.look(obj, keys)
        self._read.append(self._note(obj, keys, note))

    def ignore(self, obj: KubernetesObject, keys: Keys = (), note: str = "") -> None:
        """List a field, or the whole object, as ignored."""
        self.look(obj, keys)
        self._ignored.append(self._note(obj, keys, note))

    def assume(self, obj: KubernetesObject, keys: Keys, note: str) -> None:
        """List what is assumed where the manifests leave it open."""
        self._assumed.append(self._note(obj, keys, note))

    def fill(self, section: str, obj: KubernetesObject, container: Keys = ()) -> None:
        """Note which object, and which container of it, a section of the scenario is read from."""
        place = obj.place()
        namespace = obj.get("metadata", "namespace")
        self._objects[section] = ManifestObject(
            obj.kind,
            obj.name,
            namespace if isinstance(namespace, str) else "",
            place.file,
            place.line or 1,
            obj.mapping(*container) if container else {},
        )

    def problem(self, obj: KubernetesObject, keys: Keys, message: str, hint: str = "", *, of_key: bool = False) -> None:
        """Report what is wrong."""
        place = obj.place(*keys, of_key=of_key)
        path = f"{obj.label}: {place.path}" if place.path else obj.label
        self.problems.append(Diagnostic(place.file, place.line, place.column, path, message, hint))

    def list_the_rest(self, obj: KubernetesObject, readable: Mapping[Keys, Iterable[str]] | None = None) -> None:
        """List as ignored whatever of an object was not looked at; refuse near misses of readable keys.

        Args:
            obj: The object.
            readable: Keys that are read, by the path they stand below. The API server refuses unknown fields,
                and a misspelt one would silently get its default here.
        """
        looked_at = self._looked_at.get(obj, set()) | set(_IDENTITY)
        readable = readable or {}

        def walk(node: Any, path: Keys) -> None:
            if path in looked_at:
                return
            if not any(keys[: len(path)] == path for keys in looked_at):
                known = readable.get(path[:-1], ())
                near = difflib.get_close_matches(str(path[-1]), known, 1, 0.85)
                if near and str(path[-1]) not in known:
                    self.problem(obj, path, f"unknown, did you mean {near[0]}?", of_key=True)
                else:
                    self._ignored.append(self._note(obj, path, ""))
                return
            below = node.items() if isinstance(node, Mapping) else enumerate(node if isinstance(node, list) else ())
            for key, value in below:
                walk(value, (*path, key))

        for key, value in obj.data.items():
            walk(value, (key,))

    def report(self) -> ManifestReport:
        """Return the notes, in the order of files and lines."""

        def ordered(notes: list[ManifestNote]) -> tuple[ManifestNote, ...]:
            files = {note.file: i for i, note in reversed(list(enumerate(notes)))}
            return tuple(sorted(notes, key=lambda note: (files[note.file], note.line)))

        return ManifestReport(
            ordered(self._read), ordered(self._ignored), ordered(self._assumed), self.policy, self._objects
        )

    def _note(self, obj: KubernetesObject, keys: Keys, note: str) -> ManifestNote:
        place = obj.place(*keys, of_key=True)
        path = f"{obj.label}: {place.path}" if place.path else obj.label
        return ManifestNote(place.file, place.line or 1, path, note)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_shown(below)}" for key, below in value.items())
    if isinstance(value, list):
        return " ".join(_shown(item) for item in value)
    try:
        text = str(value)
    except ValueError:
        return "a very long number"
    return text if len(text) <= 80 else text[:77] + "..."
