"""What a gateway that hears late of a pod's end costs, and what a kill cuts, as scenarios, against the closed forms.

A pod closes its listener d seconds after its deletion, and a node lists it until its push, δ seconds after. Between
the two every request that comes to it is refused: an n-th of all under round robin, whatever n a whole rolling update
has r·E[(δ−d)⁺] of them. With retries they are answered by another pod, and where the session was on the pod that is a
break. ``endpoint_race.yaml`` says how a new pod's arrival and the old one's removal come to be one push.
"""

from math import ceil, exp, log, log1p, sqrt
from typing import Any

import numpy as np
import pytest
from scenario_runs import LARGEST_STANDARD_ERROR, needed, poisson, scenario, within
from scipy import stats

import simsticky as ss

Row = dict[str, Any]

_WRITE_S = 1e-5
"""More than the endpoint's microsecond and rounding: a window of this length is none."""

_MOST_REQUESTS = 60_000
"""Of a row, for as many rollouts as that is."""

_STICKY: dict[str, Any] = {
    "upstream": {"algorithm": "sticky-sessions", "hashOn": {"input": "none"}, "stickySessions": {"cookie": "id"}},
    "gateway.stickyNewPick": "random",
    "gateway.retries": 5,
}
_LIFE_S = 60.0
"""From the first to the second and last request of the sticky sessions, on average."""

_STICKY_ROLLOUTS = 5


def push_delay(case: Row) -> tuple[dict[str, Any], float]:
    """Return the law of δ, and a time that one in ten thousand exceeds at most."""
    first, second = case["p1"], case["p2"]
    match case["delta"]:
        case "const":
            return {"kind": "constant", "value": first}, first
        case "exp":
            return {"kind": "exponential", "mean": first}, first * log(1e4)
        case "uniform":
            return {"kind": "uniform", "low": first, "high": second}, second
        case "lognormal":
            sigma = sqrt(log1p(second**2))
            late = stats.lognorm.isf(1e-4, sigma, scale=first / sqrt(1 + second**2))
            return {"kind": "lognormal", "mean": first, "cv": second}, float(late)
    raise ValueError(f"unknown law {case['delta']}")


class Rollouts:
    """Rollouts in a row, or one of several replications.

    Attributes:
        windows_s: Of each deleted pod, the time it refused requests for.
        result: The result.
    """

    def __init__(self, case: Row, rollouts: int, changes: dict[str, Any], replication: int = 0) -> None:
        """Run them; the start-up outlasts the push, so that each pod's push is over before the next."""
        law, late_s = push_delay(case)
        pods, self.step_s = case["n"], late_s + 1.0
        every_s = pods * self.step_s + 1.0
        self.result = ss.simulate(
            scenario(
                "endpoint_race",
                {
                    "run.until": 1.0 + rollouts * every_s + self.step_s,
                    "traffic.sessions.rate": case["req_rate_total"],
                    "deployment.replicas": pods,
                    "deployment.preStop": f"{case['pre_stop']}s" if case["pre_stop"] else None,
                    "deployment.grace": f"{ceil(case['pre_stop']) + 2}s",
                    "kic.pushDelay": law,
                    "kubernetes.containerStart": self.step_s,
                    "timeline.0.every": every_s,
                    "timeline.0.times": rollouts,
                    **changes,
                },
            ),
            replication=replication,
        )
        old = self.result.pods[self.result.pods["deleted_s"].notna()].sort_values("deleted_s")
        events = self.result.events
        self.deleted_s = old["deleted_s"].to_numpy()
        pushed_s = events.loc[events["kind"] == "pushed", "at_s"].to_numpy()
        assert len(self.deleted_s) == len(pushed_s) == rollouts * pods, "one push a pod"
        windows_s = pushed_s - old["listener_closed_s"].to_numpy()
        self.windows_s = np.where(windows_s > _WRITE_S, windows_s, 0.0)


