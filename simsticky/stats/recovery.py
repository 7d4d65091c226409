"""When failures are back to what they were: windows of counts against the rate before."""

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
    from scipy.stats import poisson

    bound = float(poisson.ppf(1.0 - ERROR / max(1, windows), mean)) if mean > 0 else 0.0
    return next((number for number in range(len(counts) - 1, -1, -1) if counts[number] > bound), None)
