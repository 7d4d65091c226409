"""Service, Ingress, policy and routes, read from their manifests; what they may not ask for is refused."""

from collections.abc import Mapping
from typing import Any

from simsticky.scenario.findings import Findings
from simsticky.scenario.location import Keys
from simsticky.scenario.objects import KubernetesObject
from simsticky.scenario.problems import did_you_mean
from simsticky.scenario.workloads import labels_of, selects

_POLICY = "konghq.com/upstream-policy"
_SERVICE_UPSTREAM = "ingress.kubernetes.io/service-upstream"
_STRIP_PATH = "konghq.com/strip-path"
_TIMEOUTS = {
    "konghq.com/connect-timeout": "connectTimeout",
    "konghq.com/read-timeout": "readTimeout",
    "konghq.com/write-timeout": "writeTimeout",
}
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


def choose_service(
    found: Findings, services: list[KubernetesObject], deployment: KubernetesObject
) -> KubernetesObject | None:
    """Return the Service in front of a Deployment; report if none selects it, or several do."""
    near = [service for service in services if service.may_share_namespace(deployment)]
    selecting = [s for s in near if selects(s.mapping("spec", "selector"), labels_of(deployment))]
    stated = found.stated.get("service")
    wanted = stated.get("name") if isinstance(stated, Mapping) else None
    if wanted is not None:
        selecting = [service for service in selecting if service.name == wanted]
    if len(selecting) > 1:
        with_policy = [service for service in selecting if annotation(service, _POLICY) is not None]
        selecting = with_policy if len(with_policy) == 1 else selecting
    if len(selecting) > 1:
        names = ", ".join(f"{service.name} (line {service.place().line})" for service in selecting)
        text = f"several Services select the pods of Deployment {deployment.name}: {names}"
        found.problem(selecting[1], (), text, f"choose one: service: {{name: {selecting[0].name}}}")
        return None
    if selecting:
        return selecting[0]
    for service in services:
        if service.get("spec", "type") == "ExternalName":
            _refuse_external_name(found, service)
        else:
            labels = ", ".join(f"{key}={value}" for key, value in labels_of(deployment).items()) or "no labels"
            text = "this Service selects nothing: no pod of the Deployments carries these labels"
            hint = f"the pods of Deployment {deployment.name} carry {labels}"
            where: Keys = ("spec", "selector") if service.has_place("spec", "selector") else ()
            found.problem(service, where, text, hint)
    return None


def _refuse_external_name(found: Findings, service: KubernetesObject) -> None:
    text = "ExternalName is not modelled: Kong then has one target, a DNS name, and no pod to stick to"
    found.problem(service, ("spec", "type"), text, "point the route to the Service that selects the pods")


def annotation(obj: KubernetesObject, name: str) -> Any:
    """Return an annotation; None if there is none."""
    return obj.mapping("metadata", "annotations").get(name)


def _text_annotation(obj: KubernetesObject, name: str) -> str | None:
    """Return an annotation's text; one that is no text has been reported with the object's shape."""
    value = annotation(obj, name)
    return value if isinstance(value, str) else None


def read_service(
    found: Findings, service: KubernetesObject, policies: list[KubernetesObject]
) -> KubernetesObject | None:
    """Read a Service, its annotations for Kong, and the policy that it names; return that policy."""
    found.fill("service", service)
    found.take(service, ("metadata", "name"), ("service", "name"))
    found.take(service, ("spec", "publishNotReadyAddresses"), ("service", "publishNotReadyAddresses"))
    selector = service.mapping("spec", "selector")
    found.read(service, ("spec", "selector"), ", ".join(f"{key}={value}" for key, value in selector.items()))
    if service.items("spec", "ports"):
        found.read(service, ("spec", "ports"), "tell the application's container from others")
    if service.get("spec", "sessionAffinity") not in (None, "None"):
        text = "Kong sends to pod addresses itself, past the Service; ClientIP affinity has no effect"
        found.ignore(service, ("spec", "sessionAffinity"), text)
    _refuse_service_upstream(found, service)
    _kong_annotations(found, service)
    policy = _policy(found, service, policies)
    found.list_the_rest(service, {("spec",): ("selector", "ports", "publishNotReadyAddresses")})
    return policy


def _refuse_service_upstream(found: Findings, service: KubernetesObject) -> None:
    keys: Keys = ("metadata", "annotations", _SERVICE_UPSTREAM)
    if _text_annotation(service, _SERVICE_UPSTREAM) in _TRUE:
        found.look(service, keys)
        text = (
            "service-upstream is not modelled: Kong then has one target, the Service's own address, and"
            " kube-proxy picks the pod; sticky sessions and drain support are void"
        )
        found.problem(service, keys, text, "remove the annotation")
    for wrong in ("konghq.com/service-upstream", "service-upstream"):
        if annotation(service, wrong) is not None:
            text = f"has no effect: the controller reads {_SERVICE_UPSTREAM}"
            found.ignore(service, ("metadata", "annotations", wrong), text)


