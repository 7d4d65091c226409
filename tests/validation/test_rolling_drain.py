"""Rolling updates under arrivals, departures and a drain window, as scenarios, against the exact expectations.

Old pods are deleted one after the other and serve for a window W; the sessions that outlast it pick again among all
live pods, old ones included, and may break again. How often, and how uneven the new pods are in the end, follows from
linear dynamics. The tables let a session pick again in the moment its pod goes; here it does so with its next request,
within a think time that is shorter than the time to the next deletion, which is the same: no pick is made among other
pods, and a session that ends before has a request at its end. Only what is measured is measured that much later.
"""

from math import ceil, exp, isclose, sqrt
from typing import Any

import pytest
from scenario_runs import LARGEST_STANDARD_ERROR, needed, scenario, within

import simsticky as ss

Row = dict[str, Any]

_BREAKS_SQUARED = 2.2
"""E[B²] / E[B] of the number of breaks at most: 3.718 / 1.718 for very many pods and endless sessions. It is 1 where a
session breaks once at most."""


def time_to_pick(deletions: list[float], window_s: float, life_s: float) -> float:
    """Return the shortest time from a pod's end to the next deletion (a tenth of a life, if that is shorter)."""
    gaps = [at_s - (deleted_s + window_s) for deleted_s in deletions for at_s in deletions]
    return min([life_s / 10, *(gap_s for gap_s in gaps if gap_s > 1e-6)])


class Rollout:
    """One rollout under so many sessions that its figures have a standard error of at most 2 %.

    Attributes:
        breaks: Breaks over mean number of sessions alive, with its standard error.
        loads: Sessions on each new pod, in mean loads, by creation.
        loads_unit: Sessions of a mean load.
        lag_s: From the end of the last pod to when the loads are measured.
    """

    def __init__(
        self, pods: int, life_s: float, window_s: float, start_up_s: float, fullest: float, *, serial: bool = False
    ) -> None:
        """Run it: ``serial`` lets a terminating pod hold its place, so that the next one starts when it is gone."""
        first_s = 1.0 + start_up_s
        self.step_s = start_up_s + (window_s if serial else 0.0)
        deletions = [first_s + number * self.step_s for number in range(pods)]
        self.lag_s = time_to_pick(deletions, window_s, life_s)
        until_s = deletions[-1] + window_s + self.lag_s
        least_breaks = exp(-window_s / life_s)
        squared = 1.0 if window_s >= deletions[-1] - first_s else _BREAKS_SQUARED
        alive = max(
            needed(sqrt(squared / least_breaks), 0.96 * LARGEST_STANDARD_ERROR),
            needed(sqrt(pods / fullest), 0.96 * LARGEST_STANDARD_ERROR),
        )
        self.result = ss.simulate(
            scenario(
                "rolling_drain",
                {
                    "run.until": until_s,
                    "traffic.sessions.rate": alive / life_s,
                    "traffic.sessionDuration.mean": life_s,
                    "traffic.think": 0.95 * self.lag_s,
                    "deployment.replicas": pods,
                    "deployment.preStop": f"{window_s}s" if window_s else None,
                    "deployment.grace": f"{ceil(window_s) + 2}s",
                    "deployment.podReplacementPolicy": "TerminationComplete" if serial else None,
                    "kubernetes.containerStart": start_up_s,
                },
            )
        )
        old = self.result.pods["revision"] == 1
        assert all(map(isclose, sorted(self.result.pods.loc[old, "deleted_s"]), deletions))
        self.old_pods_gone_s = float(self.result.pods.loc[old, "removed_s"].max()) - first_s
        breaks = self.result.sessions["breaks"].to_numpy()
        assert self.result.operation_rows[0]["breaks"] == breaks.sum()
        self.breaks = breaks.sum() / alive, sqrt((breaks**2).sum()) / alive
        self.loads_unit = alive / pods
        sessions = self.result.load.groupby("pod", observed=True)["sessions"].last()
        self.loads = (sessions[self.result.pods.loc[~old, "pod"]] / self.loads_unit).tolist()
        self._life_s = life_s

    def check(self, breaks: float, loads: list[float], fullest: float) -> None:
        """Compare the breaks with the expected ones and the loads with those expected when the last pod goes.

        Sessions come and go alike: a load's distance from the mean falls by e^(-t/L) until it is measured.
        """
        measured, standard_error = self.breaks
        assert standard_error <= LARGEST_STANDARD_ERROR * measured
        assert within(measured, breaks, standard_error)
        for load, expected in zip(self.loads, loads, strict=bool(loads)):
            self._check_load(load, expected)
        assert self._check_load(self.loads[0], fullest) <= LARGEST_STANDARD_ERROR

    def _check_load(self, load: float, expected: float) -> float:
        """Compare a load with the expected one; return the relative standard error."""
        later = 1 + (expected - 1) * exp(-self.lag_s / self._life_s)
        standard_error = sqrt(later / self.loads_unit)
        assert within(load, later, standard_error)
        return standard_error / later


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "rolling_breaks_birth_death", "rows")
def test_breaks_and_loads_under_arrivals_and_a_drain_window(case: Row) -> None:
    """Sessions that come, go, outlast the window and break again do so as often as the linear dynamics say."""
    fullest = case["max_over_mean_expected"]
    seen = Rollout(case["n"], case["L"], case["window"], case["tau"], fullest)
    seen.check(case["expected_breaks_over_sessions_alive"], case["loads_new_at_end"], fullest)


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "rolling_serial_vs_overlap", "rows")
@pytest.mark.parametrize("way", ["overlapping", "serial"])
def test_waiting_for_each_pod_to_be_gone_breaks_more(case: Row, way: str) -> None:
    """With ``podReplacementPolicy: TerminationComplete`` each step waits for the last one's pod: more double breaks.

    Overlapping steps make none where the window outlasts the rollout (``single``).
    """
    fullest = case[f"{way}_max"]
    seen = Rollout(case["n"], case["L"], case["window"], case["start_up"], fullest, serial=way == "serial")
    seen.check(case[way], [], fullest)
    assert isclose(seen.old_pods_gone_s, case[f"{way}_duration"])
    if way == "overlapping" and case["window"] >= (case["n"] - 1) * case["start_up"]:
        assert seen.result.sessions["breaks"].max() == 1
        assert within(seen.breaks[0], case["single"], seen.breaks[1])
