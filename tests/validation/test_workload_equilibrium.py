"""Sessions alive at an equilibrium start against closed forms.

Whatever the policy, an open workload is an M/G/∞ queue of sessions: the number alive is Poisson, lives are
length-biased. All comparisons at 4 standard errors, with fixed seeds.
"""

import json
from functools import cache
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from simsticky.scenario.model import Scenario
from simsticky.workload import AliveBlock, Workload

WITHIN = stats.norm.sf(4) * 2  # the two-sided level of 4 standard errors

THINKS: dict[str, Any] = {
    "exponential": {"kind": "exponential", "mean": 7},
    "lognormal": {"kind": "lognormal", "mean": 7, "cv": 2},
    "deterministic": 7,
    "pareto": {"kind": "pareto", "alpha": 2.5, "mean": 7},
}
GEOMETRIC = {"kind": "geometric", "mean": 10}


def workload(rate: float, replication: int = 0, **traffic: Any) -> Workload:
    traffic |= {"sessions": {"kind": "poisson", "rate": rate}, "service": "0s"}
    scenario = {"schema": "simsticky/1", "name": "test", "traffic": traffic}
    return Workload(Scenario.model_validate(scenario), 11, replication)


def alive(rate: float, replication: int = 0, **traffic: Any) -> AliveBlock:
    block = workload(rate, replication, **traffic).alive()
    assert block is not None
    return block


def remaining_life(block: AliveBlock) -> NDArray[np.float64]:
    """Time from 0 to each session's last request, service left out."""
    sums = np.add.reduceat(np.array(block.think_s), block.offset[:-1])
    return np.array(block.start_s) + sums


def remaining_requests(block: AliveBlock) -> NDArray[np.int64]:
    return np.diff(block.offset)


def assert_mean(values: Any, expected: float) -> None:
    values = np.asarray(values, dtype=float)
    assert abs(values.mean() - expected) <= 4 * values.std() / sqrt(values.size)


def assert_poisson(counts: list[int], mean: float) -> None:
    """Mean within 4 standard errors of the law; index of dispersion within chi-square bounds."""
    assert abs(np.mean(counts) - mean) <= 4 * sqrt(mean / len(counts))
    dispersion = np.var(counts, ddof=1) * (len(counts) - 1) / mean
    assert stats.chi2.ppf(WITHIN / 2, len(counts) - 1) < dispersion < stats.chi2.isf(WITHIN / 2, len(counts) - 1)


def rounded_mean_gaps(law: stats.rv_continuous) -> float:
    """E[max(round(X), 1)] − 1 from a distribution function: Σ P(round(X) > k) over k ≥ 1."""
    return float(law.sf(np.arange(1, 20_000) + 0.5).sum())


@pytest.mark.parametrize("think", THINKS)
def test_number_alive_is_poisson(think: str) -> None:
    """Alive at 0: Poisson of mean λ(1/p − 1)·E[think], for any think law (rule W5)."""
    counts = [len(alive(0.5, rep, requests=GEOMETRIC, think=THINKS[think])) for rep in range(200)]
    assert_poisson(counts, 0.5 * 9 * 7)


LOGNORMAL_SIGMA = sqrt(np.log(2))


@pytest.mark.parametrize(
    ("requests", "gaps"),
    [
        (5, 4.0),
        ({"kind": "geometric", "mean": 1.2}, 0.2),
        ({"kind": "empirical", "values": [1, 2, 50], "weights": [6, 3, 1]}, 5.2),
        (
            {"kind": "lognormal", "mean": 3, "cv": 1},
            rounded_mean_gaps(stats.lognorm(LOGNORMAL_SIGMA, scale=3 / sqrt(2))),
        ),
        ({"kind": "uniform", "low": 0, "high": 4}, rounded_mean_gaps(stats.uniform(0, 4))),
    ],
    ids=["constant", "geometric", "empirical", "lognormal", "uniform"],
)
def test_number_alive_for_any_count_law(requests: Any, gaps: float) -> None:
    """The mean number of gaps is right for every law of requests, also after rounding continuous ones."""
    rate = 40 / gaps / 7
    assert_poisson([len(alive(rate, rep, requests=requests, think=7)) for rep in range(200)], 40.0)


def test_number_alive_for_session_durations() -> None:
    """Alive at 0: Poisson of mean λ·E[D], with or without requests inside."""
    duration = {"kind": "lognormal", "mean": 300, "cv": 2}
    for inside in ({}, {"think": 20}):
        assert_poisson([len(alive(0.1, rep, sessionDuration=duration, **inside)) for rep in range(200)], 30.0)


