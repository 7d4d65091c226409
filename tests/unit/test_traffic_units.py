"""Traffic in users' units: what a scenario may state, what it comes to, and what is refused at its line."""

from textwrap import dedent

import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import loads

HEAD = "schema: simsticky/1\ntraffic:\n"


def read(*lines):
    return loads(HEAD + "".join(f"  {line}\n" for line in lines), "s.yaml")


def refused(*lines):
    with pytest.raises(InputError) as caught:
        read(*lines)
    return str(caught.value)


def test_two_quantiles_or_mean_and_cv_make_a_lognormal_anywhere():
    """A law is a lognormal when it is stated by two quantiles, or by mean and cv, without its kind."""
    traffic = read("service: {p50: 40ms, p99: 400ms}", "think: {mean: 10s, cv: 2}").traffic
    assert traffic.service.quantile(0.5) == pytest.approx(0.04)
    assert traffic.service.quantile(0.99) == pytest.approx(0.4)
    assert (traffic.think.kind, traffic.think.mean, traffic.think.sd) == (
        "lognormal",
        pytest.approx(10),
        pytest.approx(20),
    )


def test_the_units_come_to_laws_that_the_resolved_scenario_shows():
    """The resolved scenario holds what was stated and the laws beside it, and reads back as the same scenario."""
    scenario = read("rps: 120", "session: {p50: 6m, p95: 40m}")
    resolved = scenario.to_json_dict()["traffic"]
    duration = scenario.traffic.session_duration
    assert (resolved["rps"], resolved["session"]["p95"]) == (120, 2400)
    assert resolved["sessions"]["rate"] == pytest.approx(120 / (2 + duration.mean / 7))
    assert resolved["sessionDuration"]["median"] == pytest.approx(duration.median)
    assert "requests" not in resolved
    again = Scenario.model_validate(scenario.to_json_dict())
    assert (again, again.digest()) == (scenario, scenario.digest())


def test_the_same_laws_stated_by_themselves_have_the_same_digest():
    """What counts for a result are the laws, not how they were stated."""
    units = read("rps: 60", "requests: {kind: geometric, mean: 20}")
    assert (
        units.digest() == read("sessions: {rate: 3/s, kind: poisson}", "requests: {kind: geometric, mean: 20}").digest()
    )


def test_a_duration_alone_and_one_with_thinks_are_two_scenarios():
    """Without think a sessionDuration has two requests: its digest differs, and it reads back as such."""
    alone, filled = read("sessionDuration: 5m"), read("sessionDuration: 5m", "think: {kind: exponential, mean: 7s}")
    assert alone.digest() != filled.digest()
    assert "think" not in Scenario.model_validate(alone.to_json_dict()).traffic.model_fields_set


def test_values_say_where_the_units_stand():
    """The rate of sessions came from the line of rps, the duration from that of session."""
    scenario = read("rps: 120", "session: {p50: 6m, p95: 40m}")
    assert scenario.came_from("traffic.sessions.rate") == "s.yaml:3"
    assert scenario.came_from("traffic.sessionDuration.median") == "s.yaml:4"


