"""Guesses for what manifests do not say, sized so that the first answer comes at once and means something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simsticky.scenario.model import Scenario, Traffic
from simsticky.study.draft.asked import Asked
from simsticky.study.draft.values import Value, flow
from simsticky.units import format_duration, parse_duration

_SESSION = {"p50": "6m", "p95": "40m"}
_THINK = {"kind": "exponential", "mean": "10s"}
_SERVICE = {"p50": "50ms", "p99": "500ms"}
_STARTUP = {"mean": "20s", "cv": 0.4}
_KEEP = 0.98
_RPS_A_POD, _MOST_RPS = 10, 200
_SLOTS = 16
_NODES = 2
_BELOW_TARGET = 0.9
"""The load is put a little below what the pods of an autoscaled application are for, so that noise moves nothing."""

_TIMES = ("mean", "median", "p10", "p25", "p50", "p75", "p90", "p95", "p99")


def guesses(scenario: Scenario, asked: Asked, given: Mapping[str, Any]) -> list[Value]:
    """Return the values that the manifests leave open: stated where somebody did, else guessed.

    Args:
        scenario: What the manifests and ``--set`` come to, the rest by default.
        asked: What was stated.
        given: The sections that manifests and ``--set`` fill, which are left alone.
    """
    found = [*_traffic(scenario, asked), *_application(scenario, asked), *_around(scenario, asked)]
    return [value for value in found if not is_given(given, value.path)]


def is_given(given: Any, path: tuple[str, ...]) -> bool:
    """Return whether sections of a scenario hold a value at a path."""
    for key in path:
        if not isinstance(given, Mapping) or key not in given:
            return False
        given = given[key]
    return True


def _traffic(scenario: Scenario, asked: Asked) -> list[Value]:
    others = {path[1] for path in asked.settings if path[0] == "traffic" and len(path) > 1}
    if "trace" in others:
        return []
    found = []
    if asked.rps is not None or "sessions" not in others:
        found.append(_rps(scenario, asked))
    if asked.session is not None or not {"requests", "sessionDuration"} & others:
        text = "GUESS: half of the sessions end within 6 minutes, 1 in 20 lasts 40"
        found.append(_law("traffic.session", "--session", asked.session, _SESSION, text))
    found.append(_law("traffic.think", "--think", asked.think, _THINK, "GUESS: from an answer to the next request"))
    found.append(_law("traffic.service", "--service", asked.service, _SERVICE, "GUESS: the time of one request"))
    keep = ("traffic", "cookies", "keep")
    if asked.keep is not None:
        return [*found, Value(keep, flow(asked.keep), "stated: --cookieless")]
    return [*found, Value(keep, flow(_KEEP), "GUESS: 2 % of the clients keep no cookie", ("0.9", "1"))]


def _rps(scenario: Scenario, asked: Asked) -> Value:
    path = ("traffic", "rps")
    if asked.rps is not None:
        return Value(path, asked.rps.strip(), "stated: --rps")
    pods = _usual_pods(scenario)
    amount = min(_RPS_A_POD * pods, _MOST_RPS)
    origin = f"GUESS: requests per second of all clients, for {pods} pods"
    return Value(path, flow(amount), origin, (flow(amount // 2), flow(amount * 2)))


def _application(scenario: Scenario, asked: Asked) -> list[Value]:
    found = [
        _law("app.startup", "--pods-start", asked.startup, _STARTUP, "GUESS: from container start to listening"),
        Value(("app", "concurrency"), flow(_SLOTS), "GUESS: requests that a pod works on at a time"),
        Value(
            ("app", "onSigterm"),
            "finishInFlight",
            "GUESS: finishes its requests, then exits; or exit, ignore",
            ("exit", "finishInFlight"),
        ),
        Value(("app", "state"), "pod", "GUESS: sessions in the pods' memory; external: none can break"),
    ]
    return found + _scaling(scenario, asked)


def _scaling(scenario: Scenario, asked: Asked) -> list[Value]:
    """Return what lets the autoscaler keep the usual number of pods with the traffic that was stated or guessed."""
    scaler = scenario.autoscaler
    if scaler is None:
        return []
    pods = _usual_pods(scenario)
    traffic = Traffic.model_validate({"rps": asked.rps or _RPS_A_POD * pods, "service": asked.service or _SERVICE})
    busy = (traffic.rps or 0.0) * traffic.service.mean
    wanted = _BELOW_TARGET * pods * scenario.app.concurrency * scaler.target_utilization / 100
    share = min(max(float(f"{busy / wanted:.2g}"), 1e-4), 1.0)
    return [
        Value(("autoscaler", "startAt"), "equilibrium", "GUESS: begin with the pods that the load needs"),
        Value(
            ("autoscaler", "requestShare"), flow(share), f"GUESS: CPU request, such that this load keeps {pods} pods"
        ),
    ]


def _around(scenario: Scenario, asked: Asked) -> list[Value]:
    drain = Value(
        ("kic", "enableDrainSupport"),
        "false",
        "GUESS: no manifest of the controller; off is KIC's default",
        ("false", "true"),
    )
    return [Value(("gateway", "nodes"), flow(_NODES), "GUESS: gateway pods"), drain]


def _law(name: str, flag: str, stated: Mapping[str, Any] | None, guess: Mapping[str, Any], why: str) -> Value:
    path = tuple(name.split("."))
    if stated is not None:
        return Value(path, flow(stated), f"stated: {flag}")
    # Service and slots say how near the pods are to their limit, and so does the rate: it is moved for all three.
    ends = () if name == "traffic.service" else (flow(scaled(guess, 0.5)), flow(scaled(guess, 2.0)))
    return Value(path, flow(guess), why, ends)


def scaled(law: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """Return a law whose times are longer by a factor."""
    return {
        key: format_duration(factor * parse_duration(value)) if key in _TIMES else value for key, value in law.items()
    }


def _usual_pods(scenario: Scenario) -> int:
    """Return how many pods run on a usual day: those of the manifest, or a few more than an autoscaler's fewest."""
    stated, scaler = max(scenario.deployment.replicas, 1), scenario.autoscaler
    if scaler is None or scaler.min_replicas < stated < scaler.max_replicas:
        return stated
    return min(scaler.min_replicas + max((scaler.max_replicas - scaler.min_replicas) // 4, 1), scaler.max_replicas)
