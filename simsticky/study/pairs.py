"""Two settings side by side on common random numbers: what the replications of both say about one metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simsticky.results.absence import Absence
from simsticky.stats.intervals import LEVEL, Interval
from simsticky.stats.paired import Difference, mean_difference, ratio_difference
from simsticky.study.estimate import estimate_metric
from simsticky.study.replicate import Study
from simsticky.study.store import Value
from simsticky.study.thresholds import absence_of, verdict
from simsticky.study.verdicts import Mark, judge

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.thresholds import Threshold
    from simsticky.study.store import Replications

Columns = Callable[[str], Sequence[Value]]
"""Returns the values of a key of the summary, one a replication; None where a replication has none."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A setting and its reference.

    Attributes:
        reference: The replications of the reference.
        setting: Those of the setting; paired: as many, in the same order.
        paired: Whether replication i of both shared its random numbers.
        level: Confidence level of every interval.
        same: How many replications there are, where those of both are the same to the byte; 0 where they are not.
        scenarios: The scenarios of both, where they are known: they tell entries of the timeline and where state is.
    """

    reference: Columns
    setting: Columns
    paired: bool = True
    level: float = LEVEL
    same: int = 0
    scenarios: tuple[Scenario | None, Scenario | None] = (None, None)

    def difference(self, metric: Metric) -> Difference:
        """Return a metric of the setting less that of the reference; exactly 0 where digests are equal (rule Q11).

        (Where nothing was counted on either side, two runs that only look alike are not known to be equal.)
        """
        keys = [key for key in (metric.numerator, metric.denominator) if key is not None] or [metric.name]
        if self.same and all(self.reference(key) == self.setting(key) for key in keys):
            nothing = Interval(0.0, 0.0, 0.0, self.level, "paired t", self.same)
            return Difference(nothing, 1.0, paired=True, standard_error=0.0, degrees=max(self.same - 1, 1))
        return metric_difference(metric, self.reference, self.setting, paired=self.paired, level=self.level)

    def mark(self, metric: Metric, bound: Threshold, *, of_reference: bool = False) -> Mark:
        """Return what the setting's interval says about a threshold, or the reference's."""
        column, scenario = (self.reference, self.setting)[not of_reference], self.scenarios[not of_reference]
        return mark_of(metric, bound, column, scenario, self.level)

    def knows(self, metric: Metric) -> bool:
        """Return whether both have counted what a metric is about, be it none."""
        key = metric.denominator or metric.name
        return all(_total(column, key) is not None for column in (self.reference, self.setting))

    @property
    def has_lost_stickiness(self) -> bool:
        """Whether sessions were bound to pods in the reference, and none is any more."""
        return not is_not_sticky(self.reference, self.scenarios[0]) and is_not_sticky(self.setting, self.scenarios[1])


def pair_of(reference: Study, setting: Study, n: int, level: float = LEVEL) -> Pair:
    """Return two studies of one seed as a pair, by their replications 0 to ``n - 1`` alone."""
    same = n if reference.digests[:n] == setting.digests[:n] else 0
    columns = [first_of(study.replications, n) for study in (reference, setting)]
    return Pair(columns[0], columns[1], True, level, same, (reference.scenario, setting.scenario))


def first_of(replications: Replications, n: int) -> Columns:
    """Return the columns of the first replications, as if there were no more."""
    return lambda key: replications.column(key)[:n]


def metric_difference(
    metric: Metric, first: Columns, second: Columns, *, paired: bool, level: float = LEVEL
) -> Difference:
    """Return a metric of the second setting less that of the first.

    Args:
        metric: What to compare: a quotient of two counts as the difference of two ratios, all else of two means.
        first: The replications of the first setting.
        second: Those of the second; paired: as many, in the same order.
        paired: Whether replication i of both shared its random numbers.
        level: Confidence level in (0, 1).
    """
    if metric.numerator is not None and metric.denominator is not None:
        ratios = [(side(metric.numerator), side(metric.denominator)) for side in (first, second)]
        return ratio_difference(ratios[0], ratios[1], paired=paired, share=metric.unit == "share", level=level)
    return mean_difference(first(metric.name), second(metric.name), paired=paired, level=level)


def mark_of(metric: Metric, bound: Threshold, column: Columns, scenario: Scenario | None, level: float) -> Mark:
    """Return what the replications of a setting say about a threshold, see :mod:`simsticky.study.thresholds`.

    Where the scenario is not known, the entries of its timeline are not judged one by one.
    """
    interval = estimate_metric(metric, column, level).interval
    if scenario is not None:
        return verdict(metric, bound, interval, column, scenario, level).mark
    if interval.estimate is None and is_not_sticky(column):
        return Mark.FAIL
    return judge(bound, interval)


def is_not_sticky(column: Columns, scenario: Scenario | None = None) -> bool:
    """Whether no session of a setting was ever bound to a pod, though there were requests."""
    if scenario is not None:
        return absence_of(column, scenario) is Absence.NOT_STICKY
    return _total(column, "sticky_bound_sessions") == 0 < (_total(column, "requests_sent") or 0)


def _total(column: Columns, key: str) -> float | None:
    known = [value for value in column(key) if value is not None]
    return sum(known) if known else None