def without_retries(case: Row) -> None:
    """Round robin without retries: r·E[(δ−d)⁺] requests of a rolling update get a 502, and no other request fails.

    Of every pod the failures are also held to the time that it did refuse, whatever the luck with δ.
    """
    expected, variance = case["expected_502_per_kill"], case["var_per_kill"]
    rollout_s = case["n"] * (push_delay(case)[1] + 1.0) + 1.0
    affordable = int(_MOST_REQUESTS / (case["req_rate_total"] * rollout_s))
    wanted = ceil(needed(sqrt(variance) / expected) / case["n"]) if expected else 1
    seen = Rollouts(case, min(max(wanted, 10), max(affordable, 1)), {"run.record": "requests"})
    requests = seen.result.requests
    failed_s = requests.loc[requests["status"] == 502, "sent_s"].to_numpy()
    by_pod = np.searchsorted(failed_s, seen.deleted_s + seen.step_s) - np.searchsorted(failed_s, seen.deleted_s)

    assert by_pod.sum() == len(failed_s) == seen.result.summary["requests_failed"]
    assert (by_pod[seen.windows_s == 0] == 0).all()
    kills = len(by_pod)
    # Rare events hide their own variance; the table knows it, for picks at random, which vary more.
    often = (by_pod > 0).sum() >= 50
    standard_error = by_pod.std(ddof=1) / sqrt(kills) if often else sqrt(variance / kills)
    assert within(by_pod.mean(), expected, standard_error)
    per_update = case["expected_502_per_rolling_update"]
    assert within(by_pod.reshape(-1, case["n"]).sum(axis=1).mean(), per_update, case["n"] * standard_error)
    luck = by_pod - seen.windows_s * case["req_rate_total"] / case["n"]
    assert within(luck.mean(), 0.0, luck.std(ddof=1) / sqrt(kills))


def with_retries(case: Row) -> None:
    """Five retries: no request fails, under round robin and under sticky sessions; there the refused first attempts
    of sessions that were on the pod are breaks of the mechanism ``refused``.

    Such sessions send one request more, after an exponential time: of the r·L/n on a pod a share of 1 − e^(−w/L) does
    so while it refuses for a time w. The standard error is that of five rollouts.
    """
    retried = Rollouts(case, 1, {"gateway.retries": 5})
    assert retried.result.summary["requests_failed"] == 0
    assert retried.result.summary["requests_sent"] > 0

    on_pod = case["req_rate_total"] * _LIFE_S / case["n"]
    law = {"kind": "exponential", "mean": _LIFE_S}
    expected = refused = 0.0
    for replication in range(_STICKY_ROLLOUTS if case["mean_excess"] else 1):
        seen = Rollouts(case, 1, {**_STICKY, "traffic.requests": 2, "traffic.think": law}, replication)
        summary = seen.result.summary
        assert summary["requests_failed"] == 0
        assert summary["breaks"] == summary["mechanism.refused"] + summary["mechanism.target_removed"]
        expected += on_pod * -np.expm1(-seen.windows_s / _LIFE_S).sum()
        refused += summary["mechanism.refused"]
    assert poisson(refused, expected)


def service_law(case: Row) -> dict[str, Any]:
    """Return the law of the service time: exponential, or lognormal where the coefficient of variation is not 1."""
    mean, cv = case["service_mean"], case["service_cv"]
    if cv == 0:
        return {"kind": "constant", "value": mean}
    return {"kind": "exponential", "mean": mean} if cv == 1 else {"kind": "lognormal", "mean": mean, "cv": cv}


def residual_service(case: Row, at_s: float) -> float:
    """Return P(X_e > t) of the equilibrium residual service time."""
    mean, cv = case["service_mean"], case["service_cv"]
    if cv == 0:
        return max(0.0, 1 - at_s / mean)
    if cv == 1:
        return exp(-at_s / mean)
    sigma = sqrt(log1p(cv**2))
    mu = log(mean) - sigma**2 / 2
    z = (mu - log(at_s)) / sigma if at_s else float("inf")
    return float(stats.norm.cdf(z + sigma) - (at_s / mean * stats.norm.cdf(z) if at_s else 0.0))


