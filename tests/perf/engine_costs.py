"""What a request costs with either engine, beside the bare loop: in one process, in turns, every request recorded.

``python tests/perf/engine_costs.py`` prints the best CPU seconds per request as JSON.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from bare_loop import bare_loop, prepare
from test_speed import LEAST, SETTINGS, drawn

from simsticky.engines import engine_for
from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.scenario.model import Scenario
from simsticky.sim.plane.engine import compiled
from simsticky.sim.plane.ways import INTERPRETED, Engine
from simsticky.sim.simulation import Simulation

REQUESTS = {"interpreted": 200_000, "compiled": 1_000_000}
"""So many that what is done once a run is not seen."""
ROUNDS = 3
RATE = 4

TRICKS: dict[str, dict[str, Any]] = {
    "concurrency 16": {"app": {"concurrency": 16}},
    "concurrency 200": {"app": {"concurrency": 200}},
    "passive checks": {"upstream": {"healthchecks": {"passive": {"unhealthy": {"httpFailures": 3}}}}},
    "tabs 3": {"traffic": {"tabs": 3}},
    "another upstream": {"traffic": {"otherUpstream": {"share": 0.5}}},
    "long-lived": {"traffic": {"connections": {"kind": "long-lived"}}},
    "an algorithm of one's own": {},
}
"""What takes another way through the engine than the plain request does."""


def steady(requests: int, algorithm: str, **changes: Any) -> Scenario:
    """Return the traffic of ``test_speed.py`` for about so many requests, with some settings changed."""
    settings: dict[str, Any] = {
        "schema": "simsticky/1",
        "name": "steady",
        "run": {"until": requests / (RATE * 20), "horizon": 1e8, "settle": 0, "record": "requests"},
        "traffic": {
            "sessions": {"kind": "poisson", "rate": f"{RATE}/s"},
            "requests": {"kind": "geometric", "mean": 20},
            "think": {"kind": "exponential", "mean": "1s"},
            "service": {"kind": "exponential", "mean": "50ms"},
        },
        "app": {"concurrency": 8},
        "deployment": {"replicas": 3},
        "upstream": {"algorithm": algorithm, **SETTINGS.get(algorithm, {})},
    }
    for part, changed in changes.items():
        settings[part] = settings[part] | changed
    return Scenario.model_validate(settings)


def per_request(scenario: Scenario, engine: Engine, factory: Any = None) -> float:
    """Simulate once; return the CPU seconds per answered request, from the simulation to digest and summary."""
    simulation = Simulation(scenario, 7, 0, make_algorithm=factory, engine=engine)
    begun = process_time()
    recording = simulation.run()
    return (process_time() - begun) / recording.counts["requests_answered"]


def of_live(live: int, requests: int) -> float:
    """Return the CPU seconds of a request, compiled, of so many clients that never stop, once all have begun.

    The pods have as many slots for few clients as for many: what grows is the number of sessions.
    """
    seen: list[tuple[float, int]] = []
    scenario = steady(
        1,
        "sticky-sessions",
        run={"until": 10.0 + requests * 10.0 / live, "record": "summary", "skewFloor": False},
        traffic={
            "sessions": {"kind": "closed", "population": live},
            "requests": "endless",
            "think": {"kind": "exponential", "mean": "10s"},
        },
        app={"concurrency": 2_000},
    )

    def note(now_s: float) -> None:
        if now_s > 10.0:
            seen.append((process_time(), recorder.sends))

    simulation = Simulation(scenario, 7, 0, engine=compiled())
    recorder = simulation._recorder
    simulation.run(note)
    (begun_s, before), (ended_s, sent) = seen[0], seen[-1]
    return (ended_s - begun_s) / (sent - before)


def measure() -> dict[str, float]:
    """Return the best of some rounds of everything."""
    few, many = REQUESTS["interpreted"], REQUESTS["compiled"]
    start, offset, think, service = drawn(steady(few, "sticky-sessions"), few / (RATE * 20))
    gaps, first = prepare(offset, think, service)
    runs: dict[str, Callable[[], float]] = {"bare": lambda: bare_loop(start, gaps, first) / len(think)}
    for name in LEAST:
        runs[f"{name} interpreted"] = partial(per_request, steady(few, name), INTERPRETED)
        runs[f"{name} compiled"] = partial(per_request, steady(many, name), compiled())
    for name, changes in TRICKS.items():
        scenario, factory = steady(few // 4, "sticky-sessions", **changes), None
        chosen = engine_for("auto", scenario, lambda: 1e9)
        if name == "an algorithm of one's own":
            factory, chosen = RoundRobin, INTERPRETED  # what ``simulate`` takes for it
        runs[f"{name} interpreted"] = partial(per_request, scenario, INTERPRETED, factory)
        runs[f"{name} auto"] = partial(per_request, scenario, chosen, factory)
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS if len(sys.argv) < 2 else int(sys.argv[1])):
        for name, run in runs.items():
            best[name] = min(best[name], run())
    from compiled_loop import compiled_loop  # who only counts calls has no need of Numba

    for live in (100, 100_000):
        best[f"loop {live}"] = compiled_loop(live, np.random.default_rng(1).exponential(10.0, 1_000_000))
        best[f"live {live}"] = of_live(live, 2_000_000)
    return best


if __name__ == "__main__":
    print(json.dumps(measure()))
