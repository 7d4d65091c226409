"""The law of one quantity: every law of the scenario by maximum likelihood, one chosen, and how well it fits.

The choice is by BIC: twice the log likelihood less ``log(n)`` a parameter, n the values seen whole divided by their
design effect (values of one session resemble each other, and count as fewer). Of the laws that come near the measured
distribution the one of the best BIC is chosen; where none does, the measured values themselves are the law
(``empirical``). Intervals are Wald's, from the curvature of the likelihood, widened by the design effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from simsticky.errors import InputError
from simsticky.logs.cells import Cells, Floats, survival, without_cap
from simsticky.logs.families import Family, families
from simsticky.logs.search import Z95, Bounds, bounds_of, covariance, smallest
from simsticky.scenario.distributions import Constant, Empirical, LawBase

FEWEST = 20
"""Fewer values than that make no law."""
_IMPOSSIBLE = 1e-3
"""A law that gives a cell less than a thousandth of the share that was measured there has not made these values: a few
strays (a session cut in two, a robot) may be in a log, and must not rule a law out."""
_SHORTEST = 1e-9
"""Seconds are written to the nanosecond."""
FAR = 0.05
"""A law whose distribution function is off by more than that somewhere, beyond what chance explains, is none."""
_SAME = 0.01
"""Values whose quantiles at 0.5 % and 99.5 % differ by less than this part of them are all the same."""
_BANDS = (*np.arange(0.0, 0.90, 0.03), 0.9, 0.92, 0.94, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 1.0)
"""Shares between which the values of an empirical law are means: finer in the tail."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A law as it fits best.

    Attributes:
        kind: As the scenario names it.
        law: The scenario's law.
        likelihood: Logarithm of the likelihood of the cells.
        bic: The smaller, the better; infinite where the law cannot have made the data.
        distance: Largest difference of the distribution functions (Kolmogorov).
        parameters: Each by its name in the scenario.
        mean: Its mean.
        frozen: Its distribution function and quantiles, as scipy has them.
    """

    kind: str
    law: LawBase
    likelihood: float
    bic: float
    distance: float
    parameters: dict[str, Bounds]
    mean: Bounds
    frozen: Any


@dataclass(frozen=True, slots=True)
class Fitted:
    """The law of a quantity.

    Attributes:
        cells: What it was fitted to.
        candidates: All that were tried, the best first.
        chosen: The one that the profile states.
        design_effect: How many values count as one.
        band: Half width of the 95 % band of the measured distribution function (Massart 1990).
    """

    cells: Cells
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    design_effect: float
    band: float

    @property
    def is_poor(self) -> bool:
        """Whether every law is off by more than chance and a twentieth explain: then the values are the law."""
        return self.chosen.kind == "empirical"

    @property
    def nearest(self) -> Candidate:
        """The law whose distribution function is nearest to the measured one."""
        return min(self.candidates, key=lambda one: one.distance)


def fit_law(cells: Cells, *, counts: bool = False, design_effect: float = 1.0, what: str = "values") -> Fitted:
    """Fit every law and choose.

    Args:
        cells: The data.
        counts: Whether they are counts, whose draws are rounded to whole numbers of at least 1.
        design_effect: How many values count as one.
        what: What they are, for the message.

    Raises:
        InputError: There are fewer than 20 values seen whole.
    """
    seen = cells.seen
    if seen < FEWEST:
        hint = "a longer log has more"
        raise InputError.of(f"{seen:.0f} {what} were seen whole, and {FEWEST} make a law", hint=hint)
    effect = max(1.0, design_effect)
    band = math.sqrt(math.log(2 / 0.05) / (2 * seen / effect))
    cells, cap = without_cap(cells, counts=counts)
    if (same := _constant(cells, counts)) is not None:
        return Fitted(cells, (same,), same, effect, band)
    tried = [_best(family, cells, effect, cap) for family in families(cells, counts=counts, cap=cap)]
    if counts:  # a session has a request, and a scenario refuses a law whose mean before rounding is less
        tried = [one for one in tried if one is not None and one.law.mean >= 1]
    ranked: list[Candidate] = []
    for one in sorted((one for one in tried if one is not None), key=lambda one: one.bic):
        if one.kind not in [other.kind for other in ranked]:  # of Pareto laws with other minima the best is enough
            ranked.append(one)
    near = [one for one in ranked if one.distance <= FAR + band]
    chosen = near[0] if near else _empirical(cells, counts, effect)
    return Fitted(cells, tuple(ranked) or (chosen,), chosen, effect, band)


def _constant(cells: Cells, counts: bool) -> Candidate | None:
    low, high = (quantile(cells, share) for share in (0.005, 0.995))
    if low is None or high is None or high - low > _SAME * high or cells.cut > 0.005 * cells.seen:
        return None
    value = float(np.average(cells.middle[cells.exact], weights=cells.weight[cells.exact]))
    value = float(max(1, round(value))) if counts else value
    law = Constant(value=value)
    return Candidate("constant", law, 0.0, 0.0, 0.0, {"value": Bounds(value)}, Bounds(value), _Values(law))


def quantile(cells: Cells, share: float) -> float | None:
    """Return a quantile of what was measured, what was cut counted among those at risk; None where not reached."""
    ends, left = survival(cells)
    place = int(np.searchsorted(-left, -(1 - share)))
    return float((cells.middle[cells.exact])[place]) if place < ends.size else None


def log_likelihood(family: Family, free: Floats, cells: Cells) -> float:
    """Return the log likelihood of grouped, censored and truncated values."""
    ends = np.concatenate([cells.low, cells.high])
    below, above = family.tails(free, ends)
    k = cells.low.size
    # The smaller tail of the two: the difference of two numbers near 1 has no digits left.
    inside = np.where(below[:k] < 0.5, below[k:] - below[:k], above[:k] - above[k:])
    if np.isfinite(cells.beyond):
        within, _ = family.tails(free, np.array([cells.beyond]))
        inside = inside / max(float(within[0]), 1e-300)
    least = _IMPOSSIBLE * cells.weight / max(float(cells.weight.sum()), 1.0)
    return float(np.dot(cells.weight, np.log(np.maximum(inside, least))))


def _best(family: Family, cells: Cells, effect: float, cap: float | None) -> Candidate | None:
    """Return a family's likeliest law with Wald's intervals; None where no scenario can state it, or it has no mean."""
    middle, weight = np.maximum(cells.middle, 1e-9), cells.weight
    mean, logs = float(np.average(middle, weights=weight)), np.log(middle)
    spread = float(np.average((logs - np.average(logs, weights=weight)) ** 2, weights=weight))
    free = np.array(family.start(mean, spread), np.float64)
    if free.size:
        free, _ = smallest(lambda at: -log_likelihood(family, at, cells), free)
    value = log_likelihood(family, free, cells)
    try:
        law = _capped(family.law(free), cap)
    except ValueError:
        return None
    stated = family.stated(free)
    if not math.isfinite(law.mean) or not all(math.isfinite(number) for number in stated):
        return None
    if any(0 < number < _SHORTEST for number in stated):
        return None
    errors = covariance(lambda at: -log_likelihood(family, at, cells), free) * effect
    bic = len(family.names) * math.log(max(cells.seen / effect, 2.0)) - 2 * value / effect
    parameters = {
        name: bounds_of(partial(_parameter, family, place), free, errors) for place, name in enumerate(family.names)
    }
    mean_of = bounds_of(lambda at: _capped(family.law(at), cap).mean, free, errors)
    frozen = family.frozen(free)
    return Candidate(family.kind, law, value, bic, distance(frozen, cells), parameters, mean_of, frozen)


def _capped(law: LawBase, cap: float | None) -> LawBase:
    return law if cap is None else law.model_copy(update={"cap": cap})


def _parameter(family: Family, place: int, free: Floats) -> float:
    return family.stated(free)[place]


def distance(frozen: Any, cells: Cells) -> float:
    """Return the largest difference of the measured and the law's distribution function, at the ends of cells."""
    ends, left = survival(cells)
    below = np.asarray(frozen.cdf(ends), np.float64)
    if np.isfinite(cells.beyond):
        below = below / max(float(np.asarray(frozen.cdf(np.array([cells.beyond])))[0]), 1e-300)
    return float(np.max(np.abs(1.0 - left - below), initial=0.0))


