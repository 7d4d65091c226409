"""The exported k6 script: its laws and sessions under node, what it counts, what it is told, and what is refused."""

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_node import NODE, answered, needs_node
from small_scenario import small

import simsticky as ss
from simsticky.errors import InputError
from simsticky.report.k6 import Backend, script
from simsticky.scenario.law import ContinuousLaw
from simsticky.workload.shapes import session_shape

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.yaml"))
NOT_EXPORTED = {"websockets"}
DRAWS = 40_000

LAWS: list[dict[str, Any]] = [
    {"kind": "constant", "value": 2.5},
    {"kind": "uniform", "low": 1, "high": 4},
    {"kind": "uniform", "low": 1, "high": 4, "cap": 2},
    {"kind": "exponential", "mean": 6},
    {"kind": "exponential", "mean": 6, "cap": 5},
    {"kind": "lognormal", "median": 2, "sigma": 0.6},
    {"kind": "lognormal", "mean": 4, "cv": 1.5},
    {"kind": "gamma", "mean": 3, "cv": 0.5},
    {"kind": "gamma", "mean": 3, "cv": 2},
    {"kind": "gamma", "shape": 1, "scale": 2},
    {"kind": "weibull", "shape": 0.7, "mean": 5},
    {"kind": "weibull", "shape": 2.5, "scale": 5},
    {"kind": "pareto", "alpha": 4.5, "minimum": 2},
    {"kind": "pareto", "alpha": 0.9, "minimum": 1, "cap": 30},
    {"kind": "geometric", "mean": 1},
    {"kind": "geometric", "mean": 20},
    {"kind": "empirical", "values": [1, 2, 8], "weights": [2, 1, 1]},
    {"kind": "empirical", "values": ["500ms", "3s"]},
]


@pytest.mark.quick_cases(6)
@needs_node
@pytest.mark.parametrize("law", LAWS, ids=lambda law: " ".join(map(str, law.values())))
def test_a_law_is_drawn_as_the_scenario_says(law: dict[str, Any], tmp_path: Path) -> None:
    """Mean, and how many draws lie above some points, agree within four standard errors; the seed is fixed."""
    scenario = small(traffic__think=law)
    asked = f"seed(7); answer(Array.from({{ length: {DRAWS} }}, () => script.draw.think()));"
    drawn = np.array(answered(tmp_path, script(scenario), asked))
    think = scenario.traffic.think
    assert abs(drawn.mean() - think.mean) <= 4 * think.sd / math.sqrt(DRAWS) + 1e-12
    if isinstance(think, ContinuousLaw):
        for point in np.quantile(drawn, [0.05, 0.3, 0.7, 0.95]).tolist():
            at = round(point, 3)
            expected = think.survival(at)
            error = math.sqrt(expected * (1 - expected) / DRAWS)
            assert abs(np.mean(drawn > at) - expected) <= 4 * error + 1e-12
    else:
        assert np.all(drawn >= 0)
        assert drawn.std() == pytest.approx(think.sd, rel=0.05)


