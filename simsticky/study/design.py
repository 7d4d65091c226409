"""Which points a sweep visits: every combination of values, or points drawn from ranges.

What is varied is written as :mod:`simsticky.study.settings` has it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from simsticky.errors import Diagnostic, InputError
from simsticky.study.settings import Fixed, Range, Setting, Values, range_of, settings_of

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

Design = Literal["grid", "lhs", "sobol", "saltelli"]
DESIGNS: tuple[Design, ...] = get_args(Design)

SAMPLES = 64
"""Points that a design draws unless asked otherwise."""

MOST_POINTS = 100_000
"""A grid of more points is a mistake."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The points of a sweep.

    Attributes:
        design: How they were chosen.
        points: The changes of each point, by path.
        ranges: The ranges they were drawn from, in order; none for a grid.
        samples: Points drawn, or base points of a Saltelli design; None for a grid.
    """

    design: Design
    points: tuple[dict[str, Any], ...]
    ranges: tuple[Range, ...] = ()
    samples: int | None = None


def plan(
    scenario: Scenario, settings: Mapping[str, Any], design: str, samples: int | None, seed: int, source: str = ""
) -> Plan:
    """Return the points of a sweep.

    Args:
        scenario: The base.
        settings: Values, a range, or one value by dotted path; two values of a number are the ends of a range for a
            design that draws from ranges, and a range in steps is its values for a grid.
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
    if design == "grid" and samples is not None:
        raise InputError.of("a grid has as many points as its values make", file="--samples" if source else "")
    read = settings_of(scenario, settings, source)
    if design == "grid":
        return Plan("grid", _grid(read, source))
    ranges = _ranges(scenario, read, source)
    if not ranges:
        raise InputError.of(f"{design} draws from ranges, and none is given", file=source, hint=_RANGE_HINT)
    number = SAMPLES if samples is None else samples
    _check_samples(design, number, len(ranges), source)
    fixed = {setting.path: setting.value for setting in read if isinstance(setting, Fixed)}
    points = []
    for row in _drawn(design, number, len(ranges), seed):
        drawn = {span.path: span.at(part) for span, part in zip(ranges, row, strict=True)}
        points.append({path: drawn[path] if path in drawn else fixed[path] for path in settings})
    return Plan(_known(design), tuple(points), ranges, number)


_RANGE_HINT = "write a range as 0s..10m"


def _ranges(scenario: Scenario, settings: Sequence[Setting], source: str) -> tuple[Range, ...]:
    found, problems = [], []
    for setting in settings:
        try:
            if not isinstance(setting, Fixed):
                found.append(setting if isinstance(setting, Range) else range_of(scenario, setting))
        except ValueError as error:
            problems.append(Diagnostic(source, None, None, setting.path, str(error), _RANGE_HINT))
    if problems:
        raise InputError(problems)
    return tuple(found)


def _grid(settings: Sequence[Setting], source: str) -> tuple[dict[str, Any], ...]:
    levels: list[Sequence[Any]] = []
    for setting in settings:
        if isinstance(setting, Range):
            if setting.step is None:
                stepped = replace(setting, step=(setting.high - setting.low) / 10)
                hint = f"give values, for example 0s,15s,30s, or a step: {stepped}, or another design: lhs, sobol"
                message = "is a range, and a grid needs values"
                raise InputError([Diagnostic(source, None, None, setting.path, message, hint)])
            levels.append(setting.values(setting.step))
        else:
            levels.append(setting.values if isinstance(setting, Values) else (setting.value,))
    size = math.prod(map(len, levels))
    if size > MOST_POINTS:
        raise InputError.of(f"the grid has {size} points", file=source, hint="--design lhs draws some of them")
    paths = [setting.path for setting in settings]
    return tuple(dict(zip(paths, point, strict=True)) for point in itertools.product(*levels))


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
