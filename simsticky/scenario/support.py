"""What can be written down and yet would not work, or is not simulated: said once, here, and never passed over."""

from collections.abc import Iterator

from simsticky.errors import Diagnostic
from simsticky.scenario.location import dotted
from simsticky.scenario.problems import Problem
from simsticky.scenario.ring_capacity import over_capacity
from simsticky.scenario.sections import Sections
from simsticky.scenario.versions import too_old


def unsupported(scenario: Sections) -> list[Diagnostic]:
    """Return why a valid scenario cannot be simulated, each at the place of its value; empty if it can be."""
    return [scenario.diagnostic(dotted(path), message, hint) for path, message, hint in _reasons(scenario)]


def _reasons(scenario: Sections) -> Iterator[Problem]:
    upstream = scenario.upstream
    if upstream.algorithm == "sticky-sessions" and upstream.sticky_sessions is None:
        yield Problem(
            ("upstream", "algorithm"),
            "sticky-sessions without stickySessions names no cookie; what the gateway then does is not known",
            "write stickySessions: {cookie: session-id} and hashOn: {input: none}",
        )
    if upstream.algorithm == "consistent-hashing" and upstream.hash_on is not None and upstream.hash_on.input == "none":
        # Kong 3.10, kong/db/schema/entities/upstreams.lua: a hash_on none that is sent rewrites the algorithm.
        yield Problem(
            ("upstream", "hashOn", "input"),
            "with none there is nothing to hash, and Kong turns the algorithm into round-robin",
            "hash on something, for example hashOn: {input: ip}, or write algorithm: round-robin and no hashOn",
        )
    yield from too_old(scenario)
    if (ring := over_capacity(scenario)) is not None:
        for found in ring.diagnostics:
            yield Problem(("upstream", "slots"), found.message, found.hint)