def at_sigkill(case: Row) -> None:
    """Of the requests in flight at SIGTERM those that are not done at SIGKILL are reset: r·E[X]·P(X_e > s) a pod.

    The application closes its listener on SIGTERM and does not exit. Traffic runs for 20 mean service times before;
    what would be older than that is missing, and is left out of what is expected. The standard error is 5 %: of
    many requests few are cut.
    """
    pods, after_s, mean_s = 50, case["time_after_sigterm"], case["service_mean"]
    before_s = 20 * mean_s
    tail, older = (residual_service(case, at_s) for at_s in (after_s, before_s + after_s))
    expected = case["expected"] * (1 - older / tail)
    in_flight = case["rate_to_pod"] * mean_s
    # A grace period is whole seconds, and 2 s of it are always left.
    killed = after_s == int(after_s) and after_s >= 2
    affordable = ceil(4 * _MOST_REQUESTS / (pods * case["rate_to_pod"] * before_s))
    runs = min(ceil(needed(expected**-0.5, 0.05) / pods), affordable)
    of = scenario(
        "endpoint_race",
        {
            "run.until": before_s + after_s + 0.001,
            "run.start": "empty",
            "traffic.sessions.rate": pods * case["rate_to_pod"],
            "traffic.service": service_law(case),
            "app.concurrency": ceil(in_flight + 10 * sqrt(in_flight) + 20),
            "app.onSigterm": {"listener": "close", "exit": "never" if killed else {"after": f"{after_s}s"}},
            "gateway.readTimeout": "100000h",
            "deployment.replicas": pods,
            "deployment.grace": f"{ceil(after_s) if killed else ceil(after_s) + 10}s",
            "timeline": [{"at": before_s, "scale": "app", "replicas": 0}],
        },
    )
    cut = sum(ss.simulate(of, replication=number).summary["failed.reset"] for number in range(runs))
    assert poisson(cut, runs * pods * expected)


def in_the_stale_edge(case: Row) -> None:
    """Sessions left on a pod that is gone and listed for ``eps`` more: all their requests are refused without
    retries, and with retries the first one of each is, which is its break.
    """
    times = ceil(needed(case["first_request_only"] ** -0.5))
    changes = {
        **_STICKY,
        "run.until": 2.0 + case["eps"],
        "run.start": "empty",
        # All sessions come in the first second: so many times the row's, half of them on each of two pods.
        "traffic.sessions": {
            "kind": "piecewise",
            "steps": [{"from": 0, "rate": 2 * times * case["alive_sessions_left"]}, {"from": 1, "rate": 0}],
        },
        "traffic.requests": 100,
        "traffic.think": {"kind": "exponential", "mean": 1 / case["per_session_rate"]},
        "deployment.replicas": 2,
        "kic.pushDelay": case["eps"],
        "timeline": [{"at": 2, "scale": "app", "replicas": 1}],
    }
    retried = ss.simulate(scenario("endpoint_race", changes)).summary
    assert retried["requests_failed"] == 0
    assert retried["breaks"] == retried["mechanism.refused"]
    first = times * case["first_request_only"]
    assert poisson(retried["breaks"], first)
    assert sqrt(first) <= LARGEST_STANDARD_ERROR * first

    failed = ss.simulate(scenario("endpoint_race", {**changes, "gateway.retries": 0})).summary
    assert failed["breaks"] == 0
    assert failed["requests_failed"] == failed["failed.bad_gateway_502"]
    refused = times * case["expected_refused"]
    # A session's requests come one by one, so that their number in eps is Poisson, too.
    assert poisson(failed["requests_failed"], refused)


CHECKS = {
    "refused/502 per pod kill": (without_retries, with_retries),
    "in-flight requests cut at SIGKILL": (at_sigkill,),
    "late removal: sticky requests in the stale edge": (in_the_stale_edge,),
}
"""What each kind of row is held to."""


@pytest.mark.quick_rows(1)
@pytest.mark.table("theory", "race_502", "rows")
def test_what_a_late_push_and_a_kill_cost(case: Row) -> None:
    """Requests refused, tried again, cut, and the breaks among them are as many as the race between δ and d says."""
    for check in CHECKS[case["kind"]]:
        check(case)
