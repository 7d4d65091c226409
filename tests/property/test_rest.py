"""What is no event changes nothing: the same runs with every tick of a probe and every round of checks as an event."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import operations, scenarios

from simsticky.kubernetes.probe import ProbeWorker
from simsticky.recording.record import Recording
from simsticky.scenario.model import Scenario
from simsticky.sim.control import probes as probes_of_pods
from simsticky.sim.gateway import health_checks
from simsticky.sim.simulation import Simulation

_KINDS = ("rollout", "scale", "deletePod", "readinessFlap", "gatewayRestart", "configPush", "crash")


@st.composite
def probes(draw: st.DrawFn, *, most_successes: int) -> dict[str, int]:
    """Return a probe of any limits that falls into a short run."""
    return {
        "periodSeconds": draw(st.integers(1, 5)),
        "failureThreshold": draw(st.integers(1, 4)),
        "successThreshold": draw(st.integers(1, most_successes)),
        "timeoutSeconds": draw(st.integers(1, 4)),
        "initialDelaySeconds": draw(st.sampled_from([0, 0, 3, 4])),
    }


@st.composite
def probed(draw: st.DrawFn) -> dict[str, Any]:
    """Return a scenario with all kinds of probes, and requests that take seconds."""
    scenario = draw(scenarios(operations(_KINDS)))
    deployment = scenario["deployment"]
    for name, most_successes in (("readinessProbe", 3), ("livenessProbe", 1), ("startupProbe", 1)):
        if draw(st.booleans()):
            deployment[name] = draw(probes(most_successes=most_successes))
    if any("readinessFlap" in entry for entry in scenario["timeline"]):
        deployment.setdefault("readinessProbe", {"periodSeconds": 1, "failureThreshold": 1})
    if draw(st.booleans()):
        scenario["upstream"].get("healthchecks", {}).pop("passive", None)
    if draw(st.integers(0, 3)) == 0:
        scenario["app"]["crash"] = {"every": 30}
    return dict(scenario)


def _each_result_counts(worker: ProbeWorker, result: str) -> float:
    return inf if worker.on_hold else 1


def _told(recording: Recording) -> tuple[Any, ...]:
    """Return what is to be the same: all requests, and the story but for the order of the lines of one instant."""
    story = sorted(repr(event) for event in recording.events)
    return recording.digest, story, sorted(map(repr, recording.pod_states)), recording.lives, recording.counts


@contextmanager
def superseded() -> Iterator[list[float]]:
    """Note the times of events that were planned and are looked for at another time instead: a change came first."""
    times: list[float] = []
    rings: dict[int, float] = {}
    plan, ring = probes_of_pods._Row._set, health_checks.HealthCheckers._ring

    def planned(row: Any, tick: int, at_s: float, last_s: float) -> None:
        before = row._due
        plan(row, tick, at_s, last_s)
        if before is not None and row._due != before:
            times.append(before[0])

    def rung(checkers: Any, alarm: Any) -> None:
        if (before_s := rings.get(id(alarm), -inf)) > checkers._world.now_s:
            times.append(before_s)
        rings[id(alarm)] = checkers._due_s(alarm)
        ring(checkers, alarm)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes_of_pods._Row, "_set", planned)
        patch.setattr(health_checks.HealthCheckers, "_ring", rung)
        yield times


@settings(max_examples=settings().max_examples // 5)
@given(probed())
def test_every_tick_as_an_event_gives_the_same(written: dict[str, Any]) -> None:
    """Ticks and rounds that are no events give the same as if they were: nobody could tell."""
    scenario = Scenario.model_validate(written)
    with superseded() as given_up:
        rested = Simulation(scenario, 1, 0).run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProbeWorker, "results_until_change", _each_result_counts)
        patch.setattr(health_checks, "may_rest", lambda checks: False)
        restless = Simulation(scenario, 1, 0).run()
    assert _told(rested) == _told(restless)
    assert rested.control_events - len(given_up) <= restless.control_events
