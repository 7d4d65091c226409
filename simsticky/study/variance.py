"""Less variance from the same replications: a control variate, and conditional expectation for rare breaks.

**Control variate.** How many sessions are alive when the operation starts is luck whose mean is known exactly: with
Poisson arrivals in equilibrium it is rate x mean length (M/G/infinity). Counts of breaks are corrected for it. The
control counts sessions by their think times alone, service left out, so that its mean is exact whatever the service;
what service adds only makes it correlate a little less.

**Conditional expectation.** A session on a pod that is deleted breaks when it is still alive after the pod's window W
(from the deletion until the pod answers no more). At age a that has the probability P(S > a + W) / P(S > a) for a
session length S of known law, whatever else happens, as long as W does not depend on the sessions. Replacing the
outcome by this probability keeps the mean, exactly, and takes the session's own luck out; for memoryless lengths
nothing random is left. It sees breaks that no replication has seen.

That is exact only where the length is a law of its own and nothing feeds back on it, so it is offered only where
:func:`why_not_rare` finds nothing in the way; and in every replication the exposed and the broken sessions found from
their ages must be the ones that were counted. Service is in the way whatever its law: a session's length then depends
on how many requests lie ahead of it and on the queues they meet, which its age does not tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simsticky.recording.record import SESSION_COLUMNS
from simsticky.scenario.cluster_operations import TrafficChange
from simsticky.scenario.distributions import Constant, Exponential, Geometric
from simsticky.scenario.law import ContinuousLaw
from simsticky.stats.control_variates import controlled_mean
from simsticky.stats.intervals import Interval, ratio_of_sums
from simsticky.workload.generate import Workload

if TYPE_CHECKING:
    from simsticky.recording.pods import PodRecord
    from simsticky.recording.record import Recording
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario
    from simsticky.study.case import Simulate
    from simsticky.study.replicate import Study
    from simsticky.workload.columns import SessionBlock

ALIVE, EXPECTED = "control.alive_sessions", "rare.broken_expected"

_CONTROLLED = ("broken_exposed_sessions", "breaks")


@dataclass(frozen=True, slots=True)
class Reduction:
    """An estimate with less variance beside the plain one.

    Attributes:
        metric: The metric.
        unit: Its unit.
        method: ``control variate`` or ``conditional expectation``.
        plain: The plain estimate.
        reduced: The one with less variance.
    """

    metric: str
    unit: str
    method: str
    plain: Interval
    reduced: Interval

    @property
    def variance_ratio(self) -> float | None:
        """The square of how much narrower the interval has become; None where it has no width at all."""
        before, after = _width(self.plain), _width(self.reduced)
        return None if not after else (before / after) ** 2

    def to_json_dict(self) -> dict[str, Any]:
        """Return the reduction with the names of the JSON output."""
        return {
            "metric": self.metric,
            "method": self.method,
            "value": self.reduced.estimate,
            "low": self.reduced.low,
            "high": self.reduced.high,
            "varianceRatio": self.variance_ratio,
        }


@dataclass(frozen=True, slots=True)
class WithVarianceReduction:
    """A ``simulate`` whose summary also has what the reduced estimates are made of; picklable."""

    simulate: Simulate

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Result:
        """Run one replication."""
        rare = not why_not_rare(scenario)
        level = "sessions" if rare else "summary"
        recorded = scenario.model_copy(update={"run": scenario.run.model_copy(update={"record": level})})
        result = self.simulate(recorded, seed=seed, replication=replication)
        summary = dict(result.summary)
        if not why_no_control(scenario):
            summary[ALIVE] = _alive_at(scenario, seed, replication, scenario.timeline[0].at_s)
        if rare:
            summary[EXPECTED] = _expected_broken(scenario, result.recording)
        return replace(result, summary=summary)


def reduced(study: Study) -> list[Reduction]:
    """Return the estimates with less variance that a study has, only those that are no wider than the plain ones.

    The study's replications come from a :class:`WithVarianceReduction`.
    """
    found = []
    control = study.replications.column(ALIVE)
    mean = mean_alive(study.scenario)
    if mean is not None:
        for metric in _CONTROLLED:
            estimate = study.estimate(metric)
            corrected = controlled_mean(study.replications.column(metric), control, mean)
            found.append(Reduction(metric, estimate.unit, "control variate", estimate.interval, corrected))
    expected = study.replications.column(EXPECTED)
    if all(value is not None for value in expected):
        exposed = study.replications.column("exposed_sessions")
        for metric in ("broken_sessions",):
            plain = study.estimate(metric).interval
            found.append(Reduction(metric, "share", "conditional expectation", plain, ratio_of_sums(expected, exposed)))
    return [reduction for reduction in found if _is_no_wider(reduction)]


def notes(study: Study) -> list[str]:
    """Return why a method is not offered for a study."""
    reasons = {
        "the control variate": why_no_control(study.scenario),
        "conditional expectation": why_not_rare(study.scenario) or _why_not_told(study),
    }
    return [f"{method} is not offered: {why}" for method, why in reasons.items() if why]


def _why_not_told(study: Study) -> str:
    missing = sum(value is None for value in study.replications.column(EXPECTED))
    if not missing:
        return ""
    return (
        f"in {missing} of {study.n} replications requests failed, the run ended before a session did, or the sessions"
        " told by their ages are not those counted"
    )


def why_no_control(scenario: Scenario) -> str:
    """Return why the mean number of sessions alive is not known exactly; empty where it is."""
    traffic = scenario.traffic
    if traffic.trace is not None or traffic.sessions.kind != "poisson":
        return "it needs sessions that arrive as a Poisson process of constant rate"
    if scenario.run.start != "equilibrium":
        return "it needs run.start: equilibrium"
    if not scenario.timeline:
        return "the timeline has no operation"
    if traffic.client_rate is not None:
        return "it needs clients of one rate"
    if any(isinstance(operation, TrafficChange) for operation in scenario.timeline):
        return "it needs traffic that does not change"
    if traffic.session_duration is None and not _has_exact_mean(traffic.requests):
        return "the mean number of requests is known exactly for constant and geometric laws only"
    return ""


def _has_exact_mean(requests: Any) -> bool:
    """Draws of other laws are rounded to whole numbers, which moves their mean."""
    return isinstance(requests, Geometric) or (isinstance(requests, Constant) and float(requests.value).is_integer())


def mean_alive(scenario: Scenario) -> float | None:
    """Return the exact mean number of sessions alive at any time, by think times alone; None where it is not known."""
    traffic = scenario.traffic
    if why_no_control(scenario) or traffic.sessions.kind != "poisson" or traffic.requests == "endless":
        return None
    if traffic.session_duration is not None:
        return traffic.sessions.rate * traffic.session_duration.mean
    return traffic.sessions.rate * (traffic.requests.mean - 1) * traffic.think.mean


def why_not_rare(scenario: Scenario) -> str:
    """Return everything for which the probability of a break given a session's age is not exact; empty where it is."""
    traffic, hook = scenario.traffic, scenario.deployment.pre_stop
    memoryless = (
        isinstance(traffic.requests, Geometric) and isinstance(traffic.think, Exponential) and traffic.think.cap is None
    )
    reasons = {
        "it needs sessions that arrive as a Poisson process": traffic.trace is not None
        or traffic.sessions.kind == "closed",
        "it needs the law of a session's length: traffic.sessionDuration of a continuous law, or geometric requests"
        " with exponential think times": not (
            isinstance(traffic.session_duration, ContinuousLaw) if traffic.session_duration is not None else memoryless
        ),
        "service prolongs a session by what its age does not tell (--set traffic.service=0s leaves it out)": (
            not traffic.service.is_zero
        ),
        "it needs clients of one rate": traffic.client_rate is not None,
        "it needs connections per request": traffic.connections.long_lived,
        "it needs sessions of one tab": traffic.tabs > 1,
        "it needs the algorithm sticky-sessions": scenario.upstream.algorithm != "sticky-sessions",
        "it needs drain support: without it nearly every exposed session breaks": not scenario.kic.enable_drain_support,
        "it needs app.state: pod": scenario.app.state != "pod",
        "it needs a timeline of one operation": len(scenario.operations) != 1,
        "an autoscaler's operations are not known beforehand": scenario.autoscaler is not None,
        "a preStop hook that waits for sessions makes the window depend on them": hook is not None
        and hook.kind == "waitUntil",
    }
    return "; ".join(why for why, holds in reasons.items() if holds)


