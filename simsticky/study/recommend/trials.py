"""Settings tried by a search, each with as many replications as it has needed so far.

All settings run on common random numbers: replication i of each has the same seed and number. What is said of one is
read at the looks of :mod:`simsticky.study.looks`, from its first replications and those of the reference alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Protocol

from simsticky.scenario.thresholds import Threshold
from simsticky.stats.paired import Difference
from simsticky.study.better import MARGINS, Against, against, guard, wants_less
from simsticky.study.case import Case
from simsticky.study.clock import stops
from simsticky.study.estimate import Estimate, estimate_metric
from simsticky.study.looks import ERROR, Look, plan
from simsticky.study.pairs import Columns, Pair, first_of, is_not_sticky, mark_of, metric_difference, pair_of
from simsticky.study.recommend.costs import ORDER
from simsticky.study.recommend.futility import half_at_last, is_futile
from simsticky.study.replicate import Study
from simsticky.study.runner import Runner
from simsticky.study.store import Replications, Value
from simsticky.study.verdicts import Mark
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario

SettingKey = Hashable
"""What names a setting."""

_LADDER = (1.0, 2.0, 5.0, 10.0)


class OutOfTimeError(Exception):
    """The time that a search may take is over."""


class Criterion(Protocol):
    """What a setting is to keep."""

    @property
    def metric(self) -> Metric:
        """The metric it is about."""

    @property
    def wants_less(self) -> bool:
        """Whether smaller is better."""

    @property
    def tolerance(self) -> float:
        """A difference between two settings that is none, in the metric's unit."""

    def mark(self, trials: Trials, key: SettingKey, look: Look) -> Mark:
        """Return what a look says about a setting."""

    def excess(self, trials: Trials, key: SettingKey, n: int | None = None) -> float:
        """Return how far a setting's estimate is on the wrong side, in the metric's unit.

        Args:
            trials: Where it was tried.
            key: The setting.
            n: Its first replications, of which to take the estimate; all there are by default.
        """


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold and its metric."""

    metric: Metric
    threshold: Threshold
    tolerance: float = 0.0

    @property
    def wants_less(self) -> bool:
        """Whether smaller is better."""
        return wants_less(self.threshold)

    def mark(self, trials: Trials, key: SettingKey, look: Look) -> Mark:
        """Return what a look says about a setting."""
        return mark_of(self.metric, self.threshold, trials.columns(key, look.n), trials.scenario(key), look.level)

    def excess(self, trials: Trials, key: SettingKey, n: int | None = None) -> float:
        """Return how far a setting is on the wrong side; one that binds nobody is as far as can be."""
        value = trials.value(key, self.metric, n)
        if value is None:
            return float("inf") if is_not_sticky(trials.columns(key), trials.scenario(key)) else 0.0
        over = value - self.threshold.value
        return over if self.wants_less else -over

    def stepped(self, *, harder: bool) -> Threshold:
        """Return the threshold one step on along 1, 2, 5, 10: 5 % gets 2 % when stricter, 10 % when looser."""
        value, unit = self.threshold.value, self.metric.unit
        power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
        rungs = sorted({rung * scale for rung in _LADDER for scale in (power / 10, power, power * 10)})
        near = value * 1e-9
        below, above = [r for r in rungs if r < value - near], [r for r in rungs if r > value + near]
        stepped = max(below) if harder == self.wants_less else min(above)
        if unit == "share":
            bound = f"{100 * min(stepped, (1 + value) / 2):.10g}%"
        else:
            bound = format_duration(stepped) if unit == "seconds" else f"{stepped:.10g}"
        return Threshold.parse(f"{self.threshold.operator} {bound}")


@dataclass(frozen=True, slots=True)
class Guard:
    """Not worse than today in one of the metrics that guard every verdict, see :mod:`simsticky.study.better`."""

    metric: Metric

    @property
    def wants_less(self) -> bool:
        """Whether smaller is better: always."""
        return True

    @property
    def tolerance(self) -> float:
        """The margin: settings that differ by less are equal in this."""
        return MARGINS[self.metric.name]

    def mark(self, trials: Trials, key: SettingKey, look: Look) -> Mark:
        """Return what a look says about a setting; where nobody counts the metric, nothing against it."""
        pair = trials.pair(key, look)
        return guard(pair, self.metric) if pair.knows(self.metric) else Mark.PASS

    def excess(self, trials: Trials, key: SettingKey, n: int | None = None) -> float:
        """Return by how much a setting is worse than the margin allows."""
        n = min(trials.replications(key), trials.replications(trials.reference)) if n is None else n
        pair = trials.pair(key, Look(n, 0.95, last=True))
        return (pair.difference(self.metric).interval.estimate or 0.0) - self.tolerance


class Trials:
    """The settings tried so far.

    Args:
        runner: What runs them.
        seed: Seed of all.
        n: At most this many replications of a setting.
        reference: The setting that all are held against; it has run as often as any that was looked at.
        scenario_of: Returns the scenario of a setting.

    Attributes:
        is_over: Says whether the time is over; None where there is no end to it.
        likely: The settings that are likely to be tried next: idle workers begin with them.
    """

    def __init__(
        self, runner: Runner, seed: int, n: int, reference: SettingKey, scenario_of: Callable[[SettingKey], Scenario]
    ) -> None:
        self.n = n
        self.reference = reference
        self._runner = runner
        self._seed = seed
        self._scenario_of = scenario_of
        self.is_over: Callable[[], bool] | None = None
        self.likely: Sequence[SettingKey] = ()
        self._scenarios: dict[SettingKey, Scenario] = {}
        self._found: dict[SettingKey, Replications] = {}

    @property
    def keys(self) -> list[SettingKey]:
        """The settings tried, in the order in which they were first."""
        return [key for key, found in self._found.items() if found]

    def looks(self, ways: int = 1) -> tuple[Look, ...]:
        """Return the looks of a search that could go wrong in several ways, all of them together as often as one."""
        return plan(self.n, ERROR / ways)

    def scenario(self, key: SettingKey) -> Scenario:
        """Return a setting's scenario."""
        if key not in self._scenarios:
            self._scenarios[key] = self._scenario_of(key)
        return self._scenarios[key]

    def add(self, key: SettingKey, scenario: Scenario) -> None:
        """Name a setting that the search itself does not know."""
        self._scenarios[key] = scenario

    def replications(self, key: SettingKey) -> int:
        """Return how often a setting has been run."""
        return len(self._found.get(key, ()))

    @property
    def simulations(self) -> int:
        """Replications of all settings, those of no other use than to say what the answer hangs on included."""
        return sum(map(len, self._found.values()))

    def screen(self, keys: Iterable[SettingKey]) -> None:
        """Run settings as often as the first look needs."""
        looks = self.looks()
        self._ensure([self.reference, *keys], looks[0].n, [(self.reference, look.n) for look in looks[1:]])

    def _ensure(self, keys: Iterable[SettingKey], n: int, next_ones: Iterable[tuple[SettingKey, int]] = ()) -> None:
        """Run settings ``n`` times each; what may be wanted next, and how often, is begun where a worker is idle."""
        lacking = [key for key in dict.fromkeys(keys) if self.replications(key) < n]
        if not lacking:
            return
        fewest = min(self.replications(key) for key in lacking)
        for stop in stops(fewest, n, timed=self.is_over is not None):
            if self.is_over is not None and self.is_over():
                raise OutOfTimeError
            short = [key for key in lacking if self.replications(key) < stop]
            cases = [self._case(key, stop) for key in short]
            ahead = (self._case(key, to) for key, to in [*((key, n) for key in short if stop < n), *next_ones])
            for key, more in zip(short, self._runner.run(cases, ahead), strict=True):
                self._found.setdefault(key, Replications()).extend(more)

    def _case(self, key: SettingKey, n: int) -> Case:
        return Case(self.scenario(key), self._seed, range(self.replications(key), n))

    def _look(self, key: SettingKey, looks: Sequence[Look], at: int) -> Look:
        """Run a setting and the reference as often as a look needs."""
        later = [(one, look.n) for look in looks[at + 1 :] for one in (self.reference, key)]
        self._ensure([self.reference, key], looks[at].n, [*later, *((one, looks[0].n) for one in self.likely)])
        return looks[at]

    def settled(self, key: SettingKey, looks: Sequence[Look], criteria: Sequence[Criterion]) -> Mark:
        """Return a setting's mark; it is run look by look until every criterion is told, or one is missed."""
        left = list(criteria)
        for at in range(len(looks)):
            look = self._look(key, looks, at)
            marks = [criterion.mark(self, key, look) for criterion in left]
            if Mark.FAIL in marks:
                return Mark.FAIL
            left = [criterion for criterion, mark in zip(left, marks, strict=True) if mark is Mark.OPEN]
            if not left:
                return Mark.PASS
        return Mark.OPEN

    def keeps(self, key: SettingKey, looks: Sequence[Look], criterion: Criterion, *, patiently: bool = False) -> bool:
        """Return whether a setting certainly keeps a criterion; it is run look by look until that is told.

        Args:
            key: The setting.
            looks: When to look.
            criterion: What it is to keep.
            patiently: Run it to the last look, also where it will hardly keep the criterion by then
                (:mod:`simsticky.study.recommend.futility`). Not to do so costs a step or two of a range, never a wrong
                verdict.
        """
        for at in range(len(looks)):
            told = self._told_at(key, self._look(key, looks, at), looks[-1], criterion, patiently)
            if told is not None:
                return told
        return False

    def told_to_keep(
        self, key: SettingKey, looks: Sequence[Look], criterion: Criterion, *, patiently: bool = False
    ) -> bool | None:
        """Return the same from what was run so far; None where that does not tell."""
        n = min(self.replications(key), self.replications(self.reference))
        told = (self._told_at(key, look, looks[-1], criterion, patiently) for look in looks if look.n <= n)
        found = next((one for one in told if one is not None), None)
        return False if found is None and n >= looks[-1].n else found

    def _told_at(self, key: SettingKey, look: Look, last: Look, criterion: Criterion, patiently: bool) -> bool | None:
        mark = criterion.mark(self, key, look)
        if mark is not Mark.OPEN or patiently:
            return None if mark is Mark.OPEN else mark is Mark.PASS
        half = None
        if isinstance(criterion, Limit):
            half = half_at_last(self.estimate(key, criterion.metric, look).interval, look.n, last.n)
        return False if is_futile(criterion.excess(self, key, look.n), half, look.n, last.n) else None

    def mark(self, key: SettingKey, looks: Sequence[Look], criteria: Sequence[Criterion]) -> Mark:
        """Return what the looks that a setting has had so far say about it; nothing is run."""
        return self.settled(key, self._had(key, looks), criteria)

    def told_at(self, key: SettingKey, looks: Sequence[Look], criterion: Criterion) -> Look:
        """Return the look that told a criterion of a setting, of those it has had: the last one if none did."""
        had = self._had(key, looks)
        return next((look for look in had if criterion.mark(self, key, look) is not Mark.OPEN), had[-1])

    def _had(self, key: SettingKey, looks: Sequence[Look]) -> tuple[Look, ...]:
        n = min(self.replications(key), self.replications(self.reference))
        return tuple(takewhile(lambda look: look.n <= n, looks)) or (looks[0],)

    def columns(self, key: SettingKey, n: int | None = None) -> Columns:
        """Return the columns of a setting's first replications; of all of them without ``n``."""
        return first_of(self._found[key], self.replications(key) if n is None else n)

    def pair(self, key: SettingKey, look: Look) -> Pair:
        """Return a setting and the reference at a look."""
        reference, setting = (self._study(one) for one in (self.reference, key))
        return pair_of(reference, setting, look.n, look.level)

    def _study(self, key: SettingKey) -> Study:
        return Study(self.scenario(key), self._seed, self._found[key], {})

    def against(
        self, key: SettingKey, looks: Sequence[Look], metrics: Mapping[str, Metric], thresholds: Mapping[str, Threshold]
    ) -> Against:
        """Return how a setting stands against the reference, at the last look that it has had."""
        return against(self.pair(key, self._had(key, looks)[-1]), metrics, thresholds)

    def estimate(self, key: SettingKey, metric: Metric, look: Look) -> Estimate:
        """Return a metric's estimate as a look sees it."""
        return estimate_metric(metric, self.columns(key, look.n), look.level)

    def value(self, key: SettingKey, metric: Metric, n: int | None = None) -> float | None:
        """Return the point estimate of a metric from a setting's first replications; from all so far without ``n``."""
        return estimate_metric(metric, self.columns(key, n)).interval.estimate

    def difference(self, first: SettingKey, second: SettingKey, metric: Metric, level: float) -> Difference:
        """Return a metric of the second setting less that of the first, paired on what both have run."""
        n = min(self.replications(first), self.replications(second))
        return metric_difference(metric, self.columns(first, n), self.columns(second, n), paired=True, level=level)

    def costs(self, key: SettingKey) -> dict[str, float | None]:
        """Return the mean of each cost of a setting."""
        return {name: _mean(self._found[key].column(name)) for name in ORDER}

    def count(self, key: SettingKey, name: str) -> float:
        """Return the total of a count over a setting's replications."""
        return sum(value for value in self._found[key].column(name) if value is not None)

    def warnings(self, key: SettingKey) -> Mapping[str, int]:
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
