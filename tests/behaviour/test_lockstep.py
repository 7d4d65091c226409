"""The running Deployment controller against the trajectories that Kubernetes' rules give."""

from pathlib import Path
from typing import Any

import pytest
from stories import rollout, scenario_of

from simsticky.sim.controllers import DeploymentController
from simsticky.sim.simulation import Simulation

Case = dict[str, Any]


def _walk(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch, *, available: bool) -> list[tuple[int, int]]:
    """Return (new, old) after each sync that changes something; all else is done when the controller looks again."""
    monkeypatch.setattr(DeploymentController, "_hop_s", lambda self: 10.0)
    deployment: dict[str, Any] = {
        "replicas": case["replicas"],
        "maxSurge": case["max_surge"],
        "maxUnavailable": case["max_unavailable"],
        "preStop": None,
    }
    if not available:
        deployment["readinessProbe"] = {"periodSeconds": 1}
    changes = {"deployment": deployment, "app": {"startup": "0s"}}
    simulation = Simulation(scenario_of(folder, [[1.0, 450.0]], rollout(neverReady=not available), changes), 1, 0)
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
    """Protects the controller in the running model: in lockstep it takes exactly the steps of the rules."""
    expected = [(step["new"], step["old"]) for step in case["steps"]]
    assert _walk(case, tmp_path, monkeypatch, available=True) == expected


@pytest.mark.table("kubernetes", "DERIVED_rollout_trajectories", "new_pods_never_available")
def test_simulated_stuck_rollout_stops_where_the_rules_stop(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the budget in the running model: new pods that never become available use it up."""
    expected = [(step["new"], step["old"]) for step in case["steps"]]
    assert _walk(case, tmp_path, monkeypatch, available=False) == expected
