"""The cluster's nodes: which take pods, and which are gone (rules N)."""

from collections import Counter
from collections.abc import Callable

from simsticky.scenario.targets import nodes as node_names


class Nodes:
    """All nodes, and the pods that wait for one.

    Attributes:
        off: Nodes whose machine is off: nothing runs there, and nobody there hears of anything.
    """

    def __init__(self, number: int) -> None:
        """Start with ``number`` nodes that take pods."""
        self._names = node_names(number)
        self._closed: set[str] = set()
        self._crowd: Counter[str] = Counter()
        self._waiting: list[Callable[[], None]] = []
        self.off: set[str] = set()

    def choose(self) -> str | None:
        """Return the open node with the fewest active pods, the first of equals (rule K8); None if none is open."""
        is_open = (name for name in self._names if name not in self._closed)
        return min(is_open, key=self._crowd.__getitem__, default=None)

    def moved_in(self, name: str) -> None:
        """An active pod more is on a node."""
        self._crowd[name] += 1

    def moved_out(self, name: str) -> None:
        """A pod of a node is active no more."""
        self._crowd[name] -= 1

    def wait(self, retry: Callable[[], None]) -> None:
        """Call back when a node takes pods again: the scheduler keeps unschedulable pods in a queue (rule N1)."""
        self._waiting.append(retry)

    def cordon(self, name: str) -> None:
        """Take no more pods."""
        self._closed.add(name)

    def uncordon(self, name: str) -> None:
        """Take pods again, after a repair on a machine that is on."""
        self._closed.discard(name)
        self.off.discard(name)
        waiting, self._waiting = self._waiting, []
        for retry in waiting:
            retry()

    def power_off(self, name: str) -> None:
        """The machine is off; it takes no pods."""
        self._closed.add(name)
        self.off.add(name)
