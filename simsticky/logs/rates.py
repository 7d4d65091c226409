"""When sessions start: a constant rate, one of steps, or one of day and night, by the likelihood of a Poisson process.

The choice is by BIC. Steps are found among all ways to cut the log into stretches (optimal partition: Jackson et al.,
An algorithm for optimal partitioning of data on an interval, 2005), each cut at the price of a rate and a place.
Where starts come in bursts, more unevenly than a Poisson process has it, the likelihood is divided by their dispersion,
and a note says so: bursts are in no law of the scenario, a trace has them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simsticky.errors import InputError
from simsticky.logs.cells import Floats
from simsticky.logs.laws import FEWEST
from simsticky.logs.search import Z95, Bounds, smallest
from simsticky.scenario.traffic import Diurnal, Piecewise, Poisson, Step

DAY_S = 86400.0
_WIDTHS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_BINS = 300
_SHORTEST = 0.04
"""Part of the log that a step lasts at least: an hour of a day. A shorter one is a burst, and the last one would last
for ever."""
_LEAST_DAY = 0.5
"""Parts of a day that a log must show before a daily rhythm is looked for."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When sessions start.

    Attributes:
        law: As the scenario states it; time 0 is the beginning of the log.
        mean: Sessions a second over the log, with its interval.
        tried: Kind and BIC of each that was tried, the best first.
        dispersion: Variance of counts of neighbouring stretches over that of a Poisson process; 1 for one.
        bin_s: Length of a stretch.
        edges_s: Ends of the stretches, k + 1 of them.
        counts: Sessions that started in each of k stretches.
    """

    law: Poisson | Piecewise | Diurnal
    mean: Bounds
    tried: tuple[tuple[str, float], ...]
    dispersion: float
    bin_s: float
    edges_s: Floats
    counts: Floats

    @property
    def is_bursty(self) -> bool:
        """Whether starts are more uneven than a Poisson process makes them, beyond chance."""
        return self.dispersion > 1.5 and self.dispersion > 1 + 4 * math.sqrt(2 / max(len(self.counts) - 1, 1))


def arrivals(start_s: Floats, window: tuple[float, float]) -> Arrivals:
    """Fit the rate of starts.

    Args:
        start_s: When sessions started that were seen to.
        window: From when to when a start would have been seen, in seconds from the beginning of the log.

    Raises:
        InputError: There are fewer than 20.
    """
    first, last = window
    start_s = np.sort(start_s[(start_s >= first) & (start_s <= last)])
    if start_s.size < FEWEST:
        hint = "a longer log has more"
        raise InputError.of(f"{start_s.size} sessions were seen to begin, and {FEWEST} make a rate", hint=hint)
    span = last - first
    if span <= 0:
        raise InputError.of("all sessions begin at one moment, and that is no rate", hint="a longer log has more")
    width = next((w for w in _WIDTHS if span / w <= _MOST_BINS and start_s.size * w / span >= 5), span)
    bins = max(1, int(span // width))
    edges = np.asarray(first + width * np.arange(bins + 1), np.float64)
    counts = np.histogram(start_s, edges)[0].astype(np.float64)
    spread = _dispersion(counts)
    effect = max(1.0, spread)
    n, log_n = float(counts.sum()), math.log(start_s.size)
    flat = n * math.log(n / (bins * width)) - n
    tried: list[tuple[float, Poisson | Piecewise | Diurnal]] = [
        (log_n - 2 * flat / effect, Poisson(rate=start_s.size / span))
    ]
    value, cuts = _partition(counts, width, effect * log_n)
    if len(cuts) > 2:
        steps = [
            Step(
                from_s=0.0 if begin == 0 else float(edges[begin]),
                rate=float(counts[begin:end].sum()) / ((end - begin) * width),
            )
            for begin, end in pairwise(cuts)
        ]
        parameters = 2 * len(steps) - 1
        tried.append((parameters * log_n - 2 * value / effect, Piecewise(steps=tuple(steps))))
    if span >= _LEAST_DAY * DAY_S:
        value, day = _daily(counts, edges, width)
        tried.append((3 * log_n - 2 * value / effect, day))
    tried.sort(key=lambda one: one[0])
    rate = start_s.size / span
    half = Z95 * math.sqrt(effect / start_s.size)
    return Arrivals(
        law=tried[0][1],
        mean=Bounds(rate, rate * math.exp(-half), rate * math.exp(half)),
        tried=tuple((law.kind, bic) for bic, law in tried),
        dispersion=spread,
        bin_s=width,
        edges_s=edges,
        counts=counts,
    )


def _dispersion(counts: Floats) -> float:
    """Return the variance of counts over their mean, from differences of neighbours: a slow trend is none."""
    if counts.size < 3:
        return 1.0
    both = counts[1:] + counts[:-1]
    used = both > 0
    return float(np.mean((np.diff(counts)[used]) ** 2 / both[used])) if used.any() else 1.0


def _partition(counts: Floats, width: float, price: float) -> tuple[float, list[int]]:
    """Return the log likelihood of the best stretches of constant rate, and where they begin and end."""
    k = counts.size
    total = np.concatenate([[0.0], np.cumsum(counts)])
    best = np.full(k + 1, -np.inf)
    best[0] = price
    before = np.zeros(k + 1, np.int64)
    shortest = max(1, math.ceil(_SHORTEST * k))
    for end in range(shortest, k + 1):
        starts = end - shortest + 1
        n = total[end] - total[:starts]
        time = width * (end - np.arange(starts))
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(n > 0, n * np.log(n / time) - n, 0.0)
        whole = best[:starts] + value - price
        before[end] = int(np.argmax(whole))
        best[end] = whole[before[end]]
    cuts = [k]
    while cuts[-1] > 0:
        cuts.append(int(before[cuts[-1]]))
    cuts.reverse()
    return float(best[k]) + price * (len(cuts) - 2), cuts


def _daily(counts: Floats, edges: Floats, width: float) -> tuple[float, Diurnal]:
    """Return the log likelihood of the best rate of day and night, and its law."""
    middle = np.asarray(edges[1:] + edges[:-1], np.float64) / 2
    mean = float(counts.mean()) / width

    def rate(at: Floats) -> Floats:
        amplitude = 1 / (1 + math.exp(-at[1]))
        level = math.exp(at[0])
        found: Floats = level * (1 + amplitude * np.cos(2 * math.pi * (middle - at[2]) / DAY_S))
        return found

    def cost(at: Floats) -> float:
        expected = np.maximum(rate(at), 1e-12)
        return float(np.sum(expected * width - counts * np.log(expected)))

    phase = math.atan2(
        float(np.dot(counts, np.sin(2 * math.pi * middle / DAY_S))),
        float(np.dot(counts, np.cos(2 * math.pi * middle / DAY_S))),
    )
    start = np.array([math.log(mean), 0.0, phase * DAY_S / (2 * math.pi)])
    at, least = smallest(cost, start, fine=1e-3, most=2000)
    amplitude = 1 / (1 + math.exp(-at[1]))
    law = Diurnal(mean=math.exp(at[0]), amplitude=amplitude, period=DAY_S, peak_at=float(at[2] % DAY_S))
    return -least, law