@needs_node
@pytest.mark.parametrize(
    "traffic",
    [
        {"requests": {"kind": "lognormal", "mean": 5, "cv": 1}},
        {"requests": {"kind": "empirical", "values": [0.2, 2.5, 3.5]}},
        {"requests": None, "sessionDuration": {"kind": "exponential", "mean": 40}, "think": "7s"},
        {"sessionDuration": {"kind": "gamma", "mean": 40, "cv": 2}, "think": {"kind": "exponential", "mean": 5}},
        {"clientRate": {"kind": "gamma", "mean": 1, "cv": 2}},
        {
            "sessionDuration": {"kind": "uniform", "low": 0, "high": 60},
            "clientRate": {"kind": "lognormal", "mean": 1, "cv": 1},
            "think": {"kind": "exponential", "mean": 5},
        },
    ],
    ids=lambda traffic: "-".join(traffic),
)
def test_sessions_are_as_long_as_the_simulator_s(traffic: dict[str, Any], tmp_path: Path) -> None:
    """Requests of a session and its length agree with the simulator's own draws, within four standard errors."""
    scenario = small(**{f"traffic__{name}": law for name, law in traffic.items()})
    count = DRAWS // 4
    asked = """seed(5); answer(Array.from({ length: %d }, () => {
      const next = script.gapsOf(script.newClient().rate);
      let requests = 1, total = 0;
      for (let gap = next(); gap >= 0; gap = next()) { requests += 1; total += gap; }
      return [requests, total];
    }));"""
    exported = np.array(answered(tmp_path, script(scenario), asked % count))
    shape = session_shape(scenario.traffic)
    assert shape is not None
    sequence = np.random.SeedSequence(3)
    counts, think = shape.draw(count, lambda part: np.random.default_rng([*sequence.generate_state(2), int(part)]))
    lengths = np.add.reduceat(think, np.cumsum(counts) - counts)
    for ours, theirs in ((counts, exported[:, 0]), (lengths, exported[:, 1])):
        error = math.sqrt((ours.var() + theirs.var()) / count)
        assert abs(ours.mean() - theirs.mean()) <= 4 * error + 1e-9


def steady(**changes: Any) -> ss.Scenario:
    """Return sessions of five requests, one every 10 s, and an operation at 100 s that k6's clock has, too."""
    fixed = {"traffic__requests": 5, "traffic__think": "10s", "run__start": "empty", "run__settle": "0s"}
    return small([{"at": "100s", "rollout": "app"}], **{**fixed, **changes})


def values(samples: list[dict[str, Any]]) -> list[tuple[float, str | None]]:
    return [(sample["value"], sample.get("bound")) for sample in samples]


@needs_node
def test_who_is_alive_at_the_operation_and_broken_by_it_is_counted_once(tmp_path: Path) -> None:
    """Of sessions that are over before, alive, and begun after a replacement of all pods only the second is broken."""
    asked = "gateway.replaced = 100; run(50); run(75); run(101); answer(metrics);"
    found = answered(tmp_path, script(steady()), asked)
    assert values(found["broken_sessions"]) == [(1, "yes")]
    assert found["broken_sessions"][0]["at"] == 105
    assert values(found["broken_of_alive"]) == [(1, "yes")]
    assert values(found["broken_any_cause"]) == [(1, None)]
    assert len(found["failed_requests"]) == 15
    assert sum(sample["value"] for sample in found["failed_requests"]) == 0
    assert found["unidentified_answers"] == []


@needs_node
def test_a_session_begins_with_an_empty_jar_and_keeps_what_it_is_given(tmp_path: Path) -> None:
    """A session's first request brings no cookie, its later ones the one of the answer."""
    found = answered(
        tmp_path, script(steady()), "run(0); run(200); answer(gateway.seen.map((one) => one.cookie ?? ''));"
    )
    assert found == ["", "a", "a", "a", "a", "", "b", "b", "b", "b"]


@needs_node
def test_clients_without_a_jar_break_and_are_not_bound(tmp_path: Path) -> None:
    """They go round, break at once, and are in no share of the bound."""
    asked = "run(75); answer([metrics, gateway.seen.map((one) => one.cookie ?? '')]);"
    found, cookies = answered(tmp_path, script(steady(traffic__cookies__keep=0)), asked)
    assert values(found["broken_sessions"]) == [(1, "no")]
    assert values(found["broken_of_alive"]) == [(0, "no")]
    assert values(found["broken_any_cause"]) == [(1, None)]
    assert cookies == [""] * 5


@needs_node
def test_a_cleared_jar_is_empty(tmp_path: Path) -> None:
    """Where cookies are cleared before every request none is ever sent."""
    asked = "run(0); answer(gateway.seen.map((one) => one.cookie ?? ''));"
    assert answered(tmp_path, script(steady(traffic__cookies__clear=1)), asked) == [""] * 5


