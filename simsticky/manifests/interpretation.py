"""What a set of Kubernetes objects means together: which is the application, what is in front of it, what is Kong's."""

from collections.abc import Sequence

from simsticky.manifests.budgets import read_budgets
from simsticky.manifests.bystanders import (
    class_of,
    is_kongs,
    other_owners,
    say_other_class,
    say_other_routes,
    say_other_scalers,
)
from simsticky.manifests.findings import Findings
from simsticky.manifests.gateway_workloads import gateway_container, is_control_plane, read_gateway
from simsticky.manifests.hints import Hint
from simsticky.manifests.ingress_controller import controller_container, ingress_class, read_controller
from simsticky.manifests.kong_operator import GROUP, KINDS, read_operator
from simsticky.manifests.meshes import read_mesh
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.owners import POD, Workload, choose_workload, labels_of, pair_rollouts
from simsticky.manifests.policies import read_policy, say_differing_policies, say_misplaced
from simsticky.manifests.ports import entrance
from simsticky.manifests.rollouts import say_narrowed_service, say_other_active_service
from simsticky.manifests.routes import Backend, backends, choose_backend, read_routes, say_lost_routes
from simsticky.manifests.scalers import read_scalers
from simsticky.manifests.services import choose_service, list_service, read_service, refuse_class_parameters
from simsticky.manifests.workloads import read_workload
from simsticky.scenario.location import Keys

_APPLICATION = (
    *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "Service", "Ingress", "HTTPRoute", "Pod"),
    *("KongUpstreamPolicy", "KongIngress", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ScaledObject", "Canary"),
)
"""Kinds that a choice of namespace narrows, unless they run Kong itself."""


