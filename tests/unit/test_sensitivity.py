"""Sobol indices against closed forms and SciPy, and designs that fill their space."""

import numpy as np
import pytest
from scipy.stats import sobol_indices as scipy_indices

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


def test_indices_agree_with_scipy():
    """On the same outputs the indices are SciPy's, but for the noise that centring takes away."""
    outputs = ishigami(saltelli(1024, 3, seed=7))
    a, b, *mixed = outputs.reshape(5, 1024)
    parts = {"f_A": a[None], "f_B": b[None], "f_AB": np.array(mixed)[:, None]}
    theirs = scipy_indices(func=parts, n=1024)
    ours = sobol_indices(outputs, 3)
    assert [index.total.estimate for index in ours] == pytest.approx(theirs.total_order.ravel().tolist(), abs=0.01)
    assert [index.first.estimate for index in ours] == pytest.approx(theirs.first_order.ravel().tolist(), abs=0.03)


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
