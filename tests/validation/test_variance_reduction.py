"""Estimates with less variance against closed forms: as unbiased as the plain ones, and as much narrower as they say.

A scale-down breaks Poisson(k m / n P(R > W)) sessions. Its control variate is the number alive, of which the broken
ones are a part q = k / n P(R > W): the variance is divided by 1 / (1 - q). The conditional expectation's gain for
lognormal lengths is a row of ``stats.json``.
"""

from typing import Any

import numpy as np
import pytest
from scenario_runs import scenario

import simsticky as ss
from simsticky.simulate import simulate
from simsticky.stats.control_variates import controlled_mean
from simsticky.study.replicate import Study
from simsticky.study.variance import ALIVE, EXPECTED, WithVarianceReduction, mean_alive, reduced, why_not_rare

MEAN_S, ALIVE_SESSIONS = 300.0, 100.0
GEOMETRIC: dict[str, Any] = {
    "traffic.requests": {"kind": "geometric", "mean": 10},
    "traffic.think": {"kind": "exponential", "mean": 7},
    "traffic.sessions.rate": 1,
}
"""Sessions of ten requests that are over after 70 s of thinking on average."""


def studied(n: int, window_s: float, **changes: Any) -> Study:
    """Take away nine of ten pods that serve for a window, with what the reduced estimates are made of."""
    of = scenario(
        "scale_down",
        {
            "deployment.replicas": 10,
            "timeline.0.replicas": 1,
            "traffic.sessions.rate": ALIVE_SESSIONS / MEAN_S,
            "deployment.preStop": f"{window_s:g}s" if window_s else None,
            "deployment.grace": f"{window_s + 2:g}s",
            "run.horizon": "100000h",
            **changes,
        },
    )
    return ss.replicate(of, n, simulate=WithVarianceReduction(simulate))


@pytest.mark.slow
@pytest.mark.table("theory", "stats", "rows", kind="control variate: alive count")
def test_the_control_variate_is_unbiased_and_worth_what_theory_says(case: dict[str, Any]) -> None:
    """Sixty studies of ten runs corrected for the number alive agree with theory; the variance falls as it says.

    Nine in ten pods go, so a share p of the sessions alive breaks where 1 / 0.9 of it outlasts the window.
    """
    window_s = round(MEAN_S * np.log(0.9 / case["p"]))
    p = 0.9 * np.exp(-window_s / MEAN_S)
    study = studied(600, window_s)
    breaks, alive = study.replications.column("breaks"), study.replications.column(ALIVE)
    expected = mean_alive(study.scenario)
    assert expected == pytest.approx(ALIVE_SESSIONS)
    small = [controlled_mean(breaks[at : at + 10], alive[at : at + 10], expected).estimate for at in range(0, 600, 10)]
    estimates = np.array(small, float)
    assert abs(estimates.mean() - p * ALIVE_SESSIONS) <= 4 * estimates.std(ddof=1) / 60**0.5
    by_metric = {reduction.metric: reduction for reduction in reduced(study)}
    ratio = by_metric["breaks"].variance_ratio
    assert ratio == pytest.approx(1 / (1 - p), rel=0.3)  # a ratio of 600 pairs is known to about 8 %
    assert case["variance_reduction"] == pytest.approx(1 / (1 - p), rel=0.02)


@pytest.mark.slow
@pytest.mark.table("theory", "stats", "rows", kind="conditional MC on age (lognormal)")
def test_the_conditional_expectation_is_unbiased_and_worth_what_theory_says(case: dict[str, Any]) -> None:
    """Breaks expected from each session's age agree with theory and with the counted ones, and vary far less."""
    law = {"kind": "lognormal", "mean": case["L"], "cv": case["cv"]}
    changes = {
        "traffic.sessionDuration": law,
        "traffic.think": None,
        "traffic.sessions.rate": ALIVE_SESSIONS / case["L"],
    }
    study = studied(400, case["window"], **changes)
    (share,) = [reduction for reduction in reduced(study) if reduction.metric == "broken_sessions"]
    low, high, estimate = share.reduced.low, share.reduced.high, share.reduced.estimate
    assert low is not None
    assert high is not None
    assert estimate is not None
    assert abs(estimate - case["p"]) <= 4 * (high - low) / 2 / 1.966
    # Two variances of 400 replications each: their ratio is known to 10 %.
    assert share.variance_ratio == pytest.approx(case["variance_reduction"], rel=0.4)


@pytest.mark.slow
def test_clients_without_cookies_are_not_exposed() -> None:
    """They are bound to no pod; of those that keep cookies as many break as without them."""
    study = studied(60, 60.0, **{**GEOMETRIC, "traffic.cookies.keep": 0.8, "traffic.sessions.rate": 4})
    assert all(value is not None for value in study.replications.column(EXPECTED))
    (share,) = [reduction for reduction in reduced(study) if reduction.metric == "broken_sessions"]
    assert share.reduced.estimate == pytest.approx(np.exp(-60 / 70))
    assert share.plain.low is not None
    assert share.plain.high is not None
    assert share.plain.low < np.exp(-60 / 70) < share.plain.high


def test_several_operations_are_refused() -> None:
    """Whose break it is, and how long a pod's window, would depend on both; so do repeats of one entry."""
    of = scenario("scale_down", GEOMETRIC)
    again = {"at": "20m", "scale": "app", "replicas": 1}
    assert "one operation" in why_not_rare(of.evolve({"timeline": [*of.to_json_dict()["timeline"], again]}))
    assert "one operation" in why_not_rare(of.evolve({"timeline.0.every": "1m", "timeline.0.times": 2}))


def test_what_stands_in_the_way_is_told_at_once() -> None:
    """All reasons come together, parallel tabs among them: their requests end sooner than the law of one tab says."""
    of = scenario("scale_down", {**GEOMETRIC, "traffic.tabs": 2, "traffic.service": "10ms"})
    assert why_not_rare(of.evolve({"traffic.tabs": 1, "traffic.service": "0s"})) == ""
    assert "one tab" in why_not_rare(of)
    assert "--set traffic.service=0s" in why_not_rare(of)


def test_memoryless_sessions_leave_nothing_to_chance() -> None:
    """Geometric sessions with exponential think times break with exp(-pW/Z) whatever their age: no variance is left."""
    study = studied(5, 60.0, **GEOMETRIC)
    (share,) = [reduction for reduction in reduced(study) if reduction.metric == "broken_sessions"]
    assert share.reduced.estimate == pytest.approx(np.exp(-60 / 70))
    assert share.variance_ratio is None or share.variance_ratio > 1e6
    # The exposed and broken sessions found from ages are those counted, else nothing would be reported.
    assert all(value is not None for value in study.replications.column(EXPECTED))
