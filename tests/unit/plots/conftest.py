"""What the tests of the figures share: a run, a sweep, and no screen."""

import pytest
from matplotlib import pyplot as plt
from small_scenario import small
from sweeps import hand_made

import simsticky as ss


@pytest.fixture(scope="module", autouse=True)
def _without_a_screen():
    """Draw without a window system, and leave no figure open."""
    before = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture(autouse=True)
def _closed():
    """Close what a test drew."""
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def rolled():
    """A rolling update of three pods."""
    return ss.simulate(small())


@pytest.fixture(scope="session")
def sweep():
    """PreStop against drain support."""
    return hand_made()
