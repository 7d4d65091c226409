"""Autoscalers of every version, and what they scale by."""

import pytest
from manifest_cases import CONTAINER, app, assumed, obj, put, read, refused, said, scaler


def _cpu(percent):
    return {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
    }


@pytest.mark.parametrize(
    ("version", "spec", "expected"),
    [
        ("v1", {"targetCPUUtilizationPercentage": 55}, 55),
        ("v1", {}, 80),
        ("v2", {}, 80),
        ("v2", {"metrics": [_cpu(60)]}, 60),
        ("v2beta2", {"metrics": [_cpu(60)]}, 60),
        (
            "v2beta1",
            {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 65}}]},
            65,
        ),
        (
            "v2beta1",
            {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "targetAverageValue": "100m"}}]},
            40,
        ),
        (
            "v2",
            {
                "metrics": [
                    {
                        "type": "ContainerResource",
                        "containerResource": {
                            "name": "cpu",
                            "container": "web",
                            "target": {"type": "Utilization", "averageUtilization": 50},
                        },
                    },
                    _cpu(70),
                ]
            },
            50,
        ),
        (
            "v2",
            {
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "0.2"}},
                    }
                ]
            },
            80,
        ),
    ],
    ids=str,
)
def test_autoscalers_of_every_version(tmp_path, version, spec, expected):
    """Targets on CPU become percent of what a pod requests (250m here); of several the lowest proposes most."""
    objects = app()
    put(objects[0], *CONTAINER, "resources", {"requests": {"cpu": "250m"}})
    scenario = read(tmp_path, [*objects, scaler(version, **spec)])
    assert scenario.autoscaler is not None
    assert scenario.autoscaler.target_utilization == expected


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ({"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization"}}}, "memory is not CPU"),
        ({"type": "Pods", "pods": {"metric": {"name": "rps"}}}, "Pods is not about the pods' CPU"),
        (
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1"}}},
            "only if every container requests CPU",
        ),
        (
            {
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": "x", "target": {"averageUtilization": 1}},
            },
            "container x is not the application's",
        ),
    ],
    ids=str,
)
def test_the_way_out_of_a_metric_works_beside_another(tmp_path, metric, why):
    """What is not CPU is refused by name; a target that the scenario states then decides alone."""
    objects = [*app(), scaler("v2", metrics=[_cpu(60), metric])]
    text = refused(tmp_path, objects)
    assert why in text
    assert "autoscaler: {maxReplicas: 9, targetUtilization: 70}" in text
    scenario = read(tmp_path, objects, "autoscaler: {maxReplicas: 9, targetUtilization: 70}")
    assert scenario.autoscaler is not None
    assert scenario.autoscaler.target_utilization == 70


def test_scalers_that_are_not_simulated_are_named(tmp_path):
    """KEDA, Flagger and vertical autoscalers of these pods are said aloud, those of others are listed."""
    objects = app()
    objects[0]["spec"].pop("replicas")
    keda = obj("ScaledObject", "keda.sh/v1alpha1", {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 3})
    flagger = obj("Canary", "flagger.app/v1beta1", {"targetRef": {"kind": "Deployment", "name": "web"}})
    scenario = read(tmp_path, [*objects, keda, flagger])
    assert "ScaledObject web: KEDA scales these pods: not simulated" in said(scenario)
    assert "Canary web: Flagger turns each rollout" in said(scenario)
    assert scenario.deployment.replicas == 3
    assert "replicas is left to KEDA" in assumed(scenario)
    put(keda, "spec", "scaleTargetRef", "name", "other")
    put(flagger, "spec", "targetRef", "name", "other")
    assert said(read(tmp_path, [*app(), keda, flagger])) == ""


