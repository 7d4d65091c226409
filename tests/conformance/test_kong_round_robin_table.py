"""Round-robin against picks recorded from Kong's own Lua: wheels, pointers, totals, health, retries."""

from collections.abc import Iterator

import pytest
from kong_driver import AlgorithmReplay, Case

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.balancer import Algorithm


class RoundRobinReplay(AlgorithmReplay):
    """A run whose shuffles draw what Kong drew."""

    draws: Iterator[int]

    def begin(self, event: Case, later: list[Case]) -> None:
        self.draws = iter(event.get("draws", ()))

    def end(self, event: Case) -> None:
        assert not list(self.draws), "Kong drew more often"

    def algorithm(self) -> Algorithm:
        return RoundRobin(lambda upto: next(self.draws))

    def shown_by(self, algorithm: Algorithm) -> Case:
        assert isinstance(algorithm, RoundRobin)
        wheel = list(algorithm.wheel)
        return {
            "pointer": algorithm.pointer,
            "pointer_after": algorithm.pointer,
            "wheel": wheel,
            "wheel_size": len(wheel),
        }


@pytest.mark.table("kong", "round_robin", "cases")
def test_round_robin(case: Case) -> None:
    """Every wheel, pick, pointer and total is Kong's, and each shuffle uses the draws Kong's did (rule G4)."""
    RoundRobinReplay(case).replay()
