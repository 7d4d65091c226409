"""The histogram of durations: quantiles within half a percent of the sorted list."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsticky.stats.histogram import LogHistogram

_SHARES = (0.01, 0.5, 0.95, 0.99, 1.0)


@given(st.lists(st.floats(1e-5, 1e4), min_size=1, max_size=200), st.integers(1, 5))
def test_quantiles_are_within_half_a_percent(seconds: list[float], parts: int) -> None:
    """The quantile is at most 0.5 % from the smallest value with that share at or below it."""
    histogram = LogHistogram()
    for part in range(parts):
        histogram.add(np.array(seconds[part::parts]))
    ordered = sorted(seconds)
    for share in _SHARES:
        exact = ordered[max(1, int(np.ceil(share * len(ordered)))) - 1]
        assert histogram.quantile(share) == pytest.approx(exact, rel=0.00501)


def test_equal_values_come_back_exactly() -> None:
    """Equal values come back exactly."""
    histogram = LogHistogram()
    histogram.add(np.full(7, 0.25))
    assert histogram.quantile(0.5) == 0.25


def test_empty_has_no_quantile() -> None:
    """Without durations there is no quantile."""
    histogram = LogHistogram()
    histogram.add(np.empty(0))
    assert histogram.quantile(0.5) is None


def test_extremes_stay_inside() -> None:
    """Nothing is shorter than the first bin or longer than the last."""
    histogram = LogHistogram()
    histogram.add(np.array([0.0, 1e9]))
    assert histogram.counts.sum() == 2
    assert histogram.quantile(0.5) == 0.0
    assert histogram.quantile(1.0) == 1e9


@given(st.lists(st.floats(1e-7, 1e6), min_size=1, max_size=60), st.integers(1, 5), st.randoms(use_true_random=False))
def test_order_and_grouping_are_seen_in_no_bit(seconds: list[float], parts: int, random: Random) -> None:
    """The order of durations, and whether they come in parts or in histograms of their own, changes nothing."""
    one, other, merged = LogHistogram(), LogHistogram(), LogHistogram()
    one.add(np.array(seconds))
    mixed = random.sample(seconds, len(seconds))
    for part in range(parts):
        other.add(np.array(mixed[part::parts]))
        alone = LogHistogram()
        alone.add(np.array(mixed[part::parts]))
        merged = merged.merged(alone)
    bins = np.flatnonzero(one.counts)
    assert one.means(bins).tolist() == other.means(bins).tolist() == merged.means(bins).tolist()


@given(st.floats(1e-6, 1e5), st.integers(1, 9))
def test_any_value_alone_in_its_bin_comes_back_exactly(seconds: float, times: int) -> None:
    """Nothing of them is lost in the sums, however long or short they are."""
    histogram = LogHistogram()
    histogram.add(np.full(times, seconds))
    assert histogram.quantile(0.5) == pytest.approx(seconds, rel=0 if seconds < 1e4 else 1e-9)