def _width(interval: Interval) -> float:
    if interval.low is None or interval.high is None:
        return math.inf
    return interval.high - interval.low


def _is_no_wider(reduction: Reduction) -> bool:
    return reduction.reduced.low is not None and _width(reduction.reduced) <= _width(reduction.plain)


def _alive_at(scenario: Scenario, seed: int, replication: int, at_s: float) -> int:
    """Count the sessions alive at a time by think times alone, from the same columns as the run's."""
    workload = Workload(scenario, seed, replication)
    alive = workload.alive()
    number = int((_ends(alive) > at_s).sum()) if alive is not None and len(alive) else 0
    for block in workload.arrivals():
        start = np.array(block.start_s)
        number += int(((start <= at_s) & (_ends(block) > at_s)).sum())
        if start[-1] > at_s:
            break
    return number


def _ends(block: SessionBlock) -> np.ndarray[Any, np.dtype[np.float64]]:
    """When each session of a block sends its last request, service left out."""
    think = np.concatenate([[0.0], np.cumsum(block.think_s)])
    bounds = np.array(block.offset)
    ends: np.ndarray[Any, np.dtype[np.float64]] = np.array(block.start_s) + think[bounds[1:]] - think[bounds[:-1]]
    return ends


def _expected_broken(scenario: Scenario, recording: Recording) -> float | None:
    """Sum the probabilities of the exposed sessions to outlast their pod; None where they cannot be told.

    That is where the run ended too early, or where the sessions found from their ages are not those counted.
    """
    (operation,) = recording.operations
    if operation.censored or recording.counts.get("requests_failed", 0):
        return None
    exposed = list(_exposures(recording))
    broken = sum(ended_s > until_s for _, _, until_s, ended_s in exposed)
    if (len(exposed), broken) != (operation.exposed, operation.broken):
        return None
    return math.fsum(
        _outlasts(scenario, deleted_s - started_s, until_s - deleted_s) for started_s, deleted_s, until_s, _ in exposed
    )


