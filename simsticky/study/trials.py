"""Settings tried by a search, each with as many replications as it has needed so far.

All settings run on common random numbers: replication i of each has the same seed and number.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simsticky.stats.intervals import LEVEL
from simsticky.stats.paired import Difference, mean_difference, ratio_difference
from simsticky.study.costs import ORDER
from simsticky.study.replicate import Estimate, estimate_metric
from simsticky.study.replications import Replications, Value
from simsticky.study.runner import Case, Runner
from simsticky.study.verdicts import Mark, judge

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.thresholds import Threshold

Key = Hashable
"""What names a setting."""

_FEWEST = 10
_SCREENING_LEVEL = 0.99


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold and its metric."""

    metric: Metric
    threshold: Threshold

    @property
    def wants_less(self) -> bool:
        """Whether smaller is better."""
        return self.threshold.operator.startswith("<")

    def excess(self, value: float | None) -> float:
        """How far a value is on the wrong side, in the metric's unit; a missing one keeps the bound."""
        if value is None:
            return 0.0
        over = value - self.threshold.value
        return over if self.wants_less else -over


class Trials:
    """The settings tried so far.

    Args:
        runner: What runs them.
        seed: Seed of all.
        n: Replications of a setting that is to be believed.
        limits: The thresholds.
        scenario_of: Returns the scenario of a setting.
    """

    def __init__(
        self, runner: Runner, seed: int, n: int, limits: Sequence[Limit], scenario_of: Callable[[Key], Scenario]
    ) -> None:
        self.n = n
        self.screening = min(n, max(_FEWEST, n // 3))
        self.limits = tuple(limits)
        self._runner = runner
        self._seed = seed
        self._scenario_of = scenario_of
        self._scenarios: dict[Key, Scenario] = {}
        self._found: dict[Key, Replications] = {}

    @property
    def keys(self) -> list[Key]:
        """The settings tried, in the order in which they were first."""
        return list(self._found)

    def scenario(self, key: Key) -> Scenario:
        """Return a setting's scenario."""
        if key not in self._scenarios:
            self._scenarios[key] = self._scenario_of(key)
        return self._scenarios[key]

    def replications(self, key: Key) -> int:
        """Return how often a setting has been run."""
        return len(self._found.get(key, ()))

    def screen(self, keys: Iterable[Key]) -> None:
        """Run settings often enough to put aside what is clear."""
        self._ensure(keys, self.screening)

    def believe(self, keys: Iterable[Key]) -> None:
        """Run settings as often as what is told about them needs."""
        self._ensure(keys, self.n)

    def _ensure(self, keys: Iterable[Key], n: int) -> None:
        lacking = [key for key in dict.fromkeys(keys) if self.replications(key) < n]
        cases = [Case(self.scenario(key), self._seed, range(self.replications(key), n)) for key in lacking]
        for key, more in zip(lacking, self._runner.run(cases) if cases else (), strict=True):
            self._found.setdefault(key, Replications()).extend(more)

    def estimate(self, key: Key, metric: Metric, level: float = LEVEL) -> Estimate:
        """Return a metric's estimate from all replications of a setting so far."""
        return estimate_metric(metric, self._found[key].column, level)

    def value(self, key: Key, limit: Limit) -> float | None:
        """Return the point estimate of a limit's metric."""
        return self.estimate(key, limit.metric).interval.estimate

    def mark(self, key: Key, level: float, limits: Sequence[Limit] | None = None) -> Mark:
        """Return what a setting's intervals say about all the limits together."""
        marks = (
            judge(limit.threshold, self.estimate(key, limit.metric, level).interval)
            for limit in (self.limits if limits is None else limits)
        )
        return Mark.together(marks)

    def settled(self, key: Key, level: float, limits: Sequence[Limit] | None = None) -> Mark:
        """Return a setting's mark; screened first, and run fully only while that leaves it open.

        A screening settles only what is clear at 99 % and at ``level``: it steers, and what a search ends with is
        believed on all replications.
        """
        self.screen([key])
        if self.replications(key) < self.n:
            mark = self.mark(key, max(level, _SCREENING_LEVEL), limits)
            if mark is not Mark.OPEN:
                return mark
            self.believe([key])
        return self.mark(key, level, limits)

    def difference(self, first: Key, second: Key, metric: Metric, level: float) -> Difference:
        """Return a metric of the second setting less that of the first, paired on what both have run."""
        n = min(self.replications(first), self.replications(second))

        def column(key: Key, name: str | None) -> list[Value]:
            return self._found[key].column(name or "")[:n]

        if metric.numerator is not None and metric.denominator is not None:
            ratios = [(column(key, metric.numerator), column(key, metric.denominator)) for key in (first, second)]
            return ratio_difference(*ratios, paired=True, share=metric.unit == "share", level=level)
        return mean_difference(column(first, metric.name), column(second, metric.name), paired=True, level=level)

    def costs(self, key: Key) -> dict[str, float | None]:
        """Return the mean of each cost of a setting."""
        return {name: _mean(self._found[key].column(name)) for name in ORDER}

    def count(self, key: Key, name: str) -> float:
        """Return the total of a count over a setting's replications."""
        return sum(value for value in self._found[key].column(name) if value is not None)

    def warnings(self, key: Key) -> Mapping[str, int]:
        """Return the warnings of a setting's replications, with how many gave each."""
        counts: dict[str, int] = {}
        for texts in self._found[key].warnings:
            for text in dict.fromkeys(texts):
                counts[text] = counts.get(text, 0) + 1
        return counts


def _mean(values: Sequence[Value]) -> float | None:
    """The mean, or None as soon as one replication has no value: an end that does not come is no short one."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None
