"""What a study says about one threshold: over all operations together, and over each entry of the timeline.

A harmless second operation adds exposed sessions that do not break, and thins the share of all of them out. So a
threshold on broken sessions is met only where it is met by the union of all operations and by every entry; one entry
that certainly misses it is enough for ✗, at Bonferroni's level, since the worst of several looks worse than it is.
Under :data:`FEWEST` exposed sessions nothing is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from simsticky.results.absence import Absence, absence, why_nothing
from simsticky.scenario.entries import timeline_entries
from simsticky.stats.intervals import LEVEL, Interval, share_interval
from simsticky.study.verdicts import Mark, judge

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric, Value
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.thresholds import Threshold

FEWEST: Final = 30
"""Exposed sessions of a study under which a share of broken sessions is not judged."""

EXPOSED, ALIVE = "exposed_sessions", "alive_sessions"

Columns = Callable[[str], Sequence["Value"]]
"""Returns the values of a key of the summary, one a replication; None where a replication has none."""


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    """What one entry of the timeline says about a threshold.

    Attributes:
        key: The entry's key, "1" or "hpa".
        label: What people call it.
        interval: Its share, at the level of the union.
        exposed: Sessions exposed to it, over all replications.
        mark: None where they are too few to be judged.
    """

    key: str
    label: str
    interval: Interval
    exposed: int
    mark: Mark | None

    def to_json_dict(self) -> dict[str, Any]:
        """Return it with the names of the JSON output."""
        return {
            "entry": self.key,
            "label": self.label,
            "verdict": "not judged" if self.mark is None else self.mark.word,
            "value": self.interval.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "exposed": self.exposed,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """A threshold, the interval of its metric, and what the one says about the other.

    Attributes:
        metric: The metric.
        threshold: The threshold.
        interval: Of all operations together.
        mark: What is said.
        reason: Why, where the interval alone does not tell; without a full stop.
        entries: What each entry of the timeline says, where there are several.
    """

    metric: str
    threshold: Threshold
    interval: Interval
    mark: Mark
    reason: str = ""
    entries: tuple[EntryVerdict, ...] = ()

    @property
    def label(self) -> str:
        """The threshold in words."""
        return f"{self.metric} {self.threshold.text}"

    @property
    def decisive(self) -> tuple[EntryVerdict, ...]:
        """The entries on which the verdict hangs: those that are as it is, where the union is better."""
        if self.mark is Mark.PASS or judge(self.threshold, self.interval) is self.mark:
            return ()
        return tuple(entry for entry in self.entries if entry.mark is self.mark)

    @property
    def unjudged(self) -> tuple[EntryVerdict, ...]:
        """The entries with too few exposed sessions to be judged, whose estimate misses the threshold."""
        return tuple(entry for entry in self.entries if entry.mark is None and self._is_missed(entry.interval))

    def _is_missed(self, interval: Interval) -> bool:
        return interval.estimate is not None and not self.threshold.meets(interval.estimate)

    def to_json_dict(self) -> dict[str, Any]:
        """Return it with the names of the JSON output."""
        return {
            "metric": self.metric,
            "threshold": self.threshold.text,
            "verdict": self.mark.word,
            "value": self.interval.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "reason": self.reason,
            "entries": [entry.to_json_dict() for entry in self.entries],
        }


def verdict(
    metric: Metric,
    threshold: Threshold,
    interval: Interval,
    column: Columns,
    scenario: Scenario,
    level: float = LEVEL,
) -> Verdict:
    """Return what the replications of a scenario say about a threshold.

    Args:
        metric: The threshold's metric.
        threshold: The threshold.
        interval: The metric's interval, over all operations together.
        column: The values of a key of the summary, one a replication.
        scenario: The scenario.
        level: Confidence level of the interval, and of the entries'.
    """
    if not breaks_by_operations(metric):
        return Verdict(metric.name, threshold, interval, judge(threshold, interval), _why_open(interval))
    absent = absence_of(column, scenario)
    if absent is not Absence.NONE:
        interval = of_nothing(interval, absent)
        mark = Mark.FAIL if absent is Absence.NOT_STICKY else judge(threshold, interval)
        nothing = absent is Absence.NOTHING_MEASURED
        why = f"nothing was measured: {why_nothing(_totals(column), scenario)}" if nothing else _WHY[absent]
        return Verdict(metric.name, threshold, interval, mark, why)
    exposed = int(_total(column, EXPOSED))
    if exposed < FEWEST:
        reason = f"{exposed} exposed sessions in all, and under {FEWEST} nothing is judged"
        return Verdict(metric.name, threshold, interval, Mark.OPEN, reason)
    found = tuple(_entries(metric, threshold, column, scenario, level))
    union = judge(threshold, interval)
    marks = [union, *(entry.mark for entry in found if entry.mark is not None)]
    return Verdict(metric.name, threshold, interval, Mark.together(marks), _why_open(interval), found)


def together(verdicts: Sequence[Verdict]) -> tuple[str, Mark | None]:
    """Return one sentence about all thresholds, and its mark; None where none is set."""
    if not verdicts:
        return "No thresholds are set", None
    several = len(verdicts) > 1
    mark = Mark.together(verdict.mark for verdict in verdicts)
    if mark is Mark.FAIL:
        missed = sum(verdict.mark is Mark.FAIL for verdict in verdicts)
        return f"{missed} of {len(verdicts)} thresholds not met" if several else "The threshold is not met", mark
    if mark is Mark.OPEN:
        reason = next(verdict.reason for verdict in verdicts if verdict.mark is Mark.OPEN)
        return f"Not certain: {reason or 'an interval holds the threshold, more replications are needed'}", mark
    return "All thresholds are met" if several else "The threshold is met", mark


def breaks_by_operations(metric: Metric) -> bool:
    """Return whether a metric is about what operations do to the sessions that they expose."""
    return metric.denominator in (EXPOSED, ALIVE)


def absence_of(column: Columns, scenario: Scenario) -> Absence:
    """Return why a study has no share of broken sessions; NONE where it has."""
    return absence(_totals(column), scenario)


def of_nothing(interval: Interval, absent: Absence) -> Interval:
    """Return the interval of a share of broken sessions that is missing: 0 where no state can be lost (rule Q6)."""
    if absent is Absence.STATE_OUTSIDE:
        return replace(interval, estimate=0.0, low=0.0, high=0.0, kind="exact")
    return interval


def _entries(
    metric: Metric, threshold: Threshold, column: Columns, scenario: Scenario, level: float
) -> Iterator[EntryVerdict]:
    """Judge each entry of the timeline; nothing where one is all there is (rule Q7)."""
    entries = timeline_entries(scenario)
    if len(entries) < 2 or metric.unit != "share" or metric.numerator is None:
        return
    strict = 1 - (1 - level) / len(entries)
    for key, label in entries:
        of_entry = f"entries.{key}."
        counted, of = column(of_entry + metric.numerator), column(of_entry + (metric.denominator or ""))
        exposed = int(_total(column, of_entry + EXPOSED))
        interval = share_interval(counted, of, level)
        mark: Mark | None = None
        if exposed >= FEWEST:
            mark = judge(threshold, interval)
            # The worst of several is judged more strictly before it fails the whole.
            if mark is Mark.FAIL:
                mark = judge(threshold, share_interval(counted, of, strict))
        yield EntryVerdict(key, label, interval, exposed, mark)


def _totals(column: Columns) -> dict[str, Value]:
    return {key: _total(column, key) for key in _COUNTS}


def _total(column: Columns, key: str) -> float:
    return sum(value for value in column(key) if value is not None)


def _why_open(interval: Interval) -> str:
    if interval.estimate is None:
        return "nothing was measured"
    if interval.low is None:
        return "one replication has no interval"
    return ""


_COUNTS = (EXPOSED, "sticky_bound_sessions", "requests_sent", "requests_answered", "requests_failed")

_WHY = {
    Absence.NOT_STICKY: "this gateway is not sticky",
    Absence.STATE_OUTSIDE: "the state is outside the pods",
}
