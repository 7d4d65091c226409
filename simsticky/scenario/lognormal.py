"""The lognormal law, and the ways in which people state it: two quantiles, mean and cv, median and sigma."""

import math
import re
from collections.abc import Mapping
from functools import cached_property
from statistics import NormalDist
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simsticky.scenario.law import Column, ContinuousLaw, Positive

QUANTILES = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""The quantiles that may state a lognormal, each with its probability."""
_QUANTILE = re.compile(r"p\d+(\.\d+)?", re.ASCII)


class Lognormal(ContinuousLaw):
    """Lognormal, by ``mean`` and ``cv``, by ``median`` and ``sigma`` (sd of the logarithm), or by two quantiles."""

    kind: Literal["lognormal"] = "lognormal"
    base_mean: Positive | None = Field(None, alias="mean")
    """Its mean."""
    cv: Annotated[float, Field(gt=0, le=100)] | None = None
    """Its standard deviation divided by its mean."""
    median: Positive | None = None
    """Half of the values are below."""
    sigma: Annotated[float, Field(gt=0, le=10)] | None = None
    """Standard deviation of the logarithm: 0.5 is mild, 1 broad, 2 extreme."""
    p10: Positive | None = None
    """10 % of the values are below."""
    p25: Positive | None = None
    """25 % of the values are below."""
    p50: Positive | None = None
    """50 % of the values are below."""
    p75: Positive | None = None
    """75 % of the values are below."""
    p90: Positive | None = None
    """90 % of the values are below."""
    p95: Positive | None = None
    """95 % of the values are below."""
    p99: Positive | None = None
    """99 % of the values are below."""

    @model_validator(mode="after")
    def _parameters(self) -> Self:
        quantiles = self.stated_quantiles
        named = {"mean": self.base_mean, "cv": self.cv, "median": self.median, "sigma": self.sigma}
        others = [name for name, value in named.items() if value is not None]
        if not quantiles:
            if others not in (["mean", "cv"], ["median", "sigma"]):
                raise ValueError(_LOGNORMAL_FORMS)
            return self
        if others:
            raise ValueError(f"{others[0]} and {next(iter(quantiles))} do not mix: {_LOGNORMAL_FORMS}")
        if len(quantiles) != 2:
            raise ValueError(f"{', '.join(quantiles)}: {len(quantiles)} of two quantiles: {_LOGNORMAL_FORMS}")
        (low, at_low), (high, at_high) = quantiles.items()
        if at_low >= at_high:
            raise ValueError(f"{low} must be below {high}: {at_low:g} is not below {at_high:g}")
        if self._mu_sigma[1] > 10:
            raise ValueError(
                f"{low} and {high} are too far apart: their lognormal has a sigma of {self._mu_sigma[1]:g}"
            )
        return self

    @property
    def stated_quantiles(self) -> dict[str, float]:
        """The quantiles that it is stated by, the lower first; none if it is stated otherwise."""
        return {name: value for name in QUANTILES if (value := getattr(self, name)) is not None}

    @property
    def stated_probabilities(self) -> tuple[float, ...]:
        """The probabilities of :attr:`stated_quantiles`."""
        return tuple(QUANTILES[name] for name in self.stated_quantiles)

    @classmethod
    def by_quantiles(cls, lower: tuple[float, float], higher: tuple[float, float]) -> Self:
        """Return the one that has two given quantiles, each a pair of its probability and its value."""
        (p, at_p), (q, at_q) = lower, higher
        mu, sigma = _through(p, at_p, q, at_q)
        return cls(median=math.exp(mu), sigma=sigma)

    def quantile(self, p: float) -> float:
        """Return the value below which the share p of all falls, between 0 and 1; the cap is left out."""
        mu, sigma = self._mu_sigma
        return math.exp(mu + sigma * NormalDist().inv_cdf(p))

    @cached_property
    def _mu_sigma(self) -> tuple[float, float]:
        if self.median is not None and self.sigma is not None:
            return math.log(self.median), self.sigma
        if quantiles := self.stated_quantiles:
            (low, at_low), (high, at_high) = quantiles.items()
            return _through(QUANTILES[low], at_low, QUANTILES[high], at_high)
        assert self.base_mean is not None
        assert self.cv is not None
        variance = math.log1p(self.cv**2)
        return math.log(self.base_mean) - variance / 2, math.sqrt(variance)

    @property
    def parameters(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm."""
        return self._mu_sigma

    def _partial_moment(self, order: int, upper: float) -> float:
        mu, s = self._mu_sigma
        full = math.exp(order * mu + (order * s) ** 2 / 2)
        if math.isinf(upper):
            return full
        return full * _normal_cdf((math.log(upper) - mu) / s - order * s)

    def _survival(self, x: float) -> float:
        mu, s = self._mu_sigma
        return _normal_cdf((mu - math.log(x)) / s) if x > 0 else 1.0

    def _draw_uncapped(self, rng: np.random.Generator, size: int) -> Column:
        mu, s = self._mu_sigma
        return rng.lognormal(mu, s, size)

    def _draw_uncapped_length_biased(self, rng: np.random.Generator, size: int) -> Column:
        mu, s = self._mu_sigma
        return rng.lognormal(mu + s * s, s, size)


_LOGNORMAL_FORMS = "give two quantiles (p50 and p95), mean and cv, or median and sigma"


def _through(p: float, at_p: float, q: float, at_q: float) -> tuple[float, float]:
    """Return mu and sigma of the lognormal with two quantiles: log x is linear in the normal quantile."""
    at, other = NormalDist().inv_cdf(p), NormalDist().inv_cdf(q)
    sigma = (math.log(at_q) - math.log(at_p)) / (other - at)
    return math.log(at_p) - sigma * at, sigma


def _normal_cdf(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def as_lognormal(value: Any) -> Any:
    """Add its kind to a mapping that states a lognormal in users' units: two quantiles, or mean and cv."""
    if not isinstance(value, Mapping) or "kind" in value:
        return value
    if any(isinstance(key, str) and _QUANTILE.fullmatch(key) for key in value) or {"mean", "cv"} <= set(value):
        return {"kind": "lognormal", **value}
    return value
