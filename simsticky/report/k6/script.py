"""The script: what of a scenario k6 can do, what it cannot, and the text."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from simsticky.errors import Diagnostic, InputError
from simsticky.report.k6 import javascript
from simsticky.report.k6.arrivals import MOST_STAGES, arrivals
from simsticky.report.k6.thresholds import translated
from simsticky.scenario.cluster_operations import TrafficChange
from simsticky.scenario.traffic import Closed
from simsticky.units import format_duration
from simsticky.version import __version__
from simsticky.workload.client_rates import SLOWEST
from simsticky.workload.shapes import CountedSessions, SessionShape, TimedSessions, session_shape

if TYPE_CHECKING:
    from simsticky.scenario.distributions import Law
    from simsticky.scenario.model import Scenario

LIVES_TO_WARM_UP = 3.0
"""Mean lives of a session until about as many are alive as in the long run: 95 % where lives are exponential."""

LIVES_TO_END = 5.0
"""Mean lives that sessions under way are given to end after the last arrival."""

MOST_VUS = 1_000_000
"""More virtual users no machine runs."""

_WIDTH = 115
"""Letters of a line of a comment."""

_DRAWS = 20_000
"""For the mean of a client's slowness, which has no closed form."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What names the pod that answered.

    Attributes:
        header: A response header.
        cookie: Instead of it a cookie.
    """

    header: str = "X-Pod-Name"
    cookie: str = ""


def script(
    scenario: Scenario,
    url: str = "http://localhost:8000",
    backend: Backend | None = None,
    duration_s: float | None = None,
) -> str:
    """Return the script: an ES module for k6, the same for the same arguments and version.

    Args:
        scenario: Its traffic, timeline, thresholds and run are used.
        url: Where the gateway answers, without the paths of ``traffic``; ``-e BASE_URL`` replaces it.
        backend: What names the pod that answered; the header ``X-Pod-Name``, if None.
        duration_s: For how long sessions start; by default until the run's end, or until the sessions alive at the last
            operation are over.

    Raises:
        InputError: With everything of the scenario that k6 cannot do.
    """
    if refused := _refused(scenario):
        raise InputError(refused)
    shape = session_shape(scenario.traffic)
    life_s = _life_s(scenario, shape)
    end_s = duration_s if duration_s is not None else _end_s(scenario, life_s)
    closed = isinstance(scenario.traffic.sessions, Closed)
    warms_up = scenario.run.start == "equilibrium" and not closed
    warm_up_s = math.ceil(min(LIVES_TO_WARM_UP * life_s, scenario.run.horizon)) if warms_up else 0
    thresholds, left_out = translated(scenario, binds=_bound(scenario) != "false" or _hashed(scenario) is not None)
    text = javascript.text
    values: dict[str, Any] = {
        "scenario": scenario,
        "about": textwrap.wrap(scenario.about, _WIDTH),
        "version": __version__,
        "url": text(url.rstrip("/")),
        "header": text("" if backend is not None and backend.cookie else (backend or Backend()).header),
        "cookie": text(backend.cookie if backend is not None else ""),
        "warm_up_s": warm_up_s,
        "end_s": javascript.number(warm_up_s + end_s),
        "settle_s": javascript.number(warm_up_s + scenario.run.settle),
        "life": format_duration(round(life_s, 3)),
        "operations": _operations(scenario, warm_up_s, end_s),
        "timeline_lasts": javascript.duration(warm_up_s + end_s),
        "thresholds": thresholds,
        "left_out": left_out,
        "hashed": _hashed(scenario),
        "bound": _bound(scenario),
        "endless": shape is None,
        "notes_failure": closed or scenario.traffic.on_failure.action == "abandon",
        "slowest": javascript.number(SLOWEST),
        "graceful": javascript.duration(math.ceil(min(LIVES_TO_END * life_s, scenario.run.horizon))),
        "lives_to_warm_up": LIVES_TO_WARM_UP,
        "unlike": _unlike(scenario),
        **_load(scenario, life_s, end_s, warm_up_s),
        **_draws(scenario, shape),
    }
    return _environment().get_template("k6.js.j2").render(values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("simsticky.report", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "number": javascript.number,
        "duration": javascript.duration,
        "text": javascript.text,
        "told": format_duration,
    }
    return made


def _refused(scenario: Scenario) -> list[Diagnostic]:
    """Return what of the scenario a k6 script cannot do as the scenario says."""
    traffic = scenario.traffic
    found = []
    if traffic.trace is not None:
        text = "k6 draws sessions from laws, and a trace is none"
        found.append(scenario.diagnostic("traffic.trace", text, "state traffic.sessions, requests and think instead"))
    if traffic.connections.long_lived:
        text = "the script sends plain requests, no messages on long-lived connections"
        hint = "--set traffic.connections=per-request exports the sessions as requests"
        found.append(scenario.diagnostic("traffic.connections", text, hint))
    if traffic.tabs > 1:
        text = "a virtual user of k6 sends one request at a time, as one tab does"
        found.append(scenario.diagnostic("traffic.tabs", text, "--set traffic.tabs=1 exports sessions of one tab"))
    if traffic.other_upstream is not None:
        text = "the script calls one upstream"
        hint = "take traffic.otherUpstream out of the scenario to export the rest"
        found.append(scenario.diagnostic("traffic.otherUpstream", text, hint))
    if (kind := _hashed_by(scenario)) in ("ip", "consumer", "uri_capture"):
        text = f"sessions are hashed by {kind.replace('_', ' ')}, which the script cannot give each session"
        hint = "a header, a query argument or a cookie it can"
        found.append(scenario.diagnostic("upstream.hashOn", text, hint))
    return found


def _hashed_by(scenario: Scenario) -> str:
    """Return by what requests are hashed; "" where they are not, or by what all of them share."""
    upstream = scenario.upstream
    if upstream.algorithm != "consistent-hashing" or upstream.hash_on is None:
        return ""
    hashed = upstream.hash_on
    if hashed.input in ("ip", "consumer"):
        return hashed.input
    return next((name for name in ("header", "query_arg", "uri_capture") if getattr(hashed, name) is not None), "")


def _hashed(scenario: Scenario) -> dict[str, Any] | None:
    """Return the header or query argument that carries each session's own value; None where nothing does."""
    kind = _hashed_by(scenario)
    if not kind or scenario.upstream.hash_on is None:
        return None
    drawn = getattr(scenario.traffic.identifiers, kind)
    name = getattr(scenario.upstream.hash_on, kind)
    return {"kind": kind, "name": name, "values": drawn.values, "present": javascript.number(drawn.present)}


