"""Times until something happens, told honestly where it has not happened: incidence and survival under censoring.

Waits of sessions within a run have an event, ends that compete with it, and the run's end, which censors: the
cumulative incidence of Aalen and Johansen, averaged over replications, with the jackknife over them. Times of whole
runs have an event or not yet: the product limit of Kaplan and Meier over replications.

Sources: Aalen and Johansen 1978; Kaplan and Meier 1958; Efron 1981 for the jackknife; Brookmeyer and Crowley 1982 for
the interval of a quantile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsticky.stats.intervals import LEVEL, Interval, Kind
from simsticky.stats.survival import product_limit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Waits:
    """How the waits of one replication have ended, by their length.

    Attributes:
        seconds: Length k, lengths of the waits in ascending order, each once.
        events: Length k, how many of that length ended with the event.
        competing: Length k, how many ended otherwise, so that the event can come no more.
        open: Length k, how many were still going on when the run ended.
    """

    seconds: Floats
    events: Floats
    competing: Floats
    open: Floats

    @property
    def total(self) -> int:
        """How many waits there were."""
        return int(self.events.sum() + self.competing.sum() + self.open.sum())

    @property
    def not_yet(self) -> int:
        """How many were still going on when the run ended."""
        return int(self.open.sum())

    def incidence_at(self, times: Floats) -> Floats:
        """Return the share of waits that have ended with the event by each time, shape as ``times``."""
        came = self._going_on()[:-1] * self.events / np.maximum(self._at_risk(), 1.0)
        steps = np.concatenate([[0.0], np.cumsum(came)])
        return steps[np.searchsorted(self.seconds, times, side="right")]

    def going_on_at(self, times: Floats) -> Floats:
        """Return the share of waits that have not ended in any way by each time, shape as ``times``."""
        return self._going_on()[np.searchsorted(self.seconds, times, side="right")]

    def _at_risk(self) -> Floats:
        ends = self.events + self.competing + self.open
        return np.asarray(ends[::-1].cumsum()[::-1], np.float64)

    def _going_on(self) -> Floats:
        """Return the share that goes on before the first length, and after each."""
        ended = (self.events + self.competing) / np.maximum(self._at_risk(), 1.0)
        return np.concatenate([[1.0], np.cumprod(1.0 - ended)])


@dataclass(frozen=True, slots=True)
class Time:
    """A time until something, with its uncertainty, or a bound where it has not come often enough.

    Attributes:
        seconds: The estimate; None where the curve does not reach it, or nothing was waited for.
        low: Lower end of the interval; None where it is not known.
        high: Upper end; None where it is not known or without bound.
        beyond_s: The time is longer than this; None where ``seconds`` is known or there is nothing.
        not_yet: How many waits, or runs, had not come to an end.
        total: How many there were.
        up_to_s: Restricted mean: waits count no longer than this; None for other figures, or where none was longer.
    """

    seconds: float | None
    low: float | None
    high: float | None
    beyond_s: float | None
    not_yet: int
    total: int
    up_to_s: float | None = None


def quantile_of_waits(replications: Sequence[Waits], share: float, level: float = LEVEL) -> Time:
    """Return the time by which a share of the waits has ended with the event, over all replications (rule M2).

    The quantile of the averaged cumulative incidence, each replication with the same weight; its interval by the
    jackknife over replications.

    Args:
        replications: Those in which somebody waited; others have none to average.
        share: For example 0.95.
        level: Of the interval.
    """
    waited = [waits for waits in replications if waits.total]
    total, not_yet = sum(waits.total for waits in waited), sum(waits.not_yet for waits in waited)
    if not waited:
        return Time(None, None, None, None, 0, 0)
    times = np.unique(np.concatenate([waits.seconds for waits in waited]))
    curves = np.array([waits.incidence_at(times) for waits in waited])
    found = _first_at_least(times, curves.mean(axis=0), share)
    if found is None:
        return Time(None, None, None, float(times[-1]), not_yet, total)
    low = high = None
    if len(waited) > 1:
        rest = (curves.sum(axis=0) - curves) / (len(waited) - 1)
        low, high = _jackknifed(found, [_first_at_least(times, curve, share) for curve in rest], level)
    return Time(found, low, high, None, not_yet, total)


def mean_of_waits(replications: Sequence[Waits], level: float = LEVEL) -> Time:
    """Return the restricted mean time until a wait ends in any way, over all replications (rule M2).

    It counts waits up to the longest time that every replication with waits still going on has seen; with none going
    on it is the plain mean.
    """
    waited = [waits for waits in replications if waits.total]
    total, not_yet = sum(waits.total for waits in waited), sum(waits.not_yet for waits in waited)
    if not waited:
        return Time(None, None, None, None, 0, 0)
    seen = [float(waits.seconds[-1]) for waits in waited if waits.not_yet]
    longest = max(float(waits.seconds[-1]) for waits in waited)
    up_to_s = min(seen) if seen else None
    means = [_restricted(waits, longest if up_to_s is None else up_to_s) for waits in waited]
    mean = float(np.mean(means))
    low = high = None
    if len(means) > 1:
        rest = [(sum(means) - one) / (len(means) - 1) for one in means]
        low, high = _jackknifed(mean, rest, level)
    return Time(mean, low, high, None, not_yet, total, up_to_s)


def median_of_runs(seconds: Sequence[float], not_yet_s: Sequence[float], level: float = LEVEL) -> Time:
    """Return the median time over replications, some of which had not come to that moment when they ended (rule M1).

    The product limit of Kaplan and Meier; the interval by inverting the log-log interval of the curve.

    Args:
        seconds: Of the runs in which it came.
        not_yet_s: How long the others were watched.
        level: Of the interval.
    """
    total = len(seconds) + len(not_yet_s)
    if not total:
        return Time(None, None, None, None, 0, 0)
    if not len(seconds):
        return Time(None, None, None, float(min(not_yet_s)), total, total)
    curve = product_limit(seconds, not_yet_s, level)
    median = _first_at_least(curve.seconds, 1.0 - curve.share, 0.5)
    low = _first_at_least(curve.seconds, 1.0 - np.nan_to_num(curve.low, nan=0.0), 0.5)
    high = _first_at_least(curve.seconds, 1.0 - np.nan_to_num(curve.high, nan=1.0), 0.5)
    if median is None:
        return Time(None, low, None, float(max(*seconds, *not_yet_s)), len(not_yet_s), total)
    return Time(median, low, high, None, len(not_yet_s), total)


def as_interval(time: Time, kind: Kind, replications: int, level: float = LEVEL) -> Interval:
    """Return a time as an estimate like others, with how many had not come to their end."""
    kind = kind if time.seconds is not None else "none" if time.beyond_s is None else "not reached"
    low = time.low if time.seconds is not None else time.beyond_s
    return Interval(
        time.seconds,
        low,
        time.high,
        level,
        kind,
        replications,
        not_yet=time.not_yet,
        waited=time.total,
        up_to_s=time.up_to_s,
    )


def _restricted(waits: Waits, up_to_s: float) -> float:
    """Return the integral of the share that goes on, from 0 to a time."""
    edges = np.concatenate([[0.0], waits.seconds[waits.seconds < up_to_s], [up_to_s]])
    return float((np.diff(edges) * waits.going_on_at(edges[:-1])).sum())


def _first_at_least(times: Floats, curve: Floats, share: float) -> float | None:
    reached = np.flatnonzero(curve >= share - 1e-12)
    return float(times[reached[0]]) if len(reached) else None


def _jackknifed(estimate: float, left_out: Sequence[float | None], level: float) -> tuple[float | None, float | None]:
    """Return the interval from the estimates without one replication each; the upper end is open if one is missing."""
    from scipy.special import stdtrit

    n = len(left_out)
    known = [value for value in left_out if value is not None]
    if len(known) < n:
        return min([estimate, *known]), None
    spread = float(np.sqrt((n - 1) / n * ((np.array(known) - np.mean(known)) ** 2).sum()))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * spread
    return max(0.0, estimate - half), estimate + half
