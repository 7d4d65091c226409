"""Sessions at the edges of a log, heavy users, what ends a session, and when sessions start."""

import numpy as np
import pytest

from simsticky.errors import InputError
from simsticky.logs.heavy import heavy_users
from simsticky.logs.rates import arrivals
from simsticky.logs.shapes import shape_of
from simsticky.logs.visits import design_effect, visits_of
from simsticky.workload.client_rates import SLOWEST


def cut(requests, window=(0.0, 1000.0), gap_s=100.0, quiet_s=50.0, known=None):
    """Cut requests given as (key, sent, took)."""
    key, sent, took = (np.array(column) for column in zip(*requests, strict=True))
    return visits_of(key, sent.astype(float), took.astype(float), window, gap_s, quiet_s, known)


def test_a_session_ends_where_nothing_is_sent_for_the_gap():
    """Protects the definition: the gap counts from the answer, and a key may come again as another session."""
    visits = cut([(0, 100, 5), (0, 200, 1), (0, 302, 1), (1, 150, 0)])
    assert visits.key.tolist() == [0, 0, 1]
    assert visits.requests.tolist() == [2, 1, 1]
    assert visits.start_s.tolist() == [100, 302, 150]
    assert visits.think_s.tolist() == [95.0]


def test_sessions_under_way_when_the_log_begins_are_left_out():
    """Protects against length bias: who sends within the quiet time may have begun before; who comes again has not."""
    visits = cut([(0, 20, 0), (0, 300, 0), (1, 49, 0), (2, 50, 0)])
    assert visits.began.tolist() == [False, True, False, True]


def test_a_first_request_that_shows_that_it_is_the_first_is_believed():
    """Protects early sessions: a cookie was given for the first time."""
    visits = cut([(0, 20, 0), (1, 20, 0), (1, 60, 0)], known=np.array([True, False]))
    assert visits.began.tolist() == [True, False]


def test_sessions_are_watched_until_the_quiet_time_before_the_end():
    """Protects the right edge: of a late request nobody knows whether another follows, one that did included."""
    visits = cut([(0, 900, 0), (0, 940, 0), (1, 940, 0), (1, 960, 0), (1, 970, 0), (2, 970, 0)])
    assert visits.whole.tolist() == [True, False, False]
    assert visits.watched.tolist() == [2, 1, 0]
    assert visits.cohort.tolist() == [True, True, False]
    assert visits.think_s.tolist() == [40.0, 20.0]


def test_requests_that_overlap_are_counted_and_no_think_is_negative():
    """Protects browsers that load a page: the latest answer counts, not that of the last request sent."""
    visits = cut([(0, 100, 10), (0, 101, 1), (0, 115, 1)])
    assert visits.think_s.tolist() == [0.0, 5.0]
    assert visits.overlapping == 0.5
    assert visits.end_s.tolist() == [116.0]


def alive(seed, mean, think_s, rate=0.5, from_s=-20_000.0, until_s=4000.0):
    """Yield (key, sent, took) of sessions of geometric length and exponential thinks, seen from 0 to the end."""
    rng = np.random.default_rng(seed)
    for key in range(rng.poisson(rate * (until_s - from_s))):
        count = rng.geometric(1 / mean)
        sent = rng.uniform(from_s, until_s) + np.concatenate([[0.0], np.cumsum(rng.exponential(think_s, count - 1))])
        yield from ((key, at, 0.0) for at in sent if 0 <= at <= until_s)


def test_a_log_cut_on_both_sides_gives_back_the_law():
    """Protects the whole of censoring: sessions of 20 minutes in a log of 67.

    Those that are seen look shorter by a sixth, and those alive at the beginning are twice as long as others.
    """
    requests = list(alive(3, mean=60, think_s=20.0))
    visits = cut(requests, window=(0.0, 4000.0), gap_s=1800.0, quiet_s=240.0)
    naive = np.bincount([key for key, _, _ in requests])
    shape = shape_of(visits, visits.cohort)
    assert naive[naive > 0].mean() < 50
    assert shape.requests.chosen.kind == "geometric"
    assert shape.requests.chosen.mean.value == pytest.approx(60, rel=0.05)
    assert shape.think.chosen.kind == "exponential"
    assert shape.think.chosen.mean.value == pytest.approx(20, rel=0.02)
    assert shape.duration is None


