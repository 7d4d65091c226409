"""Proxies of service meshes: how they end, and those that the manifest does not show."""

import json

import pytest
from manifest_cases import TEMPLATE, app, obj, put, read, refused, said

WAIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
PROXY = {"name": "istio-proxy", "image": "registry.example.com/proxyv2:1.27"}


def _with_proxy(*, native=False, annotations=None, container=None):
    objects = app()
    pod = objects[0]["spec"]["template"]["spec"]
    proxy = dict(container or PROXY)
    if native:
        pod["initContainers"] = [{**proxy, "restartPolicy": "Always"}]
    else:
        pod["containers"].append(proxy)
    if annotations:
        put(objects[0], *TEMPLATE, "metadata", "annotations", annotations)
    return objects


def _only_sidecar(scenario):
    (sidecar,) = scenario.deployment.sidecars
    return sidecar


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    "config", ["terminationDrainDuration: 50s", '{"terminationDrainDuration": "50s", "concurrency": 2}']
)
def test_the_drain_duration_of_the_annotation(tmp_path, native, config):
    """YAML or JSON; a native sidecar begins it when its turn has come."""
    scenario = read(tmp_path, _with_proxy(native=native, annotations={"proxy.istio.io/config": config}))
    sidecar = _only_sidecar(scenario)
    assert (sidecar.kind, sidecar.proxy) == ("native" if native else "plain", True)
    assert (sidecar.on_sigterm.listener, sidecar.on_sigterm.exit, sidecar.on_sigterm.after_s) == ("keep", "after", 50.0)


def test_the_default_is_five_seconds(tmp_path):
    """Without a word about it, or with a configuration of other things only."""
    for annotations in (None, {"proxy.istio.io/config": "holdApplicationUntilProxyStarts: true"}):
        assert _only_sidecar(read(tmp_path, _with_proxy(annotations=annotations))).on_sigterm.after_s == 5.0


