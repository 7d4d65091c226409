"""How uneven pods are after a scale-up, as scenarios, against the closed forms.

New pods start empty and take their share of new sessions only. The sessions that were there stay where they are until
they end, which is the residual life R. On pods without any choice by load the numbers of sessions are Poisson.
"""

from typing import Any

import pytest
from scenario_runs import LEVEL, needed, poisson, scenario
from scipy import stats

import simsticky as ss

Row = dict[str, Any]

_LIFE_S = 300.0
"""Mean length of a session in the table of skews, whose rows do not say it but for their ``residual_tail``."""

_LAWS: dict[str, dict[str, Any]] = {
    "exponential": {"kind": "exponential"},
    "lognormal": {"kind": "lognormal", "cv": 2},
    "pareto": {"kind": "pareto", "alpha": 2.5},
}


def loads_after(old: int, new: int, law: dict[str, Any], after_s: float, alive: int) -> tuple[int, int]:
    """Return the sessions on the old pods and on the new ones so long after the scale-up."""
    at_s = 1.0
    result = ss.simulate(
        scenario(
            "scale_up",
            {
                "run.until": at_s + max(after_s, 1e-6),  # what happens at the very end of a run is no part of it
                "traffic.sessions.rate": alive / law["mean"],
                "traffic.think": law,
                "deployment.replicas": old,
                "timeline.0.at": at_s,
                "timeline.0.replicas": old + new,
            },
        )
    )
    created_s = result.pods.set_index("pod")["created_s"]
    assert (created_s > 0).sum() == new
    sessions = result.load.groupby("pod", observed=True)["sessions"].last()
    assert result.sessions["breaks"].sum() == 0
    return int(sessions[created_s.index[created_s <= 0]].sum()), int(sessions[created_s.index[created_s > 0]].sum())


def check(
    old: int, new: int, law: dict[str, Any], after_s: float, old_load: float, new_load: float, standard_error: float
) -> None:
    """Compare the loads of old and of new pods, in units of the mean load; ``standard_error`` is in them, too."""
    pods = old + new
    # A load, as the mean of k pods, is Poisson over k times alive / pods.
    alive = max(
        needed((pods * load / number) ** 0.5, standard_error) for load, number in ((old_load, old), (new_load, new))
    )
    on_old, on_new = loads_after(old, new, law, after_s, alive)
    unit = alive / pods
    assert poisson(on_old, old * old_load * unit)
    assert poisson(on_new, new * new_load * unit)
    # The share of the new pods, which knows nothing of how many sessions there are.
    share = new * new_load / pods
    assert stats.binomtest(on_new, on_old + on_new, share).pvalue > LEVEL


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "scale_up_skew", "rows")
def test_new_pods_fill_up_as_the_old_sessions_end(case: Row) -> None:
    """Old pods hold 1 + (k/n)·P(R > t) mean loads, new ones 1 − P(R > t): blind picks do not balance.

    Their standard errors are 2 % of the mean load. The fullest load and the variation between the pods' means follow.
    """
    old, new = case["n"], case["k"]
    law = {**_LAWS[case["law"]], "mean": _LIFE_S}
    check(old, new, law, case["t"], case["old_over_mean"], case["new_over_mean"], 0.02)


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "rebalance_time", "rows")
def test_pods_are_even_after_the_rebalance_time(case: Row) -> None:
    """After the table's time the old pods are ``eps`` above the mean, under blind picks.

    The loads are known to 4 % of the mean; that the times are those of the closed form is held to the table in
    ``tests/conformance``.
    """
    if "eps" not in case:
        pytest.skip("no algorithm here gives a new session to the pod with the fewest sessions")
    old, new, eps = case["n"], case["k"], case["eps"]
    law = {"kind": case["law"], "mean": case["L"], **({"cv": case["cv"]} if case["law"] == "lognormal" else {})}
    check(old, new, law, case["rebalance_time"], 1 + eps, 1 - eps * old / new, 0.04)
