"""The Kubernetes objects of one linting, sorted by what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from simsticky.manifests.findings import Findings
from simsticky.manifests.gateway_workloads import gateway_container, image_of
from simsticky.manifests.ingress_controller import controller_container
from simsticky.manifests.interpretation import is_made, is_workload
from simsticky.manifests.kong_operator import GROUP, KINDS, hybrid_path
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD, Workload, pair_rollouts
from simsticky.manifests.policies import POLICY
from simsticky.manifests.routes import Backend, backends
from simsticky.manifests.strict import Fault
from simsticky.scenario.fields import release_of
from simsticky.scenario.location import Keys

_OPERATORS = {"kong-operator", "gateway-operator"}
_SIMULATED = ("Deployment", "StatefulSet", "Rollout")
_COMMON = (
    *("ConfigMap", "IngressClass", "GatewayClass", "Gateway", "Namespace", "IngressClassParameters", "KongIngress"),
    *("PodDisruptionBudget", "ScaledObject", "Canary", "VerticalPodAutoscaler"),
)
"""Kinds that may say something of any application."""


@dataclass(frozen=True, eq=False)
class Objects:
    """All objects of one linting.

    Attributes:
        every: The objects, in the order of the files.
        faults: What strict decoding finds in them: the object, the fault, what is wrong in words, how to mend it.
    """

    every: Sequence[KubernetesObject]
    faults: Sequence[tuple[KubernetesObject, Fault, str, str]] = ()

    def of(self, kind: str, *groups: str) -> list[KubernetesObject]:
        """Return the objects of a kind in one of the groups."""
        return [obj for obj in self.every if obj.is_a(kind, *groups)]

    @cached_property
    def services(self) -> list[KubernetesObject]:
        """The Services."""
        return self.of("Service", "")

    @cached_property
    def policies(self) -> list[KubernetesObject]:
        """The KongUpstreamPolicies."""
        return self.of("KongUpstreamPolicy", "configuration.konghq.com")

    @cached_property
    def scalers(self) -> list[KubernetesObject]:
        """The HorizontalPodAutoscalers."""
        return self.of("HorizontalPodAutoscaler", "autoscaling")

    @cached_property
    def config_maps(self) -> list[KubernetesObject]:
        """The ConfigMaps."""
        return self.of("ConfigMap", "")

    @cached_property
    def backends(self) -> list[Backend]:
        """Every reference of a route to a Service."""
        ingresses = self.of("Ingress", "networking.k8s.io", "extensions")
        return backends(ingresses, self.of("HTTPRoute", "gateway.networking.k8s.io"))

    @cached_property
    def owners(self) -> list[KubernetesObject]:
        """What owns pods, or is one; of a kind that is not simulated, too."""
        return [obj for obj in self.every if is_workload(obj) and not is_made(obj, self.every)]

    @cached_property
    def controllers(self) -> list[tuple[KubernetesObject, Keys]]:
        """The workloads of the ingress controller, each with the path of its container."""
        found = ((obj, controller_container(obj, self.config_maps)) for obj in self.owners)
        return [(obj, container) for obj, container in found if container is not None]

    @cached_property
    def gateways(self) -> list[tuple[KubernetesObject, Keys]]:
        """The workloads of Kong's gateway, each with the path of its container."""
        found = ((obj, gateway_container(obj, self.config_maps)) for obj in self.owners)
        return [(obj, container) for obj, container in found if container is not None]

    @cached_property
    def operator_objects(self) -> list[KubernetesObject]:
        """Objects of Kong Operator's own kinds."""
        return [obj for obj in self.every if obj.group == GROUP and obj.kind in KINDS]

    @cached_property
    def hybrid(self) -> tuple[KubernetesObject, Keys] | None:
        """What says that Konnect is the control plane; None if nothing does."""
        return hybrid_path(self.operator_objects)

    @cached_property
    def operator_version(self) -> tuple[tuple[int, ...], KubernetesObject, Keys] | None:
        """The version of Kong Operator by its image's tag, and where that stands; None if nothing tells it."""
        for obj in self.owners:
            for i, container in enumerate(obj.items(*POD, "containers")):
                name, tag = image_of(container)
                if name in _OPERATORS and (version := release_of(tag)):
                    return version, obj, (*POD, "containers", i, "image")
        return None

    @cached_property
    def kongs(self) -> list[KubernetesObject]:
        """The workloads of Kong's own."""
        found = [obj for obj, _ in (*self.controllers, *self.gateways)]
        return found + [obj for obj in self.owners if obj not in found and _runs(obj, _OPERATORS)]

    @cached_property
    def workloads(self) -> list[Workload]:
        """The applications' workloads of the kinds that are simulated."""
        own = [obj for obj in self.owners if obj.kind in _SIMULATED and obj not in self.kongs]
        own += [obj for obj in self.of("Rollout", "argoproj.io") if obj not in own]
        deployments = [obj for obj in own if obj.kind == "Deployment"]
        paired = pair_rollouts(Findings({}), [obj for obj in own if obj.kind == "Rollout"], deployments)
        taken_over = {pair.pods for pair in paired}
        plain = [Workload(obj, obj) for obj in own if obj.kind != "Rollout" and obj not in taken_over]
        return [*plain, *paired]

    def in_front_of(self, workload: Workload) -> list[KubernetesObject]:
        """Return the Services that select a workload's pods."""
        return [service for service in self.services if workload.is_selected_by(service)]

    def behind(self, service: KubernetesObject) -> list[KubernetesObject]:
        """Return what owns the pods that a Service selects."""
        return self._behind[service]

    @cached_property
    def _behind(self) -> dict[KubernetesObject, list[KubernetesObject]]:
        every = [Workload(obj, obj) for obj in self.owners]
        return {service: [one.owner for one in every if one.is_selected_by(service)] for service in self.services}

    def leading_to(self, service: KubernetesObject) -> list[Backend]:
        """Return the references of routes to a Service."""
        return self._leading[service]

    @cached_property
    def _leading(self) -> dict[KubernetesObject, list[Backend]]:
        by_name: dict[str, list[Backend]] = {}
        for backend in self.backends:
            by_name.setdefault(str(backend.service), []).append(backend)
        return {
            service: [backend for backend in by_name.get(service.name, []) if backend.leads_to(service)]
            for service in self.services
        }

    def policy_of(self, service: KubernetesObject) -> KubernetesObject | None:
        """Return the policy that a Service names; None if it names none, or none that is there."""
        name = service.mapping("metadata", "annotations").get(POLICY)
        named = self._policies_by_name.get(name, []) if isinstance(name, str) else []
        return next((policy for policy in named if policy.may_share_namespace(service)), None)

    @cached_property
    def _policies_by_name(self) -> dict[str, list[KubernetesObject]]:
        by_name: dict[str, list[KubernetesObject]] = {}
        for policy in self.policies:
            by_name.setdefault(policy.name, []).append(policy)
        return by_name

    def scaler_of(self, workload: Workload) -> KubernetesObject | None:
        """Return the autoscaler of a workload; None if it has none."""
        targeting = self._scalers_by_target.get((workload.kind, workload.name), [])
        return next((scaler for scaler in targeting if scaler.may_share_namespace(workload.owner)), None)

    @cached_property
    def _scalers_by_target(self) -> dict[tuple[str, str], list[KubernetesObject]]:
        by_target: dict[tuple[str, str], list[KubernetesObject]] = {}
        for scaler in self.scalers:
            target = scaler.mapping("spec", "scaleTargetRef")
            by_target.setdefault((str(target.get("kind")), str(target.get("name"))), []).append(scaler)
        return by_target

    @cached_property
    def common(self) -> set[KubernetesObject]:
        """What may say something of any application: objects of some kinds, and those of Kong Operator."""
        return {obj for obj in self.every if obj.kind in _COMMON} | set(self.operator_objects)

    @cached_property
    def positions(self) -> dict[KubernetesObject, int]:
        """The number of each object, in the order of the files."""
        return {obj: number for number, obj in enumerate(self.every)}


def _runs(obj: KubernetesObject, images: set[str]) -> bool:
    return any(image_of(container)[0] in images for container in obj.items(*POD, "containers"))


def is_before(version: tuple[int, ...], since: tuple[int, ...]) -> bool:
    """Return whether a version is older than another, as far as both go: 3.5 may be 3.5.3, and 3 any 3.x."""
    return version[: len(since)] < since[: len(version)]
