"""Kong's health checker: counters and states of the targets of one upstream in one node, and when to probe them.

Sources: Kong/lua-resty-healthcheck 3.1 ``lib/resty/healthcheck.lua`` for states, counters and the timer; Kong 3.10
``kong/runloop/balancer/healthcheckers.lua`` for what a push keeps. A checker is shared by the workers of a node and by
nobody else. Its verdicts are for the balancers of all workers; it holds no connection and no clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, inf
from typing import NamedTuple

from simsticky.kong.balancer import Balancer
from simsticky.kong.healthchecks import HealthChecks
from simsticky.kong.retries import Attempt
from simsticky.kong.upstream import Target

PURGE_AFTER_S = 300.0
"""How long a push leaves the state of targets it does not list (``CLEAR_HEALTH_STATUS_DELAY``)."""

_TICKS_PER_S = 10
"""Looks of the timer whether a round of probes is due. Its jitter of up to a tenth of a tick is left out."""
_SLACK = 1e-6


class Health(StrEnum):
    """A target's state. The two ``mostly`` states are on the way to another, and change nothing yet."""

    HEALTHY = "healthy"
    MOSTLY_HEALTHY = "mostly_healthy"
    MOSTLY_UNHEALTHY = "mostly_unhealthy"
    UNHEALTHY = "unhealthy"

    @property
    def up(self) -> bool:
        """Whether the state stands for an available target."""
        return self in (Health.HEALTHY, Health.MOSTLY_HEALTHY)


class Failure(StrEnum):
    """What went wrong below HTTP."""

    TCP = "tcp"
    """Refused, reset, or closed before the status line."""
    TIMEOUT = "timeout"


Report = int | Failure
"""What a probe or a request found: an HTTP status (0: no valid status line), or a failure below HTTP."""


class Counters(NamedTuple):
    """Reports since the latest one to the contrary. A success ends all failures, a failure only the successes."""

    success: int = 0
    http: int = 0
    tcp: int = 0
    timeout: int = 0


_NO_REPORTS = Counters()


class Verdict(NamedTuple):
    """A change that the balancers are told."""

    address: str
    available: bool


def apply_verdict(verdict: Verdict, balancers: Iterable[Balancer]) -> bool:
    """Tell the balancers of a node's workers; return whether it changed anything (rule H6).

    A balancer that does not list the address takes no notice: a removed target is probed until it is purged.
    """
    changed = False
    for balancer in balancers:
        if balancer.lists(verdict.address):
            changed |= balancer.set_address_status(verdict.address, verdict.available)
    return changed


def passive_report(attempt: Attempt, *, final: bool, status: int = 0) -> Report | None:
    """Return what Kong reports of an attempt; None without one (rule H4).

    Before a retry a failed attempt is reported as a timeout or a TCP failure. The last attempt is reported in the log
    phase from nginx's status: 504 as a timeout, even the pod's own, all else as an HTTP status, so that a refused
    connection then counts as a 502 (Kong 3.10 ``kong/init.lua:Kong.balancer``, ``runloop/handler.lua``).

    Args:
        attempt: How the attempt ended.
        final: Whether it was the request's last.
        status: The pod's status, for an answered attempt.
    """
    if attempt is Attempt.NO_PEER:
        return None
    if attempt is Attempt.ANSWERED:
        return Failure.TIMEOUT if status == 504 else status
    if attempt in (Attempt.REFUSED, Attempt.RESET):
        return 502 if final else Failure.TCP
    return Failure.TIMEOUT


def work_packages(addresses: Sequence[str], concurrency: int) -> tuple[tuple[str, ...], ...]:
    """Return the addresses of one round dealt out to at most ``concurrency`` packages.

    The packages of a round run at the same time, the probes of a package one after the other.
    """
    return tuple(tuple(addresses[i::concurrency]) for i in range(min(concurrency, len(addresses))))


@dataclass(slots=True)
class _Entry:
    """A target in shared memory.

    Attributes:
        health: The state as the running checker knows it.
        stored: The state that the next checker will load.
        purge_s: When the target is forgotten; None while a checker lists it.
    """

    health: Health = Health.HEALTHY
    stored: Health = Health.HEALTHY
    counters: Counters = _NO_REPORTS
    purge_s: float | None = None


