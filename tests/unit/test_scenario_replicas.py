"""With how many pods a run starts under an autoscaler, and what is said of it (rules A6 to A8)."""

from typing import Any

import pytest

from simsticky.errors import InputError
from simsticky.scenario.model import Scenario
from simsticky.scenario.replicas import Move, first_move, start_replicas, tolerances
from simsticky.simulate import simulate


def _scaled(replicas: int | None = 9, scaler: dict[str, Any] | None = None, **sections: Any) -> Scenario:
    """Return 14 busy slots in the mean, of 16 a pod that its target lets be 11.2 at most: two pods are enough."""
    traffic = {"sessions": {"kind": "poisson", "rate": "7/s"}, "requests": 20, "think": "6s", "service": "100ms"}
    return Scenario.model_validate(
        {
            "traffic": traffic,
            "deployment": {} if replicas is None else {"replicas": replicas},
            "autoscaler": {"minReplicas": 2, "maxReplicas": 12, "targetUtilization": 70} | (scaler or {}),
            **sections,
        }
    )


@pytest.mark.parametrize(("stated", "start"), [(None, 2), (1, 2), (2, 2), (9, 9), (12, 12), (13, 12), (0, 0)])
def test_a_run_starts_within_the_bounds(stated: int | None, start: int) -> None:
    """0 is no number below the bounds but an autoscaler that is off (rule A6)."""
    assert start_replicas(_scaled(stated)) == start


def test_light_traffic_is_told_of_with_moment_numbers_and_way_out() -> None:
    """After the 300 s that scaling down waits."""
    scenario = _scaled(9)
    assert first_move(scenario) == Move(9, 2, utilization=9, after_s=300.0)
    (text,) = [text for text in scenario.warnings if text.startswith("autoscaler:")]
    for part in ("from 9 to 2 pods", "about 5m", "utilisation of 9 %", "target of 70 %", "deployment.replicas: 2"):
        assert part in text
    assert "autoscaler.startAt: equilibrium" in text


@pytest.mark.parametrize("start", [{"replicas": 2}, {"scaler": {"startAt": "equilibrium"}}])
def test_the_ways_out_work(start: dict[str, Any]) -> None:
    """With either setting nothing is warned of, and the autoscaler stays where it is."""
    scenario = _scaled(**start, run={"until": "8m", "skewFloor": False, "record": "summary", "seed": 3})
    assert start_replicas(scenario) == 2
    assert not [text for text in scenario.warnings if text.startswith("autoscaler")]
    assert simulate(scenario).operation_rows == []


def test_the_autoscaler_does_what_was_foretold() -> None:
    """The run's first scale is that of the warning, at its moment."""
    scenario = _scaled(9, run={"until": "8m", "skewFloor": False, "record": "summary", "seed": 3})
    move, row = first_move(scenario), simulate(scenario).operation_rows[0]
    assert move is not None
    assert row["label"] == "hpa scale 9 to 2"
    assert move.after_s <= row["start_s"] <= move.after_s + 30.0


def test_heavy_traffic_scales_up_at_the_first_sample() -> None:
    """Scaling up waits for no window, only for a sample."""
    heavy = {"sessions": {"kind": "poisson", "rate": "28/s"}, "requests": 20, "think": "6s", "service": "100ms"}
    assert first_move(_scaled(3, traffic=heavy)) == Move(3, 5, utilization=100, after_s=15.0)
    disabled = {"behavior": {"scaleUp": {"selectPolicy": "Disabled"}}}
    assert first_move(_scaled(3, disabled, traffic=heavy)) is None


def test_closed_population_has_a_load_too() -> None:
    """560 clients that are served 1 s of every 40 s keep 14 slots busy."""
    closed = {"sessions": {"kind": "closed", "population": 560}, "requests": "endless", "think": "39s", "service": "1s"}
    assert first_move(_scaled(9, traffic=closed)) == Move(9, 2, utilization=9, after_s=300.0)


def test_tolerance_of_its_own_counts_from_its_release_on() -> None:
    """The tolerance counts from 1.35 on; an older cluster drops the field, and that is said."""
    own = {"behavior": {"scaleDown": {"tolerance": 0.9}}}
    assert tolerances(_scaled(9, own)) == (0.1, 0.9)
    assert tolerances(_scaled(9, own, kubernetes={"version": "1.35.1"})) == (0.1, 0.9)
    older = _scaled(9, own, kubernetes={"version": "1.34"})
    assert tolerances(older) == (0.1, 0.1)
    assert any("Kubernetes 1.34 does not heed" in text for text in older.warnings)
    assert first_move(_scaled(9, own)) is None
    assert first_move(older) is not None


def test_a_trace_has_no_equilibrium() -> None:
    """The option startAt promises no equilibrium for a trace."""
    with pytest.raises((InputError, ValueError), match="a trace has no equilibrium"):
        _scaled(9, {"startAt": "equilibrium"}, traffic={"trace": "trace.csv"})
