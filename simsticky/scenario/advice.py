"""What a scenario may say and yet should be looked at twice."""

from collections.abc import Iterator

from pydantic import BaseModel

from simsticky.kong.upstream import THRESHOLD_LIMITS
from simsticky.kubernetes.restart import RULES_SINCE
from simsticky.kubernetes.statefulset import heeds_max_unavailable
from simsticky.scenario.distributions import LawBase
from simsticky.scenario.replicas import warnings_of_start
from simsticky.scenario.sections import Sections
from simsticky.scenario.upstream_settings import checks, passes_threshold, threshold_comparison
from simsticky.units import format_duration


def warnings_of(scenario: Sections) -> tuple[str, ...]:
    """Return the warnings, in the order of the file."""
    return tuple(_warnings(scenario))


def _warnings(scenario: Sections) -> Iterator[str]:
    for path, law in _laws(scenario, ""):
        if law.sd == float("inf"):
            yield f"{path}: the law has no second moment; averages converge slowly, if at all"
    run, deployment = scenario.run, scenario.deployment
    for i, operation in enumerate(scenario.timeline):
        if operation.at_s < run.settle:
            yield (
                f"timeline.{i}: {operation.label} at {format_duration(operation.at_s)} begins before"
                f" run.settle ({format_duration(run.settle)}) is over"
            )
        if operation.at_s >= (run.horizon if run.until == "drained" else min(run.until, run.horizon)):
            when = format_duration(operation.at_s)
            yield f"timeline.{i}: {operation.label} at {when} is after the run's end"
        if operation.kind == "rollout" and deployment.paused:
            yield f"timeline.{i}: {operation.label} does not proceed, the Deployment is paused"
        update = deployment.update_strategy
        if operation.kind == "rollout" and deployment.kind == "StatefulSet" and update.type == "OnDelete":
            yield f"timeline.{i}: {operation.label} replaces no pod: updateStrategy OnDelete waits for their deletion"
        elif operation.kind == "rollout" and update.partition >= max(1, deployment.replicas):
            yield f"timeline.{i}: {operation.label} replaces no pod: updateStrategy.partition leaves all of them out"
    yield from _about_the_release(scenario)
    yield from warnings_of_start(scenario)
    yield from _about_traffic(scenario)
    written = scenario.upstream.healthchecks
    if written is not None and written.threshold and not passes_threshold(scenario):
        version, where = scenario.kic.version, "upstream.healthchecks.threshold"
        yield f"{where}: the controller {version} drops it, 3.5.3 is the first that does not"
    yield from about_health_checks(scenario)
    hook, grace = deployment.pre_stop, deployment.termination_grace_period_seconds
    longest = 0.0 if hook is None else max(hook.seconds, hook.at_most_s)
    if longest > grace:
        yield (
            f"deployment.preStop: {format_duration(longest)} exceeds the grace period of"
            f" {format_duration(grace)}: the hook is not waited for to its end"
        )
    for name, probe in (
        ("readinessProbe", deployment.readiness_probe),
        ("startupProbe", deployment.startup_probe),
    ):
        if probe is not None and probe.timeout_seconds > probe.period_seconds:
            yield f"deployment.{name}: timeoutSeconds exceeds periodSeconds"


def _about_the_release(scenario: Sections) -> Iterator[str]:
    """Yield what the stated release of Kubernetes does not heed."""
    deployment, kubernetes = scenario.deployment, scenario.kubernetes
    most = deployment.update_strategy.max_unavailable
    if deployment.kind == "StatefulSet" and most is not None and not heeds_max_unavailable(kubernetes.release):
        yield (
            f"deployment.updateStrategy.maxUnavailable: Kubernetes {kubernetes.version} does not heed it and updates"
            " one pod at a time; 1.35.0 to 1.35.3 did, and 1.37 does again"
        )
    own = deployment.restart_policy != "Always" or deployment.restart_policy_rules
    if own and not kubernetes.knows(RULES_SINCE):
        yield (
            f"deployment.restartPolicy: in Kubernetes {kubernetes.version} a container has no restart policy of its"
            " own, 1.35 is the first release: it is restarted whatever it exits with"
        )


