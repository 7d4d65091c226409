"""A pod as a queueing system, as scenarios, against the formulas of Erlang and of Pollaczek and Khinchine.

A pod works on ``app.concurrency`` requests at a time and lets the others wait in one line. Requests of many clients are
a Poisson process; those of a closed population come back a think time after their answer.
"""

from heapq import heapreplace
from math import sqrt
from typing import Any

import numpy as np
import pytest
from scenario_runs import LARGEST_STANDARD_ERROR, scenario, within

import simsticky as ss

Row = dict[str, Any]
Times = np.ndarray[tuple[int], np.dtype[np.float64]]

_REPLICATIONS = 40
_REQUESTS = 120_000
"""Of a row, all replications together: a standard error of 0.3 to 11 % of the mean wait."""

_BUSY = 0.85
"""Load above which the mean waits of so many requests are too much a matter of luck to be compared with a formula: few
long queues make them. That each request waits for those before it is held to any load."""

_OFTEN = 1e-3
"""Share of requests that wait, below which only response times are compared: the waits are too few."""


def no_counterpart(case: Row) -> str:
    """Return why the model has nothing like a row, or an empty string."""
    model = case["model"]
    if model in ("M/M/c", "M/G/1-FIFO", "closed M/M/c//N"):
        return ""
    if model.startswith("hot pod"):
        return "" if case["stable"] else "the hot pod has no steady state"
    reasons = {
        "M/M/c/K": "no pod turns requests away",
        "M/G/1-PS": "slots do not share a processor",
        "M/G/inf": "sessions alive are held to it in test_workload_equilibrium.py",
    }
    return reasons.get(model, f"no pod is {model}")


def service_law(case: Row) -> dict[str, Any]:
    mean, cv = case.get("ES") or 1 / case["mu"], case.get("service_cv", 1.0)
    if cv == 0:
        return {"kind": "constant", "value": mean}
    return {"kind": "exponential", "mean": mean} if cv == 1 else {"kind": "lognormal", "mean": mean, "cv": cv}


class Runs:
    """The replications of a row: waits and response times of the requests sent while they are measured, in seconds.

    Each starts empty, settles, is measured for its part of the requests, and goes on until those are answered.
    """

    def __init__(
        self,
        changes: dict[str, Any],
        servers: int,
        arrivals: float,
        settle_s: float,
        rest_s: float,
        replications: int = _REPLICATIONS,
    ) -> None:
        """Run them; the first also shows that each request waits for a free slot and for nothing else."""
        self.span_s = _REQUESTS / _REPLICATIONS / arrivals
        end_s = settle_s + self.span_s
        of = scenario("queue", {**changes, "app.concurrency": servers, "run.until": end_s + rest_s})
        self.waits: list[Times] = []
        self.responses: list[Times] = []
        for replication in range(replications):
            requests = ss.simulate(of, replication=replication).requests
            if not replication:
                wait_for_a_free_slot(requests, servers)
            requests = requests[(requests["sent_s"] >= settle_s) & (requests["sent_s"] < end_s)]
            assert requests["ended_s"].notna().all()
            self.waits.append((requests["started_s"] - requests["sent_s"]).to_numpy())
            self.responses.append((requests["ended_s"] - requests["sent_s"]).to_numpy())


def wait_for_a_free_slot(requests: Any, servers: int) -> None:
    """Check that requests are served first come, first served, each as soon as a slot is free."""
    free_s = [0.0] * servers
    for sent_s, started_s, ended_s in zip(requests["sent_s"], requests["started_s"], requests["ended_s"], strict=True):
        if ended_s != ended_s:
            return  # the run ends, and the others may wait for this one
        assert started_s == max(sent_s, free_s[0])
        heapreplace(free_s, ended_s)


def check(values: list[float], expected: float) -> float:
    """Compare the mean of the replications; return the relative standard error."""
    standard_error = float(np.std(values, ddof=1)) / sqrt(len(values))
    assert within(float(np.mean(values)), expected, standard_error)
    return standard_error / expected


@pytest.mark.quick_rows(2)
@pytest.mark.table("theory", "queueing", "rows")
def test_waits_in_a_pods_queue(case: Row) -> None:
    """Requests wait as long, and as many of them, as in the queueing system that a pod is (rule P1)."""
    if reason := no_counterpart(case):
        pytest.skip(reason)
    if case["model"] == "closed M/M/c//N":
        check_closed(case)
    else:
        check_open(case)


def check_open(case: Row) -> None:
    """Hold waits and responses of Poisson requests to the table; settling takes ten of the queue's time constants."""
    service, servers = service_law(case), case.get("c", 1)
    hot = case["model"].startswith("hot pod")
    arrivals = case["lam"] / case["n"] * case["skew"] if hot else case["lam"]
    mean_s = service.get("mean", service.get("value"))
    load = arrivals * mean_s / servers
    variable = (1 + case.get("service_cv", 1.0) ** 2) / 2
    runs = Runs(
        {"traffic.sessions.rate": arrivals, "traffic.service": service},
        servers,
        arrivals,
        settle_s=10 * mean_s * (1 + variable / servers / (1 - sqrt(load)) ** 2),
        rest_s=100 * mean_s * (1 + variable / servers / (1 - load)),
        replications=1 if load > _BUSY else _REPLICATIONS,
    )
    if load > _BUSY:
        return
    if "W" in case:
        check([response.mean() for response in runs.responses], case["W"])
    if case.get("p_wait", 1.0) < _OFTEN:
        return
    check([wait.mean() for wait in runs.waits], case["Wq_hot"] if hot else case["Wq"])
    if "p_wait" in case:
        check([(wait > 0).mean() for wait in runs.waits], case["p_wait"])
    if "Lq" in case:
        check([wait.sum() / runs.span_s for wait in runs.waits], case["Lq"])
    if case.get("wq_p99"):
        # An order statistic is biased, the share that exceeds the table's quantile is not.
        check([(wait > case["wq_p99"]).mean() for wait in runs.waits], 0.01)


def check_closed(case: Row) -> None:
    """Hold throughput and response time of a closed population to the table."""
    changes = {
        "traffic.sessions": {"kind": "closed", "population": case["N"]},
        "traffic.requests": "endless",
        "traffic.think": {"kind": "exponential", "mean": case["Z"]},
        "traffic.service": {"kind": "exponential", "mean": 1 / case["mu"]},
    }
    cycle_s = case["Z"] + case["R"]
    runs = Runs(changes, case["c"], case["X"], settle_s=5 * cycle_s, rest_s=10 * cycle_s)
    assert check([len(time) / runs.span_s for time in runs.responses], case["X"]) <= LARGEST_STANDARD_ERROR
    assert check([time.mean() for time in runs.responses], case["R"]) <= LARGEST_STANDARD_ERROR
