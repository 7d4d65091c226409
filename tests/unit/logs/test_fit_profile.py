"""``profile.yaml`` and what scenarios make of it; the trace; and that neither holds who was in the log."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from logs import writers
from logs.markov import visitors
from logs.quiet_runs import quiet_run, read_of

import simsticky as ss
from simsticky.errors import InputError
from simsticky.logs.fit import fit
from simsticky.logs.profile import law_section, profile_text, traffic_of
from simsticky.logs.read import read_logs
from simsticky.logs.trace import trace_text
from simsticky.scenario.distributions import (
    Constant,
    Empirical,
    Exponential,
    Gamma,
    Geometric,
    Lognormal,
    Pareto,
    Uniform,
    Weibull,
)
from simsticky.scenario.model import Traffic
from simsticky.scenario.reading.load import load
from simsticky.workload.trace import read_trace

TRAFFIC = {
    "sessions": {"kind": "poisson", "rate": "1/s"},
    "requests": {"kind": "lognormal", "median": 6, "sigma": 0.8},
    "think": {"kind": "gamma", "mean": "6s", "cv": 1.4},
    "cookies": {"keep": 0.9},
}
SCENARIO = """schema: simsticky/1
run: {until: 2m, replications: 1}
traffic: {profile: fitted.yaml%s}
deployment: {replicas: 2}
"""
PROFILE = """schema: simsticky-profile/1
traffic:
  sessions: {kind: poisson, rate: 2/s}
  requests: {kind: geometric, mean: 9}
  think: {kind: exponential, mean: 4s}
  service: {kind: lognormal, median: 40ms, sigma: 0.5}
  cookies: {keep: 0.9}
counts: {requests: 100}
"""


@cache
def logged():
    """Return a run's log and the fit of it."""
    read = read_of(quiet_run(TRAFFIC, until="20m"))
    return read, fit(read)


def scenario(folder: Path, beside: str = "", profile: str = PROFILE) -> ss.Scenario:
    (folder / "fitted.yaml").write_text(profile)
    (folder / "s.yaml").write_text(SCENARIO % (f", {beside}" if beside else ""))
    return load(folder / "s.yaml")


def test_a_profile_says_what_was_fitted(tmp_path):
    """Protects the way back: the scenario that names the file has the laws of the fit, to four digits."""
    _, found = logged()
    traffic = scenario(tmp_path, profile=profile_text(found)).traffic
    assert traffic.requests.kind == "lognormal"
    assert traffic.requests.mean == pytest.approx(found.shape.requests.chosen.law.mean, rel=1e-3)
    assert traffic.think.mean == pytest.approx(found.shape.think.chosen.law.mean, rel=1e-3)
    assert traffic.service.mean == pytest.approx(found.service.chosen.law.mean, rel=1e-3)
    assert traffic.sessions.rate == pytest.approx(found.arrivals.mean.value, rel=0.02)
    assert traffic.cookies.keep == pytest.approx(1 - found.cookieless.value, abs=1e-4)


def test_the_fit_of_a_run_of_the_profile_is_the_profile(tmp_path):
    """Protects the circle: means of a run with the fitted laws are those of the log, within 5 %."""
    _, found = logged()
    again = fit(read_of(quiet_run(traffic_of(found), until="20m"), seed=9))
    for one, other in (
        (found.shape.requests, again.shape.requests),
        (found.shape.think, again.shape.think),
        (found.service, again.service),
    ):
        assert other.chosen.mean.value == pytest.approx(one.chosen.law.mean, rel=0.05)
    assert again.cookieless.low - 0.01 < found.cookieless.value < again.cookieless.high + 0.01


