"""Who owns the pods, how they are replaced, scaled and protected, and what else is done to them."""

import json

import pytest
from manifest_cases import CONTAINER, TEMPLATE, app, assumed, ingress, obj, put, read, refused, said

from simsticky.scenario.reading.load import loads


def test_a_deployment_at_0_runs_nothing(tmp_path):
    """Without a Rollout that owns it, or an operation that scales it, the run would answer nothing."""
    objects = app()
    put(objects[0], "spec", "replicas", 0)
    assert "Deployment web is at 0: no pod runs" in refused(tmp_path, objects)
    assert read(tmp_path, objects, "deployment: {replicas: 3}").deployment.replicas == 3
    assert read(tmp_path, objects, "timeline: [{at: 1m, scale: web, replicas: 3}]").deployment.replicas == 0


@pytest.mark.parametrize("kind", ["DaemonSet", "CloneSet"])
def test_owners_that_are_not_simulated_are_named(tmp_path, kind):
    """Alone behind the Service: an error, until the scenario describes the pods; beside the application: an error."""
    objects = app()
    other = put(objects[0], "kind", kind)
    put(other, "spec", "replicas", 3)
    if kind == "DaemonSet":
        other["spec"].pop("replicas")
    else:
        put(other, "apiVersion", "apps.kruise.io/v1alpha1")
    text = refused(tmp_path, objects)
    assert f"{kind} is not simulated, and Service web selects its pods" in text
    assert "deployment: {name: web, replicas: 3}" in text
    scenario = read(tmp_path, objects, "deployment: {name: web, replicas: 3}")
    assert f"{kind} is not simulated: the scenario's deployment section stands for its pods" in said(scenario)
    put(other, "metadata", "name", "second")
    assert f"{kind} is not modelled, and Service web selects its pods too" in refused(tmp_path, [app()[0], *objects])


@pytest.mark.parametrize(
    ("selector", "version", "bound"),
    [
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}, "v1", True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, "v1", False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "v1", True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, "v1", False),
        ({}, "v1", True),
        ({}, "v1beta1", False),
        (None, "v1", False),
        ({"matchLabels": {"app": "web"}}, "v1beta1", True),
    ],
    ids=str,
)
def test_a_budget_binds_what_its_selector_selects(tmp_path, selector, version, bound):
    """An empty selector selects every pod of the namespace in policy/v1, and none in v1beta1; null selects none."""
    budget = obj("PodDisruptionBudget", f"policy/{version}", {"minAvailable": 2, "selector": selector})
    scenario = read(tmp_path, [*app(), budget])
    assert (scenario.deployment.disruption_budget is not None) is bound


def test_the_owners_selector_counts_by_all_of_its_conditions(tmp_path):
    """``matchExpressions`` that do not match the template's labels are refused as ``matchLabels`` are."""
    objects = app()
    expression = {"key": "app", "operator": "NotIn", "values": ["web"]}
    put(objects[0], "spec", "selector", {"matchExpressions": [expression]})
    assert "`selector` does not match template `labels`" in refused(tmp_path, objects)
    expression["operator"] = "in"
    assert "not a valid selector operator" in refused(tmp_path, objects)


def test_old_versions_have_their_own_defaults(tmp_path):
    """extensions/v1beta1 surges by one pod and lacks one at most, without a deadline."""
    objects = app()
    put(objects[0], "apiVersion", "extensions/v1beta1")
    put(objects[0], "spec", "replicas", 12)
    deployment = read(tmp_path, objects).deployment
    rolling = deployment.strategy.rolling_update
    assert (rolling.max_surge, rolling.max_unavailable) == (1, 1)
    assert deployment.progress_deadline_seconds == 2**31 - 1
    put(objects[0], "apiVersion", "apps/v1")
    assert read(tmp_path, objects).deployment.strategy.rolling_update.max_surge == "25%"


def test_readiness_gates_are_said_aloud(tmp_path):
    """Who sets them, and when, is not in the manifest."""
    objects = app()
    put(objects[0], *TEMPLATE, "spec", "readinessGates", [{"conditionType": "target-health.example.com/web"}])
    assert "a pod is ready only when others have set these conditions too" in said(read(tmp_path, objects))


@pytest.mark.parametrize("hook", [{"httpGet": {"path": "/d", "port": 80}}, {"exec": {"command": ["/app/drain"]}}])
def test_hooks_of_unknown_length_are_refused_alike(tmp_path, hook):
    """A request and a program: neither length is in the manifest, and the same ways out work for both."""
    objects = app()
    put(objects[0], *CONTAINER, "lifecycle", {"preStop": hook})
    assert "the length of this preStop hook cannot be read" in refused(tmp_path, objects)
    for stated in ("20s", "{waitUntil: noSessions, atMost: 10m}"):
        assert read(tmp_path, objects, f"deployment: {{preStop: {stated}}}").deployment.pre_stop is not None


