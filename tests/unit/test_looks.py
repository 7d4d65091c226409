"""The plan of looks: when, at which level, and what is said."""

import numpy as np
import pytest
from scipy import stats

from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import Interval
from simsticky.study.looks import decide, levels, looks, plan
from simsticky.study.verdicts import Mark


def test_looks_double_up_to_the_cap():
    """10, 20, 40, … and the most there can be, which is never passed."""
    assert looks(1000) == (10, 20, 40, 80, 160, 320, 640, 1000)
    assert looks(20) == (10, 20)
    assert looks(30) == (10, 20, 30)
    assert looks(4) == (4,)
    with pytest.raises(ValueError, match="at least one"):
        looks(0)


def test_one_look_has_the_plain_level():
    """Whoever looks once loses nothing."""
    assert levels((7,)) == (0.95,)
    assert [look.level for look in plan(10)] == [0.95]
    assert plan(10)[0].last


def test_two_looks_spend_the_error_together():
    """The bivariate normal law of both sums exceeds a boundary as often as is spent, checked with SciPy."""
    first, second = (stats.norm.ppf((1 + level) / 2) for level in levels((10, 40)))
    both = stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf([first, second])
    spent = [0.94 * 0.025 * np.log(1 + (np.e - 1) * fraction) for fraction in (0.25, 1)]
    assert stats.norm.sf(first) == pytest.approx(spent[0], rel=1e-6)
    assert 1 - both == pytest.approx(spent[1], rel=1e-4)


def test_random_walks_cross_as_often_as_is_spent():
    """Eight looks at 200,000 random walks: a boundary on one side is crossed by 2.35 % (rule Q8)."""
    at = looks(1000)
    steps = np.diff((0, *at))
    walks = np.cumsum(np.random.default_rng(3).normal(size=(200_000, len(at))) * np.sqrt(steps), axis=1)
    bounds = stats.norm.ppf((1 + np.array(levels(at))) / 2)
    crossed = np.mean((walks / np.sqrt(at) > bounds).any(axis=1))
    assert crossed == pytest.approx(0.94 * 0.025, abs=3 * np.sqrt(0.0235 / 200_000))


def test_a_look_decides_at_its_own_level():
    """A threshold and a margin alike: the interval of the look's level decides."""
    asked = []

    def interval_at(level):
        asked.append(level)
        return Interval(0.0, -0.001, 0.002, level)

    first = plan(40)[0]
    assert decide(Threshold.parse("< 0.5%"), interval_at, first) is Mark.PASS
    assert decide(Threshold.parse("< 0.1%"), interval_at, first) is Mark.OPEN
    assert decide(Threshold.parse("> 0.3%"), interval_at, first) is Mark.FAIL
    assert asked == [first.level] * 3
    assert first.level > 0.97
