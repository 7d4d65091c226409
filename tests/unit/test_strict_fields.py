"""Strict decoding: unknown, misplaced, doubled and mistyped fields of what the answer uses, and of nothing else."""

import json

import pytest
from manifest_objects import CONTAINER, autoscaler, example, objects_of, put, read, refused, workload

from simsticky.errors import InputError
from simsticky.manifests.reading import load_manifests

POD = ("spec", "template", "spec")
BACKEND = ("spec", "rules", 0, "http", "paths", 0, "backend")


@pytest.fixture
def app():
    """The example's four objects, free to be changed."""
    return example()


@pytest.mark.parametrize(
    ("kind", "path", "value", "message"),
    [
        ("deployment", (*POD, "lifecycle"), {}, "(lifecycle belongs to spec.template.spec.containers[])"),
        ("deployment", (*POD, "readinessProbe"), {}, "(readinessProbe belongs to spec.template.spec.containers[])"),
        ("deployment", ("spec", "maxSurge"), 1, "(maxSurge belongs to spec.strategy.rollingUpdate)"),
        ("deployment", ("spec", "strategy", "maxSurge"), 1, "(maxSurge belongs to spec.strategy.rollingUpdate)"),
        ("deployment", ("spec", "terminationGracePeriodSeconds"), 9, "belongs to spec.template.spec)"),
        ("deployment", ("replicas",), 9, "unknown field replicas (replicas belongs to spec)"),
        (
            "deployment",
            ("spec", "updateStrategy"),
            {},
            "(a field of DaemonSet and StatefulSet, not of Deployment; did you mean strategy?)",
        ),
        ("deployment", (*CONTAINER, "imagepullpolicy"), "Always", "did you mean imagePullPolicy?"),
        ("deployment", (*CONTAINER, "port"), 80, "unknown field port, did you mean ports?"),
        ("deployment", (*CONTAINER, "ports", 0, "port"), 80, "unknown field port, did you mean containerPort?"),
        (
            "deployment",
            (*CONTAINER, "resources"),
            {"cpu": "1"},
            "unknown field cpu (cpu belongs to requests or limits)",
        ),
        ("policy", ("spec", "hashOn", "stickySessions"), {"cookie": "sid"}, "(stickySessions belongs to spec)"),
        ("deployment", (*CONTAINER, "colour"), "red", "unknown field colour"),
        ("deployment", ("spec", "template", "labels"), {"a": "b"}, "(labels belongs to spec.template.metadata)"),
        ("service", ("spec", "sesionAffinity"), "None", "did you mean sessionAffinity?"),
        ("service", ("spec", "ports", 0, "containerPort"), 80, "unknown field containerPort"),
        (
            "ingress",
            (*BACKEND, "serviceName"),
            "example-app",
            "(Ingress has it in extensions/v1beta1 and networking.k8s.io/v1beta1 only, in networking.k8s.io/v1 write"
            " service.name)",
        ),
        ("ingress", (*BACKEND, "servicePort"), 80, "write service.port.number, or service.port.name)"),
        ("ingress", ("spec", "backend"), {"serviceName": "a"}, "write defaultBackend)"),
        ("policy", ("spec", "stickySession"), {}, "did you mean stickySessions?"),
        ("policy", ("spec", "stickySessions", "path"), "/", "unknown field path, did you mean cookiePath?"),
        (
            "policy",
            ("spec", "cookie"),
            "sid",
            "(cookie belongs to spec.hashOn, spec.hashOnFallback or spec.stickySessions)",
        ),
        ("deployment", (*CONTAINER, "env"), [{"name": "A", "value": 2}], 'must be text, got 2 (put it in quotes: "2")'),
        ("deployment", (*CONTAINER, "env"), [{"name": "A", "value": True}], 'put it in quotes: "true"'),
        ("deployment", (*CONTAINER, "ports"), [{"containerPort": "80"}], "must be a whole number, got 80 (write it"),
        (
            "deployment",
            (*POD, "hostNetwork"),
            "true",
            "must be true or false, got true (write it without quotes",
        ),
        ("deployment", (*CONTAINER, "args"), "serve", "must be a list, got serve (begin each item with a dash)"),
        ("deployment", (*POD, "nodeSelector"), {"gpu": 1}, 'must be text, got 1 (put it in quotes: "1")'),
        ("deployment", (*POD, "containers", 0), None, "must be a mapping, got nothing"),
        ("deployment", ("spec", "strategy", "rollingUpdate", "maxSurge"), 1.5, "must be a whole number or text"),
        ("policy", ("spec", "slots"), "1000", "must be a whole number, got 1000"),
        ("deployment", ("apiVersion",), "v1", "there is no Deployment in v1 (write apps/v1)"),
        ("deployment", ("apiVersion",), "apps/v2", "there is no Deployment in apps/v2 (did you mean apps/v1?)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_strict_decoding_refuses(tmp_path, app, kind, path, value, message):
    """Each fault is told once, at its own place, with the place where the field belongs."""
    put(getattr(app, kind), *path, value)
    text = refused(tmp_path, objects_of(app))
    assert message in text
    assert text.count(f"unknown field {path[-1]}") <= 1


def test_both_old_fields_of_a_backend_are_told(tmp_path, app):
    """An Ingress in the form of v1beta1 under v1: whom it routes to is plain, and it is refused all the same."""
    put(app.ingress, *BACKEND, {"serviceName": "example-app", "servicePort": 80})
    text = refused(tmp_path, objects_of(app))
    assert "unknown field serviceName" in text
    assert "unknown field servicePort" in text


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("deployment", ("metadata", "annotations"), {"any/thing": "x"}),
        ("deployment", ("metadata", "managedFields"), [{"fieldsV1": {"f:spec": {}}, "of": "later releases"}]),
        ("deployment", ("status",), {"terminatingReplicas": 0, "whatever": 1}),
        ("deployment", (*POD, "affinity"), None),
        ("deployment", ("spec", "strategy", "rollingUpdate", "maxSurge"), "25%"),
        ("deployment", (*CONTAINER, "resources"), {"limits": {"cpu": 1, "memory": "1Gi", "nvidia.com/gpu": 0.5}}),
        ("deployment", (*CONTAINER, "env"), [{"name": "A", "value": None}, {"name": "B", "valueFrom": {}}]),
        ("deployment", (*POD, "volumes"), [{"name": "a", "emptyDir": {}}, {"name": "b", "csi": {"driver": "x"}}]),
        ("service", ("spec", "trafficDistribution"), "PreferClose"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_strict_decoding_takes(tmp_path, app, kind, path, value):
    """Free maps, the server's own fields, null and both forms of a quantity are no faults."""
    put(getattr(app, kind), *path, value)
    assert read(tmp_path, objects_of(app)).sections["deployment"]["name"] == "example-app"


def test_booleans_of_yaml_1_1_are_what_kubectl_makes_of_them(tmp_path):
    """``yes`` is true where a boolean is wanted, and an error where text is."""
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  paused: off\n"
        "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
        "    spec:\n      hostNetwork: yes\n      containers: [{name: web, env: [{name: A, value: VALUE}]}]\n"
    )
    file = tmp_path / "app.yaml"
    file.write_text(text.replace("VALUE", '"on"'))
    assert load_manifests([file]).sections["deployment"]["paused"] is False
    file.write_text(text.replace("VALUE", "on"))
    with pytest.raises(InputError, match=r'app\.yaml:11:55: .*must be text, got true \(put it in quotes: "true"\)'):
        load_manifests([file])


DOUBLED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  replicas: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web}]}
"""


def test_a_key_given_twice(tmp_path):
    """Strictly an error; leniently the last one holds, as it does for the API server."""
    file = tmp_path / "app.yaml"
    file.write_text(DOUBLED)
    with pytest.raises(InputError, match=r"app\.yaml:6:3: .*: duplicate key, first given on line 5"):
        load_manifests([file])
    found = load_manifests([file], lenient=True)
    assert found.sections["deployment"]["replicas"] == 5
    assert "the last one is taken" in str(found.report.said_aloud)


def test_objects_that_the_answer_does_not_use_are_only_listed(tmp_path, app):
    """Another application's faults are its own."""
    other = workload("other", {"name": "other", "colour": "red"})
    put(other, "spec", "replicas", "3")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}, "spec": {"colour": "red"}}
    put(service, "spec", "selector", {"app": "other"})
    scaler = autoscaler("other")
    put(scaler, "spec", "colour", "red")
    deployment = {"deployment": {"name": "example-app"}}
    found = read(tmp_path, [*objects_of(app), other, service, scaler], **deployment)
    listed = " ".join(str(note) for note in found.ignored)
    assert listed.count("unknown field colour; the API server would refuse it") == 3
    assert "must be a whole number, got 3; the API server would refuse it" in listed


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (
            {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"}, "rules": []},
            "unknown field rules (rules belongs to spec)",
        ),
        (
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": {"name": "b"},
                "spec": {"minAvailable": 2, "selectr": {"matchLabels": {"app": "example-app"}}},
            },
            "unknown field selectr, did you mean selector?",
        ),
        (
            {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "h"},
                "spec": {"maxReplicas": 4, "scaleTargetReference": {"kind": "Deployment", "name": "example-app"}},
            },
            "unknown field scaleTargetReference, did you mean scaleTargetRef?",
        ),
    ],
)
def test_a_fault_that_hides_whom_an_object_is_about_is_told(tmp_path, app, obj, message):
    """Nobody knows that the answer does not use it."""
    assert message in refused(tmp_path, [*objects_of(app), obj])


