"""The laws of the model's random quantities: delays, think times, counts.

A law is written as ``{kind: lognormal, median: 40ms, sigma: 0.6}``, in short as a constant: ``6s``, ``6``, or as
people know their systems: by two quantiles, ``{p50: 40ms, p99: 400ms}``, or by ``{mean: 10m, cv: 1.5}``, which are a
lognormal. One set of classes serves durations (seconds) and counts.

Continuous laws take an optional ``cap``: the quantity is then ``min(X, cap)``, with an atom at the cap, and
the moments are those of the capped quantity. The parameters keep the names of the uncapped law.
"""

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from simsticky.scenario.fields import Duration
from simsticky.scenario.law import Column, ContinuousLaw, LawBase, Positive
from simsticky.scenario.lognormal import Lognormal, as_lognormal
from simsticky.units import quoted

__all__ = [
    "Constant",
    "CountLaw",
    "Empirical",
    "Exponential",
    "Gamma",
    "Geometric",
    "Law",
    "LawBase",
    "Lognormal",
    "Pareto",
    "Uniform",
    "Weibull",
]


class Constant(LawBase):
    """Always ``value``."""

    kind: Literal["constant"] = "constant"
    value: Duration
    """The value."""

    @property
    def parameters(self) -> tuple[float]:
        """The value."""
        return (self.value,)

    def _moment(self, order: int) -> float:
        return self.value**order

    def _draw(self, rng: np.random.Generator, size: int) -> Column:
        return np.full(size, self.value)

    def _draw_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        return np.full(size, self.value)


