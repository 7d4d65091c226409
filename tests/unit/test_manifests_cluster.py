"""Autoscalers, budgets, StatefulSets and HTTPRoutes in the manifests."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from simsticky.errors import InputError
from simsticky.scenario.location import read_documents
from simsticky.scenario.model import Scenario
from simsticky.scenario.reading.load import loads

_EXAMPLE = Path(__file__).parents[2] / "scenarios" / "manifests" / "example-app.yaml"
_APP: list[Any] = [document.data for document in read_documents(_EXAMPLE.read_text(), "example")]


def _object(kind: str, api: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": kind.lower()}, "spec": spec}


def _read(folder: Path, *objects: dict[str, Any]) -> Scenario:
    (folder / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
    return loads("schema: simsticky/1\nmanifests: [all.json]\n", base_dir=folder)


def _scaler(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "example-app"}
    return _object("HorizontalPodAutoscaler", "autoscaling/v2", {"scaleTargetRef": target, "maxReplicas": 9, **spec})


_CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 65}}}


def test_autoscaler_is_read_with_its_behavior(tmp_path: Path) -> None:
    """Bounds, the CPU target and the policies of each direction are read."""
    policies = [{"type": "Pods", "value": 2, "periodSeconds": 60}]
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 120, "policies": policies}}
    scenario = _read(tmp_path, *_APP, _scaler(minReplicas=2, metrics=[_CPU], behavior=behavior))
    autoscaler = scenario.autoscaler
    assert autoscaler is not None
    assert (autoscaler.min_replicas, autoscaler.max_replicas, autoscaler.target_utilization) == (2, 9, 65)
    assert autoscaler.behavior is not None
    down = autoscaler.behavior.scale_down
    assert (down.stabilization_window_seconds, down.policies[0].value) == (120, 2)
    assert any("busy slots" in note.note for note in scenario.manifest_report.assumed)


def test_autoscaler_on_another_metric_is_refused(tmp_path: Path) -> None:
    """An autoscaler on another metric than CPU utilisation is refused."""
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 65}}}
    with pytest.raises(InputError, match="this metric is not modelled: Resource memory is not CPU"):
        _read(tmp_path, *_APP, _scaler(metrics=[memory]))


def test_budget_of_the_pods_is_read_and_others_are_listed(tmp_path: Path) -> None:
    """The budget of these pods binds evictions, another one is ignored."""
    mine = {"selector": {"matchLabels": {"app": "example-app"}}, "maxUnavailable": "34%"}
    scenario = _read(tmp_path, *_APP, _object("PodDisruptionBudget", "policy/v1", mine))
    assert scenario.deployment.disruption_budget is not None
    assert scenario.deployment.disruption_budget.max_unavailable == "34%"
    other = {"selector": {"matchLabels": {"app": "db"}}, "maxUnavailable": 1}
    assert (
        _read(tmp_path, *_APP, _object("PodDisruptionBudget", "policy/v1", other)).deployment.disruption_budget is None
    )


def test_stateful_set_may_be_the_application(tmp_path: Path) -> None:
    """A StatefulSet is read with its pods, its update strategy and its partition."""
    deployment, *others = copy.deepcopy(_APP)
    deployment["kind"] = "StatefulSet"
    deployment["spec"]["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    scenario = _read(tmp_path, deployment, *others)
    read = scenario.deployment
    assert (read.kind, read.name, read.replicas, read.update_strategy.partition) == ("StatefulSet", "example-app", 3, 1)


def test_http_route_to_one_backend_is_read_and_a_split_is_refused(tmp_path: Path) -> None:
    """The path is the route's; weights belong to a canary operation."""
    deployment, service, policy, _ = copy.deepcopy(_APP)
    rule: dict[str, Any] = {"matches": [{"path": {"type": "PathPrefix", "value": "/shop"}}]}
    rule["backendRefs"] = [{"name": "example-app", "port": 80}]
    route = _object("HTTPRoute", "gateway.networking.k8s.io/v1", {"rules": [rule]})
    scenario = _read(tmp_path, deployment, service, policy, route)
    assert scenario.ingress.path == scenario.traffic.path == "/shop"
    rule["backendRefs"].append({"name": "other", "port": 80, "weight": 10})
    with pytest.raises(InputError, match="several backends"):
        _read(tmp_path, deployment, service, policy, route)
