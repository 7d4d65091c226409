"""The latency algorithm against runs recorded from Kong's own Lua, with the order of ``pairs()`` as an input."""

from typing import Any

import pytest

from simsticky.kong.algorithms.latency import Latency, round_trip_s
from simsticky.kong.balancer import Balancer, Handle, NoPeerError
from simsticky.kong.upstream import Target

Case = dict[str, Any]

GIVEN = {"op", "t", "handle", "target", "targets", "upstream_connect_time", "upstream_response_time", "note"}
"""The fields of an event that are its input; every other must be shown."""


def tonumber(text: str) -> float | None:
    """Return what Lua's ``tonumber`` makes of one of nginx's variables; None where it is no number."""
    try:
        return float(text)
    except ValueError:
        return None


class Replay:
    """One recorded run: its clock, the order of the moment, and the requests with their balancers."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.now_s: float = case["t0"]
        self.order: list[str] = []
        self.requests: dict[int, tuple[Balancer, Handle]] = {}
        self.algorithm: Latency
        self.balancer: Balancer

    def step(self, event: Case) -> Case:
        """Do what one event did and return what it shows, under the names of the record."""
        self.now_s = event["t"]
        self.order = event.get("order", [])
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
            case "response":
                shown = self.response(event)
            case unknown:
                raise ValueError(f"the table has an event this test does not know: {unknown}")
        return {**shown, **self.state()}

    def build(self, targets: list[Case]) -> None:
        """Build a balancer from scratch."""
        self.algorithm = Latency(lambda: self.now_s, self.arrange)
        listed = [Target(f"{target['name']}:{target['port']}", target["weight"]) for target in targets]
        self.balancer = Balancer(listed, self.algorithm, self.case["threshold"])

    def arrange(self, addresses: Any) -> list[str]:
        """Return the recorded order; an event without one leaves the new address last."""
        return self.order or [a for a in self.algorithm.candidates if a in addresses] + [
            a for a in addresses if a not in self.algorithm.candidates
        ]

    def pick(self, number: int) -> Case:
        """Pick for a request, by the balancer that its first attempt met."""
        balancer, handle = self.requests[number]
        try:
            shown: Case = {"peer": balancer.get_peer(handle)}
        except NoPeerError as error:
            shown = {"error": str(error)}
        return {**shown, "retry_count": handle.retry_count}

    def response(self, event: Case) -> Case:
        """Log a response: the time that nginx's variables tell."""
        balancer, handle = self.requests[event["handle"]]
        assert handle.address == event["target"]
        rtt_s = round_trip_s(tonumber(event["upstream_connect_time"]), tonumber(event["upstream_response_time"]))
        return {"returned_ewma": balancer.feedback(event["target"], rtt_s)}

    def state(self) -> Case:
        """Return everything a record shows of a balancer."""
        return {
            "address_count_after": self.algorithm.address_count,
            "balancer_healthy": self.balancer.healthy,
            "ewma_after": self.algorithm.ewma,
            "last_touched_after": self.algorithm.last_touched,
            "order": list(self.algorithm.candidates),
        }


@pytest.mark.table("kong", "latency", "cases")
def test_latency(case: Case) -> None:
    """Every pick, average and time stamp is Kong's, ties and weight 0 included."""
    replay = Replay(case)
    for number, event in enumerate(case["events"], 1):
        shown = replay.step(event)
        for key in event.keys() - GIVEN:
            expected = event[key]
            if key in ("ewma_after", "returned_ewma") and expected is not None:
                expected = pytest.approx(expected, rel=1e-12, abs=0)
            assert shown.get(key) == expected, f"event {number}: {event['op']}: {key}"