def _exposures(recording: Recording) -> Iterator[tuple[float, float, float, float]]:
    """Yield for each exposed session its start, its pod's deletion, the end of the pod's window, and its own end. A
    client that keeps no cookies is bound to no pod, and exposed to nothing.

    Before an operation breaks it a session stays on its first container, so the first exposure is that one's; and a
    session that outlives no window has ended before it could be exposed again.
    """
    pods: Sequence[PodRecord] = [recording.pods[pod] for pod in recording.containers]
    columns = [SESSION_COLUMNS.index(name) for name in ("started_s", "ended_s", "first_container", "has_jar")]
    for started_s, ended_s, container, has_jar in recording.session_rows[:, columns].tolist():
        if container < 0 or not has_jar:
            continue
        pod = pods[int(container)]
        if pod.deleted_by and started_s < pod.deleted_s < ended_s:
            ends = [at_s for at_s in (pod.listener_closed_s, pod.dead_s) if at_s == at_s]
            yield started_s, pod.deleted_s, min(ends, default=math.inf), ended_s


def _outlasts(scenario: Scenario, age_s: float, window_s: float) -> float:
    """The probability that a session alive at an age lasts for more than a window longer."""
    traffic = scenario.traffic
    law = traffic.session_duration
    if law is None:
        assert isinstance(traffic.requests, Geometric)
        return math.exp(-window_s / (traffic.requests.mean * traffic.think.mean))
    assert isinstance(law, ContinuousLaw)
    return law.survival(age_s + window_s) / law.survival(age_s)
