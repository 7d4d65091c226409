"""What pairing on common random numbers is worth: the variance of a difference in break counts, against theory.

A longer preStop hook spares a subset of the sessions that a shorter one breaks. So the paired difference of a
scale-down is Poisson with mean m (p1 - p2), while two independent runs have variance m (p1 + p2): pairing divides the
variance by (p1 + p2) / (p1 - p2).
"""

from typing import Any

import pytest
from scenario_runs import scenario

import simsticky as ss

PAIRS = 600
"""A variance ratio known to about 8 %."""


def paired(row: dict[str, Any], pairs: int = PAIRS) -> ss.Comparison:
    """The row's two drain windows side by side."""
    base = scenario(
        "scale_down",
        {
            "traffic.think": {"kind": "exponential", "mean": row["L"]},
            "traffic.sessions.rate": 3 * row["alive_per_pod"] / row["L"],
        },
    )
    sides = {
        f"{window:g}s": base.evolve(
            {"deployment.preStop": f"{window:g}s" if window else None, "deployment.grace": f"{window + 2:g}s"}
        )
        for window in (row["W1"], row["W2"])
    }
    return ss.compare(sides, pairs)


@pytest.mark.slow
@pytest.mark.table("theory", "stats", "rows", kind="CRN difference of breaks, scale-down")
def test_pairing_cuts_the_variance_as_theory_says(case: dict[str, Any]) -> None:
    """Pairing divides the variance of the difference in breaks by what theory says, within 30 %.

    That is 20.0 for the preStop hooks of 30 and 60 s and sessions of 300 s, and 8.04 for 0 and 30 s and 120 s.
    """
    (contrast,) = paired(case).contrasts("breaks")
    difference = contrast.difference
    assert difference.variance_ratio == pytest.approx(case["variance_reduction"], rel=0.3)
    assert difference.interval.estimate is not None
    assert difference.standard_error is not None
    assert abs(difference.interval.estimate + case["mean_diff"]) <= 4 * difference.standard_error


def test_what_the_change_does_not_touch_is_the_same_in_every_pair() -> None:
    """Two drain windows meet the same sessions: as many are alive and exposed in every single pair."""
    comparison = paired({"L": 120.0, "W1": 0.0, "W2": 30.0, "alive_per_pod": 40.0}, 10)
    for metric in ("alive_sessions", "exposed_sessions"):
        (contrast,) = comparison.contrasts(metric)
        assert contrast.difference.interval.low == contrast.difference.interval.high == 0
        assert comparison.base.column(metric) == comparison.others[0].column(metric)
