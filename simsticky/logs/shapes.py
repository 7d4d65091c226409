"""What a session is: a number of requests, or a time that requests fill; decided by the likelihood of both.

Both give the same data a density, the number of requests and every think, so they can be compared. With a number of
requests N the thinks are a law's draws. With a duration D thinks are drawn until they fill it, and the last one is cut
to fit: of it is only known that it would have been longer (docs/model.md, rules W2 and W10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simsticky.logs.cells import Cells, Floats, Integers, of_counts, of_times
from simsticky.logs.laws import FEWEST, Fitted, fit_law
from simsticky.logs.visits import Booleans, Visits, design_effect

_FEW = 0.002
"""A share of sessions of one request up to here is an accident: a session with a duration has at least two."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The laws of a session.

    Attributes:
        requests: The law of the number of requests.
        duration: The law of the time from the first request to the last, where that is what ends a session; else None.
        think: The law of thinks that goes with it.
        think_s: Flat, the thinks that show the law whole, those of a session beside each other.
        think_of: Flat, the session of each.
        gain: By how much the one that was chosen has the better BIC; missing where only one is possible.
    """

    requests: Fitted
    duration: Fitted | None
    think: Fitted
    think_s: Floats
    think_of: Integers
    gain: float | None


def shape_of(visits: Visits, used: Booleans) -> Shape:
    """Return the laws of sessions.

    Args:
        visits: The sessions of a log.
        used: Which of them to look at; they are of the cohort.

    Raises:
        InputError: There are too few.
    """
    whole, watched = visits.whole[used], visits.watched[used]
    requests = fit_law(of_counts(watched[whole], watched[~whole]), counts=True, what="sessions")
    mine = used[visits.think_of]
    think_s, of = visits.think_s[mine], visits.think_of[mine]
    # Longer thinks were seen where the log has room for them, and not at its end: only shorter ones are seen alike.
    short = think_s <= visits.quiet_s
    think = _think(think_s[short], of[short], None, visits.quiet_s)
    counted = Shape(requests, None, think, think_s, of, None)
    single = float(np.mean(watched[whole] <= 1)) if whole.any() else 1.0
    if single > _FEW:
        return counted
    return _filled(visits, used, counted)


def _think(think_s: Floats, of: Integers, longer_than: Floats | None, beyond: float) -> Fitted:
    top = float(np.quantile(think_s, 0.99)) if think_s.size else 0.0
    effect = design_effect(np.minimum(think_s, top), of)
    cells = of_times(think_s, beyond=beyond, longer_than=longer_than)
    return fit_law(cells, design_effect=effect, what="thinks between requests")


def _filled(visits: Visits, used: Booleans, counted: Shape) -> Shape:
    """Return the shape with a duration where that is the likelier one; all sessions have two requests or more."""
    of, think_s = counted.think_of, counted.think_s
    last = np.concatenate([of[1:] != of[:-1], [True]]) & visits.whole[of]
    length = np.bincount(of, weights=think_s, minlength=used.size)
    ended = used & visits.whole & (length > 0)
    going = used & ~visits.whole & (length > 0)
    if ended.sum() < FEWEST or (~last).sum() < FEWEST:
        return counted
    duration = fit_law(of_times(length[ended], longer_than=length[going]), what="sessions")
    think = _think(think_s[~last], of[~last], think_s[last], np.inf)
    n = float(used.sum())
    floor = max(float(think_s[think_s > 0].min(initial=1.0)) / 2, 1e-6)
    by_count = _cells(counted.requests.cells, counted.requests) + _densities(counted.think, think_s, floor)
    by_time = _densities(duration, length[ended], floor) + float(
        np.sum(np.log(np.maximum(duration.candidates[0].frozen.sf(length[going]), 1e-300)))
    )
    by_time += _densities(think, think_s[~last], floor)
    by_time += float(np.sum(np.log(np.maximum(think.candidates[0].frozen.sf(think_s[last]), 1e-300))))
    parameters = [len(fit.candidates[0].parameters) for fit in (counted.requests, counted.think, duration, think)]
    bic_count = sum(parameters[:2]) * math.log(n) - 2 * by_count
    bic_time = sum(parameters[2:]) * math.log(n) - 2 * by_time
    if bic_count <= bic_time:
        return Shape(counted.requests, None, counted.think, think_s, of, bic_time - bic_count)
    return Shape(counted.requests, duration, think, think_s[~last], of[~last], bic_count - bic_time)


def _cells(cells: Cells, fit: Fitted) -> float:
    frozen = fit.candidates[0].frozen
    inside = frozen.cdf(cells.high) - frozen.cdf(cells.low)
    return float(np.dot(cells.weight, np.log(np.maximum(inside, 1e-300))))


def _densities(fit: Fitted, values: Floats, floor: float) -> float:
    """Return the log likelihood of single values, by the law's share in a thousandth to each side of each."""
    at = np.maximum(values, floor)
    frozen = fit.candidates[0].frozen
    inside = np.abs(frozen.sf(at * 0.999) - frozen.sf(at * 1.001))
    return float(np.sum(np.log(np.maximum(inside, 1e-300) / (0.002 * at))))
