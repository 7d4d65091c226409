"""What a study varies: the one grammar of ``--vary KEY=VALUES``, for every verb.

========================================  ============================================================
``deployment.preStop=0s,15s,30s``         values
``deployment.preStop=0s..30m``            a range
``deployment.preStop=0s..30m/15s``        a range in steps
``deployment.grace=preStop + 30s``        one value, or an expression that follows: every run gets it
========================================  ============================================================

Values are YAML, so that commas in brackets and quotes part nothing. What a range's ends are numbers of (seconds, per
second, plain) is known from the field of the setting. In Python the same texts serve; beside them a list holds values,
a tuple the ends of a range and perhaps its step (``("0s", "30m", "15s")``), and anything else is one value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.paths.changes import as_written, keys_of, parse_settings, unknown_path
from simsticky.scenario.paths.expressions import names_in
from simsticky.scenario.paths.quantities import TEXT, Quantity, quantity_of
from simsticky.scenario.short_names import full_keys

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

FLAG = "--vary"
MOST_STEPS = 100_000
HINT = "write for example deployment.preStop=0s,15s or 0s..30m or 0s..30m/15s"

# What rounding may leave of a step at the end of a range.
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Range:
    """A range of a setting that takes numbers.

    Attributes:
        path: The setting.
        low: Its lower end, in the setting's base unit (seconds, per second, plain).
        high: Its upper end, above the lower.
        quantity: What kind of number it is.
        step: From one of its values to the next; None where all between the ends will do.
    """

    path: str
    low: float
    high: float
    quantity: Quantity
    step: float | None = None

    def at(self, part: float) -> str | int | float:
        """Return the value at a part of the range, 0 for the lower end; steps and whole numbers are equally likely."""
        if self.step is not None:
            count = self._count(self.step)
            return self._value(min(math.floor(part * count), count - 1), self.step)
        if self.quantity.whole:
            count = math.floor(self.high) - math.ceil(self.low) + 1
            return self.quantity.write(math.ceil(self.low) + min(math.floor(part * count), count - 1))
        return self.quantity.write(self.low + part * (self.high - self.low))

    def values(self, step: float) -> list[str | int | float]:
        """Return the values from the lower end on in steps, each once, and the upper end, as people write them."""
        # Rounding may make two one.
        return list(dict.fromkeys(self._value(at, step) for at in range(self._count(step))))

    def _count(self, step: float) -> int:
        whole = math.floor((self.high - self.low) / step + _HAIR)
        return whole + 1 if self.low + whole * step >= self.high - _HAIR * abs(self.high) else whole + 2

    def _value(self, at: int, step: float) -> str | int | float:
        return self.quantity.write(min(self.low + at * step, self.high))

    def __str__(self) -> str:
        """Return it as people write it: ``0s..10m``, ``0s..10m/15s``."""
        ends = f"{self.quantity.write(self.low)}..{self.quantity.write(self.high)}"
        return ends if self.step is None else f"{ends}/{self.quantity.write(self.step)}"


@dataclass(frozen=True, slots=True)
class Values:
    """Two or more values of a setting, in order.

    Attributes:
        path: The setting.
        values: As a scenario takes them; none is an expression's value yet.
    """

    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """One value of a setting, which every run gets; an expression follows other settings.

    Attributes:
        path: The setting.
        value: As a scenario takes it.
    """

    path: str
    value: Any


Setting = Range | Values | Fixed


def parse_vary(texts: Sequence[str]) -> dict[str, str]:
    """Return what ``--vary KEY=VALUES`` flags say, by key, for :func:`settings_of`.

    Raises:
        InputError: With every flag that is none, or names a setting again.
    """
    asked: dict[str, str] = {}
    problems = []
    for text in texts:
        path, _, values = (part.strip() for part in text.partition("="))
        if not path or not values:
            problems.append(Diagnostic(FLAG, None, None, text, "is not a setting: it has no key=values", HINT))
        elif full_keys(keys_of(path)) in {full_keys(keys_of(other)) for other in asked}:
            problems.append(Diagnostic(FLAG, None, None, path, "is varied twice"))
        else:
            asked[path] = values
    if problems:
        raise InputError(problems)
    return asked


def settings_of(scenario: Scenario, asked: Mapping[str, Any], source: str = "") -> tuple[Setting, ...]:
    """Read what to vary, in order.

    Args:
        scenario: The base, whose fields say what ranges are numbers of.
        asked: Texts of the grammar, lists, tuples or plain values by dotted path.
        source: Who asks, for errors.

    Raises:
        InputError: With everything that is wrong with it.
    """
    if not asked:
        raise InputError.of("nothing to vary", file=source, hint=HINT)
    found: list[Setting] = []
    problems: list[Diagnostic] = []
    for path, value in asked.items():
        if unknown := unknown_path(scenario, path, source):
            problems.append(unknown)
            continue
        try:
            found.append(_setting(scenario, as_written(path), value))
        except InputError as error:
            problems += [Diagnostic(source, None, None, path, d.message, d.hint) for d in error.diagnostics]
        except ValueError as error:
            problems.append(Diagnostic(source, None, None, path, str(error), HINT))
    if problems:
        raise InputError(problems)
    return tuple(found)


def range_of(scenario: Scenario, setting: Values) -> Range:
    """Return two values as the ends of a range, for whoever needs one.

    Raises:
        ValueError: They are not two, or no numbers, or the first is not below the second.
    """
    if len(setting.values) != 2:
        raise ValueError(f"is no range: it has {len(setting.values)} values")
    return _range(scenario, setting.path, *setting.values)


def following(
    scenario: Scenario, changes: Mapping[str, Any], varied: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part changes (``--set``) into those that hold for all runs, and those that follow what is varied.

    A change of what is itself varied holds for the scenario as it is.
    """
    moving = {full_keys(keys_of(path)) for path in varied}
    fixed: dict[str, Any] = {}
    follow: dict[str, Any] = {}
    for path, value in changes.items():
        follows = full_keys(keys_of(path)) not in moving and moving & set(names_in(scenario, keys_of(path), value))
        (follow if follows else fixed)[path] = value
    return fixed, follow


