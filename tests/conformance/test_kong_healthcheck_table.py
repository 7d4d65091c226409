"""The health checker against runs recorded from Kong's own Lua: counters, states, probes, pushes, purges."""

from typing import Any

import pytest

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
from simsticky.kong.upstream import Target

Case = dict[str, Any]


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


ACTIVE_FIELDS = {"type", "timeout", "concurrency", "http_path"}


def fields(given: Case, statuses: frozenset[int]) -> Case:
    """Return a rule's fields under our names."""
    rest = {("interval_s" if key == "interval" else key): value for key, value in given.items()}
    return {**rest, "http_statuses": frozenset(given.get("http_statuses", statuses))}


def report_of(result: str) -> Report:
    """Return what a probe reports: an HTTP status, or a failure below it."""
    if result.isdecimal():
        return int(result)
    return Failure.TIMEOUT if result == "timeout" else Failure.TCP


class Replay:
    """One recorded run: checker, balancer, how each target answers probes, and what was shown so far."""

    def __init__(self, case: Case) -> None:
        self.checks = checks_of(case["checks"])
        self.checker = HealthChecker(self.checks)
        self.behaviour: dict[str, str] = {}
        self.shown: list[Case] = []
        self.balancer: Balancer

    def build(self, targets: list[Case], now_s: float) -> None:
        """Build a balancer from scratch, and the checker anew."""
        listed = [Target(f"{target['name']}:{target['port']}", target["weight"]) for target in targets]
        self.balancer = Balancer(listed, RoundRobin(lambda i: i), self.checks.threshold)
        for verdict in self.checker.rebuild(listed, now_s):
            assert apply_verdict(verdict, [self.balancer])

    def tell(self, verdict: Verdict | None) -> None:
        """Pass a verdict on to the balancer."""
        if verdict is not None:
            apply_verdict(verdict, [self.balancer])

    def probe_until(self, end_s: float) -> None:
        """Run every round of probes that is due until then, its results at once."""
        while self.checker.next_run_s <= end_s:
            now_s = self.checker.next_run_s
            probed = []
            for packages in self.checker.due(now_s):
                for address in [address for package in packages for address in package]:
                    result = self.behaviour.get(address, "200")
                    self.tell(self.checker.report(address, report_of(result), now_s, active=True))
                    probed.append({"op": "probe", "t": now_s, "target": address, "result": result})
            self.shown += [{**event, **self.state()} for event in probed]

    def step(self, event: Case) -> None:
        """Do what one event did, the probes before it first."""
        now_s, target = event["t"], event.get("target", "")
        self.probe_until(now_s)
        if event["op"] == "probe":
            return
        active = event.get("kind") == "active"
        match event["op"]:
            case "build" | "recreate":
                self.build(event["targets"], now_s)
            case "behave":
                self.behaviour[target] = event["result"]
            case "http":
                self.tell(self.checker.report(target, int(event["status_code"]), now_s, active=active))
            case "tcp_failure":
                self.tell(self.checker.report(target, Failure.TCP, now_s, active=active))
            case "timeout":
                self.tell(self.checker.report(target, Failure.TIMEOUT, now_s, active=active))
            case unknown:
                raise ValueError(f"the table has an event this test does not know: {unknown}")
        self.shown.append({**event, **self.state()})

    def state(self) -> Case:
        """Return everything a record shows of the targets listed."""
        status: Case = {}
        for target in self.balancer.targets:
            health = self.checker.health(target.address)
            status[target.address] = {
                "available": self.balancer.is_available(target.address),
                "state": None if health is None else health.value,
                **self.checker.counters(target.address)._asdict(),
            }
        return {"balancer_healthy": self.balancer.healthy, "status": status}


@pytest.mark.table("kong", "healthcheck", "cases")
def test_healthcheck(case: Case) -> None:
    """Counters, states, availability and the time, order and result of every probe are Kong's."""
    replay = Replay(case)
    for event in case["events"]:
        replay.step({**event, "targets": event.get("targets", case["targets"])})
    assert [(e["t"], e["op"], e.get("target")) for e in replay.shown] == [
        (e["t"], e["op"], e.get("target")) for e in case["events"]
    ]
    for number, (shown, expected) in enumerate(zip(replay.shown, case["events"], strict=True), 1):
        assert {key: shown[key] for key in expected} == expected, f"event {number}: {expected['op']}"