class Uniform(ContinuousLaw):
    """Uniform between ``low`` and ``high``."""

    kind: Literal["uniform"] = "uniform"
    low: Duration
    """No value is below."""
    high: Duration
    """No value is above."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low:g}) must not exceed high ({self.high:g})")
        return self

    @property
    def parameters(self) -> tuple[float, float]:
        """Low and high."""
        return self.low, self.high

    def _partial_moment(self, order: int, upper: float) -> float:
        if self.low == self.high:
            return self.low**order if self.low <= upper else 0.0
        top = min(max(upper, self.low), self.high)
        # The difference of powers, divided out: exact also where low and high nearly agree.
        powers = sum(top**i * self.low ** (order - i) for i in range(order + 1))
        return (top - self.low) / (self.high - self.low) * powers / (order + 1)

    def _survival(self, x: float) -> float:
        if self.low == self.high:
            return float(x < self.low)
        return min(1.0, max(0.0, (self.high - x) / (self.high - self.low)))

    def _draw_uncapped(self, rng: np.random.Generator, size: int) -> Column:
        return rng.uniform(self.low, self.high, size)

    def _draw_uncapped_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        return np.sqrt(rng.uniform(self.low**2, self.high**2, size))


class Exponential(ContinuousLaw):
    """Exponential with the given ``mean``."""

    kind: Literal["exponential"] = "exponential"
    base_mean: Positive = Field(alias="mean")
    """Its mean."""

    @property
    def parameters(self) -> tuple[float]:
        """The mean."""
        return (self.base_mean,)

    def _partial_moment(self, order: int, upper: float) -> float:
        m = self.base_mean
        if math.isinf(upper):
            return math.factorial(order) * m**order
        z = upper / m
        if order == 1:
            return m * (-math.expm1(-z) - z * math.exp(-z))
        return m**2 * (-2 * math.expm1(-z) - (2 * z + z * z) * math.exp(-z))

    def _survival(self, x: float) -> float:
        return math.exp(-x / self.base_mean)

    def _draw_uncapped(self, rng: np.random.Generator, size: int) -> Column:
        return rng.exponential(self.base_mean, size)

    def _draw_uncapped_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        return rng.gamma(2.0, self.base_mean, size)


def _one_of_two(first: tuple[str, ...], second: tuple[str, ...], given: Mapping[str, Any]) -> None:
    """Refuse anything but exactly the parameters ``first`` or exactly the parameters ``second``."""
    present = {name for name in first + second if given.get(name) is not None}
    if present not in (set(first), set(second)):
        raise ValueError(f"give either {' and '.join(first)}, or {' and '.join(second)}")


class Gamma(ContinuousLaw):
    """Gamma, by ``mean`` and ``cv``, or by ``shape`` and ``scale``."""

    kind: Literal["gamma"] = "gamma"
    base_mean: Positive | None = Field(None, alias="mean")
    """Its mean."""
    cv: Annotated[float, Field(gt=0, le=10)] | None = None
    """Its standard deviation divided by its mean."""
    shape: Annotated[float, Field(ge=0.01, le=1e6)] | None = None
    """Shape; with ``scale``."""
    scale: Positive | None = None
    """Scale; with ``shape``."""

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        _one_of_two(("mean", "cv"), ("shape", "scale"), {**self.__dict__, "mean": self.base_mean})
        return self

    @cached_property
    def _shape_scale(self) -> tuple[float, float]:
        if self.shape is not None and self.scale is not None:
            return self.shape, self.scale
        assert self.base_mean is not None
        assert self.cv is not None
        return self.cv**-2, self.base_mean * self.cv**2

    @property
    def parameters(self) -> tuple[float, float]:
        """Shape and scale."""
        return self._shape_scale

    def _partial_moment(self, order: int, upper: float) -> float:
        shape, scale = self._shape_scale
        full = scale**order * math.prod(shape + i for i in range(order))
        return full if math.isinf(upper) else full * _gamma_cdf(shape + order, upper / scale)

    def _survival(self, x: float) -> float:
        shape, scale = self._shape_scale
        return 1.0 - _gamma_cdf(shape, x / scale)

    def _draw_uncapped(self, rng: np.random.Generator, size: int) -> Column:
        shape, scale = self._shape_scale
        return rng.gamma(shape, scale, size)

    def _draw_uncapped_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        shape, scale = self._shape_scale
        return rng.gamma(shape + 1, scale, size)


def _gamma_cdf(shape: float, x: float) -> float:
    from scipy.special import gammainc  # slow to import, and needed for capped laws only

    return float(gammainc(shape, x))


class Weibull(ContinuousLaw):
    """Weibull of the given ``shape``, by ``mean`` or by ``scale``."""

    kind: Literal["weibull"] = "weibull"
    base_mean: Positive | None = Field(None, alias="mean")
    """Its mean; with ``shape``."""
    shape: Annotated[float, Field(ge=0.05, le=1e6)]
    """Below 1 the tail is heavy, 1 is exponential."""
    scale: Positive | None = None
    """Scale, instead of the mean."""

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        _one_of_two(("mean", "shape"), ("shape", "scale"), {**self.__dict__, "mean": self.base_mean})
        return self

    @cached_property
    def _scale(self) -> float:
        if self.scale is not None:
            return self.scale
        assert self.base_mean is not None
        return self.base_mean / math.gamma(1 + 1 / self.shape)

    @property
    def parameters(self) -> tuple[float, float]:
        """Shape and scale."""
        return self.shape, self._scale

    def _partial_moment(self, order: int, upper: float) -> float:
        a = 1 + order / self.shape
        full = self._scale**order * math.gamma(a)
        return full if math.isinf(upper) else full * _gamma_cdf(a, self._hazard(upper))

    def _hazard(self, x: float) -> float:
        try:
            return float((x / self._scale) ** self.shape)
        except OverflowError:
            return math.inf

    def _survival(self, x: float) -> float:
        return math.exp(-self._hazard(x))

    def _draw_uncapped(self, rng: np.random.Generator, size: int) -> Column:
        return self._scale * rng.weibull(self.shape, size)

    def _draw_uncapped_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        # Python's power: NumPy's rounds otherwise on processors with AVX-512.
        power, drawn = 1 / self.shape, rng.gamma(1 + 1 / self.shape, 1.0, size)
        return self._scale * np.array([value**power for value in drawn.tolist()])


class Pareto(ContinuousLaw):
    """Pareto of tail index ``alpha``, by its ``minimum`` or its ``mean``; no second moment for alpha <= 2."""

    kind: Literal["pareto"] = "pareto"
    alpha: Annotated[float, Field(gt=0, le=1e6)]
    """Tail index: the smaller, the heavier the tail."""
    minimum: Positive | None = None
    """No value is below."""
    base_mean: Positive | None = Field(None, alias="mean")
    """Its mean, instead of the minimum."""

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        _one_of_two(("alpha", "minimum"), ("alpha", "mean"), {**self.__dict__, "mean": self.base_mean})
        if self.alpha <= 1 and (self.cap is None or self.base_mean is not None):
            raise ValueError(f"alpha = {self.alpha:g} has no mean: alpha must exceed 1, or give minimum and a cap")
        return self

    @cached_property
    def _minimum(self) -> float:
        if self.minimum is not None:
            return self.minimum
        assert self.base_mean is not None
        return self.base_mean * (self.alpha - 1) / self.alpha

    @property
    def parameters(self) -> tuple[float, float]:
        """Tail index and minimum."""
        return self.alpha, self._minimum

    def _partial_moment(self, order: int, upper: float) -> float:
        a, low = self.alpha, self._minimum
        if upper <= low:
            return 0.0
        if math.isinf(upper):
            return a * low**order / (a - order) if a > order else math.inf
        if a == order:
            return a * low**order * math.log(upper / low)
        return a * low**order / (a - order) * -math.expm1((order - a) * math.log(upper / low))

    def _survival(self, x: float) -> float:
        return (self._minimum / x) ** self.alpha if x > self._minimum else 1.0

    def _draw_uncapped(self, rng: np.random.Generator, size: int) -> Column:
        return self._minimum * (1 + rng.pareto(self.alpha, size))

    def _draw_uncapped_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        return self._minimum * (1 + rng.pareto(self.alpha - 1, size))


class Geometric(LawBase):
    """Geometric on 1, 2, ... with the given ``mean``: after each one, another follows with 1 - 1/mean."""

    kind: Literal["geometric"] = "geometric"
    base_mean: Annotated[Duration, Field(ge=1)] = Field(alias="mean")
    """Its mean."""

    @property
    def parameters(self) -> tuple[float]:
        """The mean."""
        return (self.base_mean,)

    def _moment(self, order: int) -> float:
        return self.base_mean if order == 1 else self.base_mean * (2 * self.base_mean - 1)

    def _draw(self, rng: np.random.Generator, size: int) -> Column:
        return rng.geometric(1 / self.base_mean, size).astype(np.float64)

    def _draw_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        # The sum of two geometric variables less one has probabilities proportional to k p (1 - p)^(k-1).
        return self._draw(rng, size) + self._draw(rng, size) - 1


class Empirical(LawBase):
    """One of ``values``, each with its weight (equal weights if none are given)."""

    kind: Literal["empirical"] = "empirical"
    values: Annotated[tuple[Duration, ...], Field(min_length=1)]
    """The values, such as measured ones."""
    weights: tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...] | None = None
    """How often each value comes, in the order of the values; all alike if left out."""

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        if self.weights is not None:
            if len(self.weights) != len(self.values):
                raise ValueError(f"{len(self.weights)} weights for {len(self.values)} values")
            if not 0 < math.fsum(self.weights) < math.inf:
                raise ValueError("the weights must not all be 0")
        return self

    @property
    def parameters(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The values, and the share of each."""
        values, share = self._table
        return tuple(values.tolist()), tuple(share.tolist())

    @cached_property
    def _table(self) -> tuple[Column, Column]:
        weights = self.weights or (1.0,) * len(self.values)
        return np.array(self.values), np.array(weights) / math.fsum(weights)

    def mean_of(self, function: Callable[[float], float]) -> float:
        """Return the mean of a function of the quantity."""
        # Summed exactly: a dot product is summed in an order that depends on the processor.
        values, share = self._table
        return math.fsum(function(value) * part for value, part in zip(values.tolist(), share.tolist(), strict=True))

    def _moment(self, order: int) -> float:
        return self.mean_of(lambda value: value**order)

    def _variance(self) -> float:
        return self.mean_of(lambda value: (value - self.mean) ** 2)

    def _draw(self, rng: np.random.Generator, size: int) -> Column:
        values, share = self._table
        return rng.choice(values, size, p=share)

    def _draw_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        values, share = self._table
        return rng.choice(values, size, p=values * share / self.mean)


def _short_form(value: Any) -> Any:
    """Turn ``6s`` or ``6`` into a constant law, and quantiles, or a mean and its cv, into a lognormal."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return {"kind": "constant", "value": value}
    return as_lognormal(value)


_AnyLaw = Annotated[
    Constant | Uniform | Exponential | Lognormal | Gamma | Weibull | Pareto | Geometric | Empirical,
    Field(discriminator="kind"),
]
Law = Annotated[_AnyLaw, BeforeValidator(_short_form, json_schema_input_type=str | float | _AnyLaw)]
"""Any of the laws; a plain duration or number is short for a constant."""


def _without_units(value: Any) -> Any:
    values = value.values() if isinstance(value, Mapping) else (value,)
    for number in values:
        if isinstance(number, str) and number[-1:].isalpha() and number[:1].isdigit():
            raise ValueError(f"{quoted(number)} is a duration, but a number of requests is wanted here")
    return value


CountLaw = Annotated[Law, BeforeValidator(_without_units, json_schema_input_type=float | _AnyLaw)]
"""A law of a number of things: the same laws, but durations are refused."""
