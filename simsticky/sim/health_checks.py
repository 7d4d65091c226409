"""Kong's health checks in simulated time: one checker a node, its probes, and what requests tell it (rules H).

What is counted and decided is in ``kong/healthchecker.py``. Here are the clock, the probes' way to the pods, and the
verdicts' way to the balancers of the node's workers.
"""

from collections.abc import Callable, Generator
from functools import partial
from math import inf
from typing import Any

from simsticky.kong.healthchecker import Failure, Health, HealthChecker, Report, apply_verdict, passive_report
from simsticky.kong.healthchecks import HealthChecks
from simsticky.kong.retries import Attempt
from simsticky.kong.upstream import Target
from simsticky.sim.kernel import Phase, Wait, call_at
from simsticky.sim.pods import Container, Pod
from simsticky.sim.workers import Node
from simsticky.sim.world import World

_SERVICE_UNAVAILABLE = 503
_OK = 200


class HealthCheckers:
    """The checkers of all nodes (rule G10).

    Args:
        checks: The upstream's settings.
        servers: Listening container by address.
        vanished: Whether connections to an address are never answered, not even refused.
        on_verdict: Called with a node and the number of the operation behind a change that its balancers were told
            of (0: none), or None if they were told of none.
    """

    def __init__(
        self,
        world: World,
        checks: HealthChecks,
        *,
        servers: dict[str, Container],
        pods: dict[str, Pod],
        vanished: Callable[[str], bool],
        on_verdict: Callable[[Node, int | None], None],
    ) -> None:
        """Make the checkers of nodes when these are first rebuilt."""
        self._world = world
        self._checks = checks
        self._servers = servers
        self._pods = pods
        self._vanished = vanished
        self._on_verdict = on_verdict
        self._checkers: dict[str, HealthChecker] = {}
        self._alarms: dict[str, int] = {}
        self.enabled = checks.enabled
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
        self._set_alarm(node)

    def forget(self, node: Node) -> None:
        """A node restarts: its counters and states are lost."""
        self._checkers.pop(node.name, None)
        self._alarms[node.name] = self._alarms.get(node.name, 0) + 1
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
        verdict = checker.report(address, report, self._world.now_s, active=active)
        self._watch(node)
        if verdict is not None:
            node.log_until(self._world.now_s)
        if verdict is None or not apply_verdict(verdict, node.balancers):
            self._on_verdict(node, None)
            return
        pod = self._pods[address]
        if verdict.available:
            found, cause = "healthy", node.verdicts_by.pop(address, 0)
        else:
            found, cause = "unhealthy", self._behind(pod)
            node.verdicts_by[address] = cause
        self._world.tell(node.name, found, pod.name, _words(report, active=active), cause)
        self._on_verdict(node, cause)

    def _behind(self, pod: Pod) -> int:
        """Return the operation that lets a pod fail its health checks, 0 for none."""
        container = pod.container
        if container is None or not container.listening:
            return pod.silent_by
        return pod.unready_by if self._world.now_s < container.refuses_checks_until_s else 0

    def _watch(self, node: Node) -> None:
        """Keep the targets off the fast path whose next answer would be counted."""
        node.watched.clear()
        if self._passive and self._counts_successes:
            checker = self._checkers[node.name]
            node.watched.update(a for a in node.weights if checker.health(a) not in (None, Health.HEALTHY))

    # Probes -----------------------------------------------------------------------------------------------------

    def _set_alarm(self, node: Node) -> None:
        """Wake up when the next round of probes is due; an earlier alarm is void."""
        alarm = self._alarms[node.name] = self._alarms.get(node.name, 0) + 1
        due_s = self._checkers[node.name].next_run_s
        if due_s < inf:
            delay_s = max(0.0, due_s - self._world.now_s)
            call_at(self._world.env, delay_s, Phase.STATUS, partial(self._round, node, alarm))

    def _round(self, node: Node, alarm: int) -> None:
        if self._alarms[node.name] != alarm:
            return
        checker = self._checkers[node.name]
        for packages in checker.due(self._world.now_s):
            for package in packages:
                self._world.env.process(self._probe_in_turn(node, checker, package))
        self._set_alarm(node)

    def _probe_in_turn(
        self, node: Node, checker: HealthChecker, package: tuple[str, ...]
    ) -> Generator[Wait, Any, None]:
        for address in package:
            report, took_s = self._probe(address)
            if took_s:
                yield Wait(self._world.env, took_s, Phase.STATUS)
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


def _words(report: Report, *, active: bool) -> str:
    how = "probe" if active else "request"
    if report is Failure.TCP:
        return f"a {how} found no connection"
    if report is Failure.TIMEOUT:
        return f"a {how} timed out"
    return f"a {how} got {report}"
