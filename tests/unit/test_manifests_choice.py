"""Which of several objects are meant, and which are listed and left alone."""

import copy

import pytest
from manifest_objects import autoscaler, example, notes, objects_of, put, read, refused, route, workload


@pytest.fixture
def app():
    """The example's four objects, free to be changed."""
    return example()


def test_two_deployments_need_a_choice(tmp_path, app):
    """Two applications that no route tells apart are an error until the scenario names one; the other is listed."""
    put(app.ingress, "spec", "rules", 0, "http", "paths", 0, "backend", "service", "name", "elsewhere")
    other = workload("batch", {"name": "b", "image": "batch:1"})
    text = refused(tmp_path, [*objects_of(app), other])
    assert "several Deployments, one is wanted: example-app" in text
    assert "choose one in the scenario: deployment: {name: example-app}" in text
    found = read(tmp_path, [*objects_of(app), other], deployment={"name": "example-app"})
    assert notes(found.ignored)["Deployment batch"] == "the scenario is about Deployment example-app"
    assert "did you mean example-app?" in refused(tmp_path, objects_of(app), deployment={"name": "exampel-app"})


def test_the_same_deployment_twice_is_no_choice(tmp_path, app):
    """Of two with one name a choice by name cannot be made: one of them has to go."""
    text = refused(tmp_path, [*objects_of(app), app.deployment])
    assert "several Deployments, one is wanted: example-app" in text
    assert "(keep one example-app)" in text


def test_two_services_need_a_choice(tmp_path, app):
    """Of several Services in front of the pods the routed one counts, then the one with the policy, else the choice."""
    put(app.ingress, "spec", "rules", 0, "http", "paths", 0, "backend", "service", "name", "elsewhere")
    plain = copy.deepcopy(app.service)
    plain["metadata"] = {"name": "plain"}
    found = read(tmp_path, [*objects_of(app), plain])
    assert found.sections["service"]["name"] == "example-app"
    assert "Service plain" in notes(found.ignored)
    plain["metadata"]["annotations"] = app.service["metadata"]["annotations"]
    assert "choose one: service: {name: example-app}" in refused(tmp_path, [*objects_of(app), plain])
    found = read(tmp_path, [*objects_of(app), plain], service={"name": "plain"})
    assert found.sections["service"]["name"] == "plain"


def test_objects_of_others_are_listed_not_read(tmp_path, app):
    """A database's set, another route, a budget, a policy nobody names, unknown kinds: listed with a reason."""
    others = [
        workload("db", {"image": "db"}, kind="StatefulSet"),
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": {}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}},
        {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "k"}},
        {**app.policy, "metadata": {"name": "unused"}},
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "i"},
            "spec": {"defaultBackend": {"service": {"name": "elsewhere"}}},
        },
        autoscaler("something"),
        route("elsewhere"),
    ]
    ignored = notes(read(tmp_path, [*objects_of(app), *others]).ignored)
    assert "selects no pods" in ignored["PodDisruptionBudget b"]
    assert "does not name it" in ignored["KongUpstreamPolicy unused"]
    for label in (
        "StatefulSet db",
        "ConfigMap c",
        "Service k",
        "Ingress i",
        "HorizontalPodAutoscaler h",
        "HTTPRoute r",
    ):
        assert ignored[label]


def test_a_policy_in_another_namespace_is_not_the_services(tmp_path, app):
    """The annotation looks in the Service's own namespace only."""
    put(app.service, "metadata", "namespace", "shop")
    put(app.policy, "metadata", "namespace", "other")
    assert "it must be in the Service's own" in refused(tmp_path, objects_of(app))
