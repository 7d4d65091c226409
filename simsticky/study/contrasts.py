"""One metric of one scenario against the first: both estimates, and the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.stats.paired import Difference
from simsticky.study.estimate import Estimate

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric


@dataclass(frozen=True, slots=True)
class Contrast:
    """One metric of one scenario against the first.

    Attributes:
        metric: The metric.
        name: The scenario's name.
        base: The metric's estimate in the first scenario.
        other: Its estimate in this one.
        difference: This one minus the first, with an interval of the level at which Holm's procedure tests it.
        p_adjusted: The p-value adjusted for all the scenarios compared; None without an interval.
    """

    metric: Metric
    name: str
    base: Estimate
    other: Estimate
    difference: Difference
    p_adjusted: float | None

    @property
    def is_certain(self) -> bool:
        """Whether the interval of the difference leaves 0 out."""
        low, high = self.difference.interval.low, self.difference.interval.high
        return low is not None and high is not None and not low <= 0 <= high

    def to_json_dict(self) -> dict[str, Any]:
        """Return the contrast with the names of the JSON output."""
        interval = self.difference.interval
        return {
            "scenario": self.name,
            "metric": self.metric.name,
            "unit": self.metric.unit,
            "base": _ends(self.base),
            "other": _ends(self.other),
            "difference": {
                "value": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "level": interval.level,
                "interval": interval.kind,
                "p": self.difference.p_value,
                "pAdjusted": self.p_adjusted,
                "replications": interval.used,
                "leftOut": interval.left_out,
                "varianceRatio": self.difference.variance_ratio,
            },
        }


def _ends(estimate: Estimate) -> dict[str, Any]:
    found = estimate.to_json_dict()
    return {key: found[key] for key in ("value", "low", "high", "interval", "numerator", "denominator")}
