"""How heavy a tail is: the index of the Pareto law that the largest values follow, with its interval.

Hill's estimator (1975) as what it is, the likelihood of a Pareto law above a threshold, so that rounded and cut values
count as what they are. The interval is where twice the log likelihood is within 3.84 of its maximum, the likelihood
divided by the design effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from simsticky.logs.cells import Cells, survival
from simsticky.logs.search import Bounds

FEWEST = 30
_TOP = 0.1
_CHI2_95 = 3.841458820694124
_HIGHEST = 50.0


@dataclass(frozen=True, slots=True)
class Tail:
    """The tail of a quantity.

    Attributes:
        index: Its Pareto index: below 2 the variance is infinite, below 1 the mean; a light tail has a large one.
        above: Where it begins.
        values: How many values above were seen whole.
    """

    index: Bounds
    above: float
    values: int


def tail_of(cells: Cells, design_effect: float = 1.0) -> Tail | None:
    """Return the tail index of the top tenth of some values; None where too little of it was seen."""
    exact = cells.exact
    ends, left = survival(cells)
    beyond = np.flatnonzero(left <= _TOP)
    if not beyond.size:
        return None
    above = float(ends[beyond[0]])
    inside = cells.low >= above * (1 - 1e-9)
    low, high, weight = cells.low[inside], cells.high[inside], cells.weight[inside]
    seen = float(weight[exact[inside]].sum())
    if seen < FEWEST or above <= 0:
        return None
    near, far = np.log(low / above), np.log(high / above)
    effect = max(1.0, design_effect)

    def likelihood(index: float) -> float:
        # P(low < X < high) = e^(-index near) (1 - e^(-index (far - near)))
        inside = -index * near + np.log(-np.expm1(-index * np.where(np.isfinite(far), far - near, math.inf)))
        return float(np.dot(weight, inside)) / effect

    found = optimize.minimize_scalar(lambda i: -likelihood(i), bounds=(1e-3, _HIGHEST), method="bounded")
    best, top = float(found.x), -float(found.fun)

    def drop(index: float) -> float:
        return 2 * (top - likelihood(index)) - _CHI2_95

    lower = float(optimize.brentq(drop, 1e-4, best)) if drop(1e-4) > 0 else 1e-4
    upper = float(optimize.brentq(drop, best, 4 * _HIGHEST)) if drop(4 * _HIGHEST) > 0 else None
    return Tail(Bounds(best, lower, upper), above, int(seen))
