"""Least-connections against picks recorded from Kong's own Lua: heap layouts, counts, retries, releases, pushes."""

import pytest
from kong_driver import AlgorithmReplay, Case

from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Algorithm


class LeastConnectionsReplay(AlgorithmReplay):
    """A run that shows the whole heap; the record spells infinity out."""

    def algorithm(self) -> Algorithm:
        return LeastConnections()

    def shown_by(self, algorithm: Algorithm) -> Case:
        assert isinstance(algorithm, LeastConnections)
        return {
            "conns": algorithm.connections,
            "heap": [[address, value if value < float("inf") else "inf"] for address, value in algorithm.heap],
        }


@pytest.mark.table("kong", "least_connections", "cases")
def test_least_connections(case: Case) -> None:
    """Every pick, every count and the whole layout of the heap after each event are Kong's (rule G11)."""
    LeastConnectionsReplay(case).replay()
