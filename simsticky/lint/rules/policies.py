"""Rules about the upstream's policy: whether it is accepted, and whether the gateway does what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simsticky.annotations.record import Severity
from simsticky.kic.policy import Violation, violations
from simsticky.lint.apps import App
from simsticky.lint.figures import percent
from simsticky.lint.fixes import patch_of, patch_of_container, retagged
from simsticky.lint.objects import Objects, is_before
from simsticky.lint.rules.registry import Found, of_app, of_objects
from simsticky.scenario.advice import about_health_checks, hashes_nothing
from simsticky.scenario.fields import release_of
from simsticky.scenario.location import Place
from simsticky.scenario.replicas import start_replicas
from simsticky.scenario.ring_capacity import over_capacity
from simsticky.scenario.versions import CONTROLLER_SINCE, STICKY_SINCE, THRESHOLD_SINCE

_HASHES = ("cookie", "cookiePath", "header", "uriCapture", "queryArg")
_OPERATOR_PASSES_THRESHOLD = ((2, 0, 6), (2, 1))
"""Kong Operator's releases that pass ``healthchecks.threshold`` on: 2.0.6 in the 2.0 line, and from 2.1 on."""
_OPEN_SOURCE = re.compile(r"((index\.)?docker\.io/)?(library/|kong/)?kong(:[\w.-]*)?", re.ASCII)
"""Images of the open-source gateway; in a registry of one's own an image of that name may be any."""
_LOGGABLE = re.compile(r"\w+", re.ASCII)
_OTHERS_COOKIES = ("nginx.ingress.kubernetes.io/affinity", "traefik.ingress.kubernetes.io/service.sticky.cookie")


def _is_about_sticky_hash(violation: Violation) -> bool:
    return violation.message.startswith("When spec.stickySessions is set, spec.hashOn")


@of_objects(
    "SS001",
    "stickySessions without hashOn.input none",
    Severity.ERROR,
    why="The API server refuses the policy, so that the Service goes without one: plain round-robin, nothing sticky.",
    source="CRD of KongUpstreamPolicy v1beta1, CEL rule 10 (kubernetes-configuration 1.5.2, used by KIC 3.5)",
    fix="write hashOn: {input: none} beside stickySessions",
)
def sticky_without_hash_on(objects: Objects) -> Iterator[Found]:
    """Kong's own guide prints a policy that lacks it."""
    for policy in objects.policies:
        for violation in violations(policy.mapping("spec")):
            if not _is_about_sticky_hash(violation):
                continue
            given = [name for name in _HASHES if policy.get("spec", "hashOn", name) is not None]
            what = f"hashOn has {' and '.join(given)}" if given else "hashOn.input is not none"
            if policy.get("spec", "hashOn") is None:
                what = "hashOn is missing"
            body = {"spec": {"hashOn": {"input": "none", **dict.fromkeys(given)}}}
            yield Found(
                f"stickySessions is set and {what}",
                policy.place("spec", *violation.path, of_key=True),
                policy.label,
                f"the API server answers: {violation.message}",
                patches=(patch_of(policy, body),),
            )


@of_app(
    "SS002",
    "sticky-sessions on a gateway or controller that does not know it",
    Severity.ERROR,
    why="The controller drops the policy, or the gateway refuses the algorithm: plain round-robin, nothing sticky.",
    source="Kong Gateway changelog 3.11.0.0 (Enterprise); Kong Ingress Controller 3.5.0",
    fix="use Kong Gateway Enterprise 3.11 or later, and Kong Ingress Controller 3.5 or later",
)
def too_old_for_sticky(app: App) -> Iterator[Found]:
    """Versions are those of the images' tags, or those that the scenario states."""
    if not app.keeps_by_cookie:
        return
    kic, kong = app.scenario.kic.version, app.scenario.gateway.version
    for obj, container in app.objects.gateways:
        if _OPEN_SOURCE.fullmatch(str(obj.get(*container, "image")).partition("@")[0]):
            text = f"{obj.get(*container, 'image')} is the open-source gateway; sticky-sessions is Enterprise's alone"
            fix = "run kong/kong-gateway 3.11 or later, with a licence"
            yield Found(text, obj.place(*container, "image"), obj.label, fix=fix)
            return
    if kong is not None and is_before(release_of(kong), STICKY_SINCE):
        place = app.place("gateway.version", "upstream")
        said = f"{kong} < 3.11.0"
        text = f"Kong Gateway {kong} does not know sticky-sessions, 3.11 is the first that does"
        yield Found(text, place, app.subject("upstream"), said, fix="use Kong Gateway Enterprise 3.11 or later")
    if kic is not None and is_before(release_of(kic), CONTROLLER_SINCE):
        text = f"Kong Ingress Controller {kic} does not know sticky-sessions, 3.5.0 is the first that does"
        place = app.place("kic.version", "kic", "upstream")
        yield Found(text, place, app.subject("kic", "upstream"), f"{kic} < 3.5.0",
                    fix="use Kong Ingress Controller 3.5 or later", patches=_newer_controller(app))  # fmt: skip