def _scaler_of(kind, name, cpu="70"):
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": int(cpu)}},
    }
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 5, "metrics": [metric]}
    return obj("HorizontalPodAutoscaler", "autoscaling/v2", spec)


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        (
            "Deployment",
            "wbe",
            "no Deployment wbe in the manifests: nothing is scaled by it; did you mean Deployment web?",
        ),
        (
            "StatefulSet",
            "web",
            "no StatefulSet web in the manifests: nothing is scaled by it; did you mean Deployment web?",
        ),
        ("Deployment", "other", "no Deployment other in the manifests: nothing is scaled by it"),
    ],
)
def test_an_autoscaler_of_nothing_is_said_aloud(tmp_path, kind, name, told):
    """Its target is misspelt: the number of pods that it would have begun with is not that of the run."""
    objects = app()
    del objects[0]["spec"]["replicas"]
    scenario = read(tmp_path, [*objects, _scaler_of(kind, name)])
    assert scenario.deployment.replicas == 1
    assert told in said(scenario)
    assert "replicas is 1, the API server's default" in assumed(scenario)


@pytest.mark.parametrize("resources", [{}, {"limits": {"cpu": "1"}}, {"requests": {"cpu": "500m"}}], ids=str)
def test_a_utilisation_of_nothing_requested_is_said_aloud(tmp_path, resources):
    """Without a request Kubernetes' autoscaler knows no utilisation and stands still; a limit is a request too."""
    objects = app()
    put(objects[0], *CONTAINER, "resources", resources)
    text = said(read(tmp_path, [*objects, _scaler_of("Deployment", "web")]))
    assert ("not every container requests some" in text) == (not resources)


def test_a_utilisation_of_one_container_wants_its_request_only(tmp_path):
    """What other containers request has no part in a ContainerResource."""
    objects = app()
    put(objects[0], *CONTAINER, "resources", {"requests": {"cpu": "500m"}})
    objects[0]["spec"]["template"]["spec"]["containers"].append({"name": "logs", "image": "logs"})
    scaler = _scaler_of("Deployment", "web")
    assert "not every container requests some" in said(read(tmp_path, [*objects, scaler]))
    resource = {**scaler["spec"]["metrics"][0]["resource"], "container": "web"}
    put(scaler, "spec", "metrics", [{"type": "ContainerResource", "containerResource": resource}])
    assert said(read(tmp_path, [*objects, scaler])) == ""


@pytest.mark.parametrize(("written", "expected"), [("50m", 0.05), ("0.2", 0.2), (0.3, 0.3), ("0", 0.0)])
def test_a_tolerance_is_a_quantity(tmp_path, written, expected):
    """The API writes it as ``50m``; a number and a number as text mean the same."""
    spec = {"behavior": {"scaleDown": {"tolerance": written}}}
    scenario = read(tmp_path, [*app(), scaler("v2", **spec)])
    assert scenario.autoscaler.behavior.scale_down.tolerance == expected
    assert "tolerance" in refused(tmp_path, [*app(), scaler("v2", behavior={"scaleUp": {"tolerance": "10%"}})])


@pytest.mark.parametrize("order", [1, -1])
def test_the_autoscaler_that_keda_has_made_is_keda(tmp_path, order):
    """Out of a cluster both come; KEDA is named as not simulated, and its autoscaler is no second one to refuse."""
    keda = obj("ScaledObject", "keda.sh/v1alpha1", {"scaleTargetRef": {"name": "web"}})
    metric = {"metric": {"name": "s0"}, "target": {"type": "AverageValue", "averageValue": "5"}}
    made = scaler("v2", metrics=[{"type": "External", "external": metric}])
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web", "uid": "1"}
    made["metadata"] = {"name": "keda-hpa-web", "ownerReferences": [owner]}
    scenario = read(tmp_path, [*app(), keda, made][::order])
    assert scenario.autoscaler is None
    assert said(scenario).count("\n") == 0
    assert "KEDA scales these pods: not simulated" in said(scenario)
    assert "External is not about the pods' CPU" in refused(tmp_path, [*app(), made][::order])
