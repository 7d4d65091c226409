"""Where a search tries next, and what it gives up: neither may change what a look says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsticky.stats.intervals import Interval
from simsticky.study.futility import LEAST_CHANCE, half_at_last, is_futile
from simsticky.study.guess import between
from simsticky.study.search import _first_place


@pytest.mark.parametrize(("n", "last"), [(10, 30), (20, 30), (10, 1000), (30, 30)])
def test_what_is_given_up_keeps_its_limit_with_less_than_the_least_chance(n, last):
    """At the edge the last look's interval will be within the limit with just that chance, by all that is known."""
    half, sd = 1.0, 1.0 / 1.96
    steps = np.linspace(-3.0, 40.0, 43_001)
    edge = next(excess for excess in steps if is_futile(float(excess), half, n, last))
    at_last = edge + sd * math.sqrt(last / n - 1) * np.random.default_rng(1).standard_normal(400_000)
    kept = float((at_last <= -half).mean())
    assert kept <= LEAST_CHANCE + 0.003
    assert kept >= (LEAST_CHANCE - 0.003 if n < last else 0.0)


def test_without_an_interval_only_a_wrong_estimate_is_a_reason():
    """A guard that nobody can tell yet is no reason to stop."""
    assert is_futile(0.1, None, 10, 30)
    assert not is_futile(-0.1, None, 10, 30)


def test_an_interval_of_hardly_any_event_shrinks_with_the_replications():
    """The rule of three: three times the replications, a third of the bound; else a square root of it."""
    none_seen = Interval(0.0, 0.0, 0.03, 0.95, "upper bound", 10, design_effect=5.0)
    some = Interval(0.05, 0.02, 0.08, 0.95, "logit t", 10)
    assert half_at_last(none_seen, 10, 30) == pytest.approx(0.01)
    assert half_at_last(some, 10, 40) == pytest.approx(0.015)
    assert half_at_last(Interval(None, None, None, 0.95, "none", 10), 10, 30) is None


def test_a_value_between_two_is_on_the_straight_line_of_its_logarithm():
    """Exactly right for lives of exponential length; where a value is 0 the line itself is straight."""
    share = {at: math.exp(-at / 60) for at in (100, 130, 190)}
    assert between((100, 190), (share[100], share[190]), 130) == pytest.approx(share[130])
    assert between((0, 10), (1.0, 0.0), 3) == pytest.approx(0.7)


@given(st.integers(1, 400), st.data())
def test_any_guess_finds_the_first_place(size, data):
    """However poor the guesses are, the place is found, after not many more settings than halving takes."""
    first = data.draw(st.integers(0, size))
    tried = []

    def holds(place):
        tried.append(place)
        return place >= first

    def told(place):
        return place >= first if place in tried else None

    def guess(below, above):
        return data.draw(st.integers(below - 5, above + 5))

    found = _first_place(range(size), holds, told, guess, lambda above: 1)
    assert found == (first if first < size else None)
    assert len(tried) <= 4 * math.log2(size + 1) + 4
    assert len(tried) == len(set(tried))


@given(st.integers(0, 99), st.integers(2, 9))
def test_a_place_may_lie_so_many_steps_behind_the_first(first, enough):
    """A search that need not be exact ends within what is enough, and on the side that holds."""
    tried = {}
    found = _first_place(
        range(100),
        lambda place: tried.setdefault(place, place >= first),
        tried.get,
        lambda below, above: (below + above) // 2,
        lambda above: enough,
    )
    assert first <= found < first + enough