def _about_traffic(scenario: Sections) -> Iterator[str]:
    traffic, route = scenario.traffic, scenario.ingress.path
    for path in (entry.path for entry in traffic.path_shares):
        if not f"{path}/".startswith(f"{route.rstrip('/')}/") and not route.startswith("/~"):
            yield f"traffic.{'paths' if traffic.paths else 'path'}: clients request {path}, the Ingress routes {route}"
    upstream = scenario.upstream
    by_cookie = upstream.sticky_sessions is not None or (upstream.hash_on is not None and upstream.hash_on.cookie)
    if hashes_nothing(scenario):
        yield "upstream.hashOn: nothing is hashed, so consistent-hashing sends every request to one and the same pod"
    sticky, hashed = upstream.sticky_sessions, upstream.hash_on
    cookie_paths = {
        "stickySessions": None if sticky is None else sticky.cookie_path,
        "hashOn": None if hashed is None else hashed.cookie_path,
    }
    for section, given in cookie_paths.items():
        if given is not None and not given.startswith("/"):
            yield (
                f"upstream.{section}.cookiePath: {given!r} begins without a slash, so that browsers take the directory"
                " of each request instead"
            )
    held = traffic.connections.long_lived
    if held and traffic.idempotent:
        yield "traffic.idempotent: has no effect, connects are GETs, and messages are never sent again"
    if not held and scenario.app.on_sigterm.connections == "close":
        yield "app.onSigterm.connections: has no effect, traffic.connections are per-request"
    if traffic.other_upstream is not None and not by_cookie:
        yield f"traffic.otherUpstream: has no effect, {upstream.algorithm} without a cookie cannot lose one"


def hashes_nothing(scenario: Sections) -> bool:
    """Return whether consistent hashing is told to hash nothing: then all requests have one key."""
    given = scenario.upstream.hash_on
    inputs = {} if given is None else given.model_dump(exclude_none=True)
    return scenario.upstream.algorithm == "consistent-hashing" and inputs in ({}, {"input": "none"})


def about_health_checks(scenario: Sections) -> Iterator[str]:
    """Yield where health checks do not do what they say, each as ``path: message``."""
    settings = checks(scenario)
    active, passive = settings.active, settings.passive
    where = "upstream.healthchecks"
    if settings.threshold == THRESHOLD_LIMITS[1] and threshold_comparison(scenario) == "gt":
        yield f"{where}.threshold: no share exceeds 100 percent, so that every request gets 503"
    if active.type == "tcp" and (active.healthy.interval_s or active.unhealthy.interval_s):
        yield f"{where}.active: Kong does not run probes of type tcp for HTTP services"
    elif active.probes and not (active.unhealthy.http_failures or active.unhealthy.tcp_failures):
        yield (
            f"{where}.active: httpFailures and tcpFailures are 0: neither error answers nor refused connections mark a"
            " target unhealthy"
        )
    limits = (passive.unhealthy.http_failures, passive.unhealthy.tcp_failures, passive.unhealthy.timeouts)
    if any(limits) and not (active.probes and active.unhealthy.interval_s and active.healthy.successes):
        yield f"{where}.passive: nothing brings an unhealthy target back, it takes active probes of unhealthy ones"


def _laws(model: BaseModel, prefix: str) -> Iterator[tuple[str, LawBase]]:
    for name, field in type(model).model_fields.items():
        value, path = getattr(model, name), f"{prefix}{field.alias or name}"
        parts = {f"{path}.{i}": item for i, item in enumerate(value)} if isinstance(value, tuple) else {path: value}
        for where, part in parts.items():
            if isinstance(part, LawBase):
                yield where, part
            elif isinstance(part, BaseModel):
                yield from _laws(part, f"{where}.")
