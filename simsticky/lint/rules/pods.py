"""Rules about one pod: how it starts, how it ends, and how long it has for that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from simsticky.annotations.record import Severity
from simsticky.lint.apps import App
from simsticky.lint.figures import reaches_gateway_s, told
from simsticky.lint.fixes import patch_of_container
from simsticky.lint.rules.registry import Found, of_app
from simsticky.manifests.pre_stop import program_in_question
from simsticky.scenario.cluster_operations import Spot
from simsticky.scenario.replicas import start_replicas
from simsticky.scenario.traffic import Poisson

_FLOOR_S = 2
"""Seconds from SIGTERM to SIGKILL that every container has (kuberuntime: minimumGracePeriodInSeconds)."""
_TO_END_S = 30
"""Seconds to end in, where nobody states how long an application needs: Kubernetes' own default."""
_SCALER_S = 600
"""Longest grace that the cluster autoscaler grants (--max-graceful-termination-sec)."""
_SPOT_S = {
    "eks.amazonaws.com/capacityType": 120,
    "karpenter.sh/capacity-type": 120,
    "cloud.google.com/gke-spot": 30,
    "cloud.google.com/gke-preemptible": 30,
    "kubernetes.azure.com/scalesetpriority": 30,
}
"""Notice before a spot machine goes, by the label that asks for one, in seconds."""
_GRACE = "deployment.terminationGracePeriodSeconds"


@of_app(
    "SS004",
    "the pod is killed before it has ended",
    Severity.ERROR,
    why="The preStop hook runs inside the grace period: what is left of it is all that the application has from SIGTERM"
    " to SIGKILL, 2 s at least, and what it has not answered by then fails.",
    source="Kubernetes, kuberuntime_container.go: killContainer",
    fix="let terminationGracePeriodSeconds be at least the hook plus what the application needs to end",
)
def killed_before_its_end(app: App) -> Iterator[Found]:
    """With the application's time to end where a scenario states it; else where the hook alone takes the whole."""
    if not app.has_pods:
        return
    deployment, end = app.scenario.deployment, app.scenario.app.on_sigterm
    hook, grace = deployment.pre_stop, deployment.termination_grace_period_seconds
    waits = 0.0 if hook is None else max(hook.seconds, hook.at_most_s)
    stated = app.is_stated and end.exit in ("after", "whenIdle") and end.after_s > 0
    needs = end.after_s if stated else 0.0
    left = max(grace - math.ceil(waits), _FLOOR_S)
    if app.is_stated and end.exit == "never":
        yield from _never_ends(app)
        return
    if needs <= left and (hook is None or waits < grace):
        return
    wanted = math.ceil(waits + (needs or _TO_END_S))
    if stated:
        text = f"{told(waits)} of preStop and {told(needs)} to end are more than the {told(grace)} of grace"
        said = (
            f"{told(waits)} + {told(needs)} = {told(waits + needs)} > {told(grace)}; SIGKILL {told(left)} after SIGTERM"
        )
    else:
        text = (
            f"preStop takes {told(waits)} of the {told(grace)} of grace: {told(left)} are left from SIGTERM to SIGKILL"
        )
        said = f"max({told(grace)} − {told(waits)}, {_FLOOR_S}s) = {told(left)}"
    settings = {_GRACE: wanted}
    yield Found(text, app.place(_GRACE if app.states(_GRACE) else "deployment.preStop", "pods", "deployment"),
                app.subject("pods", "deployment"), said, f"set terminationGracePeriodSeconds to {wanted}",
                app.change(settings), settings=settings)  # fmt: skip


def _never_ends(app: App) -> Iterator[Found]:
    text = "the application ignores SIGTERM: every pod ends by SIGKILL, with whatever it is working on"
    yield Found(text, app.place("app.onSigterm"), app.subject(), fix="end on SIGTERM once all requests are answered")


@of_app(
    "SS005",
    "SIGTERM before the gateway knows",
    Severity.WARNING,
    why="The deletion goes to the kubelet and to the gateway at once and nothing orders them: an application that stops"
    " listening first refuses requests that the gateway still sends it.",
    source="Kubernetes, pod termination; Kong Ingress Controller, --proxy-sync-seconds",
    fix="let preStop sleep until the gateway has learnt of the deletion",
)
def sigterm_too_early(app: App) -> Iterator[Found]:
    """Judged by the 99 % quantiles of the delays; what a scenario states of them counts."""
    deployment, end = app.scenario.deployment, app.scenario.app.on_sigterm
    hook = deployment.pre_stop
    in_front = app.is_stated or app.service is not None or not app.objects.services
    waits_long = hook.kind == "waitUntil" if hook is not None else _has_a_hook(app)
    if not app.has_pods or not in_front or end.listener == "keep" or waits_long:
        return
    bound, said = reaches_gateway_s(app.scenario)
    waits = 0.0 if hook is None else hook.seconds
    if waits >= bound:
        return
    enough = math.ceil(bound)
    text = (
        f"SIGTERM comes {told(waits) if waits else 'at once'}{' after the deletion' if waits else ''}, and the gateway"
    )
    text += f" may send new sessions for {told(bound)}"
    settings: dict[str, Any] = {"deployment.preStop": enough}
    if enough + _TO_END_S > deployment.termination_grace_period_seconds:
        settings[_GRACE] = enough + _TO_END_S
    yield Found(text, app.place("deployment.preStop", "pods", "deployment"), app.subject("pods", "deployment"), said,
                f"let preStop sleep for {enough} s or more", app.change(settings), settings=settings)  # fmt: skip


