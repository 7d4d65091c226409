"""Breaks of a rolling update without drain support, as scenarios, against the double-break law.

Old pods go step by step, the next step when the pods that the last one made room for are ready. A session whose pod
goes picks one of the pods that are up, at random: perhaps one that is to go, and then it breaks again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import inf, sqrt
from typing import Any

import numpy as np
import pytest
from scenario_runs import LARGEST_STANDARD_ERROR, needed, replications, scenario, within

from simsticky.sim.recording import SESSION_COLUMNS, PodRecord

Row = dict[str, Any]

_START_UP_S = 100.0
_ROLLOUT_S = 10.0
_MOST_REQUESTS = 1_200_000
"""Of one row. Sessions send a hundred requests a step, so beyond 20 steps there are too few of them for 2 %."""

_FOR_TAILS = 0.04
"""Relative standard error of the share of sessions that break twice or more."""


def law_of_breaks(steps: Iterable[list[int]]) -> list[float]:
    """Return P(0 breaks), P(1 break), … of a session that follows each step at once.

    Args:
        steps: Old pods killed, old pods left, new pods up; of each step.
    """
    on_old, on_new = Counter({0: 1.0}), Counter[int]()
    for killed, old_left, new_up in steps:
        stay = old_left / (old_left + new_up)
        hit = {breaks: share * killed / (killed + old_left) for breaks, share in on_old.items()}
        on_old = Counter({breaks: share - hit[breaks] for breaks, share in on_old.items()})
        for breaks, share in hit.items():
            on_old[breaks + 1] += share * stay
            on_new[breaks + 1] += share * (1 - stay)
    return [on_old[breaks] + on_new[breaks] for breaks in range(len(list(on_new)) + 2)]


def steps_of(pods: list[PodRecord]) -> Iterator[list[int]]:
    """Yield what the controller did in the row's form: old pods killed, old pods left, new pods up."""
    old = [pod.deleted_s for pod in pods if pod.revision == 1]
    new = [pod.ready_s for pod in pods if pod.revision > 1]
    for now_s in sorted(set(old)):
        yield [old.count(now_s), sum(at_s > now_s for at_s in old), sum(at_s <= now_s for at_s in new)]


def breaks_of_sessions(session_rows: list[float]) -> np.ndarray:
    rows = np.array(session_rows).reshape(-1, len(SESSION_COLUMNS))
    return rows[:, SESSION_COLUMNS.index("breaks_caused")]


@pytest.mark.slow
@pytest.mark.table("theory", "rolling_breaks_fast", "rows")
def test_fast_sessions_follow_the_double_break_law(case: Row) -> None:
    """Sessions that think a hundredth of a start-up break as often as the table says, and so often twice or thrice.

    The steps are the controller's own doing: the row's step list is compared with the pods' times, for every strategy.
    """
    last_step_s = _ROLLOUT_S + len(case["steps"]) * _START_UP_S
    law = law_of_breaks(case["steps"])
    mean = case["breaks_per_session"]
    variation = sqrt(sum(share * (breaks - mean) ** 2 for breaks, share in enumerate(law))) / mean
    twice = sum(law[2:])
    wanted = max(needed(variation), needed(sqrt((1 - twice) / twice), _FOR_TAILS) if twice else 0, 100)
    population = min(wanted, int(_MOST_REQUESTS / (last_step_s / 1.0)))
    of = scenario(
        "rollout",
        {
            "run.until": last_step_s + 3,
            "traffic.sessions.population": population,
            "traffic.think": _START_UP_S / 100,
            "deployment.replicas": case["n"],
            "deployment.maxSurge": case["max_surge"],
            "deployment.maxUnavailable": case["max_unavailable"],
        },
    )
    (recording,) = replications(of, 1)
    breaks = breaks_of_sessions(recording.session_rows)

    assert list(steps_of(recording.pods)) == case["steps"]
    assert breaks.size == population
    standard_error = variation * mean / sqrt(population)
    assert len(case["steps"]) > 20 or standard_error <= LARGEST_STANDARD_ERROR * mean
    assert within(breaks.mean(), mean, standard_error)
    for least, key in ((2, "frac_ge2"), (3, "frac_ge3")):
        share = sum(law[least:])
        # The table's own share is a simulation too.
        known = (case["mc_se"] / (variation * mean)) ** 2 if variation else 0.0
        assert within((breaks >= least).mean(), case[key], sqrt(share * (1 - share) * (1 / population + known)))


@pytest.mark.slow
@pytest.mark.table("theory", "rolling_breaks_lazy", "rows")
def test_lazy_sessions_break_less(case: Row) -> None:
    """Sessions that think as long as a step takes skip some of the steps; in the end all of them have moved."""
    think_s = _START_UP_S / case["theta_tau"]
    rollout_s = max(_ROLLOUT_S, 20 * think_s)
    of = scenario(
        "rollout",
        {
            "run.until": rollout_s + case["n"] * _START_UP_S + 20 * think_s,
            "traffic.sessions.population": 2000,
            "traffic.think": {"kind": "exponential", "mean": think_s},
            "deployment.replicas": case["n"],
            "timeline.0.at": rollout_s,
        },
    )
    (recording,) = replications(of, 1)
    breaks = breaks_of_sessions(recording.session_rows)

    assert breaks.min() >= 1
    standard_error = breaks.std() / sqrt(breaks.size)
    assert standard_error <= LARGEST_STANDARD_ERROR * case["breaks_per_session"]
    assert within(breaks.mean(), case["breaks_per_session"], standard_error)
