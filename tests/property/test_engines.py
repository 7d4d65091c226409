"""One source, two engines: interpreted and compiled they give the same bytes, whatever is simulated."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from engine_strategies import Case, engine_cases
from hypothesis import HealthCheck, Phase, given, seed, settings
from kept_examples import EXAMPLES
from small_scenario import small

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import load
from simsticky.sim.clients.admission import Clients
from simsticky.sim.clients.irregular import IrregularSends
from simsticky.sim.gateway import plane_rules
from simsticky.sim.plane import engine
from simsticky.sim.plane.fields import SLOW, WAITS, Stop
from simsticky.sim.sessions.session import Session
from simsticky.simulate import simulate

pytestmark = pytest.mark.skipif(not engine.is_installed(), reason="Numba is not installed: there is one engine only")

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "scenarios").glob("*.yaml"))
FRAMES = ("sessions", "requests", "exposures", "operations", "events", "pods", "load")
_SLOW = settings(max_examples=settings().max_examples // 3, suppress_health_check=list(HealthCheck))


class Own(RoundRobin):
    """An algorithm of one's own."""


def _bytes(frame: pd.DataFrame) -> bytes:
    """Return all that a frame holds, to the last bit."""
    columns = [frame[name].to_numpy() for name in frame]
    return b"".join(
        repr(values.tolist()).encode() if values.dtype == object else values.tobytes() for values in columns
    )


def told(scenario: Scenario, name: str, *, own: bool = False) -> dict[str, bytes]:
    """Return all that a scenario tells, run by an engine."""
    run = scenario.run.model_copy(update={"record": "requests"})
    result = simulate(scenario.model_copy(update={"run": run}), algorithm=Own if own else None, engine=name)
    return contents(result)


def contents(result: Result) -> dict[str, bytes]:
    """Return all that a result holds."""
    parts = {name: _bytes(getattr(result, name)) for name in FRAMES}
    parts["json"] = json.dumps(result.to_json_dict()).encode()
    parts["story"] = "\n".join(result.story()).encode()
    return parts


def _assert_equal(scenario: Scenario, *, own: bool = False) -> None:
    interpreted, compiled = (told(scenario, name, own=own) for name in ("interpreted", "compiled"))
    assert [part for part in interpreted if interpreted[part] != compiled[part]] == []


def _briefly(path: Path) -> Scenario:
    """Return a shipped scenario with a few sessions only, where its traffic is drawn."""
    scenario = load(str(path))
    sessions = scenario.traffic.sessions
    if scenario.traffic.trace is not None or not hasattr(sessions, "rate"):
        return scenario
    rate = min(sessions.rate, 0.5)
    return scenario.evolve({"traffic.sessions.rate": rate}) if rate < sessions.rate else scenario


QUICK = ("rolling", "algorithms", "websockets", "howto")


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem, marks=[] if path.stem in QUICK else pytest.mark.slow) for path in SHIPPED]
)
def test_shipped_scenario_is_the_same(path: Path) -> None:
    """Protects who has no Numba: every scenario that ships gives the same bytes."""
    _assert_equal(_briefly(path))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_kept_example_is_the_same(path: Path) -> None:
    """Protects the cases that once were wrong."""
    _assert_equal(load(str(path)))


@pytest.mark.parametrize("algorithm", ["sticky-sessions", "round-robin", "least-connections", "latency"])
def test_trace_is_the_same(algorithm: str, tmp_path: Path) -> None:
    """Protects traces: sessions of given times, at equal moments too."""
    trace = tmp_path / "trace.csv"
    head, lines = "session,start_s,request,think_s,service_s", []
    for number in range(60):
        lines += [f"{number},{number // 3},{request},2,0.25" for request in range(1, 5)]
    trace.write_text("\n".join([head, *lines, ""]))
    upstream: dict[str, Any] = {"algorithm": algorithm}
    if algorithm == "sticky-sessions":
        upstream |= {"hashOn": {"input": "none"}, "stickySessions": {"cookie": "session_id"}}
    sections = {
        "run": {"start": "empty", "settle": "2s"},
        "traffic": {"trace": str(trace)},
        "deployment": {"replicas": 3},
        "upstream": upstream,
        "timeline": [{"at": "8s", "rollout": "app"}],
    }
    _assert_equal(Scenario.model_validate(sections))


@_SLOW
@given(engine_cases())
def test_random_scenario_is_the_same(case: Case) -> None:
    """Protects all the rest; hypothesis makes a failing one small."""
    _assert_equal(Scenario.model_validate(case.scenario), own=case.own)


# A batch whose coverage is known --------------------------------------------------------------------------------------

BATCH = 5_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 500
IRREGULAR = (
    "retry", "refusal", "timeout", "expiry", "cut", "cleared cookies", "tabs", "other upstream", "passive checks",
    "out of memory", "own algorithm", "waits", "sent again by the client",
)  # fmt: skip
ALGORITHMS = ("sticky-sessions", "consistent-hashing", "round-robin", "least-connections", "latency")
STOPS = tuple(stop for stop in Stop if stop not in (Stop.TIME, Stop.LOG))


