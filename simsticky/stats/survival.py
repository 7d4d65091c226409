"""The share of runs for which something has not happened yet, by the time: Kaplan and Meier's product limit.

As ``scipy.stats.ecdf`` computes it, which a test holds it to; ``scipy.stats`` itself takes longer to
import than a replication to simulate.

Sources: Kaplan and Meier 1958; Greenwood 1926 for the variance; the interval on the scale of log(-log).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Survival:
    """A survival curve with its pointwise interval.

    Attributes:
        seconds: Length k, the times at which a run had its event or was watched no longer, ascending, each once.
        share: Length k, the share without the event just after each.
        low: Length k, lower end of that share; NaN while every run goes on, or none does.
        high: Length k, upper end.
    """

    seconds: Floats
    share: Floats
    low: Floats
    high: Floats


def product_limit(seconds: Sequence[float], not_yet_s: Sequence[float], level: float) -> Survival:
    """Return the curve of runs of which some had not had their event when they ended.

    Args:
        seconds: Of the runs with the event, when it came.
        not_yet_s: How long the others were watched. At least one run in all.
        level: Of the interval.
    """
    times = np.concatenate([np.asarray(seconds, np.float64), np.asarray(not_yet_s, np.float64)])
    came = np.concatenate([np.ones(len(seconds)), np.zeros(len(not_yet_s))])
    order = np.argsort(times, kind="stable")
    at, first = np.unique(times[order], return_index=True)
    watched = len(times) - first.astype(np.float64)
    events = np.add.reduceat(came[order], first)
    share: Floats = np.cumprod((watched - events) / watched, dtype=np.float64)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = 1 / np.log(share) ** 2 * np.cumsum(events / (watched * (watched - events)))
        middle, reach = np.log(-np.log(share)), z * np.sqrt(variance)
        low, high = np.exp(-np.exp(middle + reach)), np.exp(-np.exp(middle - reach))
    return Survival(at, share, np.clip(low, 0, 1), np.clip(high, 0, 1))
