"""The run without operations beside the one with them: the plane alone, and the same as a run from its start."""

from pathlib import Path
from typing import Any

import pytest
from small_scenario import small

from simsticky import load
from simsticky.recording import load_meter
from simsticky.recording.record import Recording
from simsticky.scenario.model import Scenario
from simsticky.sim.clients.paired import PairedRun, Skew, may_be_alone
from simsticky.sim.gateway import plane_rules
from simsticky.sim.plane import engine, ways
from simsticky.sim.plane.fields import Stop
from simsticky.sim.simulation import Simulation
from simsticky.simulate import simulate

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ENGINES = [
    "interpreted",
    pytest.param("compiled", marks=pytest.mark.skipif(not engine.is_installed(), reason="Numba is not installed")),
]


def _short(name: str) -> Scenario:
    """Return a shipped scenario with a third of the traffic."""
    scenario = load(SCENARIOS / f"{name}.yaml")
    sessions = scenario.traffic.sessions.model_copy(update={"rate": 1.3})
    return scenario.model_copy(update={"traffic": scenario.traffic.model_copy(update={"sessions": sessions})})


CASES: dict[str, Any] = {
    "rolling": lambda: _short("rolling"),
    "scale_down": lambda: _short("scale_down"),
    "health_flap": lambda: _short("health_flap"),
    "least-connections": lambda: small(upstream={"algorithm": "least-connections"}),
    "latency": lambda: small(upstream={"algorithm": "latency"}),
    "closed": lambda: small(traffic__sessions={"kind": "closed", "population": 30, "pause": "1s"}),
    "endless": lambda: small(
        traffic__sessions={"kind": "closed", "population": 30, "pause": "1s"},
        traffic__requests="endless",
        run__until="90s",
    ),
    "warm-up": lambda: small(app__warmUp={"duration": "60s", "slowdown": 4}),
    "several nodes": lambda: small(gateway={"nodes": 3, "workers": 2, "frontBalancer": "perRequest"}),
}


def _both(scenario: Scenario, name: str) -> tuple[Recording, Skew | None, Skew]:
    """Return the run with operations, and the load skew of the one without: of the paired run, and from its start."""
    chosen = engine.compiled() if name == "compiled" else ways.INTERPRETED
    simulation = Simulation(scenario, 3, 0, engine=chosen, paired=True)
    recording = simulation.run()
    assert recording.window_s is not None
    beside = simulation.paired_skew(recording.window_s[1])
    alone = Simulation(scenario, 3, 0, window_s=recording.window_s, engine=chosen).run()
    return recording, beside, alone.skew


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_paired_run_has_the_load_of_the_run_without_operations(case: str, name: str) -> None:
    """Protects the floor: to the last bit that of a run without operations from its start (rule L4)."""
    scenario = CASES[case]()
    recording, beside, alone = _both(scenario, name)
    assert beside == alone
    assert beside["sessions", "serving"].mean > 0
    assert recording.skew != alone, "the operation changes the load"


@pytest.mark.parametrize("name", ENGINES)
def test_run_is_the_same_with_another_beside_it(name: str) -> None:
    """Protects the run with operations from the one that goes on from a copy of its columns."""
    chosen = engine.compiled() if name == "compiled" else ways.INTERPRETED
    with_it = Simulation(small(), 3, 0, engine=chosen, paired=True).run()
    without = Simulation(small(), 3, 0, engine=chosen).run()
    assert (with_it.digest, with_it.counts, with_it.skew) == (without.digest, without.counts, without.skew)
    assert with_it.session_rows.tolist() == without.session_rows.tolist()


@pytest.mark.parametrize("name", ENGINES)
def test_where_more_happens_than_sends_the_run_is_made_from_its_start(name: str) -> None:
    """Protects the floor where a send is irregular in it: the summary is the same, and the paired run says so."""
    # Requests wait in a queue for longer than the gateway does, operations or not.
    slow = {"app__concurrency": 1, "gateway__readTimeout": "1s", "traffic__service": "600ms"}
    scenario = small(**slow)
    assert may_be_alone(scenario)
    _, beside, alone = _both(scenario, name)
    assert beside is None
    assert alone["sessions", "serving"].mean > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"app__crash": {"every": "60s"}},
        {"app__oom": {"sessions": 50}},
        {"kic__configChurn": 0.1},
        {"traffic__tabs": 2},
        {"traffic__connections": {"kind": "long-lived"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_happens_by_itself_is_known_beforehand(changes: dict[str, Any]) -> None:
    """Protects from a copy of columns that nobody can go on from."""
    scenario = small(**changes)
    assert not may_be_alone(scenario)
    assert Simulation(scenario, 3, 0, paired=True).paired_skew(60.0) is None


def test_summary_is_the_same_whether_the_paired_run_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the result of a scenario from how its floor is come by, at whatever the plane stops for."""
    scenario = CASES["closed"]()
    beside = simulate(scenario)
    seen: list[Stop] = []

    def give_up(self: PairedRun, stop: int, place: int, end_s: float) -> bool:
        seen.append(Stop(stop))
        return False

    monkeypatch.setattr(PairedRun, "_serve", give_up)
    alone = simulate(scenario)
    assert set(seen) == {Stop.SUCCESSOR}
    assert beside.summary["load_skew_excess.sessions.serving.max_to_mean"] is not None
    assert (beside.summary, beside.digest) == (alone.summary, alone.digest)


@pytest.mark.parametrize("sixtieth", [9, 14, 33, 34])
def test_nothing_is_told_of_what_comes_after_its_end(sixtieth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a session that leaves stops the plane, the next send may be due after the end of the window."""

    def skew() -> dict[Any, Any]:
        simulation = Simulation(small(upstream={"algorithm": "round-robin"}), 3, 0, paired=True)
        begin_s, end_s = simulation.run().window_s or (0.0, 0.0)
        found = simulation.paired_skew(begin_s + (end_s - begin_s) * sixtieth / 60)
        assert found is not None
        return {key: totals.figures() for key, totals in found.items()}

    whole = skew()
    monkeypatch.setattr(plane_rules, "_LEFT_AT_ONCE", 1)
    monkeypatch.setattr(load_meter, "_WAITING", dict.fromkeys(load_meter.QUANTITIES[:2], 1))
    assert skew() == whole
