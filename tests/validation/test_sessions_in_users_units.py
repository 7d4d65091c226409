"""Requests per second and lengths of sessions as people state them: what comes of them (rules W10 and W11)."""

import math
from typing import Any

import numpy as np
import pytest
from small_scenario import small

from simsticky.scenario.model import Traffic
from simsticky.scenario.traffic_units import filled_by, mean_requests
from simsticky.simulate import simulate
from simsticky.workload.components import Generators
from simsticky.workload.shapes import session_bounds, session_shape

SESSIONS = 40_000
EXPONENTIAL = {"kind": "exponential", "mean": "7s"}
THINKS = [
    EXPONENTIAL,
    {"kind": "constant", "value": "7s"},
    {"p50": "5s", "p95": "30s"},
    {"kind": "gamma", "mean": "7s", "cv": 2},
    {"kind": "uniform", "low": "1s", "high": "13s"},
]
LENGTHS = [{"p50": "6m", "p95": "40m"}, {"p10": "30s", "p90": "10m"}, {"mean": "5m", "cv": 1.5}]


def drawn(written: dict[str, Any]) -> tuple[Traffic, np.ndarray, np.ndarray]:
    """Return the traffic, the requests of many of its sessions, and how long each lasts, answers included."""
    traffic = Traffic.model_validate(written)
    shape = session_shape(traffic)
    assert shape is not None
    counts, think = shape.draw(SESSIONS, Generators(5, 0).for_key(0))
    service = traffic.service.sample(np.random.default_rng(6), think.size)
    lasts = np.add.reduceat(think + service, session_bounds(counts)[:-1])
    return traffic, counts, lasts


@pytest.mark.quick_cases(5)
@pytest.mark.parametrize("length", LENGTHS, ids=str)
@pytest.mark.parametrize("think", THINKS, ids=str)
def test_sessions_start_so_often_that_the_stated_requests_come(think, length):
    """Starts per second times the requests of a session are the stated rate: exactly for exponential thinks, for
    others within Lorden's bound of (1 + cv^2) / 2 requests a session.
    """
    traffic, counts, _ = drawn({"rps": 120, "session": length, "think": think})
    error = counts.std() / math.sqrt(SESSIONS) * 4
    allowed = 0.0 if think is EXPONENTIAL else (1 + (traffic.think.sd / traffic.think.mean) ** 2) / 2
    assert abs(120 / traffic.sessions.rate - counts.mean()) < error + allowed


@pytest.mark.parametrize("service", [{"p50": "40ms", "p99": "400ms"}, {"mean": "1s", "cv": 1}], ids=str)
@pytest.mark.parametrize("length", LENGTHS, ids=str)
def test_sessions_last_as_stated(length, service):
    """Both stated quantiles, or the mean, of the time from first request to last answer, within 4 standard errors."""
    _, _, lasts = drawn({"session": length, "think": EXPONENTIAL, "service": service})
    traffic = Traffic.model_validate({"session": length})
    assert traffic.session is not None
    if "mean" in length:
        assert abs(lasts.mean() - traffic.session.mean) < 4 * lasts.std() / math.sqrt(SESSIONS)
        return
    for p, (_, at) in zip(traffic.session.stated_probabilities, traffic.session.stated_quantiles.items(), strict=True):
        assert abs((lasts <= at).mean() - p) < 4 * math.sqrt(p * (1 - p) / SESSIONS)


def test_service_left_out_would_be_seen():
    """The test above has the power it claims: with a sessionDuration of the same numbers sessions last longer."""
    length = {"p50": "6m", "p95": "40m"}
    wrong = {"sessionDuration": length, "think": EXPONENTIAL, "service": {"mean": "1s", "cv": 1}}
    _, _, lasts = drawn(wrong)
    assert abs((lasts <= 360).mean() - 0.5) > 4 * math.sqrt(0.25 / SESSIONS)


@pytest.mark.parametrize(
    "law",
    [
        {"kind": "geometric", "mean": 3},
        {"kind": "exponential", "mean": 4},
        {"kind": "lognormal", "mean": 6, "cv": 3},
        {"kind": "uniform", "low": 0, "high": 3},
        {"kind": "pareto", "alpha": 2.5, "minimum": 1},
        {"kind": "lognormal", "mean": 6, "cv": 3, "cap": 9},
        {"kind": "empirical", "values": [0.2, 3.6, 9], "weights": [1, 2, 1]},
        2.6,
    ],
    ids=str,
)
def test_the_mean_of_a_count_is_that_of_whole_numbers_from_one_on(law):
    """The closed form counts as the draws do: rounded, at least one."""
    traffic = Traffic.model_validate({"rps": 10, "requests": law})
    shape = session_shape(traffic)
    assert shape is not None
    assert not isinstance(traffic.requests, str)
    counts = shape.draw_counts(400_000, np.random.default_rng(3))
    assert abs(counts.mean() - mean_requests(traffic.requests)) <= 4 * counts.std() / math.sqrt(counts.size) + 1e-9


def test_a_run_serves_the_stated_requests_per_second():
    """In the simulation itself: requests sent between 2 and 10 minutes, in 12 replications, are rps times that."""
    scenario = small(
        [],
        run__until="10m",
        run__skewFloor=False,
        traffic__requests=None,
        traffic__rps=20,
        traffic__session={"p50": "1m", "p95": "4m"},
        traffic__service={"p50": "40ms", "p99": "400ms"},
    )
    counts = np.array([_sent(scenario, replication) for replication in range(12)])
    assert abs(counts.mean() - 20 * 480) < 4 * counts.std(ddof=1) / math.sqrt(counts.size)


def _sent(scenario, replication):
    sent = simulate(scenario, seed=3, replication=replication).requests["sent_s"]
    return int(((sent >= 120) & (sent < 600)).sum())


def test_exponential_gaps_have_no_allowance():
    """For exponential gaps the mean is D / tau + 2, the closed form of a Poisson process with its two ends."""
    think = Traffic.model_validate({"think": EXPONENTIAL}).think
    assert filled_by(think).requests(70.0) == pytest.approx(12.0)
