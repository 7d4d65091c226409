"""Manifests: where they come from, what is read, listed and refused; hooks in any spelling."""

import copy
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from simsticky.errors import InputError
from simsticky.scenario.load import loads
from simsticky.scenario.location import read_documents
from simsticky.scenario.manifests import load_manifests

EXAMPLE = Path(__file__).parents[2] / "scenarios" / "manifests" / "example-app.yaml"
CONTAINER = ("spec", "template", "spec", "containers", 0)


@pytest.fixture
def app():
    """The example's four objects, free to be changed."""
    objects = [document.data for document in read_documents(EXAMPLE.read_text(), "example")]
    return SimpleNamespace(**dict(zip(("deployment", "service", "policy", "ingress"), objects, strict=True)))


def put(obj, *path_and_value):
    """Set a field; missing mappings come into being."""
    *path, last, value = path_and_value
    for key in path:
        obj = obj[key] if isinstance(key, int) else obj.setdefault(key, {})
    obj[last] = value


def objects_of(app):
    return copy.deepcopy([app.deployment, app.service, app.policy, app.ingress])


def read(tmp_path, objects, **stated):
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=1))
    return load_manifests([file], stated=stated)


def refused(tmp_path, objects, **stated):
    with pytest.raises(InputError) as caught:
        read(tmp_path, objects, **stated)
    return str(caught.value)


def notes(listed):
    return {note.path: note.note for note in listed}


# Where they come from


def test_one_file_of_several_documents():
    """The example file gives all five sections."""
    found = load_manifests([EXAMPLE])
    assert set(found.sections) == {"deployment", "service", "upstream", "ingress"}
    assert found.sections["deployment"]["preStop"] == {"sleep": 30}


def test_the_same_objects_in_any_packing_read_the_same(tmp_path, app, monkeypatch):
    """A directory, a List, JSON, several files and standard input say what the one file says."""
    expected = load_manifests([EXAMPLE]).sections
    assert read(tmp_path, objects_of(app)).sections == expected

    folder = tmp_path / "k8s"
    folder.mkdir()
    for i, (suffix, obj) in enumerate(zip(("yaml", "yml", "json", "yaml"), objects_of(app), strict=True)):
        (folder / f"{i}.{suffix}").write_text(json.dumps(obj))
    (folder / "notes.txt").write_text("not a manifest")
    assert load_manifests([folder]).sections == expected
    assert load_manifests(sorted(folder.glob("*.[jy]*"))).sections == expected

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(EXAMPLE.read_bytes())))
    found = load_manifests(["-"])
    assert found.sections == expected
    assert found.read[0].file == "<stdin>"


def test_lists_of_one_kind_are_lists(tmp_path, app):
    """``kind: DeploymentList`` is what an API client may print."""
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [app.deployment]}))
    assert load_manifests([file]).sections["deployment"]["replicas"] == 3


def test_what_kubectl_prints_can_be_read(tmp_path, app):
    """Defaults, status and bookkeeping of a live object are listed as ignored and do not disturb."""
    put(app.deployment, "status", {"replicas": 3, "conditions": [{"type": "Available"}]})
    put(app.deployment, "metadata", "uid", "1-2-3")
    put(app.deployment, "metadata", "managedFields", [{"manager": "kubectl"}])
    put(app.deployment, *CONTAINER, "terminationMessagePath", "/dev/termination-log")
    ignored = notes(read(tmp_path, objects_of(app)).ignored)
    for field in ("status", "metadata.uid", "metadata.managedFields"):
        assert f"Deployment example-app: {field}" in ignored


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.yaml", None, "no such file"),
        ("empty", "dir", "has no .yaml, .yml, .json file"),
        ("kindless.yaml", "a: 1\n", "kindless.yaml:1:1: is not a Kubernetes object: it has no kind"),
        ("list.yaml", "- 1\n", "is not a Kubernetes object: a mapping is wanted"),
        ("old.yaml", "kind: Deployment\n", "Deployment has no apiVersion"),
        ("helm.yaml", "kind: {{ .Values.kind }}\n", "helm template"),
        ("twice.yaml", "kind: A\nkind: B\n", "twice.yaml:2:1: kind: duplicate key, first given on line 1"),
        ("anonymous.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\n", "name or generateName is required"),
        ("list2.yaml", "apiVersion: v1\nkind: List\n", "a List needs items"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path, name, content, message):
    """Missing files and texts that are no manifests are told by name and line."""
    if content == "dir":
        (tmp_path / name).mkdir()
    elif content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        load_manifests([tmp_path / name])
    assert message in str(caught.value)


