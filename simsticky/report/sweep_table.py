"""A sweep as figures and pages read it: settings with their values in order, and the points along one of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from simsticky.units import parse_duration, parse_percentage

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.better import Standing
    from simsticky.study.replicate import Study


class SweepLike(Protocol):
    """What is needed of ``simsticky.study.sweep.Sweep``."""

    @property
    def points(self) -> Sequence[Mapping[str, Any]]:
        """The settings of each point: values as people write them, by dotted path."""

    @property
    def scenarios(self) -> Sequence[Scenario]:
        """The scenario of each point."""

    @property
    def studies(self) -> Sequence[Study]:
        """The study of each point."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One swept setting.

    Attributes:
        path: Its dotted path.
        values: Its values as text, in order: numbers and durations ascending, other words as they came.
        numbers: The same as numbers (durations in seconds, percentages as shares); None where they are words.
    """

    path: str
    values: tuple[str, ...]
    numbers: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Line:
    """The points of a sweep along one setting, the others held.

    Attributes:
        held: The other settings' values as text, by path.
        places: Which value of the setting each point has, ascending.
        points: The index of each point in the sweep.
    """

    held: Mapping[str, str]
    places: tuple[int, ...]
    points: tuple[int, ...]


def standings(sweep: SweepLike) -> Sequence[Standing | None]:
    """Return how each point stands against the scenario as it is; None where a sweep does not tell."""
    found: Sequence[Standing] | None = getattr(sweep, "standings", None)
    return [None] * len(sweep.points) if found is None else found


def settings(sweep: SweepLike) -> list[Setting]:
    """Return the settings that were varied, in the order of the sweep.

    Left out is one that never changes, and one that follows the others (``grace`` as ``preStop + 30s``): it is known
    once they are.
    """
    paths = list(dict.fromkeys(path for point in sweep.points for path in point))
    kept = list(paths)
    for path in reversed(paths):
        others = [other for other in kept if other != path]
        if others and _follows(sweep, path, others):
            kept = others
    return [_setting(path, [point[path] for point in sweep.points if path in point]) for path in kept]


def _follows(sweep: SweepLike, path: str, others: Sequence[str]) -> bool:
    """Return whether the other settings of a point tell this one's value, at every point."""
    known: dict[tuple[str, ...], str] = {}
    for point in sweep.points:
        key, value = tuple(written(point.get(other)) for other in others), written(point.get(path))
        if known.setdefault(key, value) != value:
            return False
    return True


def _setting(path: str, values: Sequence[Any]) -> Setting:
    texts = list(dict.fromkeys(written(value) for value in values))
    numbers = {text: number for text in texts if (number := as_number(text)) is not None}
    if len(numbers) < len(texts):
        return Setting(path, tuple(texts), None)
    texts.sort(key=numbers.__getitem__)
    return Setting(path, tuple(texts), tuple(numbers[text] for text in texts))


def written(value: Any) -> str:
    """Return a value as people write it in YAML."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_number(text: str) -> float | None:
    """Return a duration in seconds, a percentage as a share, or a number; None for words."""
    try:
        return parse_percentage(text) if text.endswith("%") else parse_duration(text, allow_negative=True)
    except ValueError:
        return None


def along(sweep: SweepLike, setting: Setting, others: Sequence[Setting], at: Mapping[str, str]) -> list[Line]:
    """Return the lines along a setting: one for each combination of the other settings' values.

    Args:
        sweep: The sweep.
        setting: What runs along the line.
        others: The other settings.
        at: Values as text at which to hold some of them, by path.
    """
    choices = [[at[other.path]] if other.path in at else list(other.values) for other in others]
    lines = []
    for combination in itertools.product(*choices):
        held = {other.path: value for other, value in zip(others, combination, strict=True)}
        on_line = [
            (setting.values.index(written(point[setting.path])), number)
            for number, point in enumerate(sweep.points)
            if setting.path in point and all(written(point.get(path)) == value for path, value in held.items())
        ]
        if on_line:
            places, points = zip(*sorted(on_line), strict=True)
            lines.append(Line(held, places, points))
    return lines


def knee(xs: Sequence[float], ys: Sequence[float]) -> int | None:
    """Return the index of the knee of a curve: the point farthest from the straight line between its ends.

    Both axes are scaled to 0..1 first (Satopää et al., "Finding a Kneedle in a Haystack", 2011). None with fewer than
    three points, for a flat curve, and where no point is a twentieth away from the line.
    """
    if len(xs) < 3 or xs[0] == xs[-1] or max(ys) == min(ys):
        return None
    across, up = xs[-1] - xs[0], max(ys) - min(ys)
    slope = (ys[-1] - ys[0]) / up
    away = [abs((y - ys[0]) / up - slope * (x - xs[0]) / across) for x, y in zip(xs, ys, strict=True)]
    farthest = max(range(len(away)), key=away.__getitem__)
    return farthest if away[farthest] >= 0.05 else None
