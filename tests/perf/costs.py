"""What a request costs: the model, a bare loop and a SimPy model on the same requests, in one process, interleaved.

``python tests/perf/costs.py CELL...`` prints the best CPU seconds per request of each as JSON; ``docs/performance.py``
makes tables of them.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from bare_loop import bare_loop, prepare
from simpy_model import simpy_model

from simsticky.recording.recorder import Recorder
from simsticky.scenario.model import Scenario
from simsticky.sim.simulation import Simulation

THINK_S, SERVICE_S = 10.0, 0.01
REQUESTS = 60_000
UPSTREAMS: dict[str, dict[str, Any]] = {
    "sticky-sessions": {"hashOn": {"input": "none"}, "stickySessions": {"cookie": "session-id"}},
    "consistent-hashing": {"hashOn": {"cookie": "session-id", "cookiePath": "/"}},
    "round-robin": {},
    "least-connections": {},
    "latency": {},
}


@dataclass(frozen=True)
class Cell:
    """What is measured: so many sessions alive at a time, think 10 s and service 10 ms, exponential."""

    live: int = 1_000
    pods: int = 3
    nodes: int = 1
    algorithm: str = "sticky-sessions"
    concurrency: int = 16

    @property
    def each(self) -> int:
        """Requests of each session."""
        return max(2, REQUESTS // self.live)

    @property
    def has_simpy_model(self) -> bool:
        """Whether it differs in something that a SimPy model has, too: live sessions or slots."""
        return (self.pods, self.nodes, self.algorithm) == (3, 1, "sticky-sessions")

    def drawn(self) -> tuple[list[float], list[int], list[float], list[float]]:
        """Return the starts of the sessions, within 10 s, the bounds of their requests, thinks and services."""
        rng = np.random.default_rng(1)
        number = self.live * self.each
        start_s = np.sort(rng.uniform(0.0, THINK_S, self.live))
        think_s, service_s = rng.exponential(THINK_S, number), rng.exponential(SERVICE_S, number)
        offset = np.arange(0, number + 1, self.each)
        return start_s.tolist(), offset.tolist(), think_s.tolist(), service_s.tolist()

    def scenario(self) -> Scenario:
        """Return the same requests as a scenario."""
        start_s, _, think_s, service_s = self.drawn()
        session, request = (grid.ravel() for grid in np.mgrid[0 : self.live, 1 : self.each + 1])
        columns = {
            "session": session,
            "start_s": np.repeat(start_s, self.each),
            "request": request,
            "think_s": think_s,
            "service_s": service_s,
        }
        return Scenario.model_validate(
            {
                "schema": "simsticky/1",
                "name": "cost",
                "run": {"until": "drained", "horizon": "240h", "record": "requests"},
                "traffic": {"trace": pd.DataFrame(columns)},
                "app": {"concurrency": self.concurrency},
                "deployment": {"replicas": self.pods},
                "gateway": {"nodes": self.nodes},
                "upstream": {"algorithm": self.algorithm, **UPSTREAMS[self.algorithm]},
            }
        )


BASE = Cell()
CELLS = {
    "live 1,000": BASE,
    "live 100": Cell(live=100),
    "live 10,000": Cell(live=10_000),
    "live 100,000, concurrency 200": Cell(live=100_000, concurrency=200),
    "pods 30": Cell(pods=30),
    "pods 300": Cell(pods=300),
    "nodes 2": Cell(nodes=2),
    "nodes 8": Cell(nodes=8),
    **{name: Cell(algorithm=name) for name in UPSTREAMS if name != BASE.algorithm},
    "live 10,000, concurrency 8": Cell(live=10_000, concurrency=8),
    "live 10,000, concurrency 200": Cell(live=10_000, concurrency=200),
}
"""What is measured, by name; :data:`BASE` has 1,000 live sessions, 3 pods, 1 node and concurrency 16."""


def model(scenario: Scenario, requests: int, spent_s: dict[str, float]) -> float:
    """Simulate once, every request recorded; return the CPU seconds of the run, without the reading of the trace.

    What of it the recorder has spent on sealing goes to ``spent_s["sealing"]``.
    """
    sealing_s = 0.0
    seal = Recorder.seal

    def timed(recorder: Recorder, now_s: float) -> None:
        nonlocal sealing_s
        begun = process_time()
        seal(recorder, now_s)
        sealing_s += process_time() - begun

    simulation = Simulation(scenario, 7, 0)
    with patch.object(Recorder, "seal", timed):
        begun = process_time()
        recording = simulation.run()
        took_s = process_time() - begun
    spent_s["sealing"] = min(spent_s.get("sealing", sealing_s), sealing_s)
    assert sum(map(len, recording.request_blocks)) == requests
    assert recording.counts.get("requests_failed", 0) == 0
    return took_s


def measure(names: list[str], rounds: int = 3) -> dict[str, dict[str, float]]:
    """Return the best CPU seconds per request of each cell: by ``model``, ``bare``, ``sealing``, perhaps ``simpy``."""
    runs: dict[tuple[str, str], Callable[[], float]] = {}
    requests: dict[str, int] = {}
    spent_s: dict[str, dict[str, float]] = {name: {} for name in names}
    for name in names:
        cell = CELLS[name]
        drawn = cell.drawn()
        requests[name] = len(drawn[2])
        gaps, first = prepare(drawn[1], drawn[2], drawn[3])
        runs[name, "model"] = partial(model, cell.scenario(), requests[name], spent_s[name])
        runs[name, "bare"] = partial(bare_loop, drawn[0], gaps, first)
        if cell.has_simpy_model:
            runs[name, "simpy"] = partial(simpy_model, *drawn, cell.pods, cell.concurrency)
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for of, run in runs.items():
            best[of] = min(best[of], run())
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for (name, kind), seconds in best.items():
        found[name][kind] = seconds / requests[name]
        found[name]["sealing"] = spent_s[name]["sealing"] / requests[name]
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:] or list(CELLS))))
