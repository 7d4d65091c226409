"""What says how an upstream picks its targets: a KongUpstreamPolicy, or the older KongIngress.

Sources: Kong/kubernetes-ingress-controller v3.5. The annotation ``konghq.com/upstream-policy`` counts on Services only
(and on the services of the controller's own kinds); a KongIngress, tied to a Service by ``konghq.com/override``, gives
its ``upstream`` section only, its ``proxy`` and ``route`` sections have had no effect since 3.0 (#4760), and Kong
Operator 2.0 knows it no more.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.routes import Backend
from simsticky.scenario.location import Keys
from simsticky.scenario.problems import did_you_mean

POLICY = "konghq.com/upstream-policy"
OVERRIDE = "konghq.com/override"
RETRIES = "konghq.com/retries"
TIMEOUTS = {
    "konghq.com/connect-timeout": "connectTimeout",
    "konghq.com/read-timeout": "readTimeout",
    "konghq.com/write-timeout": "writeTimeout",
}
_OLD_OVERRIDE = "configuration.konghq.com"

_HASH_FIELDS = {
    "hash_on_header": "header",
    "hash_on_cookie": "cookie",
    "hash_on_cookie_path": "cookiePath",
    "hash_on_query_arg": "queryArg",
    "hash_on_uri_capture": "uriCapture",
}
_FALLBACK_FIELDS = {
    "hash_fallback_header": "header",
    "hash_fallback_query_arg": "queryArg",
    "hash_fallback_uri_capture": "uriCapture",
}
_ENTRIES = ("Ingress", "HTTPRoute", "Service")
_OTHERS_AFFINITY = re.compile(r"affinity|sticky|session-cookie|upstream-hash-by", re.IGNORECASE)
"""How other controllers name annotations that bind sessions to pods."""
_INPUTS = ("none", "ip", "consumer", "path")


def read_policy(
    found: Findings,
    service: KubernetesObject,
    policies: Sequence[KubernetesObject],
    overrides: Sequence[KubernetesObject],
    services: Sequence[KubernetesObject] = (),
) -> None:
    """Read the KongUpstreamPolicy that a Service names, else the KongIngress; list the others.

    Args:
        found: Where the findings go.
        service: The Service in front of the pods.
        policies: All KongUpstreamPolicies.
        overrides: All KongIngresses.
        services: All Services, which may name the others.
    """
    annotations = service.mapping("metadata", "annotations")
    named, overriding = annotations.get(POLICY), annotations.get(OVERRIDE)
    policy = override = None
    if isinstance(named, str):
        policy = _policy(found, service, policies, named)
        if isinstance(overriding, str):
            text = f"has no effect beside {POLICY}, which wins"
            found.say_aloud(service, ("metadata", "annotations", OVERRIDE), text)
    elif isinstance(overriding, str):
        override = _override(found, service, overrides, overriding)
    elif POLICY not in annotations and not found.stated.get("upstream"):
        found.assume(service, (), f"no annotation {POLICY}: the upstream is plain round-robin without health checks")
        _say_untied(found, service, (*policies, *overrides), services)
    if isinstance(annotations.get(_OLD_OVERRIDE), str):
        text = f"is not read any more by the controller: it wants {OVERRIDE}"
        found.say_aloud(service, ("metadata", "annotations", _OLD_OVERRIDE), text)
    for other in policies:
        if other is not policy:
            found.ignore(other, (), f"the Service does not name it (annotation {POLICY})")
    for other in overrides:
        if other is not override:
            found.ignore(other, (), f"the Service does not name it (annotation {OVERRIDE})")


def _say_untied(
    found: Findings,
    service: KubernetesObject,
    settings: Sequence[KubernetesObject],
    services: Sequence[KubernetesObject],
) -> None:
    """Name what nobody ties to a Service: stickiness that is not read must not look like a good result."""
    named = [one.mapping("metadata", "annotations").get(key) for one in services for key in (POLICY, OVERRIDE)]
    for other in settings:
        if other.name not in named and other.may_share_namespace(service):
            key = POLICY if other.kind == "KongUpstreamPolicy" else OVERRIDE
            text = f"has no effect: no Service names it; Service {service.name} would by the annotation {key}"
            found.say_aloud(other, (), text)


def _policy(
    found: Findings, service: KubernetesObject, policies: Sequence[KubernetesObject], name: str
) -> KubernetesObject | None:
    keys: Keys = ("metadata", "annotations", POLICY)
    found.read(service, keys, name)
    policy = _one_named(found, service, keys, policies, name, "KongUpstreamPolicy")
    if policy is not None:
        found.policy = policy.name
        found.fill("upstream", policy)
        found.take(policy, ("spec",), ("upstream",))
        found.list_the_rest(policy)
    return policy


def _one_named(
    found: Findings,
    service: KubernetesObject,
    keys: Keys,
    objects: Sequence[KubernetesObject],
    name: str,
    kind: str,
) -> KubernetesObject | None:
    """Return the object of a name in the Service's namespace; report if there is none, or more than one."""
    named = [obj for obj in objects if obj.name == name]
    here = [obj for obj in named if obj.may_share_namespace(service)]
    if not here:
        text = f"there is no {kind} {name!r} in the manifests; Kong would fall back to round-robin"
        hint = did_you_mean(name, [obj.name for obj in objects if obj.name]) or Hint.ADD_MANIFEST.of()
        if named:
            hint = Hint.MOVE_POLICY.of(name=name)
        found.problem(service, keys, text, hint)
        return None
    if len(here) > 1:
        found.problem(here[1], (), f"a second {kind} {name!r}", Hint.KEEP_ONE_OF_THE_TWO.of())
        return None
    return here[0]


