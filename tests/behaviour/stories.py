"""Tiny deterministic scenarios, and what happened in them in words a test can ask for.

All delays are 0 unless a story says otherwise, clients send at the times it names, and three pods are ready at 0.
"""

import csv
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import Any

from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.simulate import simulate
from simsticky.workload.trace import COLUMNS

SERVICE_S = 0.25
"""Service demand of every request unless a story says otherwise; a binary fraction, so that times come out exactly."""

QUIET: dict[str, Any] = {
    "schema": "simsticky/1",
    "run": {"until": "10m", "settle": "0s", "skewFloor": False, "replications": 1},
    "app": {"startup": "5s", "onSigterm": "exit"},
    "deployment": {"name": "app", "replicas": 3, "grace": "60s", "preStop": "30s"},
    "upstream": {
        "algorithm": "sticky-sessions",
        "hashOn": {"input": "none"},
        "stickySessions": {"cookie": "session_id"},
    },
    "kic": {"enableDrainSupport": True, "proxySyncSeconds": 0, "delays": "0s"},
    "kubernetes": {"delays": "0s"},
}
DRAIN_OFF = {"kic": {"enableDrainSupport": False}}


def scale_to(replicas: int, at_s: float = 100.0) -> dict[str, Any]:
    """Return the timeline of one scale operation."""
    return {"timeline": [{"at": at_s, "scale": "app", "replicas": replicas}]}


def rollout(at_s: float = 100.0, **more: Any) -> dict[str, Any]:
    """Return the timeline of one rollout."""
    return {"timeline": [{"at": at_s, "rollout": "app", **more}]}


def plain(algorithm: str) -> dict[str, Any]:
    """Return an upstream of an algorithm without settings."""
    return {"upstream": {"algorithm": algorithm, "hashOn": None, "stickySessions": None}}


def hashed(fallback: dict[str, Any] | None = None, **on: Any) -> dict[str, Any]:
    """Return a consistent-hashing upstream."""
    return {
        "upstream": {
            "algorithm": "consistent-hashing",
            "stickySessions": None,
            "hashOn": {"input": None, **on},
            "hashOnFallback": fallback,
        }
    }


def checks(threshold: int = 0, **kinds: Any) -> dict[str, Any]:
    """Return an upstream's health checks."""
    return {"upstream": {"healthchecks": {"threshold": threshold, **kinds}}}


def active(interval: int = 5, *, successes: int = 1, unhealthy: int = 5, **limits: int) -> dict[str, Any]:
    """Return active checks with an interval each for healthy and unhealthy targets."""
    healthy = {"interval": interval, "successes": successes}
    return {"active": {"timeout": 1, "healthy": healthy, "unhealthy": {"interval": unhealthy, **limits}}}


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return mappings laid over each other, the later ones on top."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            both = isinstance(below, Mapping) and isinstance(value, Mapping)
            result[key] = merged(below, value) if both else value
    return result


def write_trace(folder: Path, clients: Sequence[Sequence[float]], service_s: float) -> str:
    """Write clients, each the times of its sends (in order of the first), as a trace file; return its path."""
    path = folder / "clients.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, sends in enumerate(clients):
            for request, sent_s in enumerate(sends, start=1):
                after_s = sends[request] if request < len(sends) else sent_s + service_s
                writer.writerow([f"client-{number}", sends[0], request, after_s - sent_s - service_s, service_s])
    return str(path)


def scenario_of(
    folder: Path, clients: Sequence[Sequence[float]], *layers: Mapping[str, Any], service_s: float = SERVICE_S
) -> Scenario:
    """Return the quiet scenario with these clients and changes."""
    trace = {"traffic": {"trace": write_trace(folder, clients, service_s)}}
    return Scenario.model_validate(merged(QUIET, trace, *layers))


def tell(
    folder: Path,
    clients: Sequence[Sequence[float]],
    *layers: Mapping[str, Any],
    service_s: float = SERVICE_S,
    seed: int = 1,
) -> "Story":
    """Simulate the quiet scenario with these clients and changes, its invariants checked."""
    return Story(simulate(scenario_of(folder, clients, *layers, service_s=service_s), seed, verify=True))


class Story:
    """What happened."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.summary = result.summary

    @cached_property
    def _requests(self) -> list[Any]:
        return list(self.result.requests.itertuples(index=False))

    @cached_property
    def pods(self) -> list[Any]:
        """The pods in order of creation."""
        return list(self.result.pods.itertuples(index=False))

    @cached_property
    def events(self) -> list[Any]:
        """The lines of the story."""
        return list(self.result.events.itertuples(index=False))

    @cached_property
    def operation(self) -> Any:
        """The only operation."""
        (row,) = self.result.operations.itertuples(index=False)
        return row

    @property
    def left(self) -> list[Any]:
        """The pods that were never deleted."""
        return [pod for pod in self.pods if isnan(pod.deleted_s)]

    @property
    def removed(self) -> Any:
        """The only pod that was deleted."""
        (pod,) = [pod for pod in self.pods if not isnan(pod.deleted_s)]
        return pod

    def requests(self, session: int) -> list[Any]:
        """The requests of a session, in order of sending."""
        return [row for row in self._requests if row.session == session]

    def answered_by(self, session: int) -> list[str]:
        """The pods that answered a session's requests, in order."""
        return [row.pod for row in self.requests(session) if row.outcome == "answered"]

    def outcomes(self, session: int) -> list[str]:
        """How a session's requests ended, in order."""
        return [row.outcome for row in self.requests(session)]

    def breaks(self, session: int) -> list[tuple[float, str, str, str]]:
        """A session's breaks: when the request was sent, lost or stale, mechanism and origin."""
        return [(r.sent_s, r.broke, r.mechanism, r.origin) for r in self.requests(session) if r.broke]

    def at_home_on(self, pod: str) -> list[int]:
        """The sessions whose first request was answered by a pod."""
        numbers = sorted({row.session for row in self._requests})
        return [number for number in numbers if self.answered_by(number)[:1] == [pod]]

    def when(self, kind: str, subject: str | None = None, detail: str = "") -> float:
        """The time of the first event of a kind (about a subject, with a detail)."""
        return self.all_times(kind, subject, detail)[0]

    def all_times(self, kind: str, subject: str | None = None, detail: str = "") -> list[float]:
        """The times of all events of a kind (about a subject, with a detail)."""
        return [
            event.at_s
            for event in self.events
            if event.kind == kind and subject in (None, event.subject) and detail in event.detail
        ]

    def pushed(self, detail: str, node: int = 1) -> float:
        """When a node first applied a push that says this."""
        return next(
            event.at_s
            for event in self.events
            if event.kind == "pushed" and event.actor == f"kong-{node}" and detail in event.detail
        )


def verdicts(story: Story, node: int = 1) -> list[tuple[float, str, str]]:
    """Return a node's verdicts: when, which, and on whom."""
    found = ("healthy", "unhealthy")
    return [(e.at_s, e.kind, e.subject) for e in story.events if e.kind in found and e.actor == f"kong-{node}"]
