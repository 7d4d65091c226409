"""What the API server would refuse, and what would change the answer and is not modelled."""

import pytest
from manifest_objects import CONTAINER, EXAMPLE, example, objects_of, put, refused, workload

from simsticky.errors import InputError
from simsticky.scenario.reading.load import loads


@pytest.fixture
def app():
    """The example's four objects, free to be changed."""
    return example()


def test_service_upstream_is_refused(tmp_path, app):
    """With the Service's address as the one target there is no stickiness to simulate."""
    put(app.service, "metadata", "annotations", "ingress.kubernetes.io/service-upstream", "true")
    assert "service-upstream is not modelled" in refused(tmp_path, objects_of(app))
    parameters = {
        "apiVersion": "configuration.konghq.com/v1alpha1",
        "kind": "IngressClassParameters",
        "metadata": {"name": "p"},
        "spec": {"serviceUpstream": True},
    }
    del app.service["metadata"]["annotations"]["ingress.kubernetes.io/service-upstream"]
    assert "serviceUpstream is not modelled" in refused(tmp_path, [*objects_of(app), parameters])


def test_an_external_name_is_refused(tmp_path, app):
    """A DNS name has no pods to stick to."""
    app.service["spec"] = {"type": "ExternalName", "externalName": "example.org"}
    assert "ExternalName is not modelled" in refused(tmp_path, objects_of(app))


def test_pods_of_a_set_behind_the_service_are_refused(tmp_path, app):
    """A StatefulSet whose pods the Service selects too would take part of the sessions."""
    labels = app.service["spec"]["selector"]
    stateful = workload("s", {"image": "x"}, kind="StatefulSet")
    stateful["spec"]["template"]["metadata"]["labels"] = labels
    assert "StatefulSet is not modelled" in refused(tmp_path, [*objects_of(app), stateful])


@pytest.mark.parametrize(
    ("kind", "path", "value", "message"),
    [
        ("service", ("spec", "selector", "app"), "exampel-app", "this Service selects nothing"),
        ("service", ("metadata", "annotations", "konghq.com/upstream-policy"), "example-app-stiky", "did you mean"),
        ("service", ("metadata", "annotations", "konghq.com/retries"), 5, 'put it in quotes: "5"'),
        ("ingress", ("metadata", "annotations", "konghq.com/strip-path"), True, 'put it in quotes: "true"'),
        ("deployment", ("spec", "replicas"), "three", "must be a whole number, got three"),
        ("deployment", ("spec", "template", "spec", "terminationGracePeriodSeconds"), "60s", "must be a whole number"),
        ("deployment", ("spec", "template", "spec", "containers"), [], "a pod needs at least one container"),
        ("deployment", ("spec", "template", "spec", "containers"), {}, "must be a list, got a mapping"),
        ("deployment", ("spec", "template", "spec"), [1], "must be a mapping, got a list"),
        ("deployment", ("spec", "selector", "matchLabels", "app"), "x", "`selector` does not match template `labels`"),
        ("deployment", ("spec", "template", "metadata", "labels", "v"), 1.0, 'put it in quotes: "1.0"'),
        (
            "deployment",
            ("spec", "strategy"),
            {"type": "Recreate", "rollingUpdate": {}},
            "may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            "deployment",
            (*CONTAINER, "lifecycle", "preStop"),
            {"sleep": {"seconds": 61}},
            "Invalid value: 61: must be non-negative and less than terminationGracePeriodSeconds (60)",
        ),
        ("deployment", (*CONTAINER, "lifecycle", "preStop"), {"sleep": {"seconds": -1}}, "must be non-negative"),
        ("deployment", (*CONTAINER, "lifecycle", "preStop"), {"sleep": {}}, "must be a whole number, got nothing"),
        ("deployment", (*CONTAINER, "lifecycle", "preStop"), {}, "must specify a handler type"),
        (
            "deployment",
            (*CONTAINER, "lifecycle", "preStop", "sleep"),
            {"seconds": 1},
            "may not specify more than 1 handler type",
        ),
        (
            "deployment",
            (*CONTAINER, "lifecycle", "preStop"),
            {"exec": {"command": ["sh", "-c", "while true; do sleep 1; done"]}},
            "cannot be read: a while loop ends when its condition says so",
        ),
        (
            "deployment",
            (*CONTAINER, "lifecycle", "preStop"),
            {"exec": {"command": ["sleep", 30]}},
            'put it in quotes: "30"',
        ),
        ("deployment", ("spec", "template", "spec", "terminationGracePeriodSecond"), 5, "did you mean termination"),
        ("deployment", (*CONTAINER, "readinesProbe"), {}, "unknown field readinesProbe, did you mean readinessProbe?"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_the_api_server_or_the_model_refuses(tmp_path, app, kind, path, value, message):
    """Each is refused with its line and reason; the texts are the API server's where it has one."""
    put(getattr(app, kind), *path, value)
    text = refused(tmp_path, objects_of(app))
    assert message in text, text
    assert all(":" in line and "all.json:" in line for line in text.splitlines())


def test_rules_of_the_deployment_point_at_the_manifest(tmp_path):
    """Both bounds 0 in a manifest is told at the manifest's line, in the API server's words."""
    text = EXAMPLE.read_text().replace(
        "  replicas: 3\n",
        "  replicas: 3\n  strategy:\n    rollingUpdate:\n      maxSurge: 0\n      maxUnavailable: 0\n",
    )
    (tmp_path / "app.yaml").write_text(text)
    line = text.splitlines().index("      maxUnavailable: 0") + 1
    with pytest.raises(InputError) as caught:
        loads("schema: simsticky/1\nmanifests: [app.yaml]\n", "s.yaml", tmp_path)
    place = f"{tmp_path / 'app.yaml'}:{line}:23: spec.strategy.rollingUpdate.maxUnavailable: "
    assert str(caught.value).startswith(place + "Invalid value: 0: may not be 0 when `maxSurge` is 0")


def test_a_policy_without_hash_on_is_refused_with_rule_line_and_fix(tmp_path):
    """The policy as one published guide prints it ends with the API server's rule 10."""
    text = EXAMPLE.read_text().replace("  hashOn:\n    input: none\n", "")
    (tmp_path / "app.yaml").write_text(text)
    line = text.splitlines().index("  stickySessions:") + 2
    with pytest.raises(InputError) as caught:
        loads("schema: simsticky/1\nmanifests: [app.yaml]\n", "s.yaml", tmp_path)
    (problem,) = caught.value.diagnostics
    assert problem.message == (
        "When spec.stickySessions is set, spec.hashOn.input must be set to 'none' (no other hash_on fields allowed)."
    )
    assert (problem.file, problem.line) == (str(tmp_path / "app.yaml"), line)
    assert (problem.path, problem.hint) == ("spec.stickySessions", "write hashOn: {input: none}")
