"""Sessions on a pod under round-robin picks: less variable than Poisson, as GI/M/∞ with Erlang gaps says."""

from math import log
from typing import Any

import numpy as np
import pytest
from scenario_runs import operations, scenario, within

Row = dict[str, Any]

_REPLICATIONS = 400
"""A variance known to 7 %: four standard errors tell any row from Poisson."""

_MEAN_LIFE_S = 300.0


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "rr_peakedness", "rows")
def test_sessions_on_a_pod_are_as_even_as_round_robin_makes_them(case: Row) -> None:
    """One node and worker dealing sessions out in turn leave a pod as many as the table says, mean and variance.

    Half of the sessions have their pods from the equilibrium start, half from the wheel in the run itself. Without a
    serving window every session on the deleted pod breaks, so breaks count the sessions (rule W6).
    """
    of = scenario(
        "scale_down",
        {
            "traffic.sessions.rate": case["mean_sessions_total"] / _MEAN_LIFE_S,
            "traffic.think": {"kind": "exponential", "mean": _MEAN_LIFE_S},
            "deployment.replicas": case["n"],
            "gateway.stickyNewPick": "round_robin",
            "timeline.0.at": log(2) * _MEAN_LIFE_S,
            "timeline.0.replicas": case["n"] - 1,
        },
    )
    sessions = np.array([row["breaks"] for row in operations(of, _REPLICATIONS)])

    assert within(sessions.mean(), case["rho"], (case["var_per_pod"] / _REPLICATIONS) ** 0.5)
    variance = sessions.var(ddof=1)
    fourth_moment = ((sessions - sessions.mean()) ** 4).mean()
    standard_error = ((fourth_moment - variance**2) / _REPLICATIONS) ** 0.5
    assert within(variance, case["var_per_pod"], standard_error)
    # Where so many replications can tell the two apart at all.
    if abs(case["poisson_var"] - case["var_per_pod"]) > 8 * standard_error:
        assert not within(variance, case["poisson_var"], standard_error)
