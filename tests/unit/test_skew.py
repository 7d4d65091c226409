"""Load skew: ratios of time integrals, against the slow and obvious computation."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow_skew import known, slow_figures

from simsticky.stats.skew import TICKS_PER_S, SkewTotals, ticks

_TICKS = st.floats(0.01, 100.0).map(lambda seconds: round(seconds * TICKS_PER_S))


def lasting(*seconds: float) -> np.ndarray:
    """Return how long steps last, as the totals want it."""
    return np.array([round(of * TICKS_PER_S) for of in seconds])


@st.composite
def _stretches(draw: st.DrawFn) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return one or two stretches of piecewise-constant loads, of up to nine pods, as (pods, steps) and nanoseconds."""
    pods = draw(st.integers(1, 9))
    stretches = []
    for steps in draw(st.lists(st.integers(1, 5), min_size=1, max_size=2)):
        of_a_pod = st.lists(st.integers(0, 7), min_size=steps, max_size=steps)
        loads = draw(st.lists(of_a_pod, min_size=pods, max_size=pods))
        durations = draw(st.lists(_TICKS, min_size=steps, max_size=steps))
        stretches.append((np.array(loads), np.array(durations)))
    return stretches


@given(_stretches())
def test_figures_agree_with_the_slow_computation(stretches: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Every figure of load skew is that of the slow computation, for few pods and many, over several stretches.

    See rule L3.
    """
    totals = SkewTotals()
    steps = []
    for loads, durations in stretches:
        part = SkewTotals()
        part.add(loads, durations)
        totals.merge(part)
        steps += [(loads[:, step].tolist(), of / TICKS_PER_S) for step, of in enumerate(durations.tolist())]
    assert known(totals.figures()) == pytest.approx(slow_figures(steps), rel=1e-9, abs=1e-7)


def test_equal_loads_have_no_skew() -> None:
    """With equal load max/mean and Jain are 1, and Gini and CV are 0."""
    totals = SkewTotals()
    totals.add(np.full((4, 2), 3), lasting(1.0, 9.0))
    figures = totals.figures()
    assert figures["max_to_mean"] == figures["min_to_mean"] == figures["jain"] == figures["peak"] == 1.0
    assert figures["cv"] == figures["gini"] == figures["time_above_1_2_s"] == 0.0


def test_everything_on_one_of_three() -> None:
    """With all load on one pod max/mean is the number of pods, and Jain its inverse."""
    totals = SkewTotals()
    totals.add(np.array([[6], [0], [0]]), lasting(2.0))
    figures = totals.figures()
    assert figures["max_to_mean"] == figures["peak"] == 3.0
    assert figures["jain"] == pytest.approx(1 / 3)
    assert figures["gini"] == pytest.approx(2 / 3)
    assert figures["time_above_1_5_s"] == 2.0


def test_busy_minutes_weigh_more_than_quiet_ones() -> None:
    """Ten sessions on two pods, then one on one of them."""
    totals = SkewTotals()
    totals.add(np.array([[5, 1], [5, 0]]), lasting(60.0, 60.0))
    assert totals.figures()["max_to_mean"] == pytest.approx((5 + 1) / (5 + 0.5))


@pytest.mark.parametrize("loads", [np.zeros((3, 1), int), np.zeros((0, 1), int)])
def test_empty_is_missing(loads: np.ndarray) -> None:
    """Without load, or without pods, a figure is None and never 1 (rule L3)."""
    totals = SkewTotals()
    totals.add(loads, lasting(10.0))
    assert set(totals.figures().values()) == {None}


def test_copy_is_independent() -> None:
    """A copy does not change with what is added later."""
    totals = SkewTotals()
    totals.add(np.array([[1], [2]]), lasting(1.0))
    copy = totals.copy()
    totals.add(np.array([[9], [0]]), lasting(1.0))
    assert copy.figures()["peak"] == pytest.approx(4 / 3)


@given(_stretches(), st.randoms(use_true_random=False), st.integers(0, 40))
def test_order_pieces_and_size_are_seen_in_no_bit(
    stretches: list[tuple[np.ndarray, np.ndarray]], random: Random, bits: int
) -> None:
    """Steps in another order, each cut in two, or one at a time give the same sums, also beyond 64 bits."""
    whole, mixed, pieces = SkewTotals(), SkewTotals(), []
    for loads, durations in stretches:
        whole.add(loads << min(bits, 25), durations << max(0, bits - 25))
        for step, of in enumerate(durations.tolist()):
            first = random.randint(0, of)
            pieces += [(loads[:, [step]], first), (loads[:, [step]], of - first)]
    for loads, of in random.sample(pieces, len(pieces)):
        mixed.add(loads << min(bits, 25), np.array([of]) << max(0, bits - 25))
    assert mixed == whole


def test_steps_are_timed_in_whole_nanoseconds() -> None:
    """What is between two times is the same however it is cut."""
    assert ticks(np.array([0.1, 0.3, 1e6])).tolist() == [200_000_000, 10**15 - 300_000_000]
    cut = np.cumsum(np.random.default_rng(1).random(999) * 7)
    assert ticks(cut).sum() == ticks(cut[[0, -1]]).sum()
