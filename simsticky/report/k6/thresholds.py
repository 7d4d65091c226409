"""The scenario's thresholds as k6's: of what a client can see, and the others by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.report.k6 import javascript

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

_RATES = {
    "failed_requests": "failed_requests",
    "broken_any_cause": "broken_any_cause",
    "broken_of_alive": "broken_of_alive",
    # Who is exposed a client cannot see. Of sessions with a cookie that are alive when a rollout of all pods starts
    # nearly all are; of another operation fewer, and then this bound is easier to keep than the scenario's.
    "broken_sessions": "broken_of_alive{bound:yes}",
}
"""k6's metric for each of ours that is a share."""

_LATENCIES = {"latency_p50_s": "p(50)", "latency_p95_s": "p(95)", "latency_p99_s": "p(99)"}
"""What k6 calls each of our quantiles of its ``http_req_duration``, which is in milliseconds."""

_ANSWERED = "http_req_duration{expected_response:true}"
"""Of requests that were answered, as ours."""

_OPERATIONS_ONLY = ("broken_of_alive", "broken_sessions")
"""What is measured of bound sessions that are alive when an operation starts."""


def translated(scenario: Scenario, *, binds: bool) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Return k6's thresholds by its metrics, all as literals; and those of ours that it has no metric for, as text.

    Args:
        scenario: Its thresholds are used.
        binds: Whether anything binds a session to a pod; if not, nobody is exposed, and no share of them is kept.
    """
    measured = bool(scenario.timeline) and binds
    found: dict[str, list[str]] = {}
    left_out = []
    for metric, threshold in scenario.parsed_thresholds.items():
        if metric in _LATENCIES:
            bound = f"{_LATENCIES[metric]}{threshold.operator}{javascript.number(1000 * threshold.value)}"
            found.setdefault(_ANSWERED, []).append(bound)
        elif metric in _RATES and (measured or metric not in _OPERATIONS_ONLY):
            bound = f"rate{threshold.operator}{javascript.number(threshold.value)}"
            found.setdefault(_RATES[metric], []).append(bound)
        else:
            left_out.append(f"{metric} {threshold.text}")
    literals = [(javascript.text(name), list(map(javascript.text, bounds))) for name, bounds in found.items()]
    return literals, left_out
