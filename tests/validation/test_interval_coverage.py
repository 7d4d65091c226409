"""Do the intervals hold what they promise? Thousands of synthetic studies whose sessions share their run's luck.

Each run draws its own probability of a break (beta, with the row's intraclass correlation; the same for all without
one), each of its sessions breaks with it. Pooling such sessions as if they were independent covers the truth in 62-74 %
of the studies where 95 % is promised (``stats.json``).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from synthetic_studies import tails

from simsticky.results.metrics import Metric
from simsticky.stats.intervals import Interval, mean_t, ratio_of_sums, share_interval
from simsticky.study.replicate import estimate_metric

STUDIES = 4000
"""Coverage known to a third of a percent."""

Row = dict[str, Any]


def broken(row: Row, studies: int = STUDIES, seed: int = 2026) -> list[list[int]]:
    """Broken sessions of each run, one list a study."""
    rng = np.random.default_rng(seed)
    p, icc = row["p"], row["icc"]
    size = (studies, row["runs"])
    chances = rng.beta(p * (1 - icc) / icc, (1 - p) * (1 - icc) / icc, size) if icc else np.full(size, p)
    found: list[list[int]] = rng.binomial(row["sessions_per_run"], chances).tolist()
    return found


def coverage(row: Row, make: Callable[[Sequence[int], Sequence[int]], Interval]) -> float:
    """Share of the studies whose interval holds the true share."""
    sizes = [row["sessions_per_run"]] * row["runs"]
    intervals = [make(counts, sizes) for counts in broken(row)]
    ends = np.array([(interval.low, interval.high) for interval in intervals], float)
    return float(np.mean((ends[:, 0] <= row["p"]) & (row["p"] <= ends[:, 1])))


DESIGNS = pytest.mark.table("theory", "stats", "rows", kind="95% CI coverage")


@DESIGNS
def test_shares_are_covered(case: Row) -> None:
    """The interval of a share of correlated sessions covers the truth in 93 to 97 % of 4,000 studies, every design.

    With independent sessions it is never narrower than a binomial one, which covers more where breaks are few.
    """
    assert 0.93 <= coverage(case, share_interval) <= (0.97 if case["icc"] else 1.0)


@DESIGNS
def test_means_over_runs_are_covered(case: Row) -> None:
    """Student's t over runs covers the truth in at least 92 % of the studies of 10 runs, in 93 to 97 % from 30 on."""

    def of_shares(counts: Sequence[int], sizes: Sequence[int]) -> Interval:
        return mean_t([count / size for count, size in zip(counts, sizes, strict=True)])

    for make in (of_shares, ratio_of_sums):
        assert (0.92 if case["runs"] < 30 else 0.93) <= coverage(case, make) <= 0.97


@DESIGNS
def test_correlated_sessions_make_every_interval_wider(case: Row) -> None:
    """A metric's interval is wider, by the square root of the design effect, when sessions share their run's luck."""
    metric = Metric("broken_sessions", "share", "d", "broken", "exposed")
    rng = np.random.default_rng(5)
    sizes = [case["sessions_per_run"]] * case["runs"]

    def width(counts: list[int]) -> float:
        interval = estimate_metric(metric, {"broken": counts, "exposed": sizes}.__getitem__).interval
        assert interval.low is not None
        assert interval.high is not None
        return interval.high - interval.low

    independent = rng.binomial(sizes[0], case["p"], size=(300, case["runs"])).tolist()
    ratio = np.mean([width(counts) for counts in broken(case, 300)]) / np.mean([width(c) for c in independent])
    # Near 0 the interval of independent sessions is never narrower than a binomial one, which costs a little.
    assert ratio == pytest.approx((1 + (sizes[0] - 1) * case["icc"]) ** 0.5, rel=0.15)


@pytest.mark.parametrize(("p", "icc"), [(0.01, 0.05), (0.02, 0.1), (0.005, 0.02)])
def test_rare_breaks_that_come_in_clumps_are_covered(p: float, icc: float) -> None:
    """A few bad runs in thirty: few effective events, so the end that lets a threshold pass is on the safe side."""
    row = {"runs": 30, "sessions_per_run": 200, "p": p, "icc": icc}
    assert 0.95 <= coverage(row, share_interval) <= 0.99


