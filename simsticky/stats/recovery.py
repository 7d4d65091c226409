"""When failures are back to what they were: windows of counts against the rate before."""

import math
from collections.abc import Sequence

ERROR = 0.001
"""Chance that a run whose rate never changed has any window above the bound."""


def last_excess(counts: Sequence[int], windows: int, mean: float) -> int | None:
    """Return the number, from 0, of the last window with more events than the rate before explains (rule R4).

    A window has too many if it exceeds the Poisson quantile at 1 - ERROR / windows.

    Args:
        counts: Events of each window; windows after the last one had none.
        windows: How many windows there are in all.
        mean: Events that the rate before puts into a window; with 0 any event is too many.
    """
    if not counts:
        return None
    bound = _poisson_quantile(1.0 - ERROR / max(1, windows), mean) if mean > 0 else 0.0
    return next((number for number in range(len(counts) - 1, -1, -1) if counts[number] > bound), None)


def _poisson_quantile(share: float, mean: float) -> float:
    """Return the least count at or under which at least ``share`` of Poisson counts are.

    As ``scipy.stats.poisson.ppf``, which takes long to import.
    """
    from scipy.special import pdtr, pdtrik

    above = math.ceil(pdtrik(share, mean))
    below = max(above - 1, 0)
    return float(below if pdtr(below, mean) >= share else above)
