"""Better or worse than a named reference: one rule for compare, recommend, sweep and the tornado (rule Q10).

Two metrics guard every verdict, because each sees what the headline cannot: sessions that break without an operation
behind it, and requests that get no answer. A setting that only moves its breaks out of sight is worse by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from simsticky.study.pairs import Pair
from simsticky.study.verdicts import Mark, judge

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.thresholds import Threshold
    from simsticky.stats.intervals import Interval

MARGINS: Mapping[str, float] = {"broken_any_cause": 0.005, "failed_requests": 0.001}
"""The guards, and by how much each may exceed the reference's and still be *not worse*: shares."""

WATCHED = ("broken_sessions", *MARGINS)
"""The metrics in which a setting may be better, beside those that have a threshold; less is better."""


class Standing(Enum):
    """What is known of a setting against its reference; the value is its word in every output."""

    BETTER = "better"
    NOT_WORSE = "not worse"
    WORSE = "worse"
    UNCERTAIN = "not certain"

    @property
    def sign(self) -> str:
        """One character for a table."""
        return _SIGNS[self]

    @property
    def mark(self) -> Mark:
        """What it says of a change: ✓ to go on, ✗ to stop, ``?`` not certain."""
        if self.is_acceptable:
            return Mark.PASS
        return Mark.FAIL if self is Standing.WORSE else Mark.OPEN

    @property
    def is_acceptable(self) -> bool:
        """Whether a setting that stands so may be picked or praised."""
        return self in (Standing.BETTER, Standing.NOT_WORSE)


_SIGNS = {Standing.BETTER: "+", Standing.NOT_WORSE: "=", Standing.WORSE: "−", Standing.UNCERTAIN: "?"}


@dataclass(frozen=True, slots=True)
class Margin:
    """By how much a guard may exceed the reference's."""

    most: float

    def meets(self, value: float) -> bool:
        """Return whether a difference is within the margin."""
        return value < self.most


@dataclass(frozen=True, slots=True)
class Against:
    """How a setting stands against its reference.

    Attributes:
        standing: The verdict.
        worse: Metrics by which it is a regression.
        uncertain: Guards that leave it open.
        better: Watched metrics whose difference leaves 0 out on the good side.
    """

    standing: Standing
    worse: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    better: tuple[str, ...] = ()


def against(pair: Pair, metrics: Mapping[str, Metric], thresholds: Mapping[str, Threshold]) -> Against:
    """Return how a setting stands against its reference.

    Args:
        pair: Both.
        metrics: The metrics that can be spoken of; a guard that nobody has counted says nothing.
        thresholds: The bounds that are set, by metric; what is not among the metrics is passed over.
    """
    bounds = {name: bound for name, bound in thresholds.items() if name in metrics}
    known = [name for name in MARGINS if name in metrics and pair.knows(metrics[name])]
    guards = {name: guard(pair, metrics[name], bounds.get(name)) for name in known}
    worse = [name for name, found in guards.items() if found is Mark.FAIL]
    worse += [name for name, bound in bounds.items() if name not in worse and _has_fallen(pair, metrics[name], bound)]
    uncertain = tuple(name for name, found in guards.items() if found is Mark.OPEN)
    better = tuple(
        name
        for name in dict.fromkeys((*WATCHED, *bounds))
        if name in metrics and excludes_zero(pair.difference(metrics[name]).interval, down=wants_less(bounds.get(name)))
    )
    if worse:
        return Against(Standing.WORSE, tuple(worse), uncertain, better)
    if uncertain or not guards:
        return Against(Standing.UNCERTAIN, (), uncertain, better)
    return Against(Standing.BETTER if better else Standing.NOT_WORSE, (), (), better)


def guard(pair: Pair, metric: Metric, bound: Threshold | None = None) -> Mark:
    """Return whether a setting is not worse in one guard: ✓, worse (✗), or neither is certain.

    Args:
        pair: The setting and its reference.
        metric: The guard.
        bound: The threshold that was set on it: it replaces the margin, unless the reference misses it. What is
            certainly no more than the reference is not worse by any bound.
    """
    interval = pair.difference(metric).interval
    if interval.high is not None and interval.high <= 0:
        return Mark.PASS
    if bound is not None and wants_less(bound):
        found = pair.mark(metric, bound)
        if found is Mark.PASS or pair.mark(metric, bound, of_reference=True) is not Mark.FAIL:
            return found
    return judge(Margin(MARGINS[metric.name]), interval)


def wants_less(bound: Threshold | None) -> bool:
    """Return whether less of a metric is better; without a threshold it is."""
    return bound is None or bound.operator.startswith("<")


def excludes_zero(interval: Interval, *, down: bool) -> bool:
    """Return whether a difference is certainly negative (``down``), or certainly positive."""
    if interval.low is None or interval.high is None:
        return False
    return interval.high < 0 if down else interval.low > 0


def _has_fallen(pair: Pair, metric: Metric, bound: Threshold) -> bool:
    """Whether a metric lies wholly on the bad side of its threshold, and the setting is what brought it further there.

    A threshold that the reference misses as badly is no regression; nor is one that was missed by more.
    """
    if pair.mark(metric, bound) is not Mark.FAIL:
        return False
    interval = pair.difference(metric).interval
    if interval.low is None:
        return pair.mark(metric, bound, of_reference=True) is not Mark.FAIL
    return excludes_zero(interval, down=not wants_less(bound))