@pytest.mark.parametrize(("least", "expected"), [(None, 5.0), ("20s", 20.0)])
def test_exit_on_zero_active_connections(tmp_path, least, expected):
    """At least the minimum drain, and then until nothing is in flight; it wins over the duration."""
    metadata = {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"} | ({"MINIMUM_DRAIN_DURATION": least} if least else {})
    config = json.dumps({"terminationDrainDuration": "50s", "proxyMetadata": metadata})
    reaction = _only_sidecar(read(tmp_path, _with_proxy(annotations={"proxy.istio.io/config": config}))).on_sigterm
    assert (reaction.exit, reaction.after_s) == ("whenIdle", expected)


@pytest.mark.parametrize(
    "variable",
    [("PROXY_CONFIG", '{"terminationDrainDuration":"50s"}'), ("TERMINATION_DRAIN_DURATION_SECONDS", "50")],
)
def test_an_injected_container_carries_its_configuration(tmp_path, variable):
    """What the injector wrote into the environment is read as the annotation is."""
    container = {**PROXY, "env": [{"name": variable[0], "value": variable[1]}]}
    assert _only_sidecar(read(tmp_path, _with_proxy(container=container))).on_sigterm.after_s == 50.0


def test_a_configuration_that_is_none_is_refused(tmp_path):
    """A duration that is none, or no mapping."""
    for text, words in (("terminationDrainDuration: soon", "soon"), ("- a", "must be a mapping")):
        found = refused(tmp_path, _with_proxy(annotations={"proxy.istio.io/config": text}))
        assert words in found
        assert "app.yaml:" in found


def test_an_annotation_beside_the_template_has_no_effect(tmp_path):
    """It belongs to the pods; on the Deployment nobody reads it."""
    objects = put(
        _with_proxy(), 0, "metadata", "annotations", {"proxy.istio.io/config": "terminationDrainDuration: 50s"}
    )
    scenario = read(tmp_path, objects)
    assert _only_sidecar(scenario).on_sigterm.after_s == 5.0
    assert "it belongs to spec.template.metadata.annotations" in said(scenario)


def _namespace(labels=None, annotations=None):
    return obj("Namespace", "v1", {}, "shop", labels=labels or {}, annotations=annotations or {})


@pytest.mark.parametrize(
    ("where", "key", "value", "name"),
    [
        ("labels", "sidecar.istio.io/inject", "true", "istio-proxy"),
        ("annotations", "sidecar.istio.io/inject", "true", "istio-proxy"),
        ("labels", "istio.io/rev", "stable", "istio-proxy"),
        ("annotations", "linkerd.io/inject", "enabled", "linkerd-proxy"),
        ("annotations", "consul.hashicorp.com/connect-inject", "true", "consul-dataplane"),
        ("labels", "kuma.io/sidecar-injection", "enabled", "kuma-sidecar"),
        ("annotations", "linkerd.io/inject", "disabled", ""),
        ("labels", "sidecar.istio.io/inject", "false", ""),
    ],
)
def test_a_proxy_that_will_be_injected_is_said_aloud_and_simulated(tmp_path, where, key, value, name):
    """The running pods have it; what is assumed of it is told, and the scenario's own sidecars win."""
    objects = app()
    put(objects[0], *TEMPLATE, "metadata", where, key, value)
    scenario = read(tmp_path, objects)
    assert [sidecar.name for sidecar in scenario.deployment.sidecars] == ([name] if name else [])
    assert ("that the manifest does not show" in said(scenario)) == bool(name)
    assert said(read(tmp_path, objects, "deployment: {sidecars: []}")) == ""


@pytest.mark.parametrize(
    ("labels", "annotations", "name"),
    [
        ({"istio-injection": "enabled"}, {}, "istio-proxy"),
        ({"istio-injection": "disabled"}, {}, ""),
        ({}, {"linkerd.io/inject": "enabled"}, "linkerd-proxy"),
    ],
    ids=str,
)
def test_the_namespace_may_ask_for_it(tmp_path, labels, annotations, name):
    """Its label counts for the pods that live there, and the pods' own label wins."""
    objects = app()
    for one in objects:
        put(one, "metadata", "namespace", "shop")
    namespace = _namespace(labels, annotations)
    for order in (1, -1):
        scenario = read(tmp_path, [namespace, *objects][::order])
        assert [sidecar.name for sidecar in scenario.deployment.sidecars] == ([name] if name else [])
    put(objects[0], *TEMPLATE, "metadata", "labels", "sidecar.istio.io/inject", "false")
    assert read(tmp_path, [namespace, *objects]).deployment.sidecars == () or "linkerd" in name
    put(namespace, "metadata", "name", "elsewhere")
    assert read(tmp_path, [namespace, *objects]).deployment.sidecars == ()


def test_a_shown_proxy_is_not_injected_again(tmp_path):
    """A manifest as it comes out of the cluster has the label and the container."""
    objects = put(_with_proxy(), 0, *TEMPLATE, "metadata", "labels", "sidecar.istio.io/inject", "true")
    scenario = read(tmp_path, objects)
    assert len(scenario.deployment.sidecars) == 1
    assert said(scenario) == ""


def test_the_injected_proxy_drains_as_annotated(tmp_path):
    """Annotation and label together; asked for as a native sidecar it is one."""
    objects = app()
    put(objects[0], *TEMPLATE, "metadata", "labels", "sidecar.istio.io/inject", "true")
    annotations = {"proxy.istio.io/config": "terminationDrainDuration: 50s", "sidecar.istio.io/nativeSidecar": "true"}
    put(objects[0], *TEMPLATE, "metadata", "annotations", annotations)
    scenario = read(tmp_path, objects)
    sidecar = _only_sidecar(scenario)
    assert (sidecar.kind, sidecar.on_sigterm.after_s) == ("native", 50.0)
    assert "serves on for 50s" in said(scenario)


def test_linkerds_wait_is_a_hook_of_the_proxy(tmp_path):
    """``proxy-wait-before-exit-seconds`` sleeps in the proxy, shown or injected."""
    wait = {"config.alpha.linkerd.io/proxy-wait-before-exit-seconds": "40"}
    shown = read(tmp_path, _with_proxy(annotations=wait, container={"name": "linkerd-proxy", "image": "proxy:1"}))
    objects = app()
    put(objects[0], *TEMPLATE, "metadata", "annotations", {**wait, "linkerd.io/inject": "enabled"})
    for scenario in (shown, read(tmp_path, objects)):
        hook = _only_sidecar(scenario).pre_stop
        assert hook is not None
        assert hook.seconds == 40.0
    assert "waits 40 s first" in said(read(tmp_path, objects))


def test_a_sidecars_hook_of_unknown_length_has_a_way_out_of_its_own(tmp_path):
    """``deployment.preStop`` is the application's; the sidecar's is stated with the sidecar."""
    container = {**PROXY, "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "while true; do sleep 1; done"]}}}}
    objects = _with_proxy(container=container)
    assert "sidecars: [{name: istio-proxy, preStop: 30s}]" in refused(tmp_path, objects)
    scenario = read(tmp_path, objects, "deployment: {sidecars: [{name: istio-proxy, preStop: 30s}]}")
    assert _only_sidecar(scenario).pre_stop is not None


def test_a_number_of_seconds_without_a_unit_is_refused(tmp_path):
    """Istio takes a duration as text with its unit, and injects nothing where it has none."""
    for text in ("terminationDrainDuration: 50", 'terminationDrainDuration: "50"'):
        assert "has no unit" in refused(tmp_path, _with_proxy(annotations={"proxy.istio.io/config": text}))


def test_a_misspelt_setting_of_istio_is_said_aloud(tmp_path):
    """The default holds; other settings of Istio's are no news."""
    misspelt = {"proxy.istio.io/config": "terminationDrainDurations: 50s"}
    scenario = read(tmp_path, _with_proxy(annotations=misspelt))
    assert "Istio knows no terminationDrainDurations: it is terminationDrainDuration" in said(scenario)
    others = {"proxy.istio.io/config": "{drainDuration: 20s, parentShutdownDuration: 30s, concurrency: 2}"}
    assert said(read(tmp_path, _with_proxy(annotations=others))) == ""


def test_a_label_beside_the_template_has_no_effect(tmp_path):
    """It asks for a proxy on the pods only."""
    objects = put(app(), 0, "metadata", "labels", {"sidecar.istio.io/inject": "true"})
    scenario = read(tmp_path, objects)
    assert scenario.deployment.sidecars == ()
    assert "it belongs to spec.template.metadata.labels" in said(scenario)


@pytest.mark.parametrize("stage", ["alpha", "beta"])
@pytest.mark.parametrize("on_namespace", [False, True])
def test_linkerds_native_sidecar_is_asked_for(tmp_path, stage, on_namespace):
    """By the annotation of either stage, on the pod or on its namespace; the pod's own word counts first."""
    name, wait = f"config.{stage}.linkerd.io/proxy-enable-native-sidecar", WAIT
    objects = app()
    own = {"linkerd.io/inject": "enabled"}
    put(objects[0], *TEMPLATE, "metadata", "annotations", own)
    namespace = obj("Namespace", "v1", {}, "shop", annotations={})
    settings = namespace["metadata"]["annotations"] if on_namespace else own
    settings.update({name: "true", wait: "7"})
    sidecar = _only_sidecar(read(tmp_path, [*objects, namespace]))
    assert (sidecar.kind, sidecar.pre_stop.seconds) == ("native", 7.0)
    if on_namespace:
        own[name] = "false"
        assert _only_sidecar(read(tmp_path, [*objects, namespace])).kind == "plain"


@pytest.mark.parametrize("stage", ["config", "config.beta"])
def test_a_misspelt_wait_of_linkerd_is_said_aloud(tmp_path, stage):
    """The wait is an alpha annotation; of any other stage nobody reads it."""
    objects = app()
    annotations = {"linkerd.io/inject": "enabled", f"{stage}.linkerd.io/proxy-wait-before-exit-seconds": "7"}
    put(objects[0], *TEMPLATE, "metadata", "annotations", annotations)
    scenario = read(tmp_path, objects)
    assert _only_sidecar(scenario).pre_stop is None
    assert f"Linkerd knows no such annotation: it is {WAIT}" in said(scenario)


@pytest.mark.parametrize(("name", "value"), [("proxy.istio.io/config", "terminationDrainDuration: 20s"), (WAIT, "20")])
def test_settings_of_a_proxy_that_is_not_there_are_said_aloud(tmp_path, name, value):
    """The namespace may inject one, and the manifests do not tell; with a proxy there is nothing to say."""
    objects = app()
    put(objects[0], *TEMPLATE, "metadata", "annotations", {name: value})
    scenario = read(tmp_path, objects)
    assert scenario.deployment.sidecars == ()
    assert "about a proxy that neither the manifest shows nor a label or annotation asks for" in said(scenario)
    assert said(read(tmp_path, _with_proxy(annotations={name: value}))) == ""
    assert said(read(tmp_path, objects, "deployment: {sidecars: []}")) == ""
    put(objects[0], *TEMPLATE, "metadata", "annotations", {name: value, "sidecar.istio.io/inject": "false"})
    assert said(read(tmp_path, objects)) == ""