# What is read


def test_every_field_that_is_read_reaches_the_scenario(tmp_path, app):
    """Deployment, probes, Service annotations, policy and Ingress fields arrive with their values."""
    for field, value in {
        "replicas": 4,
        "minReadySeconds": 5,
        "progressDeadlineSeconds": 120,
        "revisionHistoryLimit": 3,
        "paused": True,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": "0%"}},
    }.items():
        put(app.deployment, "spec", field, value)
    probe = {"initialDelaySeconds": 1, "timeoutSeconds": 2, "periodSeconds": 3, "failureThreshold": 4}
    put(app.deployment, *CONTAINER, "readinessProbe", {**probe, "successThreshold": 2, "httpGet": {"path": "/"}})
    put(app.deployment, *CONTAINER, "startupProbe", {"tcpSocket": {"port": 80}})
    annotations = {"retries": "2", "connect-timeout": "1500", "read-timeout": "2000", "write-timeout": "250"}
    for name, text in annotations.items():
        put(app.service, "metadata", "annotations", f"konghq.com/{name}", text)
    put(app.service, "spec", "publishNotReadyAddresses", True)
    found = read(tmp_path, objects_of(app)).sections
    assert found["deployment"] == {
        "name": "example-app",
        "replicas": 4,
        "minReadySeconds": 5,
        "progressDeadlineSeconds": 120,
        "revisionHistoryLimit": 3,
        "paused": True,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": "0%"}},
        "terminationGracePeriodSeconds": 60,
        "preStop": {"sleep": 30},
        "readinessProbe": {**probe, "successThreshold": 2},
        "startupProbe": {},
    }
    assert found["gateway"] == {"retries": 2, "connectTimeout": 1.5, "readTimeout": 2.0, "writeTimeout": 0.25}
    assert found["service"] == {"name": "example-app", "publishNotReadyAddresses": True}
    assert found["ingress"] == {"path": "/example", "stripPath": True}
    assert found["upstream"]["healthchecks"]["active"]["unhealthy"] == {"interval": 5, "httpFailures": 3}


def test_every_field_is_listed_as_read_ignored_or_assumed(tmp_path, app):
    """No leaf of an object that is read goes unmentioned."""
    put(app.deployment, *CONTAINER, "resources", {"requests": {"cpu": "1"}})
    put(app.deployment, *CONTAINER, "livenessProbe", {"httpGet": {"path": "/"}})
    put(app.service, "spec", "sessionAffinity", "ClientIP")
    found = read(tmp_path, objects_of(app))
    listed = {note.path for note in (*found.read, *found.ignored)}
    identity = {"apiVersion", "kind", "metadata.name", "metadata.namespace"}

    def leaves(node, path):
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, below in children:
            yield from leaves(below, (*path, str(key)))
        if not children:
            yield path

    for obj in objects_of(app):
        label = f"{obj['kind']} {obj['metadata']['name']}: "
        for leaf in leaves(obj, ()):
            above = {".".join(leaf[: i + 1]) for i in range(len(leaf))}
            assert above & identity or {label + path for path in above} & listed, leaf
    ignored = notes(found.ignored)
    assert "no effect" in ignored["Service example-app: spec.sessionAffinity"]
    assert "no effect" in ignored["Deployment example-app: spec.template.spec.containers.0.resources"]
    assert "read, not modelled" in "".join(notes(found.assumed).values())


