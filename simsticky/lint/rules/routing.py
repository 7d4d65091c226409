"""Rules about Services and routes: which policy holds, whether it holds at all, and who shares a cookie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from simsticky.annotations.record import Severity
from simsticky.lint.apps import is_reached
from simsticky.lint.fixes import patch_of
from simsticky.lint.objects import Objects
from simsticky.lint.rules.registry import Found, of_objects
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.policies import OVERRIDE, POLICY
from simsticky.manifests.routes import TRUE, Backend
from simsticky.manifests.services import SERVICE_UPSTREAM
from simsticky.scenario.location import Keys
from simsticky.scenario.problems import did_you_mean

_KEEPS = ("sticky-sessions", "consistent-hashing")


def _keeps_sessions(policy: KubernetesObject | None) -> bool:
    if policy is None:
        return False
    return policy.get("spec", "algorithm") in _KEEPS or policy.get("spec", "stickySessions") is not None


@of_objects(
    "SS006",
    "service-upstream beside a sticky policy",
    Severity.ERROR,
    why="Kong then has one target, the Service's own address, and kube-proxy picks a pod for each connection: cookie,"
    " hash, health checks and drain support are all void.",
    source="Kong Ingress Controller, ingress.kubernetes.io/service-upstream; IngressClassParameters.serviceUpstream",
    fix="remove service-upstream",
)
def service_upstream(objects: Objects) -> Iterator[Found]:
    """By an annotation of the Service, or for a whole class."""
    for service in objects.services:
        policy = objects.policy_of(service)
        if service.mapping("metadata", "annotations").get(SERVICE_UPSTREAM) in TRUE and _keeps_sessions(policy):
            text = f"{SERVICE_UPSTREAM} makes {policy.label if policy else 'the policy'} void"
            place = service.place("metadata", "annotations", SERVICE_UPSTREAM, of_key=True)
            body = {"metadata": {"annotations": {SERVICE_UPSTREAM: None}}}
            yield Found(text, place, service.label, "targets: 1, whatever the number of pods",
                        patches=(patch_of(service, body),))  # fmt: skip
    for parameters in objects.of("IngressClassParameters", "configuration.konghq.com"):
        if parameters.get("spec", "serviceUpstream") is True and any(map(_keeps_sessions, objects.policies)):
            text = "serviceUpstream makes every policy of the class void"
            place = parameters.place("spec", "serviceUpstream", of_key=True)
            yield Found(text, place, parameters.label, "targets: 1 for each Service")


@of_objects(
    "SS007",
    "Services of one rule with different policies",
    Severity.ERROR,
    why="The controller then applies none of them: the upstream is plain round-robin, nothing sticky.",
    source="Kong Ingress Controller 3.5: all Services of an HTTPRoute's rule must name the same KongUpstreamPolicy",
    fix="name the same policy at every Service of the rule",
)
def differing_policies(objects: Objects) -> Iterator[Found]:
    """Weights do not matter; what is not among the objects is not judged."""
    rules: dict[tuple[KubernetesObject, Keys], list[Backend]] = {}
    for backend in objects.backends:
        if backend.route.kind == "HTTPRoute":
            rules.setdefault((backend.route, backend.rule), []).append(backend)
    for (route, rule), references in rules.items():
        behind = [service for service in objects.services if any(one.leads_to(service) for one in references)]
        named = {service: service.mapping("metadata", "annotations").get(POLICY) for service in behind}
        if len(set(named.values())) < 2:
            continue
        listed = ", ".join(f"{service.name}: {policy or 'none'}" for service, policy in named.items())
        place = route.place(*rule, "backendRefs", of_key=True)
        yield Found(f"the Services of this rule name different policies ({listed})", place, route.label)


@of_objects(
    "SS021",
    "pods of a kind that is passed over",
    Severity.WARNING,
    why="These pods take requests of the Service like the others, and neither this linter nor the simulation looks at"
    " how they end.",
    source="docs/model.md: Deployments, StatefulSets and Argo Rollouts are simulated",
    fix="judge them by hand, or own the pods by a Deployment or StatefulSet",
)
def kind_passed_over(objects: Objects) -> Iterator[Found]:
    """DaemonSets, bare Pods and ReplicaSets, and the kinds of other operators."""
    known = {obj for workload in objects.workloads for obj in (workload.owner, workload.pods)} | set(objects.kongs)
    passed: dict[KubernetesObject, KubernetesObject] = {}
    for service in objects.services:
        if is_reached(objects, [service]):
            passed |= {obj: service for obj in objects.behind(service) if obj not in known}
    for obj, service in passed.items():
        text = f"{obj.kind} is not looked at, and {service.label} selects its pods"
        yield Found(text, obj.place(), obj.label)


@of_objects(
    "SS023",
    "two upstreams with one cookie",
    Severity.WARNING,
    why="Each upstream replaces a cookie that names a target of the other: a client of both loses its session at every"
    " change between them.",
    source="Kong Gateway, sticky sessions: two upstreams with the same cookie name and path",
    fix="give each policy a cookie name of its own",
)
def shared_cookie(objects: Objects) -> Iterator[Found]:
    """Two Services on one host whose policies set the same cookie on the same path."""
    before: dict[tuple[str, str], list[tuple[KubernetesObject, KubernetesObject, _Reach]]] = {}
    for other in objects.services:
        second, reach = objects.policy_of(other), _reach(objects, other)
        if second is None or not _cookie(second)[0] or not reach.rules:
            continue
        others = before.setdefault(_cookie(second), [])
        met = next(((one, first) for one, first, its in others if reach.meets(its)), None)
        others.append((other, second, reach))
        if met is None:
            continue
        (one, first), (name, path) = met, _cookie(second)
        text = f"{one.label} and {other.label} both set the cookie {name} on {path}"
        if first is second:
            keys: Keys = ("metadata", "annotations", POLICY)
            yield Found(text, other.place(*keys, of_key=True), other.label,
                        fix=f"give {other.name} a policy of its own, with another cookie name")  # fmt: skip
            continue
        better = f"{name}_{other.name.replace('-', '_')}"
        body = {"spec": {"stickySessions": {"cookie": better}}}
        place = second.place("spec", "stickySessions", "cookie")
        yield Found(text, place, second.label, patches=(patch_of(second, body),))


def _cookie(policy: KubernetesObject) -> tuple[str, str]:
    sticky = policy.mapping("spec", "stickySessions")
    name, path = sticky.get("cookie"), sticky.get("cookiePath", "/")
    return (name, str(path)) if isinstance(name, str) and name else ("", "")


class _Reach(NamedTuple):
    """Where a Service is reached: the rules that lead to it, and their hosts; None is any host."""

    rules: frozenset[tuple[KubernetesObject, Keys]]
    hosts: frozenset[str | None]

    def meets(self, other: _Reach) -> bool:
        """Return whether one cookie jar may serve both: the same host, and not the same rule, which is one upstream."""
        if self.rules & other.rules:
            return False
        return None in self.hosts | other.hosts or bool(self.hosts & other.hosts)


def _reach(objects: Objects, service: KubernetesObject) -> _Reach:
    leading = objects.leading_to(service)
    return _Reach(frozenset((one.route, one.rule) for one in leading), frozenset(map(_host, leading)))


def _host(backend: Backend) -> str | None:
    """Return the host that a reference is for; None for any."""
    route = backend.route
    if route.kind == "HTTPRoute":
        names = route.items("spec", "hostnames")
        return str(names[0]) if len(names) == 1 else None
    host = route.get(*backend.rule[:3], "host") if backend.rule[:2] == ("spec", "rules") else None
    return host if isinstance(host, str) else None


@of_objects(
    "SS029",
    "a policy's annotation where nobody reads it",
    Severity.ERROR,
    why="The controller reads it on Services alone: the upstream stays plain round-robin, nothing sticky.",
    source="Kong Ingress Controller 3.5: konghq.com/upstream-policy and konghq.com/override on Services",
    fix="move the annotation to the Service that the route leads to",
)
def annotation_misplaced(objects: Objects) -> Iterator[Found]:
    """On an Ingress, most often; on a workload or its pod template, too."""
    places: tuple[Keys, ...] = (("metadata", "annotations"), ("spec", "template", "metadata", "annotations"))
    for obj in objects.every:
        for keys in places if obj.kind != "Service" and not obj.group.endswith("konghq.com") else ():
            for name in (POLICY, OVERRIDE):
                if isinstance(obj.mapping(*keys).get(name), str):
                    place = obj.place(*keys, name, of_key=True)
                    yield Found(f"{name} has no effect on {obj.kind}", place, obj.label)


@of_objects(
    "SS030",
    "a policy that is not there",
    Severity.WARNING,
    why="A Service that names a policy which does not exist in its namespace gets plain round-robin, nothing sticky.",
    source="Kong Ingress Controller 3.5: a missing KongUpstreamPolicy is a translation failure",
    fix="add the policy to the Service's namespace, or mend the name",
)
def policy_missing(objects: Objects) -> Iterator[Found]:
    """An error where a policy of nearly that name is there, or one of that name in another namespace."""
    for service in objects.services:
        annotations: Mapping[str, object] = service.mapping("metadata", "annotations")
        name = annotations.get(POLICY)
        if not isinstance(name, str) or objects.policy_of(service) is not None:
            continue
        elsewhere = [policy for policy in objects.policies if policy.name == name]
        near = did_you_mean(name, [policy.name for policy in objects.policies if policy.may_share_namespace(service)])
        place = service.place("metadata", "annotations", POLICY)
        text = f"there is no KongUpstreamPolicy {name} here"
        if elsewhere:
            text = f"KongUpstreamPolicy {name} is in namespace {elsewhere[0].namespace}, and the Service is not"
        yield Found(text, place, service.label, fix=near, severity=Severity.ERROR if near or elsewhere else None)
