"""Who is behind each address: the pods that have one, and the containers that listen there."""

from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.world import World


class Addresses:
    """What a connection to an address meets.

    Attributes:
        servers: Listening container by address.
        pods: The pod that has each address, or had it last.
        by_uid: Whether a cookie names its target's pod, and not its address (rule S8).
    """

    def __init__(self, world: World) -> None:
        settings = world.scenario.gateway
        self._world = world
        self._blackhole = settings.connection == "blackhole"
        self.by_uid = settings.sticky_identity == "by_target_id"
        self.servers: dict[str, Container] = {}
        self.pods: dict[str, Pod] = {}

    def identity(self, address: str) -> str:
        """Return what a cookie for a target names (rule S8)."""
        return self.pods[address].uid if self.by_uid else address

    def server_at(self, address: str | None) -> Container | None:
        """Return the container that listens at an address, None if nobody does."""
        return self.servers.get(address) if address is not None else None

    def vanished(self, address: str) -> bool:
        """Return whether nobody answers a connection to an address, not even by refusing it (rule G7)."""
        pod = self.pods.get(address)
        if pod is None:
            return self._blackhole
        gone = (pod.deleted or pod.ending) and (pod.container is None or pod.container.dead)
        return pod.unreachable or (self._blackhole and gone)

    def in_flight(self, address: str) -> int:
        """Return the requests in flight at an address, open connections included."""
        container, now_s = self.servers.get(address), self._world.now_s
        if container is None:
            return 0
        return len(container.connections) + sum(end > now_s for end in container.ends)
