"""What a session is: a number of requests, or a time that requests fill; decided by the likelihood of both.

Both give the same data a density, the number of requests and every think, so they can be compared. With a number of
requests N the thinks are a law's draws. With a duration D thinks are drawn until they fill it, and the last one is cut
to fit: of it is only known that it would have been longer (docs/model.md, rules W2 and W10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simsticky.logs.cells import Floats, Integers, of_counts, of_times
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
    length = np.asarray(np.bincount(of, weights=think_s, minlength=used.size), np.float64)
    ended = used & visits.whole & (length > 0)
    going = used & ~visits.whole & (length > 0)
    # Whoever goes on was watched no longer, even if a later request is known.
    length = np.where(going, np.minimum(length, visits.length_s), length)
    if ended.sum() < FEWEST or (~last).sum() < FEWEST:
        return counted
    duration = fit_law(of_times(length[ended], longer_than=length[going]), what="sessions")
    think = _think(think_s[~last], of[~last], think_s[last], np.inf)
    # The same thinks in both: also those that are too long to be seen alike everywhere.
    every = _think(think_s, of, None, np.inf)
    n = float(used.sum())
    by_count = counted.requests.candidates[0].likelihood + _density(every)
    by_time = _density(duration) + _density(think)
    parameters = [len(fit.candidates[0].parameters) for fit in (counted.requests, every, duration, think)]
    bic_count = sum(parameters[:2]) * math.log(n) - 2 * by_count
    bic_time = sum(parameters[2:]) * math.log(n) - 2 * by_time
    if bic_count <= bic_time:
        return Shape(counted.requests, None, counted.think, think_s, of, bic_time - bic_count)
    return Shape(counted.requests, duration, think, think_s[~last], of[~last], bic_count - bic_time)


def _density(fit: Fitted) -> float:
    """Return the log likelihood of values as that of a density: that of their cells, whose widths are the data's."""
    cells = fit.cells
    width = cells.high[cells.exact] - cells.low[cells.exact]
    return fit.candidates[0].likelihood - float(np.dot(cells.weight[cells.exact], np.log(width)))
