"""The sessions that one container's end, or farewell, has cost their connection: how they come back, for the story."""

from dataclasses import dataclass

from simsticky.recording.events import Reconnection
from simsticky.sim.control.pods import Container
from simsticky.sim.world import World


@dataclass(slots=True)
class _Group:
    """The sessions that one container's end, or farewell, has cost their connection."""

    sessions: int = 0
    still: int = 0
    longest_s: float = 0.0
    given_up: int = 0


class Severed:
    """Follows such sessions, container by container."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._groups: dict[int, _Group] = {}

    def note(self, container: Container) -> None:
        """Note that a session has lost its connection to a container."""
        group = self._groups.setdefault(container.index, _Group())
        group.sessions += 1
        group.still += 1

    def settled(self, container: Container, after_s: float | None) -> None:
        """Note that such a session is connected again after a time, or (None) has given up; tell of the last one."""
        group = self._groups[container.index]
        group.still -= 1
        if after_s is None:
            group.given_up += 1
        else:
            group.longest_s = max(group.longest_s, after_s)
        if group.still or container.connections:
            return
        del self._groups[container.index]
        back = Reconnection(group.sessions, group.sessions - group.given_up, group.longest_s)
        self._world.tell("clients", "reconnected", container.pod.name, back, container.cause)