def _bound(scenario: Scenario) -> str:
    """Return the expression that says whether a session is bound to a pod before it has a header or query argument."""
    upstream = scenario.upstream
    hashed = upstream.hash_on
    if upstream.algorithm == "sticky-sessions":
        return "client.keeps"
    if upstream.algorithm != "consistent-hashing" or hashed is None:
        return "false"
    return "client.keeps" if hashed.cookie is not None else javascript.truth(hashed.input == "path")


def _life_s(scenario: Scenario, shape: SessionShape | None) -> float:
    """Return the mean life of a session in seconds, answers included; of an endless one the mean gap."""
    traffic = scenario.traffic
    if shape is None:
        return traffic.think.mean + traffic.service.mean
    slowness = 1.0
    if traffic.client_rate is not None and isinstance(shape, CountedSessions):
        drawn = traffic.client_rate.sample(np.random.default_rng(0), _DRAWS)
        slowness = float(np.mean(1.0 / np.maximum(drawn, SLOWEST)))
    return slowness * shape.mean_life_s + shape.mean_requests * traffic.service.mean


def _end_s(scenario: Scenario, life_s: float) -> float:
    """Return until when sessions start, in seconds of the scenario's time."""
    run = scenario.run
    if isinstance(run.until, float):
        return min(run.until, run.horizon)
    last_s = max((operation.at_s for operation in scenario.operations), default=run.horizon)
    drained_s = scenario.deployment.termination_grace_period_seconds + LIVES_TO_WARM_UP * life_s
    return min(run.horizon, math.ceil(last_s + drained_s))