@pytest.mark.table("theory", "stats", "rows", kind="sessions needed")
def test_independent_sessions_need_as_many_as_theory_says(case: Row) -> None:
    """As many sessions as theory asks for reach the half-width; three over p without a break bound it at p."""
    runs, p = 1000, case["p"]
    sizes = [case["n"] // runs + (number < case["n"] % runs) for number in range(runs)]
    counts = np.random.default_rng(4).binomial(sizes, p).tolist()
    interval = share_interval(counts, sizes)
    assert interval.low is not None
    assert interval.high is not None
    assert (interval.high - interval.low) / 2 == pytest.approx(case["rel_half_width"] * p, rel=0.1)
    # The rule of three is a one-sided bound at 95 %, for independent sessions: one a run.
    none = case["rule_of_three_zero_events_n"]
    seen_none = share_interval([0] * none, [1] * none, 0.9).high
    assert seen_none is not None
    assert 0.75 * p <= seen_none <= p


def test_small_runs_and_unequal_sizes_are_covered() -> None:
    """Runs of very different size, as a diurnal load makes them, are covered too."""
    rng = np.random.default_rng(11)
    p, icc, runs = 0.2, 0.02, 30
    a = p * (1 - icc) / icc
    sizes = rng.integers(20, 400, size=(STUDIES, runs))
    counts = rng.binomial(sizes, rng.beta(a, a * (1 - p) / p, size=(STUDIES, runs)))
    intervals = [share_interval(y, x) for y, x in zip(counts.tolist(), sizes.tolist(), strict=True)]
    held = np.mean([i.low is not None and i.high is not None and i.low <= p <= i.high for i in intervals])
    assert 0.93 <= held <= 0.97


GRID = [
    (p, icc, runs) for p in (0.0005, 0.002, 0.01, 0.05) for icc in (0.0, 0.002, 0.005, 0.02) for runs in (10, 30, 100)
]


@pytest.mark.slow
@pytest.mark.parametrize(("p", "icc", "runs"), GRID)
def test_a_rare_share_seldom_seems_smaller_than_it_is(p: float, icc: float, runs: int) -> None:
    """The tail that lets a threshold pass misses at most 3.5 % of 40,000 studies, warned of or not."""
    found = tails(p, icc, runs, 40_000)
    assert found.truth_above <= 0.035
    assert found.truth_below <= 0.035
    if p >= 0.01 and icc <= 0.005 and runs >= 30:
        assert found.few == 0


@pytest.mark.parametrize(
    ("p", "icc", "runs"), [(0.002, 0.002, 30), (0.002, 0.005, 100), (0.002, 0.02, 100), (0.01, 0.02, 10)]
)
def test_the_worst_of_the_grid(p: float, icc: float, runs: int) -> None:
    """Where a t interval lets a threshold pass in 6 to 14 % of the studies."""
    found = tails(p, icc, runs, 20_000)
    assert found.truth_above <= 0.035
    assert found.truth_below <= 0.035


def test_many_studies_at_once_have_the_interval_of_each() -> None:
    """What the grid is measured with is what a study prints."""
    from synthetic_studies import SESSIONS, Sums
    from synthetic_studies import broken as draw

    rows = np.arange(50)
    for p, icc in ((0.0005, 0.02), (0.01, 0.005), (0.5, 0.002)):
        sums = Sums.of(50)
        sums.add(np.random.default_rng(9), p, icc, 12, rows)
        ends = [share_interval(y.tolist(), [SESSIONS] * 12) for y in draw(np.random.default_rng(9), p, icc, (50, 12))]
        low, high, _ = sums.limits(rows, 0.95)
        assert low.tolist() == pytest.approx([interval.low for interval in ends])
        assert high.tolist() == pytest.approx([interval.high for interval in ends])
