"""What a recommendation says: today, the pick, its price, and what it hangs on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from simsticky.manifests.patches import Patch
from simsticky.notebook import ShownInNotebooks
from simsticky.results.provenance import library_versions
from simsticky.study.better import Standing
from simsticky.study.estimate import Estimate
from simsticky.study.looks import Look
from simsticky.study.replicate import SCHEMA_VERSION
from simsticky.study.verdicts import Mark
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

Status = Literal["found", "none", "not certain"]


@dataclass(frozen=True, slots=True)
class Option:
    """A setting that was tried.

    Attributes:
        settings: What is set, by path: the knobs and what follows them, as resolved.
        estimates: The thresholds' metrics, by name.
        mark: ✓, ✗ or ? for all thresholds together.
        costs: The mean of each cost; None where an end did not come in every replication.
        replications: How often it was run.
        standing: How it stands against today; None for today itself.
    """

    settings: Mapping[str, Any]
    estimates: Mapping[str, Estimate]
    mark: Mark
    costs: Mapping[str, float | None]
    replications: int
    standing: Standing | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """Return the option with the names of the JSON output."""
        return {
            "settings": dict(self.settings),
            "verdict": self.mark.word,
            "standing": None if self.standing is None else self.standing.value,
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


@dataclass(frozen=True, slots=True)
class Between:
    """What lies between the dearest setting that certainly fails and the cheapest that passes.

    Attributes:
        failing: The settings of the former; None where none along the range certainly fails.
        passing: Those of the latter; None where none passes.
        between: Settings of the grid between the two, which the replications so far cannot tell.
        replications: About how many would tell them all; None if more than a million.
    """

    failing: Mapping[str, Any] | None
    passing: Mapping[str, Any] | None
    between: int
    replications: int | None

    def to_json_dict(self) -> dict[str, Any]:
        """Return it with the names of the JSON output."""
        return {
            "failing": None if self.failing is None else dict(self.failing),
            "passing": None if self.passing is None else dict(self.passing),
            "between": self.between,
            "replications": self.replications,
        }


@dataclass(frozen=True)
class Recommendation(ShownInNotebooks):
    """The answer, and what it hangs on.

    Attributes:
        scenario: The scenario as it is today.
        thresholds: What is to be kept, by metric.
        varied: What was varied, by path, as asked.
        status: ``found``; ``none``: no setting can; ``not certain``: none is certain to, and one may.
        seed: The seed.
        n: At most this many replications of a setting.
        level: Confidence of each verdict over all its looks: 0.95, adjusted for the number of lines searched.
        looks: After how many replications was looked, and the level of each look's intervals.
        today: The scenario as it is: the reference that no pick may be worse than.
        pick: The cheapest setting that keeps the thresholds and is not worse than today; None unless found.
        closest: The setting that comes closest to the thresholds; None where one is found.
        reason: Why none can, or what is uncertain; empty when found.
        stricter: The price of the first threshold one step stricter; None unless found.
        looser: The price of it one step looser.
        crossings: Where the estimates cross their thresholds along the pick's range (or the only one).
        flip: What the verdict means for longer sessions; None unless found and the laws tell.
        gap: What lies between the pick and the dearest setting that fails; None where nothing along the range does.
        limited: What keeps longer or larger settings from having an effect; empty where nothing does.
        patches: The change from today to the pick, one for each object or file to edit; empty unless found.
        monotone: Whether the metrics went one way along the range; None where nothing was bisected.
        order: The costs in their order.
        tried: Every setting that was tried.
        simulations: Replications of all of them, and of those with longer sessions.
        warnings: What a reader should know before believing the numbers.
        drain: Whether drain support was taken to be on, where nobody says so; None where it is known.
        otherwise: The answer with drain support the other way, where nobody says so.
    """

    scenario: Scenario
    thresholds: Mapping[str, str]
    varied: Mapping[str, str]
    status: Status
    seed: int
    n: int
    level: float
    looks: tuple[Look, ...]
    today: Option
    pick: Option | None
    closest: Option | None
    reason: str
    stricter: Priced | None
    looser: Priced | None
    crossings: tuple[Crossing, ...]
    flip: Flip | None
    gap: Between | None
    limited: str
    patches: tuple[Patch, ...]
    monotone: bool | None
    order: tuple[str, ...]
    tried: tuple[Option, ...]
    simulations: int
    warnings: tuple[str, ...]
    drain: bool | None = None
    otherwise: Recommendation | None = None

    @property
    def ending(self) -> Status:
        """The status of the answer as a whole: where it hangs on drain support, both ways must agree."""
        if self.otherwise is None or self.otherwise.status == self.status:
            return self.status
        return "not certain"

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON types, reproducible to the byte (rule W4)."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "kind": "recommendation",
            "tool": {"name": "simsticky", "version": __version__},
            "libraries": library_versions(),
            "scenario": {"name": self.scenario.name, "digest": self.scenario.digest()},
            "seed": self.seed,
            "replications": self.n,
            "level": self.level,
            "looks": [{"replications": look.n, "level": look.level} for look in self.looks],
            "reference": "today",
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
            "gap": None if self.gap is None else self.gap.to_json_dict(),
            "limited": self.limited,
            "patches": [patch.to_json_dict() for patch in self.patches],
            "monotone": self.monotone,
            "simulations": self.simulations,
            "tried": [option.to_json_dict() for option in self.tried],
            "warnings": list(self.warnings),
            "drainSupport": self.drain,
            "ending": self.ending,
            "otherwise": None if self.otherwise is None else self.otherwise.to_json_dict(),
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
