"""What is read from manifests, what is listed as ignored, and what is assumed aloud."""

import pytest
from manifest_objects import CONTAINER, EXAMPLE, example, notes, objects_of, put, read, workload

from simsticky.errors import InputError
from simsticky.manifests.reading import load_manifests


@pytest.fixture
def app():
    """The example's four objects, free to be changed."""
    return example()


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


def test_notes_carry_the_line_of_the_field():
    """Each note points at the field's own line."""
    lines = EXAMPLE.read_text().splitlines()
    for note in load_manifests([EXAMPLE]).read:
        key = note.path.rpartition(".")[2]
        if not key.isdigit() and "konghq" not in note.path:
            assert key in lines[note.line - 1], note


def test_the_gateway_is_not_the_application(tmp_path, app):
    """Kong's own Deployment beside the application's is not a second application; its replicas are nodes."""
    kong = workload("kong", {"image": "kong/kong-gateway:3.11"})
    put(kong, "spec", "replicas", 2)
    found = read(tmp_path, [kong, *objects_of(app)])
    assert found.sections["deployment"]["name"] == "example-app"
    assert found.sections["gateway"] == {"version": "3.11", "nodes": 2}


def test_what_the_manifests_leave_open_is_assumed_aloud(tmp_path, app):
    """No controller, no Ingress, no policy annotation: what is taken instead is listed."""
    del app.service["metadata"]["annotations"]
    assumed = "\n".join(str(note) for note in read(tmp_path, [app.deployment, app.service, app.policy]).assumed)
    assert "drain support is off, its default" in assumed
    assert "clients reach it on /" in assumed
    assert "plain round-robin" in assumed


def test_annotations_the_controller_would_ignore_are_listed(tmp_path, app):
    """Invalid numbers and wrong prefixes have no effect in a cluster, and none here; of numbers that is said."""
    put(app.service, "metadata", "annotations", "konghq.com/retries", "many")
    put(app.service, "metadata", "annotations", "konghq.com/service-upstream", "true")
    put(app.ingress, "metadata", "annotations", "konghq.com/strip-path", "maybe")
    found = read(tmp_path, objects_of(app))
    ignored = notes(found.ignored)
    said = notes(found.report.said_aloud)
    assert "no whole number" in said["Service example-app: metadata.annotations.konghq.com/retries"]
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


def test_an_http_hook_is_refused_until_its_length_is_stated(tmp_path, app):
    """The length of httpGet is not in the manifest, as little as that of a script: neither is guessed."""
    put(app.deployment, *CONTAINER, "lifecycle", "preStop", {"httpGet": {"path": "/drain", "port": 80}})
    with pytest.raises(InputError, match=r"it lasts until the application has answered GET /drain .state deployment"):
        read(tmp_path, objects_of(app))
    stated = read(tmp_path, objects_of(app), deployment={"preStop": "20s"})
    assert "preStop" not in stated.sections["deployment"]
