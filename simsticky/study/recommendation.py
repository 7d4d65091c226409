"""What a recommendation says: today, the pick, its price, and what it hangs on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from simsticky.notebook import ShownInNotebooks
from simsticky.results.provenance import installed_version, library_versions
from simsticky.study.replicate import SCHEMA_VERSION, Estimate
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

Status = Literal["found", "none", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Option:
    """A setting that was tried.

    Attributes:
        settings: What is set, by path: the knobs and what follows them, as resolved.
        estimates: The thresholds' metrics, by name.
        mark: ✓, ✗ or ? for all thresholds together.
        costs: The mean of each cost; None where an end did not come in every replication.
        replications: How often it was run.
    """

    settings: Mapping[str, Any]
    estimates: Mapping[str, Estimate]
    mark: Mark
    costs: Mapping[str, float | None]
    replications: int

    def to_json_dict(self) -> dict[str, Any]:
        """Return the option with the names of the JSON output."""
        return {
            "settings": dict(self.settings),
            "verdict": {"✓": "met", "✗": "not met", "?": "inconclusive"}[self.mark],
            "estimates": {name: estimate.to_json_dict() for name, estimate in self.estimates.items()},
            "costs": dict(self.costs),
            "replications": self.replications,
        }


@dataclass(frozen=True, slots=True)
class Priced:
    """The cheapest setting for a threshold one step stricter or looser.

    Attributes:
        threshold: The threshold.
        option: The setting; None where no setting can.
    """

    threshold: str
    option: Option | None


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where along a range the point estimate crosses the threshold, with 50 % confidence so to say.

    Attributes:
        path: The setting.
        number: Its value there: seconds, per second, or plain.
        metric: Whose estimate crosses.
    """

    path: str
    number: float
    metric: str


@dataclass(frozen=True, slots=True)
class Flip:
    """How far sessions may be longer before the pick's estimate misses a threshold.

    Attributes:
        mean_s: Mean session length today, in seconds.
        flips_at_s: Mean session length at which the estimate misses it; None if it holds up to ``held_to_s``.
        held_to_s: The longest mean session length that was tried.
    """

    mean_s: float
    flips_at_s: float | None
    held_to_s: float


@dataclass(frozen=True)
class Recommendation(ShownInNotebooks):
    """The answer, and what it hangs on.

    Attributes:
        scenario: The scenario as it is today.
        thresholds: What is to be kept, by metric.
        varied: What was varied, by path, as asked.
        status: ``found``; ``none``: no setting can; ``inconclusive``: none is certain to, and one may.
        seed: The seed.
        n: Replications of every setting that is told about.
        level: Confidence level of each verdict: 0.95, adjusted for the number of lines searched.
        today: The scenario as it is.
        pick: The cheapest setting that keeps the thresholds; None unless found.
        closest: The setting that comes closest to the thresholds; None where one is found.
        reason: Why none can, or what is uncertain; empty when found.
        stricter: The price of the first threshold one step stricter; None unless found.
        looser: The price of it one step looser.
        crossings: Where the estimates cross their thresholds along the pick's range (or the only one).
        flip: What the verdict means for longer sessions; None unless found and the laws tell.
        monotone: Whether the metrics went one way along the range; None where nothing was bisected.
        order: The costs in their order.
        tried: Every setting that was tried.
        warnings: What a reader should know before believing the numbers.
    """

    scenario: Scenario
    thresholds: Mapping[str, str]
    varied: Mapping[str, str]
    status: Status
    seed: int
    n: int
    level: float
    today: Option
    pick: Option | None
    closest: Option | None
    reason: str
    stricter: Priced | None
    looser: Priced | None
    crossings: tuple[Crossing, ...]
    flip: Flip | None
    monotone: bool | None
    order: tuple[str, ...]
    tried: tuple[Option, ...]
    warnings: tuple[str, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON types, reproducible to the byte (rule W4)."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "kind": "recommendation",
            "tool": {"name": "simsticky", "version": installed_version("simsticky")},
            "libraries": library_versions(),
            "scenario": {"name": self.scenario.name, "digest": self.scenario.digest()},
            "seed": self.seed,
            "replications": self.n,
            "level": self.level,
            "thresholds": dict(self.thresholds),
            "varied": dict(self.varied),
            "costOrder": list(self.order),
            "status": self.status,
            "reason": self.reason,
            "today": self.today.to_json_dict(),
            "pick": None if self.pick is None else self.pick.to_json_dict(),
            "closest": None if self.closest is None else self.closest.to_json_dict(),
            "stricter": _priced(self.stricter),
            "looser": _priced(self.looser),
            "crossings": [
                {"path": crossing.path, "value": crossing.number, "metric": crossing.metric}
                for crossing in self.crossings
            ],
            "flip": None
            if self.flip is None
            else {
                "meanSession": self.flip.mean_s,
                "flipsAt": self.flip.flips_at_s,
                "heldTo": self.flip.held_to_s,
            },
            "monotone": self.monotone,
            "tried": [option.to_json_dict() for option in self.tried],
            "warnings": list(self.warnings),
        }

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _priced(priced: Priced | None) -> dict[str, Any] | None:
    if priced is None:
        return None
    return {
        "threshold": priced.threshold,
        "option": None if priced.option is None else priced.option.to_json_dict(),
    }
