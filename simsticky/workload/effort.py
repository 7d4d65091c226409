"""What a replication will take, known before it starts: sessions, requests, memory and time.

The figures per session, request and so on were measured and rounded; they hold within a factor of two or three, which
tells minutes from days and megabytes from what no machine has. Whatever is uncertain counts as little, so that what
would have worked is never refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simsticky.errors import InputError
from simsticky.scenario.cluster_operations import TrafficChange
from simsticky.scenario.model import Closed, Scenario
from simsticky.workload.arrivals import changed_rate, rate_profile
from simsticky.workload.shapes import session_shape

if TYPE_CHECKING:
    from simsticky.workload.shapes import SessionShape

MOST_PUSHES = 1_000_000
"""Configuration pushes of unrelated objects in one replication."""

_SESSION_BYTES, _REQUEST_BYTES, _POD_BYTES, _WORKER_BYTES, _TARGET_BYTES = 2_000, 250, 5_000, 3_000, 60
_REQUEST_S, _SESSION_S, _POD_S, _PUSH_S, _TARGET_S, _OPERATION_S = 4e-6, 10e-6, 1e-3, 200e-6, 0.5e-6, 3e-3
_DRAW_S = 0.1e-6
_PAIR_S, _PUSHES = 50e-6, 50
"""A rollout looks at all pods whenever one of them changes, and its pods come and go over so many pushes at least."""


@dataclass(frozen=True, slots=True)
class Effort:
    """About what one replication takes.

    Attributes:
        end_s: Model time until which it runs.
        sessions: Sessions, those alive at 0 included.
        requests: Requests of all of them.
        pushes: Configuration pushes of unrelated objects.
        balancer_bytes: Memory for pods and for what each worker of the gateway knows of them.
        seconds: Time of one processor.
    """

    end_s: float
    sessions: float
    requests: float
    pushes: float
    balancer_bytes: float
    seconds: float

    @property
    def bytes(self) -> float:
        """Memory that it takes at its peak, about."""
        return self.sessions * _SESSION_BYTES + self.requests * _REQUEST_BYTES + self.balancer_bytes


def effort_of(scenario: Scenario) -> Effort:
    """Return about what one replication of a scenario takes; a trace's sessions are not counted."""
    shape = None if scenario.traffic.trace is not None else session_shape(scenario.traffic)
    end_s = _end(scenario, shape)
    sessions, requests, sent = _sessions(scenario, shape, end_s)
    gateway, wanted = scenario.gateway, scenario.deployment.replicas + sum(c.replicas for c in scenario.companions)
    operations = [operation.at_s for operation in scenario.operations if operation.at_s < end_s]
    workers = gateway.nodes * gateway.workers
    pushes = scenario.kic.config_churn * end_s
    twice = 2 if scenario.run.skew_floor and operations else 1  # the run without the operations
    rollouts = sum(1 for op in scenario.operations if op.at_s < end_s and op.kind in ("rollout", "rollback"))
    seconds = (
        requests * _DRAW_S
        + twice * (sent * _REQUEST_S + sessions * _SESSION_S)
        + wanted * _POD_S
        + pushes * (_PUSH_S + workers * wanted * _TARGET_S)
        + len(operations) * (_OPERATION_S + wanted * _POD_S)
        + rollouts * wanted * (wanted * _PAIR_S + workers * _PUSHES * _TARGET_S)
    )
    balancers = wanted * _POD_BYTES + workers * (_WORKER_BYTES + wanted * _TARGET_BYTES)
    return Effort(end_s, sessions, requests, pushes, balancers, seconds)


