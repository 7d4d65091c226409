"""A log of the simulator's own gives back what it was made of; one that the model did not make, what it shows."""

from functools import cache

import numpy as np
import pytest
from logs import writers
from logs.markov import visitors
from logs.quiet_runs import columns, frames, quiet_run, read_of
from logs.recording import requests_of
from logs.traffic import BEGIN_S

from simsticky.logs.fit import fit
from simsticky.logs.profile import traffic_of
from simsticky.logs.read import read_logs
from simsticky.simulate import simulate

COUNTED = {
    "sessions": {"kind": "poisson", "rate": "1.2/s"},
    "requests": {"kind": "pareto", "alpha": 2.5, "minimum": 5},
    "think": {"kind": "lognormal", "median": "5s", "sigma": 0.8},
    "service": {"kind": "gamma", "mean": "60ms", "cv": 0.8},
    "cookies": {"keep": 0.93},
}
TIMED = {
    "rps": 25,
    "session": {"p50": "3m", "p95": "15m"},
    "think": {"kind": "exponential", "mean": "20s"},
    "service": "30ms",
    "cookies": {"keep": 0.98},
}
HEAVY = {
    "sessions": {"kind": "poisson", "rate": "1.2/s"},
    "requests": {"kind": "geometric", "mean": 15},
    "think": {"kind": "exponential", "mean": "6s"},
    "clientRate": {"kind": "gamma", "mean": 1, "cv": 0.9},
}


