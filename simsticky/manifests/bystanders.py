"""Objects that may move the answer and are not simulated: named with what they do, so that nobody counts on them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simsticky.kubernetes.selectors import equality_selector, selects
from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import Workload, labels_of
from simsticky.scenario.location import Keys

KONG_CONTROLLERS: Final = ("konghq.com",)
_CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
_DEFAULT_CLASS: Final = "ingressclass.kubernetes.io/is-default-class"


def say_other_scalers(found: Findings, objects: Sequence[KubernetesObject], workload: Workload) -> None:
    """Name what scales or rolls out the workload and is no part of the model: KEDA, Flagger, vertical autoscalers."""
    for obj in objects:
        said = _OTHERS.get((obj.group, obj.kind))
        if said is None:
            continue
        path, text = said
        target = obj.mapping(*path)
        kind = target.get("kind") or "Deployment"
        if (kind, target.get("name")) == (workload.kind, workload.name) and obj.may_share_namespace(workload.owner):
            found.say_aloud(obj, (), f"{text}: not simulated")
        else:
            found.ignore(obj, (), "is about another workload")
        if obj.kind == "ScaledObject" and (kind, target.get("name")) == (workload.kind, workload.name):
            _start_as_keda(found, obj, workload)


_OTHERS: Final[Mapping[tuple[str, str], tuple[Keys, str]]] = {
    ("keda.sh", "ScaledObject"): (("spec", "scaleTargetRef"), "KEDA scales these pods"),
    ("flagger.app", "Canary"): (("spec", "targetRef"), "Flagger turns each rollout of these pods into a canary"),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"): (("spec", "targetRef"), "it evicts these pods to resize them"),
}


_OTHER_ROUTES: Final = (
    *("IngressRoute", "VirtualService", "DestinationRule", "HTTPProxy", "Route", "GRPCRoute", "TLSRoute", "TCPRoute"),
    *("TCPIngress", "UDPIngress", "BackendTrafficPolicy", "XBackendTrafficPolicy", "BackendLBPolicy", "Mapping"),
)
"""Routes of other controllers, or of other protocols, and what they say of stickiness."""


def say_other_routes(found: Findings, objects: Sequence[KubernetesObject], service: KubernetesObject | None) -> None:
    """Name routes to the Service that are no part of the model."""
    for obj in objects:
        if obj.kind not in _OTHER_ROUTES:
            continue
        if service is not None and obj.may_share_namespace(service) and _names(obj.get("spec"), service.name):
            text = f"leads to Service {service.name} too, and is not simulated: Kong's route is"
            found.say_aloud(obj, (), text)
        else:
            found.ignore(obj, (), "routes elsewhere")


def _names(node: Any, name: str) -> bool:
    """Return whether a text anywhere below is a Service's name, or the first part of its host name."""
    if isinstance(node, Mapping):
        return any(_names(value, name) for value in node.values())
    if isinstance(node, list):
        return any(_names(item, name) for item in node)
    return isinstance(node, str) and node.partition(".")[0] == name


def _start_as_keda(found: Findings, obj: KubernetesObject, workload: Workload) -> None:
    """Begin with ``minReplicaCount`` where the workload leaves ``replicas`` to KEDA."""
    if workload.owner.get("spec", "replicas") is not None or found.states("deployment", "replicas"):
        return
    least = obj.get("spec", "minReplicaCount")
    least = least if isinstance(least, int) and least >= 1 else 1
    found.put(("deployment", "replicas"), least, obj.place("spec", "minReplicaCount"))
    found.assume(workload.owner, ("spec",), f"replicas is left to KEDA: the run begins with {least}")


def say_other_class(
    found: Findings,
    route: KubernetesObject,
    classes: Sequence[KubernetesObject],
    gateways: Sequence[KubernetesObject],
    kongs: Sequence[str],
) -> None:
    """Say once that Kong is simulated although another controller serves the route.

    Args:
        found: Where the findings go.
        route: The route that is simulated.
        classes: All IngressClasses and GatewayClasses.
        gateways: All Gateways.
        kongs: Classes that a controller of Kong says it serves.
    """
    name, obj, keys = class_of(route, classes, gateways)
    if is_kongs(name, classes, kongs):
        return
    found.say_aloud(obj, keys, f"Kong is simulated although the class is {name}; what that controller does is not")


def class_of(
    route: KubernetesObject, classes: Sequence[KubernetesObject], gateways: Sequence[KubernetesObject]
) -> tuple[Any, KubernetesObject, Keys]:
    """Return the class of a route's controller, None if nothing tells it, and where that stands."""
    if route.kind == "HTTPRoute":
        for i in range(len(route.items("spec", "parentRefs"))):
            parent = route.mapping("spec", "parentRefs", i)
            for gateway in gateways:
                if gateway.name == parent.get("name"):
                    return gateway.get("spec", "gatewayClassName"), gateway, ("spec", "gatewayClassName")
        return None, route, ()
    keys: Keys
    for keys in (("spec", "ingressClassName"), ("metadata", "annotations", _CLASS_ANNOTATION)):
        if route.get(*keys) is not None:
            return route.get(*keys), route, keys
    defaults = [
        obj
        for obj in classes
        if obj.kind == "IngressClass" and obj.mapping("metadata", "annotations").get(_DEFAULT_CLASS) == "true"
    ]
    return (defaults[0].name, defaults[0], ()) if defaults else (None, route, ())


def is_kongs(name: Any, classes: Sequence[KubernetesObject], kongs: Sequence[str]) -> bool:
    """Return whether a class is Kong's, as far as the manifests tell; without a class nothing speaks against it."""
    if name is None or name in kongs:
        return True
    for obj in classes:
        if obj.name == name:
            controller = obj.get("spec", "controller") or obj.get("spec", "controllerName")
            return any(kong in str(controller) for kong in KONG_CONTROLLERS)
    return "kong" in str(name)


def other_owners(
    found: Findings,
    objects: Sequence[KubernetesObject],
    workload: Workload | None,
    service: KubernetesObject | None,
) -> None:
    """Refuse pods of other owners behind the Service, and list the rest of them.

    Args:
        found: Where the findings go.
        objects: Owners of pods that are not the simulated one: sets, jobs, bare pods, kinds of others.
        workload: The simulated owner; None if the scenario describes it, or none was found.
        service: The Service in front of the pods.
    """
    selector = None if service is None else equality_selector(service.get("spec", "selector"))
    for obj in objects:
        behind = service is not None and selects(selector, labels_of(obj)) and service.may_share_namespace(obj)
        described = workload is None and isinstance(found.stated.get("deployment"), Mapping)
        if not behind or service is None:
            found.ignore(obj, (), "no part of the model")
        elif obj.get("spec", "replicas") == 0 or obj.get("status", "phase") in ("Succeeded", "Failed"):
            found.ignore(obj, (), "no pod of it runs")
        elif described:
            text = f"{obj.kind} is not simulated: the scenario's deployment section stands for its pods"
            found.say_aloud(obj, (), text)
        elif workload is None:
            text = f"{obj.kind} is not simulated, and Service {service.name} selects its pods"
            found.problem(obj, ("kind",), text, Hint.DESCRIBE_WORKLOAD.of(name=obj.name))
        else:
            text = f"{obj.kind} is not modelled, and Service {service.name} selects its pods too"
            found.problem(obj, (), text, Hint.ONE_WORKLOAD.of())
