"""Laws by likelihood: each is found again from its own draws, whatever the log did to them."""

import numpy as np
import pytest

from simsticky.errors import InputError
from simsticky.logs.cells import of_counts, of_times, resolution, survival
from simsticky.logs.laws import fit_law, quantile
from simsticky.logs.tails import tail_of
from simsticky.scenario.distributions import (
    Exponential,
    Gamma,
    Geometric,
    Lognormal,
    Pareto,
    Uniform,
    Weibull,
)
from simsticky.workload.shapes import whole_requests

N = 6000
TIMES = [
    Exponential(mean=7),
    Lognormal(median=0.05, sigma=0.6),
    Gamma(mean=4, cv=1.6),
    Weibull(mean=5, shape=0.7),
    Pareto(alpha=2.3, minimum=2),
    Uniform(low=1, high=3),
]
COUNTS = [Geometric(mean=12), Lognormal(median=8, sigma=0.9), Pareto(alpha=1.9, minimum=3.2), Gamma(mean=15, cv=0.5)]


def drawn(law, seed, size=N):
    return law.sample(np.random.default_rng(seed), size)


@pytest.mark.parametrize("law", TIMES, ids=lambda law: law.kind)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_law_of_times_is_found_again(law, seed):
    """Protects the choice and the estimate: the kind that drew them, the mean within 5 %, the fit within its band."""
    found = fit_law(of_times(drawn(law, seed)))
    assert found.chosen.kind == law.kind
    assert found.chosen.mean.value == pytest.approx(law.mean, rel=0.05)
    assert found.chosen.distance < found.band
    assert not found.is_poor


@pytest.mark.parametrize("law", COUNTS, ids=lambda law: law.kind)
def test_a_law_of_counts_is_found_again_although_counts_are_rounded(law):
    """Protects the rounding of counts: draws become whole numbers of at least 1, and the law is the one before that."""
    found = fit_law(of_counts(whole_requests(drawn(law, 3)).astype(int), np.empty(0, int)), counts=True)
    assert found.chosen.kind == law.kind
    assert found.chosen.mean.value == pytest.approx(law.mean, rel=0.06)


def test_what_was_cut_counts_among_those_that_went_on():
    """Protects censoring: half of the sessions are only known to be longer, and those seen whole are the short ones."""
    rng = np.random.default_rng(4)
    counts = rng.geometric(1 / 20, N)
    watched = rng.geometric(1 / 20, N)
    whole = counts <= watched
    found = fit_law(of_counts(counts[whole], watched[~whole]), counts=True)
    assert counts[whole].mean() < 12
    assert found.chosen.mean.value == pytest.approx(20, rel=0.05)
    assert found.chosen.mean.low < 20 < found.chosen.mean.high


def test_values_beyond_what_can_be_seen_are_missing_and_not_absent():
    """Protects truncation: thinks longer than the silence at the edges are not in the data, and are in the law."""
    values = drawn(Exponential(mean=10), 5)
    found = fit_law(of_times(values[values < 12], beyond=12.0))
    assert values[values < 12].mean() < 5.5
    assert found.chosen.kind == "exponential"
    assert found.chosen.mean.value == pytest.approx(10, rel=0.08)


def test_rounding_to_the_millisecond_moves_no_law():
    """Protects short times in logs of whole milliseconds: cells, not values."""
    law = Lognormal(median=0.003, sigma=0.7)
    values = np.rint(drawn(law, 6) * 1000) / 1000
    assert resolution(values) == 0.001
    found = fit_law(of_times(values))
    assert found.chosen.kind == "lognormal"
    assert found.chosen.parameters["median"].value == pytest.approx(0.003, rel=0.03)
    assert found.chosen.parameters["sigma"].value == pytest.approx(0.7, rel=0.05)


def test_a_few_strays_rule_no_law_out():
    """Protects laws with an end: a session that was cut in two lies below the minimum of a Pareto law."""
    counts = whole_requests(drawn(Pareto(alpha=1.9, minimum=5), 7)).astype(int)
    counts[:20] = 1
    found = fit_law(of_counts(counts, np.empty(0, int)), counts=True)
    assert found.chosen.kind == "pareto"
    assert found.chosen.parameters["alpha"].value == pytest.approx(1.9, rel=0.06)