@needs_node
def test_who_is_never_answered_again_counts_as_broken_by_any_cause(tmp_path: Path) -> None:
    """A session that meets only failures after the operation lost nothing that an answer shows, and is lost anyway."""
    asked = "gateway.downFrom = 100; run(75); answer(metrics);"
    found = answered(tmp_path, script(steady()), asked)
    assert [sample["value"] for sample in found["failed_requests"]] == [0, 0, 0, 1, 1]
    assert values(found["broken_sessions"]) == []
    assert values(found["broken_of_alive"]) == [(0, "yes")]
    assert values(found["broken_any_cause"]) == [(1, None)]


@needs_node
def test_idle_for_longer_than_its_state_is_kept_a_session_breaks(tmp_path: Path) -> None:
    """Rule B3: the pod is the same, and has forgotten the session."""
    found = answered(tmp_path, script(steady(app__sessionTimeout="9s")), "run(300); answer(metrics);")
    assert values(found["broken_sessions"]) == [(1, "yes")]
    found = answered(tmp_path, script(steady(app__sessionTimeout="11s")), "run(300); answer(metrics);")
    assert values(found["broken_sessions"]) == []


@needs_node
def test_state_outside_the_pods_is_never_lost(tmp_path: Path) -> None:
    """With ``app.state: external`` another backend answers as well."""
    asked = "gateway.replaced = 100; run(75); answer(metrics);"
    found = answered(tmp_path, script(steady(app__state="external")), asked)
    assert values(found["broken_sessions"]) == []
    assert values(found["broken_any_cause"]) == [(0, None)]


@needs_node
@pytest.mark.parametrize(
    ("failure", "sent_at"),
    [
        ({"action": "continue"}, [75, 85, 95, 105, 115]),
        ({"action": "abandon"}, [75, 85, 95, 105]),
        ({"action": "retry", "backoff": "2s", "maxAttempts": 3}, [75, 85, 95, 105, 107, 109, 119, 121, 123]),
    ],
    ids=lambda value: value["action"] if isinstance(value, dict) else "",
)
def test_after_a_failure_a_client_does_what_the_scenario_says(
    failure: dict[str, Any], sent_at: list[float], tmp_path: Path
) -> None:
    """Rule C3: go on, give up, or send the same request again."""
    asked = "gateway.downFrom = 100; run(75); answer(gateway.seen.map((one) => one.at));"
    assert answered(tmp_path, script(steady(traffic__onFailure=failure)), asked) == sent_at


@needs_node
def test_an_answer_that_names_no_backend_is_counted(tmp_path: Path) -> None:
    """An answer that names no backend is counted, so that nothing looks unbroken because nobody said who answered."""
    text = script(steady())
    found = answered(tmp_path, text, "gateway.named = false; run(75); answer(metrics);")
    assert len(found["unidentified_answers"]) == 5
    assert 'unidentified_answers: ["count<1"]' in text


@needs_node
def test_the_backend_is_told_by_the_header_or_cookie_that_is_named(tmp_path: Path) -> None:
    """A cookie that is set once is read from the jar later; ``-e`` replaces what was exported."""
    asked = "gateway.replaced = 100; gateway.named = false; run(75); answer(metrics);"
    for text, env in (
        (script(steady(), backend=Backend("", "sid")), {}),
        (script(steady()), {"BACKEND_COOKIE": "sid"}),
    ):
        found = answered(tmp_path, text, asked, env)
        assert values(found["broken_sessions"]) == [(1, "yes")]
        assert found["unidentified_answers"] == []
    found = answered(tmp_path, script(steady()), "run(75); answer(metrics);", {"BACKEND_HEADER": "X-Other"})
    assert len(found["unidentified_answers"]) == 5


@needs_node
def test_requests_go_where_the_scenario_says(tmp_path: Path) -> None:
    """Paths are drawn by their shares, behind the address that was exported or that ``-e`` says."""
    paths = [{"path": "/a", "share": 0.25}, {"path": "/b%20c", "share": 0.75}]
    text = script(steady(traffic__paths=paths, traffic__requests=4000, traffic__think="1s"), "https://host.example/")
    asked = "run(0); answer(gateway.seen.map((one) => one.url));"
    seen = answered(tmp_path, text, asked)
    assert set(seen) == {"https://host.example/a", "https://host.example/b%20c"}
    assert abs(seen.count("https://host.example/a") / 4000 - 0.25) <= 4 * math.sqrt(0.25 * 0.75 / 4000)
    assert answered(tmp_path, text, asked, {"BASE_URL": "http://x"})[0].startswith("http://x/")


