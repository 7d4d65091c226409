"""A budget of broken sessions, and how often it allows a deploy."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.errors import InputError
from simsticky.scenario.entries import entry_keys
from simsticky.stats.intervals import LEVEL, Interval, mean_count
from simsticky.units import parse_number, quoted

if TYPE_CHECKING:
    from simsticky.study.replicate import Study

SPANS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000}
"""Lengths in seconds; a month has 30 days."""

_TEXT = re.compile(
    r"\s*(\S+?)\s+broken[ _]sessions?(?:\s+(?:per|an?|every|each)\s|\s*/)\s*([a-z]+?)\s*", re.ASCII | re.IGNORECASE
)
_HINT = "write for example '2000 broken sessions a day'; also an hour, a week, a month"


@dataclass(frozen=True, slots=True)
class Budget:
    """How many broken sessions there may be in a span of time.

    Attributes:
        most: Broken sessions.
        span: ``day`` and the like, of :data:`SPANS`.
    """

    most: float
    span: str

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read ``2000 broken sessions a day``.

        Raises:
            InputError: It is no such budget.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise InputError.of(f"{quoted(text)} is no budget", file="--budget", hint=_HINT)
        number, span = match[1], match[2].lower().removesuffix("s")
        if span not in SPANS:
            raise InputError.of(f"{quoted(match[2])} is no span of time", file="--budget", hint=_HINT)
        try:
            most = parse_number(number.replace(",", "").replace("_", ""))
        except ValueError:
            raise InputError.of(f"{quoted(number)} is no number of sessions", file="--budget", hint=_HINT) from None
        if not 0 < most < math.inf:
            raise InputError.of(f"{quoted(number)} broken sessions leave no deploy", file="--budget", hint=_HINT)
        return cls(most, span)

    def deploys(self, study: Study | None, level: float = LEVEL) -> Deploys | None:
        """Return how many deploys the budget allows, by the replications of a study; None where none was run.

        Each run of the timeline breaks as many sessions as it exposed and broke (``broken_exposed_sessions``). Where
        there is an autoscaler beside rollouts, what its own scales break is no deploy's.
        """
        if study is None:
            return None
        operations = study.scenario.operations
        rollouts = [operation for operation in operations if operation.kind == "rollout"]
        of_rollouts = len(rollouts) == len(operations) > 0
        broken = mean_count(study.replications.column("broken_exposed_sessions"), level)
        names = [f"entries.{key}.broken_exposed_sessions" for key in dict.fromkeys(entry_keys(study.scenario))]
        if of_rollouts and study.scenario.autoscaler is not None and set(names) <= set(study.replications.keys):
            columns = [study.replications.column(name) for name in names]
            broken = mean_count([sum(value or 0 for value in run) for run in zip(*columns, strict=True)], level)
        return Deploys(self, broken, len(operations) if of_rollouts else 1, of_rollouts)


@dataclass(frozen=True, slots=True)
class Deploys:
    """How often a budget allows a deploy.

    Attributes:
        budget: The budget.
        broken: Broken sessions of one run of the timeline, mean and interval over replications.
        each: Deploys in one run of the timeline.
        of_rollouts: Whether a deploy is a rollout; else it is the whole timeline, whatever happens on it.
    """

    budget: Budget
    broken: Interval
    each: int
    of_rollouts: bool

    @property
    def allowed(self) -> Interval:
        """Deploys in the budget's span; no upper end, and no estimate, where none was seen to break."""
        most = self.budget.most * self.each

        def inverse(value: float | None) -> float | None:
            return most / value if value else None

        return Interval(inverse(self.broken.estimate), inverse(self.broken.high), inverse(self.broken.low))

    def to_json_dict(self) -> dict[str, Any]:
        """Return it with the names of the JSON output."""
        allowed = self.allowed
        return {
            "brokenSessions": self.budget.most,
            "span": self.budget.span,
            "of": "rollouts" if self.of_rollouts else "timelines",
            "value": allowed.estimate,
            "low": allowed.low,
            "high": allowed.high,
            "brokenPerTimeline": {"value": self.broken.estimate, "low": self.broken.low, "high": self.broken.high},
        }
