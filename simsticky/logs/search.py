"""The smallest value of a cost, and how sharply it is told from what is beside it: scipy's search, Wald's errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from simsticky.logs.cells import Floats

Z95 = 1.959963984540054
Cost = Callable[[Floats], float]


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number with its 95 % interval; the ends are None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


def smallest(
    cost: Cost, start: Sequence[float] | Floats, *, fine: float = 1e-4, most: int = 600
) -> tuple[Floats, float]:
    """Return where a cost is smallest, and what it is there (Nelder and Mead: a likelihood of cells has no slope)."""
    minimize: Any = optimize.minimize
    options = {"xatol": fine / 10, "fatol": fine, "maxiter": most}
    found = minimize(cost, np.asarray(start, np.float64), method="Nelder-Mead", options=options)
    return np.asarray(found.x, np.float64), float(found.fun)


def covariance(cost: Cost, at: Floats, step: float = 1e-3) -> Floats:
    """Return the inverse of a cost's second derivatives, by central differences; NaN where it is flat.

    Of a negative log likelihood it is the covariance of the parameters (Wald).
    """
    size = at.size
    if not size:
        return np.zeros((0, 0))
    curvature = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            total = 0.0
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moved = at.copy()
                moved[i] += a * step
                moved[j] += b * step
                total += a * b * cost(moved)
            curvature[i, j] = curvature[j, i] = total / (4 * step * step)
    nothing = np.full((size, size), np.nan)
    try:
        inverse = np.asarray(np.linalg.inv(curvature), np.float64)
    except np.linalg.LinAlgError:
        return nothing
    return inverse if np.all(np.diag(inverse) > 0) else nothing


def bounds_of(function: Callable[[Floats], float], at: Floats, errors: Floats) -> Bounds:
    """Return a positive function of parameters with Wald's interval on its logarithm (delta method)."""
    value = function(at)
    if not at.size or not np.all(np.isfinite(errors)) or not 0 < value < math.inf:
        return Bounds(value)
    slope = np.empty(at.size)
    for place in range(at.size):
        up, down = at.copy(), at.copy()
        up[place] += 1e-4
        down[place] -= 1e-4
        try:
            high, low = function(up), function(down)
        except ValueError:  # at the end of what a scenario can state
            return Bounds(value)
        if not (0 < high < math.inf and 0 < low < math.inf):
            return Bounds(value)
        slope[place] = (math.log(high) - math.log(low)) / 2e-4
    half = Z95 * math.sqrt(max(0.0, float(slope @ errors @ slope)))
    # Where nothing moves it, it was not searched for; and an interval over all numbers is none.
    return Bounds(value, value * math.exp(-half), value * math.exp(half)) if 0 < half < 50 else Bounds(value)