def test_notes_carry_the_line_of_the_field():
    """Each note points at the field's own line."""
    lines = EXAMPLE.read_text().splitlines()
    for note in load_manifests([EXAMPLE]).read:
        key = note.path.rpartition(".")[2]
        if not key.isdigit() and "konghq" not in note.path:
            assert key in lines[note.line - 1], note


def workload(name, container, kind="Deployment"):
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def test_the_gateway_is_not_the_application(tmp_path, app):
    """Kong's own Deployment beside the application's is not a second application."""
    found = read(tmp_path, [workload("kong", {"image": "kong/kong-gateway:3.11"}), *objects_of(app)])
    assert "state gateway.nodes" in notes(found.ignored)["Deployment kong"]


def test_what_the_manifests_leave_open_is_assumed_aloud(tmp_path, app):
    """No controller, no Ingress, no policy annotation: what is taken instead is listed."""
    del app.service["metadata"]["annotations"]
    assumed = "\n".join(str(note) for note in read(tmp_path, [app.deployment, app.service, app.policy]).assumed)
    assert "drain support is off, its default" in assumed
    assert "clients reach it on /" in assumed
    assert "plain round-robin" in assumed


def test_annotations_the_controller_would_ignore_are_listed(tmp_path, app):
    """Invalid numbers and wrong prefixes have no effect in a cluster, and none here."""
    put(app.service, "metadata", "annotations", "konghq.com/retries", "many")
    put(app.service, "metadata", "annotations", "konghq.com/service-upstream", "true")
    put(app.ingress, "metadata", "annotations", "konghq.com/strip-path", "maybe")
    found = read(tmp_path, objects_of(app))
    ignored = notes(found.ignored)
    assert "no integer" in ignored["Service example-app: metadata.annotations.konghq.com/retries"]
    assert "has no effect" in ignored["Service example-app: metadata.annotations.konghq.com/service-upstream"]
    assert "neither true nor false" in ignored["Ingress example-app: metadata.annotations.konghq.com/strip-path"]
    assert "stripPath" not in found.sections["ingress"]