def test_geometric_and_exponential_forget() -> None:
    """Memoryless: residual gap exponential, requests to come and made geometric, age like remaining life."""
    block = alive(1000, requests=GEOMETRIC, think=THINKS["exponential"])
    assert stats.kstest(block.start_s, stats.expon(scale=7).cdf).pvalue > WITHIN
    assert stats.kstest(remaining_life(block), stats.expon(scale=70).cdf).pvalue > WITHIN
    assert stats.kstest(block.age_s, stats.expon(scale=70).cdf).pvalue > WITHIN
    law = stats.geom(0.1)
    for requests in (remaining_requests(block), np.array(block.request_before)):
        observed = np.bincount(np.minimum(requests, 40), minlength=41)[1:]
        expected = len(block) * np.append(law.pmf(np.arange(1, 40)), law.sf(39))
        assert stats.chisquare(observed, expected).pvalue > WITHIN
    together = stats.pearsonr(remaining_requests(block), block.request_before)
    assert together.pvalue > WITHIN


def test_deterministic_gaps_and_counts() -> None:
    """Five requests 7 s apart: uniform in the gap, one to four requests to come alike, all adding up."""
    block = alive(1000, requests=5, think=7)
    assert stats.kstest(block.start_s, stats.uniform(0, 7).cdf).pvalue > WITHIN
    to_come = remaining_requests(block)
    assert np.all(to_come + block.request_before == 5)
    assert stats.chisquare(np.bincount(to_come)[1:]).pvalue > WITHIN
    assert remaining_life(block) + block.age_s == pytest.approx(np.full(len(block), 28.0))


def test_length_bias_of_counts() -> None:
    """Sessions of 50 requests among those of 2 are met in proportion to number × gaps (rule W5)."""
    requests = {"kind": "empirical", "values": [1, 2, 50], "weights": [6, 3, 1]}
    block = alive(500, requests=requests, think=7)
    long = remaining_requests(block) + block.request_before == 50
    assert_mean(long, 49 / 52)


def test_jars_are_not_biased() -> None:
    """Sessions alive at 0 keep cookies as often as any other."""
    block = alive(1000, requests=GEOMETRIC, think=7, cookies={"keep": 0.7})
    assert_mean(block.has_jar, 0.7)


def law_of(row: dict[str, Any], kind: str, prefix: str) -> Any:
    mean = row[f"{prefix}mean"]
    laws: dict[str, Any] = {
        "deterministic": mean,
        "exponential": {"kind": "exponential", "mean": mean},
        "lognormal": {"kind": "lognormal", "mean": mean, "cv": row[f"{prefix}cv"]},
        "pareto": {"kind": "pareto", "mean": mean, "alpha": row[f"{prefix}alpha"]},
        "weibull": {"kind": "weibull", "mean": mean, "shape": row.get("k")},
    }
    return laws[kind]


@cache
def lives(rate: float, traffic: str) -> NDArray[np.float64]:
    """Remaining lives of one sample, which serves for all windows of a law."""
    return remaining_life(alive(rate, **json.loads(traffic)))


def assert_tail(found: NDArray[np.float64], row: dict[str, Any]) -> None:
    p = row["p_break"]
    # A session whose last request falls on the window's end to the last bit is on neither side of it.
    assert abs(np.mean(found > row["window"]) - p) <= 4 * sqrt(p * (1 - p) / found.size) + 1e-9


@pytest.mark.table("theory", "break_prob_lifetime", "rows")
def test_remaining_life_of_session_durations(case: dict[str, Any]) -> None:
    """P(R > W) for every law and window of the table: two requests a session, the duration between them."""
    traffic = {"sessionDuration": law_of(case, case["law"], "")}
    assert_tail(lives(25_000 / case["mean"], json.dumps(traffic)), case)


@pytest.mark.table("theory", "break_prob_requests", "rows")
def test_remaining_life_of_requests(case: dict[str, Any]) -> None:
    """P(R > W) for every think law, number of requests and window of the table."""
    mean_requests = case["mean_requests"]
    traffic = {
        "requests": {"kind": "geometric", "mean": mean_requests},
        "think": law_of(case, case["think"], "think_"),
    }
    rate = 10_000 / ((mean_requests - 1) * case["think_mean"])
    assert_tail(lives(rate, json.dumps(traffic)), case)


def test_requests_inside_a_duration() -> None:
    """Exponential D with exponential gaps inside: the next request is at the lesser of the two."""
    block = alive(200, sessionDuration={"kind": "exponential", "mean": 60}, think={"kind": "exponential", "mean": 20})
    assert stats.kstest(remaining_life(block), stats.expon(scale=60).cdf).pvalue > WITHIN
    assert stats.kstest(block.start_s, stats.expon(scale=15).cdf).pvalue > WITHIN
    made_of_age = stats.pearsonr(block.age_s, block.request_before)
    assert made_of_age.statistic > 0.5
    assert_mean(np.array(block.request_before) - np.array(block.age_s) / 20, 1.0)


