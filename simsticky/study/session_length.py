"""The same scenario with longer or shorter sessions: what a verdict hangs on and nobody knows well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

# The parameters of a law that are times; a coefficient of variation, a shape or a tail index stays.
_TIMES = ("mean", "median", "scale", "minimum", "low", "high", "value", "cap")


def mean_session_s(scenario: Scenario) -> float | None:
    """Return the mean time from a session's first request to its last, service left out, in seconds.

    None where no law tells: a trace, or endless sessions.
    """
    traffic = scenario.traffic
    if traffic.trace is not None:
        return None
    if traffic.session_duration is not None:
        return traffic.session_duration.mean
    if traffic.requests == "endless":
        return None
    return (traffic.requests.mean - 1) * traffic.think.mean


def with_sessions(scenario: Scenario, factor: float) -> Scenario:
    """Return the scenario with sessions longer by a factor, of the same shape; arrivals stay as they are.

    ``traffic.sessionDuration`` is stretched, or the think times of sessions that are a number of requests.
    """
    key = "sessionDuration" if scenario.traffic.session_duration is not None else "think"
    law: dict[str, Any] = scenario.to_json_dict()["traffic"][key]
    stretched = {name: value * factor if name in _TIMES else value for name, value in law.items()}
    if "values" in law:
        stretched["values"] = [value * factor for value in law["values"]]
    return scenario.evolve({f"traffic.{key}": stretched})
