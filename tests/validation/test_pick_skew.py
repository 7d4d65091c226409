"""How unevenly a rule for new sessions fills the pods: random picks are balls thrown into bins.

Round robin's evenness is in ``test_round_robin_peakedness.py``, through the simulator.
"""

from typing import Any

import numpy as np
import pytest
from scenario_runs import scenario, within

import simsticky as ss
from simsticky.kong.algorithms.sticky_sessions import StickyOptions, StickySessions
from simsticky.kong.balancer import Balancer, Handle
from simsticky.kong.upstream import Target

Row = dict[str, Any]

_BALLS = 400_000
"""Sessions thrown in all; a row gets as many throws as that allows, within ``_THROWS``."""

_SESSIONS = 60_000
"""Sessions of a scenario, for as many throws of M of them each, within ``_THROWS``."""

_THROWS = (20, 2000)


def random_picks(pods: int) -> Balancer:
    """Return a balancer of equal targets whose new sessions are picked at random."""
    targets = [Target(f"10.0.{i // 250}.{i % 250}:80") for i in range(pods)]
    return Balancer(targets, StickySessions(StickyOptions(new_pick="random")))


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "balls_bins_max", "rows")
def test_random_picks_are_balls_in_bins(case: Row) -> None:
    """Poisson many sessions, each on a random pod, leave the fullest and the emptiest pod as many as the table says.

    Sessions without a cookie come to the balancer one by one with a uniform draw each; a pod's number of them is then
    Poisson, the pods independent: the law of sessions alive at an instant under random picks.
    """
    pods, rho = case["n"], case["rho"]
    balancer = random_picks(pods)
    rng = np.random.default_rng(pods * 10_007 + int(rho))
    throws = int(np.clip(_BALLS // (pods * rho), *_THROWS))
    figures: list[tuple[float, float, float]] = []
    for sessions in rng.poisson(pods * rho, throws):
        on = {target.address: 0 for target in balancer.targets}
        for u in rng.random(sessions).tolist():
            on[balancer.get_peer(Handle(u=u))] += 1
        loads = np.array(list(on.values()))
        figures.append((loads.max(), loads.min(), loads.var(ddof=1) / rho**2))

    means, deviations = np.mean(figures, axis=0), np.std(figures, axis=0, ddof=1)
    for mean, deviation, expected in zip(
        means.tolist(), deviations.tolist(), (case["e_max"], case["e_min"], case["cv_expected"] ** 2), strict=True
    ):
        # No deviation at all: hardly ever has every pod a session, and the mean is that of a rare event.
        variance = deviation**2 or expected
        assert within(mean, expected, (variance / throws) ** 0.5)


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "multinomial_skew", "rows")
def test_so_many_sessions_on_random_pods_are_a_throw_of_dice(case: Row) -> None:
    """M sessions on n random pods: E[CV²] = (n − 1)/M; the fullest pod and Jain's index are those of the table.

    One scenario, in which each M sessions in a row are a throw of their own. The table's own means are those of a
    simulation, as large as its standard error says.
    """
    pods, many = case["n"], case["M"]
    throws = int(np.clip(_SESSIONS // many, *_THROWS))
    result = ss.simulate(
        scenario(
            "scale_up",
            {
                "run.until": 1.1 * throws * many,
                "run.start": "empty",
                "traffic.sessions.rate": 1,
                "traffic.requests": 1,
                "deployment.replicas": pods,
                "timeline": [],
            },
        )
    )
    pod = result.sessions["first_pod"].cat.codes.to_numpy()[: throws * many].reshape(throws, many)
    assert pod.shape == (throws, many)
    loads = np.stack([(pod == number).sum(axis=1) for number in range(pods)], axis=1) * pods / many
    squares = (loads**2).mean(axis=1)
    fullest, jain, squared_cv = loads.max(axis=1), 1 / squares, squares - 1

    table_throws = (fullest.std(ddof=1) / case["se"]) ** 2
    for seen, expected, in_table in (
        (fullest, case["exact_e_max_over_mean"] or case["e_max_over_mean"], not case["exact_e_max_over_mean"]),
        (jain, case["e_jain"], True),
        (squared_cv, case["cv2_exact"], False),
    ):
        table_variance = seen.var(ddof=1) / table_throws if in_table else 0.0
        assert within(seen.mean(), expected, (seen.var(ddof=1) / throws + table_variance) ** 0.5)
