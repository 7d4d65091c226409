"""The laws of a scenario as families to be fitted: their functions are scipy's, their parameters run over all numbers.

A search is easier where no parameter has an end, so sizes are looked for as logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from simsticky.logs.cells import Cells, Floats
from simsticky.scenario.distributions import (
    Exponential,
    Gamma,
    Geometric,
    LawBase,
    Lognormal,
    Pareto,
    Uniform,
    Weibull,
)

_MOST_LOG = 40.0
_STRAYS = 0.01
_MOST_MINIMA = 4
_LEAST_ALPHA = 1.001
"""A Pareto law of less has no mean, or none when it is written with four digits."""


Placed = tuple[tuple[float, ...], float, float]
"""Shapes, location and scale of one of scipy's laws."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of law.

    Attributes:
        kind: As a scenario names it.
        names: What its parameters are called in the scenario, in order.
        of_scipy: The law with all its parameters.
        placed: Turns free parameters into those of scipy.
        start: Guesses free parameters from the mean, and the variance of the logarithm; empty of what is not searched.
        law: Makes the scenario's law of free parameters; a ``ValueError`` where no scenario can state it.
        stated: Turns free parameters into those of ``names``.
    """

    kind: str
    names: tuple[str, ...]
    of_scipy: Any
    placed: Callable[[Floats], Placed]
    start: Callable[[float, float], list[float]]
    law: Callable[[Floats], LawBase]
    stated: Callable[[Floats], tuple[float, ...]]

    def tails(self, free: Floats, at: Floats) -> tuple[Floats, Floats]:
        """Return P(X <= x) and P(X > x) at some places."""
        shapes, loc, scale = self.placed(free)
        # A frozen law takes scipy a millisecond to make, ten times what it is asked for. A search looks at places where
        # numbers end, too.
        with np.errstate(all="ignore"):
            below = self.of_scipy.cdf(at, *shapes, loc=loc, scale=scale)
            return below, self.of_scipy.sf(at, *shapes, loc=loc, scale=scale)

    def frozen(self, free: Floats) -> Any:
        """Return scipy's law of free parameters."""
        shapes, loc, scale = self.placed(free)
        return self.of_scipy(*shapes, loc=loc, scale=scale)


def _e(value: float) -> float:
    return math.exp(min(max(float(value), -_MOST_LOG), _MOST_LOG))


def _shape_of(spread: float, at_least: float = 0.05) -> float:
    """Return a gamma's shape with about this variance of the logarithm."""
    return max(at_least, float(1.0 / max(spread, 1e-6)))


EXPONENTIAL = Family(
    "exponential",
    ("mean",),
    stats.expon,
    lambda f: ((), 0.0, _e(f[0])),
    lambda mean, _: [math.log(mean)],
    lambda f: Exponential(mean=_e(f[0])),
    lambda f: (_e(f[0]),),
)
LOGNORMAL = Family(
    "lognormal",
    ("median", "sigma"),
    stats.lognorm,
    lambda f: ((_e(f[1]),), 0.0, _e(f[0])),
    lambda mean, spread: [math.log(mean) - min(spread, 4.0) / 2, math.log(max(spread, 1e-4)) / 2],
    lambda f: Lognormal(median=_e(f[0]), sigma=min(_e(f[1]), 10.0)),
    lambda f: (_e(f[0]), _e(f[1])),
)
GAMMA = Family(
    "gamma",
    ("shape", "scale"),
    stats.gamma,
    lambda f: ((_e(f[0]),), 0.0, _e(f[1] - f[0])),
    lambda mean, spread: [math.log(_shape_of(spread)), math.log(mean)],
    lambda f: Gamma(shape=min(max(_e(f[0]), 0.01), 1e6), scale=_e(f[1] - f[0])),
    lambda f: (_e(f[0]), _e(f[1] - f[0])),
)
WEIBULL = Family(
    "weibull",
    ("shape", "scale"),
    stats.weibull_min,
    lambda f: ((_e(f[0]),), 0.0, _e(f[1])),
    # The logarithm of a Weibull has the variance pi^2 / (6 shape^2).
    lambda mean, spread: [math.log(1.28 / max(spread, 1e-4) ** 0.5), math.log(mean)],
    lambda f: Weibull(shape=min(max(_e(f[0]), 0.05), 1e6), scale=_e(f[1])),
    lambda f: (_e(f[0]), _e(f[1])),
)


