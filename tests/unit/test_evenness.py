"""When the load is even again, and when failures are back to what they were."""

import numpy as np
import pytest

from simsticky.sim.evenness import Evenness
from simsticky.sim.failure_windows import FailureWindows
from simsticky.stats.recovery import last_excess


def followed(steps, blocks=1):
    """Follow two pods: 10 and 10 sessions for 100 s before, then (seconds, load, load) from second 100 on."""
    evenness = Evenness()
    evenness.before(np.array([[10], [10]]), np.array([100 * 10**9]))
    evenness.begin(100.0)
    edges = 100.0 + np.concatenate([[0.0], np.cumsum([step[0] for step in steps])])
    loads = np.array([step[1:] for step in steps]).T
    for part in np.array_split(np.arange(len(steps)), blocks):
        evenness.after(loads[:, part], edges[part[0] : part[-1] + 2])
    return evenness


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_it_is_the_first_moment_from_which_a_minute_is_even(blocks):
    """An even spell of 40 s does not do, one of 60 s does; what comes later does not matter; nor do block bounds.

    See rule L5.
    """
    evenness = followed([(30, 20, 0), (40, 10, 10), (20, 15, 5), (60, 11, 9), (50, 20, 0)], blocks)
    assert evenness.since_s() == 190.0


def test_it_is_not_even_yet_when_the_run_ends():
    """Half a minute at the end is no answer."""
    assert np.isnan(followed([(30, 20, 0), (30, 10, 10)]).since_s())


def test_what_never_was_uneven_is_even_from_the_start():
    """A push breaks nothing and moves nobody."""
    assert followed([(30, 11, 9), (30, 9, 11)]).since_s() == 100.0


def test_the_limit_is_relative_to_the_average_before():
    """Where one pod always has twice the other's sessions, that is even (rule L5)."""
    evenness = Evenness()
    evenness.before(np.array([[20], [10]]), np.array([100 * 10**9]))
    evenness.begin(100.0)
    evenness.after(np.array([[20, 30], [10, 0]]), np.array([100.0, 110.0, 120.0]))
    assert evenness.uneven
    assert evenness.even_since_s == 120.0


def test_failures_are_counted_in_windows_of_ten_seconds():
    """Those before the first operation tell the rate, whenever they end (rule R4)."""
    windows = FailureWindows(settle_s=10.0)
    windows.add(np.array([20.0, 30.0]))
    windows.begin(60.0)
    windows.add(np.array([59.0, 60.0, 69.9, 95.0]))
    assert (windows.before, windows.before_s) == (3, 50.0)
    assert windows.counts == [2, 0, 0, 1]
    assert windows.last_s == 95.0


def test_a_window_has_too_many_beyond_the_poisson_bound():
    """With 1 failure a window before and 100 windows the bound is 8 (P(N > 8) < 1e-5 < P(N > 7)) (rule R4)."""
    assert last_excess([1, 12, 9, 8, 1], 100, 1.0) == 2
    assert last_excess([1, 8, 8], 100, 1.0) is None
    assert last_excess([0, 1, 0], 100, 0.0) == 1