class HealthChecker:
    """The checker of one upstream in one node.

    Call ``rebuild`` at every push, with the fresh balancers; ``due`` at ``next_run_s``, which every rebuild puts off
    by a full interval; and ``report`` for what each probe and each request finds.

    Args:
        checks: The upstream's settings.
    """

    __slots__ = ("_entries", "_last_run_s", "_started_s", "checks")

    def __init__(self, checks: HealthChecks) -> None:
        self.checks = checks
        self._entries: dict[str, _Entry] = {}
        self._last_run_s: dict[bool, float] = {}
        self._started_s = 0.0

    # What is known ----------------------------------------------------------------------------------------------

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses the checker holds a state of, the ones to be purged included, in the order of probes."""
        return tuple(self._entries)

    def health(self, address: str) -> Health | None:
        """Return the state of a target; None of one the checker does not know."""
        entry = self._entries.get(address)
        return None if entry is None else entry.health

    def counters(self, address: str) -> Counters:
        """Return the counters of a target, all 0 of one the checker does not know."""
        entry = self._entries.get(address)
        return _NO_REPORTS if entry is None else entry.counters

    # Pushes -----------------------------------------------------------------------------------------------------

    def rebuild(self, targets: Sequence[Target], now_s: float) -> tuple[Verdict, ...]:
        """Start anew on the targets of a push (rule H5); return what the fresh balancers must be told, in list order.

        The state of targets with weight survives, that of all others is forgotten after 300 s without another push.
        A target of weight 0 is not added, and the fresh balancers hold it for available; but while its state is not
        purged it is probed on, and judged. A state on the way to another comes back as settled, though only at the
        second push after.

        Args:
            targets: The targets of the push.
            now_s: The time in seconds.
        """
        if not self.checks.enabled:
            return ()
        if not self._last_run_s:
            self._started_s = now_s
        self._purge(now_s)
        for entry in self._entries.values():
            entry.health = entry.stored
            entry.purge_s = now_s + PURGE_AFTER_S
        down: list[Verdict] = []
        for target in targets:
            if not target.weight:
                continue
            entry = self._entries.setdefault(target.address, _Entry())
            entry.purge_s = None
            entry.stored = Health.HEALTHY if entry.health.up else Health.UNHEALTHY
            if not entry.health.up:
                down.append(Verdict(target.address, available=False))
        self._last_run_s = {True: now_s, False: now_s}
        return tuple(down)

    def _purge(self, now_s: float) -> None:
        for address in [a for a, entry in self._entries.items() if entry.purge_s is not None and entry.purge_s < now_s]:
            del self._entries[address]

    # Reports ----------------------------------------------------------------------------------------------------

    def report(self, address: str, report: Report, now_s: float, *, active: bool = False) -> Verdict | None:
        """Count what a probe or a request found; return a verdict if it settles the target's state anew (rule H1).

        A counter whose limit is 0 is off. A report that the settled state agrees with is not counted. The counters are
        common to probes and requests, their limits are not; no transition resets them.

        Args:
            address: The target. One that the checker does not know, or should have purged, is passed over.
            report: What was found. A status in neither list says nothing.
            now_s: The time in seconds.
            active: Whether a probe found it.
        """
        if not self.counts(address, report, now_s, active=active):
            return None
        limit, counter = self._limit(report, active)
        entry = self._entries[address]
        settled = Health.HEALTHY if counter == "success" else Health.UNHEALTHY
        count: int = getattr(entry.counters, counter) + 1
        entry.counters = Counters(success=count) if counter == "success" else entry.counters._replace(success=0)
        entry.counters = entry.counters._replace(**{counter: count})
        if count >= limit:
            entry.health = entry.stored = settled
            return Verdict(address, available=settled is Health.HEALTHY)
        if entry.health is Health.HEALTHY:
            entry.health = entry.stored = Health.MOSTLY_HEALTHY
        elif entry.health is Health.UNHEALTHY:
            entry.health = entry.stored = Health.MOSTLY_UNHEALTHY
        return None

    def counts(self, address: str, report: Report, now_s: float, *, active: bool = False) -> bool:
        """Return whether :meth:`report` would change anything, if only a counter.

        Args:
            address: The target.
            report: What would be found.
            now_s: The time in seconds.
            active: Whether a probe would find it.
        """
        limit, counter = self._limit(report, active)
        entry = self._known(address, now_s)
        settled = Health.HEALTHY if counter == "success" else Health.UNHEALTHY
        return bool(limit) and entry is not None and entry.health is not settled

    def _limit(self, report: Report, active: bool) -> tuple[int, str]:
        """Return the limit and the counter that a report goes to; limit 0 where it says nothing."""
        checks = self.checks.active if active else self.checks.passive
        if report is Failure.TCP:
            return checks.unhealthy.tcp_failures, "tcp"
        if report is Failure.TIMEOUT:
            return checks.unhealthy.timeouts, "timeout"
        if report in checks.healthy.http_statuses:
            return checks.healthy.successes, "success"
        if report in checks.unhealthy.http_statuses or report == 0:
            return checks.unhealthy.http_failures, "http"
        return 0, "http"

    def set_status(self, address: str, now_s: float, *, up: bool) -> Verdict | None:
        """Settle a target's state as an operator says, and return the verdict (rule H7).

        Its counters begin anew, and the balancers are told also where the state was that already. What is reported
        afterwards counts as ever: nothing holds the state (``set_target_status``, behind the Admin API's
        ``/upstreams/{upstream}/targets/{target}/healthy`` and ``unhealthy``).

        Args:
            address: The target. One that the checker does not know, or should have purged, is passed over.
            now_s: The time in seconds.
            up: Whether the target is healthy from now on.
        """
        entry = self._known(address, now_s)
        if entry is None:
            return None
        entry.health = entry.stored = Health.HEALTHY if up else Health.UNHEALTHY
        entry.counters = _NO_REPORTS
        return Verdict(address, available=up)

    def _known(self, address: str, now_s: float) -> _Entry | None:
        """Return the entry of a target; None of one that is not known, or should have been purged."""
        entry = self._entries.get(address)
        return None if entry is None or (entry.purge_s is not None and entry.purge_s < now_s) else entry

    # Probes -----------------------------------------------------------------------------------------------------

    @property
    def next_run_s(self) -> float:
        """The timer's next tick, in seconds, at which a round of probes is due; infinite without probes.

        Targets that are up and targets that are down have their own intervals. The first round comes a full interval
        after each rebuild: pushes that follow faster than the interval starve the probes.
        """
        due_s = min((self._last_run_s[up] + interval_s for up, interval_s in self._intervals_s()), default=inf)
        if due_s == inf:
            return inf
        ticks = ceil((due_s - self._started_s) * _TICKS_PER_S - _SLACK)
        return self._started_s + ticks / _TICKS_PER_S

    def due(self, now_s: float) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """Return the rounds of probes that begin now: for each its packages, for each its addresses in order (rule H2).

        First the round of the targets that are up, then that of those that are down, both drawn up before any result
        of this tick. Packages run at once, the probes of a package one by one, each for at most
        ``checks.active.timeout_s`` to connect, to send and to receive; no later round waits for them.

        Args:
            now_s: The time in seconds, at ``next_run_s``.
        """
        self._purge(now_s)
        rounds: list[tuple[tuple[str, ...], ...]] = []
        for up, interval_s in self._intervals_s():
            if self._last_run_s[up] + interval_s <= now_s + _SLACK:
                self._last_run_s[up] = now_s
                listed = [address for address, entry in self._entries.items() if entry.health.up is up]
                if listed:
                    rounds.append(work_packages(listed, self.checks.active.concurrency))
        return tuple(rounds)

    def _intervals_s(self) -> list[tuple[bool, float]]:
        active = self.checks.active
        if not self._last_run_s or not active.probes:
            return []
        intervals = ((True, active.healthy.interval_s), (False, active.unhealthy.interval_s))
        return [(up, interval_s) for up, interval_s in intervals if interval_s > 0]