def refuse_too_much(scenario: Scenario, effort: Effort, at_once: int = 1) -> None:
    """Say so when a replication cannot be had on this machine.

    Args:
        scenario: What is to be simulated.
        effort: What a replication of it takes.
        at_once: Replications that run at the same time.

    Raises:
        InputError: It has pushes without end, or its memory is more than the machine's.
    """
    if effort.pushes > MOST_PUSHES:
        text = f"about {effort.pushes:.2g} pushes in {effort.end_s:.0f} s, and {MOST_PUSHES:.0e} are the most"
        raise InputError([scenario.diagnostic("kic.configChurn", text, "a busy cluster has some per minute")])
    room = machine_bytes()
    if effort.bytes * at_once <= room:
        return
    holds = f"and this machine has {_size(room)}"
    if effort.bytes <= room:
        text = f"{at_once} replications at a time need about {_size(effort.bytes * at_once)} of memory, {holds}"
        raise InputError.of(text, file="--jobs", hint=f"take {max(1, math.floor(room / effort.bytes))}")
    needed = f"about {_size(effort.bytes)} of memory"
    if effort.balancer_bytes > effort.bytes / 2:
        hint = "lower deployment.replicas, gateway.nodes or gateway.workers"
        text = f"the pods and the gateway's targets need {needed}, {holds}"
        raise InputError([scenario.diagnostic("deployment.replicas", text, hint)])
    closed = isinstance(scenario.traffic.sessions, Closed)
    path = "traffic.sessions.population" if closed else scenario.stated_as("traffic.sessions.rate")
    text = f"about {effort.sessions:.2g} sessions with {effort.requests:.2g} requests need {needed}, {holds}"
    hint = f"lower {path}, or shorten the run" if effort.end_s > 1 and not closed else f"lower {path}"
    raise InputError([scenario.diagnostic(path, text, hint)])


def machine_bytes() -> float:
    """Return the memory that this process may use: the machine's, its container's, or its own limit."""
    found = [math.inf]
    try:
        import resource

        found.append(_limit(resource.getrlimit(resource.RLIMIT_AS)[0], resource.RLIM_INFINITY))
    except ImportError:  # Windows
        pass
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found.append(float(Path(place).read_text(encoding="ascii")))
        except (OSError, ValueError):  # not there, or "max"
            continue
    try:
        import os

        found.append(float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))
    except (AttributeError, OSError, ValueError):
        pass
    return min(found)


def _limit(value: int, infinite: int) -> float:
    return math.inf if value == infinite else float(value)


def _end(scenario: Scenario, shape: SessionShape | None) -> float:
    """Return until when it runs: at the least, where the last session decides that."""
    run = scenario.run
    if isinstance(run.until, float):
        return min(run.until, run.horizon)
    last = max((operation.at_s for operation in scenario.operations), default=run.horizon)
    return min(run.horizon, last + (shape.mean_life_s if shape is not None else 0.0))


def _sessions(scenario: Scenario, shape: SessionShape | None, end_s: float) -> tuple[float, float, float]:
    """Return the sessions, the requests drawn for them, and those sent until a time.

    Of sessions alive at 0 all requests are drawn at once.
    """
    traffic = scenario.traffic
    if traffic.trace is not None:
        return 0.0, 0.0, 0.0
    pace_s = max(traffic.think.mean, 1e-3)
    fitting = 1.0 + end_s / pace_s
    each = fitting if shape is None else min(shape.mean_requests, fitting)
    if isinstance(traffic.sessions, Closed):
        requests = traffic.sessions.population * each
        return float(traffic.sessions.population), requests, requests
    changes = [(op.at_s, op.traffic.rate_factor) for op in scenario.operations if isinstance(op, TrafficChange)]
    profile = changed_rate(rate_profile(traffic.sessions), changes)
    arriving, alive, drawn = profile.cumulate(end_s), 0.0, 0.0
    if scenario.run.start == "equilibrium" and shape is not None:
        alive = profile.rate_at(0.0) * min(shape.mean_life_s, 1e9)
        drawn = alive * min(shape.mean_requests, 1e9)
    sent = arriving * each + min(drawn, alive * fitting)
    return arriving + alive, arriving * each + drawn, sent


def _size(number: float) -> str:
    for unit in ("MB", "GB", "TB", "PB"):
        number /= 1000 if unit != "MB" else 1e6
        if number < 1000:
            return f"{number:.2g} {unit}" if number < 100 else f"{number:.0f} {unit}"
    return f"{number:.2g} PB"