@pytest.mark.parametrize(
    ("change", "rate"),
    [
        ({"traffic.rps": 240}, 240 / 12),
        ({"traffic.rps": "rps * 2"}, 240 / 12),
        ({"traffic.sessions.rate": "1/s"}, 1),
        ({"traffic.sessions": {"kind": "poisson", "rate": 3}}, 3),
        ({"traffic.requests": 20}, 120 / 20),
        ({"traffic.think.mean": "14s"}, 120 / 7),
        ({"traffic.sessionDuration": "140s"}, 120 / 22),
        ({"traffic.session.mean": "140s"}, 120 / 22),
    ],
    ids=str,
)
def test_a_change_replaces_what_says_the_same(change, rate):
    """--set on units and on the laws they stand for: the newer choice wins, and the rest follows."""
    scenario = read("rps: 120", "session: {mean: 70s, cv: 1}", "service: 0s")
    assert scenario.traffic.sessions.rate == pytest.approx(10)
    assert scenario.evolve(change).traffic.sessions.rate == pytest.approx(rate)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["session: {p50: 6m}"], "s.yaml:3:12: traffic.session: p50: 1 of two quantiles: give two quantiles"),
        (["session: {p50: 1m, p90: 2m, p99: 3m}"], "p50, p90, p99: 3 of two quantiles"),
        (
            ["session: {p50: 40m, p95: 6m}"],
            "s.yaml:3:12: traffic.session: p50 must be below p95: 2400 is not below 360",
        ),
        (["session: {p50: 6m, cv: 2}"], "s.yaml:3:12: traffic.session: cv and p50 do not mix"),
        (["session: {mean: 6m}"], "s.yaml:3:12: traffic.session: give two quantiles (p50 and p95), mean and cv,"),
        (["session: 6m"], "how long sessions last takes two numbers, for example {p50: 6m, p95: 40m}"),
        (["session: {}"], "s.yaml:3:12: traffic.session: "),
        (["session: [6m, 40m]"], "s.yaml:3:12: traffic.session: must be a mapping, got a list"),
        (
            ["session: {p50: 6m, p80: 9m}"],
            "s.yaml:3:22: traffic.session.p80: unknown, did you mean traffic.session.p90?",
        ),
        (["session: {p50: 80ms, p95: 1s}"], "s.yaml:3:12: traffic.session: sessions so short do not last as long"),
        (["session: {p50: 1m, p95: 2m}", "think: 0s"], "s.yaml:4:10: traffic.think: beside traffic.session it must"),
        (["session: {p50: 1m, p95: 2m}", "requests: 5"], "s.yaml:3:12: traffic.session: traffic.requests and"),
        (["session: {p50: 1m, p95: 2m}", "sessionDuration: 5m"], "s.yaml:3:12: traffic.session: traffic.session comes"),
        (["rps: 0"], "s.yaml:3:8: traffic.rps: must be greater than 0"),
        (["rps: many"], "s.yaml:3:8: traffic.rps: 'many' is not a rate"),
        (
            ["rps: 5", "sessions: {kind: poisson, rate: 4/s}"],
            "s.yaml:3:8: traffic.rps: traffic.rps comes to other sessions",
        ),
        (
            ["rps: 5", "sessions: {kind: closed, population: 4}"],
            "s.yaml:3:8: traffic.rps: traffic.rps is a constant rate",
        ),
        (["rps: 5", "requests: endless"], "s.yaml:4:13: traffic.requests: endless sessions need a closed population"),
        (["rps: 5", "trace: t.csv"], "s.yaml:4:10: traffic.trace: no such file"),
        (["service: {p50: 40ms}"], "s.yaml:3:12: traffic.service: p50: 1 of two quantiles"),
        (["service: {p50: 1ns, p75: 999h}"], "s.yaml:3:12: traffic.service: p50 and p75 are too far apart"),
        (
            ["rps: 5", "sessionDuration: 5m", "think: {kind: pareto, alpha: 1.5, mean: 3s}"],
            "s.yaml:5:10: traffic.think: ",
        ),
    ],
    ids=str,
)
def test_incomplete_or_contradictory_units_are_refused_at_their_line(lines, message):
    """What cannot be resolved is told with file, line and what would do."""
    assert message in refused(*lines)


def test_a_trace_states_all_of_the_traffic(tmp_path):
    """Beside a trace no unit has a meaning."""
    text = dedent(
        """\
        schema: simsticky/1
        traffic:
          rps: 5
          trace: |
            session,start_s,request,think_s,service_s
            1,0,1,0,0.1
        """
    )
    with pytest.raises(InputError, match=r"s.yaml:3:8: traffic.rps: traffic.rps and traffic.trace exclude each other"):
        loads(text, "s.yaml")