def _setting(scenario: Scenario, path: str, asked: Any) -> Setting:
    if isinstance(asked, tuple):
        if len(asked) not in (2, 3):
            raise ValueError("a tuple is a range (low, high) or (low, high, step); list values in brackets")
        return _range(scenario, path, *asked)
    values = list(asked) if isinstance(asked, list) else _listed(path, asked) if isinstance(asked, str) else [asked]
    if not values:
        raise ValueError("has no values")
    ranges = [value for value in values if _is_range(value)]
    if ranges and len(values) > 1 and quantity_of(scenario, keys_of(path)) != TEXT:
        raise ValueError(f"{ranges[0]} is a range, which stands alone")
    if len(values) > 1:
        return Values(path, tuple(values))
    return _written_range(scenario, path, values[0]) if ranges else Fixed(path, values[0])


def _listed(path: str, text: str) -> list[Any]:
    """Return the values of a text: what stands between the brackets of a list in YAML."""
    if keys_of(path)[0] == "thresholds":
        return [part.strip() for part in text.split(",")]  # "> 1%" begins a block of text in YAML
    if text.rstrip().endswith(","):
        raise ValueError("ends in a comma: a value is missing")
    values = parse_settings([f"{path}=[{text}]"])[path]
    return values if isinstance(values, list) else [values]


def _is_range(value: Any) -> bool:
    low, dots, high = value.partition("..") if isinstance(value, str) else ("", "", "")
    return bool(dots and low.strip() and high.strip())


def _written_range(scenario: Scenario, path: str, text: str) -> Range:
    """Read ``LOW..HIGH`` or ``LOW..HIGH/STEP``; a rate has a slash of its own: ``4/s..8/s/1/s``."""
    low, _, rest = (part.strip() for part in text.partition(".."))
    quantity = quantity_of(scenario, keys_of(path))
    if quantity == TEXT or _reads(quantity, rest):
        return _range(scenario, path, low, rest)
    cuts = [at for at, letter in enumerate(rest) if letter == "/"]
    parts = [(rest[:at].strip(), rest[at + 1 :].strip()) for at in cuts]
    both = next((part for part in parts if all(_reads(quantity, one) for one in part)), None)
    if both is None:
        both = next((part for part in parts if _reads(quantity, part[0])), None)
    return _range(scenario, path, low, *(both or (rest,)))


def _reads(quantity: Quantity, text: str) -> bool:
    try:
        quantity.read(text)
    except ValueError:
        return False
    return True


def _range(scenario: Scenario, path: str, low: Any, high: Any, step: Any = None) -> Range:
    quantity = quantity_of(scenario, keys_of(path))
    if quantity == TEXT:
        raise ValueError("takes no numbers, so it has no range; list its values")
    first, last = quantity.read(low), quantity.read(high)
    if not first < last:
        raise ValueError(f"the range {low}..{high} is empty: {low} is not below {high}")
    if step is None:
        return Range(path, first, last, quantity)
    width = quantity.read(step)
    if width <= 0 or (last - first) / width > MOST_STEPS:
        raise ValueError(f"a step of {step} is too small for {low}..{high}")
    return Range(path, first, last, quantity, width)
