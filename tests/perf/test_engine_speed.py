"""The gates of the two engines: what each reaches beside the bare loop, and rows that notice a trick."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from simsticky.scenario.reading.load import load
from simsticky.simulate import simulate

pytestmark = [
    pytest.mark.perf,
    pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="the compiled engine needs Numba"),
]

HERE = Path(__file__).parent
ROLLING = HERE.parent.parent / "scenarios" / "rolling.yaml"

LEAST = {
    "sticky-sessions": 3.0,
    "consistent-hashing": 2.3,
    "round-robin": 2.0,
    "least-connections": 1.4,
    "latency": 1.4,
}
"""How often the compiled engine does a request, at least, while the bare Python loop does one of two events.

About half of what it reaches where nothing else runs, as in ``test_speed.py``: the bare loop fits into any cache, and
loses the least where a core is shared.
"""

TRICKS = (
    "concurrency 16",
    "concurrency 200",
    "passive checks",
    "tabs 3",
    "another upstream",
    "long-lived",
    "an algorithm of one's own",
)


@pytest.fixture(scope="module")
def costs() -> dict[str, float]:
    """Return the best CPU seconds per request, measured once, in a process of its own."""
    command = [sys.executable, str(HERE / "engine_costs.py")]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def test_the_compiled_engine_is_faster_than_a_bare_python_loop(
    costs: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole model compiled, every request recorded, passes the least that a Python loop can do."""
    reached = {name: costs["bare"] / costs[f"{name} compiled"] for name in LEAST}
    with capsys.disabled():
        print(f"\nbare loop {costs['bare'] * 1e6:.2f} µs a request; compiled, times as fast:")
        for name, ratio in reached.items():
            interpreted = costs["bare"] / costs[f"{name} interpreted"]
            print(f"{name}: {ratio:.2f} (interpreted {interpreted:.2f})")
    assert {name: ratio for name, ratio in reached.items() if ratio < LEAST[name]} == {}


def test_what_auto_takes_is_never_much_slower(costs: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    """Where much is irregular the compiled engine gains little; it may not cost.

    It is 10 % at most where nothing else runs; the margin is for a core that is shared.
    """
    times = {name: costs[f"{name} auto"] / costs[f"{name} interpreted"] for name in TRICKS}
    with capsys.disabled():
        print("\nwhat auto takes, times the interpreted engine:")
        print("\n".join(f"{name}: {ratio:.2f}" for name, ratio in times.items()))
    assert {name: ratio for name, ratio in times.items() if ratio > 1.3} == {}


def test_many_live_sessions_cost_what_their_heap_costs(
    costs: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    """From 100 to 100,000 a request grows at most one and a half times as much as a bare compiled heap loop does."""
    grows, loop = costs["live 100000"] / costs["live 100"], costs["loop 100000"] / costs["loop 100"]
    with capsys.disabled():
        print(f"\nfrom 100 to 100,000 live sessions: {grows:.2f} times, the bare compiled heap {loop:.2f} times")
    assert grows <= 1.5 * loop


def test_few_sends_are_irregular_after_a_rollout() -> None:
    """Once the new pods have taken over, the plain way carries all but 2 % of the requests."""
    result = simulate(load(ROLLING), seed=7)
    recording = result.recording
    assert recording is not None
    assert recording.irregular_sends <= 0.02 * result.summary["requests_sent"]
