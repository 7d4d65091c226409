"""Confidence intervals against SciPy, closed forms and their own promise: to cover the truth."""

import math

import numpy as np
import pytest
from scipy import stats

from simsticky.stats.intervals import mean_count, mean_t, ratio_of_sums, share_interval


def test_mean_t_is_students_interval():
    """The mean's interval is the one SciPy computes (rule Q4)."""
    values = [3.0, 5.0, 4.0, 7.5, 2.5]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    interval = mean_t(values, 0.9)
    assert interval.estimate == pytest.approx(np.mean(values))
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert (interval.kind, interval.level, interval.used, interval.left_out) == ("t", 0.9, 5, 0)


def test_missing_replications_are_left_out_and_counted():
    """A missing value never counts as 0 and is not hidden."""
    whole, holed = mean_t([1.0, 2.0, 4.0]), mean_t([1.0, None, 2.0, math.nan, 4.0])
    assert (holed.estimate, holed.low, holed.high) == (whole.estimate, whole.low, whole.high)
    assert (holed.used, holed.left_out) == (3, 2)
    shares = share_interval([1, None, 2, 0], [10, 10, 10, 0])
    assert (shares.estimate, shares.used, shares.left_out) == (0.15, 2, 2)


@pytest.mark.parametrize("make", [mean_t, mean_count])
def test_nothing_known_gives_nothing(make):
    """Without a value there is no estimate."""
    interval = make([None, math.nan])
    assert (interval.estimate, interval.low, interval.high) == (None, None, None)
    assert (interval.kind, interval.left_out) == ("none", 2)


def test_one_replication_has_no_interval():
    """Sessions of one run are never taken for independent observations."""
    intervals = [
        mean_t([4.0]),
        mean_count([0]),
        ratio_of_sums([3], [7]),
        share_interval([412], [1203]),
        share_interval([0], [1203]),
    ]
    assert all(i.estimate is not None and i.low is None and i.high is None for i in intervals)
    assert {i.kind for i in intervals} == {"none"}


def test_count_of_nothing_is_bounded():
    """Thirty runs without an event: the one-sided 97.5 % Poisson limit, events coming in fives (rule Q3)."""
    interval = mean_count([0] * 30)
    assert (interval.kind, interval.design_effect, interval.is_assumed) == ("upper bound", 5, True)
    assert stats.poisson.pmf(0, 30 * interval.high / 5) == pytest.approx(0.025)


def test_counts_and_times_do_not_go_below_zero():
    """A rare count's interval ends at 0."""
    assert mean_count([0, 0, 0, 1]).low == 0
    assert mean_t([0.1, 0.2, 9.0]).low < 0


def test_ratio_of_sums_with_equal_denominators_is_the_mean_of_shares():
    """With equal sizes the ratio estimator is the ordinary mean."""
    counts = [30, 41, 35, 38, 29]
    ratio, mean = ratio_of_sums(counts, [100] * 5), mean_t([count / 100 for count in counts])
    assert (ratio.estimate, ratio.low, ratio.high) == pytest.approx((mean.estimate, mean.low, mean.high))


def test_ratio_of_sums_by_hand():
    """The linearised variance of a two-replication example is worked out by hand."""
    # r = 4/8; residuals 1 - 1 and 3 - 3 for x = 2, 6: a perfect ratio has no spread.
    assert ratio_of_sums([1, 3], [2, 6]).high == pytest.approx(0.5)
    # r = 6/10, residuals 2 - 0.6*4 = -0.4 and 4 - 0.6*6 = 0.4: variance 2/1 * 0.32 / 100.
    interval = ratio_of_sums([2, 4], [4, 6], 0.5)
    half = stats.t.ppf(0.75, 1) * math.sqrt(2 * 0.32 / 100)
    assert interval.high - 0.6 == pytest.approx(half)


def test_zero_seen_is_a_clopper_pearson_bound():
    """Nothing seen in N sessions: the exact one-sided 97.5 % bound of a fifth as many, about 3.7 * 5 / N (rule Q3)."""
    interval = share_interval([0, 0, 0], [400, 300, 300])
    exact = stats.binomtest(0, 200, alternative="less").proportion_ci(0.975, "exact")
    assert (interval.kind, interval.design_effect) == ("upper bound", 5)
    assert (interval.low, interval.high) == pytest.approx((0, exact.high))
    assert interval.high == pytest.approx(3.7 * 5 / 1000, rel=0.02)


def test_sessions_of_small_runs_cannot_share_more_luck_than_there_are():
    """With two sessions a run at most two count as one."""
    assert share_interval([0] * 50, [2] * 50).design_effect == 2
    assert share_interval([0] * 50, [1] * 50).design_effect == 1


def test_all_seen_mirrors_zero_seen():
    """Everything broken is bounded from below as nothing broken is from above."""
    every, none = share_interval([40, 60], [40, 60]), share_interval([0, 0], [40, 60])
    assert every.kind == "lower bound"
    assert (every.low, every.high) == pytest.approx((1 - none.high, 1 - none.low))