@needs_node
def test_clients_of_a_closed_population_keep_their_habits_and_pause(tmp_path: Path) -> None:
    """They first wait for the rest of a gap, then pause between sessions, for 1 s at least after a failure."""
    sessions = {"kind": "closed", "population": 7, "pause": "0s"}
    scenario = steady(traffic__sessions=sessions, traffic__think={"kind": "exponential", "mean": 10})
    text = script(scenario)
    assert 'executor: "constant-vus"' in text
    assert "vus: 7," in text
    asked = """seed(3); const first = [];
    for (let i = 0; i < 4000; i += 1) { gateway.seen.length = 0; run(0, 0); first.push(gateway.seen[0].at); }
    gateway.seen.length = 0; run(0, 1); const later = gateway.seen[0].at; const end = clock.now - gateway.seen[4].at;
    gateway.downFrom = 0; run(0, 1); answer([first, later, end, clock.now - gateway.seen[9].at]);"""
    first, later, end, after_failure = answered(tmp_path, text, asked)
    assert abs(np.mean(first) - 10) <= 4 * 10 / math.sqrt(4000)
    assert (later, end, after_failure) == (0, 0, pytest.approx(1))


@needs_node
def test_endless_sessions_go_on_until_the_end(tmp_path: Path) -> None:
    """No session is over, so that none is broken by any cause; who was alive is counted."""
    sessions = {"kind": "closed", "population": 1}
    scenario = steady(traffic__sessions=sessions, traffic__requests="endless", run__until="200s")
    found, at = answered(tmp_path, script(scenario), "gateway.replaced = 100; run(5, 1); answer([metrics, clock.now]);")
    assert 195 <= at <= 210
    assert values(found["broken_of_alive"]) == [(1, "yes")]
    assert found["broken_any_cause"] == []


@needs_node
@pytest.mark.parametrize(
    ("hash_on", "seen"), [({"header": "X-User"}, ("X-User", "")), ({"queryArg": "user"}, ("", "?user="))]
)
def test_what_is_hashed_is_brought_by_each_session(
    hash_on: dict[str, str], seen: tuple[str, str], tmp_path: Path
) -> None:
    """Each session has a value of its own, the same on all its requests."""
    scenario = steady().evolve({"upstream": {"algorithm": "consistent-hashing", "hashOn": hash_on}})
    asked = "run(0, 0); run(100, 1); answer(gateway.seen);"
    found = answered(tmp_path, script(scenario), asked)
    brought = [one["headers"].get(seen[0], "") + one["url"].partition("?")[2] for one in found]
    assert len(set(brought[:5])) == len(set(brought[5:])) == 1
    assert all(brought)
    assert brought[0] != brought[5]


@needs_node
def test_operations_are_announced_when_they_are_due(tmp_path: Path) -> None:
    """In k6's own time, which begins with the warm-up."""
    text = script(small([{"at": "30s", "rollout": "app"}, {"at": "1m", "scale": "app", "replicas": 5}]))
    found = answered(tmp_path, text, "clock.now = 0; script.timeline(); answer([log, clock.now]);")
    warm_up = found[1] - 60
    assert warm_up > 60
    assert [line.split(": ")[0] for line in found[0]] == [f"{warm_up + 30} s", f"{warm_up + 60} s"]


