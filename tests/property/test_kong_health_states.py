"""Kong's health checker against a slow, obvious model, through any sequence of what can happen."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from kong_gate import MANY_STEPS, SOME_ADDRESS, TARGETS, Gate

from simsticky.kong.algorithms.least_connections import LeastConnections
from simsticky.kong.balancer import Balancer
from simsticky.kong.healthchecker import Counters, Failure, HealthChecker, Report
from simsticky.kong.healthchecks import ActiveChecks, HealthChecks, HealthyRule, PassiveChecks, UnhealthyRule
from simsticky.kong.upstream import Target

LIMIT = st.sampled_from([0, 1, 2, 3])
HEALTHY = st.builds(HealthyRule, st.just(frozenset({200})), st.sampled_from([0.0, 5.0]), LIMIT)
UNHEALTHY = st.builds(UnhealthyRule, st.just(frozenset({500})), st.sampled_from([0.0, 5.0]), LIMIT, LIMIT, LIMIT)
CHECKS = st.builds(
    HealthChecks,
    st.builds(ActiveChecks, healthy=HEALTHY, unhealthy=UNHEALTHY),
    st.builds(PassiveChecks, HEALTHY, UNHEALTHY),
).filter(lambda checks: checks.enabled)
SHIFTS = {"success": 0, "http": 8, "tcp": 16, "timeout": 24}


class HealthMachine(Gate):
    """The checker beside one whose counters are packed into one 32-bit number, masks and all, as in shared memory."""

    @initialize(checks=CHECKS, listed=TARGETS)
    def start(self, checks: HealthChecks, listed: list[Target]) -> None:
        """Begin with a first push."""
        self.checks, self.checker, self.now_s = checks, HealthChecker(checks), 0.0
        self.packed: dict[str, int] = {}
        self.local: dict[str, str] = {}
        self.shared: dict[str, str] = {}
        self.purge_s: dict[str, float] = {}
        self.probed_s = 0.0
        self.push(listed)

    @rule(listed=TARGETS)
    def push(self, listed: list[Target]) -> None:
        """A push keeps what shared memory holds of targets with weight, and puts the probes off."""
        self.forget()
        self.targets, self.unavailable = listed, set()
        self.balancer = Balancer(listed, LeastConnections())
        self.local = dict(self.shared)
        self.purge_s = dict.fromkeys(self.shared, self.now_s + 300)
        for target in listed:
            if target.weight:
                self.purge_s.pop(target.address, None)
                state = self.local.setdefault(target.address, "healthy")
                self.packed.setdefault(target.address, 0)
                self.shared[target.address] = state.replace("mostly_", "")
                if "unhealthy" in state:
                    self.unavailable.add(target.address)
        verdicts = self.checker.rebuild(listed, self.now_s)
        assert {verdict.address for verdict in verdicts} == self.unavailable
        for verdict in verdicts:
            assert self.balancer.set_address_status(verdict.address, verdict.available)
        self.probed_s = self.now_s

    def forget(self) -> None:
        """Drop what is past its time."""
        for address in [a for a, purge_s in self.purge_s.items() if purge_s < self.now_s]:
            del self.purge_s[address], self.packed[address], self.local[address], self.shared[address]

    @rule(step_s=st.sampled_from([1.0, 4.0, 100.0, 301.0]))
    def wait(self, step_s: float) -> None:
        """Time passes; the probes of a healthy or an unhealthy list come every 5 s, when they are on."""
        end_s = self.now_s + step_s
        intervals = [self.checks.active.healthy.interval_s, self.checks.active.unhealthy.interval_s]
        while any(intervals) and self.probed_s + 5 <= end_s:
            self.now_s = self.probed_s = self.probed_s + 5
            self.forget()
            assert self.checker.next_run_s == self.now_s
            expected = [
                {a for a, state in self.local.items() if ("unhealthy" in state) is down}
                for down, on in zip((False, True), intervals, strict=True)
                if on
            ]
            rounds = [{a for package in packages for a in package} for packages in self.checker.due(self.now_s)]
            assert rounds == [addresses for addresses in expected if addresses]
        self.now_s = end_s

    @rule(
        address=SOME_ADDRESS,
        report=st.sampled_from([200, 500, 418, 0, Failure.TCP, Failure.TIMEOUT]),
        active=st.booleans(),
        times=st.integers(1, 3),
    )
    def report(self, address: str, report: Report, active: bool, times: int) -> None:
        """A report counts, moves the state and settles it exactly as in the packed model."""
        for _ in range(times):
            self.forget()
            verdict = self.checker.report(address, report, self.now_s, active=active)
            settled = self.count(address, report, active)
            assert (verdict.available if verdict else None) is settled
            if verdict is not None and self.balancer.lists(address):
                self.balancer.set_address_status(address, verdict.available)
                self.unavailable = self.unavailable - {address} if verdict.available else self.unavailable | {address}

    @rule(address=SOME_ADDRESS, up=st.booleans())
    def mark(self, address: str, up: bool) -> None:
        """An operator's word settles the state, empties the counters and is told, also where nothing changes."""
        self.forget()
        verdict = self.checker.set_status(address, self.now_s, up=up)
        assert (verdict is None) is (address not in self.local)
        if verdict is None:
            return
        assert verdict.available is up
        self.packed[address] = 0
        self.local[address] = self.shared[address] = "healthy" if up else "unhealthy"
        if self.balancer.lists(address):
            self.balancer.set_address_status(address, up)
            self.unavailable = self.unavailable - {address} if up else self.unavailable | {address}

    def count(self, address: str, report: Report, active: bool) -> bool | None:
        """Count in the model; return what it settles."""
        checks = self.checks.active if active else self.checks.passive
        rule = checks.unhealthy
        kinds: dict[Report, tuple[int, str]] = {
            200: (checks.healthy.successes, "success"),
            500: (rule.http_failures, "http"),
            0: (rule.http_failures, "http"),
            Failure.TCP: (rule.tcp_failures, "tcp"),
            Failure.TIMEOUT: (rule.timeouts, "timeout"),
        }
        limit, kind = kinds.get(report, (0, "http"))
        towards = "healthy" if kind == "success" else "unhealthy"
        if limit == 0 or address not in self.local or self.local[address] == towards:
            return None
        packed = self.packed[address] + (1 << SHIFTS[kind])
        self.packed[address] = packed & (0x000000FF if kind == "success" else 0xFFFFFF00)
        if packed >> SHIFTS[kind] & 0xFF >= limit:
            self.local[address] = self.shared[address] = towards
            return towards == "healthy"
        if not self.local[address].startswith("mostly_"):
            self.local[address] = self.shared[address] = "mostly_" + self.local[address]
        return None

    @invariant()
    def states_and_counters(self) -> None:
        """States, counters and the balancer's view are the model's at all times."""
        for address, state in self.local.items():
            if self.purge_s.get(address, self.now_s) >= self.now_s:
                assert self.checker.health(address) == state
                packed = self.packed[address]
                assert self.checker.counters(address) == Counters(*packed.to_bytes(4, "little"))
        for target in self.targets:
            assert self.balancer.is_available(target.address) is (target.address not in self.unavailable)


TestHealth = HealthMachine.TestCase
TestHealth.__doc__ = "Protects the health checker against any sequence of reports, probes, pushes and purges."
TestHealth.settings = MANY_STEPS
