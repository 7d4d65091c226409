"""Which of the sessions on a removed pod break: with drain support those that outlast its window, without it all."""

from typing import Any

import pytest
from scenario_runs import LEVEL, needed, operations, scenario
from scipy import stats
from test_scale_down_breaks import serving_window

Row = dict[str, Any]

_ALIVE = 1000.0
"""Mean number of sessions alive, half of them on the pod that is removed."""


def think_law(row: Row) -> dict[str, Any]:
    mean = row["think_mean"]
    return {
        "exponential": {"kind": "exponential", "mean": mean},
        "lognormal": {"kind": "lognormal", "mean": mean, "cv": row["think_cv"]},
        "pareto": {"kind": "pareto", "alpha": row["think_alpha"], "mean": mean},
        "deterministic": {"kind": "constant", "value": mean},
    }[row["think"]]


@pytest.mark.slow
@pytest.mark.table("theory", "break_prob_requests", "rows")
def test_share_broken_of_exposed(case: Row) -> None:
    """Of the sessions on a removed pod, P(R > W) outlast its window W and break, for any law of the think time.

    Where a standard error of 2 % would need more than 3000 exposed sessions (shares below 0.45) it is larger.
    """
    share = case["p_break"]
    of = scenario(
        "scale_down",
        {
            "traffic.sessions.rate": _ALIVE / (case["mean_requests"] - 1) / case["think_mean"],
            "traffic.requests": {"kind": "geometric", "mean": case["mean_requests"]},
            "traffic.think": think_law(case),
            "deployment.replicas": 2,
            "timeline.0.at": 1,
            "timeline.0.replicas": 1,
            **serving_window(case["window"]),
        },
    )
    wanted = min(max(needed(((1 - share) / share) ** 0.5), 1000), 3000)
    exposed = broken = 0
    for row in operations(of, round(1.1 * wanted / (_ALIVE / 2)) + 1):
        assert row["breaks"] == row["broken"]
        assert not row["censored"]
        exposed += row["exposed"]
        broken += row["broken"]

    assert exposed >= wanted
    assert stats.binomtest(broken, exposed, share).pvalue > LEVEL


@pytest.mark.parametrize("pre_stop", [None, "30s"], ids=["no preStop", "preStop 30s"])
def test_without_drain_support_every_exposed_session_breaks_once(pre_stop: str | None) -> None:
    """With drain support off a removed pod's sessions all break, whatever its preStop hook: the target is gone."""
    of = scenario(
        "scale_down",
        {
            "traffic.sessions.rate": 5,
            "traffic.requests": {"kind": "geometric", "mean": 10},
            "traffic.think": {"kind": "exponential", "mean": 7},
            "deployment.preStop": pre_stop,
            "deployment.grace": "60s",
            "kic.enableDrainSupport": False,
        },
    )
    for row in operations(of, 5):
        assert row["exposed"] > 50
        assert row["exposed"] == row["broken"] == row["breaks"] == row["lost"]
        assert row["failed"] == 0
