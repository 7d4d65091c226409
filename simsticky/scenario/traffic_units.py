"""Traffic in the units that people know: requests per second, and how long a session lasts from first to last answer.

They are resolved into the laws of the model (rules W10 and W11): how many sessions start per second, and a
``sessionDuration``, which leaves service out. Both rest on the mean number of requests of a session.
"""

from typing import NamedTuple

import numpy as np

from simsticky.scenario.distributions import Constant, Empirical, Geometric, Law
from simsticky.scenario.law import ContinuousLaw
from simsticky.scenario.lognormal import Lognormal

_SUMMED = 1000
"""Counts up to here are summed one by one; beyond, the sum of the tail is its integral: the midpoint rule errs by less
than the tail's slope there divided by 24."""

_ONE_SIGMA = 0.8413447460685429
"""P(Z <= 1): a lognormal stated by median and sigma has its second quantile here."""


class Length(NamedTuple):
    """E[requests] of a session whose first and last request are D apart: ``D / pace_s + extra``."""

    pace_s: float
    extra: float

    def requests(self, duration_s: float) -> float:
        """Return the mean number of requests of sessions of a mean duration."""
        return duration_s / self.pace_s + self.extra


def filled_by(think: Law) -> Length:
    """Return how many requests fill a given duration (rule W10).

    Gaps are drawn until they reach the end, the last one cut to fit: ``1 + D / tau + (1 + cv^2) / 2`` requests, exact
    for exponential gaps; for others off by at most ``(1 + cv^2) / 2`` (Lorden 1970, Annals of Mathematical Statistics
    41(2): the renewals in D are between ``D / tau - 1`` and ``D / tau + cv^2``).
    """
    cv = think.sd / think.mean
    return Length(think.mean, 1.5 + cv * cv / 2)


def duration_of(session: Lognormal, think: Law, service: Law) -> Lognormal | None:
    """Return the law of ``sessionDuration`` of sessions that last, their service included, as stated (rule W10).

    A session of duration D lasts ``D (1 + s / tau) + extra s`` on average over its own requests. That is matched at
    both quantiles that state the session's law, or in its mean and standard deviation.

    Returns:
        None where the answers alone take as long as the session.
    """
    length, service_s = filled_by(think), service.mean
    stretch, offset_s = 1.0 + service_s / length.pace_s, length.extra * service_s

    def without_service(seconds: float) -> float:
        return (seconds - offset_s) / stretch

    cap = None if session.cap is None else without_service(session.cap)
    if session.base_mean is not None and session.cv is not None:
        sd = session.base_mean * session.cv / stretch
        mean = without_service(session.base_mean)
        if mean <= 0 or (cap is not None and cap <= 0) or sd / mean > 100:
            return None
        return Lognormal(mean=mean, cv=sd / mean, cap=cap)
    low, high = session.stated_probabilities or (0.5, _ONE_SIGMA)
    at_low, at_high = without_service(session.quantile(low)), without_service(session.quantile(high))
    if at_low <= 0 or (cap is not None and cap <= 0):
        return None
    found = Lognormal.by_quantiles((low, at_low), (high, at_high))
    return found if cap is None else Lognormal(median=found.median, sigma=found.sigma, cap=cap)


def mean_requests(law: Law) -> float:
    """Return the mean of a count law as it is drawn: rounded to whole numbers, at least 1."""
    if isinstance(law, Geometric):
        return law.mean
    if isinstance(law, Constant):
        return _whole(law.value)
    if isinstance(law, Empirical):
        return law.mean_of(_whole)
    assert isinstance(law, ContinuousLaw)
    counted = 1.0 + sum(law.survival(count - 0.5) for count in range(2, _SUMMED + 1))
    return counted + law.mean - law.mean_up_to(_SUMMED)


def _whole(value: float) -> float:
    return max(float(np.rint(value)), 1.0)
