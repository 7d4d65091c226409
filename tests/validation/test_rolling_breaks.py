"""Breaks of a rolling update without drain support, as scenarios, against the double-break law.

Old pods go step by step, the next ones when the pods that replace the last ones are ready. A session whose pod goes
picks one of the pods that are up, at random: perhaps one that is to go too, and then it breaks again. The law of the
number of breaks follows from the steps. Sessions are independent, so one replication with enough of them will do.
"""

from collections import Counter
from collections.abc import Iterator
from math import sqrt
from typing import Any

import pandas as pd
import pytest
from scenario_runs import LARGEST_STANDARD_ERROR, needed, scenario, within

import simsticky as ss

Row = dict[str, Any]
Steps = list[list[int]]
"""Of each step: old pods killed, old pods left, new pods up."""

_START_UP_S = 100.0
"""Of the scenario file: the time from one step to the next."""


def law_of_breaks(steps: Steps) -> list[float]:
    """Return P(0 breaks), P(1 break), … of a session that has picked again before the next step."""
    on_old: Counter[int] = Counter({0: 1})
    on_new: Counter[int] = Counter()
    for killed, old_left, new_up in steps:
        stay = old_left / (old_left + new_up)
        hit = {breaks: share * killed / (killed + old_left) for breaks, share in on_old.items()}
        on_old.subtract(hit)
        for breaks, share in hit.items():
            on_old[breaks + 1] += share * stay
            on_new[breaks + 1] += share * (1 - stay)
    return [on_old[breaks] + on_new[breaks] for breaks in range(len(steps) + 1)]


def steps_of(pods: pd.DataFrame) -> Iterator[list[int]]:
    """Yield the steps that the controller took."""
    old, new = pods[pods["revision"] == 1]["deleted_s"], pods[pods["revision"] > 1]["ready_s"]
    for at_s in sorted(old.unique()):
        yield [int((old == at_s).sum()), int((old > at_s).sum()), int((new <= at_s).sum())]


def roll_out(case: Row, steps: int, population: int, think_law: dict[str, Any], settle_s: float) -> ss.Result:
    """Roll out once every session has a pod, and run until each has moved away from the last step's pods."""
    return ss.simulate(
        scenario(
            "rollout",
            {
                "run.until": settle_s + steps * _START_UP_S + settle_s,
                "traffic.sessions.population": population,
                "traffic.think": think_law,
                "deployment.replicas": case["n"],
                "deployment.maxSurge": case.get("max_surge", 1),
                "deployment.maxUnavailable": case.get("max_unavailable", 0),
                "timeline.0.at": settle_s,
            },
        )
    )


def check(case: Row, think_s: float, wanted_of: dict[int, float]) -> None:
    """Run a row with a constant think time and compare mean, tails and steps.

    Args:
        case: The row.
        think_s: Time between a session's requests, shorter than a step.
        wanted_of: Wanted relative standard error of the share of sessions with at least so many breaks.
    """
    law, mean = law_of_breaks(case["steps"]), case["breaks_per_session"]
    deviation = sqrt(sum(share * (breaks - mean) ** 2 for breaks, share in enumerate(law)))
    population = max(needed(deviation / mean), 100)
    for least, standard_error in wanted_of.items():
        if share := sum(law[least:]):
            population = max(population, needed(sqrt((1 - share) / share), standard_error))
    result = roll_out(case, len(case["steps"]), population, {"kind": "constant", "value": think_s}, 2 * think_s)
    breaks = result.sessions["breaks"]

    assert list(steps_of(result.pods)) == case["steps"]
    assert len(breaks) == population
    assert result.operation_rows[0]["breaks"] == breaks.sum()
    assert within(breaks.mean(), mean, deviation / sqrt(population))
    # The table's own shares are those of a simulation, of so many sessions:
    table_size = (deviation / case["mc_se"]) ** 2 if case["mc_se"] else float("inf")
    for least in (2, 3):
        share = sum(law[least:])
        standard_error = sqrt(share * (1 - share) * (1 / population + 1 / table_size))
        assert within((breaks >= least).mean(), case[f"frac_ge{least}"], standard_error)


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "rolling_breaks_fast", "rows")
def test_fast_sessions_break_as_often_as_the_table_says(case: Row) -> None:
    """Never-ending sessions that think a hundredth of a start-up have the table's mean number of breaks.

    The steps are the controller's own doing, with any surge and unavailable pods. Rollouts of more than ten steps are
    run with a tenth of a start-up: the law only wants every session to have picked again before the next step.
    """
    check(case, _START_UP_S / (100 if len(case["steps"]) <= 10 else 10), {})


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "rolling_breaks_fast", "rows")
def test_double_and_triple_breaks(case: Row) -> None:
    """So many sessions break twice or more, and three times or more, as the table says.

    With a constant think time of a quarter of a start-up, which is as good as a short one for the law and leaves time
    for more sessions: the share of two breaks is known to 2 %, or 4 % for more than ten steps, that of three to what
    those sessions give.
    """
    check(case, _START_UP_S / 4, {2: 0.02 if len(case["steps"]) <= 10 else 0.04})


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "rolling_breaks_lazy", "rows")
def test_lazy_sessions_break_less_often(case: Row) -> None:
    """Sessions that think as long as a step takes sleep through some of the steps, and all move in the end."""
    think_s = _START_UP_S / case["theta_tau"]
    law = {"kind": "exponential", "mean": think_s}
    # One in nine million sessions makes no request within 16 mean think times.
    result = roll_out(case, case["n"], 1000, law, 16 * think_s)
    breaks = result.sessions["breaks"]

    assert breaks.min() >= 1
    standard_error = breaks.std() / sqrt(len(breaks))
    assert standard_error <= LARGEST_STANDARD_ERROR * case["breaks_per_session"]
    assert within(breaks.mean(), case["breaks_per_session"], standard_error)
