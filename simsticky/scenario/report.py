"""What became of the manifests, field by field, so that nothing is ignored in silence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ManifestNote:
    """One field of a manifest, or one object.

    Attributes:
        file: File as named.
        line: Line, counted from 1.
        path: Kind, name and field, for example ``Deployment example-app: spec.replicas``.
        note: The value read, why it is ignored, or what is assumed.
    """

    file: str
    line: int
    path: str
    note: str = ""

    def __str__(self) -> str:
        """Return ``file:line: path: note``."""
        place = f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.path, self.note) if part)


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """An object that the scenario was read from: where a change of its values belongs.

    Attributes:
        kind: Its kind.
        name: Its name.
        namespace: Its namespace; empty where the manifest leaves that to kubectl.
        file: File as named.
        line: Line on which the object begins.
        part: What of it was read, as written: a container, the options of a control plane; empty where all of it was.
        keys: Path of that part.
    """

    kind: str
    name: str
    namespace: str
    file: str
    line: int
    part: Mapping[str, Any] = field(default_factory=dict, hash=False)
    keys: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestReport:
    """Everything that was found in the manifests.

    Attributes:
        read: Fields that the scenario took, with their values.
        ignored: Fields and objects that have no effect on the simulation, with the reason where there is one.
        assumed: Where the manifests leave open what the simulation needs, and what it takes instead.
        policy: Name of the KongUpstreamPolicy that was read; empty if there was none.
        said_aloud: What may move the answer and is not read, or is taken otherwise than it stands; warnings of the
            scenario.
        objects: The objects that were read, by the section of the scenario that each fills.
    """

    read: tuple[ManifestNote, ...] = field(default=())
    ignored: tuple[ManifestNote, ...] = field(default=())
    assumed: tuple[ManifestNote, ...] = field(default=())
    policy: str = ""
    said_aloud: tuple[ManifestNote, ...] = field(default=())
    objects: Mapping[str, ManifestObject] = field(default_factory=dict, hash=False)
