"""From the route over the Service to the container: which Service is in front, and which port it leads to."""

import json

import pytest
from manifest_cases import CONTAINER, app, assumed, ingress, obj, put, read, refused, route, said

BY_NUMBER = {"name": "web", "port": {"number": 80}}
BY_NAME = {"name": "web", "port": {"name": "http"}}


def _headless(name="peers"):
    spec = {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}
    return obj("Service", "v1", spec, name)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("way", [ingress(BY_NUMBER), ingress(BY_NAME), route({"name": "web", "port": 80})], ids=str)
def test_the_routed_service_is_in_front_in_any_order(tmp_path, order, way):
    """By number or by name of the port, whichever document comes first, and though the other has a policy."""
    objects = app()
    peers = _headless()
    peers["metadata"]["annotations"] = objects[1]["metadata"].pop("annotations")
    assert read(tmp_path, [*objects, peers, way][::order]).service.name == "web"


def test_without_a_route_the_headless_one_is_not_in_front(tmp_path):
    """Peers find each other by the headless Service; of two others the scenario has to choose."""
    objects = app()
    objects[1]["metadata"].pop("annotations")
    assert read(tmp_path, [_headless(), *objects]).service.name == "web"
    third = obj("Service", "v1", {"selector": {"app": "web"}, "ports": [{"port": 80}]}, "internal")
    text = refused(tmp_path, [_headless(), *objects, third])
    assert "several Services select the pods of Deployment web: web (line" in text
    assert "choose one: service: {name: web}" in text
    assert read(tmp_path, [_headless(), *objects, third], "service: {name: internal}").service.name == "internal"
    assert "there is" in refused(tmp_path, objects, "service: {name: elsewhere}")


def test_other_deployments_behind_the_service_are_said_aloud(tmp_path):
    """Two Deployments that one Service selects: the other's pods take part of the sessions."""
    objects = app()
    other = put(app()[0], "metadata", "name", "web-canary")
    scenario = read(tmp_path, [*objects, other], "deployment: {name: web}")
    assert "Deployment web-canary: its pods are behind Service web too, and are not simulated" in said(scenario)
    put(other, "spec", "replicas", 0)
    assert said(read(tmp_path, [*objects, other], "deployment: {name: web}")) == ""


def test_without_a_service_one_is_assumed(tmp_path):
    """Kong's own Service is none of the application's, and no fault either."""
    kong = obj("Service", "v1", {"selector": {"app": "kong"}, "ports": [{"port": 80}]}, "kong-proxy")
    container = {"name": "proxy", "image": "kong/kong-gateway:3.11"}
    template = {"metadata": {"labels": {"app": "kong"}}, "spec": {"containers": [container]}}
    gateway = obj("Deployment", "apps/v1", {"selector": {"matchLabels": {"app": "kong"}}, "template": template}, "kong")
    scenario = read(tmp_path, [app()[0], kong, gateway])
    assert "no Service of Deployment web is in the manifests" in assumed(scenario)


def test_a_headless_service_may_be_routed(tmp_path):
    """Kong sends to pod addresses: a headless Service serves it as well as any."""
    objects = [app()[0], _headless("web"), ingress(BY_NUMBER)]
    put(objects[1], "spec", "ports", 0, "targetPort", "http")
    assert read(tmp_path, objects).service.name == "web"


def test_a_route_to_a_port_that_the_service_lacks_is_refused(tmp_path):
    """Kong gets no target from a port that is not there."""
    wrong = ingress({"name": "web", "port": {"number": 8080}})
    text = refused(tmp_path, [*app(), wrong])
    assert "Service web has no port 8080" in text
    assert "(its ports are 80 (http))" in text
    assert "has no port grpc" in refused(tmp_path, [*app(), ingress({"name": "web", "port": {"name": "grpc"}})])


def test_an_old_ingress_names_its_backend_otherwise(tmp_path):
    """``serviceName`` and ``servicePort``, also as the backend of everything."""
    backend = {"serviceName": "web", "servicePort": "http"}
    rules = [{"http": {"paths": [{"path": "/shop", "backend": backend}]}}]
    old = obj("Ingress", "networking.k8s.io/v1beta1", {"rules": rules})
    assert read(tmp_path, [*app(), old]).ingress.path == "/shop"
    every = obj("Ingress", "extensions/v1beta1", {"backend": {"serviceName": "web", "servicePort": 80}})
    assert "no Ingress routes" not in str(read(tmp_path, [*app(), every]).manifest_report.assumed)