def _has_a_hook(app: App) -> bool:
    """Return whether there is a hook of which nobody knows how long it takes."""
    read = app.object("pods")
    lifecycle = {} if read is None else read.part.get("lifecycle")
    return isinstance(lifecycle, Mapping) and lifecycle.get("preStop") is not None


@of_app(
    "SS010",
    "a grace period that the machine does not grant",
    Severity.WARNING,
    why="A spot machine goes after its notice and the cluster autoscaler kills after its own limit, whatever grace a"
    " pod has: the sessions that it still drains break then.",
    source="Cluster autoscaler, --max-graceful-termination-sec (600 s); the clouds' notices for spot machines",
    fix="keep these pods on machines that are not taken away, or lift the autoscaler's limit",
)
def grace_not_granted(app: App) -> Iterator[Found]:
    """Spot machines are known by the labels that a pod asks for, or by the scenario's timeline."""
    if not app.has_pods:
        return
    grace = app.scenario.deployment.termination_grace_period_seconds
    place = app.place(_GRACE, "pods", "deployment")
    subject = app.subject("pods", "deployment")
    limits = [
        (notice, f"a spot machine ({label}) goes {told(notice)} after its notice") for label, notice in _asked(app)
    ]
    notices = [operation.notice for operation in app.scenario.timeline if isinstance(operation, Spot)]
    limits += [(notice, f"the spot machine of the timeline goes {told(notice)} after its notice") for notice in notices]
    limits.append((_SCALER_S, f"the cluster autoscaler kills a pod after {told(_SCALER_S)}"))
    limit, what = min(limits)
    if grace > limit:
        said = f"{told(grace)} > {told(limit)}: the last {told(grace - limit)} are not there"
        yield Found(f"{what}, and the grace period is {told(grace)}", place, subject, said)


def _asked(app: App) -> Iterator[tuple[str, float]]:
    """Yield the labels of spot machines that a pod asks for, or bears, each with the notice."""
    if app.workload is None:
        return
    spec = app.workload.pods.mapping("spec", "template", "spec")
    asked = [spec.get("nodeSelector"), spec.get("tolerations"), spec.get("affinity")]
    for label, notice in _SPOT_S.items():
        if _mentions(asked, label):
            yield label, notice


def _mentions(node: Any, label: str) -> bool:
    """Return whether a label with a value that means spot stands anywhere below: as a key, or as the name of a key."""
    if isinstance(node, dict):
        if str(node.get(label)).lower() in ("spot", "true"):
            return True
        values = node["values"] if isinstance(node.get("values"), list) else [node.get("value")]
        if node.get("key") == label and any(str(value).lower() in ("spot", "true") for value in values):
            return node.get("operator") not in ("NotIn", "DoesNotExist")
        return any(_mentions(below, label) for below in node.values())
    return isinstance(node, list) and any(_mentions(below, label) for below in node)


@of_app(
    "SS012",
    "a preStop hook that needs a shell, in an image without one",
    Severity.WARNING,
    why="A hook whose program is not there fails, and SIGTERM comes at once: the whole drain time is lost, and only an"
    " event tells.",
    source="Kubernetes, kuberuntime: FailedPreStopHook; KEP-3960 (sleep: on since 1.30)",
    fix="use preStop's own sleep, which needs no program",
)
def no_shell_for_the_hook(app: App) -> Iterator[Found]:
    """Known by the image's name alone: distroless, scratch, Chainguard's."""
    read, hook = app.object("pods"), app.scenario.deployment.pre_stop
    if app.workload is None or read is None or hook is None or hook.kind != "sleep":
        return
    keys = (*read.keys, "lifecycle", "preStop", "exec", "command")
    program = program_in_question(read.part.get("image"), app.workload.pods.get(*keys))
    if program:
        text = f"the hook runs {program}, and the name of the image {read.part['image']} says that it has none"
        seconds = math.ceil(hook.seconds)
        fields = {"lifecycle": {"preStop": {"exec": None, "sleep": {"seconds": seconds}}}}
        said = f"{told(hook.seconds)} of preStop become 0s"
        yield Found(text, app.workload.pods.place(*keys), app.subject("pods"), said,
                    f"write preStop: {{sleep: {{seconds: {seconds}}}}}", patch_of_container(read, fields))  # fmt: skip


@of_app(
    "SS022",
    "no readiness probe",
    Severity.WARNING,
    why="A pod without one is ready as soon as its containers run: the gateway sends it sessions while it starts.",
    source="Kubernetes, prober: without a readiness probe a container is ready once it runs",
    fix="add a readinessProbe to what tells that the application listens",
)
def no_readiness_probe(app: App) -> Iterator[Found]:
    """A start-up probe does as well: the container counts as started after it only."""
    scenario = app.scenario
    deployment, startup = scenario.deployment, scenario.app.startup.mean
    in_front = app.is_stated or app.service is not None
    if (
        not (app.has_pods and in_front)
        or deployment.readiness_probe is not None
        or deployment.startup_probe is not None
    ):
        return
    if app.is_stated and startup <= 0:
        return
    said, text = "", "there is no readiness probe: a pod is listed before it listens"
    n, arrivals = start_replicas(scenario), scenario.traffic.sessions
    if app.is_stated:
        said = f"listed {told(startup)} before it listens, on average (app.startup)"
        if isinstance(arrivals, Poisson) and n:
            met = arrivals.rate / n * startup
            said += (
                f": {arrivals.rate:g}/s ÷ {n} × {told(startup)} = {met:.0f} new sessions meet each new pod too early"
            )
    yield Found(
        text, app.place("deployment.readinessProbe", "pods", "deployment"), app.subject("pods", "deployment"), said
    )
