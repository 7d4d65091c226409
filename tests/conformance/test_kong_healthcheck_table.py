"""The health checker against runs recorded from Kong's own Lua: counters, states, probes, pushes, purges."""

import pytest
from kong_driver import Case, Replay, targets_of

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.balancer import Balancer
from simsticky.kong.healthchecker import Failure, HealthChecker, Report, Verdict, apply_verdict
from simsticky.kong.healthchecks import (
    ACTIVE_HEALTHY_STATUSES,
    ACTIVE_UNHEALTHY_STATUSES,
    PASSIVE_HEALTHY_STATUSES,
    PASSIVE_UNHEALTHY_STATUSES,
    ActiveChecks,
    HealthChecks,
    HealthyRule,
    PassiveChecks,
    UnhealthyRule,
)

TOLERANCE_S = 1e-6
"""Between a time that is computed and the same one recorded."""

ACTIVE_FIELDS = {"type", "timeout", "concurrency", "http_path"}


def checks_of(given: Case) -> HealthChecks:
    """Return a case's checks, the rest Kong's defaults."""
    active, passive = given.get("active", {}), given.get("passive", {})
    others = {("timeout_s" if key == "timeout" else key): active[key] for key in ACTIVE_FIELDS & active.keys()}
    return HealthChecks(
        ActiveChecks(
            healthy=HealthyRule(**fields(active.get("healthy", {}), ACTIVE_HEALTHY_STATUSES)),
            unhealthy=UnhealthyRule(**fields(active.get("unhealthy", {}), ACTIVE_UNHEALTHY_STATUSES)),
            **others,
        ),
        PassiveChecks(
            healthy=HealthyRule(**fields(passive.get("healthy", {}), PASSIVE_HEALTHY_STATUSES)),
            unhealthy=UnhealthyRule(**fields(passive.get("unhealthy", {}), PASSIVE_UNHEALTHY_STATUSES)),
        ),
        given.get("threshold", 0),
    )


def fields(given: Case, statuses: frozenset[int]) -> Case:
    """Return a rule's fields under our names."""
    rest = {("interval_s" if key == "interval" else key): value for key, value in given.items()}
    return {**rest, "http_statuses": frozenset(given.get("http_statuses", statuses))}


def report_of(result: str) -> Report:
    """Return what a probe reports: an HTTP status, or a failure below it."""
    if result.isdecimal():
        return int(result)
    return Failure.TIMEOUT if result == "timeout" else Failure.TCP


def is_marked_up(event: Case) -> bool:
    """Return what an operator marks a target as, in either of the Admin API's ways to say it."""
    (mark,) = [event[name] for name in ("healthy", "is_healthy", "available", "health") if name in event]
    return mark if isinstance(mark, bool) else {"healthy": True, "unhealthy": False}[mark]


class HealthReplay(Replay):
    """A run of checker and balancer, with how each target answers probes. A result is known within the tick."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.checks = checks_of({"threshold": case.get("threshold", 0), **case["checks"]})
        self.checker = HealthChecker(self.checks)
        self.answers: dict[str, str] = {}
        self.probed: list[tuple[float, str, str]] = []

    def run_rounds(self, now_s: float) -> None:
        """Run the rounds of probes that are due at a tick, all drawn up before the first result."""
        rounds = self.checker.due(now_s)
        for address in [address for packages in rounds for package in packages for address in package]:
            answer = self.answers.get(address, "200")
            self.tell(self.checker.report(address, report_of(answer), now_s, active=True))
            self.probed.append((now_s, address, answer))

    def tell(self, verdict: Verdict | None) -> None:
        """Pass a verdict on to the balancer."""
        if verdict is not None:
            apply_verdict(verdict, [self.balancer])

    def begin(self, event: Case, later: list[Case]) -> None:
        """Let the time pass until the event: Kong probes when the record says so, and at no other time."""
        if event["op"] == "probe":
            while not self.probed and self.checker.next_run_s <= event["t"] + TOLERANCE_S:
                self.run_rounds(self.checker.next_run_s)
            return
        while self.checker.next_run_s < event["t"] - TOLERANCE_S:
            self.run_rounds(self.checker.next_run_s)
        assert not self.probed, f"before {event['op']} at {event['t']} s"

    def step(self, event: Case) -> Case:
        """Do what one event did and return what it shows, under the names of the record."""
        now_s, active = event["t"], event.get("kind") == "active"
        match event["op"]:
            case "build" | "recreate":
                listed = targets_of(event.get("targets", self.case["targets"]))
                self.balancer = Balancer(listed, RoundRobin(lambda upto: upto), self.checks.threshold)
                for verdict in self.checker.rebuild(listed, now_s):
                    assert apply_verdict(verdict, [self.balancer])
            case "behave":
                self.answers[event["target"]] = event["result"]
            case "http":
                self.tell(self.checker.report(event["target"], int(event["status_code"]), now_s, active=active))
            case "tcp_failure":
                self.tell(self.checker.report(event["target"], Failure.TCP, now_s, active=active))
            case "timeout":
                self.tell(self.checker.report(event["target"], Failure.TIMEOUT, now_s, active=active))
            case "admin_set":
                self.tell(self.checker.set_status(event["target"], now_s, up=is_marked_up(event)))
            case "probe":
                assert self.probed.pop(0) == (pytest.approx(now_s, abs=TOLERANCE_S), event["target"], event["result"])
            case unknown:
                raise ValueError(f"the table has an event this test does not know: {unknown}")
        status = {target.address: self.status(target.address) for target in self.balancer.targets}
        shown = {"result": event.get("result"), "balancer_healthy": self.balancer.healthy, "status": status}
        return {**shown, "available": status.get(event.get("target"), {}).get("available")}

    def status(self, address: str) -> Case:
        """Return everything a record shows of a target."""
        health = self.checker.health(address)
        return {
            "available": self.balancer.is_available(address),
            "state": None if health is None else health.value,
            **self.checker.counters(address)._asdict(),
        }


@pytest.mark.table("kong", "healthcheck", "cases")
def test_healthcheck(case: Case) -> None:
    """Counters, states, availability and the time, order and result of every probe are Kong's."""
    run = HealthReplay(case)
    run.replay()
    assert not run.probed
