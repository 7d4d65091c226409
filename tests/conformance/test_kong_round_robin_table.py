"""Round-robin against picks recorded from Kong's own Lua: wheels, pointers, totals, health, retries."""

from collections.abc import Iterator
from typing import Any

import pytest

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

Case = dict[str, Any]

GIVEN = {"op", "draws", "handle", "target", "targets", "note"}
"""The fields of an event that are its input; every other must be shown."""


class Replay:
    """One recorded run: a balancer whose shuffles draw what Kong drew, and the handles of its requests."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.draws: Iterator[int] = iter(())
        self.requests: dict[int, tuple[Balancer, Handle]] = {}
        self.balancer: Balancer
        self.algorithm: RoundRobin

    def step(self, event: Case) -> Case:
        """Do what one event did and return what it shows, under the names of the record."""
        self.draws = iter(event.get("draws", ()))
        match event["op"]:
            case "build":
                return self.build(self.case["targets"])
            case "recreate":
                return self.build(event["targets"])
            case "set_status":
                self.balancer.set_address_status(event["target"], event["available"])
                return {"available": self.balancer.is_available(event["target"]), **self.state()}
            case "pick":
                self.requests[event["handle"]] = self.balancer, Handle()
                return self.pick(event["handle"])
            case "retry":
                return self.pick(event["handle"])
            case unknown:
                raise ValueError(f"the table has an event this test does not know: {unknown}")

    def build(self, targets: list[Case]) -> Case:
        """Build a balancer from scratch."""
        self.algorithm = RoundRobin(lambda i: next(self.draws))
        listed = [Target(f"{target['name']}:{target['port']}", target["weight"]) for target in targets]
        self.balancer = Balancer(listed, self.algorithm, self.case["threshold"])
        return self.state()

    def pick(self, number: int) -> Case:
        """Pick for a request, by the balancer that its first attempt met."""
        balancer, handle = self.requests[number]
        try:
            shown: Case = {"peer": balancer.get_peer(handle)}
        except NoPeerError as error:
            shown = {"error": str(error)}
        assert isinstance(balancer.algorithm, RoundRobin)
        return {**shown, "retry_count": handle.retry_count, "pointer_after": balancer.algorithm.pointer}

    def state(self) -> Case:
        """Return everything a record shows of a balancer."""
        wheel = list(self.algorithm.wheel)
        return {
            "balancer_healthy": self.balancer.healthy,
            "pointer": self.algorithm.pointer,
            "total_weight": self.balancer.total_weight,
            "unavailable_weight": self.balancer.unavailable_weight,
            "wheel": wheel,
            "wheel_size": len(wheel),
        }


@pytest.mark.table("kong", "round_robin", "cases")
def test_round_robin(case: Case) -> None:
    """Every wheel, pick, pointer and total is Kong's, and each shuffle uses the draws Kong's did."""
    replay = Replay(case)
    for number, event in enumerate(case["events"], 1):
        shown = replay.step(event)
        expected = {key: value for key, value in event.items() if key not in GIVEN}
        assert {key: shown.get(key) for key in expected} == expected, f"event {number}: {event['op']}"
        assert not list(replay.draws), f"event {number}: Kong drew more often"
