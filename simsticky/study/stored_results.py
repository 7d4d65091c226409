"""A result as JSON, read back and held against what ``simsticky run`` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from simsticky.scenario.thresholds import Threshold
from simsticky.study import stored_json
from simsticky.study.store import Value


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What the JSON of a study says, each part of its kind.

    Attributes:
        seed: The seed.
        replications: Their number.
        values: The numbers of each replication, by key of the summary; each has one a replication.
        definitions: What each metric means.
        digest: The scenario's digest.
        version: Version of simsticky.
        libraries: Versions of the libraries.
        resolved: The whole scenario as JSON; empty where it is left out.
        origins: Where each stated value came from, by dotted path.
        thresholds: The thresholds by metric.
        warnings: The warnings.
        digests: The digest of each replication; empty where they are left out.
    """

    seed: int
    replications: int
    values: Mapping[str, Sequence[Value]]
    definitions: Mapping[str, str]
    digest: str
    version: str
    libraries: Mapping[str, str]
    resolved: Mapping[str, Any]
    origins: Mapping[str, str]
    thresholds: Mapping[str, str]
    warnings: tuple[str, ...]
    digests: tuple[str, ...]

    @classmethod
    def of(cls, whole: Mapping[str, Any]) -> Self:
        """Read it.

        Raises:
            ValueError: A part is missing, is of another kind, or has another size than the number of replications.
        """
        n = stored_json.whole(whole.get("replications"), "replications", 1)
        scenario = stored_json.mapping(whole.get("scenario"), "scenario")
        resolved = stored_json.mapping(scenario.get("resolved", {}), "scenario.resolved")
        thresholds = stored_json.text_by_name(resolved.get("thresholds", {}), "scenario.resolved.thresholds")
        for bound in thresholds.values():
            Threshold.parse(bound)
        digests = stored_json.texts(whole.get("digests", []), "digests")
        if digests and len(digests) != n:
            raise ValueError(f"{len(digests)} digests of {n} replications")
        tool = stored_json.mapping(whole.get("tool"), "tool")
        estimates = stored_json.mapping(whole.get("estimates"), "estimates")
        return cls(
            stored_json.whole(whole.get("seed"), "seed"),
            n,
            {key: _column(values, f"values.{key}", n) for key, values in _values(whole).items()},
            {metric: _definition(estimate, f"estimates.{metric}") for metric, estimate in estimates.items()},
            stored_json.text(scenario.get("digest"), "scenario.digest"),
            stored_json.text(tool.get("version"), "tool.version"),
            stored_json.text_by_name(whole.get("libraries"), "libraries"),
            resolved,
            stored_json.text_by_name(scenario.get("from", {}), "scenario.from"),
            thresholds,
            stored_json.texts(whole.get("warnings", []), "warnings"),
            digests,
        )


def _values(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    return stored_json.mapping(whole.get("values"), "values")


def _column(values: Any, what: str, n: int) -> Sequence[Value]:
    column = [stored_json.number(value, what) for value in stored_json.sequence(values, what)]
    if len(column) != n:
        raise ValueError(f"{what} has {len(column)} numbers, and there are {n} replications")
    return column


def _definition(estimate: Any, what: str) -> str:
    return stored_json.text(stored_json.mapping(estimate, what).get("definition", ""), f"{what}.definition")
