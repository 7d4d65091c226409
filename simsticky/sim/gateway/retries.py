"""When nginx sends a request again, and where: Kong's retries with what is known of the request (rules G9 and G16)."""

from collections.abc import Sequence

from simsticky.kong.retries import Attempt, tries_again
from simsticky.sim.sessions.session import Session
from simsticky.sim.streams import Purpose
from simsticky.sim.world import World
from simsticky.workload.generate import Workload


class Retries:
    """Decides about further attempts.

    Args:
        workload: Knows where a trace says that a request may be sent again.

    Attributes:
        delay_s: The wait before a further attempt on the target that has refused the latest.
    """

    def __init__(self, world: World, workload: Workload) -> None:
        gateway, traffic = world.scenario.gateway, world.scenario.traffic
        self._streams = world.streams
        self._stated_idempotent = workload.is_idempotent
        self._retries = gateway.retries
        self._per_target = gateway.attempts_per_target
        self.delay_s = gateway.retry_delay
        # Long-lived connections: what the gateway sends is a connect, a GET.
        self._held = traffic.connections.long_lived
        self._idempotent = 1.0 if self._held else traffic.idempotent

    def again(self, session: Session, request: int, ended: Attempt, attempts: int) -> bool:
        """Return whether a request is sent again whose latest of some attempts has ended so."""
        return tries_again(ended, attempts, self._retries, self._is_idempotent(session, request))

    def stays(self, tried: Sequence[str]) -> bool:
        """Return whether the next attempt is on the target of the latest again (rule G16)."""
        in_a_row = next((n for n, address in enumerate(reversed(tried)) if address != tried[-1]), len(tried))
        return in_a_row < self._per_target

    def _is_idempotent(self, session: Session, request: int) -> bool:
        stated = self._stated_idempotent(session.id, request)
        if stated is not None:
            return stated or self._held
        return (
            self._idempotent > 0 and self._streams.uniform(Purpose.IDEMPOTENT, session.id, request) < self._idempotent
        )