class Interpretation:
    """Sorts the objects by what they are for, and has each read.

    Args:
        found: Where the findings go, and what the scenario states.
        objects: All objects, each with a name.
        namespace: The application's namespace; None if nobody chose one.
        complete: Whether all texts could be read, so that what is not there is missing.
    """

    def __init__(
        self, found: Findings, objects: Sequence[KubernetesObject], namespace: str | None, *, complete: bool
    ) -> None:
        self._found = found
        self._every = objects
        self._foreign: set[KubernetesObject] = set()
        self._complete = complete
        made = [obj for obj in objects if is_made(obj, objects)]
        for obj in made:
            found.ignore(obj, (), "made by its owner, which tells how it comes and goes")
        objects = [obj for obj in objects if obj not in made]
        self._config_maps = [obj for obj in objects if obj.is_a("ConfigMap", "")]
        workloads = [obj for obj in objects if is_workload(obj)]
        self._controllers = [obj for obj in workloads if controller_container(obj, self._config_maps) is not None]
        self._gateways = [
            obj
            for obj in workloads
            if obj not in self._controllers and gateway_container(obj, self._config_maps) is not None
        ]
        kongs = {*self._controllers, *self._gateways}
        self._objects = [obj for obj in objects if obj in kongs or _is_in(obj, namespace)]
        for obj in objects:
            if obj not in self._objects:
                found.ignore(obj, (), f"in namespace {obj.namespace}, and the scenario is about {namespace}")
        self._owners = [obj for obj in self._objects if is_workload(obj) and obj not in kongs]
        self._services = self._pick("Service", "")
        self._ingresses = self._pick("Ingress", "networking.k8s.io", "extensions")
        self._http_routes = self._pick("HTTPRoute", "gateway.networking.k8s.io")
        self._classes = self._pick("IngressClass", "networking.k8s.io") + self._pick(
            "GatewayClass", "gateway.networking.k8s.io"
        )
        self._gateway_objects = self._pick("Gateway", "gateway.networking.k8s.io")
        self._scalers = self._pick("HorizontalPodAutoscaler", "autoscaling")

    def _pick(self, kind: str, *groups: str) -> list[KubernetesObject]:
        return [obj for obj in self._objects if obj.is_a(kind, *groups)]

    def read(self) -> None:
        """Read everything."""
        found = self._found
        every = backends(self._ingresses, self._http_routes)
        workload, candidates = self._choose_workload(every)
        service = self._choose_service(workload, candidates, every)
        kongs = self._of_kong(every)
        self._foreign = {backend.route for backend in every} - {backend.route for backend in kongs}
        chosen = None if service is None else choose_backend(kongs, service) or choose_backend(every, service)
        if workload is not None:
            self._read_workload(workload, service, chosen)
        read_routes(found, every, [*self._http_routes, *self._ingresses], service, chosen)
        if service is not None and chosen is None:
            say_lost_routes(found, every, self._services, service)
        if chosen is not None:
            say_other_class(found, chosen.route, self._classes, self._gateway_objects, self._kong_classes())
            say_differing_policies(found, chosen, every, self._services)
        self._read_service(service)
        if workload is not None and service is not None and found.blue_green is not None:
            say_other_active_service(found, workload, service)
        if workload is not None and service is not None and workload.kind == "Rollout":
            say_narrowed_service(found, workload, service)
        self._read_kong(service)
        self._list_others(workload, candidates, service)

    def _choose_workload(self, every: Sequence[Backend]) -> tuple[Workload | None, list[Workload]]:
        deployments = [obj for obj in self._owners if obj.is_a("Deployment", "apps", "extensions")]
        rollouts = [obj for obj in self._owners if obj.is_a("Rollout", "argoproj.io")]
        paired = pair_rollouts(self._found, rollouts, deployments)
        taken_over = {pair.pods for pair in paired}
        main = [Workload(obj, obj) for obj in deployments if obj not in taken_over] + paired
        ordered = [Workload(obj, obj) for obj in self._owners if obj.is_a("StatefulSet", "apps")]
        # Of what cannot be simulated the refusal is told where it stands.
        others = [obj for obj in self._owners if not obj.is_a("Deployment", "apps", "extensions")]
        unknown = any(self._is_behind_a_service(obj) for obj in others if obj.kind not in ("StatefulSet", "Rollout"))
        complete = self._complete and not unknown
        if self._found.states("deployment", "name"):
            chosen = choose_workload(self._found, main, ordered, complete=complete)
        else:
            wanted = [each for each in main if not self._is_inert(each, every)] or main
            meant = self._meant([*wanted, *ordered], every)
            likely = [each for each in wanted if each in meant]
            chosen = choose_workload(
                self._found, likely, [each for each in ordered if each in meant], complete=complete
            )
        return chosen, [*main, *ordered]

    def _meant(self, workloads: Sequence[Workload], every: Sequence[Backend]) -> list[Workload]:
        """Return those of several workloads that the timeline names, else a route leads to, and that are not at 0."""
        timeline = self._found.stated.get("timeline")
        entries = [entry for entry in timeline if isinstance(entry, dict)] if isinstance(timeline, list) else []
        named = [entry.get(verb) for entry in entries for verb in _VERBS]
        ways = [backend for backend in self._of_kong(every) or every if backend.weight]
        meant, why = list(workloads), ""
        for reason, left in (
            ("that the timeline names", [each for each in meant if each.name in named]),
            ("that a route leads to", [each for each in meant if self._is_routed(each, ways)]),
            ("that is not at 0", [each for each in meant if each.owner.get("spec", "replicas") != 0]),
        ):
            kept = [each for each in left if each in meant]
            if kept and len(kept) < len(meant):
                meant, why = kept, why or reason
        if why and len(meant) == 1:
            text = f"of {len(workloads)} workloads the scenario is about the one {why}; deployment.name chooses another"
            self._found.assume(meant[0].owner, (), text)
        return meant

    def _is_routed(self, workload: Workload, ways: Sequence[Backend]) -> bool:
        services = [service for service in self._services if workload.is_selected_by(service)]
        return any(way.leads_to(service) for way in ways for service in services)

    def _is_inert(self, workload: Workload, every: Sequence[Backend]) -> bool:
        """Return whether all that leads to a workload has weight 0, as to a canary that is not on."""
        services = [service for service in self._services if workload.is_selected_by(service)]
        weights = [backend.weight for backend in every if any(backend.leads_to(service) for service in services)]
        return bool(weights) and not any(weights)

    def _is_behind_a_service(self, obj: KubernetesObject) -> bool:
        return any(Workload(obj, obj).is_selected_by(service) for service in self._services)

    def _choose_service(
        self, workload: Workload | None, candidates: Sequence[Workload], every: Sequence[Backend]
    ) -> KubernetesObject | None:
        found = self._found
        if workload is not None:
            others = [Workload(obj, obj) for obj in self._objects if is_workload(obj) and obj is not workload.pods]
            return choose_service(found, self._services, workload, self._of_kong(every) or every, others)
        plain = [service for service in self._services if service.get("spec", "type") != "ExternalName"]
        if candidates or len(plain) != 1 or len(self._services) != 1:
            return None
        found.assume(plain[0], (), "selects the Deployment that the scenario describes")
        return plain[0]

    def _of_kong(self, every: Sequence[Backend]) -> list[Backend]:
        kongs = self._kong_classes()
        return [
            backend
            for backend in every
            if is_kongs(class_of(backend.route, self._classes, self._gateway_objects)[0], self._classes, kongs)
        ]

    def _kong_classes(self) -> list[str]:
        names = []
        for obj in self._controllers:
            container = controller_container(obj, self._config_maps)
            name = None if container is None else ingress_class(obj, container, self._config_maps)
            names += [name] if name is not None else []
        return names

    def _read_workload(self, workload: Workload, service: KubernetesObject | None, chosen: Backend | None) -> None:
        found = self._found
        way_in = entrance(found, service, workload, chosen) if service is not None else None
        mesh = read_mesh(found, workload, self._pick("Namespace", ""))
        containers: Keys = (*POD, "containers")
        application = way_in if way_in is not None and way_in[:-1] == containers else (*containers, 0)
        read_scalers(found, self._scalers, workload, application, [obj for obj in self._every if is_workload(obj)])
        say_other_scalers(found, self._objects, workload)
        _nothing_runs(found, workload)
        read_workload(found, workload, way_in, mesh)

    def _read_service(self, service: KubernetesObject | None) -> None:
        found = self._found
        policies = self._pick("KongUpstreamPolicy", "configuration.konghq.com")
        overrides = self._pick("KongIngress", "configuration.konghq.com")
        refuse_class_parameters(found, self._pick("IngressClassParameters", "configuration.konghq.com"))
        if service is not None:
            read_service(found, service)
            read_policy(found, service, policies, overrides, self._services)
            list_service(found, service)
        else:
            for obj in (*policies, *overrides):
                found.ignore(obj, (), "there is no Service that could name it")
        for other in self._services:
            if other is not service:
                through = "it is not in front of the pods" if service is None else f"Service {service.name} is in front"
                found.ignore(other, (), through)
        say_other_routes(found, self._objects, service)
        say_misplaced(found, self._objects, self._foreign)

    def _read_kong(self, service: KubernetesObject | None) -> None:
        """Read the controller and the gateway."""
        found, maps = self._found, self._config_maps
        for controller in self._controllers[1:]:
            text = "a second Kong Ingress Controller"
            found.problem(controller, (), text, Hint.KEEP_CONTROLLER.of())
        gateways = list(self._gateways)
        for controller in self._controllers[:1]:
            container = controller_container(controller, maps)
            if container is not None:
                read_controller(found, controller, container, maps)
            if gateway_container(controller, maps) is not None:
                gateways.insert(0, controller)
        traffic = []
        for gateway in gateways:
            container = gateway_container(gateway, maps)
            if container is None or is_control_plane(gateway, container, maps):
                found.ignore(gateway, (), "a control plane of Kong: it takes no traffic")
            else:
                traffic.append((gateway, container))
        for gateway, container in traffic[:1]:
            read_gateway(found, gateway, container, maps, self._scalers)
            found.list_the_rest(gateway)
        for gateway, _ in traffic[1:]:
            text = f"a second gateway: the nodes simulated are those of {traffic[0][0].label}"
            found.say_aloud(gateway, (), text)
        operator = [obj for kind in KINDS for obj in self._pick(kind, GROUP)]
        says = read_operator(found, operator, maps, controllers=bool(self._controllers), gateways=bool(traffic))
        for controller in self._controllers[:1]:
            found.list_the_rest(controller)
        if service is not None and not self._controllers and not says and not found.states("kic", "enableDrainSupport"):
            found.assume(service, (), "no manifest of the ingress controller: drain support is off, its default")

    def _list_others(
        self, workload: Workload | None, candidates: Sequence[Workload], service: KubernetesObject | None
    ) -> None:
        found = self._found
        read_budgets(found, self._pick("PodDisruptionBudget", "policy"), workload)
        own = () if workload is None else (workload.owner, workload.pods)
        simulated = {candidate.owner for candidate in candidates} | {candidate.pods for candidate in candidates}
        sets = [obj for obj in self._owners if obj not in own and obj.kind != "Deployment"]
        other_owners(found, [obj for obj in sets if obj.kind != "Rollout"], workload, service)
        for obj in self._objects:
            if obj not in simulated or obj in own or workload is None or obj.kind == "StatefulSet":
                continue
            if service is not None and Workload(obj, obj).is_selected_by(service) and obj.get("spec", "replicas") != 0:
                text = f"its pods are behind Service {service.name} too, and are not simulated: {workload.label} is"
                found.say_aloud(obj, (), text)
            found.ignore(obj, (), f"the scenario is about {workload.label}")
        for obj in self._every:
            if not found.knows(obj):
                found.ignore(obj, (), "this kind has no part in the model")


