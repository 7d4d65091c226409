"""Given inputs whose figures once misled: what is diluted, counted twice, counted as nothing, or never measured."""

import re
from pathlib import Path
from typing import Any

import pytest
from command_line import called

from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import load, loads
from simsticky.simulate import simulate

CASES = Path(__file__).parent
PAGE = """
schema: simsticky/1
name: case
run: {until: drained, horizon: 2h, replications: 3, seed: 7}
traffic:
  sessions: {kind: poisson, rate: 1/s}
  requests: {kind: geometric, mean: 20}
  think: {kind: exponential, mean: 6s}
deployment: {name: web, replicas: 3, grace: 60s, preStop: 30s}
upstream: {algorithm: sticky-sessions, hashOn: {input: none}, stickySessions: {cookie: sid}}
kic: {enableDrainSupport: true}
timeline: [{at: 10m, rollout: web}]
"""
UNION = ("exposed_sessions", "broken_exposed_sessions", "alive_sessions", "broken_alive_sessions")


def page(**changes: Any) -> Scenario:
    """Return the rollout of a shop; dots in the names of changes are written as two underscores."""
    return loads(PAGE).evolve({key.replace("__", "."): value for key, value in changes.items()})


def printed(place: Path, *flags: str) -> tuple[int, str, str]:
    """Run a scenario file; return the exit code, and what was printed to both outputs on one line each."""
    told = called("run", place, "--jobs", 1, "--no-progress", *flags)
    return told.returncode, " ".join(told.stdout.split()), " ".join(told.stderr.split())


# Dilution -------------------------------------------------------------------------------------------------------


def test_a_push_does_not_dilute_the_rollout() -> None:
    """The same rollout with and without a push that breaks nothing: the same share, not met both times."""
    shares = []
    for name in ("alone.yaml", "s.yaml"):
        _, out, _ = printed(CASES / "pooling-config-push" / name, "--reps", "3")
        assert "✗ broken_of_alive < 50%" in out
        shares.append(re.search(r"of alive at the start (.*? of \d+) .*?of alive, any cause", out).group(1))
    assert shares[0] == shares[1]


@pytest.mark.parametrize(
    "more",
    [
        {"at": "20m", "scale": "web", "replicas": 3},
        {"at": "20m", "configPush": "all", "every": "1m", "times": 5},
        {"at": "20m", "gatewayRestart": "kong-1"},
        {"at": "20m", "traffic": {"rateFactor": 1}},
        {"at": "20m", "pause": "web"},
    ],
    ids=["scale to what is there", "pushes", "restart", "traffic", "pause"],
)
def test_what_exposes_nobody_changes_no_share(more: dict[str, Any]) -> None:
    """Whatever else is on the timeline, numerator and denominator are those of the rollout alone."""
    alone = simulate(page(run__skewFloor=False), 7).summary
    both = simulate(page(run__skewFloor=False, timeline=[{"at": "10m", "rollout": "web"}, more]), 7).summary
    assert {name: both[name] for name in UNION} == {name: alone[name] for name in UNION}
    assert both["entries.2.exposed_sessions"] == both["entries.2.alive_sessions"] == 0


@pytest.mark.parametrize("delay", ["0s", "2s"])
@pytest.mark.parametrize("nodes", [1, 3])
def test_the_old_side_scaled_to_0_after_the_switch_adds_nothing(nodes: int, delay: str) -> None:
    """Blue-green: once every node has the switch, the old side holds nobody who could still be exposed."""
    changes: dict[str, Any] = {
        "companions": [{"name": "green", "replicas": 3}],
        "service": {"name": "shop"},
        "gateway": {"nodes": nodes},
        "kic.pushDelay": delay,
        "run.skewFloor": False,
    }
    switch = {"at": "10m", "switchService": "shop", "to": "green"}
    scaled = {"at": "11m", "scale": "web", "replicas": 0}
    alone = simulate(loads(PAGE).evolve({**changes, "timeline": [switch]}), 7).summary
    both = simulate(loads(PAGE).evolve({**changes, "timeline": [switch, scaled]}), 7).summary
    assert {name: both[name] for name in UNION} == {name: alone[name] for name in UNION}
    assert alone["exposed_sessions"] > 50
    assert both["entries.2.exposed_sessions"] == 0


# Hashing --------------------------------------------------------------------------------------------------------


def test_a_larger_ring_moves_sessions_and_says_so() -> None:
    """A scale-up from 4 to 5 moves about a fifth of those alive; all of them are exposed, and that comes first."""
    code, out, _ = printed(CASES / "hash-ring-ip" / "s.yaml", "--reps", "3")
    assert code == 0
    assert "none of 0" not in out
    moved, alive = re.search(r"(\d[\d ]*) of ([\d ]+) alive were moved", out).groups()
    share = int(moved.replace(" ", "")) / int(alive.replace(" ", ""))
    assert 0.12 < share < 0.28
    assert out.index("alive were moved") < out.index("Broken sessions")


