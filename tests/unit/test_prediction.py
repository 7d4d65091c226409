"""Intervals for one further run: their probability is that of ranks, whatever the law."""

import numpy as np
import pytest

from simsticky.stats.prediction import fewest_runs, joint_probability, prediction_range


@pytest.mark.parametrize(("level", "wanted"), [(0.95, 39), (0.9, 19), (0.99, 199), (0.5, 3)])
def test_how_many_runs_an_interval_needs(level: float, wanted: int) -> None:
    """A further run is outside all of n with probability 2 / (n + 1)."""
    assert fewest_runs(level) == wanted
    prediction_range(range(wanted), level)
    with pytest.raises(ValueError, match=f"that needs {wanted}"):
        prediction_range(range(wanted - 1), level)


@pytest.mark.parametrize(
    ("n", "k"),
    # The k-th of each side: (n + 1 - 2 k) / (n + 1) is at least 0.95, and with k + 1 it would not be.
    [(39, 1), (78, 1), (79, 2), (99, 2), (119, 3), (199, 5), (1000, 25)],
)
def test_the_ends_are_order_statistics(n: int, k: int) -> None:
    """They hold a further run with the promised probability by counting ranks, and no wider ones are given."""
    found = prediction_range(np.random.default_rng(1).permutation(n) + 1.0)
    assert (found.low, found.high) == (k, n + 1 - k)
    assert (n + 1 - 2 * k) / (n + 1) >= 0.95 > (n + 1 - 2 * (k + 1)) / (n + 1)
    assert found.median == (n + 1) / 2


def test_ties_only_raise_the_probability() -> None:
    """Counts of a Poisson law of mean 2, a thousand times."""
    drawn = np.random.default_rng(2).poisson(2.0, (1000, 40))
    held = sum(prediction_range(row[1:]).holds(row[0]) for row in drawn)
    assert held >= 950


@pytest.mark.parametrize("together", [0.0, 0.95])
def test_the_joint_probability_is_exact(together: float) -> None:
    """If the model holds, a probability of at most j / 40 comes j times in 40, however the figures hang together."""
    luck = np.random.default_rng(3)
    trials, figures = 2000, 8
    common = luck.normal(size=(trials, 40, 1))
    own = luck.normal(size=(trials, 40, figures))
    runs = np.sqrt(together) * common + np.sqrt(1 - together) * own
    found = np.array([joint_probability(run[0], run[1:], [1e-9] * figures) for run in runs])
    assert set(np.round(found * 40, 9)) <= set(range(1, 41))
    for j in (2, 10, 20):
        expected = j / 40
        assert abs((found <= expected + 1e-9).mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / trials)


def test_a_run_that_is_far_out_in_one_figure_is_improbable() -> None:
    """And what differs by less than it is resolved to is not far out."""
    runs = [[10.0 + number % 3, 0.0] for number in range(39)]
    assert joint_probability([30.0, 0.0], runs, [0.5, 0.5]) == 1 / 40
    assert joint_probability([11.0, 5.0], runs, [0.5, 0.5]) == 1 / 40
    assert joint_probability([11.0, 5.0], runs, [0.5, 10.0]) > 0.5
