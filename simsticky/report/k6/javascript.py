"""Values and laws as JavaScript."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from simsticky.errors import InputError
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.distributions import Law

SAMPLERS = ("uniform", "exponential", "lognormal", "gamma", "weibull", "pareto", "geometric", "empirical")
"""The laws that the template has a function for, by their kinds."""


def text(value: str) -> str:
    """Return a string literal, all of it ASCII: nothing in it can end the literal or hide from a reader."""
    return json.dumps(value)


def number(value: float) -> str:
    """Return the shortest literal that is read back as the same number."""
    return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def truth(value: bool) -> str:
    """Return the literal."""
    return "true" if value else "false"


def duration(seconds: float) -> str:
    """Return a time as k6 reads it, to the microsecond: ``"90s"``. Go's durations know no exponent."""
    return text(f"{seconds:.6f}".rstrip("0").rstrip(".") + "s")


def law(drawn: Law, path: str) -> tuple[str, str]:
    """Return a draw from a law as an expression, and the kind of its sampler; "" for one that needs none.

    Args:
        drawn: The law.
        path: Its path in the scenario, for the error.

    Raises:
        InputError: The template has no sampler for it.
    """
    if drawn.kind == "constant":
        return number(drawn.parameters[0]), ""
    if drawn.kind not in SAMPLERS:
        raise InputError.of(f"the law {drawn.kind} has no translation into k6", path=path)
    written = [_column(value) if isinstance(value, tuple) else number(value) for value in drawn.parameters]
    call = f"{drawn.kind}({', '.join(written)})"
    cap = getattr(drawn, "cap", None)
    return (call if cap is None else f"Math.min({call}, {number(cap)})"), drawn.kind


def told(drawn: Law, seconds: bool) -> str:
    """Return what a comment says of a law: its kind and its mean, with the unit."""
    mean = format_duration(round(drawn.mean, 6)) if seconds else f"{drawn.mean:.4g}"
    return f"{drawn.kind}, mean {mean}"


def _column(values: tuple[float, ...]) -> str:
    return f"[{', '.join(map(number, values))}]"
