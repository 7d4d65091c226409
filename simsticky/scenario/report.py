"""What became of the manifests, field by field, so that nothing is ignored in silence."""

from dataclasses import dataclass, field


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
class ManifestReport:
    """Everything that was found in the manifests.

    Attributes:
        read: Fields that the scenario took, with their values.
        ignored: Fields and objects that have no effect on the simulation, with the reason where there is one.
        assumed: Where the manifests leave open what the simulation needs, and what it takes instead.
        policy: Name of the KongUpstreamPolicy that was read; empty if there was none.
        said_aloud: What may move the answer and is not read, or is taken otherwise than it stands; warnings of the
            scenario.
    """

    read: tuple[ManifestNote, ...] = field(default=())
    ignored: tuple[ManifestNote, ...] = field(default=())
    assumed: tuple[ManifestNote, ...] = field(default=())
    policy: str = ""
    said_aloud: tuple[ManifestNote, ...] = field(default=())