def test_requests_inside_a_fixed_duration() -> None:
    """Gaps of 4 s in a life of 10 s: requests at 0, 4, 8, 10, and the age says which were made."""
    block = alive(500, sessionDuration=10, think=4)
    age = np.array(block.age_s)
    made = np.searchsorted([0.0, 4.0, 8.0], age, side="right")
    assert block.request_before == made.tolist()
    assert block.start_s == pytest.approx((np.array([0.0, 4.0, 8.0, 10.0])[made] - age).tolist())
    assert remaining_life(block) + age == pytest.approx(np.full(len(block), 10.0))


def test_equilibrium_lasts() -> None:
    """With those alive at 0 and those who arrive, the number alive stays Poisson of the same mean."""
    law = {"kind": "lognormal", "mean": 6, "cv": 1}
    counts = []
    for replication in range(200):
        run = workload(1.0, replication, requests=law, think=THINKS["lognormal"])
        block = run.alive()
        assert block is not None
        number = int(np.count_nonzero(remaining_life(block) > 30.0))
        for arrived in run.arrivals():
            sums = np.add.reduceat(np.array(arrived.think_s), arrived.offset[:-1])
            start = np.array(arrived.start_s)
            number += int(np.count_nonzero((start <= 30.0) & (start + sums > 30.0)))
            if arrived.start_s[-1] > 30.0:
                break
        counts.append(number)
    gaps = rounded_mean_gaps(stats.lognorm(LOGNORMAL_SIGMA, scale=6 / sqrt(2)))
    assert_poisson(counts, gaps * 7)


def test_time_varying_rates_start_from_their_rate_at_zero() -> None:
    """The equilibrium is that of λ(0): of the first step, or of the hour of the day."""
    processes = [
        {"kind": "piecewise", "steps": [{"from": "0s", "rate": 500}, {"from": "1m", "rate": 1}]},
        {"kind": "diurnal", "mean": 1000, "amplitude": 0.5, "peakAt": "12h"},
    ]
    for sessions in processes:
        traffic = {"sessions": sessions, "requests": GEOMETRIC, "think": 7}
        scenario = {"schema": "simsticky/1", "name": "test", "traffic": traffic}
        block = Workload(Scenario.model_validate(scenario), 5, 0).alive()
        assert block is not None
        assert abs(len(block) - 31_500) <= 4 * sqrt(31_500)


def windows(sessions: dict[str, Any], edges: list[float], replications: int = 60) -> NDArray[np.int64]:
    """Arrivals per replication and window."""
    traffic = {"sessions": sessions, "requests": 1, "service": "0s"}
    scenario = Scenario.model_validate(
        {"schema": "simsticky/1", "name": "test", "traffic": traffic, "run": {"start": "empty"}}
    )
    found = []
    for replication in range(replications):
        starts: list[float] = []
        for block in Workload(scenario, 3, replication).arrivals():
            starts += block.start_s
            if starts[-1] > edges[-1]:
                break
        found.append(np.histogram(starts, edges)[0])
    return np.array(found)


@pytest.mark.parametrize(
    ("sessions", "edges", "means"),
    [
        ({"kind": "poisson", "rate": 2}, [0, 10, 40, 100], [20, 60, 120]),
        (
            {
                "kind": "piecewise",
                "steps": [{"from": 0, "rate": 3}, {"from": 20, "rate": 0}, {"from": 30, "rate": 0.5}],
            },
            [0, 10, 20, 30, 90],
            [30, 30, 0, 30],
        ),
        (
            {"kind": "diurnal", "mean": 2, "amplitude": 1, "period": 100, "peakAt": 25},
            [0, 50, 100, 150],
            [100 + 200 / np.pi, 100 - 200 / np.pi, 100 + 200 / np.pi],
        ),
    ],
    ids=["poisson", "piecewise", "diurnal"],
)
def test_arrivals_per_window(sessions: dict[str, Any], edges: list[float], means: list[float]) -> None:
    """Counts of windows are Poisson of the integrated rate, and independent of each other (rule W1)."""
    found = windows(sessions, edges)
    for counts, mean in zip(found.T, means, strict=True):
        if mean == 0:
            assert counts.sum() == 0
        else:
            assert_poisson(counts.tolist(), mean)
    busy = found[:, np.array(means) > 0]
    for one, other in pairwise(busy.T):
        assert stats.pearsonr(one, other).pvalue > WITHIN


def test_gaps_between_arrivals_are_exponential() -> None:
    """Across the borders of blocks too."""
    run = workload(2.0, requests=1)
    starts: list[float] = []
    for block in run.arrivals():
        starts += block.start_s
        if len(starts) > 5000:
            break
    assert stats.kstest(np.diff(starts), stats.expon(scale=0.5).cdf).pvalue > WITHIN
