"""What has been found in the manifests so far: values for the scenario, notes for people, problems."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simsticky.errors import Diagnostic
from simsticky.manifests.objects import KubernetesObject
from simsticky.scenario.location import Keys, Place, leading_to
from simsticky.scenario.report import ManifestNote, ManifestObject, ManifestReport

_IDENTITY: tuple[Keys, ...] = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


@dataclass(frozen=True, slots=True)
class BlueGreen:
    """What a blue-green rollout is made of.

    Attributes:
        scale_down_delay_s: From the switch until the old version is scaled away.
    """

    scale_down_delay_s: int


class Findings:
    """Collects values with their places, and remembers which fields were looked at.

    Args:
        stated: The scenario file's own sections: what it states wins over the manifests, and need not be read.
        namespace: The application's namespace, if somebody chose one.
    """

    def __init__(self, stated: Mapping[str, Any], namespace: str | None = None) -> None:
        self.stated = stated
        self.in_namespace = "" if namespace is None else f" in namespace {namespace}"
        self.blue_green: BlueGreen | None = None
        self.sections: dict[str, Any] = {}
        self.places: dict[Keys, Place] = {}
        self.problems: list[Diagnostic] = []
        self.moot: set[tuple[str, int | None, int | None]] = set()
        self.said_of_files: list[ManifestNote] = []
        self.policy = ""
        self._objects: dict[str, ManifestObject] = {}
        self._read: list[ManifestNote] = []
        self._ignored: list[ManifestNote] = []
        self._assumed: list[ManifestNote] = []
        self._said_aloud: list[ManifestNote] = []
        self._looked_at: dict[KubernetesObject, set[Keys]] = {}
        self._left_out: set[KubernetesObject] = set()
        self._sources: set[KubernetesObject] = set()

    def states(self, section: str, key: str) -> bool:
        """Return whether the scenario file itself states a value."""
        found = self.stated.get(section)
        return isinstance(found, Mapping) and key in found

    def uses(self, obj: KubernetesObject) -> bool:
        """Return whether the answer uses an object: it was not left out as a whole, or was read or refused."""
        return obj not in self._left_out or obj in self._sources

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
        self._sources.add(obj)
        self._read.append(self._note(obj, keys, note))

    def ignore(self, obj: KubernetesObject, keys: Keys = (), note: str = "") -> None:
        """List a field, or the whole object, as ignored."""
        self.look(obj, keys)
        if not keys:
            self._left_out.add(obj)
        self._ignored.append(self._note(obj, keys, note))

    def assume(self, obj: KubernetesObject, keys: Keys, note: str) -> None:
        """List what is assumed where the manifests leave it open."""
        self._assumed.append(self._note(obj, keys, note))

    def say_aloud(self, obj: KubernetesObject, keys: Keys, note: str) -> None:
        """List what may move the answer and is not read as it stands; it is said in every output, once."""
        self.look(obj, keys)
        said = self._note(obj, keys, note)
        if said not in self._said_aloud:
            self._said_aloud.append(said)

    def knows(self, obj: KubernetesObject) -> bool:
        """Return whether anything of an object was looked at."""
        return obj in self._looked_at

    def fill(self, section: str, obj: KubernetesObject, part: Keys = ()) -> None:
        """Note which object, and which part of it (a container), a section of the scenario is read from."""
        place = obj.place()
        namespace = obj.get("metadata", "namespace")
        self._objects[section] = ManifestObject(
            obj.kind,
            obj.name,
            namespace if isinstance(namespace, str) else "",
            place.file,
            place.line or 1,
            obj.mapping(*part) if part else {},
            part,
        )

    def problem(self, obj: KubernetesObject, keys: Keys, message: str, hint: str = "", *, of_key: bool = False) -> None:
        """Report what is wrong."""
        self._sources.add(obj)
        place = obj.place(*keys, of_key=of_key)
        path = f"{obj.label}: {place.path}" if place.path else obj.label
        self.problems.append(Diagnostic(place.file, place.line, place.column, path, message, hint))

    def replace_problem(
        self, obj: KubernetesObject, keys: Keys, message: str, hint: str = "", *, of_key: bool = False
    ) -> None:
        """Report what is wrong with a field instead of what was reported of the same place, or follows from it."""
        above = {obj.place(*keys[:-1])[:3]} if len(keys) > 1 else set()
        replaced = {obj.place(*keys, of_key=of_key)[:3]}
        self.moot |= {*replaced, obj.place(*keys)[:3]}
        self.moot |= {obj.place(*keys[:length])[:3] for length in range(2, len(keys))}
        if not of_key:  # what is wrong above an unknown field may say more than that it is unknown
            replaced |= above
        self.problems = [p for p in self.problems if (p.file, p.line, p.column) not in replaced]
        self.problem(obj, keys, message, hint, of_key=of_key)

    def list_the_rest(self, obj: KubernetesObject) -> None:
        """List as ignored whatever of an object was not looked at."""
        looked_at = self._looked_at.get(obj, set()) | set(_IDENTITY)
        above = leading_to(looked_at)

        def walk(node: Any, path: Keys) -> None:
            if path in looked_at:
                return
            if path not in above:
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

        lists = (self._read, self._ignored, self._assumed, self._said_aloud)
        read, ignored, assumed, said_aloud = (ordered(notes) for notes in lists)
        said_aloud = (*self.said_of_files, *said_aloud)
        return ManifestReport(read, ignored, assumed, self.policy, said_aloud, self._objects)

    def _note(self, obj: KubernetesObject, keys: Keys, note: str) -> ManifestNote:
        place = obj.place(*keys, of_key=True)
        path = f"{obj.label}: {place.path}" if place.path else obj.label
        return ManifestNote(place.file, place.line or 1, path, " ".join(note.splitlines()))


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
