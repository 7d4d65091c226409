"""What single requests are like: their paths and cookies, and what they bring that can be hashed."""

from collections import Counter
from collections.abc import Sequence
from math import fsum, isclose
from typing import Annotated

from pydantic import Field

from simsticky.scenario.fields import Section, Share, Switch, UrlPath, Whole
from simsticky.scenario.problems import Problem


class PathShare(Section):
    """One of several paths that clients request."""

    path: UrlPath
    """The path, as clients see it."""
    share: Share
    """Share of the requests; the shares of all paths sum to 1."""


def uneven(paths: Sequence[PathShare]) -> list[Problem]:
    """Return what is wrong with ``traffic.paths``: a path given twice, shares that do not sum to 1."""
    seen: Counter[str] = Counter()
    problems = []
    for i, entry in enumerate(paths):
        seen[entry.path] += 1
        if seen[entry.path] == 2:
            problems.append(Problem(("paths", i, "path"), f"{entry.path} is given twice"))
    total = fsum(entry.share for entry in paths)
    if paths and not isclose(total, 1.0, rel_tol=0, abs_tol=1e-9):
        problems.append(Problem(("paths",), f"the shares of the paths must sum to 1, they sum to {total:.12g}"))
    return problems


class Cookies(Section):
    """What clients do with cookies."""

    keep: Share = 1.0
    """Share of clients with a cookie jar; the others send no cookie ever."""
    clear: Share = 0.0
    """Share of requests before which the client has cleared its cookies."""


class OtherUpstream(Section):
    """A second upstream behind the same gateway whose cookie has the same name.

    With the same path its cookie overwrites ours, unless both share their targets; with another path the jar holds
    both cookies.
    """

    share: Share
    """Probability that a client calls it before one of its own requests."""
    cookie_path: UrlPath = "/"
    """Path attribute of its cookie."""
    shares_targets: Switch = False
    """Whether its targets are the same pods, so that its cookie is as good as ours."""


class Identifier(Section):
    """A value by which clients can be told apart."""

    values: Annotated[Whole, Field(ge=1)] | None = None
    """Number of different values among the clients; none for one a session."""


class OptionalIdentifier(Identifier):
    """A value that a session may lack."""

    present: Share = 1.0
    """Share of sessions that bring it."""


class Identifiers(Section):
    """What requests bring for consistent hashing, by the upstream's ``hashOn``."""

    ip: Identifier = Identifier()
    """Client addresses as the gateway sees them: few behind a proxy or NAT."""
    consumer: OptionalIdentifier = OptionalIdentifier()
    """The authenticated consumer."""
    header: OptionalIdentifier = OptionalIdentifier()
    """The header that is hashed."""
    query_arg: OptionalIdentifier = OptionalIdentifier()
    """The query argument that is hashed."""
    uri_capture: OptionalIdentifier = OptionalIdentifier()
    """The part of the path that is hashed."""