@pytest.mark.quick_cases(6)
@needs_node
@pytest.mark.parametrize(
    "path", [path for path in SCENARIOS if path.stem not in NOT_EXPORTED], ids=lambda path: path.stem
)
def test_every_shipped_scenario_is_exported_as_a_module(path: Path, tmp_path: Path) -> None:
    """The script is sound JavaScript, the same twice, and its options are plain data that k6 knows."""
    scenario = ss.load(path)
    text = script(scenario)
    assert text == script(ss.load(path))
    assert max(map(len, text.splitlines())) <= 160
    assert "\n\n\n" not in text
    (tmp_path / "checked.mjs").write_text(text, encoding="utf-8")
    assert NODE is not None
    subprocess.run([NODE, "--check", str(tmp_path / "checked.mjs")], check=True, timeout=60)
    options = answered(tmp_path, text, "answer(script.options);")
    assert set(options) == {"discardResponseBodies", "scenarios", "thresholds"} | (
        {"noVUConnectionReuse"} if scenario.gateway.front_balancer == "perConnection" else {"noConnectionReuse"}
    )
    load = options["scenarios"]["sessions"]
    known = {
        "ramping-arrival-rate": {"timeUnit", "startRate", "preAllocatedVUs", "maxVUs", "stages"},
        "constant-vus": {"vus", "duration"},
    }
    assert set(load) == {"executor", "gracefulStop", *known[load["executor"]]}
    assert set(options["scenarios"]) <= {"sessions", "timeline"}


def test_thresholds_become_k6_s_or_are_named() -> None:
    """Shares and latencies are translated, with k6's units; what no client can see is said."""
    text = script(
        small(
            thresholds={
                "failed_requests": "< 0.1%",
                "broken_any_cause": "<= 2%",
                "broken_sessions": "< 1%",
                "latency_p95_s": "< 300ms",
                "peak_pods": "<= 6",
            }
        )
    )
    assert '"failed_requests": ["rate<0.001"],' in text
    assert '"broken_any_cause": ["rate<=0.02"],' in text
    assert '"broken_of_alive{bound:yes}": ["rate<0.01"],' in text
    assert '"http_req_duration{expected_response:true}": ["p(95)<300"],' in text
    assert "no threshold says: peak_pods <= 6." in text


def test_a_bound_on_the_exposed_is_not_kept_by_nobody() -> None:
    """Where nothing binds a session k6 would find no sample and a threshold kept."""
    thresholds = {"broken_sessions": "< 1%"}
    text = script(small(thresholds=thresholds).evolve({"upstream": {"algorithm": "round-robin"}}))
    assert "bound:yes}" not in text
    assert "no threshold says: broken_sessions < 1%." in text


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"traffic.tabs": 2}, "traffic.tabs"),
        ({"traffic.connections": "long-lived"}, "traffic.connections"),
        ({"traffic.otherUpstream": {"share": 0.1}}, "traffic.otherUpstream"),
        ({"upstream": {"algorithm": "consistent-hashing", "hashOn": {"input": "ip"}}}, "upstream.hashOn"),
        ({"traffic.sessions": {"kind": "poisson", "rate": 1e6}}, "traffic.sessions"),
        ({"traffic.sessions": {"kind": "diurnal", "mean": 1, "amplitude": 0.5, "period": "2s"}}, "traffic.sessions"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_k6_cannot_do_is_refused(changes: dict[str, Any], path: str) -> None:
    """What k6 cannot do is refused, each by its path, so that no script is silently another load."""
    with pytest.raises(InputError) as caught:
        script(small().evolve(changes))
    assert [problem.path for problem in caught.value.diagnostics] == [path]


def test_a_trace_is_refused() -> None:
    """Recorded sessions are no law."""
    trace = "session,start_s,request,think_s,service_s\na,0,1,,0.1\n"
    with pytest.raises(InputError, match="a trace is none"):
        script(ss.Scenario.model_validate({"traffic": {"trace": trace}}))


def test_names_cannot_leave_their_place(tmp_path: Path) -> None:
    """Quotes and line ends in a path, a name or an address come out as text."""
    scenario = small(traffic__path='/a"+alert(1)+"`${x}', name="*/ name", about="first\nsecond */ throw 1")
    text = script(scenario, 'https://host/";throw 2;"', Backend('X"-Y'))
    for line in text.splitlines():
        if "throw" in line or "alert" in line:
            assert (
                line.lstrip().startswith("//") or json.dumps('/a"+alert(1)+"`${x}') in line or '\\";throw 2;\\"' in line
            )