def _newer_controller(app: App) -> Any:
    read = app.object("kic")
    image = "" if read is None else retagged(read.part.get("image"), "3.5")
    return patch_of_container(read, {"image": image}) if image else ()


@of_app(
    "SS014",
    "a cookie whose name no log can show",
    Severity.NOTE,
    why="nginx's variable $cookie_NAME allows letters, digits and underscores: without it a log cannot tell which"
    " sessions moved, and nothing can be fitted or checked against it.",
    source="nginx, ngx_http_core_module: $cookie_name",
    fix="name the cookie with letters, digits and underscores; every session gets a new cookie once",
)
def cookie_not_loggable(app: App) -> Iterator[Found]:
    """A hyphen is the usual case."""
    sticky, hashed = app.scenario.upstream.sticky_sessions, app.scenario.upstream.hash_on
    for path, name in (
        ("stickySessions", None if sticky is None else sticky.cookie),
        ("hashOn", None if hashed is None else hashed.cookie),
    ):
        if name is None or _LOGGABLE.fullmatch(name):
            continue
        where = f"upstream.{path}.cookie"
        better = re.sub(r"\W", "_", name, flags=re.ASCII)
        text = f"the cookie {name} cannot be logged: $cookie_{better} is another one"
        settings = {where: better}
        yield Found(text, app.place(where, "upstream"), app.subject("upstream"), patches=app.change(settings))


@of_objects(
    "SS015",
    "a policy that the API server refuses",
    Severity.ERROR,
    why="A policy that is not there is no policy: the Service gets plain round-robin without health checks.",
    source="CRD of KongUpstreamPolicy v1beta1, its CEL rules (kubernetes-configuration 1.5.2)",
    fix="write the policy as its rules want it",
)
def refused_policy(objects: Objects) -> Iterator[Found]:
    """All rules of the CRD but the one of SS001."""
    for policy in objects.policies:
        for violation in violations(policy.mapping("spec")):
            if not _is_about_sticky_hash(violation):
                place = policy.place("spec", *violation.path, of_key=True)
                yield Found(violation.message, place, policy.label, fix=violation.hint)


@of_app(
    "SS016",
    "a health threshold that the controller drops",
    Severity.WARNING,
    why="The gateway then takes 0: it goes on sending to the last healthy pod, however few are left.",
    source="Kong Ingress Controller 3.5.3 (pull request 7784); Kong Operator 2.0.6 and 2.1.0 (2662)",
    fix="use Kong Ingress Controller 3.5.3 or later, or Kong Operator 2.1 or later",
)
def threshold_dropped(app: App) -> Iterator[Found]:
    """What the policy says stays in the cluster, and never reaches the gateway."""
    checks = app.scenario.upstream.healthchecks
    if checks is None or not checks.threshold:
        return
    place = app.place("upstream.healthchecks.threshold", "upstream")
    kic, operator = app.scenario.kic.version, app.objects.operator_version
    if kic is not None and is_before(release_of(kic), THRESHOLD_SINCE):
        text = f"threshold {checks.threshold} never reaches the gateway: Kong Ingress Controller {kic} drops it"
        said = f"{kic} < 3.5.3: threshold {checks.threshold} here, 0 in the gateway"
        yield Found(text, place, app.subject("upstream"), said, patches=_newer_controller(app))
    elif operator is not None and _operator_drops(operator[0]):
        version = ".".join(map(str, operator[0]))
        text = f"threshold {checks.threshold} never reaches the gateway: Kong Operator {version} drops it"
        said = f"{version} < 2.1.0: threshold {checks.threshold} here, 0 in the gateway"
        yield Found(text, place, app.subject("upstream"), said)