class _Values:
    """Distribution function and quantiles of a law of some values."""

    def __init__(self, law: Constant | Empirical) -> None:
        values, shares = ((law.value,), (1.0,)) if isinstance(law, Constant) else law.parameters
        self._values, self._sum = np.array(values), np.cumsum(shares)

    def cdf(self, at: Floats) -> Floats:
        place = np.searchsorted(self._values, at, side="right")
        return np.concatenate([[0.0], self._sum])[place]

    def sf(self, at: Floats) -> Floats:
        return 1.0 - self.cdf(at)

    def ppf(self, share: Floats) -> Floats:
        place = np.searchsorted(self._sum, share, side="left")
        return self._values[np.minimum(place, self._values.size - 1)]


def _empirical(cells: Cells, counts: bool, effect: float) -> Candidate:
    """Return the measured values as a law: some forty means of bands of them, which keep the mean."""
    _, left = survival(cells)
    values = cells.middle[cells.exact]
    values = np.maximum(np.rint(values), 1.0) if counts else values
    mass = -np.diff(np.concatenate([[1.0], left]))
    mass[-1] += left[-1]  # what was never seen to end is taken to end with the longest: there is nothing beyond
    top = np.minimum(np.cumsum(mass) - mass / 2, 1 - 1e-12)
    band = np.searchsorted(np.array(_BANDS), top, side="right")
    shares = np.bincount(band, weights=mass)
    sums = np.bincount(band, weights=mass * values)
    kept = shares > 0
    means = sums[kept] / shares[kept]
    if counts:
        means, place = np.unique(np.maximum(np.rint(means), 1.0), return_inverse=True)
        weights = np.bincount(place, weights=shares[kept])
    else:
        weights = shares[kept]
    rounded = [float(f"{value:.4g}") for value in means]
    weights = weights / weights.sum()
    law = Empirical(values=tuple(rounded), weights=tuple(round(float(weight), 5) for weight in weights))
    frozen = _Values(law)
    spread = math.sqrt(max(float(np.dot(mass, (values - law.mean) ** 2)), 0.0) * effect / max(cells.seen, 1.0))
    mean = Bounds(law.mean, max(law.mean - Z95 * spread, 0.0), law.mean + Z95 * spread)
    return Candidate("empirical", law, math.nan, math.nan, distance(frozen, cells), {}, mean, frozen)
