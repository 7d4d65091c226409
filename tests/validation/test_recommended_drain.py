"""``recommend`` against closed forms: which drain window keeps broken sessions under a threshold, and when none can.

A removed pod serves for as long as its preStop hook sleeps, W. Of the sessions on it P(R > W) break, R being the
residual life: with exponential sessions of mean L that is 5 % at W = 3.00 L, with lognormal ones of CV 2 at 9.64 L.
"""

from typing import Any

import pytest
from scenario_runs import scenario

import simsticky as ss

MEAN_S = 300.0
LAWS: dict[str, tuple[dict[str, Any], float, str]] = {
    "exponential": ({"kind": "exponential", "mean": MEAN_S}, 2.995732273553991, "30m"),
    "lognormal": ({"kind": "lognormal", "mean": MEAN_S, "cv": 2}, 9.637741284863587, "80m"),
}
"""The law, where its residual tail is 5 % in units of the mean (``stats.json``), and the end of the range searched."""


def drained(law: dict[str, Any], **changes: Any) -> ss.Scenario:
    """Nine of ten pods are taken away, with 360 sessions alive that each have a law's duration, and no delays."""
    return scenario(
        "scale_down",
        {
            "traffic.sessionDuration": law,
            "traffic.think": None,
            "deployment.replicas": 10,
            "timeline.0.replicas": 1,
            "traffic.sessions.rate": 360 / MEAN_S,
            "run.horizon": "1000h",
            **changes,
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_the_estimate_crosses_where_theory_says_and_the_pick_is_above(law: str) -> None:
    """With grace following preStop the estimate crosses 5 % within 5 % of theory, and the pick lies above it."""
    duration, times_mean, end = LAWS[law]
    found = ss.recommend(
        drained(duration),
        "broken_sessions < 5%",
        {"deployment.preStop": f"0s..{end}", "deployment.grace": "preStop + 30s"},
        n=20,
    )
    assert found.status == "found"
    assert found.monotone
    (crossing,) = found.crossings
    assert crossing.metric == "broken_sessions"
    assert crossing.number == pytest.approx(times_mean * MEAN_S, rel=0.05)
    assert found.pick is not None
    assert found.pick.settings["deployment.preStop"] >= crossing.number
    assert found.pick.settings["deployment.grace"] == found.pick.settings["deployment.preStop"] + 30
    high = found.pick.estimates["broken_sessions"].interval.high
    assert high is not None
    assert high < 0.05
    assert found.today.mark == "✗"


@pytest.mark.parametrize("law", LAWS)
def test_a_fixed_grace_period_is_named_as_the_reason(law: str) -> None:
    """With the grace period fixed at 60 s no preStop helps, and the answer says that the grace period is why."""
    duration, _, end = LAWS[law]
    fixed = drained(duration, **{"deployment.grace": "60s"})
    found = ss.recommend(fixed, "broken_sessions < 5%", {"deployment.preStop": f"0s..{end}"}, n=10)
    assert found.status == "none"
    assert found.pick is None
    assert "terminationGracePeriodSeconds is fixed at 1m" in found.reason
    assert found.closest is not None
    low = found.closest.estimates["broken_sessions"].interval.low
    assert low is not None
    assert low > 0.7