def _operator_drops(version: tuple[int, ...]) -> bool:
    in_line, since = _OPERATOR_PASSES_THRESHOLD
    return is_before(version, since) and not (version[:2] == in_line[:2] and version >= in_line)


@of_app(
    "SS031",
    "health checks that do not do what they say",
    Severity.NOTE,
    why="Kong keeps sending to a pod that none of its counters can call unhealthy, or never comes back to one that is.",
    source="Kong, lua-resty-healthcheck: a counter at 0 is off, and so is a check without an interval",
    fix="set httpFailures and tcpFailures, and active probes beside passive checks",
)
def idle_health_checks(app: App) -> Iterator[Found]:
    """What a scenario's warnings say of them."""
    for said in about_health_checks(app.scenario):
        path, _, text = said.partition(": ")
        yield Found(text, app.place(path, "upstream"), app.subject("upstream"))


@of_app(
    "SS032",
    "a hash ring that sends everything to one pod, or to none",
    Severity.ERROR,
    why="A ring without a key has one target for all, and one that is too small for its targets has none: Kong answers"
    " every request with 503.",
    source="Kong, consistent_hashing.lua; Kong/kong#9437",
    fix="hash something, and give the ring more slots",
)
def useless_ring(app: App) -> Iterator[Found]:
    """The ring is filled with as many targets as may be listed at once, terminating ones too."""
    if hashes_nothing(app.scenario):
        text = "hashOn names nothing to hash: every request goes to one and the same pod"
        place = app.place("upstream.algorithm", "upstream")
        yield Found(text, place, app.subject("upstream"), "one key, one target",
                    fix="name a header, a cookie or ip in hashOn")  # fmt: skip
    if app.has_pods and (ring := over_capacity(app.scenario)) is not None:
        (found,) = ring.diagnostics[:1]
        place = app.place("upstream.slots", "upstream")
        yield Found(found.message, place, app.subject("upstream"), fix=found.hint)


@of_app(
    "SS020",
    "an algorithm that is not sticky, and sessions kept in the pods",
    Severity.WARNING,
    why="The next request of a session goes to any pod, and only one of them knows the session: it breaks without any"
    " rollout.",
    source="Kong Gateway, load balancing: round-robin, least-connections and latency pick for each request",
    fix="use sticky-sessions, or keep the sessions outside the pods",
)
def not_sticky(app: App) -> Iterator[Found]:
    """Asked for by a scenario whose sessions are in the pods, by ClientIP affinity, by another controller's cookie."""
    algorithm = app.scenario.upstream.algorithm
    asked = _asks_for_stickiness(app)
    if algorithm not in ("round-robin", "least-connections", "latency") or asked is None:
        return
    text, place = asked
    n = start_replicas(app.scenario)
    if n == 1:
        return
    said = (
        f"of {n} pods one has the session: 1 − 1/{n} = {percent(1 - 1 / n)} of the next requests miss it" if n else ""
    )
    yield Found(f"the upstream is {algorithm}, and {text}", place, app.subject("upstream", "service"), said)


def _asks_for_stickiness(app: App) -> tuple[str, Place] | None:
    """Return what says that sessions are kept in the pods, and where; None if nothing does."""
    if app.is_stated:
        text = "the application keeps its sessions in the pods (app.state)"
        place = app.place("upstream.algorithm", "upstream", "service")
        return (text, place) if app.scenario.app.state == "pod" else None
    if app.service is None:
        return None
    affinity = ("spec", "sessionAffinity")
    if app.service.get(*affinity) == "ClientIP":
        return "the Service asks for sessionAffinity: ClientIP, which Kong passes by", app.service.place(*affinity)
    for backend in app.objects.leading_to(app.service):
        for name in _OTHERS_COOKIES:
            if isinstance(backend.route.mapping("metadata", "annotations").get(name), str):
                text = f"{backend.route.label} asks for a cookie of another controller ({name}), which Kong ignores"
                return text, backend.route.place("metadata", "annotations", name, of_key=True)
    return None
