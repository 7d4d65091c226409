"""The control plane at rest has no events: exact counts, no seconds (docs/decisions/0013)."""

from pathlib import Path
from typing import Any

import pytest

from simsticky import load
from simsticky.kong.healthchecks import ActiveChecks, HealthChecks, HealthyRule, PassiveChecks, UnhealthyRule
from simsticky.recording.load_meter import LoadMeter
from simsticky.recording.record import Recording
from simsticky.scenario.model import Scenario
from simsticky.sim.clock import Clock
from simsticky.sim.gateway.health_checks import may_rest
from simsticky.sim.simulation import Simulation

ROLLING = Path(__file__).parents[2] / "scenarios" / "rolling.yaml"


def _quiet(scenario: Scenario) -> Scenario:
    """Return a scenario with next to no traffic."""
    sessions = scenario.traffic.sessions.model_copy(update={"rate": 1e-6})
    return scenario.model_copy(update={"traffic": scenario.traffic.model_copy(update={"sessions": sessions})})


def _counted(
    monkeypatch: pytest.MonkeyPatch, scenario: Scenario, window_s: tuple[float, float] | None = None
) -> tuple[int, int, Recording]:
    """Simulate; return the events of the control plane, how often other pod sets were published, and the recording."""
    counts = {"events": 0, "sets": 0}

    def counting(method: Any, key: str) -> Any:
        def counted(*args: Any, **keywords: Any) -> Any:
            counts[key] += 1
            return method(*args, **keywords)

        return counted

    monkeypatch.setattr(Clock, "schedule_on", counting(Clock.schedule_on, "events"))
    monkeypatch.setattr(LoadMeter, "change_sets", counting(LoadMeter.change_sets, "sets"))
    recording = Simulation(scenario, 7, 0, window_s=window_s).run()
    return counts["events"], counts["sets"], recording


def test_a_rollout_has_only_its_own_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollout of three pods under traffic has these events, in 25 minutes of probes."""
    events, sets, recording = _counted(monkeypatch, load(ROLLING))
    assert recording.end_s > 1500.0
    assert (events, sets) == (145, 16)


def test_without_traffic_there_is_only_the_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is an event but what the rollout does."""
    events, sets, _ = _counted(monkeypatch, _quiet(load(ROLLING)))
    assert (events, sets) == (134, 16)


@pytest.mark.parametrize("until_s", [660.0, 6600.0])
def test_the_run_without_operations_has_no_control_plane(until_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What controllers do at 0, the window, and the end, however long it is."""
    events, sets, recording = _counted(monkeypatch, _quiet(load(ROLLING)), (600.0, until_s))
    assert recording.end_s == until_s
    assert (events, sets) == (6, 1)


def _checks(**changes: Any) -> HealthChecks:
    statuses = frozenset({200})
    return HealthChecks(
        ActiveChecks(
            timeout_s=changes.get("timeout_s", 1.0),
            healthy=HealthyRule(statuses, interval_s=changes.get("interval_s", 5.0), successes=2),
            unhealthy=UnhealthyRule(frozenset({500}), interval_s=5.0, http_failures=3),
        ),
        PassiveChecks(unhealthy=UnhealthyRule(frozenset({500}), tcp_failures=changes.get("tcp_failures", 0))),
    )


@pytest.mark.parametrize(
    ("changes", "rests"),
    [
        ({}, True),
        ({"interval_s": 0.0}, True),
        ({"tcp_failures": 3}, False),
        ({"timeout_s": 5.0}, False),
        ({"interval_s": 1.0}, False),
    ],
)
def test_rounds_rest_only_where_no_report_comes_between(changes: dict[str, Any], rests: bool) -> None:
    """Nothing is told between a probe and its answer."""
    assert may_rest(_checks(**changes)) is rests
