"""Times under censoring: what has not come yet is neither left out nor taken for an end."""

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from simsticky.stats.incidence import Waits, mean_of_waits, median_of_runs, quantile_of_waits


def waits(events=(), competing=(), still_open=()):
    """Return waits of the given lengths in seconds."""
    seconds = np.unique([*events, *competing, *still_open])
    counts = ([float(np.sum(np.equal(lengths, one))) for one in seconds] for lengths in (events, competing, still_open))
    return Waits(np.asarray(seconds, float), *(np.array(list(column)) for column in counts))


def test_without_competition_it_is_kaplan_meier():
    """The incidence is one minus the product limit that SciPy works out."""
    generator = np.random.default_rng(1)
    ends, limits = generator.exponential(5, 200).round(1), generator.exponential(8, 200).round(1)
    came = ends <= limits
    found = waits(events=ends[came], still_open=limits[~came])
    curve = ecdf(CensoredData(uncensored=ends[came], right=limits[~came])).cdf
    assert found.incidence_at(curve.quantiles) == pytest.approx(curve.probabilities)


def test_competing_ends_stay_in_the_denominator():
    """Of four waits two end with the event, two otherwise: half is all there is, and nothing is left going on.

    See rule M2.
    """
    found = waits(events=[1, 3], competing=[2, 4])
    assert found.incidence_at(np.array([0.5, 1, 2, 3, 9])) == pytest.approx([0, 0.25, 0.25, 0.5, 0.5])
    assert found.going_on_at(np.array([0.5, 4])) == pytest.approx([1, 0])
    assert quantile_of_waits([found], 0.5).seconds == 3
    assert quantile_of_waits([found], 0.9).seconds is None


def test_a_quantile_that_is_not_reached_is_a_bound():
    """Most clients never come back: the 95 % quantile is beyond the longest wait, with how many had not come back."""
    found = quantile_of_waits([waits(events=[5] * 47, still_open=[360] * 873)], 0.95)
    assert (found.seconds, found.beyond_s, found.not_yet, found.total) == (None, 360, 873, 920)


def test_the_mean_is_restricted_to_what_all_have_seen():
    """One of two waits goes on after 10 s: the mean up to 10 s is 6 s; with all ended it is the plain mean.

    See rule M2.
    """
    found = mean_of_waits([waits(events=[2], still_open=[10])])
    assert (found.seconds, found.up_to_s) == (6, 10)
    plain = mean_of_waits([waits(events=[2, 4], competing=[12])])
    assert (plain.seconds, plain.up_to_s) == (6, None)


@pytest.mark.slow
def test_the_interval_of_a_quantile_covers():
    """Over 400 studies of 20 replications with exponential waits, some cut off, 95 % intervals hold the truth."""
    generator, held = np.random.default_rng(7), 0
    truth = 5 * np.log(2)
    for _ in range(400):
        study = []
        for _ in range(20):
            ends, limits = generator.exponential(5, 30), generator.uniform(4, 20, 30)
            came = ends <= limits
            study.append(waits(events=ends[came], still_open=limits[~came]))
        found = quantile_of_waits(study, 0.5)
        held += found.low <= truth <= found.high
    assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / 400) <= held / 400


def test_runs_that_have_not_come_there_count():
    """With 11 of 30 runs not over the median is of all 30; with 20 of 30 it is a bound (rule M1)."""
    most = median_of_runs(list(range(1, 20)), [340.0] * 11)
    assert (most.seconds, most.not_yet, most.total) == (15, 11, 30)
    few = median_of_runs(list(range(1, 11)), [340.0] * 20)
    assert (few.seconds, few.beyond_s, few.not_yet) == (None, 340, 20)


def test_the_interval_of_a_median_covers():
    """Over 400 studies of 30 runs of which a quarter is cut off, 95 % intervals hold the truth."""
    generator, held = np.random.default_rng(3), 0
    for _ in range(400):
        ends, limits = generator.exponential(5, 30), generator.uniform(3, 20, 30)
        came = ends <= limits
        found = median_of_runs(list(ends[came]), list(limits[~came]))
        held += found.low <= 5 * np.log(2) <= (np.inf if found.high is None else found.high)
    assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / 400) <= held / 400


def test_nothing_waited_for_is_nothing():
    """No figure and no bound where nobody waited."""
    assert quantile_of_waits([], 0.5).total == 0
    assert mean_of_waits([waits()]).seconds is None
    assert median_of_runs([], []).beyond_s is None
