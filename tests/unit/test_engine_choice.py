"""Which engine runs a scenario: what was asked for, what is there, and what repays."""

from __future__ import annotations

from typing import Any

import pytest
from small_scenario import small

from simsticky import engines
from simsticky.errors import EngineError
from simsticky.sim.plane import engine
from simsticky.study.chosen_engine import ChosenEngine

HOUR_S = 3600.0


class Machine:
    """What a machine has, set by hand; it counts how often the engine is asked for."""

    def __init__(self, patch: pytest.MonkeyPatch, **has: bool) -> None:
        self.asked = 0
        has = {"is_installed": True, "is_loaded": False, "is_kept": False, "can_be_kept": True, **has}
        for name, value in has.items():
            patch.setattr(engine, name, lambda value=value: value)
        self._installed = has["is_installed"]
        patch.setattr(engine, "compiled", self._compiled)

    def _compiled(self) -> Any:
        self.asked += 1
        raise EngineError("it does not work here" if self._installed else "it needs Numba")


def _repays(seconds: float, workers: int = 0) -> bool:
    return engines.repays(small(), lambda: seconds, workers)


def test_auto_never_compiles_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Numba everything is interpreted, and nobody is told."""
    Machine(monkeypatch, is_installed=False)
    assert not _repays(1000 * HOUR_S)
    assert engines.engine_for("auto", small(), lambda: HOUR_S).name == "interpreted"


def test_what_repays_depends_on_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment repays what is loaded, seconds what is kept, minutes what must be compiled."""
    Machine(monkeypatch, is_loaded=True)
    assert _repays(0.01)
    Machine(monkeypatch, is_kept=True)
    assert (_repays(0.5), _repays(5)) == (False, True)
    Machine(monkeypatch)
    assert (_repays(5), _repays(HOUR_S)) == (False, True)


def test_workers_share_the_work_but_each_must_have_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that repays one process to compile need not repay eight that would each save an eighth."""
    Machine(monkeypatch)
    assert (_repays(70), _repays(70, workers=8)) == (True, False)
    Machine(monkeypatch, is_loaded=True)
    assert (_repays(0.01), _repays(0.01, workers=2)) == (True, False)


def test_where_nothing_can_be_kept_each_worker_would_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a container of which everything is read-only: the same work that repays elsewhere does not there."""
    Machine(monkeypatch)
    assert _repays(150, workers=2)
    Machine(monkeypatch, can_be_kept=False)
    assert not _repays(150, workers=2)
    assert _repays(HOUR_S, workers=2)


def test_what_nobody_can_estimate_is_compiled_only_where_that_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace may be long or short."""
    Machine(monkeypatch)
    assert not _repays(float("inf"))
    Machine(monkeypatch, is_kept=True)
    assert _repays(float("inf"), workers=2)


def test_asking_for_what_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """``simulate(engine="compiled")`` is told; what only the process prefers goes on in Python."""
    Machine(monkeypatch)
    with pytest.raises(EngineError):
        engines.engine_for("compiled", small(), lambda: 0.0)
    with engines.using("compiled"):
        assert engines.engine_for(None, small(), lambda: 0.0).name == "interpreted"
    engines.use("compiled")
    try:
        assert engines.engine_for(None, small(), lambda: 0.0).name == "interpreted"
    finally:
        engines.use("auto")


def test_the_time_it_will_take_knows_the_engine() -> None:
    """Compiled is sooner; where most requests are irregular it is not."""
    assert engines.seconds_with("interpreted", small(), 300.0) == 300.0
    assert 50 < engines.seconds_with("compiled", small(), 300.0) < 150
    tabs = small(traffic__tabs=3)
    assert engines.seconds_with("compiled", tabs, 300.0) == 300.0


# Of a study ---------------------------------------------------------------------------------------------------------


def _chosen(asked: Any) -> tuple[ChosenEngine, list[str]]:
    said: list[str] = []
    return ChosenEngine(asked, lambda: said.append("compiling"), said.append), said


def test_a_study_that_grows_is_compiled_once_that_repays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first look is small; nobody knows that more will follow until they do."""
    Machine(monkeypatch)
    monkeypatch.setattr(engine, "compiled", lambda: None)
    chosen, said = _chosen("auto")
    assert chosen.name is None
    found = [chosen.choose(small(), seconds, 0) for seconds in (10.0, 20.0, 40.0, 1.0)]
    assert found == ["interpreted", "interpreted", "compiled", "compiled"]
    assert said == ["compiling"]


@pytest.mark.parametrize("asked", ["auto", "compiled"])
def test_what_does_not_work_is_told_once_and_done_without(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    """Protects a study on a machine whose Numba is broken: one line, and the results."""
    machine = Machine(monkeypatch, is_kept=True)
    chosen, said = _chosen(asked)
    assert [chosen.choose(small(), HOUR_S, 0) for _ in range(3)] == ["interpreted"] * 3
    assert said == ["it does not work here; going on without it, with the same results"]
    assert machine.asked == 1


def test_a_study_that_asks_for_it_without_numba_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is simulated."""
    Machine(monkeypatch, is_installed=False)
    chosen, said = _chosen("compiled")
    with pytest.raises(EngineError):
        chosen.choose(small(), 1.0, 0)
    assert said == []


def test_stand_ins_for_scenarios_have_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What simulates them is not the simulator."""
    Machine(monkeypatch, is_loaded=True)
    chosen, _ = _chosen("auto")
    assert chosen.choose(object(), HOUR_S, 0) == "interpreted"  # type: ignore[arg-type]
