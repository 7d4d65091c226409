"""A scenario, a simulate and metrics small enough to check a study by hand; workers import this module."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

from simsticky.errors import InvariantError
from simsticky.scenario.location import Place
from simsticky.scenario.report import ManifestNote, ManifestReport


@dataclass(frozen=True)
class StubMetric:
    name: str
    unit: str
    definition: str = "what it means"
    numerator: str | None = None
    denominator: str | None = None
    until: bool = False
    waits: bool = False


_ALL = [
    StubMetric(
        "broken_sessions",
        "share",
        "Exposed sessions with at least one break, of all sessions whose state was on a deleted pod.",
        "broken_exposed_sessions",
        "exposed_sessions",
    ),
    StubMetric("broken_of_alive", "share", "d", "broken_alive_sessions", "alive_sessions"),
    StubMetric("breaks_per_session", "ratio", "d", "breaks", "exposed_sessions"),
    StubMetric("failed_requests", "share", "d", "requests_failed", "requests_sent"),
    StubMetric("background_broken_sessions", "share", "d", "background_broken_sessions_count", "sessions_seen"),
    StubMetric("censored_sessions", "share", "d", "censored_sessions_count", "sessions_seen"),
    StubMetric("requests_unfinished", "count"),
    StubMetric("peak_pods", "count"),
    StubMetric("failed.bad_gateway_502", "count"),
    StubMetric("failed.reset", "count"),
    StubMetric("mechanism.target_removed", "count"),
    StubMetric("mechanism.refused", "count"),
    StubMetric("origin.drain_window_too_short", "count"),
    StubMetric("rollout_done_s", "seconds"),
    StubMetric("last_old_pod_gone_s", "seconds"),
    StubMetric("latency_p50_s", "seconds"),
    StubMetric("latency_p95_s", "seconds"),
    StubMetric("latency_p99_s", "seconds"),
    StubMetric("load_skew.sessions.serving.max_to_mean", "ratio"),
    StubMetric("load_skew_excess.sessions.serving.max_to_mean", "ratio"),
    StubMetric("load_skew.sessions.serving.cv", "ratio"),
]
METRICS = {metric.name: metric for metric in _ALL}


RUN = {"replications": 30, "seed": 7, "until": 1800.0, "horizon": 7200.0, "settle": 60.0}
"""What a scenario says about its runs."""


def rollout(target, at_s=600.0):
    """An entry of the timeline."""
    names = {"kind": "rollout", "target": target, "noun": "rollout", "label": f"rollout {target}"}
    return SimpleNamespace(**names, at_s=at_s, times=1, every=None, lasts_s=None)


@dataclass(frozen=True)
class StubScenario:
    name: str = "rolling"
    thresholds: dict = field(default_factory=lambda: {"broken_sessions": "< 1%", "failed_requests": "< 0.1%"})
    provenance: dict = field(default_factory=lambda: {"thresholds.broken_sessions": "rolling.yaml:18"})
    warnings: tuple = ()
    timeline: tuple = (rollout("app"),)
    app: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(state="pod"))
    autoscaler: None = None
    guessed: tuple = ()
    run: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(**RUN))
    manifest_report: ManifestReport = field(
        default_factory=lambda: ManifestReport(
            read=(ManifestNote("a.yaml", 3, "Deployment app: spec.replicas", "3"),),
            ignored=(ManifestNote("a.yaml", 9, "Deployment app: spec.template.spec.affinity"),),
        )
    )

    @property
    def operations(self):
        return self.timeline

    def came_from(self, path):
        return self.provenance.get(path, "default")

    @property
    def places(self):
        """A place of each stated value; all of them begin in column 20."""
        stated = {path: origin.rpartition(":") for path, origin in self.provenance.items()}
        return {path: Place(file, int(line), 20, path) for path, (file, _, line) in stated.items()}

    def digest(self):
        return "0123456789abcdef"

    def to_json_dict(self):
        return {"name": self.name, "thresholds": dict(self.thresholds)}


def simulate(scenario, *, seed, replication):
    """Numbers of the right shape that depend on seed and replication alone."""
    rng = random.Random(f"{seed}/{replication}")
    exposed = 1100 + rng.randrange(200)
    broken = round(exposed * rng.uniform(0.3, 0.36))
    stuck = replication % 10 == 9
    summary = {
        "exposed_sessions": exposed,
        "broken_exposed_sessions": broken,
        "alive_sessions": exposed + 900,
        "broken_alive_sessions": broken - 20,
        "breaks": broken + 31,
        "requests_sent": 240_000,
        "requests_failed": 0,
        "sessions_seen": 9000,
        "background_broken_sessions_count": rng.randrange(80, 120),
        "censored_sessions_count": 0,
        "requests_unfinished": rng.randrange(3),
        "peak_pods": 5,
        "failed.bad_gateway_502": 0,
        "failed.reset": 0,
        "mechanism.target_removed": broken,
        "mechanism.refused": 31,
        "origin.drain_window_too_short": broken + 31,
        "rollout_done_s": None if stuck else rng.uniform(70, 90),
        "last_old_pod_gone_s": rng.uniform(160, 170),
        "latency_p50_s": rng.uniform(0.040, 0.042),
        "latency_p95_s": rng.uniform(0.11, 0.12),
        "latency_p99_s": rng.uniform(0.9, 1.3),
        "load_skew.sessions.serving.max_to_mean": rng.uniform(1.4, 1.6),
        "load_skew_excess.sessions.serving.max_to_mean": rng.uniform(0.3, 0.5),
        "load_skew.sessions.serving.cv": float("nan"),
    }
    operations = [{"operation": "rollout app", "start_s": 600.0, "broken": broken}]
    return SimpleNamespace(
        summary=summary,
        digest=f"{rng.getrandbits(64):016x}",
        warnings=("the rollout did not end",) if stuck else (),
        operation_rows=operations,
        waits=None,
    )


def interrupted_at_12(scenario, *, seed, replication):
    """Ctrl-C arrives while replication 12 runs."""
    if replication == 12:
        raise KeyboardInterrupt
    return simulate(scenario, seed=seed, replication=replication)


def dies_from_the_third_on(scenario, *, seed, replication):
    """Return what is simulated of the first three replications; any other kills its process."""
    return simulate(scenario, seed=seed, replication=replication) if replication < 3 else os._exit(1)


def dies_at_12(scenario, *, seed, replication):
    """The kernel kills the worker that has replication 12."""
    if replication == 12:
        os._exit(9)
    return simulate(scenario, seed=seed, replication=replication)


def violates(scenario, *, seed, replication):
    """The model contradicts itself."""
    raise InvariantError("a dead container answered")


def slow_from_2(scenario, *, seed, replication):
    """The first two replications take a moment, the others longer than a test may."""
    time.sleep(0.05 if replication == 0 else 0.5 if replication == 1 else 120)
    return simulate(scenario, seed=seed, replication=replication)