def _batch(number: int) -> Iterator[Case]:
    """Yield so many random cases, three of each seed: hypothesis varies what it has drawn before.

    The first of each seed is the simplest there is, always the same, and left out.
    """
    for first in range(-(-number // 3)):
        found: list[Case] = []

        @seed(first)
        @settings(max_examples=4, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(engine_cases())
        def draw(case: Case) -> None:
            found.append(case)  # noqa: B023 - drawn at once

        draw()
        yield from found[1:]


class Seen:
    """What has been met in runs.

    Attributes:
        stops: Why the plane has stopped, by algorithm.
        waits: Whether a request of the present run has waited.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stops: Counter[tuple[str, Stop]] = Counter()
        self.algorithm, self.waits = "", False
        serve, take_turn = Clients.serve, IrregularSends.take_turn

        def noted(clients: Clients, stop: int, place: int, now_s: float) -> None:
            self.stops[self.algorithm, Stop(stop)] += 1
            serve(clients, stop, place, now_s)

        def turn(sends: IrregularSends, session: Session, place: int, now_s: float) -> None:
            self.waits = self.waits or bool(sends._columns.ints[SLOW][place] & WAITS)
            take_turn(sends, session, place, now_s)

        monkeypatch.setattr(Clients, "serve", noted)
        monkeypatch.setattr(IrregularSends, "take_turn", turn)


def _kinds(case: Case, result: Result, *, waits: bool) -> set[str]:
    """Return the kinds of irregular sends that a run has met."""
    traffic, upstream, rows = case.scenario["traffic"], case.scenario["upstream"], result.requests
    again = rows.duplicated(["session", "request"]).any()
    met = {
        "retry": (rows.attempts > 1).any(),
        "refusal": (rows.mechanism == "refused").any() or (rows.outcome == "bad_gateway").any(),
        "timeout": (rows.outcome == "timed_out").any(),
        "expiry": (rows.mechanism == "expired").any(),
        "cut": (rows.outcome == "reset").any(),
        "cleared cookies": traffic["cookies"].get("clear"),
        "tabs": traffic.get("tabs", 1) > 1,
        "other upstream": "otherUpstream" in traffic,
        "passive checks": "passive" in upstream.get("healthchecks", {}),
        "out of memory": (result.events.kind == "oom_killed").any() if "kind" in result.events else False,
        "own algorithm": case.own,
        "waits": waits,
        "sent again by the client": again,
    }
    return {kind for kind, is_met in met.items() if is_met and len(rows)}


@pytest.mark.slow
def test_batch_of_random_scenarios_is_the_same_and_meets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from a generator that has become tame: each irregular kind in 5 %, each stop under each algorithm.

    Blocks are smaller than usual, because a small run does not fill one. Afterwards each compiled function has been
    compiled for one set of types.
    """
    monkeypatch.setattr(plane_rules, "ROWS_AT_ONCE", 2_048)
    monkeypatch.setattr(plane_rules, "_LEFT_AT_ONCE", 64)
    seen, kinds, different = Seen(monkeypatch), Counter[str](), list[Case]()
    number = 0
    for case in _batch(BATCH):
        scenario = Scenario.model_validate(case.scenario)
        scenario = scenario.evolve({"run.record": "requests"})
        seen.algorithm, seen.waits = "" if case.own else scenario.upstream.algorithm, False
        result = simulate(scenario, algorithm=Own if case.own else None, engine="interpreted")
        kinds.update(_kinds(case, result, waits=seen.waits))
        number += 1
        if contents(result) != told(scenario, "compiled", own=case.own):
            different.append(case)
    assert different == []
    assert {kind: kinds[kind] for kind in IRREGULAR if kinds[kind] < 0.05 * number} == {}
    missed = {(name, stop.name) for name in ALGORITHMS for stop in STOPS if not seen.stops[name, stop]}
    assert missed == set()
    assert _compiled_twice() == {}


def _compiled_twice() -> dict[str, list[str]]:
    """Return the functions of the compiled engine that have been compiled for several sets of types, and for which."""
    functions = vars(engine.compiled().functions)
    found = {
        # Numba knows a number that stands in the source from one that does not, and compiles the same for both.
        name: sorted({re.sub(r"Literal\[int\]\(-?\d+\)", "int64", str(types)) for types in each.signatures})
        for name, each in functions.items()
        if hasattr(each, "signatures")
    }
    assert found["advance"]
    return {name: types for name, types in found.items() if len(types) > 1}


def test_each_function_is_compiled_for_one_set_of_types() -> None:
    """Protects from a second compilation in the middle of a run, and from code that depends on who calls first."""
    for algorithm in ("round-robin", "least-connections", "latency"):
        told(small(upstream={"algorithm": algorithm}), "compiled")
    told(small(app__crash={"every": "20s"}, traffic__tabs=2), "compiled")
    assert _compiled_twice() == {}


def test_bytes_of_a_frame_tell_the_last_bit() -> None:
    """Protects the comparison itself: NaN is equal to itself, and one unit in the last place is not nothing."""
    frame = pd.DataFrame({"at_s": [1.0, np.nan], "pod": ["a", None]})
    assert _bytes(frame) == _bytes(frame.copy())
    assert _bytes(frame) != _bytes(frame.assign(at_s=[np.nextafter(1.0, 2.0), np.nan]))
    assert _bytes(frame) != _bytes(frame.assign(pod=["a", "b"]))
