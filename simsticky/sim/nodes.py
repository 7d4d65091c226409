"""The cluster's nodes: which take pods, and which are gone (rules N)."""

from collections.abc import Callable, Iterable

from simsticky.scenario.targets import nodes as node_names
from simsticky.sim.pods import Pod


class Nodes:
    """All nodes, and the pods that wait for one.

    Attributes:
        off: Nodes whose machine is off: nothing runs there, and nobody there hears of anything.
    """

    def __init__(self, number: int) -> None:
        """Start with ``number`` nodes that take pods."""
        self._names = node_names(number)
        self._closed: set[str] = set()
        self._waiting: list[Callable[[], None]] = []
        self.off: set[str] = set()

    def choose(self, pods: Iterable[Pod]) -> str | None:
        """Return the open node with the fewest of these pods, the first of equals (rule K8); None if none is open."""
        crowd = {name: 0 for name in self._names if name not in self._closed}
        for pod in pods:
            if pod.active and pod.record.node in crowd:
                crowd[pod.record.node] += 1
        return min(crowd, key=lambda name: crowd[name], default=None)

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
