"""What ``check`` has found, as data; :mod:`simsticky.report.check` makes words of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.stats.intervals import LEVEL
from simsticky.study.better import Against, Standing
from simsticky.study.replicate import SCHEMA_VERSION
from simsticky.study.verdicts import Mark
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.check.baseline import Baseline
    from simsticky.study.check.budget import Deploys
    from simsticky.study.compare import Comparison
    from simsticky.study.replicate import Study
    from simsticky.study.thresholds import Verdict


@dataclass(frozen=True, slots=True)
class Told:
    """A threshold, and the look that told what is said of it.

    Attributes:
        verdict: What is said; its interval is that of the look.
        n: Replications of the look.
        level: Confidence level of the look.
    """

    verdict: Verdict
    n: int
    level: float

    @property
    def mark(self) -> Mark:
        """What is said, as a sign."""
        return self.verdict.mark

    def to_json_dict(self) -> dict[str, Any]:
        """Return it with the names of the JSON output."""
        return {**self.verdict.to_json_dict(), "replications": self.n, "level": self.level}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a look says of a setting and its baseline.

    Attributes:
        against: How the setting stands, by rule Q10.
        crossing: Thresholds of which it is open whether the setting has crossed them.
    """

    against: Against
    crossing: tuple[str, ...] = ()

    @property
    def mark(self) -> Mark:
        """✗ where it became worse, ✓ where it certainly did not."""
        if self.against.standing is Standing.WORSE:
            return Mark.FAIL
        return Mark.OPEN if self.crossing or not self.against.standing.is_acceptable else Mark.PASS


@dataclass(frozen=True)
class Check:
    """A scenario that was checked.

    Attributes:
        scenario: The scenario.
        seed: Seed of all replications.
        study: Its replications; None where nothing was run.
        thresholds: What is said of each threshold of the scenario and of its baseline.
        comparison: The baseline and the scenario; None without a baseline, and where nothing was run.
        most: At most this many replications.
        level: Confidence level of the last look.
        is_late: Whether the time was over before all was told.
        baseline: Name of the baseline; empty without one.
        is_unchanged: Whether nothing that the model reads differs from the baseline.
        mark: With a baseline: ✗ where the scenario became worse, ✓ where it certainly did not.
        standing: With a baseline: by what.
        deploys: How many deploys a budget allows, where one is given.
    """

    scenario: Scenario
    seed: int
    study: Study | None = None
    thresholds: tuple[Told, ...] = ()
    comparison: Comparison | None = None
    most: int = 0
    level: float = LEVEL
    is_late: bool = False
    baseline: str = ""
    is_unchanged: bool = False
    mark: Mark | None = None
    standing: Judged | None = None
    deploys: Deploys | None = None

    @property
    def n(self) -> int:
        """Replications of the scenario."""
        return 0 if self.study is None else self.study.n

    @property
    def outcome(self) -> Mark:
        """What the check comes to: ✓ to go on, ✗ to stop, ``?`` not certain."""
        if self.is_unchanged:
            return Mark.PASS
        if self.mark is not None:
            return self.mark
        return Mark.together(told.mark for told in self.thresholds)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know before believing it."""
        if self.study is None:
            return ()
        found = self.study.warnings if self.comparison is None else self.comparison.warnings
        return tuple(dict.fromkeys((*found, *([LATE] if self.is_late else []))))

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything the check says as plain JSON types, the same to the byte for the same input."""
        judged = self.standing
        return {
            "schemaVersion": SCHEMA_VERSION,
            "kind": "check",
            "tool": {"name": "simsticky", "version": __version__},
            "scenario": {"name": self.scenario.name, "digest": self.scenario.digest()},
            "seed": self.seed,
            "replications": self.n,
            "mostReplications": self.most,
            "outcome": self.outcome.word,
            "timeIsUp": self.is_late,
            "baseline": self.baseline or None,
            "unchanged": self.is_unchanged,
            "thresholds": [told.to_json_dict() for told in self.thresholds],
            "crossing": [] if judged is None else list(judged.crossing),
            "comparison": None if self.comparison is None else self.comparison.to_json_dict(),
            "deploys": None if self.deploys is None else self.deploys.to_json_dict(),
            "warnings": list(self.warnings),
        }

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


LATE = "the time was over before all was certain: what is not certain here may be told the next time (--max-time)"
"""What is said of a result that the clock has ended."""


def unchanged(scenario: Scenario, baseline: Baseline | None, seed: int | None = None) -> Check | None:
    """Return the check of a scenario that differs from its baseline in nothing that the model reads; else None."""
    if baseline is None or not baseline.is_of(scenario):
        return None
    return Check(scenario, scenario.run.seed if seed is None else seed, baseline=baseline.name, is_unchanged=True)
