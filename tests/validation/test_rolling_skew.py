"""Where sessions are after a rolling update without drain support, as scenarios, against the closed forms.

The set-up is that of ``test_rolling_breaks.py``: never-ending sessions that pick again at random before the next step.
The first pod created collects from every step, the last one from its own only. Sessions are independent, so that one
replication with enough of them will do; how many there are is Poisson, and the loads are shares of them.
"""

from functools import cache
from math import sqrt
from typing import Any

import numpy as np
import pytest
from scenario_runs import LARGEST_STANDARD_ERROR, LEVEL, needed, scenario, within
from scipy import stats

import simsticky as ss

Row = dict[str, Any]
Counts = np.ndarray[tuple[int], np.dtype[np.int64]]

_STEP_S = 100.0
"""Of the scenario file: the start-up of a new pod, from one step to the next."""

_THINK_S = 0.95 * _STEP_S
"""Shorter than a step; that is all that the law wants."""

_MOST_REQUESTS = 2_000_000
"""Of a row. One that wants more for a standard error of 2 % of the fullest pod's load has a larger one: every share is
still held to four of its own standard errors; with 100 pods the fullest pod's is 5.4 % of its load.
"""


@cache
def roll_out(pods: int, max_surge: int, max_unavailable: int, sessions: int) -> tuple[Counts, Counts]:
    """Return how many sessions each new pod has after the rollout, by creation, and the breaks of each session."""
    steps = -(-pods // (max_surge + max_unavailable)) + 1
    requests = int(_STEP_S * (steps + 1) / _THINK_S) + 2
    result = ss.simulate(
        scenario(
            "rollout",
            {
                "run.until": _THINK_S * (requests + 1),
                "run.start": "empty",
                "traffic.sessions": {
                    "kind": "piecewise",
                    "steps": [{"from": 0, "rate": sessions / _THINK_S}, {"from": _THINK_S, "rate": 0}],
                },
                "traffic.requests": {"kind": "constant", "value": requests},
                "traffic.think": _THINK_S,
                "deployment.replicas": pods,
                "deployment.maxSurge": max_surge,
                "deployment.maxUnavailable": max_unavailable,
                "timeline.0.at": _THINK_S,
            },
        )
    )
    of_pod = result.sessions["last_pod"].value_counts()
    new = result.pods.loc[result.pods["revision"] > 1, "pod"]
    counts = of_pod[new].to_numpy()
    assert len(new) == pods
    assert counts.sum() == len(result.sessions), "the rollout is over, and every session has moved"
    assert result.sessions["failed"].sum() == 0
    return counts, result.sessions["breaks"].to_numpy()


def figures(counts: Counts) -> dict[str, tuple[float, float]]:
    """Return estimates of the figures of skew without the noise's own share, each with its standard error.

    Pods in the order of their creation have ever smaller shares p, so that their order is known; the sum of p² is
    estimated by the pairs of sessions that are together.
    """
    pods, total = len(counts), int(counts.sum())
    shares = counts / total
    pairs = float((counts * (counts - 1.0)).sum() / (total * (total - 1.0)))
    squares, cubes = (shares**2).sum(), (shares**3).sum()
    pairs_error = sqrt(4 / total * max(0.0, cubes - squares**2) + 2 / total**2 * squares)
    # The derivatives of sqrt(n s - 1) and of 1 / (n s) by s.
    cv = sqrt(max(0.0, pods * pairs - 1))
    weights = pods - 1.0 - 2.0 * np.arange(pods)
    gini = float((weights * shares).sum()) / pods
    gini_error = sqrt((weights**2 * shares).sum() / pods**2 - gini**2) / sqrt(total)

    def load(rank: int) -> tuple[float, float]:
        return float(pods * shares[rank]), pods * sqrt(shares[rank] * (1 - shares[rank]) / total)

    return {
        "max_over_mean": load(0),
        "min_over_mean": load(-1),
        "cv_squared": (cv**2, pods * pairs_error),
        "jain": (1 / (pods * pairs), pairs_error / (pods * pairs**2)),
        "gini": (gini, gini_error),
    }


def check(case: Row, max_surge: int, max_unavailable: int) -> None:
    """Run a row and compare the load of every pod and the figures of skew."""
    pods, fullest = case["n"], case["max_over_mean"]
    steps = -(-pods // (max_surge + max_unavailable)) + 2
    wanted = max(needed(sqrt(pods / fullest - 1), 0.95 * LARGEST_STANDARD_ERROR), 10_000)
    sessions = min(wanted, _MOST_REQUESTS // steps)
    counts, breaks = roll_out(pods, max_surge, max_unavailable, sessions)

    total = int(counts.sum())
    for count, load in zip(counts.tolist(), case["load_by_rank"] or (), strict=case["load_by_rank"] is not None):
        assert stats.binomtest(count, total, load / pods).pvalue > LEVEL
    seen = figures(counts)
    for name in ("max_over_mean", "min_over_mean"):
        count = counts[0 if name == "max_over_mean" else -1]
        assert stats.binomtest(int(count), total, case[name] / pods).pvalue > LEVEL
    if sessions >= wanted:
        assert seen["max_over_mean"][1] <= LARGEST_STANDARD_ERROR * fullest
    assert seen["jain"][1] <= LARGEST_STANDARD_ERROR * case["jain"]
    assert within(seen["jain"][0], case["jain"], seen["jain"][1])
    assert within(seen["cv_squared"][0], case["cv"] ** 2, seen["cv_squared"][1])
    if "gini" in case:
        assert within(seen["gini"][0], case["gini"], seen["gini"][1])
    per_session = case.get("breaks_per_session", fullest)
    assert within(breaks.mean(), per_session, breaks.std() / sqrt(total))


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "rolling_skew_fast", "rows")
def test_pods_of_a_surge_of_one_are_as_uneven_as_the_table_says(case: Row) -> None:
    """One pod after the other: the i-th created pod ends with (1+1/n)^n − (1+1/n)^(i−1) mean loads."""
    check(case, 1, 0)


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "rolling_skew_strategies", "rows")
def test_pods_of_any_strategy_are_as_uneven_as_the_table_says(case: Row) -> None:
    """Surge and unavailable pods decide how uneven the new pods are: a surge of all leaves them even, without a
    surge the last pod gets nobody.
    """
    check(case, case["max_surge"], case["max_unavailable"])
