"""The running Deployment controller against the trajectories that Kubernetes' rules give."""

from pathlib import Path
from typing import Any

import pytest
from stories import rollout, scenario_of

from simsticky.sim.control.deployments import DeploymentController
from simsticky.sim.simulation import Simulation

Case = dict[str, Any]
_HOP_S = 10.0


def _walk(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch, *, available: bool) -> list[tuple[int, int]]:
    """Return (new, old) after each sync that changes something; all else is done when the controller looks again."""
    monkeypatch.setattr(DeploymentController, "_hop_s", lambda self: _HOP_S)
    deployment: dict[str, Any] = {
        "replicas": case["replicas"],
        "maxSurge": case["max_surge"],
        "maxUnavailable": case["max_unavailable"],
        "preStop": None,
    }
    if not available:
        deployment["readinessProbe"] = {"periodSeconds": 1}
    # Time enough for any table's rollout, and one step more; nothing is stuck on the way.
    lasts_s = 100.0 + _HOP_S * (len(case["steps"]) + 5)
    deployment["progressDeadlineSeconds"] = round(lasts_s)
    changes = {"deployment": deployment, "app": {"startup": "0s"}, "run": {"until": lasts_s}}
    simulation = Simulation(scenario_of(folder, [[1.0]], rollout(neverReady=not available), changes), 1, 0)
    (controller,) = simulation.workloads.values()
    assert isinstance(controller, DeploymentController)
    walked: list[tuple[int, int]] = []

    def note() -> None:
        sizes = [state.spec_replicas for state in controller.replica_sets.states.values()]
        if len(sizes) == 2 and walked[-1:] != [(sizes[1], sizes[0])]:
            walked.append((sizes[1], sizes[0]))

    controller.on_change.append(note)
    simulation.run()
    return walked


@pytest.mark.table("kubernetes", "DERIVED_rollout_trajectories", "lockstep_available")
def test_simulated_rollout_walks_the_trajectory(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In lockstep the controller in the running model takes exactly the steps of the rules."""
    expected = [(step["new"], step["old"]) for step in case["steps"]]
    assert _walk(case, tmp_path, monkeypatch, available=True) == expected


def test_a_long_rollout_is_walked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table may hold rollouts of many more steps than ours."""
    case = {"replicas": 60, "max_surge": 1, "max_unavailable": 0, "steps": [None] * 120}
    expected = [(1, 60)]
    for left in range(59, -1, -1):
        expected += [(60 - left, left), *([(61 - left, left)] if left else [])]
    assert _walk(case, tmp_path, monkeypatch, available=True) == expected


@pytest.mark.table("kubernetes", "DERIVED_rollout_trajectories", "new_pods_never_available")
def test_simulated_stuck_rollout_stops_where_the_rules_stop(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New pods that never become available use it up."""
    expected = [(step["new"], step["old"]) for step in case["steps"]]
    assert _walk(case, tmp_path, monkeypatch, available=False) == expected
