"""Replicating until an interval is narrow enough. It tests nothing: the interval is that of a fixed number.

``0.2%`` of a share is absolute: plus or minus 0.2 percentage points. Of anything else a percentage can only be
relative: plus or minus 0.2 % of the estimate. What the unit leaves open is written out: ``5% relative`` for a share.
Durations (``500ms``) and plain numbers are absolute.

The number of replications is decided in rounds, from 10 on, never more than doubled: each round runs what the
interval of the last one asks for. The more often one looks, the more often one stops on an interval that is narrow by
chance; rounds that grow keep the looks few (Law, Simulation Modeling and Analysis, "sequential procedures").
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.errors import InputError
from simsticky.stats.intervals import Interval
from simsticky.study.verdicts import nearest_metric
from simsticky.units import format_duration, parse_duration, parse_number, parse_percentage, quoted

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric

HEADLINE = "broken_sessions"
"""The metric that a precision is about when it names none."""

FEWEST = 10
"""No interval of fewer replications is believed enough to stop on it."""

MOST = 1000
"""At most this many replications, unless asked otherwise."""

# The variance that a round has seen is uncertain itself: ask for a little more than it says.
_MARGIN = 1.1
_LEAST_GROWTH = 1.2

_WORDS = {"relative": True, "rel": True, "absolute": False, "abs": False}


@dataclass(frozen=True, slots=True)
class Precision:
    """How narrow the interval of a metric is to be (rule Q9).

    Attributes:
        metric: The metric.
        half_width: Largest half-width: in the metric's own unit (shares as parts of 1, seconds), or as a part of the
            estimate.
        relative: Whether it is a part of the estimate.
        text: As people read it.
    """

    metric: str
    half_width: float
    relative: bool
    text: str

    @classmethod
    def parse(cls, text: str, metrics: Mapping[str, Metric]) -> Precision:
        """Read ``0.2%``, ``5% relative``, ``rel:5%`` or ``2s``; with a metric in front, ``failed_requests=0.1%``.

        Args:
            text: What a person wrote.
            metrics: The metrics there are, by name.

        Raises:
            InputError: There is no such metric, or the number cannot be meant in its unit.
        """
        name, equals, rest = text.rpartition("=")
        name = name.strip() if equals else HEADLINE
        if name not in metrics:
            raise _wrong(text, f"there is no metric {name!r}", nearest_metric(name, metrics))
        unit = metrics[name].unit
        bound, relative = _mode(text, rest.strip())
        percent = bound.endswith("%")
        if relative is None:
            relative = percent and unit != "share"
        value = _number(text, bound, unit, relative)
        if not 0 < value < (1 if percent or relative or unit == "share" else math.inf):
            raise _wrong(text, f"a precision of {quoted(bound)} is none", "write for example 0.2%, 5% relative or 2s")
        return cls(name, value, relative, _words(name, unit, value, relative))

    def target(self, estimate: float) -> float:
        """Return the half-width to reach, in the metric's unit; 0, out of reach, relative to an estimate of 0.

        A relative one is asked of the estimate, which is off by as much: ``g / (1 + g)`` of the estimate keeps the
        error within ``g`` of the truth (Law, same place).
        """
        return self.half_width / (1 + self.half_width) * abs(estimate) if self.relative else self.half_width

    def is_met(self, interval: Interval) -> bool:
        """Return whether an interval is narrow enough."""
        half = half_width(interval)
        return half is not None and interval.estimate is not None and half <= self.target(interval.estimate)

    def needed(self, n: int, interval: Interval, most: int) -> int:
        """Return how many replications in all it will take, as far as the interval of the first ``n`` tells."""
        half = half_width(interval)
        target = 0.0 if interval.estimate is None else self.target(interval.estimate)
        if half is None or target <= 0:
            return min(most, 2 * n)
        return math.ceil(min(most, _MARGIN * n * (half / target) ** (1 if interval.is_assumed else 2)))

    def next_n(self, n: int, interval: Interval, most: int) -> int:
        """Return how many replications to have after the next round: more than ``n``, at most twice as many."""
        return min(most, max(math.ceil(_LEAST_GROWTH * n), min(self.needed(n, interval, most), 2 * n)))


@dataclass(frozen=True, slots=True)
class Stopping:
    """Why a study has as many replications as it has.

    Attributes:
        precision: What was asked for.
        met: Whether it was reached.
        half_width: The half-width that was reached, in the metric's unit; None when there is no interval.
        looks: The numbers of replications after which the interval was looked at.
        most: At most this many replications.
    """

    precision: Precision
    met: bool
    half_width: float | None
    looks: tuple[int, ...]
    most: int

    def __str__(self) -> str:
        """Return one sentence for people."""
        n = self.looks[-1]
        if self.met:
            return f"Stopped after {n} replications: {self.precision.text} is reached."
        return f"Stopped after {n} replications, the most allowed: {self.precision.text} is not reached."

    def to_json_dict(self) -> dict[str, Any]:
        """Return the stopping with the names of the JSON output."""
        return {
            "metric": self.precision.metric,
            "asked": self.precision.half_width,
            "relative": self.precision.relative,
            "met": self.met,
            "halfWidth": self.half_width,
            "looks": list(self.looks),
            "most": self.most,
        }


def half_width(interval: Interval) -> float | None:
    """Return the larger of the distances from the estimate to the ends; None without an interval."""
    if interval.estimate is None or interval.low is None or interval.high is None:
        return None
    return max(interval.high - interval.estimate, interval.estimate - interval.low)


def _mode(text: str, rest: str) -> tuple[str, bool | None]:
    """Split ``rel:5%`` or ``5% relative`` into the number and whether it is relative; None where nobody said."""
    before, colon, after = rest.partition(":")
    if colon and before.strip() in _WORDS:
        return after.strip(), _WORDS[before.strip()]
    match = re.fullmatch(r"(\S+)\s+(\w+)", rest)
    if match is None:
        return rest, None
    if match[2] not in _WORDS:
        raise _wrong(text, f"{quoted(match[2])} is neither relative nor absolute", "write for example 5% relative")
    return match[1], _WORDS[match[2]]


def _number(text: str, bound: str, unit: str, relative: bool) -> float:
    try:
        if bound.endswith("%"):
            if not relative and unit != "share":
                raise _wrong(text, f"{bound} of {unit} cannot be absolute", "write for example 5% relative")
            return parse_percentage(bound)
        if unit == "seconds" and not relative:
            return parse_duration(bound)
        return parse_number(bound)
    except ValueError:
        raise _wrong(text, f"{quoted(bound)} is no precision", "write for example 0.2%, 5% relative or 2s") from None


def _words(name: str, unit: str, value: float, relative: bool) -> str:
    if relative:
        return f"{name} to ± {100 * value:g} % of its value"
    if unit == "share":
        return f"{name} to ± {100 * value:g} percentage points"
    return f"{name} to ± {format_duration(value) if unit == 'seconds' else f'{value:g}'}"


def _wrong(text: str, message: str, hint: str) -> InputError:
    return InputError.of(message, path=text, file="--precision", hint=hint)
