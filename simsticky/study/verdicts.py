"""What a study says about the thresholds of its scenario.

✓ only when the whole interval meets the threshold, ✗ only when none of it does, ``?`` otherwise: more
replications are needed, or the truth sits on the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.location import Place
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import Interval
from simsticky.units import parse_number

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario

Mark = Literal["✓", "✗", "?"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A threshold, the interval of its metric, and what the one says about the other."""

    metric: str
    threshold: Threshold
    interval: Interval
    mark: Mark


def judge(threshold: Threshold, interval: Interval) -> Mark:
    """Return what an interval says about a threshold; without an interval nothing is certain."""
    if interval.low is None or interval.high is None:
        return "?"
    met = {threshold.meets(interval.low), threshold.meets(interval.high)}
    if met == {True}:
        return "✓"
    return "✗" if met == {False} else "?"


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
            message, hint = f"there is no metric {name!r}", did_you_mean(name, metrics)
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
        raise InputError.of(f"there is no metric {name!r}", hint=did_you_mean(name, metrics))
    return metrics[name]


def did_you_mean(name: str, names: Mapping[str, object]) -> str:
    """Return a hint with the nearest known name, or where to find them all."""
    near = get_close_matches(name, names, n=1) or [known for known in names if name and name in known][:3]
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "`simsticky explain` lists all metrics"