class _Geometric:
    """Geometric on 1, 2, …, at any place of the line, as scipy's laws are called: its own knows whole numbers only."""

    def sf(self, at: Floats, mean: float, *, loc: float = 0.0, scale: float = 1.0) -> Floats:
        whole = np.floor((np.asarray(at, np.float64) - loc) / scale)
        log_q = math.log1p(-1 / mean) if mean > 1 else -math.inf
        left = np.exp(np.minimum(np.maximum(whole, 1.0), 1e18) * log_q)
        return np.where(whole < 1, 1.0, left)

    def cdf(self, at: Floats, mean: float, *, loc: float = 0.0, scale: float = 1.0) -> Floats:
        return 1.0 - self.sf(at, mean, loc=loc, scale=scale)

    def __call__(self, mean: float, *, loc: float, scale: float) -> _Frozen:
        return _Frozen(self, mean)


@dataclass(frozen=True, slots=True)
class _Frozen:
    of: _Geometric
    mean: float

    def sf(self, at: Floats) -> Floats:
        return self.of.sf(at, self.mean)

    def cdf(self, at: Floats) -> Floats:
        return self.of.cdf(at, self.mean)


GEOMETRIC = Family(
    "geometric",
    ("mean",),
    _Geometric(),
    lambda f: ((1.0 + _e(f[0]),), 0.0, 1.0),
    lambda mean, _: [math.log(max(mean - 1.0, 1e-6))],
    lambda f: Geometric(mean=1.0 + _e(f[0])),
    lambda f: (1.0 + _e(f[0]),),
)


def pareto_families(cells: Cells, cap: float | None) -> list[Family]:
    """Return the Pareto laws by the cell that their minimum lies in: the lowest ones up to the fullest.

    A few strays may lie below the minimum, at most a hundredth of all.
    """
    seen = cells.exact
    low, high, weight = cells.low[seen], cells.high[seen], cells.weight[seen]
    fullest = int(np.argmax(weight / (high - low)))
    before = np.cumsum(weight) - weight
    able = [place for place in range(fullest + 1) if before[place] <= _STRAYS * weight.sum()]
    return [_pareto(float(low[place]), float(high[place]), cap) for place in able[-_MOST_MINIMA:]]


def _pareto(lowest: float, highest: float, cap: float | None) -> Family:
    wide = highest > 1.05 * lowest  # of values that were not rounded the cell is the minimum, and nothing is searched

    def minimum(free: Floats) -> float:
        part = float(special.expit(free[1])) if wide else 0.0
        return max(lowest + (highest - lowest) * part, 1e-9)

    def law(free: Floats) -> LawBase:
        if cap is None and _e(free[0]) < _LEAST_ALPHA:
            raise ValueError("has no mean")
        return Pareto(alpha=_e(free[0]), minimum=minimum(free), cap=cap)

    return Family(
        "pareto",
        ("alpha", "minimum"),
        stats.pareto,
        lambda f: ((_e(f[0]),), 0.0, minimum(f)),
        lambda mean, spread: [math.log(1.0 / max(spread, 1e-4) ** 0.5), 0.0][: 1 + wide],
        law,
        lambda f: (_e(f[0]), minimum(f)),
    )


def uniform_family(cells: Cells) -> Family:
    """Return the uniform law between the ends of the data: the likelihood is highest there, and nothing is searched."""
    seen = cells.exact
    low, high = float(cells.low[seen][0]), float(cells.high[seen][-1])
    return Family(
        "uniform",
        ("low", "high"),
        stats.uniform,
        lambda f: ((), low, high - low),
        lambda mean, spread: [],
        lambda f: Uniform(low=low, high=high),
        lambda f: (low, high),
    )


def families(cells: Cells, *, counts: bool, cap: float | None) -> list[Family]:
    """Return the laws to be tried on some cells, the simplest first; with a cap, those that can have one."""
    single = (GEOMETRIC,) if counts and cap is None else (EXPONENTIAL,)
    return [*single, LOGNORMAL, GAMMA, WEIBULL, *pareto_families(cells, cap), uniform_family(cells)]
