"""Ingresses and HTTPRoutes: which Services they lead to, and the one route that is simulated.

Sources: Kong/kubernetes-ingress-controller v3.5, translator/translate_upstreams.go, translate_utils.go; Gateway API.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.scenario.location import Keys
from simsticky.units import parse_duration

STRIP_PATH = "konghq.com/strip-path"
TRUE = ("1", "t", "T", "TRUE", "true", "True")
_REDIRECT = "RequestRedirect"
_NOT_SIMULATED = "its requests are not simulated"
FALSE = ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True, eq=False)
class Backend:
    """A reference of a route to a Service.

    Attributes:
        route: The Ingress or HTTPRoute.
        rule: Path of what leads there: an Ingress's path or default backend, an HTTPRoute's rule.
        keys: Path of the reference.
        service: Name of the Service.
        namespace: Its namespace, if the reference tells it.
        port: Its port, by number or name; None if the reference tells none.
        port_keys: Where that stands.
        weight: Share of the requests among the rule's references.
    """

    route: KubernetesObject
    rule: Keys
    keys: Keys
    service: Any
    namespace: Any
    port: Any
    port_keys: Keys
    weight: int = 1

    def leads_to(self, service: KubernetesObject) -> bool:
        """Return whether the reference means a Service."""
        if self.service != service.name:
            return False
        if self.namespace is not None:
            return service.get("metadata", "namespace") in (None, self.namespace)
        return self.route.may_share_namespace(service)


def backends(ingresses: Sequence[KubernetesObject], routes: Sequence[KubernetesObject]) -> list[Backend]:
    """Return every reference to a Service: HTTPRoutes first, in the order of the files."""
    return [backend for route in routes for backend in _of_route(route)] + [
        backend for ingress in ingresses for backend in _of_ingress(ingress)
    ]


def _of_ingress(ingress: KubernetesObject) -> Iterator[Backend]:
    for i, rule in enumerate(ingress.items("spec", "rules")):
        http = rule.get("http") if isinstance(rule, Mapping) else None
        paths = http.get("paths") if isinstance(http, Mapping) else None
        for j in range(len(paths) if isinstance(paths, list) else 0):
            keys: Keys = ("spec", "rules", i, "http", "paths", j)
            yield from _ingress_backend(ingress, keys, (*keys, "backend"))
    for name in ("defaultBackend", "backend"):  # ``backend`` before networking.k8s.io/v1
        if ingress.get("spec", name) is not None:
            yield from _ingress_backend(ingress, ("spec", name), ("spec", name))


def _ingress_backend(ingress: KubernetesObject, rule: Keys, keys: Keys) -> Iterator[Backend]:
    backend = ingress.mapping(*keys)
    service = backend.get("service")
    if isinstance(service, Mapping):
        port = service.get("port")
        port = port if isinstance(port, Mapping) else {}
        field = "number" if port.get("number") is not None else "name"
        place: Keys = (*keys, "service", "port", field)
        yield Backend(ingress, rule, keys, service.get("name"), None, port.get(field), place)
    elif backend.get("serviceName") is not None:
        port = backend.get("servicePort")
        port = int(port) if isinstance(port, str) and port.isdigit() else port
        yield Backend(ingress, rule, keys, backend["serviceName"], None, port, (*keys, "servicePort"))


def _of_route(route: KubernetesObject) -> Iterator[Backend]:
    for i, rule in enumerate(route.items("spec", "rules")):
        references = rule.get("backendRefs") if isinstance(rule, Mapping) else None
        for j, reference in enumerate(references if isinstance(references, list) else ()):
            if not isinstance(reference, Mapping) or (reference.get("kind") or "Service") != "Service":
                continue
            keys: Keys = ("spec", "rules", i, "backendRefs", j)
            weight = reference.get("weight", 1)
            yield Backend(
                route,
                ("spec", "rules", i),
                keys,
                reference.get("name"),
                reference.get("namespace"),
                reference.get("port"),
                (*keys, "port"),
                weight if isinstance(weight, int) else 1,
            )


def choose_backend(candidates: Sequence[Backend], service: KubernetesObject) -> Backend | None:
    """Return the reference that is simulated: the first that leads to the Service with a weight, else the first."""
    leading = [backend for backend in candidates if backend.leads_to(service)]
    weighty = [backend for backend in leading if backend.weight > 0]
    return next(iter(weighty or leading), None)


def read_routes(
    found: Findings,
    every: Sequence[Backend],
    routes: Sequence[KubernetesObject],
    service: KubernetesObject | None,
    chosen: Backend | None,
) -> None:
    """Read the chosen route, and list the others.

    Args:
        found: Where the findings go.
        every: All references, of all routes.
        routes: All Ingresses and HTTPRoutes.
        service: The Service in front of the pods, if there is one.
        chosen: The reference to it that is simulated, if there is one.
    """
    if chosen is not None and service is not None:
        same_rule = [other for other in every if other.route is chosen.route and other.rule == chosen.rule]
        if chosen.route.kind == "HTTPRoute":
            _read_http_route(found, chosen, same_rule)
        else:
            _read_ingress(found, chosen)
    elif service is not None:
        found.assume(service, (), "no Ingress routes to this Service: clients reach it on /")
    for route in routes:
        _without_backends(found, route)
        if chosen is not None and route is chosen.route:
            continue
        leads = service is not None and any(other.route is route and other.leads_to(service) for other in every)
        where = "" if service is None or route.kind == "HTTPRoute" else f", not to {service.name}"
        found.ignore(route, (), "one route is modelled, the first" if leads else f"routes elsewhere{where}")


def say_lost_routes(
    found: Findings, every: Sequence[Backend], services: Sequence[KubernetesObject], service: KubernetesObject
) -> None:
    """Name references to Services that are not there, where nothing leads to the one that is simulated."""
    for backend in every:
        here = backend.route.may_share_namespace(service)
        if here and not any(backend.leads_to(other) for other in services):
            text = (
                f"there is no Service {backend.service} here, and nothing else leads to Service {service.name}: clients"
                " are taken to reach it on /"
            )
            found.say_aloud(backend.route, backend.keys, text)


def _without_backends(found: Findings, route: KubernetesObject) -> None:
    """Name the rules that lead nowhere, or to what is no Service; a redirect needs no backend."""
    for i, rule in enumerate(route.items("spec", "rules")):
        if not isinstance(rule, Mapping):
            continue
        if route.kind != "HTTPRoute":
            _without_services(found, route, ("spec", "rules", i, "http", "paths"))
            continue
        references = [one for one in route.items("spec", "rules", i, "backendRefs") if isinstance(one, Mapping)]
        kinds = sorted({str(one.get("kind") or "Service") for one in references})
        filters = route.items("spec", "rules", i, "filters")
        if references and "Service" not in kinds:
            found.say_aloud(route, ("spec", "rules", i), f"leads to a {' and a '.join(kinds)}: {_NOT_SIMULATED}")
        elif not references and not any(isinstance(one, Mapping) and one.get("type") == _REDIRECT for one in filters):
            text = (
                "a rule without backends: Kong answers its requests with 503 (under Kong Operator with 500); they are"
                " not simulated"
            )
            found.say_aloud(route, ("spec", "rules", i), text)


def _without_services(found: Findings, ingress: KubernetesObject, paths: Keys) -> None:
    """Name the paths of an Ingress that lead to a resource of another kind."""
    for j in range(len(ingress.items(*paths))):
        keys: Keys = (*paths, j, "backend", "resource")
        if ingress.get(*keys) is not None:
            text = f"leads to a {ingress.get(*keys, 'kind')}: {_NOT_SIMULATED}"
            found.say_aloud(ingress, keys, text)


def _read_http_route(found: Findings, chosen: Backend, same_rule: Sequence[Backend]) -> None:
    route, rule = chosen.route, chosen.rule
    weighty = [backend for backend in same_rule if backend.weight > 0]
    if chosen.weight == 0:
        _refuse_weightless(found, chosen, weighty)
    elif any(not _is_same(backend, chosen) for backend in weighty):
        _refuse_split(found, chosen, weighty)
    found.read(route, chosen.keys, f"to Service {chosen.service}")
    for other in same_rule:
        if other is not chosen and other.weight == 0:
            found.ignore(route, other.keys, "weight 0: gets no request")
        elif other is not chosen and _is_same(other, chosen):
            found.read(route, other.keys, "the same Service and port")
    found.take(route, (*rule, "matches", 0, "path", "value"), ("ingress", "path"))
    found.look(route, (*rule, "matches", 0, "path", "type"))
    _timeout(found, route, (*rule, "timeouts", "backendRequest"))
    if route.get(*rule, "sessionPersistence") is not None:
        text = "neither Kong's ingress controller nor Kong Operator implements sessionPersistence: no effect"
        found.say_aloud(route, (*rule, "sessionPersistence"), text)
    read_strip_path(found, route)
    found.list_the_rest(route)


def _is_same(one: Backend, other: Backend) -> bool:
    """Return whether two references lead to the same port of the same Service, so that their weights do not matter."""
    return (one.service, one.namespace, one.port) == (other.service, other.namespace, other.port)


def _refuse_weightless(found: Findings, chosen: Backend, weighty: Sequence[Backend]) -> None:
    keys = (*chosen.keys, "weight")
    if weighty:
        text = f"weight 0: Service {chosen.service} gets no request of this rule"
        hint = Hint.ROUTE_TO_ANOTHER.of(service=weighty[0].service)
    else:
        text = f"weight 0 on every backend: Kong answers each request with 503, nothing reaches {chosen.service}"
        hint = Hint.GIVE_WEIGHT.of()
    found.problem(chosen.route, keys, text, hint)


def _refuse_split(found: Findings, chosen: Backend, weighty: Sequence[Backend]) -> None:
    keys = (*chosen.rule, "backendRefs")
    if _splits(found.stated):
        weights = ", ".join(f"{backend.service} {backend.weight}" for backend in weighty)
        found.ignore(chosen.route, keys, f"weights {weights}: the scenario's own canary operation says how it splits")
        return
    # A canary operation names Deployments: the simulated one, and the companions that have its pod template.
    own = found.sections.get("deployment", {}).get("name", chosen.service)
    weights = ", ".join(f"{own if backend is chosen else backend.service}: {backend.weight}" for backend in weighty)
    other = next(backend.service for backend in weighty if backend is not chosen)
    text = "several backends: describe them with companions and a canary operation in the scenario"
    hint = Hint.SPLIT_BY_CANARY.of(other=other, service=chosen.service, weights=weights)
    found.problem(chosen.route, keys, text, hint)


def _splits(stated: Mapping[str, Any]) -> bool:
    """Return whether the scenario itself says how requests split over several Deployments."""
    timeline = stated.get("timeline")
    verbs = [entry for entry in timeline if isinstance(entry, Mapping)] if isinstance(timeline, list) else []
    return bool(stated.get("companions")) and any("canary" in entry for entry in verbs)


def _timeout(found: Findings, route: KubernetesObject, keys: Keys) -> None:
    """Take ``timeouts.backendRequest``, which the controller makes all three timeouts of the Service."""
    written = route.get(*keys)
    if not isinstance(written, str):
        return
    try:
        seconds = parse_duration(written)
    except ValueError:
        found.problem(route, keys, f"{written!r} is no duration", Hint.DURATION.of())
        return
    found.read(route, keys, written)
    if seconds:
        for name in ("connectTimeout", "readTimeout", "writeTimeout"):
            found.put(("gateway", name), seconds, route.place(*keys))


def _read_ingress(found: Findings, chosen: Backend) -> None:
    ingress = chosen.route
    found.read(ingress, chosen.keys, f"to Service {chosen.service}")
    found.fill("ingress", ingress)
    found.take(ingress, (*chosen.rule, "path"), ("ingress", "path"))
    read_strip_path(found, ingress)
    found.list_the_rest(ingress)


def read_strip_path(found: Findings, route: KubernetesObject) -> None:
    """Read whether the path is cut off, an annotation of Ingresses and HTTPRoutes."""
    for name in (STRIP_PATH, "ingress.kubernetes.io/strip-path"):
        text = route.mapping("metadata", "annotations").get(name)
        keys: Keys = ("metadata", "annotations", name)
        if not isinstance(text, str):
            continue
        if name != STRIP_PATH:
            found.ignore(route, keys, f"has no effect: the controller reads {STRIP_PATH}")
        elif text in TRUE or text in FALSE:
            found.read(route, keys, text)
            found.put(("ingress", "stripPath"), text in TRUE, route.place(*keys))
        else:
            found.ignore(route, keys, f"{text!r} is neither true nor false: the path is kept")