def test_the_application_is_the_container_with_the_services_port(tmp_path, app):
    """Beside a sidecar, hook and probes come from the container that the Service reaches."""
    sidecar = {"name": "proxy", "lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
    app.deployment["spec"]["template"]["spec"]["containers"].insert(0, sidecar)
    found = read(tmp_path, objects_of(app))
    assert found.sections["deployment"]["preStop"] == {"sleep": 30}
    (sidecar,) = found.sections["deployment"]["sidecars"]
    assert sidecar == {"name": "proxy", "kind": "plain", "preStop": {"sleep": 5}}
    note = notes(found.assumed)["Deployment example-app: spec.template.spec.containers.0"]
    assert "exit at once on SIGTERM" in note


def test_sidecars_are_told_apart_by_their_place_and_restart_policy(tmp_path, app):
    """An init container that is always restarted is a native sidecar, one that ends is none; mesh proxies are known."""
    pod = app.deployment["spec"]["template"]["spec"]
    pod["initContainers"] = [
        {"name": "migrate", "image": "registry.example.com/migrate:1"},
        {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24", "restartPolicy": "Always"},
    ]
    pod["containers"].append({"name": "linkerd-proxy"})
    found = read(tmp_path, objects_of(app))
    assert found.sections["deployment"]["sidecars"] == [
        {
            "name": "istio-proxy",
            "kind": "native",
            "proxy": True,
            "onSigterm": {"listener": "keep", "exit": {"after": 5}},
        },
        {"name": "linkerd-proxy", "kind": "plain", "proxy": True, "onSigterm": "finishInFlight"},
    ]
    assert "Deployment example-app: spec.template.spec.initContainers.0" in notes(found.ignored)


def test_liveness_probe_and_pull_policy_are_read(tmp_path, app):
    """What restarts containers and what makes them wait for their image come from the manifest."""
    probe = {"periodSeconds": 3, "failureThreshold": 2, "terminationGracePeriodSeconds": 7}
    put(app.deployment, *CONTAINER, "livenessProbe", {"tcpSocket": {"port": 80}, **probe})
    put(app.deployment, *CONTAINER, "imagePullPolicy", "Always")
    deployment = read(tmp_path, objects_of(app)).sections["deployment"]
    assert deployment["livenessProbe"] == probe
    assert deployment["imagePullPolicy"] == "Always"


@pytest.mark.parametrize("image", ["gcr.io/distroless/java21", "cgr.dev/chainguard/node:latest"])
def test_hook_that_needs_a_shell_in_an_image_without_one_is_named(tmp_path, app, image):
    """A preStop command in an image that is known to have no shell is taken at its word, and said aloud."""
    put(app.deployment, *CONTAINER, "image", image)
    found = read(tmp_path, objects_of(app))
    assert found.sections["deployment"]["preStop"] == {"sleep": 30}
    assert any("preStop: {fails: true}" in note.note for note in found.assumed)


def test_probe_fields_of_zero_are_the_api_servers_defaults(tmp_path, app):
    """periodSeconds: 0 means 10 to the API server, and is listed as such."""
    put(app.deployment, *CONTAINER, "readinessProbe", {"periodSeconds": 0, "initialDelaySeconds": 0})
    found = read(tmp_path, objects_of(app))
    assert found.sections["deployment"]["readinessProbe"] == {"initialDelaySeconds": 0}
    assert [note.note for note in found.assumed if "periodSeconds" in note.path] == [
        "0 stands for the API server's default"
    ]


# What is chosen


def test_two_deployments_need_a_choice(tmp_path, app):
    """Two applications are an error until the scenario names one; the other is then listed."""
    other = workload("batch", {"name": "b", "image": "batch:1"})
    text = refused(tmp_path, [*objects_of(app), other])
    assert "several Deployments, one is wanted: example-app" in text
    assert "choose one in the scenario: deployment: {name: example-app}" in text
    found = read(tmp_path, [*objects_of(app), other], deployment={"name": "example-app"})
    assert notes(found.ignored)["Deployment batch"] == "the scenario is about Deployment example-app"
    assert "did you mean example-app?" in refused(tmp_path, objects_of(app), deployment={"name": "exampel-app"})


def test_two_services_need_a_choice(tmp_path, app):
    """Of several Services in front of the pods the one with the policy counts, else the scenario chooses."""
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
    assert "selects other pods" in ignored["PodDisruptionBudget b"]
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


def autoscaler(target):
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}, "spec": spec}


def route(target):
    spec = {"rules": [{"backendRefs": [{"name": target, "port": 80}]}]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"}, "spec": spec}


def test_a_policy_in_another_namespace_is_not_the_services(tmp_path, app):
    """The annotation looks in the Service's own namespace only."""
    put(app.service, "metadata", "namespace", "shop")
    put(app.policy, "metadata", "namespace", "other")
    assert "it must be in the Service's own" in refused(tmp_path, objects_of(app))


# What is refused


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
            "numbers need quotes",
        ),
        ("deployment", ("spec", "template", "spec", "terminationGracePeriodSecond"), 5, "did you mean termination"),
        ("deployment", (*CONTAINER, "readinesProbe"), {}, "unknown, did you mean readinessProbe?"),
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


def test_an_http_hook_counts_nothing_and_says_so(tmp_path, app):
    """The length of httpGet is not in the manifest: 0 s is assumed aloud, unless the scenario states it."""
    put(app.deployment, *CONTAINER, "lifecycle", "preStop", {"httpGet": {"path": "/drain", "port": 80}})
    found = read(tmp_path, objects_of(app))
    assert found.sections["deployment"]["preStop"] == {"sleep": 0}
    assert any("state deployment.preStop" in note.note for note in found.assumed)
    stated = read(tmp_path, objects_of(app), deployment={"preStop": "20s"})
    assert "preStop" not in stated.sections["deployment"]