def test_it_is_a_t_interval_on_the_logit():
    """Worked out from the linearised variance, the design effect, and the degrees of freedom that it leaves.

    See rule Q1.
    """
    counts, runs, size = [40, 49, 36, 55, 33, 28, 45, 37, 60, 43], 10, 500
    share = sum(counts) / (runs * size)
    variance = np.var(np.array(counts) / size, ddof=1) / runs
    deff = variance / (share * (1 - share) / (runs * size))
    degrees = 1 / (1 / (runs - 1) + 2 * (deff - 1) / sum(counts))
    half = stats.t.ppf(0.975, degrees) * math.sqrt(variance) / (share * (1 - share))
    interval = share_interval(counts, [size] * runs)
    assert interval.kind == "logit t"
    assert interval.design_effect == pytest.approx(deff)
    logits = [math.log(end / (1 - end)) for end in (interval.low, share, interval.high)]
    assert logits == pytest.approx([logits[1] - half, logits[1], logits[1] + half])


def test_never_narrower_than_binomial():
    """Replications that happen to agree do not promise more than independent sessions could."""
    interval = share_interval([20] * 30, [1000] * 30)
    binomial = stats.binomtest(600, 30_000).proportion_ci(0.95, "wilson")
    assert (interval.kind, interval.design_effect) == ("logit t", 1)
    assert interval.low <= binomial.low
    assert interval.high >= binomial.high


def test_few_events_reach_as_far_as_an_assumed_design_effect():
    """Three broken of 15,000: the end that lets a threshold pass is Clopper and Pearson's of a fifth as many.

    See rule Q2.
    """
    interval = share_interval([1, 1, 1, *[0] * 27], [500] * 30)
    assert (interval.kind, interval.design_effect, interval.is_assumed) == ("few events", 5, True)
    assert interval.high == pytest.approx(stats.beta.ppf(0.975, 3 / 5 + 1, 3000 - 3 / 5))
    enough = share_interval([1] * 8 + [0] * 22, [500] * 30)
    assert (enough.kind, enough.is_assumed) == ("logit t", False)


def test_one_bad_run_of_three_leaves_an_end_that_says_something():
    """Six failures of a hundred thousand, all in one run: below one percent all the same."""
    interval = share_interval([0, 6, 0], [38_000, 38_100, 38_000])
    assert interval.kind == "few events"
    assert 0.0005 < interval.high < 0.01


def test_a_seldom_break_does_not_narrow_the_bound_of_none():
    """One broken session is no better news than none."""
    none, one = share_interval([0] * 30, [500] * 30), share_interval([1] + [0] * 29, [500] * 30)
    assert one.high > none.high


@pytest.mark.parametrize(("counts", "sizes"), [([3, 0, 4], [70, 50, 60]), ([30, 20, 25], [70, 50, 60])])
def test_failures_mirror_successes(counts, sizes):
    """The share of what did not break has the mirror image of the interval."""
    others = [size - count for count, size in zip(counts, sizes, strict=True)]
    broken, whole = share_interval(counts, sizes), share_interval(others, sizes)
    assert (whole.low, whole.high) == pytest.approx((1 - broken.high, 1 - broken.low))


def test_clumped_breaks_widen_the_interval():
    """One bad rollout in ten says less than the same breaks spread over ten."""
    clumped = share_interval([20, *[0] * 9], [1000] * 10)
    spread = share_interval([2] * 10, [1000] * 10)
    assert clumped.high > 2 * spread.high


def test_far_from_its_ends_a_share_is_almost_a_ratio():
    """In the middle the logit changes little: the interval is that of the ratio estimator to a few percent."""
    rng = np.random.default_rng(3)
    numerators, denominators = rng.binomial(1000, rng.uniform(0.35, 0.45, 30)).tolist(), [1000] * 30
    share, ratio = share_interval(numerators, denominators), ratio_of_sums(numerators, denominators)
    assert share.high - share.low == pytest.approx(ratio.high - ratio.low, rel=0.05)


def test_impossible_shares_are_refused():
    """More broken than exposed is a bug, not a share."""
    with pytest.raises(ValueError, match="exceeds"):
        share_interval([3], [2])
    with pytest.raises(ValueError, match="negative"):
        ratio_of_sums([-1], [2])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        ratio_of_sums([1], [2, 3])


@pytest.mark.parametrize(("runs", "p", "icc"), [(30, 0.05, 0.01), (10, 0.05, 0.02), (100, 0.3, 0.02)])
def test_shares_of_clustered_sessions_are_covered(runs, p, icc):
    """The 95 % interval holds the true share as often as it says, where pooled sessions manage 62-74 %."""
    rng = np.random.default_rng(20)
    studies, sessions = 1000, 200
    a = p * (1 - icc) / icc
    broken = rng.binomial(sessions, rng.beta(a, a * (1 - p) / p, size=(studies, runs)))
    intervals = [share_interval(row.tolist(), [sessions] * runs) for row in broken]
    covered = np.mean([i.low <= p <= i.high for i in intervals])
    pooled = [stats.binomtest(int(row.sum()), runs * sessions).proportion_ci(0.95, "wilson") for row in broken[:300]]
    assert covered > 0.95 - 4 * math.sqrt(0.95 * 0.05 / studies)
    assert np.mean([i.low <= p <= i.high for i in pooled]) < 0.8
