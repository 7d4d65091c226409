"""Breaks when pods are taken away, as scenarios, against the closed forms.

With load-blind picks the sessions on a pod are a thinned Poisson snapshot. Those that outlast the serving window W
break, each with the probability P(R > W) of the residual life R; their number is Poisson.
"""

from typing import Any

import numpy as np
import pytest
from scenario_runs import LARGEST_STANDARD_ERROR, LEVEL, needed, operations, scenario, within
from scipy import stats

Row = dict[str, Any]

_FOR_DISPERSION = 120
"""Replications at least: a variance known to 13 %."""


def duration_law(row: Row) -> dict[str, Any]:
    law = {"kind": row["law"], "mean": row["L"]}
    return law | {"cv": row["cv"]} if row["law"] == "lognormal" else law


def serving_window(window_s: float) -> dict[str, Any]:
    """A removed pod serves for this long: preStop sleeps, then SIGTERM ends it, within the grace period."""
    return {
        "deployment.preStop": f"{window_s:g}s" if window_s else None,
        "deployment.grace": f"{window_s + 2:g}s",
    }


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "scale_down_breaks", "rows")
def test_breaks_are_poisson(case: Row) -> None:
    """Taking away k of n pods breaks k·λ·L/n·P(R > W) sessions on average, and their number is Poisson."""
    expected = case["expected_breaks"]
    of = scenario(
        "scale_down",
        {
            "traffic.sessions.rate": case["lam"],
            "traffic.think": duration_law(case),
            "deployment.replicas": case["n"],
            "timeline.0.replicas": case["n"] - case["k"],
            **serving_window(case["window"]),
        },
    )
    number = max(needed(expected**-0.5), _FOR_DISPERSION)
    rows = list(operations(of, number))
    breaks = np.array([row["breaks"] for row in rows])

    assert all(row["breaks"] == row["broken"] <= row["exposed"] for row in rows)
    assert not any(row["born_on_terminating"] or row["censored"] for row in rows)
    standard_error = (case["var"] / number) ** 0.5
    assert standard_error <= LARGEST_STANDARD_ERROR * expected
    assert within(breaks.mean(), expected, standard_error)
    squares = (number - 1) * breaks.var(ddof=1) / case["var"]
    assert stats.chi2.ppf(LEVEL / 2, number - 1) < squares < stats.chi2.isf(LEVEL / 2, number - 1)
