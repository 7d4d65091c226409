"""The product limit against SciPy's, which is too slow to import where it is needed."""

import warnings

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf, poisson

from simsticky.stats.recovery import ERROR, last_excess
from simsticky.stats.survival import product_limit


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_curve_of_scipy(seed, level):
    """Times, shares and both ends of the interval, with ties and without, some runs of each kind."""
    rng = np.random.default_rng(seed)
    came, watched = rng.exponential(1.0, rng.integers(1, 40)), rng.exponential(1.0, rng.integers(1, 20))
    if seed % 2:
        came, watched = np.ceil(4 * came), np.ceil(4 * watched)
    theirs = ecdf(CensoredData(uncensored=came, right=watched)).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        band = theirs.confidence_interval(confidence_level=level, method="log-log")
    ours = product_limit(came.tolist(), watched.tolist(), level)
    assert np.array_equal(ours.seconds, theirs.quantiles)
    np.testing.assert_allclose(ours.share, theirs.probabilities, rtol=1e-12)
    np.testing.assert_allclose(ours.low, band.low.probabilities, rtol=1e-9)
    np.testing.assert_allclose(ours.high, band.high.probabilities, rtol=1e-9)


@pytest.mark.parametrize("mean", [1e-6, 0.01, 0.5, 3.0, 42.0, 700.0])
@pytest.mark.parametrize("windows", [1, 60, 3600])
def test_the_bound_of_a_window_is_the_poisson_quantile_of_scipy(mean, windows):
    """A window at the bound is as before, one event more is not."""
    bound = int(poisson.ppf(1 - ERROR / windows, mean))
    assert last_excess([bound + 1, bound], windows, mean) == 0
    assert last_excess([bound], windows, mean) is None
