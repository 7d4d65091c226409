"""Load skew: ratios of time integrals, against the slow and obvious computation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow_skew import known, slow_figures

from simsticky.stats.skew import SkewTotals

_SECONDS = st.floats(0.01, 100.0)


@st.composite
def _stretches(draw: st.DrawFn) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return one or two stretches of piecewise-constant loads, of up to nine pods, as (pods, steps) and seconds."""
    pods = draw(st.integers(1, 9))
    stretches = []
    for steps in draw(st.lists(st.integers(1, 5), min_size=1, max_size=2)):
        of_a_pod = st.lists(st.integers(0, 7), min_size=steps, max_size=steps)
        loads = draw(st.lists(of_a_pod, min_size=pods, max_size=pods))
        seconds = draw(st.lists(_SECONDS, min_size=steps, max_size=steps))
        stretches.append((np.array(loads, dtype=np.float64), np.array(seconds)))
    return stretches


@given(_stretches())
def test_figures_agree_with_the_slow_computation(stretches: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Protects every figure of load skew, for few pods (pairs) and many (order statistics), over several stretches."""
    totals = SkewTotals()
    steps = []
    for loads, seconds in stretches:
        part = SkewTotals()
        part.add(loads, seconds)
        totals.merge(part)
        steps += [(loads[:, step].tolist(), float(seconds[step])) for step in range(len(seconds))]
    assert known(totals.figures()) == pytest.approx(slow_figures(steps), rel=1e-9, abs=1e-7)


def test_equal_loads_have_no_skew() -> None:
    """Protects the best case: max/mean 1, Gini and CV 0, Jain 1."""
    totals = SkewTotals()
    totals.add(np.full((4, 2), 3.0), np.array([1.0, 9.0]))
    figures = totals.figures()
    assert figures["max_to_mean"] == figures["min_to_mean"] == figures["jain"] == figures["peak"] == 1.0
    assert figures["cv"] == figures["gini"] == figures["time_above_1_2_s"] == 0.0


def test_everything_on_one_of_three() -> None:
    """Protects the worst case: max/mean is the number of pods, Jain its inverse."""
    totals = SkewTotals()
    totals.add(np.array([[6.0], [0.0], [0.0]]), np.array([2.0]))
    figures = totals.figures()
    assert figures["max_to_mean"] == figures["peak"] == 3.0
    assert figures["jain"] == pytest.approx(1 / 3)
    assert figures["gini"] == pytest.approx(2 / 3)
    assert figures["time_above_1_5_s"] == 2.0


def test_busy_minutes_weigh_more_than_quiet_ones() -> None:
    """Protects ratios of integrals against averages of ratios: ten sessions on two pods, then one on one of them."""
    totals = SkewTotals()
    totals.add(np.array([[5.0, 1.0], [5.0, 0.0]]), np.array([60.0, 60.0]))
    assert totals.figures()["max_to_mean"] == pytest.approx((5 + 1) / (5 + 0.5))


@pytest.mark.parametrize("loads", [np.zeros((3, 1)), np.zeros((0, 1))])
def test_empty_is_missing(loads: np.ndarray) -> None:
    """Protects missing values: no load, or no pod, is None and never 1."""
    totals = SkewTotals()
    totals.add(loads, np.array([10.0]))
    assert set(totals.figures().values()) == {None}


def test_copy_is_independent() -> None:
    """Protects snapshots from what is added later."""
    totals = SkewTotals()
    totals.add(np.array([[1.0], [2.0]]), np.array([1.0]))
    copy = totals.copy()
    totals.add(np.array([[9.0], [0.0]]), np.array([1.0]))
    assert copy.figures()["peak"] == pytest.approx(4 / 3)
