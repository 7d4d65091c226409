"""With how many pods a scenario starts, and whether its autoscaler leaves it at that (docs/model.md, rules A)."""

from collections.abc import Iterator, Mapping
from math import ceil, inf
from typing import Any, NamedTuple

from simsticky.kubernetes.autoscaler import SCALE_DOWN
from simsticky.scenario.autoscaler import Autoscaler
from simsticky.scenario.problems import Problem
from simsticky.scenario.sections import Sections
from simsticky.scenario.traffic import Traffic
from simsticky.units import format_duration

PER_HPA_TOLERANCE_SINCE = (1, 35)
"""Kubernetes' first release that heeds the tolerance of a single HPA (KEP-4951: beta and on)."""


class Move(NamedTuple):
    """Where an autoscaler goes by itself: from and to how many pods, at which utilisation in percent, and when."""

    before: int
    after: int
    utilization: int
    after_s: float


def start_replicas(scenario: Sections) -> int:
    """Return the number of pods at 0: the Deployment's, within the bounds of an autoscaler that is on (rule A6)."""
    scaler, stated = scenario.autoscaler, scenario.deployment.replicas
    if scaler is None or stated == 0:
        return stated
    if scaler.start_at == "equilibrium":
        return _wanted(scaler, _busy_slots(scenario), scenario.app.concurrency)
    return min(max(stated, scaler.min_replicas), scaler.max_replicas)


def first_move(scenario: Sections) -> Move | None:
    """Return what the autoscaler does by itself at the load of the start (rule A7), None if nothing or if nobody knows.

    The load is what the laws of the traffic come to in the mean; a trace has none.
    """
    scaler, before = scenario.autoscaler, start_replicas(scenario)
    if scaler is None or before == 0 or scenario.traffic.trace is not None:
        return None
    busy = _busy_slots(scenario)
    most = 100 / scaler.request_share
    utilization = int(min(most, most * busy / (before * scenario.app.concurrency)))
    after = _wanted(scaler, busy, scenario.app.concurrency)
    down = after < before
    tolerance = tolerances(scenario)[down]
    if after == before or abs(utilization / scaler.target_utilization - 1.0) <= tolerance:
        return None
    rules = None if scaler.behavior is None else scaler.behavior.scale_down if down else scaler.behavior.scale_up
    if rules is not None and rules.select_policy == "Disabled":
        return None
    window = None if rules is None else rules.stabilization_window_seconds
    if window is None:
        window = int(SCALE_DOWN.stabilization_s) if down else 0
    return Move(before, after, utilization, max(window, scaler.metric_resolution + scaler.metric_delay))


def tolerances(scenario: Sections) -> tuple[float, float]:
    """Return the tolerance up and down: an HPA's own where the release heeds it, else the cluster's (rule A8)."""
    scaler = scenario.autoscaler
    assert scaler is not None
    up = down = scaler.tolerance
    if scaler.behavior is not None and scenario.kubernetes.knows(PER_HPA_TOLERANCE_SINCE):
        own = scaler.behavior.scale_up.tolerance, scaler.behavior.scale_down.tolerance
        up, down = (scaler.tolerance if given is None else given for given in own)
    return up, down


def warnings_of_start(scenario: Sections) -> Iterator[str]:
    """Yield what an autoscaler makes of the stated number of pods."""
    scaler, stated = scenario.autoscaler, scenario.deployment.replicas
    if scaler is None:
        return
    if stated == 0:
        yield "deployment.replicas: 0 turns the autoscaler off, it leaves alone what somebody has scaled to 0"
        return
    start = start_replicas(scenario)
    by_default = stated == 1 and scenario.came_from("deployment.replicas") == "default"
    if scaler.start_at == "manifest" and start != stated and not by_default:
        bounds = f"{scaler.min_replicas} to {scaler.max_replicas}"
        yield f"deployment.replicas: {stated} is outside the autoscaler's {bounds}: the run starts with {start}"
    rules = () if scaler.behavior is None else (scaler.behavior.scale_up, scaler.behavior.scale_down)
    if any(rule.tolerance is not None for rule in rules) and not scenario.kubernetes.knows(PER_HPA_TOLERANCE_SINCE):
        release = ".".join(map(str, PER_HPA_TOLERANCE_SINCE))
        yield (
            f"autoscaler.behavior: Kubernetes {scenario.kubernetes.version} does not heed an autoscaler's own"
            f" tolerance, {release} is the first: the cluster's {scaler.tolerance:g} counts"
        )
    move = first_move(scenario)
    if move is not None:
        more = "above" if move.after > move.before else "below"
        utilization = f"{move.utilization} %" if move.utilization else "less than 1 %"
        yield (
            f"autoscaler: it goes from {move.before} to {move.after} pods by itself from about"
            f" {format_duration(move.after_s)} on: the traffic at the start comes to a utilisation of"
            f" {utilization}, {more} its target of {scaler.target_utilization} %; set traffic.sessions or"
            f" deployment.replicas: {move.after}, or autoscaler.startAt: equilibrium"
        )


def no_equilibrium(written: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a start in equilibrium; any part of the scenario may be of any type."""
    scaler, traffic = written.get("autoscaler"), written.get("traffic")
    asked = isinstance(scaler, Mapping) and scaler.get("startAt") == "equilibrium"
    if not asked or not isinstance(traffic, Mapping) or traffic.get("trace") is None:
        return []
    text = "a trace has no equilibrium that an autoscaler could be in"
    return [Problem(("autoscaler", "startAt"), text, "state deployment.replicas, and leave startAt out")]


def _wanted(scaler: Autoscaler, busy: float, concurrency: int) -> int:
    """Return the number of pods, within the bounds, at which the autoscaler stays."""
    per_pod = concurrency * scaler.request_share * scaler.target_utilization / 100
    return min(max(ceil(busy / per_pod - 1e-9), scaler.min_replicas), scaler.max_replicas)


def _busy_slots(scenario: Sections) -> float:
    """Return how many slots are busy in the mean at the start, as if no request had to wait."""
    traffic = scenario.traffic
    service_s = traffic.service.mean
    if traffic.sessions.kind == "closed":
        share = service_s / max(service_s + traffic.think.mean, 1e-9)
        requests = _requests(traffic)
        if requests < inf:
            cycle_s = requests * (service_s + traffic.think.mean) + traffic.sessions.pause.mean
            share = requests * service_s / max(cycle_s, 1e-9)
        return traffic.sessions.population * share
    return traffic.sessions.start_rate * _requests(traffic) * service_s


def _requests(traffic: Traffic) -> float:
    """Return how many requests a session has in the mean."""
    if traffic.session_duration is not None:
        return 1.0 + traffic.session_duration.mean / max(traffic.think.mean, 1e-9)
    return inf if traffic.requests == "endless" else traffic.requests.mean