@pytest.mark.parametrize(
    "law",
    [
        Constant(value=6),
        Exponential(mean=0.0123456),
        Lognormal(median=0.05, sigma=0.6),
        Lognormal(mean=1, cv=0.5),
        Gamma(shape=0.5, scale=70),
        Gamma(mean=1, cv=2),
        Weibull(shape=0.7, scale=300),
        Pareto(alpha=1.81234, minimum=4.02),
        Uniform(low=1, high=3.5),
        Pareto(alpha=1.2, minimum=3, cap=600),
        Geometric(mean=12.5),
        Empirical(values=(1, 2.5, 400), weights=(0.5, 0.25, 0.25)),
    ],
    ids=lambda law: law.kind,
)
def test_every_law_is_written_as_it_is_read(law):
    """Protects each law's spelling: durations and counts, read back by the scenario's own model."""
    for counts in (False, True):
        field = "requests" if counts else "think"
        if counts and law.mean < 1:
            continue
        read = getattr(Traffic.model_validate({field: law_section(law, counts=counts)}), field)
        assert read.kind == law.kind
        assert read.mean == pytest.approx(law.mean, rel=2e-3)


def test_what_the_scenario_states_itself_wins(tmp_path):
    """Protects overriding: short forms, other kinds, and other ways to say the same."""
    assert scenario(tmp_path).traffic.requests.mean == 9
    stated = scenario(tmp_path, "think: 6s, requests: {kind: lognormal, median: 5, sigma: 1}").traffic
    assert (stated.think.kind, stated.think.mean, stated.requests.kind) == ("constant", 6, "lognormal")
    assert stated.sessions.rate == 2
    assert scenario(tmp_path, "service: {p50: 10ms, p99: 90ms}").traffic.service.p50 == 0.01
    by_length = scenario(tmp_path, "session: {p50: 6m, p95: 40m}").traffic
    assert by_length.session is not None
    assert by_length.think.mean == 4
    assert scenario(tmp_path, "rps: 90").traffic.sessions.rate == pytest.approx(10)
    assert scenario(tmp_path, "cookies: {clear: 0.01}").traffic.cookies.keep == 0.9


def test_a_trace_beside_a_profile_takes_its_laws_away(tmp_path):
    """Protects replay: what the trace has, the profile does not state; its cookies stay."""
    (tmp_path / "t.csv").write_text("session,start_s,request,think_s,service_s\n1,0,1,,0.1\n")
    traffic = scenario(tmp_path, "trace: t.csv").traffic
    assert traffic.trace is not None
    assert traffic.cookies.keep == 0.9


def test_a_value_of_a_profile_has_its_place(tmp_path):
    """Protects provenance: reports say which file states it."""
    found = scenario(tmp_path, "think: 6s")
    assert found.came_from("traffic.requests.mean").endswith("fitted.yaml:4")
    assert found.came_from("traffic.think").endswith("s.yaml:3")


def test_a_profile_is_found_from_the_file_that_names_it(tmp_path):
    """Protects a base in another directory, which names a profile beside it."""
    (tmp_path / "below").mkdir()
    scenario(tmp_path / "below")
    (tmp_path / "above.yaml").write_text("schema: simsticky/1\nbase: below/s.yaml\ntraffic: {think: 1s}\n")
    traffic = load(tmp_path / "above.yaml").traffic
    assert (traffic.requests.mean, traffic.think.mean) == (9, 1)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (PROFILE.replace("mean: 9", "mean: -9"), r"fitted.yaml:4:\d+: traffic.requests.mean: .*-9"),
        (PROFILE.replace("geometric", "geometrical"), r"fitted.yaml:4:\d+: traffic.requests"),
        (PROFILE.replace("think:", "thinks:"), r"fitted.yaml:5:\d+: traffic.thinks: unknown"),
        (PROFILE.replace("simsticky-profile/1", "simsticky/1"), r"fitted.yaml:1:\d+: schema: a profile .*base: FILE"),
        (PROFILE.replace("simsticky-profile/1", "other"), r"fitted.yaml:1:\d+: schema: .*simsticky fit writes one"),
        (PROFILE.replace("counts:", "deployment:"), r"fitted.yaml:8:\d+: deployment: unknown; a profile has"),
        ("schema: simsticky-profile/1\ntraffic: 4\n", r"fitted.yaml:2:\d+: traffic: a profile states traffic"),
        ("schema: simsticky-profile/1\ntraffic: {profile: x.yaml}\n", r"fitted.yaml:2:.*names no other one"),
        ("schema: simsticky-profile/1\n", r"fitted.yaml:1:.*a profile states traffic"),
        ("", "fitted.yaml: is no profile"),
        ("- 1\n", "fitted.yaml: is no profile"),
        ("a: [", r"fitted.yaml:1:\d+: not valid YAML"),
    ],
)
def test_what_is_wrong_in_a_profile_has_its_line(tmp_path, profile, said):
    """Protects people who edit a profile: file, line, path and a way out."""
    with pytest.raises(InputError, match=said):
        scenario(tmp_path, profile=profile)


