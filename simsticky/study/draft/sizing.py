"""What happens in a draft and how long it is simulated: a timeline for the workload, and a run that is bearable."""

from __future__ import annotations

import math
from typing import NamedTuple

from simsticky.kubernetes.deployment_spec import resolve_fenceposts
from simsticky.scenario.law import ContinuousLaw
from simsticky.scenario.model import Scenario
from simsticky.scenario.replicas import start_replicas
from simsticky.study.draft.values import Value
from simsticky.units import format_duration, rough_duration
from simsticky.workload.effort import effort_of

_FIRST_S = 600.0
_LEFT_S = 120.0
"""After the estimated end of a rollout, before something else begins."""

_BUDGET_S = 12.0
"""Processor time of a first run."""
_FEWEST, _MOST = 10, 30
_STILL_OPEN = 0.005
"""Share of the sessions alive that may outlast the horizon; above 1 % the run would warn."""
_LONGEST_S = 7 * 86400.0


class Entry(NamedTuple):
    """One entry of the timeline: what it says beside its time, in YAML, and why it is there."""

    at_s: float
    what: str
    why: str


def timeline(scenario: Scenario) -> list[Entry]:
    """Return what is worth asking of a workload: a rollout, and what its autoscaler does when load falls."""
    workload, name = scenario.deployment, scenario.deployment.name
    on_delete = workload.kind == "StatefulSet" and workload.update_strategy.type == "OnDelete"
    if on_delete:
        entries = [Entry(_FIRST_S, f"deletePod: {name}", "updateStrategy OnDelete: somebody deletes a pod")]
    else:
        entries = [Entry(_FIRST_S, f"rollout: {name}", f"a new version of the {workload.kind}")]
    if workload.paused and not on_delete:
        entries.append(Entry(_FIRST_S + 60, f"resume: {name}", "the manifest has it paused"))
    if any(step.pause == "forever" for step in workload.strategy.steps):
        entries.append(Entry(_FIRST_S + 600, f"resume: {name}", "its canary waits for somebody"))
    scaler = scenario.autoscaler
    if scaler is not None and scaler.max_replicas > scaler.min_replicas:
        at_s = math.ceil((entries[-1].at_s + rollout_s(scenario) + _LEFT_S) / 300) * 300.0
        entries.append(Entry(at_s, "traffic: {rateFactor: 0.5}", "evening: the autoscaler takes pods away"))
    return entries


def rollout_s(scenario: Scenario) -> float:
    """Return about how long a rollout takes until its last old pod is gone, in seconds: rather too long."""
    workload = scenario.deployment
    replicas = max(start_replicas(scenario), 1)
    probe = workload.readiness_probe
    ready_s = scenario.app.startup.mean + workload.min_ready_seconds
    ready_s += 0.0 if probe is None else probe.initial_delay_seconds + probe.period_seconds * probe.success_threshold
    window_s = float(workload.termination_grace_period_seconds)
    pauses_s = sum(step.pause for step in workload.strategy.steps if isinstance(step.pause, float))
    if workload.kind == "StatefulSet":
        return replicas * (ready_s + window_s)
    if workload.strategy.type == "Recreate":
        return window_s + ready_s
    rolling = workload.strategy.rolling_update
    at_a_time = sum(resolve_fenceposts(rolling.max_surge, rolling.max_unavailable, replicas))
    return math.ceil(replicas / at_a_time) * ready_s + window_s + pauses_s


def run_values(scenario: Scenario) -> list[Value]:
    """Return how long and how often the first run simulates.

    Args:
        scenario: The draft with its timeline.
    """
    last_s = max((operation.at_s for operation in scenario.operations), default=0.0)
    seconds = min(last_s + rollout_s(scenario) + _LEFT_S + _outlasted_by(scenario, _STILL_OPEN), _LONGEST_S)
    longest = format_duration(math.ceil(seconds / 1800) * 1800.0)
    one_s = effort_of(scenario.evolve({"run.horizon": longest})).seconds
    n = max(_FEWEST, min(_MOST, int(_BUDGET_S / max(one_s, 1e-9))))
    return [
        Value(("run", "until"), "drained", "until every session that the last operation met has ended"),
        Value(("run", "horizon"), longest, "at the latest; next to none is still open then"),
        Value(("run", "replications"), str(n), f"about {rough_duration(n * one_s)} of one processor"),
        Value(("run", "seed"), "1", "the same seed, the same numbers"),
    ]


def _outlasted_by(scenario: Scenario, share: float) -> float:
    """Return the time that a share of the sessions alive outlasts: P(R > t) = 1 - E[min(D, t)] / E[D]."""
    law = scenario.traffic.session_duration
    if not isinstance(law, ContinuousLaw):
        return 7200.0
    low, high = 0.0, _LONGEST_S
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - law.mean_up_to(middle) / law.mean > share else (low, middle)
    return high
