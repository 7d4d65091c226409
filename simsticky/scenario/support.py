"""What can be written down and is not simulated: said once, here, and never passed over."""

from typing import TYPE_CHECKING

from simsticky.errors import Diagnostic

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario

ALGORITHMS = ("sticky-sessions", "round-robin")
"""Algorithms that the simulation knows."""


def unsupported(scenario: "Scenario") -> list[Diagnostic]:
    """Return why a valid scenario cannot be simulated, each at the place of its value; empty if it can be."""
    upstream = scenario.upstream
    found = []
    if upstream.algorithm not in ALGORITHMS:
        found.append(
            (
                "upstream.algorithm",
                f"{upstream.algorithm} is not modelled yet",
                f"the simulation knows {' and '.join(ALGORITHMS)}",
            )
        )
    if upstream.algorithm == "sticky-sessions" and upstream.sticky_sessions is None:
        found.append(
            (
                "upstream.algorithm",
                "sticky-sessions without stickySessions names no cookie; what the gateway then does is not known",
                "write stickySessions: {cookie: session-id} and hashOn: {input: none}",
            )
        )
    return [scenario.diagnostic(path, message, hint) for path, message, hint in found]