def test_a_profile_that_is_not_there_is_told_where_it_is_named(tmp_path):
    """Protects against a message about a file that nobody named."""
    (tmp_path / "s.yaml").write_text(SCENARIO % "")
    with pytest.raises(InputError, match=r"s.yaml:3:\d+: traffic.profile: fitted.yaml: no such file"):
        load(tmp_path / "s.yaml")
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("fitted.yaml", "4") % "")
    with pytest.raises(InputError, match=r"s.yaml:3:\d+: traffic.profile: is the name of a file"):
        load(tmp_path / "s.yaml")


def test_the_trace_is_the_log(tmp_path):
    """Protects replay: every request, in its order, with its think and service, and who keeps cookies."""
    read, found = logged()
    (tmp_path / "t.csv").write_text(trace_text(read, found))
    trace = read_trace(str(tmp_path / "t.csv"))
    assert int(trace.counts.sum()) == len(read.requests)
    assert trace.counts.size == found.source.sessions
    assert trace.service_s.sum() == pytest.approx(np.nansum(read.requests.service_s), rel=1e-6)
    assert 1 - trace.keeps_cookies.mean() == pytest.approx(0.1, abs=0.02)
    first = read.requests.sent_s - read.requests.window_s[0]
    ends = np.cumsum(trace.counts) - 1
    replayed = trace.start_s + np.bincount(
        np.repeat(np.arange(ends.size), trace.counts), weights=trace.think_s + trace.service_s
    )
    assert trace.start_s.min() == pytest.approx(first.min(), abs=1e-3)
    assert replayed.max() == pytest.approx((first + read.requests.took_s).max(), abs=0.5)


def test_nothing_of_a_log_but_laws_and_counts_is_written(tmp_path):
    """Protects people: no address, cookie, path, name, agent or date of the log in profile or trace."""
    made = visitors(seed=3, hours=1.0)
    lines = writers.text(made.requests)
    (tmp_path / "kong.log").write_text(lines)
    read = read_logs(tmp_path / "kong.log")
    found = fit(read)
    secrets = set(re.findall(r'"([^"]{4,})"', lines)) | set(re.findall(r"\d+\.\d+\.\d+\.\d+", lines))
    secrets |= {part for one in made.requests for part in (one.app_in, one.app_out, one.sticky_out, one.pod, one.agent)}
    secrets |= {word for text in list(secrets) for word in re.findall(r"[A-Za-z0-9_.-]{6,}", text)}
    # What every profile says of itself.
    own = {"request", "requests", "session", "sessions", "service", "cookie", "cookies", "length"}
    secrets = {secret for secret in secrets if secret and secret not in own and not re.fullmatch(r"\d{1,7}", secret)}
    assert len(secrets) > 1000
    for text in (profile_text(found), trace_text(read, found)):
        assert [secret for secret in secrets if secret in text] == []
        assert "2026" not in text
        assert str(tmp_path) not in text
        assert not re.search(r"\d+\.\d+\.\d+\.\d+", text)
