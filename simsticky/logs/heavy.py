"""Heavy users: are some clients faster than others, in all that they do, and by how much (docs/model.md, rule W9)?

A session's thinks are a law's draws divided by its client's own rate, of mean 1. The likelihood of a session is the
mean, over the law of rates, of that of its thinks given the rate; it is summed over some hundred rates, and compared
by BIC with that of clients who are all alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from simsticky.logs.cells import Floats, Integers
from simsticky.logs.laws import Z95, Bounds
from simsticky.scenario.distributions import Exponential, Gamma, LawBase, Lognormal, Weibull
from simsticky.workload.client_rates import SLOWEST

MOST_SESSIONS = 2000
"""Sessions that are looked at, drawn at even distances: more would take longer and tell the same."""
_SCREENED = 300
"""On so few all pairs of laws are tried, and the best two on all."""
_RATES = 100
_FASTEST = 40.0
_WORTH_A_LOOK = 0.01


@dataclass(frozen=True, slots=True)
class _Sessions:
    """What a likelihood needs of the thinks of each of k sessions."""

    count: Floats
    total: Floats
    logs: Floats
    squares: Floats
    think_s: Floats
    starts: Integers

    @classmethod
    def of(cls, think_s: Floats, owner: Integers) -> _Sessions:
        floor = max(float(think_s[think_s > 0].min(initial=1.0)) / 2, 1e-6)
        think = np.maximum(think_s, floor)
        starts = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        logs = np.log(think)
        count = np.diff(np.append(starts, think.size)).astype(np.float64)
        total, of_logs, squares = (np.add.reduceat(values, starts) for values in (think, logs, logs * logs))
        return cls(count, total, of_logs, squares, think, starts)


@dataclass(frozen=True, slots=True)
class Heavy:
    """How unlike clients are.

    Attributes:
        alike: Whether all are: the law of thinks is then the one of all thinks together.
        rate: The law of a client's rate, of mean 1; None if alike.
        cv: Standard deviation of a client's rate; None if alike.
        think: The law of thinks of a client of rate 1; None if alike.
        think_mean: Its mean.
        think_parameters: Its parameters.
        likeness: Share of the variance of the thinks' logarithms that is between clients (intraclass correlation).
        gain: By how much BIC is better than with clients alike; 0 where they are.
        sessions: How many sessions were looked at.
        marginal: Distribution function of thinks of all clients together, as scipy has them; None if alike.
    """

    alike: bool
    rate: LawBase | None
    cv: Bounds | None
    think: LawBase | None
    think_mean: Bounds | None
    think_parameters: dict[str, Bounds]
    likeness: float
    gain: float
    sessions: int
    marginal: Mixture | None


@dataclass(frozen=True, slots=True)
class Mixture:
    """Thinks of clients of all rates."""

    frozen: object
    rates: Floats
    weights: Floats

    def sf(self, at: Floats) -> Floats:
        """Return P(X > x)."""
        places = np.atleast_1d(np.asarray(at, np.float64))
        found: Floats = self.frozen.sf(np.outer(places, self.rates)) @ self.weights  # type: ignore[attr-defined]
        return found

    def cdf(self, at: Floats) -> Floats:
        """Return P(X <= x)."""
        return 1.0 - self.sf(at)

    def ppf(self, shares: Floats) -> Floats:
        """Return quantiles, read from the distribution function between places a hundredth apart."""
        places = np.exp(np.arange(-12.0, 16.0, 0.01))
        found: Floats = np.interp(shares, self.cdf(places), places)
        return found


def heavy_users(think_s: Floats, owner: Integers) -> Heavy:
    """Look for clients that are faster than others.

    Args:
        think_s: Flat thinks, those of a session beside each other.
        owner: Flat, the session of each.
    """
    think_s, owner, used = _some(think_s, owner)
    likeness, clear = _likeness(think_s, owner)
    nothing = Heavy(True, None, None, None, None, {}, likeness, 0.0, used, None)
    if not clear or likeness < _WORTH_A_LOOK:
        return nothing
    few = _Sessions.of(*_some(think_s, owner, _SCREENED)[:2])
    ranked = sorted(((kind, rate) for kind in _THINKS for rate in _LAWS_OF_RATE), key=lambda one: _bic(*one, few))
    sessions = _Sessions.of(think_s, owner)
    alone = min(_bic(kind, None, sessions) for kind in _THINKS)
    bic, kind, rate = min((_bic(kind, rate, sessions), kind, rate) for kind, rate in ranked[:2])
    if bic >= alone:
        return nothing
    return _told(kind, rate, _fit(kind, rate, sessions)[1], sessions, likeness, alone - bic)


def _bic(kind: str, rate: str | None, sessions: _Sessions) -> float:
    cost, free, _ = _fit(kind, rate, sessions)
    return 2 * cost + free.size * math.log(sessions.count.size)


def _some(think_s: Floats, owner: Integers, most: int = MOST_SESSIONS) -> tuple[Floats, Integers, int]:
    """Return the thinks of at most some sessions that have two or more, and how many these are."""
    count = np.bincount(owner)
    able = np.flatnonzero(count >= 2)
    picked = able[:: max(1, -(-able.size // most))]
    taken = np.zeros(count.size, np.bool_)
    taken[picked] = True
    return think_s[taken[owner]], owner[taken[owner]], picked.size


def _likeness(think_s: Floats, owner: Integers) -> tuple[float, bool]:
    """Return the intraclass correlation of the thinks' logarithms, and whether it is beyond chance at 1 % (F test)."""
    if think_s.size < 50:
        return 0.0, False
    sessions = _Sessions.of(think_s, owner)
    k, total = sessions.count.size, float(sessions.count.sum())
    grand = float(sessions.logs.sum()) / total
    between = float(np.sum(sessions.count * (sessions.logs / sessions.count - grand) ** 2)) / max(k - 1, 1)
    within = float(np.sum(sessions.squares - sessions.logs**2 / sessions.count)) / max(total - k, 1.0)
    size = (total - float(np.sum(sessions.count**2)) / total) / max(k - 1, 1)
    if k < 3 or total <= k or within <= 0 or size <= 0:
        return 0.0, False
    share = max(0.0, (between - within) / (between + (size - 1) * within))
    return share, bool(stats.f.sf(between / within, k - 1, total - k) < 0.01)


