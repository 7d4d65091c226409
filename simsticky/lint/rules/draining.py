"""Rules about terminating pods: whether the gateway keeps their sessions, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simsticky.annotations.record import Severity
from simsticky.kong.algorithms.consistent_hashing import RingCapacityError, build_ring, ring_points
from simsticky.kong.upstream import DEFAULT_WEIGHT, Target
from simsticky.lint.apps import App, is_where
from simsticky.lint.figures import percent, told
from simsticky.lint.fixes import patch_of, retagged
from simsticky.lint.objects import Objects, is_before
from simsticky.lint.rules.registry import Found, of_app, of_objects
from simsticky.manifests.environment import variables
from simsticky.manifests.gateway_workloads import image_of
from simsticky.manifests.ingress_controller import arguments, variable_of
from simsticky.manifests.objects import KubernetesObject
from simsticky.scenario.fields import release_of
from simsticky.scenario.location import Keys
from simsticky.scenario.replicas import start_replicas
from simsticky.scenario.versions import CONTROLLER_SINCE

if TYPE_CHECKING:
    from simsticky.workload.residual import Residual

_FLAG = "enable-drain-support"
_OPERATOR_DRAINS = (2, 1)
"""Kong Operator's first release that applies the default of ``drainSupport``."""
_MOST_PODS = 60
"""Pods for which a ring is worked out: about as many as it holds."""


@of_app(
    "SS003",
    "drain support is off, or nothing says that it is on",
    Severity.WARNING,
    why="A pod that is deleted leaves the gateway's list at the next push, and its sessions move though it still serves"
    " them: no preStop hook keeps one of them.",
    source="Kong Ingress Controller 3.5, --enable-drain-support, off by default; Kong Operator: on, reliably since"
    " 2.1.0",
    fix="switch drain support on: --enable-drain-support, or drainSupport: enabled with Kong Operator",
)
def drain_off(app: App) -> Iterator[Found]:
    """With sticky-sessions alone: the other algorithms send nothing to a target of weight 0."""
    scenario = app.scenario
    if not app.keeps_by_cookie or scenario.app.state == "external" or app.objects.hybrid is not None:
        return
    late = _default_not_applied(app)
    if scenario.kic.enable_drain_support and not late:
        return
    known = app.states("kic.enableDrainSupport") or app.object("kic") is not None
    if late:
        text = f"drainSupport is left out, and Kong Operator {late} does not apply its default: drain support is off"
    elif known or app.is_stated:
        text = "drain support is off, so that sessions leave a pod as soon as it is deleted"
    else:
        text = "nothing here says that drain support is on; the ingress controller's default is off"
    place = app.place("kic.enableDrainSupport", *(("kic",) if known else ()), "upstream")
    settings = {"kic.enableDrainSupport": True}
    fix = "" if known or late or app.is_stated else "add the controller's manifest, or see to it that the flag is set"
    subject = app.subject("kic", "upstream") if known else app.subject("upstream")
    yield Found(text, place, subject, _lost_without_drain(app), fix, _switched_on(app, late), settings=settings)


def _default_not_applied(app: App) -> str:
    """Return the version of a Kong Operator that leaves drain support off though its default is on; else nothing."""
    read, operator = app.object("kic"), app.objects.operator_version
    if read is None or operator is None or read.kind not in ("ControlPlane", "GatewayConfiguration"):
        return ""
    translation = read.part.get("translation")
    stated = isinstance(translation, Mapping) and translation.get("drainSupport") is not None
    return "" if stated or not is_before(operator[0], _OPERATOR_DRAINS) else ".".join(map(str, operator[0]))


def _switched_on(app: App, late: str) -> Any:
    if not late:
        return app.change({"kic.enableDrainSupport": True})
    read = app.object("kic")
    where = [obj for obj in app.objects.operator_objects if is_where(obj, read)]
    body: dict[str, Any] = {"translation": {"drainSupport": "enabled"}}
    for key in reversed(() if read is None else read.keys):
        body = {str(key): body}
    return tuple(patch_of(obj, body) for obj in where)


def _lost_without_drain(app: App) -> str:
    """Return when the sessions of a deleted pod move, and how long it would have served them."""
    hook = app.scenario.deployment.pre_stop
    sync = app.scenario.kic.proxy_sync_seconds
    moves = f"they move {told(sync / 2)} after the deletion on average (sync {told(sync)} ÷ 2)"
    if not app.has_pods or hook is None or not hook.seconds:
        return moves
    return f"{moves}; the pod would serve them for {told(hook.seconds)} more (preStop)"


