"""When the recorder seals is seen in nothing: not in the summary, the digest, the story or any frame."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import simsticky.recording.recorder
import simsticky.sim.gateway.plane_rules
import simsticky.sim.simulation
from simsticky.recording.open_rows import ROWS_AT_ONCE
from simsticky.recording.recorder import Recorder
from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate

FRAMES = ("requests", "sessions", "exposures", "load", "pods", "events", "operations")

UPSTREAMS: dict[str, dict[str, Any]] = {
    "sticky-sessions": {"hashOn": {"input": "none"}, "stickySessions": {"cookie": "session-id"}},
    "consistent-hashing": {"hashOn": {"cookie": "session-id", "cookiePath": "/"}},
    "round-robin": {},
    "least-connections": {},
    "latency": {},
}
CUTS = [{"at": "40s", "rollout": "app"}]
"""A rollout whose pods cut what is in flight; pods crash besides, before it, while it goes on and after it."""


def scenario(algorithm: str, **changes: Any) -> Scenario:
    """Return three pods under 160 s of brisk traffic, with cuts, queues, timeouts and further attempts."""
    sections: dict[str, Any] = {
        "schema": "simsticky/1",
        "name": algorithm,
        "run": {"until": "160s", "horizon": "1h", "settle": "5s"},
        "traffic": {
            "sessions": {"kind": "poisson", "rate": "2/s"},
            "requests": {"kind": "geometric", "mean": 8},
            "think": {"kind": "exponential", "mean": "2s"},
            "service": {"kind": "lognormal", "median": "200ms", "sigma": 1.0},
            "idempotent": 0.5,
        },
        "app": {
            "concurrency": 2,
            "startup": "3s",
            "crash": {"every": {"kind": "exponential", "mean": "40s"}},
        },
        "deployment": {"name": "app", "replicas": 3, "preStop": "0s", "terminationGracePeriodSeconds": 2},
        "gateway": {"nodes": 2, "readTimeout": "2s", "retries": 2},
        "upstream": {"algorithm": algorithm, **UPSTREAMS[algorithm]},
        "timeline": CUTS,
    }
    for section, values in changes.items():
        sections[section] = {**sections[section], **values} if isinstance(values, dict) else values
    return Scenario.model_validate(sections)


CASES: dict[str, Callable[[], Scenario]] = {
    **{name: lambda name=name: scenario(name) for name in UPSTREAMS},  # type: ignore[misc]
    "long-lived": lambda: scenario("sticky-sessions", traffic={"connections": {"kind": "long-lived"}}),
    "clients-retry": lambda: scenario(
        "sticky-sessions", traffic={"onFailure": {"action": "retry", "backoff": "1s"}, "idempotent": 0.0}
    ),
    "same-moments": lambda: scenario(
        "round-robin",
        traffic={
            "think": "1s",
            "service": "500ms",
            "tabs": 3,
        },
    ),
    "no-operation": lambda: scenario("sticky-sessions", timeline=[]),
}

QUICK = ("sticky-sessions", "long-lived")


def seal_every(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model seal whenever this many rows are written, in the middle of whatever goes on."""

    class SealsOften(Recorder):
        def request(self, row: tuple[float, ...], arrived_s: float) -> None:
            super().request(row, arrived_s)
            if self._open.written + self._open.written_late >= rows:
                self.seal(arrived_s)

    monkeypatch.setattr(simsticky.sim.simulation, "Recorder", SealsOften)
    for module in (simsticky.sim.gateway.plane_rules, simsticky.recording.recorder):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", rows)


def told(result: Result) -> tuple[str, str, list[str]]:
    """Return all that a result tells but its frames."""
    return json.dumps(result.to_json_dict()), result.digest, result.story()


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_nothing_depends_on_when_rows_are_sealed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are the same when every row is sealed, every 7, 1,000 or 100,000, or as they come."""
    case = CASES[name]()
    expected = simulate(case, seed=3)
    assert len(expected.requests) > 1_500
    if case.timeline:
        assert expected.summary["requests_failed"]
        assert {"reset", "timed_out"} & set(expected.requests.outcome)
    for rows in (1, 7, 1_000, 100_000):
        seal_every(rows, monkeypatch)
        result = simulate(case, seed=3)
        assert told(result) == told(expected), rows
        for frame in FRAMES:
            pd.testing.assert_frame_equal(getattr(result, frame), getattr(expected, frame), check_exact=True)


@pytest.mark.slow
def test_nor_does_a_long_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of the load meter do not change over several blocks as large as they come, with pod sets that change."""
    rollouts = [{"at": f"{at}s", "rollout": "app"} for at in (10, 50, 100)]
    traffic = {"sessions": {"kind": "poisson", "rate": "90/s"}, "service": {"kind": "exponential", "mean": "5ms"}}
    case = scenario("sticky-sessions", traffic=traffic, timeline=rollouts)
    expected = simulate(case, seed=3)
    assert expected.summary["requests_sent"] > 3 * ROWS_AT_ONCE
    seal_every(101, monkeypatch)
    assert told(simulate(case, seed=3)) == told(expected)