def test_a_tcp_hook_fails(tmp_path):
    """The kubelet knows no tcpSocket hook: SIGTERM comes at once, which is said."""
    objects = app()
    put(objects[0], *CONTAINER, "lifecycle", {"preStop": {"tcpSocket": {"port": 80}}})
    scenario = read(tmp_path, objects)
    assert scenario.deployment.pre_stop is not None
    assert scenario.deployment.pre_stop.kind == "fails"
    assert "does not run tcpSocket hooks" in said(scenario)


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        ("kill -TERM 1; sleep 20", True),
        ("nginx -s quit; sleep 20", True),
        ("pkill java; sleep 20", True),
        ("kill -0 1; sleep 20", False),
        ("nginx -s reload; sleep 20", False),
        ("echo bye; sleep 20", False),
    ],
)
def test_a_hook_that_ends_the_application_itself_is_said_aloud(tmp_path, script, ends):
    """It is taken to leave the application alone, which may decide the answer."""
    objects = app()
    put(objects[0], *CONTAINER, "lifecycle", {"preStop": {"exec": {"command": ["sh", "-c", script]}}})
    scenario = read(tmp_path, objects)
    assert scenario.deployment.pre_stop is not None
    assert scenario.deployment.pre_stop.seconds == 20
    assert ("may end the application before the hook is over" in said(scenario)) == ends
    assert ("leave the application alone" in assumed(scenario)) == (not ends)


@pytest.mark.parametrize("command", [["sleep"], ["sh", "-c", "sleep", "20"]], ids=" ".join)
def test_a_sleep_without_a_length_fails(tmp_path, command):
    """Behind ``sh -c`` one word is the script: the hook fails, and SIGTERM comes at once."""
    objects = app()
    put(objects[0], *CONTAINER, "lifecycle", {"preStop": {"exec": {"command": command}}})
    scenario = read(tmp_path, objects)
    assert scenario.deployment.pre_stop is not None
    assert scenario.deployment.pre_stop.kind == "fails"
    assert "one word is the whole script" in said(scenario)


@pytest.mark.parametrize("probe", ["readinessProbe", "startupProbe", "livenessProbe"])
@pytest.mark.parametrize(
    ("port", "is_there"), [("http", True), (8080, True), ("8080", True), (9, True), ("web", False)]
)
def test_a_probe_of_a_port_that_its_container_does_not_name(tmp_path, probe, port, is_there):
    """The kubelet looks the name up in the container; a probe that never passes leaves no pod ready."""
    objects = app()
    put(objects[0], *CONTAINER, probe, {"httpGet": {"path": "/", "port": port}})
    if is_there:
        read(tmp_path, objects)
    else:
        assert "the container names no port 'web': the probe never passes" in refused(tmp_path, objects)


def test_rules_over_two_fields_point_into_the_manifest(tmp_path):
    """Not to the first line of the scenario, which says nothing of them."""
    objects = put(app(), 0, "spec", "minReadySeconds", 600)
    text = refused(tmp_path, objects)
    assert "app.yaml:" in text
    assert "minReadySeconds: must be less than progressDeadlineSeconds, which is 600" in text
    budget = obj("PodDisruptionBudget", "policy/v1", {"minAvailable": 1, "maxUnavailable": 1, "selector": {}})
    assert "app.yaml:" in refused(tmp_path, [*app(), budget])


@pytest.mark.parametrize(("written", "number"), [("010", 8), ("0o10", 8), ("08", 8), ("1_0", 10)])
def test_numbers_as_kubectl_reads_them(tmp_path, written, number):
    """A leading zero is octal to YAML 1.1, which kubectl reads."""
    text = json.dumps(app()[0]).replace('"replicas": 3', f"replicas: {written}")
    tmp_path.joinpath("app.yaml").write_text(text)
    scenario = loads("schema: simsticky/1\nmanifests: [app.yaml]\n", "s.yaml", tmp_path)
    assert scenario.deployment.replicas == number


