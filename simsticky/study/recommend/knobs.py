"""What a search may turn: ranges of settings, lists of values, and what follows them.

It is written as :mod:`simsticky.study.settings` has it; a range without a step gets one that people would choose.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simsticky.errors import InputError
from simsticky.scenario.paths.changes import keys_of, setting_at
from simsticky.scenario.paths.quantities import Quantity, number_at
from simsticky.study.settings import FLAG, HINT, Fixed, Range, Values, settings_of

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

_STEPS = 120
"""Steps of a range without one of its own: fine enough to price, coarse enough to read."""

_NICE_TIMES_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


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
class SearchSpace:
    """Everything a search may turn.

    Attributes:
        knobs: What it turns.
        follows: What every setting gets besides: values and expressions by path.
    """

    knobs: tuple[Knob, ...]
    follows: Mapping[str, Any]

    @classmethod
    def of(cls, scenario: Scenario, vary: Mapping[str, Any]) -> SearchSpace:
        """Read what to vary.

        Raises:
            InputError: With everything that is wrong with it.
        """
        settings = settings_of(scenario, vary, FLAG)
        knobs = [_knob(setting) for setting in settings if not isinstance(setting, Fixed)]
        follows = {setting.path: setting.value for setting in settings if isinstance(setting, Fixed)}
        if not knobs:
            message = "nothing is varied: every setting has one value only"
            raise InputError.of(message, file=FLAG, hint=HINT)
        space = cls(tuple(knobs), follows)
        space.scenario(scenario, {knob.path: knob.values[-1] for knob in knobs})  # wrong paths and values show now
        for knob in knobs:
            for value in knob.values if not knob.is_range else knob.values[:1]:
                space.scenario(scenario, {**{other.path: other.values[-1] for other in knobs}, knob.path: value})
        return space

    def scenario(self, base: Scenario, turned: Mapping[str, Any]) -> Scenario:
        """Return the scenario with its knobs turned, and what follows them."""
        return base.evolve({**turned, **self.follows}, source=FLAG)

    def value_in(self, scenario: Scenario, path: str) -> Any:
        """Return a setting's resolved value as plain JSON: a number of seconds, a number, a switch, a word."""
        node = setting_at(scenario, path)
        if node is None or isinstance(node, Mapping):  # a hook or none, a law: a number in another guise
            with suppress(ValueError):
                return number_at(scenario, keys_of(path))[0]
        return node


def _knob(setting: Range | Values) -> Knob:
    if isinstance(setting, Values):
        return Knob(setting.path, setting.values, (), ", ".join(map(_shown, setting.values)))
    quantity = setting.quantity
    step = _step(setting.high - setting.low, quantity) if setting.step is None else setting.step
    values = setting.values(step)
    ends = f"{quantity.write(setting.low)}..{quantity.write(setting.high)}"
    text = f"{ends} in steps of {quantity.write(step)}"
    return Knob(setting.path, tuple(values), tuple(map(quantity.read, values)), text)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _step(width: float, quantity: Quantity) -> float:
    """A step that people would choose: about 120 of them in the range."""
    least = width / _STEPS
    if quantity.dimension == "time" and least > 0.5:
        return float(next((nice for nice in _NICE_TIMES_S if nice >= least), _NICE_TIMES_S[-1]))
    power = 10.0 ** math.floor(math.log10(least))
    nice = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))
    return max(1.0, nice) if quantity.whole else nice