def is_workload(obj: KubernetesObject) -> bool:
    """Return whether an object owns pods, or is one."""
    return obj.kind == "Pod" or (bool(labels_of(obj)) and bool(obj.items(*POD, "containers"))) or obj.kind in _OWNERS


def is_made(obj: KubernetesObject, objects: Sequence[KubernetesObject]) -> bool:
    """Return whether an object, as it comes out of a cluster, was made by another that is there too."""
    for reference in obj.items("metadata", "ownerReferences") if obj.kind in _MADE else ():
        kind, name = (reference.get("kind"), str(reference.get("name"))) if isinstance(reference, dict) else (None, "")
        for other in objects:
            # Of pods whose ReplicaSet was left out, the Deployment is known by its name.
            is_above = kind == "ReplicaSet" and other.kind in ("Deployment", "Rollout")
            is_owner = (other.kind, other.name) == (kind, name) or (is_above and name.startswith(f"{other.name}-"))
            if other is not obj and is_owner and other.may_share_namespace(obj):
                return True
    return False


_MADE = ("ReplicaSet", "Pod", "Job", "HorizontalPodAutoscaler")  # the last one by KEDA
_VERBS = ("rollout", "scale", "deletePod", "readinessFlap", "rollback", "pause", "resume", "crash")
_OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "Rollout")


def _is_in(obj: KubernetesObject, namespace: str | None) -> bool:
    return namespace is None or obj.kind not in _APPLICATION or obj.namespace in (None, namespace)


def _nothing_runs(found: Findings, workload: Workload) -> None:
    """Refuse a workload at 0 that nothing scales: a run in which nothing runs answers no question."""
    owner = workload.owner
    timeline = found.stated.get("timeline")
    entries = [entry for entry in timeline if isinstance(entry, dict)] if isinstance(timeline, list) else []
    scaled = any(entry.get("scale") == workload.name for entry in entries) or bool(found.stated.get("companions"))
    if owner.get("spec", "replicas") == 0 and not found.states("deployment", "replicas") and not scaled:
        text = f"{workload.label} is at 0: no pod runs, and every request is a 503. Does something else own its pods?"
        found.problem(owner, ("spec", "replicas"), text, Hint.STATE_REPLICAS.of())
