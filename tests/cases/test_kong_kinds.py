"""Gateway and controller: workloads of any image, DaemonSets, and the kinds of Kong Operator."""

import pytest
from manifest_cases import app, assumed, obj, put, read, refused, said

OPERATOR = "gateway-operator.konghq.com"


def _workload(container, kind="Deployment", name="kong", **spec):
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return obj(kind, "apps/v1", {"selector": {"matchLabels": labels}, "template": template, **spec}, name)


def _kong(*variables, image="kong/kong-gateway:3.11", **rest):
    env = [{"name": name, "value": value} for name, value in variables]
    return {"name": "proxy", "image": image, "env": env, **rest}


WORKERS = ("KONG_NGINX_WORKER_PROCESSES", "2")


@pytest.mark.parametrize(
    "variables", [[WORKERS], [("KONG_DATABASE", "off"), WORKERS], [("KONG_PROXY_LISTEN", "0.0.0.0:8000"), WORKERS]]
)
def test_the_environment_tells_a_gateway_of_any_image(tmp_path, variables):
    """A private name hides nothing; the version is not known then, and the application stays the application."""
    kong = _workload(_kong(*variables, image="registry.example.com/edge:7.1"), replicas=2)
    scenario = read(tmp_path, [*app(), kong])
    assert (scenario.deployment.name, scenario.gateway.nodes, scenario.gateway.workers) == ("web", 2, 2)
    assert scenario.gateway.version is None
    assert said(scenario) == ""


def test_an_application_that_calls_kong_is_none(tmp_path):
    """Its own variables have other names than Kong's properties."""
    objects = app()
    container = objects[0]["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "KONG_ADMIN_URL", "value": "http://kong:8001"}]
    assert read(tmp_path, objects).deployment.name == "web"


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ([], "starts a worker for each core: one is simulated"),
        ([("KONG_NGINX_WORKER_PROCESSES", "auto")], "is auto, a worker for each core"),
    ],
)
def test_workers_that_are_not_told_are_said_aloud(tmp_path, variables, text):
    """One a core, as many as nobody knows; the scenario may state them."""
    kong = _workload(_kong(*variables), replicas=1)
    assert text in said(read(tmp_path, [*app(), kong]))
    assert said(read(tmp_path, [*app(), kong], "gateway: {workers: 4}")) == ""


