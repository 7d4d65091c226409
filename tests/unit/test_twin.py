"""The twin of a run: parted from it, lost, or never born, the floor of the load skew is the same."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from simsticky import load, simulate
from simsticky.scenario.model import Scenario
from simsticky.sim import simulation, twin
from simsticky.sim.twin import Twin, can_part
from simsticky.study.pool import run_ordered

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def _short(name: str) -> Scenario:
    """Return a shipped scenario with a third of the traffic."""
    scenario = load(SCENARIOS / f"{name}.yaml")
    sessions = scenario.traffic.sessions.model_copy(update={"rate": 1.3})
    return scenario.model_copy(update={"traffic": scenario.traffic.model_copy(update={"sessions": sessions})})


def _parted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have every run part, whatever threads the tests run beside; return what is appended to at each parting."""
    partings: list[bool] = []
    part = Twin.part

    def noted(self: Twin) -> bool:
        is_twin = part(self)
        partings.append(is_twin)
        return is_twin

    monkeypatch.setattr(Twin, "part", noted)
    monkeypatch.setattr(twin, "can_part", lambda: True)
    monkeypatch.setattr(simulation, "FEWEST_REQUESTS", 0)
    return partings


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing parts where a process cannot fork")
@pytest.mark.parametrize("name", ["rolling", "scale_down", "health_flap"])
def test_the_twin_has_the_load_of_the_run_without_operations(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit that of a run without operations from its start."""
    scenario = _short(name)
    monkeypatch.setattr(twin, "can_part", lambda: False)
    alone = simulate(scenario)
    partings = _parted(monkeypatch)
    parted = simulate(scenario)
    assert partings == [False]
    assert alone.summary["load_skew_excess.sessions.serving.max_to_mean"] is not None
    assert parted.summary == alone.summary
    assert parted.digest == alone.digest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing parts where a process cannot fork")
def test_a_lost_twin_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the twin is killed or has an error, the floor is made from the start."""
    scenario = _short("scale_down")
    expected = simulate(scenario).digest
    partings = _parted(monkeypatch)

    def lost(self: Twin) -> float:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Twin, "window_end_s", lost)
    assert simulate(scenario).digest == expected
    assert partings == [False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing parts where a process cannot fork")
def test_no_twin_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends by an exception takes its twin with it."""
    begun: list[int] = []
    fork = os.fork

    def noted() -> int:
        begun.append(fork())
        return begun[-1]

    monkeypatch.setattr(os, "fork", noted)
    _parted(monkeypatch)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("simsticky.sim.simulation.Tally.close", fail)
    with pytest.raises(KeyboardInterrupt):
        simulate(_short("scale_down"))
    assert len(begun) == 1
    with pytest.raises(ChildProcessError):
        os.waitpid(begun[0], os.WNOHANG)


def test_no_room_for_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a process cannot be had the run goes on alone."""

    def full() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full, raising=False)
    alone = Twin()
    assert not alone.part()
    assert alone.skew(1.0) is None


def _can_part(number: int) -> bool:
    return can_part()


@pytest.mark.skipif(sys.platform != "linux", reason="parts on Linux only")
def test_a_worker_can_part() -> None:
    """A worker has no thread beside its own that would keep its runs from parting."""
    assert run_ordered(range(4), _can_part, jobs=2) == [True] * 4
