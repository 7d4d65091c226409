"""Rules about how many pods there are, and how they are replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simsticky.annotations.record import Severity
from simsticky.kubernetes.deployment_spec import resolve_fenceposts
from simsticky.kubernetes.statefulset import heeds_max_unavailable
from simsticky.lint.apps import App
from simsticky.lint.figures import percent, told
from simsticky.lint.objects import Objects
from simsticky.lint.rules.registry import Found, of_app, of_objects
from simsticky.scenario.replicas import start_replicas
from simsticky.units import scaled_int_or_percent

_SYNC_S = 15
"""Period of the HPA controller."""


def _bounds(objects: Objects) -> Iterator[tuple[Any, Any, int, int, int]]:
    """Yield each workload that states replicas beside an autoscaler, the autoscaler, replicas, least and most."""
    for workload in objects.workloads:
        scaler, replicas = objects.scaler_of(workload), workload.owner.get("spec", "replicas")
        is_live = workload.owner.get("metadata", "uid") is not None  # kubectl get: the number is the autoscaler's own
        if scaler is None or not isinstance(replicas, int) or replicas == 0 or is_live:
            continue
        least, most = scaler.get("spec", "minReplicas"), scaler.get("spec", "maxReplicas")
        if isinstance(most, int):
            yield workload, scaler, replicas, least if isinstance(least, int) else 1, most


@of_objects(
    "SS009",
    "replicas in a manifest whose autoscaler owns them",
    Severity.WARNING,
    why="Each apply sets the number in the manifest: pods with their sessions are deleted, and the autoscaler brings"
    " others at its next sync.",
    source="Kubernetes, HorizontalPodAutoscaler: migrating Deployments to horizontal autoscaling",
    fix="delete the line, after kubectl apply edit-last-applied has taken replicas out, or the next apply sets 1",
)
def replicas_beside_an_autoscaler(objects: Objects) -> Iterator[Found]:
    """Within the autoscaler's bounds; what is outside of them is SS019."""
    for workload, scaler, replicas, least, most in _bounds(objects):
        if not least <= replicas <= most:
            continue
        text = f"replicas is {replicas}, and {scaler.label} scales between {least} and {most}"
        worst = most - replicas
        said = f"at {most} pods an apply deletes {most} − {replicas} = {worst}, {percent(worst / most)} of the sessions"
        place = workload.owner.place("spec", "replicas")
        yield Found(text, place, workload.label, said if worst else f"{least} ≤ {replicas} ≤ {most}")


@of_objects(
    "SS019",
    "replicas outside the autoscaler's bounds",
    Severity.WARNING,
    why="The autoscaler goes to its bound at its first sync, without looking at any metric.",
    source="Kubernetes, podautoscaler/horizontal.go: current above max goes to max, below min to min, at once",
    fix="delete replicas from the manifest, or move the bounds",
)
def replicas_outside_the_bounds(objects: Objects) -> Iterator[Found]:
    """An apply then deletes pods, or starts them, each time."""
    for workload, scaler, replicas, least, most in _bounds(objects):
        if least <= replicas <= most:
            continue
        bound = min(max(replicas, least), most)
        text = f"replicas is {replicas}, outside the {least} to {most} of {scaler.label}"
        said = f"{replicas} → {bound} within {_SYNC_S} s of every apply"
        if replicas > most:
            said += f": {replicas} − {most} = {replicas - most} pods are deleted with their sessions"
        yield Found(text, workload.owner.place("spec", "replicas"), workload.label, said)


