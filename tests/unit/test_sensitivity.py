"""Sobol indices against closed forms, their intervals, and designs that fill their space."""

import numpy as np
import pytest

from simsticky.stats.sensitivity import latin_hypercube, saltelli, sobol_indices, sobol_points

A, B = 7.0, 0.1
SHARES = {"first": (0.3139, 0.4424, 0.0), "total": (0.5576, 0.4424, 0.2437)}


def ishigami(points):
    """Ishigami and Homma's function on [-pi, pi]^3, whose indices are known exactly."""
    x = np.pi * (2 * points - 1)
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_indices_of_ishigami():
    """4096 base points give the closed form to 0.02, inside the bootstrap's intervals."""
    found = sobol_indices(ishigami(saltelli(4096, 3, seed=7)), 3)
    for at, index in enumerate(found):
        assert index.first.estimate == pytest.approx(SHARES["first"][at], abs=0.02)
        assert index.total.estimate == pytest.approx(SHARES["total"][at], abs=0.02)
        assert index.first.low < SHARES["first"][at] < index.first.high
        assert index.total.low < SHARES["total"][at] < index.total.high


def test_intervals_are_the_quantiles_of_resampled_indices():
    """The ends, by the formulas of Saltelli et al. 2010 and Jansen 1999 on the same resamples, are the same."""
    outputs = ishigami(saltelli(64, 3, seed=7))
    parts = outputs.reshape(5, 64)
    picks = np.random.default_rng(np.random.SeedSequence(60, spawn_key=(60,))).integers(0, 64, (999, 64))
    again = []
    for a, b, *mixed in (parts[:, pick] for pick in picks):
        middle, variance = np.mean([a, b]), np.var([a, b])
        again.append([((b - middle) * (ab - a)).mean() / variance for ab in mixed])
        again[-1] += [((a - ab) ** 2).mean() / 2 / variance for ab in mixed]
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    found = sobol_indices(outputs, 3)
    intervals = [index.first for index in found] + [index.total for index in found]
    assert [interval.low for interval in intervals] == pytest.approx(low.tolist(), rel=1e-12)
    assert [interval.high for interval in intervals] == pytest.approx(high.tolist(), rel=1e-12)


def test_resamples_without_variance_are_left_out():
    """Where A and B agree in all points of a resample there is no share, neither 0 nor infinity."""
    first, _ = sobol_indices(np.array([1.0, 3.0, 1.0, 4.0, 2.0, 4.0, 1.0, 3.0]), 2)
    assert 0 < first.total.low <= first.total.high < np.inf


def test_one_input_brings_about_everything():
    """Of a single input both indices are 1."""
    outputs = saltelli(256, 1, seed=7)[:, 0]
    (index,) = sobol_indices(outputs, 1)
    assert index.first.estimate == pytest.approx(1.0, abs=0.02)
    assert index.total.estimate == pytest.approx(1.0, abs=0.02)


def test_a_constant_has_no_indices():
    """Where nothing varies nothing has a share."""
    (index,) = sobol_indices(np.ones(3 * 8), 1)
    assert index.first.estimate is None


def test_outputs_of_another_design_are_refused():
    """A number of outputs that is no design is a mistake of the caller."""
    with pytest.raises(ValueError, match="no Saltelli design"):
        sobol_indices(np.ones(11), 3)


def test_designs_fill_their_space():
    """A Latin hypercube has one point a slice, a Sobol sequence one a slice of its power of two; seeds repeat."""
    for draw in (latin_hypercube, sobol_points):
        points = draw(16, 3, seed=7)
        assert points.shape == (16, 3)
        for column in points.T:
            assert sorted(np.floor(16 * column).tolist()) == list(range(16))
        assert np.array_equal(points, draw(16, 3, seed=7))
        assert not np.array_equal(points, draw(16, 3, seed=8))


def test_a_saltelli_design_changes_one_input_at_a_time():
    """AB_i is A but for input i, which is B's."""
    points = saltelli(8, 2, seed=7).reshape(4, 8, 2)
    a, b, first, second = points
    assert np.array_equal(first[:, 0], b[:, 0])
    assert np.array_equal(first[:, 1], a[:, 1])
    assert np.array_equal(second[:, 0], a[:, 0])
    assert np.array_equal(second[:, 1], b[:, 1])
