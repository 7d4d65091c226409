"""What a search may turn: a range of a setting, a list of values, or a setting that follows another.

``"0s..30m"`` (or ``("0s", "30m")``) is a range, ``"0s..30m/1m"`` one with a step of its own, ``"1, 25%, 100%"`` (or a
list) a choice, anything else (``"preStop + 30s"``, ``"60s"``) a value or an expression that every setting gets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.paths.changes import keys_of, parse_settings, setting_at, unknown_path
from simsticky.scenario.paths.expressions import full_keys
from simsticky.scenario.paths.quantities import TEXT, Quantity, number_at, quantity_of

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

_STEPS = 120
"""Steps of a range without one of its own: fine enough to price, coarse enough to read."""

_NICE_TIMES_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Knob:
    """A setting that a search turns.

    Attributes:
        path: Its dotted path.
        values: Its values as one writes them, in order.
        numbers: The same as numbers (seconds, per second, or plain); empty for a choice.
        text: What was asked for, for people.
    """

    path: str
    values: tuple[Any, ...]
    numbers: tuple[float, ...]
    text: str

    @property
    def is_range(self) -> bool:
        """Whether its values are the steps of a range."""
        return bool(self.numbers)

    @property
    def name(self) -> str:
        """The setting's name without its section."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a search may turn.

    Attributes:
        knobs: What it turns.
        follows: What every setting gets besides: values and expressions by path.
    """

    knobs: tuple[Knob, ...]
    follows: Mapping[str, Any]

    @classmethod
    def of(cls, scenario: Scenario, vary: Mapping[str, Any]) -> Plan:
        """Read what to vary.

        Raises:
            InputError: With everything that is wrong with it.
        """
        knobs: list[Knob] = []
        follows: dict[str, Any] = {}
        problems: list[Diagnostic] = []
        for path, asked in vary.items():
            if unknown := unknown_path(scenario, path, "--vary"):
                problems.append(unknown)
                continue
            try:
                knob = _knob(scenario, path, asked)
            except InputError as error:
                problems += error.diagnostics
            except ValueError as error:
                hint = "write for example deployment.preStop=0s..30m, deployment.maxSurge=1,25%"
                problems.append(Diagnostic("--vary", None, None, path, str(error), hint))
            else:
                if isinstance(knob, Knob):
                    knobs.append(knob)
                else:
                    follows[path] = knob.value
        if problems:
            raise InputError(problems)
        if not knobs:
            message = "nothing is varied: every setting has one value only"
            raise InputError.of(message, file="--vary", hint="for example deployment.preStop=0s..30m")
        plan = cls(tuple(knobs), follows)
        plan.scenario(scenario, {knob.path: knob.values[-1] for knob in knobs})  # wrong paths and values show now
        for knob in knobs:
            for value in knob.values if not knob.is_range else knob.values[:1]:
                plan.scenario(scenario, {**{other.path: other.values[-1] for other in knobs}, knob.path: value})
        return plan

    def scenario(self, base: Scenario, turned: Mapping[str, Any]) -> Scenario:
        """Return the scenario with its knobs turned, and what follows them."""
        return base.evolve({**turned, **self.follows}, source="--vary")

    def value_in(self, scenario: Scenario, path: str) -> Any:
        """Return a setting's resolved value as plain JSON: a number of seconds, a number, a switch, a word."""
        keys = full_keys(keys_of(path))
        node = setting_at(scenario, path)
        if isinstance(node, Mapping) or keys[-1] == "preStop":
            try:
                return number_at(scenario, keys)[0]
            except ValueError:
                return node
        return node


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A value or an expression that every setting gets."""

    value: Any


def parse_vary(texts: Sequence[str]) -> dict[str, Any]:
    """Return what ``--vary key=...`` flags ask for, for :meth:`Plan.of`.

    Raises:
        InputError: A flag is no ``key=value``.
    """
    asked: dict[str, Any] = {}
    problems = []
    for text in texts:
        path, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not path or not value:
            hint = "write --vary deployment.preStop=0s..30m"
            problems.append(Diagnostic("--vary", None, None, text, "is no key=values", hint))
        asked[path] = value
    if problems:
        raise InputError(problems)
    return asked


def _knob(scenario: Scenario, path: str, asked: Any) -> Knob | _Fixed:
    if isinstance(asked, str):
        if ".." in asked:
            low, _, rest = asked.partition("..")
            high, _, step = rest.partition("/")
            return _range(scenario, path, low.strip(), high.strip(), step.strip() or None)
        parts = [part.strip() for part in asked.split(",")]
        if len(parts) == 1:
            return _Fixed(_read(path, asked))
        return Knob(path, tuple(_read(path, part) for part in parts), (), asked)
    if isinstance(asked, tuple) and len(asked) in (2, 3):
        return _range(scenario, path, *asked)
    if isinstance(asked, list | tuple) and asked:
        return Knob(path, tuple(asked), (), ", ".join(map(_shown, asked)))
    if isinstance(asked, list | tuple | Mapping):
        raise ValueError("is neither a range nor a list of values")
    return _Fixed(asked)


def _read(path: str, text: str) -> Any:
    return parse_settings([f"{path}={text}"])[path]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _range(scenario: Scenario, path: str, low: Any, high: Any, step: Any = None) -> Knob:
    quantity = quantity_of(scenario, keys_of(path))
    if quantity == TEXT:
        raise ValueError("takes no numbers, so it has no range; list its values")
    first, last = quantity.read(low), quantity.read(high)
    if not first < last:
        raise ValueError(f"the range {low}..{high} is empty")
    width = quantity.read(step) if step is not None else _step(last - first, quantity)
    if width <= 0 or (last - first) / width > _MOST_STEPS:
        raise ValueError(f"a step of {step} is too small for {low}..{high}")
    numbers = [first + index * width for index in range(math.floor((last - first) / width + 1e-9) + 1)]
    if numbers[-1] < last - 1e-9 * abs(last):
        numbers.append(last)
    values = [quantity.write(number) for number in numbers]
    read = dict(zip(values, [quantity.read(value) for value in values], strict=True))  # rounding may make two one
    text = f"{quantity.write(first)}..{quantity.write(last)} in steps of {quantity.write(width)}"
    return Knob(path, tuple(read), tuple(read.values()), text)


def _step(width: float, quantity: Quantity) -> float:
    """A step that people would choose: about 120 of them in the range."""
    least = width / _STEPS
    if quantity.dimension == "time" and least > 0.5:
        return float(next((nice for nice in _NICE_TIMES_S if nice >= least), _NICE_TIMES_S[-1]))
    power = 10.0 ** math.floor(math.log10(least))
    nice = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))
    return max(1.0, nice) if quantity.whole else nice
