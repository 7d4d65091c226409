"""Which addresses the nodes list, and which of them they give new sessions: kept up change by change."""

from collections import Counter

from simsticky.sim.gateway.nodes import Node


class Reach:
    """What all nodes together let through to each address."""

    def __init__(self) -> None:
        self._of_node: dict[int, dict[str, bool]] = {}
        self._listed: Counter[str] = Counter()
        self._takes_new: Counter[str] = Counter()

    def listed(self, address: str) -> bool:
        """Whether any node lists the address."""
        return self._listed[address] > 0

    def takes_new(self, address: str) -> bool:
        """Whether any node gives the address new sessions."""
        return self._takes_new[address] > 0

    def look(self, node: Node) -> set[str]:
        """Take in a node's table as it is now; return the addresses at which it differs from before."""
        unavailable = node.workers[0].balancer.unavailable
        now = {address: weight > 0 and address not in unavailable for address, weight in node.weights.items()}
        before, self._of_node[node.index] = self._of_node.get(node.index, {}), now
        differ = before.items() ^ now.items()
        for address, takes_new in before.items() & differ:
            self._listed[address] -= 1
            self._takes_new[address] -= takes_new
        for address, takes_new in now.items() & differ:
            self._listed[address] += 1
            self._takes_new[address] += takes_new
        return {address for address, _ in differ}