# Not sticky, nothing but failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"upstream": {"algorithm": "round-robin", "hashOn": None, "stickySessions": None}},
        {"upstream": {"algorithm": "least-connections", "hashOn": None, "stickySessions": None}},
        {"traffic.cookies": {"keep": 0}},
    ],
    ids=["round-robin", "least-connections", "no jars"],
)
def test_a_gateway_that_is_not_sticky_says_so_first(changes: dict[str, Any], tmp_path: Path) -> None:
    """Breaks that nothing prevents are background for the operation; the first lines say how many there are."""
    scenario = loads(PAGE).evolve(changes)
    place = write(tmp_path, scenario)
    code, out, _ = printed(place, "--reps", "2")
    assert code == 0
    share = int(re.search(r"this gateway is not sticky: (\d+) % of the sessions alive break anyway", out).group(1))
    assert share > 80
    assert out.index("not sticky") < out.index("Broken sessions")
    assert "of exposed sessions – nothing measured" in out


def test_a_gateway_that_answers_only_503_looks_as_bad_as_it_is(tmp_path: Path) -> None:
    """Scaled to 0 nobody is answered by the wrong pod; the guard counts those who are answered by none."""
    place = write(tmp_path, page(timeline=[{"at": "10m", "scale": "web", "replicas": 0}], run__until="20m"))
    code, out, _ = printed(place, "--reps", "2")
    assert code == 0
    share = int(re.search(r"For whatever cause, (\d+) % of the sessions alive at the start", out).group(1))
    assert share > 60
    assert out.index("For whatever cause") < out.index("Broken sessions")


def test_state_outside_the_pods_cannot_break() -> None:
    """Nobody loses what is not there; the share is 0 and known."""
    summary = simulate(page(app={"state": "external", "externalLatency": "1ms"}), 7).summary
    assert summary["broken_sessions"] == summary["broken_any_cause"] == 0.0
    assert summary["exposed_sessions"] > 50


# Nothing measured -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"timeline": []}, "there is no operation on the timeline"),
        (
            {"run.until": "5m", "timeline": [{"at": "10m", "rollout": "web"}]},
            "the run ends at 5m, before any operation",
        ),
        ({"run.until": "20m", "deployment.replicas": 0}, "no request was answered after run.settle"),
        ({"timeline": [{"at": "10m", "configPush": "all"}]}, "no session was exposed to push to all nodes at 10m"),
    ],
    ids=["no operation", "too late", "no pods", "nobody exposed"],
)
def test_nothing_measured_is_said_in_words(changes: dict[str, Any], why: str, tmp_path: Path) -> None:
    """A figure of nothing reads like a good one: `none of 0` is never printed, and the first lines say why."""
    changes = {"run.until": "20m", **changes}
    place = write(tmp_path, loads(PAGE).evolve(changes))
    code, out, _ = printed(place, "--reps", "2")
    assert code == 0
    assert f"Nothing was measured: {why}" in out
    assert "none of 0" not in out
    assert "nothing measured" in out


def test_settle_that_swallows_the_whole_trace_is_said(tmp_path: Path) -> None:
    """A trace of two minutes, measured from the fifth minute on: nothing is sent any more."""
    trace = tmp_path / "clients.csv"
    trace.write_text("session,start_s,request,think_s,service_s\nme,1,1,60,0.1\nme,1,2,1,0.1\n")
    place = write(tmp_path, page(traffic={"trace": str(trace)}, run__settle="5m", run__until="20m"))
    _, out, _ = printed(place, "--reps", "2")
    assert "Nothing was measured: no request was sent after run.settle (5m)" in out
    assert "none of 0" not in out


def test_settle_that_swallows_the_operation_is_said(tmp_path: Path) -> None:
    """The sessions that the rollout breaks count; its failed requests are not measured, and that is said."""
    place = write(tmp_path, page(run__settle="30m"))
    _, out, _ = printed(place, "--reps", "2")
    assert "nothing was measured" in out
    assert "rollout web at 10m begins before run.settle (30m) is over" in out
    assert "none of 0" not in out


def test_pods_that_are_listed_before_they_listen_are_counted() -> None:
    """The failures are right; the warning says where they come from, and how many there are."""
    _, out, err = printed(CASES / "listed-before-listening" / "s.yaml")
    failed = re.search(r"of requests sent .*?\] (\d+) of [\d ]+ .*?502", out).group(1)
    assert "pods are listed before their application listens" in err
    assert f"until it does: {failed} requests failed" in err


def test_the_same_with_a_readiness_probe_is_silent(tmp_path: Path) -> None:
    """A probe keeps them out: no request fails for it, and there is no warning."""
    place = write(tmp_path, page(app__startup="20s", deployment__readinessProbe={"periodSeconds": 1}))
    assert "listed before" not in printed(place, "--reps", "2")[2]
    place = write(tmp_path, page(app__startup="20s"))
    assert "listed before" in printed(place, "--reps", "2")[2]


def write(folder: Path, scenario: Scenario) -> Path:
    """Write a scenario as a file."""
    import json

    place = folder / "s.yaml"
    place.write_text(json.dumps(scenario.to_json_dict()))
    assert load(place) == scenario
    return place