def _made(kind, name, owner, version="apps/v1", **spec):
    reference = {"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "uid": "u", "controller": True}
    labels = {"app": "web"}
    return obj(kind, version, spec, name, labels=labels, ownerReferences=[reference] if owner[0] else [])


CONTAINERS = {"containers": [{"name": "web", "image": "web"}]}


LABELLED = {"metadata": {"labels": {"app": "web"}}, "spec": CONTAINERS}


def test_all_that_kubectl_gets_is_one_application(tmp_path):
    """ReplicaSets and pods that the Deployment has made are no pods beside its own, whatever Service selects them."""
    made = [
        _made("ReplicaSet", "web-7d", ("Deployment", "web"), template=LABELLED, replicas=3),
        _made("ReplicaSet", "web-5f", ("Deployment", "web"), template=LABELLED, replicas=0),
        _made("Pod", "web-7d-abc", ("ReplicaSet", "web-7d"), "v1", **CONTAINERS),
        _made("Pod", "web-9c-abc", ("ReplicaSet", "web-9c"), "v1", **CONTAINERS),
    ]
    for objects in ([*app(), *made], [*app(), *made[2:]]):
        scenario = read(tmp_path, objects)
        assert scenario.deployment.replicas == 3
        assert said(scenario) == ""
    alone = _made("Pod", "web-by-hand", ("", ""), "v1", **CONTAINERS)
    assert "Service web selects its pods too" in refused(tmp_path, [*app(), alone])


def test_a_set_at_0_and_a_pod_that_is_over_are_behind_nothing(tmp_path):
    """No endpoint comes of them."""
    over = {**_made("Pod", "job", ("", ""), "v1", **CONTAINERS), "status": {"phase": "Succeeded"}}
    read(tmp_path, [*app(), over, _made("ReplicaSet", "old", ("", ""), template=LABELLED, replicas=0)])


def _other(kind="Deployment", name="worker", label="worker", **spec):
    other = obj(kind, "apps/v1", {**app()[0]["spec"], **spec}, name)
    put(other, "spec", "selector", {"matchLabels": {"app": label}})
    return put(other, "spec", "template", {"metadata": {"labels": {"app": label}}, "spec": CONTAINERS})


ROUTE = ingress({"name": "web", "port": {"number": 80}})


@pytest.mark.parametrize(
    ("more", "lines", "why"),
    [
        ([_other()], "timeline: [{at: 5m, rollout: web}]", "that the timeline names"),
        ([_other(), ROUTE], "", "that a route leads to"),
        ([_other(replicas=0)], "", "that is not at 0"),
        ([_other("StatefulSet", serviceName="db"), ROUTE], "timeline: [{at: 5m, rollout: web}]", "that the timeline"),
    ],
    ids=["timeline", "route", "zero", "set"],
)
@pytest.mark.parametrize("order", [1, -1])
def test_of_several_workloads_the_one_that_is_meant(tmp_path, more, lines, why, order):
    """The answer is there: what the timeline rolls out, else what clients reach; that it was chosen is told."""
    scenario = read(tmp_path, [*app(), *more][::order], lines)
    assert scenario.deployment.name == "web"
    assert f"of 2 workloads the scenario is about the one {why}" in assumed(scenario)


def test_a_routed_set_wins_over_a_deployment_that_nobody_reaches(tmp_path):
    """A StatefulSet behind the Ingress, and a worker beside it: the worker serves nobody."""
    objects = app()
    put(objects[0], "kind", "StatefulSet")
    put(objects[0], "spec", "serviceName", "web")
    scenario = read(tmp_path, [_other(), *objects, ROUTE])
    assert (scenario.deployment.kind, scenario.deployment.name) == ("StatefulSet", "web")


def test_several_that_may_be_meant_are_a_question(tmp_path):
    """Two that nobody names, or two that are both reached."""
    assert "several Deployments, one is wanted" in refused(tmp_path, [*app(), _other()])


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("restartPolicy", "Never", 'Unsupported value: "Never": supported values: "Always"'),
        ("activeDeadlineSeconds", 60, "Forbidden: activeDeadlineSeconds in Deployment"),
    ],
)
def test_pods_that_would_not_last_are_refused(tmp_path, field, value, told):
    """The API server refuses them too: such pods would come and go for ever."""
    objects = put(app(), 0, *TEMPLATE, "spec", field, value)
    assert told in refused(tmp_path, objects)
    read(tmp_path, put(app(), 0, *TEMPLATE, "spec", "restartPolicy", "Always"))


def test_scheduling_gates_are_said_aloud(tmp_path):
    """Who takes them away, and when, is not in the manifest."""
    objects = put(app(), 0, *TEMPLATE, "spec", "schedulingGates", [{"name": "example.com/gate"}])
    assert "pods wait until somebody takes the gates away" in said(read(tmp_path, objects))


def test_what_is_wrong_with_a_sidecar_stands_at_the_sidecar(tmp_path):
    """Not at the pod's first line."""
    objects = app()
    objects[0]["spec"]["template"]["spec"]["containers"].append({"name": "a b", "image": "x"})
    assert "spec.template.spec.containers.1.name: 'a b' is no name" in refused(tmp_path, objects)


def test_what_the_start_and_the_readiness_of_a_pod_wait_for_is_told(tmp_path):
    """A postStart hook, and the readiness probe of a sidecar: neither is simulated, both may delay a new pod."""
    objects = put(app(), 0, *CONTAINER, "lifecycle", "postStart", {"exec": {"command": ["sleep", "60"]}})
    sidecar = {"name": "cache", "image": "cache:1", "readinessProbe": {"tcpSocket": {"port": 1}}}
    objects[0]["spec"]["template"]["spec"]["containers"].append(sidecar)
    scenario = read(tmp_path, objects)
    assert "let app.startup hold its length" in said(scenario)
    assert "it is taken to be ready as soon as the application is" in assumed(scenario)
