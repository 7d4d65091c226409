"""The sessions alive at time 0 when the traffic has been running for ever.

Sessions that start as a Poisson process and last independent times S form an M/G/∞ queue. Seen at one
instant, those alive are Poisson in number with mean λ·E[S], their S is length-biased (density ∝ s·f(s)),
and the instant is uniform within it. Here S is the sum of the think gaps: a session is alive while it still
has a request to send, and service is left out, so that everybody is idle at time 0.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from simsticky.scenario.distributions import Law
from simsticky.workload.client_rates import SLOWEST
from simsticky.workload.components import Component, GeneratorOf
from simsticky.workload.shapes import (
    CountedSessions,
    Floats,
    Integers,
    SessionShape,
    TimedSessions,
    flat_positions,
    session_bounds,
    whole_requests,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Sessions alive at time 0, the oldest first.

    Attributes:
        age_s: Time since the first request.
        requests_before: Requests already made, at least 1.
        residual_s: Time until the next request.
        counts: Requests still to come, at least 1.
        think_s: Flat gaps after each of those, 0 after each session's last.
    """

    age_s: Floats
    requests_before: Integers
    residual_s: Floats
    counts: Integers
    think_s: Floats


def draw_snapshot(shape: SessionShape, rate: float, generator_of: GeneratorOf) -> Snapshot:
    """Draw the sessions alive at time 0 after arrivals at a constant rate since long ago (rule W5).

    Args:
        shape: How sessions look; their mean length must be finite.
        rate: Sessions per second.
        generator_of: The generators of the ALIVE_* components.
    """
    if isinstance(shape, CountedSessions):
        return _oldest_first(_counted(shape, rate, generator_of))
    return _oldest_first(_timed(shape, rate, generator_of))


def _counted(shape: CountedSessions, rate: float, generator_of: GeneratorOf) -> Snapshot:
    """Draw alive sessions of N requests: M = N − 1 gaps biased by m, then a biased gap among them.

    Candidates have N biased by n and number Poisson(λ·E[N]·E[gap]); keeping each with probability M/N leaves
    M biased by m and Poisson(λ·E[M]·E[gap]) of them, for any law of N, without knowing E[M] after rounding.
    Likewise for clients of different rates R, whose sessions last 1/R as long: 1/r_min times as many candidates,
    each kept with probability r_min/R, leave R biased by 1/r and E[1/R] times as many, for any law of R.
    """
    expected = rate * shape.requests.mean * shape.think.mean
    if shape.rates is not None:
        expected /= SLOWEST
    candidates = _poisson(expected, generator_of(Component.ALIVE_COUNT))
    drawn = shape.requests.sample_length_biased(generator_of(Component.ALIVE_LIFE), candidates)
    gaps = whole_requests(drawn) - 1
    kept = generator_of(Component.ALIVE_THINNING).random(candidates) * drawn < gaps
    speed = np.ones(candidates)
    if shape.rates is not None:
        speed = shape.rates.draw(candidates, generator_of(Component.ALIVE_CLIENT_RATE))
        kept &= generator_of(Component.ALIVE_RATE_THINNING).random(candidates) * speed < SLOWEST
    gaps, speed = gaps[kept], speed[kept]

    size = gaps.size
    before = _uniform_below(gaps, generator_of(Component.ALIVE_POSITION)) + 1
    gap = shape.think.sample_length_biased(generator_of(Component.ALIVE_GAP), size) / speed
    residual = gap * (1.0 - generator_of(Component.ALIVE_GAP_POSITION).random(size))
    past_gaps = before - 1
    past = shape.think.sample(generator_of(Component.ALIVE_PAST), int(past_gaps.sum()))
    session = np.repeat(np.arange(size), past_gaps)
    age = gap - residual + np.bincount(session, weights=past, minlength=size) / speed

    counts = gaps.astype(np.int64) + 1 - before
    think = shape.draw_think(counts, generator_of(Component.ALIVE_THINK)) / np.repeat(speed, counts)
    return Snapshot(age, before, residual, counts, think)


def _timed(shape: TimedSessions, rate: float, generator_of: GeneratorOf) -> Snapshot:
    """Draw alive sessions of duration D: D length-biased, time 0 uniform in it, gaps from its start on."""
    size = _poisson(rate * shape.duration.mean, generator_of(Component.ALIVE_COUNT))
    duration = shape.duration.sample_length_biased(generator_of(Component.ALIVE_LIFE), size)
    age = duration * generator_of(Component.ALIVE_POSITION).random(size)
    if shape.think is None:
        ones = np.ones(size, dtype=np.int64)
        return Snapshot(age, ones, duration - age, ones, np.zeros(size))

    speed = None if shape.rates is None else shape.rates.draw(size, generator_of(Component.ALIVE_CLIENT_RATE))
    counts, think = shape.fill(duration, generator_of(Component.ALIVE_THINK), speed)
    bounds = session_bounds(counts)
    session = np.repeat(np.arange(size), counts)
    sent_at = np.cumsum(think) - think
    sent_at -= sent_at[bounds[:-1]][session]
    made = np.bincount(session[sent_at <= age[session]], minlength=size).astype(np.int64)
    made = np.minimum(made, counts - 1)  # rounding must not take the last request, at exactly D, away
    upcoming = bounds[:-1] + made
    residual = np.maximum(sent_at[upcoming] - age, 0.0)
    return Snapshot(age, made, residual, counts - made, think[flat_positions(upcoming, counts - made)])


def _oldest_first(snapshot: Snapshot) -> Snapshot:
    """Return the sessions in order of their first request."""
    order = np.argsort(-snapshot.age_s, kind="stable")
    counts = snapshot.counts[order]
    starts = session_bounds(snapshot.counts)[:-1][order]
    return Snapshot(
        snapshot.age_s[order],
        snapshot.requests_before[order],
        snapshot.residual_s[order],
        counts,
        snapshot.think_s[flat_positions(starts, counts)],
    )


def _poisson(mean: float, rng: np.random.Generator) -> int:
    """Draw a Poisson number as the points of a unit-rate process below the mean: more mean, never fewer."""
    reached, number = 0.0, 0
    while True:
        points = rng.standard_exponential(int(mean - reached + 6 * sqrt(mean) + 16))
        points[0] += reached
        np.cumsum(points, out=points)
        if points[-1] > mean:
            return number + int(np.searchsorted(points, mean, side="right"))
        reached, number = float(points[-1]), number + points.size


def _uniform_below(limits: Floats, rng: np.random.Generator) -> Integers:
    """Draw for each limit a whole number, uniform on 0 .. limit − 1."""
    return np.minimum(np.floor(limits * rng.random(limits.size)), limits - 1).astype(np.int64)


def residual_gap(law: Law, rng: np.random.Generator) -> float:
    """Draw the time left of a gap that somebody met at a random instant finds; 0 when there are no gaps."""
    if law.is_zero:
        return 0.0
    return float(law.sample_length_biased(rng, 1)[0] * (1.0 - rng.random()))