@pytest.mark.parametrize("from_a_file", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_counted_sessions_come_back(tmp_path, from_a_file):
    """Protects means within 5 %, the tail index within its interval, clients without cookies within 1 point.

    Of 40 minutes of a run with a heavy tail of requests; also read from its log as anybody's would be.
    """
    scenario = quiet_run(COUNTED, until="50m")
    truth = scenario.traffic
    if from_a_file:
        # Sessions alive at 0 have their cookies after ten minutes: what writes the log gives them one at first sight.
        lines = [one for one in requests_of(simulate(scenario, seed=11)) if one.sent_s > BEGIN_S + 600]
        path = tmp_path / "kong.log"
        path.write_text(writers.text(lines))
        found = fit(read_logs(path))
    else:
        found = fit(columns(*frames(scenario, seed=11), (600.0, 3000.0)))
    section = traffic_of(found)
    assert {name: section[name]["kind"] for name in ("sessions", "requests", "think", "service")} == {
        "sessions": "poisson", "requests": "pareto", "think": "lognormal", "service": "gamma",
    }  # fmt: skip
    assert found.arrivals.mean.value == pytest.approx(truth.sessions.rate, rel=0.05)
    assert found.shape.requests.chosen.mean.value == pytest.approx(truth.requests.mean, rel=0.05)
    assert found.shape.think.chosen.mean.value == pytest.approx(truth.think.mean, rel=0.05)
    assert found.service.chosen.mean.value == pytest.approx(truth.service.mean, rel=0.05)
    tail = found.tails["requests"].index
    assert tail.low < 2.5 < tail.high
    assert found.cookieless.value == pytest.approx(0.07, abs=0.01)
    assert found.heavy.alike


@pytest.mark.slow
def test_timed_sessions_come_back():
    """Protects the other shape: a session that ends by the clock is told from one that ends by a count."""
    scenario = quiet_run(TIMED, until="50m")
    truth, found = scenario.traffic, fit(read_of(scenario, seed=11))
    assert found.shape.duration is not None
    assert found.shape.duration.chosen.kind == "lognormal"
    assert found.shape.duration.chosen.mean.value == pytest.approx(truth.session_duration.mean, rel=0.05)
    assert found.shape.think.chosen.kind == "exponential"
    assert found.shape.think.chosen.mean.value == pytest.approx(20, rel=0.05)
    assert found.arrivals.mean.value == pytest.approx(truth.sessions.rate, rel=0.05)
    assert found.cookieless.value == pytest.approx(0.02, abs=0.01)
    middle, most = found.length
    assert middle == pytest.approx(180, rel=0.08)
    assert most is None or most == pytest.approx(900, rel=0.15)


@pytest.mark.slow
def test_heavy_users_come_back():
    """Protects clientRate: the spread of clients' paces, and the think of the mean one."""
    found = fit(read_of(quiet_run(HEAVY, until="50m"), seed=11))
    assert found.heavy.rate.kind == "gamma"
    assert found.heavy.cv.value == pytest.approx(0.9, rel=0.1)
    assert found.heavy.think.kind == "exponential"
    assert found.think_mean.value == pytest.approx(6, rel=0.05)
    assert found.shape.requests.chosen.kind == "geometric"
    assert found.shape.requests.chosen.mean.value == pytest.approx(15, rel=0.05)


@cache
def long_sessions():
    """Return the frames of an hour of sessions of five minutes on average, some of hours."""
    section = {
        "sessions": {"kind": "poisson", "rate": "3/s"},
        "requests": {"kind": "lognormal", "median": 12, "sigma": 1.0},
        "think": "16s",
        "service": "20ms",
    }
    return frames(quiet_run(section, until="1h"))


@pytest.mark.quick_rows(1)
@pytest.mark.parametrize("window", [(0.0, 2400.0), (700.0, 3100.0), (1200.0, 3600.0)], ids=str)
def test_a_log_that_begins_and_ends_in_the_middle_gives_back_the_law(window):
    """Protects logs that were cut anywhere: 40 minutes of long sessions; simply counted they are a tenth too short."""
    read = columns(*long_sessions(), window)
    found = fit(read)
    truth = 12 * np.exp(0.5)
    assert read.sessions.requests.mean() < 0.92 * truth
    assert found.shape.requests.chosen.kind == "lognormal"
    assert found.shape.requests.chosen.mean.value == pytest.approx(truth, rel=0.05)
    assert found.arrivals.mean.value == pytest.approx(3, rel=0.05)


@pytest.mark.slow
def test_day_and_night_come_back():
    """Protects arrivals over the day: two days of a rate that swings, as one law with its peak."""
    day = {"kind": "diurnal", "mean": "6/min", "amplitude": 0.6, "period": "24h", "peakAt": "14h"}
    found = fit(read_of(quiet_run({"sessions": day, "requests": 3, "think": "2s"}, until="48h")))
    law = found.arrivals.law
    assert law.kind == "diurnal"
    assert law.mean == pytest.approx(0.1, rel=0.05)
    assert law.amplitude == pytest.approx(0.6, rel=0.08)
    assert law.peak_at == pytest.approx(14 * 3600, abs=1800)
    assert found.shape.requests.chosen.kind == "constant"


@pytest.mark.slow
def test_a_log_that_the_model_did_not_make(tmp_path):
    """Protects against seeing only what the model knows: bursts, two kinds of answers and states of mind are said.

    The means are those of what was made all the same, and those of a run of the profile.
    """
    made = visitors(seed=8, hours=2.0)
    path = tmp_path / "kong.log"
    path.write_text(writers.text(made.requests))
    found = fit(read_logs(path))
    said = " ".join(found.notes)
    assert "sessions start in bursts" in said
    assert "no law fits the service times" in said
    assert found.shape.requests.chosen.mean.value == pytest.approx(made.mean_requests, rel=0.05)
    assert found.think_mean.value == pytest.approx(made.mean_think_s, rel=0.05)
    assert found.service.chosen.mean.value == pytest.approx(made.mean_service_s, rel=0.05)
    assert found.arrivals.mean.value == pytest.approx(made.sessions / (2 * 3600), rel=0.05)
    again = fit(read_of(quiet_run(traffic_of(found), until="2h"), seed=2))
    assert again.shape.requests.chosen.mean.value == pytest.approx(made.mean_requests, rel=0.05)
    assert again.think_mean.value == pytest.approx(made.mean_think_s, rel=0.05)
    assert again.service.chosen.mean.value == pytest.approx(made.mean_service_s, rel=0.05)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """Protects every interval of the table: of 60 logs, 95 % hold it, give or take four standard errors of chance."""
    section = {
        "sessions": {"kind": "poisson", "rate": "0.8/s"},
        "requests": {"kind": "geometric", "mean": 10},
        "think": {"kind": "gamma", "mean": "6s", "cv": 1.3},
        "service": {"kind": "lognormal", "median": "50ms", "sigma": 0.5},
        "cookies": {"keep": 0.9},
    }
    scenario = quiet_run(section, until="20m")
    truth = scenario.traffic
    held = dict.fromkeys(("arrivals", "requests", "think", "service", "cookieless"), 0)
    for seed in range(60):
        found = fit(read_of(scenario, seed=1000 + seed))
        for name, bounds, true in (
            ("arrivals", found.arrivals.mean, 0.8),
            ("requests", found.shape.requests.chosen.mean, 10.0),
            ("think", found.shape.think.chosen.mean, truth.think.mean),
            ("service", found.service.chosen.mean, truth.service.mean),
            ("cookieless", found.cookieless, 0.1),
        ):
            held[name] += bounds.low < true < bounds.high
    least = 60 * 0.95 - 4 * (60 * 0.95 * 0.05) ** 0.5
    assert all(count >= least for count in held.values()), held
