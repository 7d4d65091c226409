"""Breaks of sessions with a law of their length, as scenarios, against P(R > W) of the residual life.

The window W is what a removed pod serves for: told directly, or made up of preStop, grace period and what the
application does after SIGTERM.
"""

from typing import Any

import pytest
from scenario_runs import LEVEL, needed, operations, poisson, scenario
from scipy import stats
from test_scale_down_breaks import serving_window

Row = dict[str, Any]

_ALIVE = 1500.0
"""Mean number of sessions alive, nine in ten of them on the pods that are removed."""

_STANDARD_ERROR = 0.04
"""Of the breaks of the guide's scenarios: 600 of them."""


def duration_law(row: Row) -> dict[str, Any]:
    """Return the law of a session's length."""
    mean = row.get("mean") or row["L"]
    return {
        "exponential": {"kind": "exponential", "mean": mean},
        "lognormal": {"kind": "lognormal", "mean": mean, "cv": row["cv"]},
        "pareto": {"kind": "pareto", "mean": mean, "alpha": row.get("alpha")},
        "weibull": {"kind": "weibull", "mean": mean, "shape": row.get("k")},
        "deterministic": {"kind": "constant", "value": mean},
    }[row["law"]]


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "break_prob_lifetime", "rows")
def test_share_of_sessions_that_outlast_the_window(case: Row) -> None:
    """Of the sessions on removed pods P(R > W) break, whatever the law of their length, and all of them if W is 0.

    About 1350 exposed sessions a row: a standard error of 2 % for shares above 0.65, a larger one below.
    """
    of = scenario(
        "scale_down",
        {
            "traffic.sessions.rate": _ALIVE / case["mean"],
            "traffic.think": duration_law(case),
            "deployment.replicas": 10,
            "timeline.0.at": 1,
            "timeline.0.replicas": 1,
            **serving_window(case["window"]),
        },
    )
    (row,) = operations(of, 1)
    assert row["breaks"] == row["broken"]
    assert not row["censored"]
    assert row["exposed"] > 1000
    assert stats.binomtest(row["broken"], row["exposed"], case["p_break"]).pvalue > LEVEL


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "seed_scenarios", "rows")
def test_breaks_of_the_guides_scale_down(case: Row) -> None:
    """Three pods to two: preStop, grace period and the application's own end make the window, with drain support;
    without it there is none, since the gateway hears of the deletion at once.
    """
    if case["kind"] != "scale 3->2":
        pytest.skip(f"held to the closed form in tests/conformance: {case['kind']}")
    expected, after_s = case["expected_breaks"], case["serve_after_term"]
    of = scenario(
        "scale_down",
        {
            "traffic.sessions.rate": case["alive_total"] / case["L"],
            "traffic.think": duration_law(case),
            "app.onSigterm": {"listener": "keep", "exit": {"after": f"{after_s}s"}},
            "deployment.preStop": f"{case['pre_stop']}s" if case["pre_stop"] else None,
            "deployment.grace": f"{case['grace']}s",
            "kic.enableDrainSupport": case["drain"],
        },
    )
    number = needed(expected**-0.5, _STANDARD_ERROR)
    rows = list(operations(of, number))
    assert all(row["breaks"] == row["broken"] for row in rows)
    assert not any(row["censored"] for row in rows)
    breaks = sum(row["breaks"] for row in rows)
    assert poisson(breaks, number * expected)
    exposed = sum(row["exposed"] for row in rows)
    assert stats.binomtest(breaks, exposed, case["p_break"]).pvalue > LEVEL
