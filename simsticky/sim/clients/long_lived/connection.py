"""An open long-lived connection, and what is thrown into its session's loop when the other side closes it."""

from dataclasses import dataclass

from simsticky.kong.balancer import Balancer
from simsticky.sim.control.pods import Container
from simsticky.sim.gateway.nodes import Worker


class GivenUpError(Exception):
    """A client has failed to connect as often as it tries."""


class Closed(Exception):  # noqa: N818
    """The connection is closed, after the message under way, by the other side.

    Attributes:
        cause: Number of the operation behind it, 0 if none.
        by_container: Whether its container closes it, and not a node of the gateway.
    """

    def __init__(self, cause: int, *, by_container: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.by_container = by_container


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection.

    Attributes:
        container: Where it ends.
        worker: The worker that carries it.
        balancer: The balancer that picked its target, and still counts it.
        address: The address picked.
        sent_s: When the client sent the connect.
        attempts: Attempts that it took.
    """

    container: Container
    worker: Worker
    balancer: Balancer
    address: str
    sent_s: float
    attempts: int

    def log(self, now_s: float) -> None:
        """Tell the balancer that it is over, or that the connect was: Kong's log phase is only now (rule V8)."""
        if self.worker.logs:
            took_s = now_s - self.sent_s if self.attempts == 1 else 0.0
            self.worker.log(self.balancer, self.address, took_s, now_s)
