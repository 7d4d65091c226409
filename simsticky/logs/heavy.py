"""Heavy users: are some clients faster than others, in all that they do, and by how much (docs/model.md, rule W9)?

A session's thinks are a law's draws divided by its client's own rate, of mean 1. The likelihood of a session is the
mean, over the law of rates, of that of its thinks given the rate; it is summed over some hundred rates, and compared
by BIC with that of clients who are all alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import special, stats

from simsticky.logs.cells import Floats, Integers
from simsticky.logs.families import EXPONENTIAL, GAMMA, LOGNORMAL, WEIBULL
from simsticky.logs.search import Bounds, bounds_of, covariance, smallest
from simsticky.scenario.distributions import Gamma, LawBase, Lognormal
from simsticky.workload.client_rates import SLOWEST

MOST_SESSIONS = 2000
"""Sessions that are looked at, drawn at even distances: more would take longer and tell the same."""
_SCREENED = 300
"""On so few all pairs of laws are tried, and the best two on all."""
_RATES = 100
_FASTEST = 40.0
_LARGEST_CV = 10.0
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
        unlike: Whether clients differ although none of the laws says how.
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
    unlike: bool = False

    def given_up(self) -> Heavy:
        """Return the same where no law of rates comes near: clients are taken as alike, and are known not to be."""
        return Heavy(True, None, None, None, None, {}, self.likeness, 0.0, self.sessions, None, unlike=True)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Thinks of clients of all rates."""

    frozen: Any
    rates: Floats
    weights: Floats

    def sf(self, at: Floats) -> Floats:
        """Return P(X > x)."""
        places = np.atleast_1d(np.asarray(at, np.float64))
        found: Floats = self.frozen.sf(np.outer(places, self.rates)) @ self.weights
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
    pairs = [(kind, rate) for kind in _THINKS for rate in _LAWS_OF_RATE]
    ranked = sorted(pairs, key=lambda pair: _bic(pair[0], pair[1], few))
    sessions = _Sessions.of(think_s, owner)
    alone = min(_bic(kind, None, sessions) for kind in _THINKS)
    bic, kind, rate = min((_bic(kind, rate, sessions), kind, rate) for kind, rate in ranked[:2])
    if bic >= alone:
        return nothing
    return _told(kind, rate, sessions, likeness, alone - bic)


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


def _grid(kind: str | None, cv: float) -> tuple[Floats, Floats]:
    """Return rates and their weights; the slowest stands for all that are slower, as in the model."""
    if kind is None:
        return np.ones(1), np.ones(1)
    edges = np.exp(np.linspace(math.log(SLOWEST), math.log(_FASTEST), _RATES + 1))
    if kind == "gamma":
        below = special.gammainc(cv**-2, edges / cv**2)
    else:
        variance = math.log1p(cv**2)
        below = special.ndtr((np.log(edges) + variance / 2) / math.sqrt(variance))
    rates = np.concatenate([[SLOWEST], np.sqrt(edges[1:] * edges[:-1])])
    return rates, np.concatenate([below[:1], np.diff(below)])


def _given_rate(kind: str, free: Floats, s: _Sessions, log_rate: Floats) -> Floats:
    """Return the log likelihood of each session (rows) at each rate (columns); parameters as those of the family."""
    count, total, logs = s.count[:, None], s.total[:, None], s.logs[:, None]
    if kind in ("exponential", "gamma"):
        shape = 1.0 if kind == "exponential" else math.exp(free[0])
        pace = math.log(shape) + log_rate - (free[0] if kind == "exponential" else free[1])
        constant = (shape - 1) * logs - count * special.gammaln(shape)
        gamma: Floats = constant + count * shape * pace - np.exp(pace) * total
        return gamma
    if kind == "lognormal":
        sigma, shift = math.exp(free[1]), log_rate - free[0]
        square = s.squares[:, None] + 2 * shift * logs + count * shift * shift
        normal: Floats = -count * (math.log(sigma) + math.log(2 * math.pi) / 2) - logs - square / (2 * sigma * sigma)
        return normal
    shape = math.exp(free[0])
    powers = np.add.reduceat(s.think_s**shape, s.starts)[:, None]
    pace = shape * (log_rate - free[1])
    weibull: Floats = count * (math.log(shape) + pace) + (shape - 1) * logs - np.exp(pace) * powers
    return weibull


_THINKS = {family.kind: family for family in (EXPONENTIAL, LOGNORMAL, GAMMA, WEIBULL)}
_LAWS_OF_RATE = ("gamma", "lognormal")


def _cost(kind: str, rate: str | None, sessions: _Sessions, free: Floats) -> float:
    bounded = np.clip(free, -12.0, 12.0)
    rates, weights = _grid(rate, _cv(bounded))
    with np.errstate(divide="ignore"):
        table = _given_rate(kind, bounded, sessions, np.log(rates)[None, :]) + np.log(weights)[None, :]
    # A mean of exponentials, as scipy's logsumexp has it, in half the time: this is where a fit spends its time.
    most = table.max(axis=1)
    return -float(np.sum(most + np.log(np.exp(table - most[:, None]).sum(axis=1))))


def _cv(free: Floats) -> float:
    """Return the coefficient of variation of rates, the last parameter: at most that of a scenario's gamma law."""
    return min(math.exp(float(free[-1])), _LARGEST_CV)


def _fit(kind: str, rate: str | None, sessions: _Sessions) -> tuple[Floats, float]:
    """Return the parameters of smallest cost: those of the family of thinks, and the logarithm of the rate's cv."""
    thinks = float(sessions.count.sum())
    mean, middle = float(sessions.total.sum()) / thinks, float(sessions.logs.sum()) / thinks
    start = _THINKS[kind].start(mean, max(float(sessions.squares.sum()) / thinks - middle**2, 1e-3))
    if rate is not None:
        start = [*start, math.log(0.5)]
    return smallest(partial(_cost, kind, rate, sessions), start, fine=1e-2, most=300)


def _bic(kind: str, rate: str | None, sessions: _Sessions) -> float:
    free, cost = _fit(kind, rate, sessions)
    return 2 * cost + free.size * math.log(sessions.count.size)


def _told(kind: str, rate: str, sessions: _Sessions, likeness: float, gain: float) -> Heavy:
    free, _ = _fit(kind, rate, sessions)
    errors = covariance(partial(_cost, kind, rate, sessions), free, step=0.02)
    family = _THINKS[kind]
    cv = bounds_of(_cv, free, errors)
    law: LawBase = Gamma(mean=1, cv=cv.value) if rate == "gamma" else Lognormal(mean=1, cv=cv.value)
    names = {
        name: bounds_of(lambda at, place=place: family.stated(at[:-1])[place], free, errors)  # type: ignore[misc]
        for place, name in enumerate(family.names)
    }
    mean = bounds_of(lambda at: family.law(at[:-1]).mean, free, errors)
    mixture = Mixture(family.frozen(free[:-1]), *_grid(rate, cv.value))
    think = family.law(free[:-1])
    return Heavy(False, law, cv, think, mean, names, likeness, gain, sessions.count.size, mixture)