def test_a_number_needs_no_port_of_a_container(tmp_path):
    """``containerPort`` is information only."""
    objects = app()
    put(objects[0], *CONTAINER, "ports", [])
    put(objects[1], "spec", "ports", 0, "targetPort", 9090)
    assert read(tmp_path, objects).deployment.replicas == 3
    put(objects[1], "spec", "ports", 0, "targetPort", "9090")
    assert "write targetPort: 9090, without quotes" in refused(tmp_path, objects)


def test_the_protocol_belongs_to_the_name(tmp_path):
    """A port of the same name and another protocol is another port."""
    objects = app()
    put(objects[0], *CONTAINER, "ports", 0, "protocol", "UDP")
    assert "names a port 'http'" in refused(tmp_path, objects)
    put(objects[1], "spec", "ports", 0, "protocol", "UDP")
    assert read(tmp_path, objects).deployment.replicas == 3


def test_the_port_of_a_native_sidecar_counts_and_that_of_an_init_container_does_not(tmp_path):
    """Traffic may enter a proxy that starts before the application; a container that has ended listens to nobody."""
    objects = app()
    put(objects[1], "spec", "ports", 0, "targetPort", "proxied")
    first = {"name": "auth", "image": "registry.example.com/auth:1", "ports": [{"name": "proxied", "containerPort": 1}]}
    put(objects[0], "spec", "template", "spec", "initContainers", [first])
    assert "names a port 'proxied'" in refused(tmp_path, objects)
    first["restartPolicy"] = "Always"
    scenario = read(tmp_path, objects)
    (sidecar,) = scenario.deployment.sidecars
    assert (sidecar.name, sidecar.kind, sidecar.proxy) == ("auth", "native", True)
    assert scenario.deployment.pre_stop is not None


def test_a_wrong_name_on_a_port_that_no_route_uses_is_no_failure(tmp_path):
    """Only the port that requests come through has to be there."""
    objects = app()
    objects[1]["spec"]["ports"].append({"name": "metrics", "port": 9100, "targetPort": "metrics"})
    assert read(tmp_path, [*objects, ingress(BY_NUMBER)]).service.name == "web"
    assert read(tmp_path, objects).service.name == "web"
    wrong = ingress({"name": "web", "port": {"name": "metrics"}})
    assert "names a port 'metrics'" in refused(tmp_path, [*objects, wrong])


def test_only_backends_with_a_weight_count(tmp_path):
    """Weight 0 in either place; what has none is 1; all at 0 is told."""
    web, other = {"name": "web", "port": 80}, {"name": "other", "port": 80}
    inert = {**other, "weight": 0}
    for references in ([web, inert], [inert, web], [inert, {**web, "weight": 5}]):
        assert read(tmp_path, [*app(), route(*references)]).service.name == "web"
    text = refused(tmp_path, [*app(), route({**web, "weight": 0}, other)])
    assert "weight 0: Service web gets no request of this rule (the route leads to Service other" in text
    assert "weight 0 on every backend" in refused(tmp_path, [*app(), route({**web, "weight": 0}, inert)])


@pytest.mark.parametrize("order", [1, -1])
def test_a_canary_that_is_not_on_is_not_the_application(tmp_path, order):
    """Its Service and Deployment are there and get nothing: the other one is simulated without being chosen."""
    pods, service = put(app()[0], "metadata", "name", "next"), put(app()[1], "metadata", "name", "next")
    for path in (("spec", "selector", "matchLabels"), ("spec", "template", "metadata", "labels")):
        put(pods, *path, "app", "next")
    put(service, "spec", "selector", "app", "next")
    way = route({"name": "web", "port": 80, "weight": 100}, {"name": "next", "port": 80, "weight": 0})
    scenario = read(tmp_path, [*app(), pods, service, way][::order])
    assert (scenario.deployment.name, scenario.service.name) == ("web", "web")
    assert said(scenario) == ""
    put(way, "spec", "rules", 0, "backendRefs", 1, "weight", 1)
    assert "several Deployments, one is wanted" in refused(tmp_path, [*app(), pods, service, way])


