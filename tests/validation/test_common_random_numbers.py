"""What pairing on common random numbers is worth: the variance of a difference in break counts, against theory.

A longer preStop hook spares a subset of the sessions that a shorter one breaks. So the paired difference of a
scale-down is Poisson with mean m (p1 - p2), while two independent runs have variance m (p1 + p2): pairing divides the
variance by (p1 + p2) / (p1 - p2).
"""

from typing import Any

import pytest
from conformance_tables import load_table
from scenario_runs import scenario

import simsticky as ss

PAIRS = 600
"""A variance ratio known to about 8 %."""


def rows(request: pytest.FixtureRequest) -> dict[float, dict[str, Any]]:
    """The rows about pairing of ``stats.json``, by the mean session length."""
    table = load_table(request.config, "theory", "stats")
    if table is None:
        pytest.skip("the chosen tables hold no theory/stats.json")
    return {row["L"]: row for row in table["rows"] if row["kind"].startswith("CRN difference")}


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
@pytest.mark.parametrize("mean_s", [300.0, 120.0])
def test_pairing_cuts_the_variance_as_theory_says(mean_s: float, request: pytest.FixtureRequest) -> None:
    """Pairing divides the variance of the difference in breaks by 20.0 (at least 10 seen) and by 8.04 (within 30 %)."""
    row = rows(request)[mean_s]
    (contrast,) = paired(row).contrasts("breaks")
    difference, ratio = contrast.difference, contrast.difference.variance_ratio
    assert ratio is not None
    if mean_s == 300.0:
        assert ratio >= 10
    else:
        assert ratio == pytest.approx(row["variance_reduction"], rel=0.3)
    assert difference.interval.estimate is not None
    assert difference.standard_error is not None
    assert abs(difference.interval.estimate + row["mean_diff"]) <= 4 * difference.standard_error


def test_what_the_change_does_not_touch_is_the_same_in_every_pair(request: pytest.FixtureRequest) -> None:
    """Two drain windows meet the same sessions: as many are alive and exposed in every single pair."""
    comparison = paired(rows(request)[120.0], 10)
    for metric in ("alive_sessions", "exposed_sessions"):
        (contrast,) = comparison.contrasts(metric)
        assert contrast.difference.interval.low == contrast.difference.interval.high == 0
        assert comparison.base.column(metric) == comparison.others[0].column(metric)
