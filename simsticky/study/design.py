"""Which points a sweep visits: every combination of values, or points drawn from ranges.

A setting is written as values (``["0s", "15s", "30s"]``), as a range (``"0s..10m"``, or its two ends), or as one
value, which every point gets; an expression such as ``"preStop + 30s"`` follows the others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.paths.changes import keys_of, unknown_path
from simsticky.scenario.paths.quantities import Quantity, quantity_of

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

Design = Literal["grid", "lhs", "sobol", "saltelli"]
DESIGNS: tuple[Design, ...] = get_args(Design)

SAMPLES = 64
"""Points that a design draws unless asked otherwise."""

MOST_POINTS = 100_000
"""A grid of more points is a mistake."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a setting.

    Attributes:
        path: The setting.
        low: Its lower end, in the setting's base unit (seconds, per second, plain).
        high: Its upper end.
        quantity: What kind of number it is.
    """

    path: str
    low: float
    high: float
    quantity: Quantity

    def at(self, part: float) -> str | int | float:
        """Return the value at a part of the range, 0 for the lower end; whole numbers are equally likely."""
        if self.quantity.whole:
            count = math.floor(self.high) - math.ceil(self.low) + 1
            return self.quantity.write(math.ceil(self.low) + min(math.floor(part * count), count - 1))
        return self.quantity.write(self.low + part * (self.high - self.low))

    def __str__(self) -> str:
        """Return it as people write it: ``0s..10m``."""
        return f"{self.quantity.write(self.low)}..{self.quantity.write(self.high)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The points of a sweep.

    Attributes:
        design: How they were chosen.
        points: The changes of each point, by path.
        spans: The ranges they were drawn from, in order; none for a grid.
        samples: Points drawn, or base points of a Saltelli design; None for a grid.
    """

    design: Design
    points: tuple[dict[str, Any], ...]
    spans: tuple[Span, ...] = ()
    samples: int | None = None


def plan(
    scenario: Scenario, settings: Mapping[str, Any], design: str, samples: int | None, seed: int, source: str = ""
) -> Plan:
    """Return the points of a sweep.

    Args:
        scenario: The base.
        settings: Values, a range, or one value by dotted path.
        design: ``grid``: every combination of the values. ``lhs``: a Latin hypercube over the ranges. ``sobol``: a
            scrambled Sobol sequence. ``saltelli``: what Sobol indices need, ``samples * (ranges + 2)`` points.
        samples: Points to draw; ``SAMPLES`` by default.
        seed: Seed of the drawing.
        source: Who asks, for errors.

    Raises:
        InputError: The settings do not fit the design.
    """
    if design not in DESIGNS:
        raise InputError.of(
            f"there is no design {design!r}", file="--design" if source else "", hint=", ".join(DESIGNS)
        )
    if not settings:
        raise InputError.of("nothing to vary", file=source, hint="for example deployment.preStop=0s,15s,30s")
    if design == "grid":
        if samples is not None:
            raise InputError.of("a grid has as many points as its values make", file="--samples" if source else "")
        return Plan("grid", _grid(scenario, settings, source))
    spans = spans_of(scenario, {path: value for path, value in settings.items() if not _is_single(value)}, source)
    if not spans:
        raise InputError.of(f"{design} draws from ranges, and none is given", file=source, hint=_RANGE_HINT)
    number = SAMPLES if samples is None else samples
    _check_samples(design, number, len(spans), source)
    fixed = {path: _only(value) for path, value in settings.items() if _is_single(value)}
    points = []
    for row in _drawn(design, number, len(spans), seed):
        drawn = {span.path: span.at(part) for span, part in zip(spans, row, strict=True)}
        points.append({path: drawn[path] if path in drawn else fixed[path] for path in settings})
    return Plan(_known(design), tuple(points), spans, number)


def spans_of(scenario: Scenario, settings: Mapping[str, Any], source: str = "") -> tuple[Span, ...]:
    """Return the ranges that are written as ``"0s..10m"`` or as two ends.

    Raises:
        InputError: With every one that is no range of numbers.
    """
    spans, problems = [], []
    for path, value in settings.items():
        if problem := unknown_path(scenario, path, source):
            problems.append(problem)
            continue
        ends = _ends(value)
        quantity = quantity_of(scenario, keys_of(path))
        if ends is None or quantity.dimension == "text":
            message = "is no range" if ends is None else "takes no number, so there is no range to draw from"
            problems.append(Diagnostic(source, None, None, path, message, _RANGE_HINT))
            continue
        try:
            low, high = (quantity.read(end) for end in ends)
        except ValueError as error:
            problems.append(Diagnostic(source, None, None, path, str(error)))
            continue
        if low >= high:
            problems.append(Diagnostic(source, None, None, path, f"{ends[0]} is not below {ends[1]}", _RANGE_HINT))
        else:
            spans.append(Span(path, low, high, quantity))
    if problems:
        raise InputError(problems)
    return tuple(spans)


_RANGE_HINT = "write a range as 0s..10m"


def _is_single(value: Any) -> bool:
    only = _only(value)
    if isinstance(only, str):
        return _ends(only) is None
    return not isinstance(only, Sequence)


def _only(value: Any) -> Any:
    """Return the value of a list of one."""
    return value[0] if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1 else value


def _ends(value: Any) -> tuple[Any, Any] | None:
    value = _only(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return (value[0], value[1]) if len(value) == 2 else None
    low, dots, high = str(value).partition("..")
    return (low.strip(), high.strip()) if dots and low.strip() and high.strip() else None


def _grid(scenario: Scenario, settings: Mapping[str, Any], source: str) -> tuple[dict[str, Any], ...]:
    levels: list[list[Any]] = []
    for path, value in settings.items():
        many = isinstance(value, Sequence) and not isinstance(value, str)
        values = list(value) if many else [value]
        if not values or any(_ends(one) is not None for one in values if isinstance(one, str)):
            message = "has no values" if not values else "is a range, and a grid needs values"
            hint = "give values, for example 0s,15s,30s, or another design: lhs, sobol"
            raise InputError([Diagnostic(source, None, None, path, message, hint)])
        levels.append(values)
    size = math.prod(map(len, levels))
    if size > MOST_POINTS:
        raise InputError.of(f"the grid has {size} points", file=source, hint="--design lhs draws some of them")
    return tuple(dict(zip(settings, point, strict=True)) for point in itertools.product(*levels))


def _check_samples(design: str, samples: int, ranges: int, source: str) -> None:
    wrong = ""
    points = samples * (ranges + 2) if design == "saltelli" else samples
    if samples < 2:
        wrong = "a design needs at least 2 samples"
    elif design != "lhs" and samples & (samples - 1):
        below = 1 << (samples.bit_length() - 1)
        wrong = f"a Sobol sequence is balanced only at powers of 2: take {below} or {2 * below} samples"
    elif points > MOST_POINTS:
        wrong = f"the design has {points} points, and {MOST_POINTS} are the most: take fewer samples"
    if wrong:
        raise InputError.of(wrong, file="--samples" if source else "")


def _drawn(design: str, samples: int, dimensions: int, seed: int) -> list[list[float]]:
    from simsticky.stats.sensitivity import latin_hypercube, saltelli, sobol_points

    draw = {"lhs": latin_hypercube, "sobol": sobol_points, "saltelli": saltelli}[design]
    points: list[list[float]] = draw(samples, dimensions, seed).tolist()
    return points


def _known(design: str) -> Design:
    return next(known for known in DESIGNS if known == design)