def sessions(rng, n, mean, draw):
    """Return thinks of n sessions, and whose they are."""
    owner = np.repeat(np.arange(n), rng.geometric(1 / mean, n))
    return draw(owner.size), owner


@pytest.mark.parametrize(("law", "cv"), [("gamma", 1.0), ("lognormal", 0.6)])
def test_heavy_users_are_found_with_their_spread(law, cv):
    """Protects clientRate: its law and cv, and the think of the mean client, which is not the mean think."""
    rng = np.random.default_rng(4)
    think, owner = sessions(rng, 900, 15, lambda n: rng.lognormal(1.5, 0.8, n))
    s2 = np.log1p(cv**2)
    rate = rng.gamma(cv**-2, cv**2, 900) if law == "gamma" else rng.lognormal(-s2 / 2, np.sqrt(s2), 900)
    found = heavy_users(think / np.maximum(rate, SLOWEST)[owner], owner)
    assert not found.alike
    assert found.rate.kind == law
    assert found.cv.value == pytest.approx(cv, rel=0.15)
    assert found.think_mean.value == pytest.approx(np.exp(1.5 + 0.32), rel=0.08)


@pytest.mark.parametrize("seed", range(5))
def test_clients_who_are_alike_are_not_made_to_differ(seed):
    """Protects the plain law: thinks of one law show no heavy users (the F test errs in 1 of 100)."""
    rng = np.random.default_rng(seed)
    think, owner = sessions(rng, 900, 10, lambda n: rng.exponential(7, n))
    assert heavy_users(think, owner).alike


def test_a_constant_rate_is_told_from_steps_and_from_day_and_night():
    """Protects the choice among arrivals, and their figures."""
    rng = np.random.default_rng(6)

    def thinned(rate, most, until_s):
        at = rng.uniform(0, until_s, rng.poisson(most * until_s))
        return at[rng.uniform(0, most, at.size) < rate(at)]

    flat = arrivals(thinned(lambda t: 2.0 + 0 * t, 2.0, 1800.0), (0.0, 1800.0))
    assert flat.law.kind == "poisson"
    assert flat.mean.low < 2 < flat.mean.high
    steps = arrivals(thinned(lambda t: np.where(t < 600, 1.0, 3.0), 3.0, 1800.0), (0.0, 1800.0))
    assert [step.from_s for step in steps.law.steps] == pytest.approx([0, 600], abs=30)
    assert [step.rate for step in steps.law.steps] == pytest.approx([1, 3], rel=0.1)
    day = arrivals(
        thinned(lambda t: 0.3 * (1 + 0.7 * np.cos(2 * np.pi * (t - 50_000) / 86_400)), 0.51, 86_400.0), (0.0, 86_400.0)
    )
    assert day.law.kind == "diurnal"
    assert (day.law.mean, day.law.amplitude) == pytest.approx((0.3, 0.7), rel=0.05)
    assert day.law.peak_at == pytest.approx(50_000, abs=1200)
    assert not flat.is_bursty


def test_bursts_are_said_and_make_no_hundred_steps():
    """Protects against fitting luck: campaigns of ten are no changes of the rate, and no Poisson process."""
    rng = np.random.default_rng(7)
    starts = np.concatenate([at + rng.exponential(3.0, 10) for at in rng.uniform(0, 7200, 500)])
    found = arrivals(starts, (0.0, 7200.0))
    assert found.is_bursty
    assert found.dispersion > 3
    assert found.law.kind == "poisson"
    # A mail goes out a minute before the log ends: no rate that lasts for ever.
    late = np.concatenate([rng.uniform(0, 7200, 700), rng.uniform(7140, 7200, 120)])
    law = arrivals(late, (0.0, 7200.0)).law
    assert law.kind == "poisson" or law.steps[-1].from_s <= 7200 * 0.961
    with pytest.raises(InputError, match="12 sessions were seen to begin"):
        arrivals(np.arange(12.0), (0.0, 100.0))


def test_a_design_effect_is_that_of_groups_that_agree():
    """Protects intervals: values that are all the same within groups of ten count as one each ten."""
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(500), 10)
    assert design_effect(np.repeat(rng.normal(5, 1, 500), 10), group) == pytest.approx(10, rel=0.05)
    assert design_effect(rng.normal(5, 1, 5000), group) == pytest.approx(1, abs=0.2)
