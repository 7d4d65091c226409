"""Manifests, as one would apply them, turned into sections of a scenario.

What is read, what is ignored and what is assumed is listed field by field with its line. What would change the
answer and is not modelled is refused with its reason, never passed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simsticky.errors import Diagnostic, InputError
from simsticky.manifests.findings import BlueGreen, Findings
from simsticky.manifests.interpretation import Interpretation
from simsticky.manifests.objects import read_objects
from simsticky.manifests.strict_fields import StrictFields
from simsticky.scenario.location import Keys, Place
from simsticky.scenario.paths.diagnose import in_order
from simsticky.scenario.report import ManifestNote, ManifestReport


@dataclass(frozen=True, slots=True)
class ManifestSet:
    """What the manifests say.

    Attributes:
        sections: Sections of a scenario file (``deployment``, ``service``, ...), as plain data.
        places: Place of each value in ``sections``, by path; its own path is the manifest's.
        report: What was read, ignored and assumed.
        problems: What is wrong; the sections are incomplete if there is anything.
        blue_green: How the workload's rollouts go, if they are blue-green.
        moot: Places (file, line, column) where what else seems wrong follows from a problem.
    """

    sections: Mapping[str, Any]
    places: Mapping[Keys, Place] = field(repr=False)
    report: ManifestReport
    problems: tuple[Diagnostic, ...] = ()
    blue_green: BlueGreen | None = None
    moot: frozenset[tuple[str, int | None, int | None]] = frozenset()

    @property
    def read(self) -> tuple[ManifestNote, ...]:
        """What was read."""
        return self.report.read

    @property
    def ignored(self) -> tuple[ManifestNote, ...]:
        """What has no effect."""
        return self.report.ignored

    @property
    def assumed(self) -> tuple[ManifestNote, ...]:
        """What the manifests leave open."""
        return self.report.assumed


def load_manifests(
    paths: Iterable[str | Path],
    *,
    base_dir: str | Path = ".",
    stated: Mapping[str, Any] | None = None,
    namespace: str | None = None,
    lenient: bool = False,
) -> ManifestSet:
    """Read manifests from files, directories (not below) or standard input (``-``).

    Args:
        paths: Where; relative paths start from ``base_dir``.
        base_dir: Directory of the scenario file.
        stated: The scenario file's own sections, which win and can choose (``deployment: {name: shop}``).
        namespace: The application's namespace, if somebody chose one: what is in another is left out.
        lenient: Take fields that are unknown or of a wrong type as not there, with a warning, instead of refusing them.

    Raises:
        InputError: Everything that is wrong, at once.
    """
    manifests = read_manifests(paths, base_dir=base_dir, stated=stated, namespace=namespace, lenient=lenient)
    if manifests.problems:
        raise InputError(manifests.problems)
    return manifests


def read_manifests(
    paths: Iterable[str | Path],
    *,
    base_dir: str | Path = ".",
    stated: Mapping[str, Any] | None = None,
    namespace: str | None = None,
    lenient: bool = False,
) -> ManifestSet:
    """Do as :func:`load_manifests`, with the problems in the answer instead of raised."""
    reading = read_objects([str(path) for path in paths], Path(base_dir))
    objects = reading.objects
    found = Findings(stated or {}, namespace)
    found.problems += reading.problems
    found.said_of_files += reading.skipped
    unnamed = [obj for obj in objects if not obj.name]
    for obj in unnamed:
        text = "metadata.name: Required value: an object is known by its name here"
        found.problem(obj, ("metadata",), text)
    strict = StrictFields(objects, lenient=lenient)
    named = [obj for obj in objects if obj.name]
    Interpretation(found, named, namespace, complete=not reading.problems).read()
    strict.report(found)
    problems = in_order(found.problems)
    moot = frozenset(found.moot)
    return ManifestSet(found.sections, found.places, found.report(), tuple(problems), found.blue_green, moot)