@of_app(
    "SS008",
    "drain support with consistent hashing",
    Severity.WARNING,
    why="A hash never leads to a target of weight 0, so that draining keeps no session; it changes the ring of the pods"
    " that stay, and moves sessions between them, too.",
    source="Kong, consistent_hashing.lua: weight-0 targets get no points, and count in the number of targets",
    fix="use sticky-sessions, or switch drain support off",
)
def drain_with_hashing(app: App) -> Iterator[Found]:
    """The ring is worked out as Kong does, for stand-in addresses."""
    scenario = app.scenario
    if scenario.upstream.algorithm != "consistent-hashing" or not scenario.kic.enable_drain_support:
        return
    if scenario.app.state == "external":
        return
    place = app.place("kic.enableDrainSupport", "kic", "upstream")
    text = "drain support keeps no session of consistent hashing, and moves those of other pods"
    said = _moved(start_replicas(scenario), scenario.upstream.slots) if app.has_pods else ""
    settings = {"kic.enableDrainSupport": False}
    yield Found(text, place, app.subject("kic", "upstream"), said, patches=app.change(settings), settings=settings)


def _moved(pods: int, slots: int) -> str:
    """Return what share of the keys moves when one of some pods goes at once, and when it drains first."""
    if not 2 <= pods <= _MOST_PODS:
        return ""
    points = ring_points(slots)

    def owners(weights: list[int | None]) -> list[str]:
        listed = enumerate(weights)
        ring = build_ring(tuple(Target(f"10.244.0.{i + 2}:8080", w) for i, w in listed if w is not None), points)
        filled, at = [], -1
        for point in range(points):
            at += at + 1 < len(ring) and ring[at + 1][0] <= point
            filled.append(ring[at][1])  # before the first point it is the last one's, around the ring
        return filled

    try:
        stay: list[int | None] = [DEFAULT_WEIGHT] * (pods - 1)
        before, without, drained = owners([*stay, DEFAULT_WEIGHT]), owners([*stay, None]), owners([*stay, 0])
    except RingCapacityError:
        return ""
    at_once, draining = (
        sum(one != other for one, other in zip(before, after, strict=True)) / points for after in (without, drained)
    )
    return f"of {pods} pods one goes: {percent(at_once)} of the keys move; with drain support {percent(draining)}"


@of_objects(
    "SS017",
    "drain support expected on Kong Operator's hybrid path to Konnect",
    Severity.WARNING,
    why="There only ready endpoints become targets, whatever drainSupport says: a deleted pod leaves the list at once.",
    source="Kong/kong-operator, controller/hybridgateway/target/target.go: extractReadyEndpointAddresses",
    fix="use the embedded controller, or keep the sessions outside the pods",
)
def drain_on_hybrid_path(objects: Objects) -> Iterator[Found]:
    """Expected by a switch, or by a policy whose sessions only draining keeps."""
    if objects.hybrid is None:
        return
    obj, keys = objects.hybrid
    sticky = next((policy for policy in objects.policies if policy.get("spec", "stickySessions") is not None), None)
    for other in objects.operator_objects:
        for where in (("spec", "translation"), ("spec", "controlPlaneOptions", "translation")):
            if other.get(*where, "drainSupport") == "enabled":
                text = f"drainSupport has no effect: {obj.label} makes Konnect the control plane"
                yield Found(text, other.place(*where, "drainSupport"), other.label)
                return
    if sticky is not None:
        text = f"Konnect is the control plane, so that {sticky.label} loses the sessions of every pod that is deleted"
        yield Found(text, obj.place(*keys), obj.label)