def test_lenient_takes_what_is_wrong_as_not_there(tmp_path, app):
    """Unknown fields never reach the scenario; a mistyped one gets its default; both are said."""
    put(app.policy, "spec", "colour", "red")
    put(app.deployment, "spec", "replicas", "9")
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects_of(app)}))
    found = load_manifests([file], lenient=True)
    assert "colour" not in found.sections["upstream"]
    assert "replicas" not in found.sections["deployment"]
    said = " ".join(str(note) for note in found.report.said_aloud)
    assert "unknown field colour; ignored" in said
    assert "must be a whole number, got 9; write it without quotes: 9; ignored" in said


@pytest.mark.parametrize(
    ("version", "said"),
    [("1.28", "new in Kubernetes 1.29, kubernetes.version is 1.28: that API server does not know it"), ("1.29", "")],
)
def test_a_field_that_the_stated_version_does_not_know_is_said(tmp_path, app, version, said):
    """A sleep hook is new in 1.29."""
    put(app.deployment, *CONTAINER, "lifecycle", {"preStop": {"sleep": {"seconds": 5}}})
    found = read(tmp_path, objects_of(app), kubernetes={"version": version})
    told = " ".join(str(note) for note in found.report.said_aloud)
    assert (said in told) if said else not told


def test_a_version_of_a_kind_that_is_gone_is_said(tmp_path, app):
    """policy/v1beta1 went with 1.25."""
    budget = {
        "apiVersion": "policy/v1beta1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "example-app"}}},
    }
    found = read(tmp_path, [*objects_of(app), budget], kubernetes={"version": "1.30"})
    assert "gone after Kubernetes 1.24, kubernetes.version is 1.30" in str(found.report.said_aloud)


def test_a_mapping_where_the_operator_has_a_word(tmp_path, app):
    """What reads the field meets any type: the fault is told, and nothing breaks."""
    plane = {"apiVersion": "gateway-operator.konghq.com/v2beta1", "kind": "ControlPlane", "metadata": {"name": "kong"}}
    put(plane, "spec", "translation", "drainSupport", {"enabled": True})
    assert "drainSupport: must be text, got a mapping" in refused(tmp_path, [*objects_of(app), plane])
