"""Least-connections against picks recorded from Kong's own Lua: heap layouts, counts, retries, releases, pushes."""

from typing import Any

import pytest

from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

Case = dict[str, Any]

GIVEN = {"op", "handle", "target", "targets", "note"}
"""The fields of an event that are its input; every other must be shown."""


class Replay:
    """One recorded run: the balancer of today, and the requests, each with the balancer of its first attempt."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.requests: dict[int, tuple[Balancer, Handle]] = {}
        self.algorithm: LeastConnections
        self.balancer: Balancer

    def step(self, event: Case) -> Case:
        """Do what one event did and return what it shows, under the names of the record."""
        shown: Case = {}
        match event["op"]:
            case "build":
                self.build(self.case["targets"])
            case "recreate":
                self.build(event["targets"])
            case "set_status":
                self.balancer.set_address_status(event["target"], event["available"])
                shown = {"available": self.balancer.is_available(event["target"])}
            case "pick":
                self.requests[event["handle"]] = self.balancer, Handle()
                shown = self.pick(event["handle"])
            case "retry":
                shown = self.pick(event["handle"])
            case "release":
                balancer, handle = self.requests[event["handle"]]
                if handle.address is not None:
                    balancer.release(handle.address)
                    handle.address = None
            case unknown:
                raise ValueError(f"the table has an event this test does not know: {unknown}")
        return {**shown, **self.state()}

    def build(self, targets: list[Case]) -> None:
        """Build a balancer from scratch."""
        self.algorithm = LeastConnections()
        listed = [Target(f"{target['name']}:{target['port']}", target["weight"]) for target in targets]
        self.balancer = Balancer(listed, self.algorithm, self.case["threshold"])

    def pick(self, number: int) -> Case:
        """Pick for a request, by the balancer that its first attempt met."""
        balancer, handle = self.requests[number]
        try:
            shown: Case = {"peer": balancer.get_peer(handle)}
        except NoPeerError as error:
            shown = {"error": str(error)}
        return {**shown, "retry_count": handle.retry_count}

    def state(self) -> Case:
        """Return everything a record shows of a balancer; infinity is spelled out."""
        return {
            "balancer_healthy": self.balancer.healthy,
            "conns": self.algorithm.connections,
            "heap": [[address, value if value < float("inf") else "inf"] for address, value in self.algorithm.heap],
            "total_weight": self.balancer.total_weight,
            "unavailable_weight": self.balancer.unavailable_weight,
        }


@pytest.mark.table("kong", "least_connections", "cases")
def test_least_connections(case: Case) -> None:
    """Every pick, every count and the whole layout of the heap after each event are Kong's."""
    replay = Replay(case)
    for number, event in enumerate(case["events"], 1):
        shown = replay.step(event)
        expected = {key: value for key, value in event.items() if key not in GIVEN}
        assert {key: shown.get(key) for key in expected} == expected, f"event {number}: {event['op']}"
