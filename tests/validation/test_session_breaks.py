"""Which of the sessions on a removed pod break: with drain support those that outlast its window, without it all."""

from math import ceil
from typing import Any

import pandas as pd
import pytest
from scenario_runs import LEVEL, needed, operations, scenario
from scipy import stats
from test_scale_down_breaks import serving_window

import simsticky as ss

Row = dict[str, Any]

_ALIVE = 1000.0
"""Mean number of sessions alive, nine in ten of them on the pods that are removed."""


def think_law(row: Row) -> dict[str, Any]:
    mean = row["think_mean"]
    return {
        "exponential": {"kind": "exponential", "mean": mean},
        "lognormal": {"kind": "lognormal", "mean": mean, "cv": row["think_cv"]},
        "pareto": {"kind": "pareto", "alpha": row["think_alpha"], "mean": mean},
        "deterministic": {"kind": "constant", "value": mean},
    }[row["think"]]


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "break_prob_requests", "rows")
def test_share_broken_of_exposed(case: Row) -> None:
    """Of the sessions on removed pods, P(R > W) outlast their window W and break, for any law of the think time.

    Where a standard error of 2 % would need more than 2000 exposed sessions (shares below 0.55) it is larger.
    """
    share = case["p_break"]
    of = scenario(
        "scale_down",
        {
            "traffic.sessions.rate": _ALIVE / (case["mean_requests"] - 1) / case["think_mean"],
            "traffic.requests": {"kind": "geometric", "mean": case["mean_requests"]},
            "traffic.think": think_law(case),
            "deployment.replicas": 10,
            "timeline.0.at": 1,
            "timeline.0.replicas": 1,
            **serving_window(case["window"]),
        },
    )
    wanted = min(max(needed(((1 - share) / share) ** 0.5), 800), 2000)
    exposed = broken = 0
    for row in operations(of, ceil(1.15 * wanted / (0.9 * _ALIVE))):
        assert row["breaks"] == row["broken"]
        assert not row["censored"]
        exposed += row["exposed"]
        broken += row["broken"]

    assert exposed >= wanted
    assert stats.binomtest(broken, exposed, share).pvalue > LEVEL


_BUSY: dict[str, Any] = {
    "run.record": "requests",
    "run.start": "empty",  # so that every session on the pod has been seen to be answered by it
    "timeline.0.at": 200,
    "traffic.sessions.rate": 5,
    "traffic.requests": {"kind": "geometric", "mean": 10},
    "traffic.think": {"kind": "exponential", "mean": 7},
    "deployment.grace": "60s",
}
_REAL_DELAYS: dict[str, Any] = {
    "app.onSigterm": "finishInFlight",
    "traffic.service": {"kind": "lognormal", "median": 0.05, "sigma": 0.6},
    "kic.proxySyncSeconds": 3,
    "kic.watchDelay": None,
    "kic.pushDelay": None,
    **{
        f"kubernetes.{hop}": None
        for hop in ("apiWrite", "containerStart", "endpointUpdate", "kubeletNotice", "podRemoval", "statusUpdate")
    },
}
"""None takes a delay back to its default."""

Requests = pd.DataFrame


def requests_of_sessions_on(result: ss.Result, pod: str) -> Requests:
    """Return all requests of the sessions that the pod has answered."""
    requests = result.requests
    return requests[requests["session"].isin(requests.loc[requests["pod"] == pod, "session"])]


def firsts(requests: Requests) -> Requests:
    """Return each session's first request of these."""
    return requests.groupby("session").head(1)


@pytest.mark.parametrize("delays", [{}, _REAL_DELAYS], ids=["no delays", "default delays"])
@pytest.mark.parametrize("replication", range(3))
def test_with_drain_support_exactly_those_break_that_outlast_the_pod(delays: dict[str, Any], replication: int) -> None:
    """Exactly the sessions on the pod that send a request after it has stopped answering break, and once each."""
    of = scenario("scale_down", {**_BUSY, "deployment.preStop": "30s", **delays})
    result = ss.simulate(of, replication=replication)
    pod = result.pods[result.pods["deleted_s"].notna()].squeeze()
    requests = requests_of_sessions_on(result, pod["pod"])

    assert pod["listener_closed_s"] >= pod["deleted_s"] + 30
    late = firsts(requests[requests["sent_s"] > pod["listener_closed_s"]])
    assert len(late) > 20
    assert (late["broke"] == "lost").all()
    assert result.summary["breaks"] == len(late) == (result.requests["broke"] != "").sum()
    assert result.summary["failed.bad_gateway_502"] == 0


@pytest.mark.parametrize("pre_stop", [None, "10s", "30s"])
@pytest.mark.parametrize("replication", range(3))
def test_without_drain_support_sessions_break_at_the_push_or_the_closed_listener(
    pre_stop: str | None, replication: int
) -> None:
    """Every session on the pod breaks at its first request after the push, or after a listener that closed before.

    The break is ``target_removed`` after the push and ``refused`` before it; a hook longer than that changes nothing.
    """
    changes = {**_BUSY, **_REAL_DELAYS, "deployment.preStop": pre_stop, "kic.enableDrainSupport": False}
    result = ss.simulate(scenario("scale_down", changes), replication=replication)
    pod = result.pods[result.pods["deleted_s"].notna()].squeeze()
    events = result.events
    pushes = events[(events["kind"] == "pushed") & (events["at_s"] >= pod["deleted_s"])]
    push_s = pushes["at_s"].iloc[0]
    requests = requests_of_sessions_on(result, pod["pod"])

    assert (pod["listener_closed_s"] < push_s) == (pre_stop is None)
    late = firsts(requests[requests["sent_s"] > min(push_s, pod["listener_closed_s"])])
    assert len(late) > 50
    assert (late["broke"] == "lost").all()
    assert ((late["mechanism"] == "target_removed") == (late["sent_s"] > push_s)).all()
    assert late["mechanism"].isin(["target_removed", "refused"]).all()
    assert result.summary["breaks"] == len(late) == (result.requests["broke"] != "").sum()


def test_without_drain_support_every_exposed_session_breaks_once() -> None:
    """Without drain support and delays exactly the exposed sessions break: the target is gone with the deletion."""
    of = scenario("scale_down", {**_BUSY, "run.record": "summary", "kic.enableDrainSupport": False})
    for row in operations(of, 5):
        assert row["exposed"] > 50
        assert row["exposed"] == row["broken"] == row["breaks"] == row["lost"]
        assert row["failed"] == 0
