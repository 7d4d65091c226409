"""What an irregular send costs in calls of Python functions: exact counts, so that no other load moves them."""

import sys
from types import FrameType
from typing import Any

import pytest
from engine_costs import TRICKS, steady

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.sim.plane.ways import INTERPRETED
from simsticky.sim.simulation import Simulation

pytestmark = pytest.mark.perf

REQUESTS = 5_000

MOST = {"tabs 3": 55, "another upstream": 77, "an algorithm of one's own": 90}
"""Calls for each irregular send, at most, with all that is done once for a session or for the run.

A tenth more than there are: a few calls more for each send are seen.
"""


def calls_of(simulation: Simulation) -> tuple[int, int]:
    """Run a simulation; return how many Python functions were called meanwhile, and its irregular sends."""
    calls = 0

    def note(_: FrameType, event: str, __: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        recording = simulation.run()
    finally:
        sys.setprofile(before)
    return calls, recording.irregular_sends


@pytest.mark.parametrize("name", MOST)
def test_an_irregular_send_takes_few_calls(name: str) -> None:
    """Every send is irregular here, and takes few calls from its turn in the queue to its row."""
    factory = RoundRobin if name == "an algorithm of one's own" else None
    scenario = steady(REQUESTS, "sticky-sessions", **TRICKS[name])
    calls, sends = calls_of(Simulation(scenario, 7, 0, make_algorithm=factory, engine=INTERPRETED))
    print(f"{name}: {calls / sends:.1f} calls for each of {sends} irregular sends")
    assert sends > 0.9 * REQUESTS
    assert calls <= MOST[name] * sends
