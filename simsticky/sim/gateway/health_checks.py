"""Kong's health checks in simulated time: one checker a node, its probes, and what requests tell it (rules H).

What is counted and decided is in ``kong/healthchecker.py``. Here are the clock, the probes' way to the pods, and the
verdicts' way to the balancers of the node's workers.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf
from typing import Any

from simsticky.kong.healthchecker import Failure, Health, HealthChecker, Report, apply_verdict, passive_report
from simsticky.kong.healthchecks import HealthChecks
from simsticky.kong.retries import Attempt
from simsticky.kong.upstream import Target
from simsticky.recording.events import CheckResult
from simsticky.sim.clock import Phase, Wait, call_at, call_on, place_of
from simsticky.sim.control.pods import Container, Pod
from simsticky.sim.gateway.addresses import Addresses
from simsticky.sim.gateway.nodes import Node
from simsticky.sim.world import World

_SERVICE_UNAVAILABLE = 503
_OK = 200


@dataclass(eq=False, slots=True)
class _Alarm:
    """What wakes a node for its next round of probes; a rebuild begins another.

    Attributes:
        node: The node.
        rebuild: Number of the rebuild that began it.
        since_s: When it was set: at the rebuild, or at the round before.
        number: Of the event that is to come; earlier ones are void.
        rings: Whether the next round is an event. Where it is not, nothing counts that its probes would find.
    """

    node: Node
    rebuild: int
    since_s: float
    number: int = 0
    rings: bool = False


class _Watcher:
    """Hears what happens to a container on behalf of all checkers."""

    __slots__ = ("_checkers", "_container")

    def __init__(self, checkers: "HealthCheckers", container: Container) -> None:
        self._checkers = checkers
        self._container = container

    def changed(self) -> None:
        self._checkers.changed(self._container)

    def filling(self, free_s: float) -> None:
        self._checkers.filling(self._container, free_s)


class HealthCheckers:
    """The checkers of all nodes (rule G10).

    Args:
        checks: The upstream's settings.
        addresses: Knows who is behind an address.
        on_verdict: Called with a node, a target of it, and the number of the operation behind a change that its
            balancers were told of (0: none), or None if they were told of none.
    """

    def __init__(
        self,
        world: World,
        checks: HealthChecks,
        addresses: Addresses,
        on_verdict: Callable[[Node, str, int | None], None],
    ) -> None:
        self._world = world
        self._checks = checks
        self._servers = addresses.servers
        self._pods = addresses.pods
        self._vanished = addresses.vanished
        self._on_verdict = on_verdict
        self._checkers: dict[str, HealthChecker] = {}
        self._alarms: dict[str, _Alarm] = {}
        self._rebuilds = count()
        self.enabled = checks.enabled
        self._may_rest = may_rest(checks)
        passive = checks.passive.unhealthy
        self._passive = bool(passive.tcp_failures or passive.timeouts or passive.http_failures)
        self._counts_successes = checks.passive.healthy.successes > 0

    # Pushes -----------------------------------------------------------------------------------------------------

    def rebuild(self, node: Node, targets: tuple[Target, ...], now_s: float) -> None:
        """Start a node's checker anew on the targets of a push, whose balancers are fresh."""
        if not self.enabled:
            return
        checker = self._checkers.setdefault(node.name, HealthChecker(self._checks))
        for verdict in checker.rebuild(targets, now_s):
            apply_verdict(verdict, node.balancers)
        self._watch(node)
        self._alarms[node.name] = _Alarm(node, next(self._rebuilds), now_s)
        self._plan(self._alarms[node.name])

    def forget(self, node: Node) -> None:
        """A node restarts: its counters and states are lost."""
        self._checkers.pop(node.name, None)
        self._alarms.pop(node.name, None)
        node.watched.clear()

    # What requests tell -----------------------------------------------------------------------------------------

    def attempt_failed(self, node: Node, address: str, attempt: Attempt, *, final: bool, at_s: float) -> None:
        """Take note, when it has ended, of an attempt that was not answered."""
        if self._passive:
            report = passive_report(attempt, final=final)
            if report is not None:
                self._later(node, address, report, at_s)

    def answered(self, node: Node, container: Container, at_s: float) -> None:
        """Take note, when it has come, of the answer of a target in ``node.watched``."""
        if self._passive:
            self._later(node, container.pod.address, _OK, at_s, container)

    def _later(self, node: Node, address: str, report: Report, at_s: float, container: Container | None = None) -> None:
        if at_s <= self._world.now_s:
            self._report(node, address, report, active=False)
            return

        def log() -> None:
            # An answer that a dying container never gave is not logged as one.
            if container is None or not container.dead:
                self._report(node, address, report, active=False)

        call_at(self._world.env, at_s - self._world.now_s, Phase.COMPLETION, log)

    def _report(self, node: Node, address: str, report: Report, *, active: bool) -> None:
        checker = self._checkers.get(node.name)
        if checker is None or not node.up:
            return
        if active and not checker.counts(address, report, self._world.now_s, active=True):
            return  # a request's is heard in any case: its container may have died just now, and nobody has said so yet
        verdict = checker.report(address, report, self._world.now_s, active=active)
        self._watch(node, address)
        self._look_again(self._alarms[node.name])
        if verdict is not None:
            node.log_until(self._world.now_s)
        if verdict is None or not apply_verdict(verdict, node.balancers):
            self._on_verdict(node, address, None)
            return
        pod = self._pods[address]
        if verdict.available:
            found, cause = "healthy", node.causes.verdicts.pop(address, 0)
        else:
            found, cause = "unhealthy", self._behind(pod)
            node.causes.verdicts[address] = cause
        self._world.tell(node.name, found, pod.name, _told(report, active=active), cause)
        self._on_verdict(node, address, cause)

    def _behind(self, pod: Pod) -> int:
        """Return the operation that lets a pod fail its health checks, 0 for none."""
        container = pod.container
        if container is None or not container.listening:
            return pod.causes.silence
        return pod.causes.flapping if self._world.now_s < container.refuses_checks_until_s else 0

    def _watch(self, node: Node, changed: str | None = None) -> None:
        """Keep the targets off the fast path whose next answer would be counted.

        Args:
            node: The node.
            changed: The only target that may have become one of them; None for any.
        """
        if not (self._passive and self._counts_successes):
            return
        checker = self._checkers[node.name]
        may = node.weights if changed is None else {changed, *node.watched}
        node.watched = {a for a in may if a in node.weights and checker.health(a) not in (None, Health.HEALTHY)}

    # Probes -----------------------------------------------------------------------------------------------------

    def watch(self, container: Container) -> None:
        """Hear of what happens to a container that has begun to listen."""
        if self._may_rest:
            container.watch(_Watcher(self, container))

    def changed(self, container: Container) -> None:
        """Probes may find something else at a container from now on."""
        for alarm in self._alarms.values():
            if self._checkers[alarm.node.name].health(container.pod.address) is not None:
                self._look_again(alarm)

    def filling(self, container: Container, free_s: float) -> None:
        """Make an event of the next round if a probe is going to find a container's queue too long, and that counts."""
        address = container.pod.address
        for alarm in self._alarms.values():
            if alarm.rings or self._servers.get(address) is not container:
                continue
            self._skip_rounds(alarm)
            at_s, checker = self._due_s(alarm), self._checkers[alarm.node.name]
            late = free_s - at_s > self._checks.active.timeout_s
            if late and checker.counts(address, Failure.TIMEOUT, at_s, active=True):
                self._ring(alarm)

    def _look_again(self, alarm: _Alarm) -> None:
        if not alarm.rings:
            self._skip_rounds(alarm)
            self._plan(alarm)

    def _let_pass(self, node: Node, begun_s: float) -> None:
        """Skip a round at this instant that comes before the answer of a probe begun then: its verdict is for later."""
        alarm = self._alarms.get(node.name)
        if alarm is not None and not alarm.rings and alarm.since_s <= begun_s:
            self._skip_rounds(alarm, including_now=True)

    def _due_s(self, alarm: _Alarm) -> float:
        """Return when the next round is for who waits for one after the other: to the last bit."""
        return alarm.since_s + max(0.0, self._checkers[alarm.node.name].next_run_s - alarm.since_s)

    def _skip_rounds(self, alarm: _Alarm, *, including_now: bool = False) -> None:
        """Let the rounds until now have been that were no events."""
        now_s, passed = self._world.now_s, including_now or self._world.env.has_passed(Phase.STATUS)
        while (at_s := self._due_s(alarm)) < now_s or (passed and at_s == now_s):
            self._checkers[alarm.node.name].due(at_s)
            alarm.since_s = at_s

    def _plan(self, alarm: _Alarm) -> None:
        """Have the next round be an event if anything counts that it may find; if not, the next that may will be."""
        at_s, checker = self._due_s(alarm), self._checkers[alarm.node.name]
        alarm.rings = False
        one_by_one = len(checker.addresses) > self._checks.active.concurrency
        if at_s < inf and (
            not self._may_rest or one_by_one or any(self._may_count(checker, a, at_s) for a in checker.addresses)
        ):
            self._ring(alarm)

    def _may_count(self, checker: HealthChecker, address: str, at_s: float) -> bool:
        """Return whether anything counts that a probe finds at ``at_s`` or later, if nothing is told before."""
        found: tuple[Report, ...] = (_OK,)
        container = self._servers.get(address)
        if container is None:
            found = (Failure.TCP, Failure.TIMEOUT)  # which of them, changes without a word
        elif container.queue_wait_s(at_s) > self._checks.active.timeout_s:
            found = (Failure.TIMEOUT, _OK)
        elif at_s < container.refuses_checks_until_s:
            found = (_SERVICE_UNAVAILABLE, _OK)
        return any(checker.counts(address, report, at_s, active=True) for report in found)

    def _ring(self, alarm: _Alarm) -> None:
        alarm.number += 1
        alarm.rings = True
        place = self._world.env.place()
        if alarm.since_s < self._world.now_s:
            place = place_of(alarm.since_s, Phase.STATUS, (2.0, float(alarm.rebuild)))
        ring = partial(self._round, alarm, alarm.number)
        call_on(self._world.env, self._due_s(alarm), Phase.STATUS, ring, place)

    def _round(self, alarm: _Alarm, number: int) -> None:
        node = alarm.node
        if self._alarms.get(node.name) is not alarm or alarm.number != number:
            return
        checker, alarm.since_s = self._checkers[node.name], self._world.now_s
        for packages in checker.due(alarm.since_s):
            for package in packages:
                if not all(self._is_idle(checker, address) for address in package):
                    self._world.env.process(self._probe_in_turn(node, checker, package))
        self._plan(alarm)

    def _is_idle(self, checker: HealthChecker, address: str) -> bool:
        """Return whether a probe now takes no time and tells nothing that counts."""
        report, took_s = self._probe(address)
        return not took_s and not checker.counts(address, report, self._world.now_s, active=True)

    def _probe_in_turn(
        self, node: Node, checker: HealthChecker, package: tuple[str, ...]
    ) -> Generator[Wait, Any, None]:
        for address in package:
            report, took_s = self._probe(address)
            begun_s = self._world.now_s
            if took_s:
                yield Wait(self._world.env, took_s, Phase.STATUS)
                self._let_pass(node, begun_s)
            if self._checkers.get(node.name) is not checker:
                return
            self._report(node, address, report, active=True)

    def _probe(self, address: str) -> tuple[Report, float]:
        """Return what a probe finds, and how long it takes to (rule H3).

        A probe takes no slot of the traffic, but it waits like a request in the present queue, at most the timeout.
        """
        now_s, timeout_s = self._world.now_s, self._checks.active.timeout_s
        container = self._servers.get(address)
        if container is None:
            return (Failure.TIMEOUT, timeout_s) if self._vanished(address) else (Failure.TCP, 0.0)
        wait_s = container.queue_wait_s(now_s)
        if wait_s > timeout_s:
            return Failure.TIMEOUT, timeout_s
        return (_SERVICE_UNAVAILABLE if now_s < container.refuses_checks_until_s else _OK), wait_s


def may_rest(checks: HealthChecks) -> bool:
    """Return whether a round of probes need be no event where nothing counts that its probes find.

    Each probe of such a round finds what its target's settled state agrees with, whenever it is answered. That holds
    as long as no other report can come between the probe and its answer: none of a later round, which the timeout
    rules out where it is shorter than the intervals, and none of a request, so passive checks must be off. Probes that
    wait for one another (more targets than ``concurrency``) are events as well: when they are made is not known.
    """
    active, passive = checks.active, checks.passive.unhealthy
    intervals_s = [rule.interval_s for rule in (active.healthy, active.unhealthy) if rule.interval_s > 0]
    by_requests = passive.tcp_failures or passive.timeouts or passive.http_failures
    return active.probes and not by_requests and active.timeout_s < min(intervals_s)


def _told(report: Report, *, active: bool) -> CheckResult:
    return CheckResult(report.value if isinstance(report, Failure) else report, active)
