"""What a session looks like: how many requests it makes and how long it thinks between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simsticky.errors import InputError
from simsticky.scenario.distributions import Law
from simsticky.scenario.model import Traffic
from simsticky.workload.client_rates import ClientRates
from simsticky.workload.components import Component, GeneratorOf

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_RENEWAL_BATCH = 65_536  # gaps drawn in one round while durations are being filled


def whole_requests(values: Floats) -> Floats:
    """Return counts from draws of a count law: rounded to the nearest whole number, at least 1."""
    return np.maximum(np.rint(values), 1.0)


def session_bounds(counts: Integers) -> Integers:
    """Return the n + 1 bounds of n sessions of the given lengths in a flat column."""
    bounds = np.zeros(counts.size + 1, dtype=np.int64)
    np.cumsum(counts, out=bounds[1:])
    return bounds


def flat_positions(starts: Integers, counts: Integers) -> Integers:
    """Return the positions of several runs of a flat column, one run after the other.

    Args:
        starts: Length n, where each run starts in the column.
        counts: Length n, how many positions each run has.
    """
    shift = starts - session_bounds(counts)[:-1]
    return np.repeat(shift, counts) + np.arange(int(counts.sum()), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class CountedSessions:
    """Sessions of a random number of requests with independent gaps between them.

    Attributes:
        requests: Law of the number of requests; draws are rounded to whole numbers, at least 1.
        think: Law of the gaps of a client of rate 1, in seconds.
        rates: How fast clients are; None if they are all alike.
    """

    requests: Law
    think: Law
    rates: ClientRates | None = None

    @property
    def mean_requests(self) -> float:
        """About the mean number of requests of a session: rounding is left out."""
        return max(self.requests.mean, 1.0)

    @property
    def mean_life_s(self) -> float:
        """About the mean life of a session."""
        return self.requests.mean * self.think.mean

    def draw(self, size: int, generator_of: GeneratorOf) -> tuple[Integers, Floats]:
        """Draw sessions: requests of each (length size), and the flat gaps, 0 after each session's last."""
        counts = self.draw_counts(size, generator_of(Component.REQUESTS))
        think = self.draw_think(counts, generator_of(Component.THINK))
        if self.rates is not None:
            think /= np.repeat(self.rates.draw(size, generator_of(Component.CLIENT_RATE)), counts)
        return counts, think

    def draw_counts(self, size: int, rng: np.random.Generator) -> Integers:
        """Draw the number of requests of each session."""
        return whole_requests(self.requests.sample(rng, size)).astype(np.int64)

    def draw_think(self, counts: Integers, rng: np.random.Generator) -> Floats:
        """Draw the flat gaps of sessions with at least one request each, 0 after each one's last request."""
        last = np.cumsum(counts) - 1
        think = self.think.sample(rng, int(last[-1]) + 1 if counts.size else 0)
        think[last] = 0.0
        return think


@dataclass(frozen=True, slots=True)
class TimedSessions:
    """Sessions of a random duration D: the first request at 0, the last one D later.

    Between them requests follow at think gaps while their sum is below D. The gaps run from the end of a
    request to the next send, so D is the time from first to last request exactly when service takes no time,
    and is prolonged by the service times otherwise. A duration of 0 is a session of one request.

    Attributes:
        duration: Law of D, in seconds.
        think: Law of the gaps inside, for a client of rate 1; None for two requests only, the duration being the gap.
        rates: How fast clients are: a fast one makes more requests in its D; None if they are all alike.
    """

    duration: Law
    think: Law | None
    rates: ClientRates | None = None

    @property
    def mean_requests(self) -> float:
        """About the mean number of requests of a session."""
        return 2.0 if self.think is None else 2.0 + self.duration.mean / self.think.mean

    @property
    def mean_life_s(self) -> float:
        """About the mean life of a session."""
        return self.duration.mean

    def draw(self, size: int, generator_of: GeneratorOf) -> tuple[Integers, Floats]:
        """Draw sessions: requests of each (length size), and the flat gaps, 0 after each session's last."""
        duration = self.duration.sample(generator_of(Component.DURATION), size)
        rate = None if self.rates is None else self.rates.draw(size, generator_of(Component.CLIENT_RATE))
        return self.fill(duration, generator_of(Component.THINK), rate)

    def fill(self, duration: Floats, rng: np.random.Generator, rate: Floats | None = None) -> tuple[Integers, Floats]:
        """Fill given durations with gaps.

        Args:
            duration: Length n.
            rng: Where the gaps come from.
            rate: Length n, how fast each session's client is; None for 1.

        Returns:
            Requests of each session, and the flat gaps, which add up to the duration, 0 after the last.
        """
        if rate is None or self.think is None:
            owner, gap = _cut_renewals(duration, self.think, rng)
        else:
            # Fill the longer or shorter session of a client of rate 1, and let time run faster or slower.
            owner, gap = _cut_renewals(duration * rate, self.think, rng)
            gap = gap / rate[owner]
        counts = np.bincount(owner, minlength=duration.size).astype(np.int64) + 1
        think = np.zeros(owner.size + duration.size)
        think[np.arange(owner.size) + owner] = gap  # each session before this one has one place for its last
        return counts, think


def _cut_renewals(duration: Floats, think: Law | None, rng: np.random.Generator) -> tuple[Integers, Floats]:
    """Draw gaps until they fill the durations, the last cut to fit; return each one's session and length."""
    active = np.flatnonzero(duration > 0)
    if think is None:
        return active, duration[active]
    elapsed = np.zeros(active.size)
    owners, gaps = [active[:0]], [elapsed[:0]]
    while active.size:
        width = min(max(_RENEWAL_BATCH // active.size, 8), 4096)
        drawn = think.sample(rng, active.size * width).reshape(active.size, width)
        ends = elapsed[:, np.newaxis] + np.cumsum(drawn, axis=1)
        begins = np.concatenate((elapsed[:, np.newaxis], ends[:, :-1]), axis=1)
        left = duration[active][:, np.newaxis] - begins
        inside = left > 0
        owners.append(np.repeat(active, np.count_nonzero(inside, axis=1)))
        gaps.append(np.minimum(drawn, left)[inside])
        unfinished = ends[:, -1] < duration[active]
        active, elapsed = active[unfinished], ends[unfinished, -1]
    owner = np.concatenate(owners)
    by_owner = np.argsort(owner, kind="stable")
    return owner[by_owner], np.concatenate(gaps)[by_owner]


SessionShape = CountedSessions | TimedSessions


def session_shape(traffic: Traffic) -> SessionShape | None:
    """Return what the traffic's sessions look like; None for endless ones.

    With ``sessionDuration`` and no ``think`` of the user's own, a session has two requests.

    Raises:
        InputError: A session would have to be filled with gaps of 0 s.
    """
    rates = None if traffic.client_rate is None else ClientRates(traffic.client_rate)
    if traffic.session_duration is not None:
        think = traffic.think if "think" in traffic.model_fields_set else None
        if think is not None and think.is_zero:
            raise InputError.of("must not be 0 where sessionDuration is given", path="traffic.think")
        return TimedSessions(traffic.session_duration, think, rates)
    if traffic.requests == "endless":
        return None
    return CountedSessions(traffic.requests, traffic.think, rates)