def _grid(kind: str | None, spread: float) -> tuple[Floats, Floats]:
    """Return rates and their weights; the slowest stands for all that are slower, as in the model."""
    if kind is None:
        return np.ones(1), np.ones(1)
    edges = np.exp(np.linspace(math.log(SLOWEST), math.log(_FASTEST), _RATES + 1))
    below = _law_of_rate(kind, spread).cdf(edges)
    rates = np.concatenate([[SLOWEST], np.sqrt(edges[1:] * edges[:-1])])
    return rates, np.concatenate([[below[0]], np.diff(below)])


def _law_of_rate(kind: str, cv: float) -> stats.rv_frozen:
    if kind == "gamma":
        return stats.gamma(cv**-2, scale=cv**2)
    variance = math.log1p(cv**2)
    return stats.lognorm(math.sqrt(variance), scale=math.exp(-variance / 2))


def _given_rate(kind: str, free: Floats, s: _Sessions, log_rate: Floats) -> Floats:
    """Return the log likelihood of each session (rows) at each rate (columns)."""
    count, total, logs = s.count[:, None], s.total[:, None], s.logs[:, None]
    if kind in ("exponential", "gamma"):
        shape = 1.0 if kind == "exponential" else math.exp(free[1])
        pace = math.log(shape) + log_rate - free[0]
        constant = (shape - 1) * logs - count * special.gammaln(shape)
        gamma: Floats = constant + count * shape * pace - np.exp(pace) * total
        return gamma
    if kind == "lognormal":
        sigma, shift = math.exp(free[1]), log_rate - free[0]
        square = s.squares[:, None] + 2 * shift * logs + count * shift * shift
        normal: Floats = -count * (math.log(sigma) + math.log(2 * math.pi) / 2) - logs - square / (2 * sigma * sigma)
        return normal
    shape = math.exp(free[1])
    powers = np.add.reduceat(s.think_s**shape, s.starts)[:, None]
    pace = shape * (log_rate - free[0])
    weibull: Floats = count * (math.log(shape) + pace) + (shape - 1) * logs - np.exp(pace) * powers
    return weibull


_THINKS = ("exponential", "lognormal", "gamma", "weibull")
_LAWS_OF_RATE = ("gamma", "lognormal")


