"""Thresholds of a scenario: ``broken_sessions: "< 1%"``."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from simsticky.units import parse_duration, parse_percentage, quoted

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_THRESHOLD = re.compile(r"\s*(<=|>=|<|>)\s*(\S.*?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound on a metric.

    Attributes:
        operator: ``<``, ``<=``, ``>`` or ``>=``.
        value: The bound: a share for a percentage, seconds for a duration, else the number itself.
        text: As written, without surplus blanks.
    """

    operator: str
    value: float
    text: str

    def meets(self, value: float) -> bool:
        """Return whether a value keeps the bound."""
        return _OPERATORS[self.operator](value, self.value)

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Read ``< 1%``, ``<= 30s`` or ``< 1.2``.

        Raises:
            ValueError: It is no comparison with a number.
        """
        match = _THRESHOLD.fullmatch(text)
        if match is None:
            raise ValueError(f"{quoted(text)} is not a threshold; write for example '< 1%', '<= 30s' or '< 1.2'")
        sign, bound = match.groups()
        value = parse_percentage(bound) if bound.endswith("%") else parse_duration(bound, allow_negative=True)
        return cls(sign, value, f"{sign} {bound}")


def _threshold(text: Any) -> Any:
    return Threshold.parse(text).text


ThresholdText = Annotated[
    str,
    AfterValidator(_threshold),
    Field(examples=["< 1%", "<= 30s"], description="A comparison with a number."),
]
