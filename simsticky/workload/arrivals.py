"""When sessions start: open arrival processes, all made from one unit-rate Poisson process.

A Poisson process of rate λ(t) is a unit-rate one read through Λ⁻¹, the inverse of the cumulated rate
Λ(t) = ∫₀ᵗ λ (time-change theorem). So a changed rate keeps its luck: the k-th session of one run is the k-th
session of the other, only earlier or later.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simsticky.scenario.model import Diurnal, Piecewise, Poisson

Floats = NDArray[np.float64]


class RateProfile(Protocol):
    """A rate of arrivals as a function of time."""

    def rate_at(self, time_s: float) -> float:
        """Return λ(time_s) in sessions per second; at a jump the rate after it."""
        ...

    def cumulate(self, time_s: float) -> float:
        """Return Λ(time_s), the sessions to be expected until then."""
        ...

    def invert(self, cumulated: Floats) -> Floats:
        """Return the times t with Λ(t) = cumulated, ascending; inf where Λ never gets there."""
        ...


@dataclass(frozen=True, slots=True)
class ConstantRate:
    """The same rate for ever.

    Attributes:
        rate: Sessions per second; 0 means that none arrive.
    """

    rate: float

    def rate_at(self, time_s: float) -> float:
        """Return λ."""
        return self.rate

    def cumulate(self, time_s: float) -> float:
        """Return Λ."""
        return self.rate * time_s

    def invert(self, cumulated: Floats) -> Floats:
        """Return Λ⁻¹."""
        return cumulated / self.rate if self.rate > 0 else np.full_like(cumulated, np.inf)


class StepRate:
    """A piecewise-constant rate; the last step lasts for ever."""

    def __init__(self, starts_s: list[float], rates: list[float]) -> None:
        """Take the steps.

        Args:
            starts_s: Start of each step in seconds, strictly ascending, the first 0.
            rates: Sessions per second within each step, at least 0.
        """
        self._starts = np.asarray(starts_s, dtype=np.float64)
        self._rates = np.asarray(rates, dtype=np.float64)
        self._cumulated = np.concatenate(([0.0], np.cumsum(self._rates[:-1] * np.diff(self._starts))))

    def rate_at(self, time_s: float) -> float:
        """Return λ."""
        return float(self._rates[int(np.searchsorted(self._starts, time_s, side="right")) - 1])

    def cumulate(self, time_s: float) -> float:
        """Return Λ."""
        step = int(np.searchsorted(self._starts, time_s, side="right")) - 1
        return float(self._cumulated[step] + self._rates[step] * (time_s - self._starts[step]))

    def invert(self, cumulated: Floats) -> Floats:
        """Return Λ⁻¹."""
        # Of steps with the same Λ at their start the last is the one with a rate, the others are empty.
        step = np.searchsorted(self._cumulated, cumulated, side="right") - 1
        rate = self._rates[step]
        with np.errstate(divide="ignore", invalid="ignore"):
            times = self._starts[step] + (cumulated - self._cumulated[step]) / rate
        return np.where(rate > 0, times, np.inf)


@dataclass(frozen=True, slots=True)
class DiurnalRate:
    """λ(t) = mean·(1 + amplitude·cos(2π(t − peak)/period)).

    Attributes:
        mean: Mean rate, sessions per second.
        amplitude: 0 (constant) to 1 (nobody at the quietest hour).
        period_s: Length of a cycle.
        peak_at_s: A time of the highest rate.
    """

    mean: float
    amplitude: float
    period_s: float
    peak_at_s: float

    def rate_at(self, time_s: float) -> float:
        """Return λ."""
        return self.mean * (1 + self.amplitude * cos(2 * pi * (time_s - self.peak_at_s) / self.period_s))

    def cumulate(self, time_s: float) -> float:
        """Return Λ."""
        peak_phase = 2 * pi * self.peak_at_s / self.period_s
        phase = 2 * pi * time_s / self.period_s - peak_phase
        swing = phase + peak_phase + self.amplitude * (sin(phase) + sin(peak_phase))
        return self.mean * self.period_s / (2 * pi) * swing

    def invert(self, cumulated: Floats) -> Floats:
        """Return Λ⁻¹, to about 1e-12 of a period in Λ.

        With the phase φ = 2π(t − peak)/period, Λ(t) = cumulated reads φ + amplitude·sin φ = m: Kepler's
        equation. A whole cycle more in m is a whole cycle more in φ, so only the last cycle is solved.
        """
        if self.mean <= 0:
            return np.full_like(cumulated, np.inf)
        peak_phase = 2 * pi * self.peak_at_s / self.period_s
        m = cumulated * (2 * pi / (self.mean * self.period_s)) - peak_phase - self.amplitude * sin(peak_phase)
        cycles = np.round(m / (2 * pi))
        phase = _solve_kepler(m - 2 * pi * cycles, self.amplitude)
        times = self.peak_at_s + self.period_s * (cycles + phase / (2 * pi))
        # Rounding may swap two arrivals at the same instant; none starts before 0.
        return np.maximum.accumulate(np.maximum(times, 0.0))


def _solve_kepler(m: Floats, amplitude: float) -> Floats:
    """Return x with x + amplitude·sin x = m, by Newton steps kept inside a shrinking bracket."""
    low, high = m - amplitude, m + amplitude
    x = m.copy()
    for _ in range(100):
        phases = x.tolist()
        # Python's functions: NumPy has its own for some processors, and the times are to be the same on all.
        residual = x + amplitude * np.array([sin(phase) for phase in phases]) - m
        if np.all(np.abs(residual) <= 1e-13):
            break
        low = np.where(residual < 0, x, low)
        high = np.where(residual > 0, x, high)
        # At amplitude 1 the slope is 0 where the rate is: such a step leaves the bracket, which is halved.
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = x - residual / (1 + amplitude * np.array([cos(phase) for phase in phases]))
        x = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
    return x


class ChangedRate:
    """Another rate, multiplied by a factor from each of some times on."""

    def __init__(self, rate: RateProfile, starts_s: list[float], factors: list[float]) -> None:
        """Take the changes.

        Args:
            rate: The rate as it would be without them.
            starts_s: When each factor begins, in seconds, ascending, the first 0.
            factors: The factors, at least 0; the last one lasts for ever.
        """
        self._rate = rate
        self._starts = np.asarray(starts_s, dtype=np.float64)
        self._factors = np.asarray(factors, dtype=np.float64)
        self._before = np.array([rate.cumulate(start_s) for start_s in starts_s])
        self._cumulated = np.concatenate(([0.0], np.cumsum(self._factors[:-1] * np.diff(self._before))))

    def rate_at(self, time_s: float) -> float:
        """Return λ."""
        step = int(np.searchsorted(self._starts, time_s, side="right")) - 1
        return float(self._factors[step]) * self._rate.rate_at(time_s)

    def cumulate(self, time_s: float) -> float:
        """Return Λ."""
        step = int(np.searchsorted(self._starts, time_s, side="right")) - 1
        return float(self._cumulated[step] + self._factors[step] * (self._rate.cumulate(time_s) - self._before[step]))

    def invert(self, cumulated: Floats) -> Floats:
        """Return Λ⁻¹: the other rate's, of what it would have cumulated by then."""
        # Of steps with the same Λ at their start the last is the one with a rate, the others are empty.
        step = np.searchsorted(self._cumulated, cumulated, side="right") - 1
        factor = self._factors[step]
        with np.errstate(divide="ignore", invalid="ignore"):
            unchanged = self._before[step] + (cumulated - self._cumulated[step]) / factor
        times = self._rate.invert(np.where(factor > 0, unchanged, 0.0))
        return np.where(factor > 0, times, np.inf)


