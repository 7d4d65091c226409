"""What a comparison needs of each result: of a study in memory, or of the JSON file that ``run --out`` wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simsticky.errors import InputError
from simsticky.results.provenance import library_versions
from simsticky.study import stored_json
from simsticky.study.replicate import SCHEMA_VERSION
from simsticky.study.store import Value
from simsticky.study.stored_results import StoredResult
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.scenario.location import Place
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Study

# What a scenario may say differently without being another one to simulate.
_TRACE = "traffic.trace"
_NO_SETTING = ("schema", "name", "about", "manifests", "thresholds", "run.replications")


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs.

    Attributes:
        path: Dotted path of the setting.
        before: Its value in the base, as JSON; None where it is not stated.
        after: Its value in the other.
        origin: Where the other's value came from, its file as the person named it (``k8s/deploy.yaml:41``), a stored
            result's by its name alone; ``default`` where nobody stated it.
    """

    path: str
    before: Any
    after: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Side:
    """One result of a comparison.

    Attributes:
        name: Its name in the comparison.
        seed: Its seed.
        n: Its replications.
        values: The numbers of each replication, by key of the summary.
        definitions: What each of its metrics means.
        digest: The scenario's digest.
        version: Version of simsticky.
        libraries: Versions of the libraries that a number may depend on.
        resolved: The whole scenario as JSON; empty where the result does not tell.
        origins: Where each stated value came from, by dotted path.
        thresholds: The scenario's thresholds.
        warnings: The result's warnings.
        digests: The digest of each replication, in order.
        scenario: The scenario; None where the result does not tell it, or its files are not there.
    """

    name: str
    seed: int
    n: int
    values: Mapping[str, Sequence[Value]]
    definitions: Mapping[str, str]
    digest: str
    version: str
    libraries: Mapping[str, str]
    resolved: Mapping[str, Any]
    origins: Mapping[str, str]
    thresholds: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    scenario: Scenario | None = None

    def column(self, key: str) -> Sequence[Value]:
        """Return the values of a key, one a replication; None throughout where no replication has one."""
        return self.values.get(key) or [None] * self.n

    def first(self, n: int) -> Callable[[str], Sequence[Value]]:
        """Return the columns of the first replications, as if there were no more."""
        return lambda key: self.column(key)[:n]

    @classmethod
    def of_study(cls, name: str, study: Study) -> Side:
        """Return a study as a side."""
        return cls(
            name,
            study.seed,
            study.n,
            study.values(),
            {metric.name: metric.definition for metric in study.metrics.values()},
            study.scenario.digest(),
            __version__,
            library_versions(),
            study.scenario.to_json_dict(),
            study.scenario.provenance,
            study.scenario.thresholds,
            study.warnings,
            tuple(study.digests),
            study.scenario,
        )

    @classmethod
    def read(cls, path: Path, name: str) -> Side:
        """Read what ``simsticky run --output json`` or ``--out FILE.json`` wrote.

        Raises:
            InputError: The file cannot be read, is no such result, or was written by a newer version.
        """
        whole = stored_json.read_json(path)
        hint = "write one with: simsticky run FILE --out result.json"
        if not isinstance(whole, dict) or "values" not in whole or "estimates" not in whole:
            raise InputError.of("is no result of simsticky run", file=str(path), hint=hint)
        _check_version(whole.get("schemaVersion"), str(path))
        try:
            result = StoredResult.of(whole)
            resolved = result.resolved
            return cls(
                name,
                result.seed,
                result.replications,
                result.values,
                result.definitions,
                result.digest,
                result.version,
                result.libraries,
                resolved,
                result.origins,
                result.thresholds,
                result.warnings,
                result.digests,
                _scenario(resolved),
            )
        except ValueError as error:
            raise InputError.of(f"is no whole result of simsticky run: {error}", file=str(path), hint=hint) from error


def _check_version(version: Any, file: str) -> None:
    """Refuse a result whose figures may mean something else by the same name."""
    if version == SCHEMA_VERSION:
        return
    if isinstance(version, int) and version < SCHEMA_VERSION:
        message = (
            f"has schemaVersion {version}: its figures are of older definitions than those of this version"
            f" ({SCHEMA_VERSION}), and cannot be compared"
        )
        raise InputError.of(
            message, file=file, hint="run it again with this version: simsticky run FILE --out FILE.json"
        )
    message = f"has schemaVersion {version}, and this version reads {SCHEMA_VERSION}"
    raise InputError.of(message, file=file, hint="compare it with the version of simsticky that wrote it")


def _scenario(resolved: Mapping[str, Any]) -> Scenario | None:
    """The scenario of a result; of another version, or away from its trace, there may be none."""
    from pydantic import ValidationError

    from simsticky.scenario.model import Scenario

    try:
        return Scenario.model_validate(resolved) if resolved else None
    except ValidationError:
        return None


def changes_between(base: Side, other: Side) -> list[Change]:
    """Return the settings in which two sides differ, in the order of the scenario; none where one does not tell."""
    if not base.resolved or not other.resolved:
        return []
    before, after = dict(_flat(base.resolved)), dict(_flat(other.resolved))
    paths = dict.fromkeys([*before, *after])
    silent = (*_NO_SETTING, *_worked_out(base.resolved, other.resolved))
    origins = dict(other.origins)
    if other.scenario is not None:
        origins |= {path: _named(place) for path, place in other.scenario.places.items()}
    return [
        Change(path, before.get(path), after.get(path), _origin(origins, path))
        for path in paths
        if before.get(path) != after.get(path)
        and not f"{path}.".startswith(tuple(f"{top}." for top in silent))
        and not (path == _TRACE and _have_one_trace(base.scenario, other.scenario))
    ]


def _worked_out(*sides: Mapping[str, Any]) -> list[str]:
    """Return the settings that follow, on all sides, from what was stated in users' units (rules W10 and W11)."""
    pairs = (("rps", "traffic.sessions"), ("session", "traffic.sessionDuration"))
    return [law for unit, law in pairs if all(unit in side.get("traffic", {}) for side in sides)]


def _have_one_trace(one: Scenario | None, other: Scenario | None) -> bool:
    """Whether two scenarios replay the same trace, wherever its file lies."""
    return one is not None and other is not None and one.trace_digest() == other.trace_digest()


def _named(place: Place) -> str:
    return place.file if place.line is None else f"{normpath(place.file)}:{place.line}"


def _flat(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a JSON document by dotted path; an empty section is a leaf."""
    if isinstance(node, Mapping) and node:
        for key, below in node.items():
            yield from _flat(below, f"{prefix}{key}.")
    elif isinstance(node, list | tuple) and node:
        for index, below in enumerate(node):
            yield from _flat(below, f"{prefix}{index}.")
    else:
        yield prefix[:-1], node


def _origin(origins: Mapping[str, str], path: str) -> str:
    while path:
        if path in origins:
            return origins[path]
        path = path.rpartition(".")[0]
    return "default"
