"""Replays runs recorded from Kong's own Lua: does what each event did and holds what it shows against the record.

The tables of round-robin, least-connections, latency and health checks have one form. A case lists an upstream's
targets and its events in order; an event is an operation with its inputs, and what was seen after it:

- ``build``, ``recreate``: a brand-new balancer, of the case's targets or of the event's own
- ``set_status``: a verdict of the health checker; one that is "already set" changes nothing
- ``pick``, ``retry``: an attempt of the request with that handle, by the balancer that its first attempt met
- ``release``: the end of that request; ``response``: its end together with the times nginx measured

The operations of health checks are in their own test.
"""

from abc import ABC, abstractmethod
from typing import Any

from simsticky.kong.algorithms.latency import round_trip_s
from simsticky.kong.balancer import Algorithm, Balancer, Handle, NoPeerError, Refusal
from simsticky.kong.upstream import DEFAULT_THRESHOLD, Target

Case = dict[str, Any]

GIVEN = {
    *("op", "note", "t", "handle", "target", "targets", "draws"),
    *("kind", "status_code", "upstream_connect_time", "upstream_response_time"),
    *("healthy", "is_healthy", "health"),
}
"""The fields of an event that are its input; every other must be shown."""

ALREADY_SET = "already set"


def targets_of(listed: list[Case]) -> list[Target]:
    """Return the targets a case or an event lists."""
    return [Target(f"{target['name']}:{target['port']}", target["weight"]) for target in listed]


def attempt(balancer: Balancer, handle: Handle) -> Case:
    """Return the outcome of an attempt under the names of the record."""
    try:
        return {"peer": balancer.get_peer(handle), "retry_count": handle.retry_count}
    except NoPeerError as error:
        return {"error": str(error), "retry_count": handle.retry_count}


def differences(shown: Case, event: Case) -> Case:
    """Return for each field of an event that is not shown as recorded: what is shown, and what was recorded."""
    return {
        key: (shown.get(key, "nothing"), value)
        for key, value in event.items()
        if key not in GIVEN and (key not in shown or shown[key] != value)
    }


def tonumber(text: str) -> float | None:
    """Return what Lua's ``tonumber`` makes of one of nginx's variables; None where it is no number."""
    try:
        return float(text)
    except ValueError:
        return None


class Replay(ABC):
    """One recorded run, and the balancer of today. A subclass knows the operations of its table."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.balancer: Balancer

    @abstractmethod
    def step(self, event: Case) -> Case:
        """Do what one event did and return what it shows, under the names of the record."""

    def begin(self, event: Case, later: list[Case]) -> None:  # noqa: B027  # most tables bring no more
        """Take the inputs that an event brings beside its operation; ``later`` are the events after it."""

    def end(self, event: Case) -> None:  # noqa: B027  # nor use anything up
        """Check that an event has used up its inputs."""

    def replay(self) -> None:
        """Do what each event did; fail at the first that shows something else than the record."""
        events = self.case["events"]
        for number, event in enumerate(events, 1):
            self.begin(event, events[number:])
            wrong = differences(self.step(event), event)
            assert not wrong, f"event {number}, {event['op']}: shown and recorded: {wrong}"
            self.end(event)


class AlgorithmReplay(Replay):
    """A run of one algorithm: the requests, each with the balancer of its first attempt.

    A subclass makes its algorithm, and shows of it what its records show.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.requests: dict[int, tuple[Balancer, Handle]] = {}

    @abstractmethod
    def algorithm(self) -> Algorithm:
        """Return a fresh algorithm."""

    @abstractmethod
    def shown_by(self, algorithm: Algorithm) -> Case:
        """Return what a record shows of an algorithm."""

    def step(self, event: Case) -> Case:
        """Do what one event did and return what it shows, under the names of the record."""
        shown: Case = {}
        match event["op"]:
            case "build":
                self.balancer = self.build(self.case["targets"])
            case "recreate":
                self.balancer = self.build(event["targets"])
            case "set_status":
                changed = self.balancer.set_address_status(event["target"], event["available"])
                assert not (changed and event.get("note") == ALREADY_SET)
                shown = {"available": self.balancer.is_available(event["target"])}
            case "pick":
                self.requests[event["handle"]] = self.balancer, Handle()
                shown = attempt(*self.requests[event["handle"]])
            case "retry":
                shown = attempt(*self.requests[event["handle"]])
            case "release":
                self.release(*self.requests[event["handle"]])
            case "response":
                shown = self.respond(event, *self.requests[event["handle"]])
            case unknown:
                raise ValueError(f"the table has an event this test does not know: {unknown}")
        return {**shown, **self.state()}

    def build(self, targets: list[Case]) -> Balancer:
        """Return a balancer built from scratch."""
        return Balancer(targets_of(targets), self.algorithm(), self.case.get("threshold", DEFAULT_THRESHOLD))

    def state(self) -> Case:
        """Return what a record shows of today's balancer."""
        return {
            "balancer_healthy": self.balancer.healthy,
            "total_weight": self.balancer.total_weight,
            "unavailable_weight": self.balancer.unavailable_weight,
            **self.shown_by(self.balancer.algorithm),
        }

    @staticmethod
    def release(balancer: Balancer, handle: Handle) -> None:
        """End a request; one that ended before, or never had a target, has nothing to release."""
        if handle.address is not None:
            balancer.release(handle.address)
            handle.address = None

    @staticmethod
    def respond(event: Case, balancer: Balancer, handle: Handle) -> Case:
        """Log a response: the time that nginx's variables tell, of which an unhealthy balancer takes no note."""
        assert handle.address == event["target"]
        rtt_s = round_trip_s(tonumber(event["upstream_connect_time"]), tonumber(event["upstream_response_time"]))
        held_s = balancer.feedback(event["target"], rtt_s)
        return {"returned_ewma": held_s, "error": Refusal.UNHEALTHY.value if held_s is None else None}