def _operations(scenario: Scenario, warm_up_s: float, end_s: float) -> list[tuple[str, str]]:
    """Return when each operation is due, as a literal of seconds of k6's time, and what it is, as one of text."""
    found = []
    for operation in sorted(scenario.operations, key=lambda operation: operation.at_s):
        if operation.at_s < end_s:
            done = " (the stages do it)" if isinstance(operation, TrafficChange) else ""
            at = javascript.number(round(warm_up_s + operation.at_s, 3))
            found.append((at, javascript.text(operation.label + done)))
    return found


def _load(scenario: Scenario, life_s: float, end_s: float, warm_up_s: float) -> dict[str, Any]:
    """Return what the executor is told: stages, or a population.

    Raises:
        InputError: More virtual users would be wanted than any machine runs, or more stages than anybody reads.
    """
    sessions = scenario.traffic.sessions
    if isinstance(sessions, Closed):
        return {"closed": sessions, "arrivals": None, "vus": (sessions.population, sessions.population)}
    changes = [(op.at_s, op.traffic.rate_factor) for op in scenario.operations if isinstance(op, TrafficChange)]
    open_ = arrivals(sessions, changes, end_s, warm_up_s)
    alive = open_.peak * life_s
    if not alive <= MOST_VUS:
        message = f"about {alive:.2g} sessions would be alive at a time, and each is a virtual user of k6"
        hint = "lower the rate, or give the laws a cap"
        raise InputError([scenario.diagnostic("traffic.sessions", message, hint)])
    if len(open_.stages) > MOST_STAGES:
        message = f"more than {MOST_STAGES} stages would say how the rate goes"
        raise InputError([scenario.diagnostic("traffic.sessions", message, "--duration asks for a part of it")])
    wanted = math.ceil(alive + 4 * math.sqrt(alive)) + 1
    return {"closed": None, "arrivals": open_, "vus": (wanted, 2 * wanted)}


def _draws(scenario: Scenario, shape: SessionShape | None) -> dict[str, Any]:
    """Return the laws as expressions, what comments say of them, and the samplers that they need."""
    traffic = scenario.traffic
    laws: list[tuple[str, str, Law | None, bool]] = [
        ("requests", "traffic.requests", shape.requests if isinstance(shape, CountedSessions) else None, False),
        ("duration", "traffic.sessionDuration", traffic.session_duration, True),
        ("think", "traffic.think", _think(scenario, shape), True),
        ("clientRate", "traffic.clientRate", traffic.client_rate, False),
        ("backoff", "traffic.onFailure.backoff", _backoff(scenario), True),
        ("pause", "traffic.sessions.pause", _pause(scenario), True),
    ]
    draws, samplers = {}, set()
    for name, path, drawn, seconds in laws:
        if drawn is not None:
            expression, sampler = javascript.law(drawn, path)
            draws[name] = (expression, javascript.told(drawn, seconds), path)
            samplers.add(sampler)
    met = traffic.think if shape is None or "think" in draws else traffic.session_duration
    waits = isinstance(traffic.sessions, Closed) and met is not None and not met.is_zero
    first_wait = ("think" if "think" in draws else "duration", javascript.number(met.mean)) if waits and met else None
    return {"draws": draws, "samplers": samplers, "first_wait": first_wait}


def _think(scenario: Scenario, shape: SessionShape | None) -> Law | None:
    return shape.think if isinstance(shape, TimedSessions) else scenario.traffic.think


def _backoff(scenario: Scenario) -> Law | None:
    failure = scenario.traffic.on_failure
    return failure.backoff if failure.action == "retry" else None


def _pause(scenario: Scenario) -> Law | None:
    sessions = scenario.traffic.sessions
    return sessions.pause if isinstance(sessions, Closed) and scenario.traffic.requests != "endless" else None


def _unlike(scenario: Scenario) -> list[str]:
    """Return, in sentences for a comment, in what the script's load is not the scenario's."""
    told = []
    if not isinstance(scenario.traffic.sessions, Closed):
        told.append("k6 starts sessions evenly spaced; the scenario's come as a Poisson process of the same rate.")
    if scenario.traffic.idempotent < 1:
        told.append(
            "All requests are GET, which nginx may send again after a reset;"
            f" of the scenario's a share of {scenario.traffic.idempotent:.4g} may be."
        )
    if scenario.autoscaler is not None:
        told.append("The autoscaler acts when it will; its scales are not among OPERATIONS.")
    return told
