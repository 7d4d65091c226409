"""Manifests, as one would apply them, turned into sections of a scenario.

What is read, what is ignored and what is assumed is listed field by field with its line. What would change the
answer and is not modelled is refused with its reason, never passed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simsticky.errors import Diagnostic, InputError
from simsticky.scenario.cluster_objects import read_budgets, read_routes, read_scalers
from simsticky.scenario.diagnose import in_order
from simsticky.scenario.findings import Findings
from simsticky.scenario.ingress_controller import is_controller, is_gateway, read_controller, read_gateway
from simsticky.scenario.location import Keys, Place
from simsticky.scenario.objects import KubernetesObject, read_objects
from simsticky.scenario.problems import did_you_mean
from simsticky.scenario.report import ManifestNote, ManifestReport
from simsticky.scenario.routing import (
    choose_service,
    read_ingress,
    read_service,
    refuse_class_parameters,
)
from simsticky.scenario.strict_fields import StrictFields
from simsticky.scenario.workloads import labels_of, read_deployment, selects


@dataclass(frozen=True, slots=True)
class ManifestSet:
    """What the manifests say.

    Attributes:
        sections: Sections of a scenario file (``deployment``, ``service``, ...), as plain data.
        places: Place of each value in ``sections``, by path; its own path is the manifest's.
        report: What was read, ignored and assumed.
        problems: What is wrong; the sections are incomplete if there is anything.
    """

    sections: Mapping[str, Any]
    places: Mapping[Keys, Place] = field(repr=False)
    report: ManifestReport
    problems: tuple[Diagnostic, ...] = ()

    @property
    def read(self) -> tuple[ManifestNote, ...]:
        """What was read."""
        return self.report.read

    @property
    def ignored(self) -> tuple[ManifestNote, ...]:
        """What has no effect."""
        return self.report.ignored

    @property
    def assumed(self) -> tuple[ManifestNote, ...]:
        """What the manifests leave open."""
        return self.report.assumed


def load_manifests(
    paths: Iterable[str | Path],
    *,
    base_dir: str | Path = ".",
    stated: Mapping[str, Any] | None = None,
    lenient: bool = False,
) -> ManifestSet:
    """Read manifests from files, directories (not below) or standard input (``-``).

    Args:
        paths: Where; relative paths start from ``base_dir``.
        base_dir: Directory of the scenario file.
        stated: The scenario file's own sections, which win and can choose (``deployment: {name: shop}``).
        lenient: Take fields that are unknown or of a wrong type as not there, with a warning, instead of refusing them.

    Raises:
        InputError: Everything that is wrong, at once.
    """
    manifests = read_manifests(paths, base_dir=base_dir, stated=stated, lenient=lenient)
    if manifests.problems:
        raise InputError(manifests.problems)
    return manifests


def read_manifests(
    paths: Iterable[str | Path],
    *,
    base_dir: str | Path = ".",
    stated: Mapping[str, Any] | None = None,
    lenient: bool = False,
) -> ManifestSet:
    """Do as :func:`load_manifests`, with the problems in the answer instead of raised."""
    objects, problems = read_objects([str(path) for path in paths], Path(base_dir))
    found = Findings(stated or {})
    found.problems += problems
    unnamed = [obj for obj in objects if not obj.name]
    for obj in unnamed:
        found.problem(obj, ("metadata",), "metadata.name: Required value: name or generateName is required")
    strict = StrictFields(objects, lenient=lenient)
    _read_all(found, [obj for obj in objects if obj.name], complete=not problems)
    strict.report(found)
    return ManifestSet(found.sections, found.places, found.report(), tuple(in_order(found.problems)))


def _read_all(found: Findings, objects: list[KubernetesObject], *, complete: bool) -> None:
    workloads = _pick(objects, "Deployment", "apps", "extensions")
    controllers = [obj for obj in workloads if is_controller(obj)]
    gateways = [obj for obj in workloads if obj not in controllers and is_gateway(obj)]
    applications = [obj for obj in workloads if obj not in controllers and obj not in gateways]
    services = _pick(objects, "Service", "")
    policies = _pick(objects, "KongUpstreamPolicy", "configuration.konghq.com")
    ingresses = _pick(objects, "Ingress", "networking.k8s.io", "extensions")
    routes = _pick(objects, "HTTPRoute", "gateway.networking.k8s.io")
    parameters = _pick(objects, "IngressClassParameters", "configuration.konghq.com")
    scalers = _pick(objects, "HorizontalPodAutoscaler", "autoscaling")
    budgets = _pick(objects, "PodDisruptionBudget", "policy")
    ordered = _pick(objects, "StatefulSet", "apps")
    sets = ordered + _pick(objects, "DaemonSet", "apps")

    if len(ordered) == 1 and not applications:
        applications = ordered  # the application's pods may be owned by a StatefulSet instead
    deployment = _choose_deployment(found, applications, complete=complete)
    service = None
    if deployment is not None:
        service = choose_service(found, services, deployment)
    elif not applications and len(services) == 1 and services[0].get("spec", "type") != "ExternalName":
        service = services[0]
        found.assume(service, (), "selects the Deployment that the scenario describes")
    if deployment is not None:
        ports = service.items("spec", "ports") if service is not None else []
        targets = [port.get("targetPort", port.get("port")) for port in ports if isinstance(port, Mapping)]
        read_deployment(found, deployment, targets)
        read_scalers(found, scalers, deployment)
    used = read_service(found, service, policies) if service is not None else None
    routed = read_routes(found, routes, service)
    read_ingress(found, ingresses, service, routed=routed)
    refuse_class_parameters(found, parameters)
    for controller in controllers[1:]:
        found.problem(controller, (), "a second Kong Ingress Controller", "keep the one that serves this app")
    for controller in controllers[:1]:
        read_controller(found, controller)
    if service is not None and not controllers and not found.states("kic", "enableDrainSupport"):
        found.assume(service, (), "no manifest of the ingress controller: drain support is off, its default")
    for gateway in gateways:
        found.ignore(gateway, (), "the gateway itself: state gateway.nodes in the scenario")
    for gateway in gateways[:1]:
        read_gateway(found, gateway)
    for other in applications:
        if other is not deployment and deployment is not None:
            found.ignore(other, (), f"the scenario is about {deployment.kind} {deployment.name}")
    for other in services:
        if other is not service:
            through = "it is not in front of the pods" if service is None else f"Service {service.name} is in front"
            found.ignore(other, (), through)
    for policy in policies:
        if policy is not used:
            found.ignore(policy, (), "the Service does not name it (annotation konghq.com/upstream-policy)")
    read_budgets(found, budgets, deployment)
    for workload in sets:
        if workload is not deployment:
            _refuse_set(found, workload, service)
    known = [*workloads, *services, *policies, *ingresses, *routes, *parameters, *scalers, *budgets, *sets]
    for obj in objects:
        if obj not in known:
            found.ignore(obj, (), "this kind has no part in the model")


def _pick(objects: list[KubernetesObject], kind: str, *groups: str) -> list[KubernetesObject]:
    return [obj for obj in objects if obj.is_a(kind, *groups)]


def _choose_deployment(
    found: Findings, applications: list[KubernetesObject], *, complete: bool
) -> KubernetesObject | None:
    """Return the application's Deployment: the only one, or the one that the scenario names."""
    section = found.stated.get("deployment")
    wanted = section.get("name") if isinstance(section, Mapping) else None
    names = [obj.name for obj in applications]
    if isinstance(wanted, str):
        chosen = [obj for obj in applications if obj.name == wanted]
        if not chosen and applications:
            hint = did_you_mean(wanted, names) or f"there is {', '.join(names)}"
            text = f"the scenario is about Deployment {wanted!r}, the manifests hold no such Deployment"
            found.problem(applications[0], ("metadata", "name"), text, hint)
        if len(chosen) > 1:
            found.problem(chosen[1], ("metadata", "name"), f"a second Deployment {wanted!r}")
        return chosen[0] if len(chosen) == 1 else None
    if len(applications) > 1:
        places = ", ".join(f"{obj.name} ({obj.place().file}:{obj.place().line})" for obj in applications)
        text = f"several Deployments, one is wanted: {places}"
        choose = f"choose one in the scenario: deployment: {{name: {names[0]}}}"
        hint = choose if names.count(names[0]) == 1 else f"keep one {names[0]}"
        found.problem(applications[1], ("metadata", "name"), text, hint)
        return None
    if not applications and not isinstance(section, Mapping) and complete:
        text = "the manifests hold no Deployment of an application"
        hint = "add it, or describe it in the scenario's deployment section"
        found.problems.append(Diagnostic("", None, None, "manifests", text, hint))
    return applications[0] if applications else None


def _refuse_set(found: Findings, workload: KubernetesObject, service: KubernetesObject | None) -> None:
    if service is not None and selects(service.mapping("spec", "selector"), labels_of(workload)):
        text = f"{workload.kind} is not modelled, and Service {service.name} selects its pods too"
        found.problem(workload, (), text, "the model has one Deployment behind the Service")
    else:
        found.ignore(workload, (), "no part of the model")