@of_app(
    "SS024",
    "a drain window shorter than the sessions",
    Severity.WARNING,
    why="A session that is still going on when its pod stops serving breaks.",
    source="Renewal theory: the residual life of a session met at a given moment (Cox, Renewal Theory, 1962)",
    fix="lengthen preStop and the grace period: simsticky recommend finds the cheapest",
)
def window_too_short(app: App) -> Iterator[Found]:
    """Where a scenario states how long sessions are, and a closed form tells how many outlive the window."""
    scenario = app.scenario
    if not (app.is_stated and app.keeps_by_cookie and scenario.kic.enable_drain_support):
        return
    window = _window_s(app)
    if scenario.app.state == "external" or window is None or app.objects.hybrid is not None:
        return
    import numpy as np

    from simsticky.workload.residual import residual_life

    residual = residual_life(scenario)
    if isinstance(residual, str):
        return
    outlive, most = float(residual.survival(np.array([window]))[0]), _most(app)
    if outlive <= most:
        return
    text = f"{percent(outlive)} of the sessions on a deleted pod outlive the {told(window)} that it still serves"
    if not window:
        text = "a deleted pod serves its sessions no longer: every one of them that goes on breaks"
    enough = _enough(residual, most)
    settings: dict[str, Any] = {}
    said = f"P(R > {told(window)}) = {percent(outlive)}, {residual.formula}"
    fix = ""
    if enough is not None and scenario.traffic.connections.kind == "per-request":
        said += f"; P(R > {told(enough)}) = {percent(most)}"
        settings = {"deployment.preStop": enough, "deployment.terminationGracePeriodSeconds": enough + 30}
        fix = f"a preStop of {told(enough)} would leave {percent(most)}; simsticky recommend finds the cheapest"
    place = app.place("deployment.preStop", "pods", "deployment")
    subject = app.subject("pods", "deployment")
    yield Found(text, place, subject, said, fix, app.change(settings) if settings else (), settings=settings)


def _window_s(app: App) -> float | None:
    """Return how long a deleted pod serves the sessions bound to it; None where that hangs on the sessions."""
    deployment, end = app.scenario.deployment, app.scenario.app.on_sigterm
    hook, grace = deployment.pre_stop, float(deployment.termination_grace_period_seconds)
    if hook is not None and hook.kind == "waitUntil":
        return min(hook.at_most_s, grace)
    waits = 0.0 if hook is None else hook.seconds
    if end.listener == "close":
        return min(waits, grace)
    return grace if end.exit == "never" else min(waits + end.after_s, grace)


def _most(app: App) -> float:
    """Return the share of broken sessions that the scenario bears: its threshold, else 10 %."""
    threshold = app.scenario.parsed_thresholds.get("broken_sessions")
    is_bound = threshold is not None and threshold.operator.startswith("<") and 0 < threshold.value < 1
    return threshold.value if threshold is not None and is_bound else 0.1


def _enough(residual: Residual, most: float) -> int | None:
    """Return the whole seconds after which no more than a share still goes on; None beyond a day."""
    import numpy as np

    low, high = 0, 86_400
    if float(residual.survival(np.array([float(high)]))[0]) > most:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if float(residual.survival(np.array([float(middle)]))[0]) > most else (low, middle)
    return high


@of_objects(
    "SS025",
    "a drain flag that the controller does not know",
    Severity.ERROR,
    why="A controller that meets an unknown flag does not start, and one that meets an unknown variable ignores it:"
    " either way nothing drains.",
    source="Kong Ingress Controller 3.5.0 (2025-07-02) is the first with --enable-drain-support",
    fix="use Kong Ingress Controller 3.5 or later (from 2.x by its migration guide), or leave the flag out",
)
def unknown_drain_flag(objects: Objects) -> Iterator[Found]:
    """Kong's own guide prints the flag beside an image of 2.11."""
    for obj, container in objects.controllers:
        name, tag = image_of(obj.mapping(*container))
        if not is_before(release_of(tag), CONTROLLER_SINCE) or not release_of(tag):
            continue
        for what, keys in _drain_settings(objects, obj, container):
            text = f"{what} is new in 3.5.0, and the image is {name}:{tag}"
            image = retagged(obj.get(*container, "image"), "3.5")
            fields = {"name": obj.get(*container, "name"), "image": image}
            body = {"spec": {"template": {"spec": {"containers": [fields]}}}}
            edits = (patch_of(obj, body),) if image and fields["name"] and obj.kind == "Deployment" else ()
            yield Found(text, obj.place(*keys), obj.label, f"{tag} < 3.5.0", patches=edits)


def _drain_settings(objects: Objects, obj: KubernetesObject, container: Keys) -> Iterator[tuple[str, Keys]]:
    for flag, _, keys in arguments(obj.mapping(*container)):
        if flag == _FLAG:
            yield f"--{_FLAG}", (*container, *keys)
    for variable in variables(obj, container, objects.config_maps):
        if variable.name == variable_of(_FLAG):
            yield variable.name, variable.keys