def test_a_value_from_a_config_map_is_looked_up(tmp_path):
    """What is in the manifests is read, what is not is said to be unknown."""
    kong = _workload(_kong(), replicas=1)
    reference = {"configMapKeyRef": {"name": "kong", "key": "workers"}}
    container = kong["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "KONG_NGINX_WORKER_PROCESSES", "valueFrom": reference}]
    assert "is not in the manifests: one worker is simulated" in said(read(tmp_path, [*app(), kong]))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kong"}, "data": {"workers": "3"}}
    assert read(tmp_path, [*app(), kong, config]).gateway.workers == 3
    container["env"] = []
    container["envFrom"] = [{"configMapRef": {"name": "kong"}, "prefix": "KONG_NGINX_"}]
    config["data"] = {"WORKER_PROCESSES": "5"}
    assert read(tmp_path, [*app(), kong, config]).gateway.workers == 5


def test_a_daemon_set_runs_kong_on_every_machine(tmp_path):
    """As many nodes of the gateway as there are machines, and that is said."""
    kong = _workload(_kong(WORKERS), kind="DaemonSet")
    scenario = read(tmp_path, [*app(), kong])
    assert scenario.gateway.nodes == 3
    assert "a DaemonSet runs Kong on every machine: 3 nodes" in said(scenario)
    assert read(tmp_path, [*app(), kong], "kubernetes: {nodes: 5}").gateway.nodes == 5
    assert said(read(tmp_path, [*app(), kong], "gateway: {nodes: 2}")) == ""


def test_a_scaled_gateway_keeps_its_minimum(tmp_path):
    """Its autoscaler is not the application's, and is not simulated."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "kong"}
    scaler = obj("HorizontalPodAutoscaler", "autoscaling/v2", {"scaleTargetRef": target, "minReplicas": 2}, "kong")
    put(scaler, "spec", "maxReplicas", 8)
    scenario = read(tmp_path, [*app(), _workload(_kong(WORKERS)), scaler])
    assert (scenario.gateway.nodes, scenario.autoscaler) == (2, None)
    assert "the gateway's own autoscaler is not simulated" in said(scenario)


def test_a_control_plane_of_kong_takes_no_traffic(tmp_path):
    """In hybrid mode the data plane's replicas are the nodes, in any order."""
    control = _workload(_kong(("KONG_ROLE", "control_plane"), WORKERS), name="cp", replicas=1)
    data = _workload(_kong(("KONG_ROLE", "data_plane"), WORKERS), name="dp", replicas=4)
    assert read(tmp_path, [control, *app(), data]).gateway.nodes == 4
    scenario = read(tmp_path, [data, *app(), control, _workload(_kong(WORKERS), name="other", replicas=2)])
    assert scenario.gateway.nodes == 4
    assert "a second gateway: the nodes simulated are those of Deployment dp" in said(scenario)


def test_controller_and_proxy_in_one_pod(tmp_path):
    """The classic pod: its replicas are nodes, and its flags the controller's."""
    both = _workload(_kong(WORKERS), replicas=2)
    controller = {
        "name": "kic",
        "image": "kong/kubernetes-ingress-controller:3.5.3",
        "args": ["--enable-drain-support"],
    }
    both["spec"]["template"]["spec"]["containers"].append(controller)
    scenario = read(tmp_path, [*app(), both])
    assert (scenario.gateway.nodes, scenario.kic.enable_drain_support) == (2, True)
    assert (scenario.gateway.version, scenario.kic.version) == ("3.11", "3.5.3")


@pytest.mark.parametrize(
    "name", ["CONTROLLER_KONG_ADMIN_SVC", "CONTROLLER_PUBLISH_SERVICE", "CONTROLLER_INGRESS_CLASS"]
)
def test_the_environment_tells_a_controller_of_any_image(tmp_path, name):
    """A mirror's name hides no controller; an application with a controller of its own is none."""
    container = {"name": "kic", "image": "registry.example.com/k:1", "env": [{"name": name, "value": "kong/x"}]}
    scenario = read(tmp_path, [*app(), _workload(container, name="kic")])
    assert scenario.deployment.name == "web"
    assert "no --enable-drain-support: drain support is off" in assumed(scenario)
    container["env"][0]["name"] = "CONTROLLER_NAME"
    assert "several Deployments" in refused(tmp_path, [*app(), _workload(container, name="kic")])


def _control_plane(version="v2beta1", **spec):
    return obj("ControlPlane", f"{OPERATOR}/{version}", {"dataplane": {"type": "managedByOwner"}, **spec}, "cp")


def _configuration(version="v2beta1", **spec):
    return obj("GatewayConfiguration", f"{OPERATOR}/{version}", spec, "gc")


@pytest.mark.parametrize("state", ["enabled", "disabled"])
def test_drain_support_of_the_operators_kinds(tmp_path, state):
    """In a ControlPlane, or in the options of a GatewayConfiguration; the scenario's own word wins."""
    translation = {"translation": {"drainSupport": state}}
    for one in (_control_plane(**translation), _configuration(controlPlaneOptions=translation)):
        for order in (1, -1):
            scenario = read(tmp_path, [*app(), one][::order])
            assert scenario.kic.enable_drain_support is (state == "enabled")
            assert said(scenario) == ""
        assert read(tmp_path, [*app(), one], "kic: {enableDrainSupport: true}").kic.enable_drain_support


def test_drain_support_that_is_left_out_is_on(tmp_path):
    """The Operator's default, which versions before 2.1.0 did not apply: said aloud."""
    for one in (_control_plane(), _configuration(controlPlaneOptions={})):
        scenario = read(tmp_path, [*app(), one])
        assert scenario.kic.enable_drain_support
        assert "drainSupport is left out: on, its default" in said(scenario)


def test_a_control_plane_of_version_1_runs_the_controllers_image(tmp_path):
    """There drain support is a flag, off by default."""
    assert not read(tmp_path, [*app(), _control_plane("v1beta1")]).kic.enable_drain_support
    container = {"name": "controller", "image": "kong/kubernetes-ingress-controller:3.5"}
    container["env"] = [{"name": "CONTROLLER_ENABLE_DRAIN_SUPPORT", "value": "true"}]
    pod = {"podTemplateSpec": {"spec": {"containers": [container]}}}
    assert read(tmp_path, [*app(), _control_plane("v1beta1", deployment=pod)]).kic.enable_drain_support


def test_the_sync_interval_is_read(tmp_path):
    """``dataplaneSync.interval`` is the time between pushes."""
    scenario = read(tmp_path, [*app(), _control_plane(dataplaneSync={"interval": "10s"})])
    assert scenario.kic.proxy_sync_seconds == 10.0


def test_two_control_planes_that_differ_need_a_choice(tmp_path):
    """Of the two one serves the application; the scenario can say which."""
    on = _control_plane(translation={"drainSupport": "enabled"})
    off = put(_control_plane(translation={"drainSupport": "disabled"}), "metadata", "name", "other")
    assert "a second control plane that says otherwise" in refused(tmp_path, [*app(), on, off])
    assert read(tmp_path, [*app(), on, off], "kic: {enableDrainSupport: false}").kic.enable_drain_support is False


def test_drain_never_works_on_the_hybrid_path(tmp_path):
    """With Konnect as the control plane only ready endpoints are targets, whatever drainSupport says."""
    konnect = {"authRef": {"name": "konnect"}}
    options = {"translation": {"drainSupport": "enabled"}}
    extension = [{"group": "konnect.konghq.com", "kind": "KonnectExtension", "name": "k"}]
    hybrids = [
        _configuration(konnect=konnect, controlPlaneOptions=options),
        obj("DataPlane", f"{OPERATOR}/v1beta1", {"extensions": extension}, "dp"),
    ]
    for one in hybrids:
        scenario = read(tmp_path, [*app(), one])
        assert not scenario.kic.enable_drain_support
        assert "drain support never works there" in said(scenario)


@pytest.mark.parametrize("kind", ["DataPlane", "GatewayConfiguration"])
def test_nodes_and_workers_of_a_data_plane(tmp_path, kind):
    """Replicas, version and workers of the Operator's data plane."""
    container = _kong(WORKERS)
    deployment = {"replicas": 3, "podTemplateSpec": {"spec": {"containers": [container]}}}
    spec = {"deployment": deployment} if kind == "DataPlane" else {"dataPlaneOptions": {"deployment": deployment}}
    scenario = read(tmp_path, [*app(), obj(kind, f"{OPERATOR}/v1beta1", spec, "dp")])
    assert (scenario.gateway.nodes, scenario.gateway.workers, scenario.gateway.version) == (3, 2, "3.11")
    deployment.pop("replicas")
    deployment["scaling"] = {"horizontal": {"minReplicas": 2, "maxReplicas": 9}}
    scenario = read(tmp_path, [*app(), obj(kind, f"{OPERATOR}/v1beta1", spec, "dp")])
    assert scenario.gateway.nodes == 2
    assert "minReplicas nodes all along" in said(scenario)


def test_without_any_of_kongs_kinds_the_defaults_are_listed(tmp_path):
    """Nothing says what the controller does."""
    assert "no manifest of the ingress controller: drain support is off" in assumed(read(tmp_path, app()))


def _flagged(env=(), **container):
    image = "kong/kubernetes-ingress-controller:3.5"
    proxy = {"name": "controller", "image": image, "env": list(env), **container}
    template = {"metadata": {"labels": {"app": "kic"}}, "spec": {"containers": [proxy]}}
    spec = {"selector": {"matchLabels": {"app": "kic"}}, "template": template}
    return obj("Deployment", "apps/v1", spec, "kic", namespace="kong")


@pytest.mark.parametrize(
    ("words", "on", "seconds"),
    [
        (["sh", "-c", "exec /manager --enable-drain-support --proxy-sync-seconds 7"], True, 7),
        (["bash", "-ec", "/manager --proxy-sync-seconds=5 --enable-drain-support=false"], False, 5),
    ],
)
def test_flags_in_a_shells_script_are_read(tmp_path, words, on, seconds):
    """A controller that is started by a shell is the same controller."""
    kic = read(tmp_path, [*app(), _flagged(command=words)]).kic
    assert (kic.enable_drain_support, kic.proxy_sync_seconds) == (on, seconds)


@pytest.mark.parametrize("flag", ["-enable-drain-support", "--enable_drain_support=true", "--drain-support"])
def test_a_flag_that_the_controller_does_not_know_is_refused(tmp_path, flag):
    """Drain support would be off in silence, and the controller would not even start."""
    assert "the controller knows no flag" in refused(tmp_path, [*app(), _flagged(args=[flag])])


@pytest.mark.parametrize(
    "name", ["ENABLE_DRAIN_SUPPORT", "CONTROLLER_DRAIN_SUPPORT", "CONTROLLER_enable_drain_support"]
)
def test_a_variable_that_the_controller_does_not_read_is_said_aloud(tmp_path, name):
    """It was meant to switch drain support on, and does not."""
    scenario = read(tmp_path, [*app(), _flagged([{"name": name, "value": "true"}])])
    assert not scenario.kic.enable_drain_support
    assert f"{name} has no effect: the controller reads CONTROLLER_ENABLE_DRAIN_SUPPORT" in said(scenario)


def test_the_value_of_a_switch_stands_behind_an_equals_sign(tmp_path):
    """``--enable-drain-support false`` switches it on."""
    scenario = read(tmp_path, [*app(), _flagged(args=["--enable-drain-support", "false"])])
    assert scenario.kic.enable_drain_support
    assert "it is on, and 'false' is not read" in said(scenario)


def test_a_control_plane_beside_a_controller_that_says_otherwise(tmp_path):
    """One of the two serves the application, and the manifests do not tell which."""
    plane = obj("ControlPlane", f"{OPERATOR}/v2beta1", {"translation": {"drainSupport": "enabled"}}, "cp")
    assert "says otherwise" in refused(tmp_path, [*app(), plane, _flagged()])
    assert read(tmp_path, [*app(), plane, _flagged(args=["--enable-drain-support"])]).kic.enable_drain_support


@pytest.mark.parametrize(
    "annotation",
    ["konghq.com/upstream-policies", "konghq.com/upstream_policy", "configuration.konghq.com/upstream-policy"],
)
def test_an_annotation_that_kong_does_not_read_is_said_aloud(tmp_path, annotation):
    """And so is the policy that nobody names: stickiness that is not read must not look like a good result."""
    objects = app()
    objects[1]["metadata"]["annotations"] = {annotation: "st"}
    scenario = read(tmp_path, objects)
    assert scenario.upstream.algorithm == "round-robin"
    assert f"{annotation}: has no effect: the controller reads konghq.com/upstream-policy" in said(scenario)
    assert "KongUpstreamPolicy st: has no effect: no Service names it" in said(scenario)


def test_settings_that_another_service_names_are_no_news(tmp_path):
    """A policy of another application, and Kong's other annotations, are said of nobody."""
    objects = app()
    del objects[1]["metadata"]["annotations"]
    other = obj("Service", "v1", {"selector": {"app": "other"}}, "other")
    put(other, "metadata", "annotations", {"konghq.com/upstream-policy": "st"})
    put(objects[1], "metadata", "annotations", {"konghq.com/plugins": "a", "konghq.com/host-header": "b"})
    batch = obj("Deployment", "apps/v1", objects[0]["spec"], "other")
    put(batch, "spec", "template", {"metadata": {"labels": {"app": "other"}}, "spec": {"containers": [{"name": "a"}]}})
    put(batch, "spec", "selector", {"matchLabels": {"app": "other"}})
    assert said(read(tmp_path, [*objects, other, batch], "deployment: {name: web}")) == ""


@pytest.mark.parametrize(("name", "value"), [("read-timeout", "3s"), ("retries", "many")])
def test_a_number_that_kong_ignores_is_said_aloud(tmp_path, name, value):
    """Its default holds, which may move the answer."""
    objects = put(app(), 1, "metadata", "annotations", f"konghq.com/{name}", value)
    scenario = read(tmp_path, objects)
    assert (scenario.gateway.retries, scenario.gateway.read_timeout) == (5, 60)
    assert f"'{value}' is no whole number" in said(scenario)


def _override(upstream):
    objects = app()[:2]
    objects[1]["metadata"]["annotations"] = {"konghq.com/override": "ki"}
    version = "configuration.konghq.com/v1"
    tied = {"apiVersion": version, "kind": "KongIngress", "metadata": {"name": "ki"}, "upstream": upstream}
    return [*objects, tied]


def test_a_kong_ingress_that_does_not_say_which_cookie(tmp_path):
    """Kong refuses it; it is not round-robin in silence."""
    found = refused(tmp_path, _override({"algorithm": "consistent-hashing", "hash_on": "cookie"}))
    assert "hash_on_cookie is required where it is cookie" in found


def test_a_kong_ingress_whose_cookie_is_not_hashed(tmp_path):
    """Without ``hash_on`` the cookie's name has no effect."""
    scenario = read(tmp_path, _override({"algorithm": "consistent-hashing", "hash_on_cookie": "x"}))
    assert scenario.upstream.hash_on is None
    assert "hash_on_cookie: has no effect without hash_on: cookie" in said(scenario)


def test_hashing_on_none_is_round_robin_to_kong(tmp_path):
    """A ``hash_on`` none that is sent rewrites the algorithm: told, in a policy as in a KongIngress."""
    told = "Kong turns the algorithm into round-robin"
    assert told in refused(tmp_path, _override({"algorithm": "consistent-hashing", "hash_on": "none"}))
    objects = put(app(), 2, "spec", {"algorithm": "consistent-hashing", "hashOn": {"input": "none"}})
    assert told in refused(tmp_path, objects)


def test_what_is_no_text_where_a_name_is_wanted_is_told(tmp_path):
    """Lists and mappings are no names; comparing them with names is no crash."""
    objects = app()
    objects[1]["metadata"]["annotations"] = {}
    other = obj("Service", "v1", {"selector": {"app": "x"}}, "x", annotations={"konghq.com/override": {"a": []}})
    second = obj("Deployment", "apps/v1", objects[0]["spec"], "other")
    for lines in ("timeline: [{at: 5m, rollout: [web]}]", "timeline: [{at: 5m, scale: {web: 3}}]"):
        assert "must be text" in refused(tmp_path, [*objects, other, second], lines)


@pytest.mark.parametrize(
    ("variables", "workers"),
    [
        ([("KONG_NGINX_MAIN_WORKER_PROCESSES", "3")], 3),
        ([("KONG_NGINX_MAIN_WORKER_PROCESSES", "3"), WORKERS], 3),
        ([WORKERS, ("KONG_NGINX_MAIN_WORKER_PROCESSES", "3")], 3),
    ],
)
def test_the_directive_of_nginx_wins_over_its_alias(tmp_path, variables, workers):
    """Kong's own property is an alias of nginx's directive, and is taken only where that is not given."""
    kong = _workload(_kong(*variables, image="registry.example.com/edge:7.1"), replicas=2)
    assert read(tmp_path, [*app(), kong]).gateway.workers == workers


@pytest.mark.parametrize("source", [{"configMapRef": {"name": "far"}}, {"secretRef": {"name": "far"}}])
def test_variables_that_are_not_in_the_manifests_are_said_aloud(tmp_path, source):
    """Drain support, or the number of workers, may be among them; what is stated needs no word."""
    objects = [*app(), _flagged(envFrom=[source]), _workload(_kong(envFrom=[source]), replicas=1)]
    text = said(read(tmp_path, objects))
    assert "drain support is taken to be off; state kic.enableDrainSupport" in text
    assert "sets variables that are not in the manifests: one worker is simulated" in text
    stated = ("kic: {enableDrainSupport: true}", "gateway: {workers: 2}")
    assert said(read(tmp_path, objects, *stated)) == ""
    told = [{"name": "CONTROLLER_ENABLE_DRAIN_SUPPORT", "value": "true"}]
    assert said(read(tmp_path, [*app(), _flagged(told, envFrom=[source])])) == ""
