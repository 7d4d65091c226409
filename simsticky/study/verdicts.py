"""What a study says about the thresholds of its scenario.

✓ only when the whole interval meets the threshold, ✗ only when none of it does, ``?`` otherwise: more
replications are needed, or the truth sits on the line. Signs and words are :class:`Mark`'s, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.location import Place
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import Interval
from simsticky.units import parse_number, quoted

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario


class Mark(StrEnum):
    """What is said about a threshold or a margin; its text is its sign."""

    PASS = "✓"
    FAIL = "✗"
    OPEN = "?"

    @property
    def word(self) -> str:
        """What it is called, in every output."""
        return _WORDS[self]

    @classmethod
    def together(cls, marks: Iterable[Mark]) -> Mark:
        """Return the mark of several that are all to be met: one that is not decides, then one that is open."""
        found = set(marks)
        return cls.FAIL if cls.FAIL in found else cls.OPEN if cls.OPEN in found else cls.PASS


_WORDS = {Mark.PASS: "met", Mark.FAIL: "not met", Mark.OPEN: "not certain"}


class Range(Protocol):
    """What a number is to meet: a threshold, or a margin of a difference."""

    def meets(self, value: float) -> bool:
        """Return whether a value is within it."""
        ...


def judge(wanted: Range, interval: Interval) -> Mark:
    """Return what an interval says about a threshold; without an interval nothing is certain (rule Q5)."""
    if interval.low is None or interval.high is None:
        return Mark.OPEN
    met = {wanted.meets(interval.low), wanted.meets(interval.high)}
    if met == {True}:
        return Mark.PASS
    return Mark.FAIL if met == {False} else Mark.OPEN


def checked_thresholds(scenario: Scenario, metrics: Mapping[str, Metric]) -> dict[str, Threshold]:
    """Return the thresholds of a scenario by metric, each in its metric's unit.

    Raises:
        InputError: With every threshold that names no metric or cannot be meant in the metric's unit.
    """
    thresholds: dict[str, Threshold] = {}
    problems: list[Diagnostic] = []
    for name, text in scenario.thresholds.items():
        threshold = Threshold.parse(text)
        if name not in metrics:
            message, hint = f"there is no metric {name!r}", nearest_metric(name, metrics)
        else:
            message, hint = _mismatch(metrics[name], threshold)
        if message:
            path = f"thresholds.{name}"
            place = scenario.places.get(path, Place(""))
            problems.append(Diagnostic(place.file, place.line, place.column, path, message, hint))
        thresholds[name] = threshold
    if problems:
        raise InputError(problems)
    return thresholds


def with_thresholds(scenario: Scenario, thresholds: str | Sequence[str] | None) -> Scenario:
    """Return the scenario with these thresholds alone, or with its own if none are given.

    Args:
        scenario: The scenario.
        thresholds: ``"broken_sessions < 1%"``, or several.

    Raises:
        InputError: A text is no threshold.
    """
    if thresholds is None:
        return scenario
    bounds: dict[str, str] = {}
    for text in [thresholds] if isinstance(thresholds, str) else thresholds:
        at = min((text.index(sign) for sign in "<>" if sign in text), default=len(text))
        name, bound = text[:at].strip(), text[at:].strip()
        if not name or not bound:
            hint = "write for example 'broken_sessions < 1%'"
            raise InputError.of(f"{quoted(text)} is no threshold", file="--threshold", hint=hint)
        bounds[name] = bound
    dropped = {f"thresholds.{name}": None for name in scenario.thresholds if name not in bounds}
    return scenario.evolve({**dropped, **{f"thresholds.{name}": b for name, b in bounds.items()}}, source="--threshold")


def _mismatch(metric: Metric, threshold: Threshold) -> tuple[str, str]:
    """What is wrong with a threshold in its metric's unit, and how to mend it; empty when nothing is."""
    limit = threshold.text.removeprefix(threshold.operator).strip()
    percent, plain = limit.endswith("%"), _is_number(limit)
    if metric.unit == "share":
        if not (percent or plain):
            return f"{metric.name} is a share, and {limit} is a duration", "write for example '< 1%'"
        if not 0 <= threshold.value <= 1:
            return (
                f"{metric.name} is a share between 0 and 1, and {limit} is not",
                f"did you mean '{limit}%'?" if plain and 1 < threshold.value <= 100 else "write for example '< 1%'",
            )
    elif metric.unit == "seconds":
        if percent:
            return f"{metric.name} is a time, and {limit} is a share", "write for example '< 5m'"
    elif not plain:
        return f"{metric.name} is a {metric.unit}, and {limit} is no plain number", "write for example '< 5'"
    return "", ""


def _is_number(text: str) -> bool:
    try:
        parse_number(text)
    except ValueError:
        return False
    return True


def metric_named(name: str, metrics: Mapping[str, Metric]) -> Metric:
    """Return a metric.

    Raises:
        InputError: There is none of this name; the hint names the nearest.
    """
    if name not in metrics:
        raise InputError.of(f"there is no metric {name!r}", hint=nearest_metric(name, metrics))
    return metrics[name]


def nearest_metric(name: str, names: Mapping[str, object]) -> str:
    """Return a hint with the nearest known name, or where to find them all."""
    near = get_close_matches(name, names, n=1) or [known for known in names if name and name in known][:3]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "`simsticky explain` lists all metrics"
