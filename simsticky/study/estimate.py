"""What the replications of a scenario say together about one metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.results.times import NOT_YET
from simsticky.stats.incidence import as_interval, median_of_runs
from simsticky.stats.intervals import LEVEL, Interval, mean_count, mean_t, ratio_of_sums, share_interval
from simsticky.study.store import Value

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric over all replications.

    Attributes:
        name: The metric's name, or a key of the summary.
        unit: ``share``, ``count``, ``seconds`` or ``ratio``.
        interval: Estimate and interval, in that unit; a count's is its mean per replication.
        numerator: What was counted, over all replications that entered; None where nothing is counted.
        denominator: What it was counted of; None where there is none.
        definition: What the metric means.
    """

    name: str
    unit: str
    interval: Interval
    numerator: Value
    denominator: Value
    definition: str

    def to_json_dict(self) -> dict[str, Any]:
        """Return the estimate with the names of the JSON output."""
        interval = self.interval
        return {
            "unit": self.unit,
            "value": interval.estimate,
            "low": interval.low,
            "high": interval.high,
            "interval": interval.kind,
            "designEffect": interval.design_effect,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "replications": interval.used,
            "leftOut": interval.left_out,
            "definition": self.definition,
        }


def estimate_metric(metric: Metric, column: Callable[[str], Sequence[Value]], level: float = LEVEL) -> Estimate:
    """Return the estimate of a metric from the values of the replications.

    Args:
        metric: What to estimate.
        column: The values of a key of the summary, one a replication.
        level: Confidence level in (0, 1).
    """
    if metric.numerator is not None and metric.denominator is not None:
        counted, of = column(metric.numerator), column(metric.denominator)
        make = share_interval if metric.unit == "share" else ratio_of_sums
        return Estimate(
            metric.name, metric.unit, make(counted, of, level), total_of(counted), total_of(of), metric.definition
        )
    values = column(metric.name)
    if metric.unit == "count":
        return Estimate(metric.name, metric.unit, mean_count(values, level), total_of(values), None, metric.definition)
    watched = [value for value in column(f"{NOT_YET}{metric.name}") if value is not None] if metric.until else []
    if watched:
        reached = [value for value in values if value is not None]
        time = median_of_runs(reached, watched, level)
        interval = as_interval(time, "Kaplan-Meier", time.total, level)
        return Estimate(metric.name, metric.unit, interval, None, None, metric.definition)
    # An excess over the floor may be negative; a time cannot.
    interval = mean_t(values, level, nonnegative=metric.unit == "seconds")
    return Estimate(metric.name, metric.unit, interval, None, None, metric.definition)


def total_of(values: Sequence[Value]) -> Value:
    """Return the sum of what is known, whole where all of it is; None where nothing is."""
    seen = [value for value in values if value is not None]
    if not seen:
        return None
    return sum(seen) if all(isinstance(value, int) for value in seen) else math.fsum(seen)