def _kong_annotations(found: Findings, service: KubernetesObject) -> None:
    for name in ("konghq.com/retries", *_TIMEOUTS):
        keys: Keys = ("metadata", "annotations", name)
        text = _text_annotation(service, name)
        if text is None:
            continue
        try:
            number = int(text)
        except ValueError:
            found.ignore(service, keys, f"{text!r} is no integer: the controller ignores it")
            continue
        if name in _TIMEOUTS:
            found.read(service, keys, f"{number} ms")
            found.put(("gateway", _TIMEOUTS[name]), number / 1000, service.place(*keys))
        else:
            found.read(service, keys, str(number))
            found.put(("gateway", "retries"), number, service.place(*keys))


def _policy(found: Findings, service: KubernetesObject, policies: list[KubernetesObject]) -> KubernetesObject | None:
    keys: Keys = ("metadata", "annotations", _POLICY)
    name = _text_annotation(service, _POLICY)
    if name is None:
        if not service.has_place(*keys):
            text = f"no annotation {_POLICY}: the upstream is plain round-robin without health checks"
            found.assume(service, (), text)
        return None
    found.read(service, keys, name)
    named = [policy for policy in policies if policy.name == name]
    here = [policy for policy in named if policy.may_share_namespace(service)]
    if not here:
        text = f"there is no KongUpstreamPolicy {name!r} in the manifests; Kong would fall back to round-robin"
        hint = did_you_mean(name, [policy.name for policy in policies if policy.name]) or "add its manifest"
        if named:
            hint = f"{name} is in another namespace; it must be in the Service's own"
        found.problem(service, keys, text, hint)
        return None
    if len(here) > 1:
        found.problem(here[1], (), f"a second KongUpstreamPolicy {name!r}", "keep one of the two")
        return None
    policy = here[0]
    found.policy = policy.name
    found.fill("upstream", policy)
    found.take(policy, ("spec",), ("upstream",))
    found.list_the_rest(policy)
    return policy


def read_ingress(
    found: Findings, ingresses: list[KubernetesObject], service: KubernetesObject | None, *, routed: bool = False
) -> None:
    """Read the route to the Service: its first path, and whether that is stripped; none if it is ``routed`` already."""
    chosen = routed
    for ingress in ingresses:
        path = _path_to(ingress, service) if service is not None else None
        if path is None:
            where = "" if service is None else f", not to {service.name}"
            found.ignore(ingress, (), f"routes elsewhere{where}")
        elif chosen:
            found.ignore(ingress, (), "one route is modelled, the first")
        else:
            chosen = True
            _read_route(found, ingress, path)
    if service is not None and not chosen:
        found.assume(service, (), "no Ingress routes to this Service: clients reach it on /")


def _path_to(ingress: KubernetesObject, service: KubernetesObject) -> Keys | None:
    """Return the path of the first rule that leads to a Service; ``spec.defaultBackend`` serves everything."""
    if not ingress.may_share_namespace(service):
        return None
    for i, rule in enumerate(ingress.items("spec", "rules")):
        http = rule.get("http") if isinstance(rule, Mapping) else None
        paths = http.get("paths") if isinstance(http, Mapping) else None
        for j, path in enumerate(paths if isinstance(paths, list) else ()):
            backend = path.get("backend") if isinstance(path, Mapping) else None
            if isinstance(backend, Mapping) and _backend_name(backend) == service.name:
                return ("spec", "rules", i, "http", "paths", j)
    if _backend_name(ingress.mapping("spec", "defaultBackend")) == service.name:
        return ("spec", "defaultBackend")
    return None


def _backend_name(backend: Mapping[str, Any]) -> Any:
    service = backend.get("service")
    return service.get("name") if isinstance(service, Mapping) else backend.get("serviceName")


def _read_route(found: Findings, ingress: KubernetesObject, path: Keys) -> None:
    found.fill("ingress", ingress)
    backend: Keys = path if path[-1] == "defaultBackend" else (*path, "backend")
    found.read(ingress, backend, f"to Service {_backend_name(ingress.mapping(*backend))}")
    found.take(ingress, (*path, "path"), ("ingress", "path"))
    for name in (_STRIP_PATH, "ingress.kubernetes.io/strip-path"):
        text = _text_annotation(ingress, name)
        keys: Keys = ("metadata", "annotations", name)
        if text is None:
            continue
        if name != _STRIP_PATH:
            found.ignore(ingress, keys, f"has no effect: the controller reads {_STRIP_PATH}")
        elif text in _TRUE or text in _FALSE:
            found.read(ingress, keys, text)
            found.put(("ingress", "stripPath"), text in _TRUE, ingress.place(*keys))
        else:
            found.ignore(ingress, keys, f"{text!r} is neither true nor false: the path is kept")
    found.list_the_rest(ingress)


def refuse_class_parameters(found: Findings, parameters: list[KubernetesObject]) -> None:
    """Refuse IngressClassParameters that switch service-upstream on for a whole class."""
    for obj in parameters:
        if obj.get("spec", "serviceUpstream") is True:
            text = "serviceUpstream is not modelled: Kong then has the Service's address as its one target"
            found.problem(obj, ("spec", "serviceUpstream"), text, "leave it out")
        else:
            found.ignore(obj)