def _override(
    found: Findings, service: KubernetesObject, overrides: Sequence[KubernetesObject], name: str
) -> KubernetesObject | None:
    keys: Keys = ("metadata", "annotations", OVERRIDE)
    found.read(service, keys, name)
    override = _one_named(found, service, keys, overrides, name, "KongIngress")
    if override is None:
        return None
    text = (
        "its upstream section is read, as Kong Ingress Controller up to 3.5 reads it; it is deprecated, and Kong"
        " Operator from 2.0 on does not know KongIngress: there the upstream is plain round-robin"
    )
    found.say_aloud(override, (), text)
    for section in ("proxy", "route"):
        if override.get(section):
            text = "has had no effect since Kong Ingress Controller 3.0; the Service's annotations say it"
            found.say_aloud(override, (section,), text)
    _upstream(found, override)
    found.list_the_rest(override)
    return override


def _upstream(found: Findings, override: KubernetesObject) -> None:
    """Turn ``upstream`` in Kong's own words into the scenario's section."""
    written = override.mapping("upstream")
    place = override.place("upstream")
    for field in ("algorithm", "slots"):
        found.take(override, ("upstream", field), ("upstream", field))
    for source, target, fields in (
        ("hash_on", "hashOn", _HASH_FIELDS),
        ("hash_fallback", "hashOnFallback", _FALLBACK_FIELDS),
    ):
        hashed = {name: written[key] for key, name in fields.items() if written.get(key) is not None}
        if written.get(source) in _INPUTS:
            hashed = {"input": written[source]}
            if hashed == {"input": "none"} and written.get("algorithm") != "consistent-hashing":
                continue
        elif not _hashes_on_what_it_names(found, override, source, fields):
            continue
        if hashed.get("cookie") is not None:
            hashed.setdefault("cookiePath", "/")
        if hashed:
            for key in (source, *fields):
                if written.get(key) is not None:
                    found.read(override, ("upstream", key), str(written[key]))
            found.put(("upstream", target), hashed, place)
    checks = written.get("healthchecks")
    if isinstance(checks, Mapping):
        found.look(override, ("upstream", "healthchecks"))
        found.put(("upstream", "healthchecks"), _camel(checks), override.place("upstream", "healthchecks"))


def _hashes_on_what_it_names(
    found: Findings, override: KubernetesObject, source: str, fields: Mapping[str, str]
) -> bool:
    """Return whether Kong hashes on a named header, cookie or the like; say why it does not."""
    written = override.mapping("upstream")
    chosen = written.get(source)
    given = [key for key in fields if written.get(key) is not None]
    if chosen is None:
        for key in given:
            text = f"has no effect without {source}: {key.removeprefix(source + '_').removesuffix('_path')}"
            found.say_aloud(override, ("upstream", key), text)
        return False
    wanted = f"{source}_{chosen}"
    if wanted in fields and written.get(wanted) is None:
        text = f"{wanted} is required where it is {chosen}"
        found.problem(override, ("upstream", source), text, Hint.ADD_FIELD.of(field=wanted))
        return False
    return wanted in fields


def _camel(node: Any) -> Any:
    """Return health checks with the keys of a KongUpstreamPolicy, which are Kong's own in camelCase."""
    if isinstance(node, Mapping):
        return {_camel_key(str(key)): _camel(value) for key, value in node.items() if value is not None}
    return [_camel(item) for item in node] if isinstance(node, list) else node


def _camel_key(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def say_differing_policies(
    found: Findings, chosen: Backend, every: Sequence[Backend], services: Sequence[KubernetesObject]
) -> None:
    """Name Services of the same rule whose policy is another one: the controller then applies none at all."""
    rule = [other for other in every if other.route is chosen.route and other.rule == chosen.rule]
    behind = [service for service in services if any(other.leads_to(service) for other in rule)]
    named = {service: service.mapping("metadata", "annotations").get(POLICY) for service in behind}
    mine = next((named[service] for service in behind if chosen.leads_to(service)), None)
    for service, policy in named.items():
        if chosen.route.kind == "HTTPRoute" and policy != mine and not chosen.leads_to(service):
            text = (
                f"all Services of a rule must name the same policy: it is {policy or 'none'} here and {mine or 'none'}"
                f" at {chosen.service}. The controller then applies none, and the upstream is round-robin; simulated is"
                f" {mine or 'none'}"
            )
            found.say_aloud(service, ("metadata", "annotations"), text)


def say_misplaced(found: Findings, objects: Sequence[KubernetesObject], foreign: Collection[KubernetesObject]) -> None:
    """Name annotations of upstream settings where the controller does not read them.

    Args:
        found: Where the findings go.
        objects: All objects.
        foreign: The routes of other controllers, of which that alone is said.
    """
    places: tuple[Keys, ...] = (("metadata",), ("spec", "template", "metadata"))
    for obj in objects:
        for name in obj.mapping("metadata", "annotations") if obj.kind in _ENTRIES and obj not in foreign else ():
            if _OTHERS_AFFINITY.search(str(name)) and "konghq.com" not in str(name):
                text = "Kong's controller does not read it: no stickiness comes of it"
                found.say_aloud(obj, ("metadata", "annotations", name), text)
        for place in places if obj.kind != "Service" else ():
            annotations = obj.mapping(*place, "annotations")
            for name in (POLICY, OVERRIDE, *((RETRIES, *TIMEOUTS) if obj.kind in _ENTRIES else ())):
                if isinstance(annotations.get(name), str):
                    text = f"has no effect on {obj.kind}: the controller reads it on Services"
                    found.say_aloud(obj, (*place, "annotations", name), text)
