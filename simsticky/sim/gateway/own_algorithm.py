"""An algorithm of one's own in the place of the scenario's: it is handed each request."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from simsticky.kong.balancer import Algorithm, Handle
from simsticky.kong.upstream import Target


class OwnAlgorithm(Algorithm):
    """Hands each request's handle on, an empty one for a session that has to be somewhere at time 0.

    Args:
        inner: The algorithm of one's own.
    """

    __slots__ = ("inner",)

    def __init__(self, inner: Algorithm) -> None:
        self.inner = inner

    def rebuild(self, targets: Sequence[Target], unavailable: AbstractSet[str]) -> None:
        """Take in the targets."""
        self.inner.rebuild(targets, unavailable)

    def pick(self, handle: Handle | None = None) -> str:
        """Return the address that the inner algorithm picks; it never meets a missing handle."""
        return self.inner.pick(Handle() if handle is None else handle)

    def release(self, address: str) -> None:
        """Let the inner algorithm know that a request is over."""
        self.inner.release(address)

    def feedback(self, address: str, rtt_s: float) -> float | None:
        """Let the inner algorithm know how long an answer took."""
        return self.inner.feedback(address, rtt_s)

    def followable(self, balancer_healthy: bool) -> Mapping[str, str]:
        """Return which cookies the inner algorithm follows, and where to."""
        return self.inner.followable(balancer_healthy)