def test_a_split_is_refused_until_the_scenario_describes_it(tmp_path):
    """The way out names companions and a canary operation, with the weights of the manifest; it works."""
    references = [{"name": "web", "port": 80, "weight": 90}, {"name": "next", "port": 80, "weight": 10}]
    text = refused(tmp_path, [*app(), route(*references)])
    assert "companions: [{name: next, replicas: 1}]" in text
    assert "timeline: [{at: 0s, canary: web, weights: {web: 90, next: 10}}]" in text
    scenario = read(
        tmp_path,
        [*app(), route(*references)],
        "companions: [{name: next, replicas: 1}]",
        "timeline: [{at: 0s, canary: web, weights: {web: 90, next: 10}}]",
    )
    assert len(scenario.timeline) == 1


def test_a_second_rule_is_another_route(tmp_path):
    """Rules do not share weights; one without backends is named."""
    one = route({"name": "other", "port": 80})
    one["spec"]["rules"].append({"backendRefs": [{"name": "web", "port": 80}], "matches": [{"path": {"value": "/w"}}]})
    one["spec"]["rules"].append({"matches": [{"path": {"value": "/none"}}]})
    one["spec"]["rules"].append({"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]})
    scenario = read(tmp_path, [*app(), one])
    assert scenario.ingress.path == "/w"
    assert said(scenario).count("a rule without backends") == 1
    assert "spec.rules.2" in said(scenario)


def test_the_timeout_of_a_rule_is_that_of_the_service(tmp_path):
    """``timeouts.backendRequest`` sets all three; an annotation of the Service wins."""
    objects = app()
    put(objects[1], "metadata", "annotations", "konghq.com/read-timeout", "2000")
    way = route({"name": "web", "port": 80}, timeouts={"backendRequest": "10s"})
    gateway = read(tmp_path, [*objects, way]).gateway
    assert (gateway.connect_timeout, gateway.read_timeout, gateway.write_timeout) == (10.0, 2.0, 10.0)


def test_services_of_one_rule_must_name_one_policy(tmp_path):
    """The controller applies none where they differ; that moves the answer and is said aloud."""
    other = obj("Service", "v1", {"selector": {"app": "next"}, "ports": [{"port": 80}]}, "next")
    references = [{"name": "web", "port": 80, "weight": 100}, {"name": "next", "port": 80, "weight": 0}]
    assert "must name the same policy: it is none here and st at web" in said(
        read(tmp_path, [*app(), other, route(*references)])
    )
    put(other, "metadata", "annotations", {"konghq.com/upstream-policy": "st"})
    assert said(read(tmp_path, [*app(), other, route(*references)])) == ""


@pytest.mark.parametrize(
    ("name", "classes", "expected"),
    [
        ("kong", (), ""),
        ("kong-internal", (), ""),
        ("nginx", (), "the class is nginx"),
        ("public", (("public", "ingress-controllers.konghq.com/kong"),), ""),
        ("kong", (("kong", "k8s.io/ingress-nginx"),), "the class is kong"),
        (None, (), ""),
        (None, (("alb", "ingress.k8s.aws/alb"),), "the class is alb"),
    ],
    ids=str,
)
def test_the_class_tells_whose_ingress_it_is(tmp_path, name, classes, expected):
    """By name, by the IngressClass's controller, by the default class; without any nothing speaks against Kong."""
    way = ingress(BY_NUMBER, **({} if name is None else {"ingressClassName": name}))
    kinds = [obj("IngressClass", "networking.k8s.io/v1", {"controller": controller}, n) for n, controller in classes]
    for kind in kinds if name is None else ():
        put(kind, "metadata", "annotations", {"ingressclass.kubernetes.io/is-default-class": "true"})
    text = said(read(tmp_path, [*app(), way, *kinds]))
    assert expected in text
    assert bool(expected) == bool(text)


def test_the_old_annotation_is_a_class_too(tmp_path):
    """``kubernetes.io/ingress.class``; the controller's own flag tells which is Kong's."""
    way = put(ingress(BY_NUMBER), "metadata", "annotations", {"kubernetes.io/ingress.class": "edge"})
    assert "the class is edge" in said(read(tmp_path, [*app(), way]))
    container = {"name": "kic", "image": "kong/kubernetes-ingress-controller:3.5", "args": ["--ingress-class=edge"]}
    kic = obj("Deployment", "apps/v1", {"selector": {"matchLabels": {"app": "kic"}}}, "kic")
    put(kic, "spec", "template", {"metadata": {"labels": {"app": "kic"}}, "spec": {"containers": [container]}})
    assert said(read(tmp_path, [*app(), way, kic])) == ""


def test_a_route_of_kongs_class_is_preferred(tmp_path):
    """Two Ingresses lead to the Service: the one that Kong serves is simulated."""
    nginx = ingress(BY_NUMBER, "first", ingressClassName="nginx")
    put(nginx, "spec", "rules", 0, "http", "paths", 0, "path", "/nginx")
    kong = ingress(BY_NUMBER, "second", ingressClassName="kong")
    put(kong, "spec", "rules", 0, "http", "paths", 0, "path", "/kong")
    scenario = read(tmp_path, [*app(), nginx, kong])
    assert scenario.ingress.path == "/kong"
    assert said(scenario) == ""


def test_the_gateway_class_of_an_http_route(tmp_path):
    """Followed over its Gateway; a GatewayClass of Kong under any name is Kong's."""
    way = put(route({"name": "web", "port": 80}), "spec", "parentRefs", [{"name": "edge"}])
    listener = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    gateway = obj(
        "Gateway", "gateway.networking.k8s.io/v1", {"gatewayClassName": "envoy", "listeners": listener}, "edge"
    )
    assert "the class is envoy" in said(read(tmp_path, [*app(), way, gateway]))
    kind = obj(
        "GatewayClass", "gateway.networking.k8s.io/v1", {"controllerName": "konghq.com/gateway-operator"}, "envoy"
    )
    assert said(read(tmp_path, [*app(), way, gateway, kind])) == ""


@pytest.mark.parametrize(
    ("kind", "version", "spec"),
    [
        ("IngressRoute", "traefik.io/v1alpha1", {"routes": [{"services": [{"name": "web", "port": 80}]}]}),
        ("DestinationRule", "networking.istio.io/v1", {"host": "web.shop.svc.cluster.local"}),
        ("GRPCRoute", "gateway.networking.k8s.io/v1", {"rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}),
    ],
)
def test_routes_of_others_are_said_aloud(tmp_path, kind, version, spec):
    """Another way to the Service is not simulated; one to another Service is only listed."""
    assert f"{kind} other: leads to Service web too" in said(
        read(tmp_path, [*app(), obj(kind, version, spec, "other")])
    )
    elsewhere = json.loads(json.dumps(spec).replace('"web', '"api'))
    assert said(read(tmp_path, [*app(), obj(kind, version, elsewhere, "other")])) == ""


def test_annotations_in_the_wrong_place_are_said_aloud(tmp_path):
    """The controller reads the policy's name on Services only."""
    way = put(ingress(BY_NUMBER), "metadata", "annotations", {"konghq.com/upstream-policy": "st"})
    assert "has no effect on Ingress: the controller reads it on Services" in said(read(tmp_path, [*app(), way]))
    objects = app()
    put(objects[0], "spec", "template", "metadata", "annotations", {"konghq.com/upstream-policy": "st"})
    assert "has no effect on Deployment" in said(read(tmp_path, objects))


def test_a_rule_that_leads_to_no_service_is_said_aloud(tmp_path):
    """A bucket, a Service of other clusters: what they answer is none of these pods."""
    other = route({"name": "web", "group": "multicluster.x-k8s.io", "kind": "ServiceImport", "port": 80}, name="far")
    assert "leads to a ServiceImport: its requests are not simulated" in said(read(tmp_path, [*app(), other]))
    backend = {"resource": {"apiGroup": "k8s.example.com", "kind": "Bucket", "name": "static"}}
    paths = [{"path": "/static", "pathType": "Prefix", "backend": backend}]
    way = ingress(BY_NUMBER)
    way["spec"]["rules"][0]["http"]["paths"] += paths
    text = said(read(tmp_path, [*app(), way]))
    assert "paths.1.backend.resource: leads to a Bucket: its requests are not simulated" in text
    assert said(read(tmp_path, [*app(), ingress(BY_NUMBER)])) == ""


@pytest.mark.parametrize("name", ["retries", "connect-timeout", "read-timeout", "write-timeout"])
def test_retries_and_timeouts_of_a_route_are_said_aloud(tmp_path, name):
    """They are the Service's too: on a route Kong's defaults hold."""
    way = put(ingress(BY_NUMBER), "metadata", "annotations", {f"konghq.com/{name}": "0"})
    scenario = read(tmp_path, [*app(), way])
    assert f"{name}: has no effect on Ingress: the controller reads it on Services" in said(scenario)
    assert (scenario.gateway.retries, scenario.gateway.read_timeout) == (5, 60)


def test_a_policy_wins_over_a_kong_ingress(tmp_path):
    """A Service that names both has the policy's settings."""
    objects = app()
    put(objects[1], "metadata", "annotations", "konghq.com/override", "old")
    old = {"apiVersion": "configuration.konghq.com/v1", "kind": "KongIngress", "metadata": {"name": "old"}}
    scenario = read(tmp_path, [*objects, {**old, "upstream": {"algorithm": "least-connections"}}])
    assert scenario.upstream.algorithm == "sticky-sessions"
    assert "has no effect beside konghq.com/upstream-policy" in said(scenario)


def test_health_checks_of_a_kong_ingress_are_read(tmp_path):
    """Kong's snake_case becomes the words of a policy."""
    objects = app()[:2]
    put(objects[1], "metadata", "annotations", {"konghq.com/override": "old"})
    checks = {"threshold": 20, "active": {"http_path": "/up", "healthy": {"interval": 5, "http_statuses": [200]}}}
    upstream = {"hash_on": "header", "hash_on_header": "x-user", "algorithm": "consistent-hashing"}
    old = {"apiVersion": "configuration.konghq.com/v1", "kind": "KongIngress", "metadata": {"name": "old"}}
    scenario = read(tmp_path, [*objects, {**old, "upstream": {**upstream, "healthchecks": checks}}])
    active = scenario.upstream.healthchecks.active
    assert scenario.upstream.hash_on.header == "x-user"
    assert (active.http_path, active.healthy.interval, active.healthy.http_statuses) == ("/up", 5, (200,))
    put(objects[1], "metadata", "annotations", {"konghq.com/override": "elsewhere"})
    assert "there is no KongIngress 'elsewhere'" in refused(tmp_path, objects)


def test_a_route_to_a_service_that_is_not_there_is_said_aloud(tmp_path):
    """Nothing leads to the application: what clients request is a guess."""
    lost = ingress({"name": "wbe", "port": {"number": 80}})
    assert "there is no Service wbe here, and nothing else leads to Service web" in said(read(tmp_path, [*app(), lost]))
    right = ingress({"name": "web", "port": {"number": 80}}, "other")
    assert said(read(tmp_path, [*app(), lost, right])) == ""


@pytest.mark.parametrize(("class_name", "is_kongs"), [("kong", True), ("nginx", False)])
def test_another_controllers_affinity_is_said_aloud(tmp_path, class_name, is_kongs):
    """Kong does not read it; where that other controller is the class, that it is not simulated says it all."""
    routed = ingress({"name": "web", "port": {"number": 80}}, ingressClassName=class_name)
    put(routed, "metadata", "annotations", {"nginx.ingress.kubernetes.io/affinity": "cookie"})
    text = said(read(tmp_path, [*app(), routed]))
    assert ("no stickiness comes of it" in text) == is_kongs
    assert text.count("\n") == 0


def test_one_service_named_twice_is_no_split(tmp_path):
    """Two references to one port share the requests of one Service; another port of it is another target."""
    web = {"name": "web", "port": 80}
    objects = [*app(), route({**web, "weight": 30}, {**web, "weight": 70})]
    assert read(tmp_path, objects).service.name == "web"
    objects[1]["spec"]["ports"].append({"name": "admin", "port": 81, "targetPort": 9000})
    put(objects[-1], "spec", "rules", 0, "backendRefs", 1, "port", 81)
    assert "several backends" in refused(tmp_path, objects)