def _cost(kind: str, rate: str | None, free: Floats, sessions: _Sessions) -> float:
    bounded = np.clip(free, -12.0, 12.0)
    # A rate's spread is at most that of a scenario's gamma law.
    rates, weights = _grid(rate, math.exp(min(float(bounded[-1]), math.log(10.0))))
    with np.errstate(divide="ignore"):
        table = _given_rate(kind, bounded, sessions, np.log(rates)[None, :]) + np.log(weights)[None, :]
    return -float(special.logsumexp(table, axis=1).sum())


def _fit(kind: str, rate: str | None, sessions: _Sessions) -> tuple[float, Floats, int]:
    """Return the smallest cost, the free parameters, and how many there are.

    They are the logarithms of the mean (of a lognormal's median, a Weibull's scale), of the shape or sigma, and of the
    rate's coefficient of variation.
    """
    mean = float(sessions.total.sum() / sessions.count.sum())
    middle = float(sessions.logs.sum() / sessions.count.sum())
    spread = float(sessions.squares.sum() / sessions.count.sum()) - middle**2
    start = {
        "exponential": [math.log(mean)],
        "gamma": [math.log(mean), math.log(1 / max(spread, 1e-3))],
        "lognormal": [middle, math.log(max(spread, 1e-3)) / 2],
        "weibull": [math.log(mean), math.log(1.28 / math.sqrt(max(spread, 1e-3)))],
    }[kind]
    if rate is not None:
        start = [*start, math.log(0.5)]
    found = optimize.minimize(
        lambda at: _cost(kind, rate, at, sessions),
        np.array(start),
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-2, "maxiter": 300},
    )
    return float(found.fun), found.x, len(start)


def _told(kind: str, rate: str, free: Floats, sessions: _Sessions, likeness: float, gain: float) -> Heavy:
    error = _errors(kind, rate, free, sessions)

    def bounds(place: int) -> Bounds:
        value, half = math.exp(free[place]), Z95 * error[place]
        return Bounds(value, value * math.exp(-half), value * math.exp(half)) if half == half else Bounds(value)

    cv = bounds(free.size - 1)
    rate_law: LawBase = Gamma(mean=1, cv=min(cv.value, 10.0)) if rate == "gamma" else Lognormal(mean=1, cv=cv.value)
    size = math.exp(free[0])
    law: LawBase
    if kind == "exponential":
        law, frozen, names = Exponential(mean=size), stats.expon(scale=size), {"mean": bounds(0)}
    elif kind == "gamma":
        shape = math.exp(free[1])
        law, frozen = Gamma(shape=shape, scale=size / shape), stats.gamma(shape, scale=size / shape)
        names = {"shape": bounds(1), "scale": Bounds(size / shape)}
    elif kind == "lognormal":
        sigma = math.exp(free[1])
        law, frozen = Lognormal(median=size, sigma=sigma), stats.lognorm(sigma, scale=size)
        names = {"median": bounds(0), "sigma": bounds(1)}
    else:
        shape = math.exp(free[1])
        law, frozen = Weibull(shape=shape, scale=size), stats.weibull_min(shape, scale=size)
        names = {"shape": bounds(1), "scale": bounds(0)}
    half = Z95 * error[0]
    mean = Bounds(law.mean, law.mean * math.exp(-half), law.mean * math.exp(half)) if half == half else Bounds(law.mean)
    rates, weights = _grid(rate, min(cv.value, 10.0))
    mixture = Mixture(frozen, rates, weights)
    return Heavy(False, rate_law, cv, law, mean, names, likeness, gain, sessions.count.size, mixture)


def _errors(kind: str, rate: str, free: Floats, sessions: _Sessions) -> Floats:
    """Return the standard error of each free parameter, from the curvature of the likelihood; NaN where it is flat."""
    size, step = free.size, 0.02
    information = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            total = 0.0
            for a in (1, -1):
                for b in (1, -1):
                    moved = free.copy()
                    moved[i] += a * step
                    moved[j] += b * step
                    total += a * b * _cost(kind, rate, moved, sessions)
            information[i, j] = information[j, i] = total / (4 * step * step)
    try:
        variance = np.diag(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return np.full(size, np.nan)
    with np.errstate(invalid="ignore"):
        found: Floats = np.sqrt(variance)
    return found
