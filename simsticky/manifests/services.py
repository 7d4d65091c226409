"""The Service in front of the pods, read from its manifest with its annotations for Kong."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from simsticky.kubernetes.selectors import equality_selector
from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import Workload, labels_text
from simsticky.manifests.policies import OVERRIDE, POLICY, RETRIES, TIMEOUTS
from simsticky.manifests.routes import TRUE, Backend
from simsticky.scenario.location import Keys
from simsticky.scenario.problems import did_you_mean

SERVICE_UPSTREAM = "ingress.kubernetes.io/service-upstream"
"""Annotation that makes the Service's own address Kong's one target."""
_KONGS = (POLICY, OVERRIDE, RETRIES, *TIMEOUTS)
"""What the controller reads on a Service and is read here."""
_ALIKE = 0.8
"""How alike two names are that mean the same (difflib's ratio); host-header, plugins and path are like none of them."""


def choose_service(
    found: Findings,
    services: Sequence[KubernetesObject],
    workload: Workload,
    routed: Sequence[Backend],
    others: Sequence[Workload],
) -> KubernetesObject | None:
    """Return the Service in front of a workload; report if none selects its pods, or if the choice is open.

    Of several it is the one that the scenario names, else the one that a route leads to, else the one with Kong's
    annotations, else the one that is not headless.

    Args:
        found: Where the findings go, and what the scenario states.
        services: All Services.
        workload: The owner of the pods.
        routed: References of routes to Services, those of Kong's own routes if there are any.
        others: The owners of other pods, Kong's own among them: what selects those is no Service of the application.
    """
    selecting = [service for service in services if _is_plain(service) and workload.is_selected_by(service)]
    stated = found.stated.get("service")
    wanted = stated.get("name") if isinstance(stated, dict) else None
    if wanted is not None and selecting:
        return _named(found, selecting, wanted)
    for narrower in (
        [service for service in selecting if any(way.weight and way.leads_to(service) for way in routed)],
        [service for service in selecting if service.mapping("metadata", "annotations").keys() & {POLICY, OVERRIDE}],
        [service for service in selecting if not _is_headless(service)],
    ):
        if len(selecting) > 1 and narrower:
            selecting = narrower
    if len(selecting) > 1:
        names = ", ".join(f"{service.name} (line {service.place().line})" for service in selecting)
        text = f"several Services select the pods of {workload.label}: {names}"
        found.problem(selecting[1], (), text, Hint.CHOOSE_SERVICE.of(name=selecting[0].name))
        return None
    if not selecting:
        lost = [service for service in services if not any(other.is_selected_by(service) for other in others)]
        for service in lost:
            _selects_nothing(found, service, workload)
        if not lost:
            text = f"no Service of {workload.label} is in the manifests: one that selects its pods is taken to be there"
            found.assume(workload.owner, (), text)
    return selecting[0] if selecting else None


def _is_plain(service: KubernetesObject) -> bool:
    return str(service.get("spec", "type")) != "ExternalName"


def _is_headless(service: KubernetesObject) -> bool:
    return str(service.mapping("spec").get("clusterIP", "")) == "None"


def _named(found: Findings, selecting: Sequence[KubernetesObject], wanted: Any) -> KubernetesObject | None:
    chosen = [service for service in selecting if service.name == wanted]
    if not chosen:
        names = [service.name for service in selecting]
        hint = did_you_mean(str(wanted), names) or Hint.THERE_IS.of(names=", ".join(names))
        text = f"the scenario names Service {wanted!r}, and no such Service selects these pods"
        found.problem(selecting[0], ("metadata", "name"), text, hint)
        return None
    return chosen[0]


def _selects_nothing(found: Findings, service: KubernetesObject, workload: Workload) -> None:
    if not _is_plain(service):
        text = "ExternalName is not modelled: Kong then has one target, a DNS name, and no pod to stick to"
        found.problem(service, ("spec", "type"), text, Hint.POINT_TO_SERVICE.of())
    else:
        text = "this Service selects nothing: no pod of the Deployments carries these labels"
        hint = Hint.PODS_CARRY.of(workload=workload.label, labels=labels_text(workload.labels))
        where: Keys = ("spec", "selector") if service.has_place("spec", "selector") else ()
        found.problem(service, where, text, hint)


def text_annotation(obj: KubernetesObject, name: str) -> str | None:
    """Return an annotation's text; one that is no text has been reported with the object's shape."""
    value = obj.mapping("metadata", "annotations").get(name)
    return value if isinstance(value, str) else None


def read_service(found: Findings, service: KubernetesObject) -> None:
    """Read a Service, and its annotations for Kong but for that of its policy."""
    found.fill("service", service)
    found.take(service, ("metadata", "name"), ("service", "name"))
    found.take(service, ("spec", "publishNotReadyAddresses"), ("service", "publishNotReadyAddresses"))
    found.read(service, ("spec", "selector"), str(equality_selector(service.get("spec", "selector")) or "nothing"))
    if service.items("spec", "ports"):
        found.read(service, ("spec", "ports"), "tell the application's container from others")
    if service.get("spec", "sessionAffinity") not in (None, "None"):
        text = "Kong sends to pod addresses itself, past the Service; ClientIP affinity has no effect"
        found.ignore(service, ("spec", "sessionAffinity"), text)
    _refuse_service_upstream(found, service)
    _say_nearly_kongs(found, service)
    _kong_annotations(found, service)


def list_service(found: Findings, service: KubernetesObject) -> None:
    """List what of a Service has not been read."""
    found.list_the_rest(service)


def _refuse_service_upstream(found: Findings, service: KubernetesObject) -> None:
    keys: Keys = ("metadata", "annotations", SERVICE_UPSTREAM)
    if text_annotation(service, SERVICE_UPSTREAM) in TRUE:
        found.look(service, keys)
        text = (
            "service-upstream is not modelled: Kong then has one target, the Service's own address, and"
            " kube-proxy picks the pod; sticky sessions and drain support are void"
        )
        found.problem(service, keys, text, Hint.REMOVE_ANNOTATION.of())
    for wrong in ("konghq.com/service-upstream", "service-upstream"):
        if text_annotation(service, wrong) is not None:
            text = f"has no effect: the controller reads {SERVICE_UPSTREAM}"
            found.ignore(service, ("metadata", "annotations", wrong), text)


def _say_nearly_kongs(found: Findings, service: KubernetesObject) -> None:
    """Name annotations that were meant for Kong and are not what it reads."""
    names = [each.rpartition("/")[2] for each in _KONGS]
    for written in service.mapping("metadata", "annotations"):
        prefix, _, name = str(written).rpartition("/")
        if written in _KONGS or (prefix and not prefix.endswith("konghq.com")):
            continue
        near = get_close_matches(name.lower().replace("_", "-"), names, 1, _ALIKE)
        if near:
            text = f"has no effect: the controller reads konghq.com/{near[0]}"
            found.say_aloud(service, ("metadata", "annotations", written), text)


def _kong_annotations(found: Findings, service: KubernetesObject) -> None:
    for name in (RETRIES, *TIMEOUTS):
        keys: Keys = ("metadata", "annotations", name)
        text = text_annotation(service, name)
        if text is None:
            continue
        try:
            number = int(text)
        except ValueError:
            unit = ", in milliseconds" if name in TIMEOUTS else ""
            found.say_aloud(service, keys, f"{text!r} is no whole number{unit}: the controller ignores it")
            continue
        if name in TIMEOUTS:
            found.read(service, keys, f"{number} ms")
            found.put(("gateway", TIMEOUTS[name]), number / 1000, service.place(*keys))
        else:
            found.read(service, keys, str(number))
            found.put(("gateway", "retries"), number, service.place(*keys))


def refuse_class_parameters(found: Findings, parameters: Sequence[KubernetesObject]) -> None:
    """Refuse IngressClassParameters that switch service-upstream on for a whole class."""
    for obj in parameters:
        if obj.get("spec", "serviceUpstream") is True:
            text = "serviceUpstream is not modelled: Kong then has the Service's address as its one target"
            found.problem(obj, ("spec", "serviceUpstream"), text, Hint.LEAVE_OUT.of())
        else:
            found.ignore(obj)