def changed_rate(rate: RateProfile, changes: Iterable[tuple[float, float]]) -> RateProfile:
    """Return a rate with changes: (from when, by which factor), in any order; without any it is the same (rule O8)."""
    in_order = sorted(changes, key=lambda change: change[0])
    if not in_order:
        return rate
    return ChangedRate(rate, [0.0, *(at_s for at_s, _ in in_order)], [1.0, *(factor for _, factor in in_order)])


def rate_profile(sessions: Poisson | Piecewise | Diurnal) -> RateProfile:
    """Return the rate of an open arrival process of the scenario (rule W1)."""
    match sessions:
        case Poisson():
            return ConstantRate(sessions.rate)
        case Piecewise():
            return StepRate([step.from_s for step in sessions.steps], [step.rate for step in sessions.steps])
        case Diurnal():
            return DiurnalRate(sessions.mean, sessions.amplitude, sessions.period, sessions.peak_at)


def arrival_times(profile: RateProfile, rng: np.random.Generator, sizes: Iterator[int]) -> Iterator[Floats]:
    """Yield the arrival times of consecutive blocks of sessions, ascending, in seconds (rule W1).

    The times do not depend on where the blocks are cut. Ends when the rate stays 0 for ever.

    Args:
        profile: The rate.
        rng: Generator of the unit exponentials, used by nobody else.
        sizes: Number of sessions of each block.
    """
    reached = 0.0
    for size in sizes:
        cumulated = rng.standard_exponential(size)
        cumulated[0] += reached  # first, not last: the same additions in the same order for every cut
        np.cumsum(cumulated, out=cumulated)
        reached = float(cumulated[-1])
        times = profile.invert(cumulated)
        finite = int(np.searchsorted(times, np.inf))
        if finite:
            yield times[:finite]
        if finite < size:
            return
