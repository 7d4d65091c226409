"""What makes a scenario of manifests alone.

What drafts stands above the scenario in the house. So the scenario's class inherits from
:class:`DraftedFromManifests`, and the package's top tells it by :func:`draft_by` who drafts.
"""

from __future__ import annotations

TYPE_CHECKING = False  # ``import simsticky`` loads this, and importing typing would take longer than all the rest
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Self

    Law = str | Mapping[str, Any]


class DraftedFromManifests:
    """A scenario that can be drafted from manifests."""

    __slots__ = ()

    @classmethod
    def from_manifests(
        cls,
        paths: str | Path | Sequence[str | Path],
        *,
        rps: str | float | None = None,
        session: Law | None = None,
        think: Law | None = None,
        service: Law | None = None,
        cookieless: str | None = None,
        pods_start: Law | None = None,
        settings: Mapping[str, Any] | None = None,
        namespace: str | None = None,
        lenient: bool = False,
    ) -> Self:
        """Return the scenario that ``simsticky init`` drafts from manifests: the same reading, the same guesses.

        What neither the manifests nor an argument says is guessed; the guesses stand in :attr:`provenance` as
        ``GUESS`` with their reason.

        Args:
            paths: Files and directories; ``-`` is standard input. Relative paths start from the working directory.
            rps: Requests of all clients per second, or text: ``"7200/min"``.
            session: How long sessions last, from first request to last answer: ``{"p50": "6m", "p95": "40m"}``, or text
                as on the command line: ``"p50=6m,p95=40m"``, ``"mean=10m,cv=1.5"``.
            think: From an answer to the next request: the same, or a mean, ``"10s"``.
            service: How long a request takes: the same.
            cookieless: Share of clients that keep no cookie: ``"2%"``.
            pods_start: From the start of a container until it listens: the same as ``think``.
            settings: Whatever else, by dotted path: ``{"deployment.preStop": "15s"}``.
            namespace: The application's namespace: what the manifests hold in another is left out.
            lenient: Warn of fields that are unknown or of a wrong type, and take them as not there.

        Raises:
            InputError: Everything that is wrong, as ``file:line:column: path: message``; arguments by their name.
        """
        drafted: Self = _drafted_by[0](
            paths,
            rps=rps,
            session=session,
            think=think,
            service=service,
            cookieless=cookieless,
            pods_start=pods_start,
            settings=settings or {},
            namespace=namespace,
            lenient=lenient,
        )
        return drafted


_drafted_by: list[Callable[..., Any]] = []


def draft_by(draft: Callable[..., Any]) -> None:
    """Say what drafts a scenario; it is called when somebody asks for one, and not before."""
    _drafted_by[:] = [draft]