def test_where_no_law_fits_the_values_themselves_are_the_law():
    """Protects against a law that is none: two kinds of requests have two peaks, and the profile states both."""
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(0.02, 0.001, 3000), rng.normal(0.9, 0.02, 2000)])
    found = fit_law(of_times(values))
    assert found.is_poor
    assert found.chosen.kind == "empirical"
    assert found.chosen.law.mean == pytest.approx(values.mean(), rel=0.01)
    assert found.chosen.distance < 0.05
    assert len(found.chosen.law.values) <= 60


@pytest.mark.parametrize("law", [Lognormal(median=20, sigma=1.2, cap=120), Pareto(alpha=1.2, minimum=3, cap=60)])
def test_a_cap_is_a_cap_and_no_tail(law):
    """Protects timeouts: many values at the largest are what a longer one counts as, and the law behind is found."""
    found = fit_law(of_times(drawn(law, 13)))
    assert found.chosen.kind == law.kind
    assert found.chosen.law.cap == pytest.approx(law.cap, rel=0.01)
    assert found.chosen.mean.value == pytest.approx(law.mean, rel=0.05)
    counted = fit_law(of_counts(whole_requests(drawn(law, 14)).astype(int), np.empty(0, int)), counts=True)
    assert counted.chosen.law.cap == law.cap
    assert counted.chosen.mean.value == pytest.approx(law.mean, rel=0.05)


def test_what_is_always_the_same_is_a_constant():
    """Protects health checks and tests with a fixed pace."""
    found = fit_law(of_times(np.full(500, 6.0) + np.random.default_rng(9).uniform(-0.001, 0.001, 500)))
    assert found.chosen.kind == "constant"
    assert found.chosen.law.value == pytest.approx(6.0, abs=0.01)


def test_values_that_resemble_each_other_count_as_fewer():
    """Protects intervals: with a design effect of 9 they are three times as wide."""
    cells = of_times(drawn(Exponential(mean=7), 10))
    one, nine = (fit_law(cells, design_effect=effect).chosen.mean for effect in (1.0, 9.0))
    assert (nine.high - nine.low) == pytest.approx(3 * (one.high - one.low), rel=0.02)


def test_few_values_make_no_law():
    """Protects people from laws of ten sessions."""
    with pytest.raises(InputError, match="12 sessions were seen whole, and 20 make a law"):
        fit_law(of_counts(np.arange(1, 13), np.array([4, 5])), counts=True, what="sessions")


def test_the_measured_curve_is_kaplan_and_meiers():
    """Protects the figure and the quantiles: scipy's curve of the same values, cut ones included."""
    from scipy import stats

    rng = np.random.default_rng(11)
    counts, watched = rng.geometric(0.1, 400), rng.geometric(0.1, 400)
    whole = counts <= watched
    cells = of_counts(counts[whole], watched[~whole])
    ends, left = survival(cells)
    # Cut at n means more than n: behind the values n, so half a unit later.
    data = stats.CensoredData(uncensored=counts[whole].astype(float), right=watched[~whole] + 0.5)
    curve = stats.ecdf(data).sf
    assert left == pytest.approx(curve.evaluate(ends - 0.25))
    assert quantile(cells, 0.5) == 7.0


@pytest.mark.parametrize("alpha", [1.3, 2.0, 3.0])
def test_a_tail_index_is_within_its_interval(alpha):
    """Protects the tail: rounded counts, a third of them cut.

    Of 40 intervals at 95 % all but 7 hold the truth in 999 of 1000 such tests.
    """
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        counts = np.rint(4 * (1 + rng.pareto(alpha, N))).astype(int)
        watched = np.rint(6 * (1 + rng.pareto(0.8, N))).astype(int)
        whole = counts <= watched
        index = tail_of(of_counts(counts[whole], watched[~whole])).index
        held += index.low < alpha < index.high
    assert held >= 33


def test_a_light_tail_has_a_large_index():
    """Protects the reading of the table: an exponential's top tenth is no heavy tail."""
    tail = tail_of(of_times(drawn(Exponential(mean=7), 12)))
    assert tail.index.low > 2.5