@of_app(
    "SS011",
    "Recreate, or a single pod",
    Severity.WARNING,
    why="Every rollout meets all sessions at once: with Recreate nothing serves them until the new pods are up, and the"
    " sessions of a single pod have no other to move to.",
    source="Kubernetes, recreate.go: no new pod before the last old one is gone",
    fix="use a rolling update of two pods or more",
)
def all_at_once(app: App) -> Iterator[Found]:
    """A single pod only where no autoscaler may bring others."""
    deployment, scaler = app.scenario.deployment, app.scenario.autoscaler
    if not app.has_pods:
        return
    if deployment.strategy.type == "Recreate" and deployment.kind == "Deployment":
        hook = 0.0 if deployment.pre_stop is None else deployment.pre_stop.seconds
        startup = app.scenario.app.startup.mean if app.is_stated else 0.0
        said = f"outage of at least {told(hook)} (preStop) + the application's end and start"
        if startup:
            said = f"outage of at least {told(hook)} (preStop) + {told(startup)} (app.startup) = {told(hook + startup)}"
        settings = {"deployment.strategy.type": "RollingUpdate"}
        yield Found("the strategy is Recreate: all old pods end before the first new one starts",
                    app.place("deployment.strategy.type", "deployment"), app.subject("deployment"), said,
                    patches=app.change(settings), settings=settings)  # fmt: skip
    if start_replicas(app.scenario) == 1 and (scaler is None or scaler.max_replicas == 1):
        two: dict[str, Any] = {"deployment.replicas": 2}
        how = "1 of 1 = 100 % of the sessions are on the pod that goes"
        stated = "replicas is 1" if app.states("deployment.replicas") else "replicas is left out: 1"
        yield Found(stated, app.place("deployment.replicas", "deployment"), app.subject("deployment"), how,
                    patches=app.change(two), settings=two)  # fmt: skip


@of_app(
    "SS013",
    "a percentage that rounds to something else",
    Severity.NOTE,
    why="maxSurge rounds up and maxUnavailable down: of few pods a percentage is another share than it says, and it"
    " decides how many sessions are hit at a time.",
    source="Kubernetes, deployment_util.go: ResolveFenceposts",
    fix="write numbers of pods",
)
def rounding(app: App) -> Iterator[Found]:
    """Told where maxUnavailable rounds to nothing, or both do: then one pod may be missing after all."""
    deployment, path = app.scenario.deployment, "deployment.strategy.rollingUpdate"
    if not app.has_pods or deployment.kind != "Deployment" or deployment.strategy.type != "RollingUpdate":
        return
    surge, unavailable = (
        deployment.strategy.rolling_update.max_surge,
        deployment.strategy.rolling_update.max_unavailable,
    )
    n = start_replicas(app.scenario)
    if n == 0 or not app.states(f"{path}.maxUnavailable") or not isinstance(unavailable, str):
        return
    exact = float(unavailable.rstrip("%")) * n / 100
    up, down = resolve_fenceposts(surge, unavailable, n)
    if exact == 0 or down == exact or int(exact) > 0:
        return
    text = f"maxUnavailable {unavailable} of {n} pods is {down}, and maxSurge {surge} is {up}"
    said = f"{unavailable} × {n} = {exact:g}, rounded down: 0" + (", and both at 0 make it 1" if down else "")
    yield Found(text, app.place(f"{path}.maxUnavailable", "deployment"), app.subject("deployment"), said)


@of_app(
    "SS018",
    "maxUnavailable of a StatefulSet on a release that does not heed it",
    Severity.WARNING,
    why="The rollout then takes one pod at a time, and several times as long: the feature is off in most releases.",
    source="Kubernetes, feature gate MaxUnavailableStatefulSet: on in 1.35.0 to 1.35.3 and from 1.37 on",
    fix="count on one pod at a time, or run Kubernetes 1.37",
)
def unheeded_max_unavailable(app: App) -> Iterator[Found]:
    """Without a stated release it is said, too: nobody knows."""
    deployment, release = app.scenario.deployment, app.scenario.kubernetes.release
    most = deployment.update_strategy.max_unavailable
    if deployment.kind != "StatefulSet" or most is None or (release and heeds_max_unavailable(release)):
        return
    n = start_replicas(app.scenario)
    pods = max(1, scaled_int_or_percent(most, n, round_up=False))
    if pods == 1:
        return
    where = f"Kubernetes {app.scenario.kubernetes.version} does not heed" if release else "most releases do not heed"
    said = f"{n} steps instead of {-(-n // pods)}: {n} pods one at a time, not {pods}"
    path = "deployment.updateStrategy.maxUnavailable"
    yield Found(f"{where} maxUnavailable {most}", app.place(path, "deployment"), app.subject("deployment"), said)
