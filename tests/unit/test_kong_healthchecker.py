"""The health checker: limits, passive reports, probe rounds, pushes, the guide's configuration."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from simsticky.kong.algorithms.round_robin import RoundRobin
from simsticky.kong.balancer import Balancer
from simsticky.kong.healthchecker import (
    Counters,
    Failure,
    Health,
    HealthChecker,
    Report,
    Verdict,
    apply_verdict,
    passive_report,
    work_packages,
)
from simsticky.kong.healthchecks import ActiveChecks, HealthChecks, HealthyRule, PassiveChecks, UnhealthyRule
from simsticky.kong.retries import Attempt
from simsticky.kong.upstream import Target

A, B = "10.0.0.1:80", "10.0.0.2:80"
BOTH = (Target(A), Target(B))
ACTIVE, PASSIVE = ActiveChecks(), PassiveChecks()
PASSIVE_2 = HealthChecks(
    passive=PassiveChecks(
        replace(PASSIVE.healthy, successes=1),
        replace(PASSIVE.unhealthy, tcp_failures=2, timeouts=2, http_failures=2),
    )
)


def active(interval_s: float, **limits: Any) -> HealthChecks:
    """Return active checks of one interval, successes 1, with limits for failures."""
    healthy = replace(ACTIVE.healthy, interval_s=interval_s, successes=1)
    return HealthChecks(
        ActiveChecks(healthy=healthy, unhealthy=replace(ACTIVE.unhealthy, interval_s=interval_s, **limits))
    )


def checker(checks: HealthChecks, *targets: Target) -> HealthChecker:
    """Return a checker that was built at 0."""
    it = HealthChecker(checks)
    it.rebuild(targets or BOTH, 0.0)
    return it


def test_defaults_check_nothing() -> None:
    """The default upstream has no checker, no state, no probe and no verdict."""
    it = checker(HealthChecks())
    assert (it.addresses, it.next_run_s, it.due(1e9)) == ((), inf, ())
    assert it.report(A, Failure.TCP, 0.0) is None
    assert not HealthChecks(passive=PassiveChecks(healthy=replace(PASSIVE.healthy, successes=1))).enabled


def test_the_guides_configuration_hardly_ever_marks_a_pod() -> None:
    """With tcp_failures and http_failures left at 0 only timeouts count, three of them."""
    guide = HealthChecks(
        ActiveChecks(
            healthy=replace(ACTIVE.healthy, interval_s=10, successes=3),
            unhealthy=replace(ACTIVE.unhealthy, interval_s=10, timeouts=3),
        )
    )
    it = checker(guide)
    for report in (Failure.TCP, 500, 503, 404) * 10:
        assert it.report(A, report, 1.0, active=True) is None
    assert it.health(A) is Health.HEALTHY
    verdicts = [it.report(A, Failure.TIMEOUT, 2.0, active=True) for _ in range(3)]
    assert verdicts == [None, None, Verdict(A, available=False)]


def test_failures_accumulate_for_ever_without_successes() -> None:
    """Two failures today and one tomorrow are three."""
    it = checker(HealthChecks(passive=PassiveChecks(unhealthy=replace(PASSIVE.unhealthy, http_failures=3))))
    for now_s in (0.0, 1.0):
        it.report(A, 500, now_s)
        it.report(A, 200, now_s)
    assert it.report(A, 500, 86_400.0) == Verdict(A, available=False)
    assert it.report(A, 200, 90_000.0) is None


def test_an_operator_marks_a_target() -> None:
    """The Admin API's mark settles the state with fresh counters, survives a push, and binds nothing.

    See rule H7.
    """
    it = checker(PASSIVE_2)
    it.report(A, Failure.TCP, 0.0)
    assert it.set_status(A, 1.0, up=False) == Verdict(A, available=False)
    assert (it.health(A), it.counters(A)) == (Health.UNHEALTHY, Counters())
    assert it.rebuild(BOTH, 2.0) == (Verdict(A, available=False),)
    assert it.report(A, 200, 3.0) == Verdict(A, available=True)
    assert it.set_status(A, 4.0, up=True) == Verdict(A, available=True), "told again"
    assert it.counters(A) == Counters()


def test_an_operator_marks_nothing_that_is_not_checked() -> None:
    """A target that is not listed, was purged, or has no checks has no state that a mark could settle."""
    it = checker(PASSIVE_2, Target(A), Target(B, 0))
    assert it.set_status(B, 1.0, up=False) is None
    it.rebuild((Target(B),), 2.0)
    assert it.set_status(A, 302.0, up=False) == Verdict(A, available=False)
    assert it.set_status(A, 302.5, up=False) is None
    assert checker(HealthChecks()).set_status(A, 1.0, up=False) is None


def test_a_success_clears_all_failures() -> None:
    """A success ends the failures of every kind, a failure only the successes (rule H1)."""
    it = checker(replace(PASSIVE_2, passive=replace(PASSIVE_2.passive, healthy=replace(PASSIVE.healthy, successes=2))))
    it.report(A, Failure.TCP, 0.0)
    it.report(A, Failure.TIMEOUT, 0.0)
    assert it.counters(A) == Counters(tcp=1, timeout=1)
    it.report(A, 200, 0.0)
    assert it.counters(A) == Counters(success=1)
    it.report(A, 500, 0.0)
    assert (it.counters(A), it.health(A)) == (Counters(http=1), Health.MOSTLY_HEALTHY)


@pytest.mark.parametrize(("status", "verdict"), [(0, True), (500, True), (418, False), (502, False)])
def test_statuses(status: int, verdict: bool) -> None:
    """A status in neither says nothing, an unreadable one is a failure."""
    it = checker(PASSIVE_2)
    it.report(A, status, 0.0)
    assert (it.report(A, status, 0.0) is not None) is verdict


def test_verdicts_reach_every_worker_that_lists_the_target() -> None:
    """All its balancers follow a verdict, one without the target takes no notice (rule H6)."""
    workers = [Balancer(BOTH, RoundRobin(lambda i: i)) for _ in range(2)]
    elsewhere = Balancer([Target(B)], RoundRobin(lambda i: i))
    assert apply_verdict(Verdict(A, available=False), [*workers, elsewhere])
    assert [worker.is_available(A) for worker in workers] == [False, False]
    assert not apply_verdict(Verdict(A, available=False), [elsewhere])
    assert elsewhere.healthy


# Attempts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "final", "status", "report"),
    [
        (Attempt.REFUSED, False, 0, Failure.TCP),
        (Attempt.RESET, False, 0, Failure.TCP),
        (Attempt.CONNECT_TIMEOUT, False, 0, Failure.TIMEOUT),
        (Attempt.REFUSED, True, 0, 502),
        (Attempt.RESET, True, 0, 502),
        (Attempt.READ_TIMEOUT, True, 0, Failure.TIMEOUT),
        (Attempt.ANSWERED, True, 200, 200),
        (Attempt.ANSWERED, True, 504, Failure.TIMEOUT),
        (Attempt.NO_PEER, True, 0, None),
    ],
)
def test_passive_report(attempt: Attempt, final: bool, status: int, report: Report | None) -> None:
    """The last one is reported by status, a refused one as 502 (rule H4)."""
    assert passive_report(attempt, final=final, status=status) == report


def test_refused_connections_are_no_tcp_failures_without_retries() -> None:
    """Without a retry a refused connection is a 502, which the passive lists leave out."""
    it = checker(PASSIVE_2)
    for _ in range(20):
        report = passive_report(Attempt.REFUSED, final=True)
        assert report is not None
        assert it.report(A, report, 0.0) is None
    assert it.health(A) is Health.HEALTHY


# Probes ---------------------------------------------------------------------------------------------------------


def test_first_round_after_one_full_interval() -> None:
    """Nothing is probed at the start; after a full interval both targets are, at once, and then again."""
    it = checker(active(10, tcp_failures=1))
    assert it.next_run_s == 10.0
    assert it.due(9.9) == ()
    assert it.due(10.0) == (((A,), (B,)),)
    assert it.next_run_s == 20.0


def test_rounds_begin_on_the_timers_ticks() -> None:
    """An interval that is no multiple of the timer's tenth of a second ends at the next tick."""
    it = checker(active(0.25, tcp_failures=1))
    times = []
    for _ in range(4):
        times.append(it.next_run_s)
        assert it.due(it.next_run_s)
    assert times == [0.3, 0.6, 0.9, 1.2]


def test_pushes_starve_the_probes() -> None:
    """A push every 3 s restarts the interval of 10 s, so that no probe is ever sent (rule H2)."""
    it = checker(active(10, tcp_failures=1))
    for push in range(1, 100):
        now_s = 3.0 * push
        assert it.next_run_s > now_s
        assert it.due(now_s) == ()
        it.rebuild(BOTH, now_s)


def test_targets_down_have_their_own_round() -> None:
    """The round of the unhealthy follows in the same tick, drawn up before any result."""
    it = checker(active(5, tcp_failures=1))
    it.report(A, Failure.TCP, 1.0, active=True)
    assert it.due(5.0) == (((B,),), ((A,),))


def test_weight_0_is_not_added_but_probed_on() -> None:
    """Never added when it comes with weight 0, probed on and judged when it had weight.

    See rule H5.
    """
    assert checker(active(5, tcp_failures=1), Target(A, 0), Target(B)).addresses == (B,)
    it = checker(active(5, tcp_failures=1))
    it.rebuild((Target(A, 0), Target(B)), 1.0)
    assert it.due(6.0) == (((A,), (B,)),)
    assert it.report(A, Failure.TCP, 6.0, active=True) == Verdict(A, available=False)
    assert it.rebuild((Target(A, 0), Target(B)), 7.0) == ()


def test_purge_after_300_seconds() -> None:
    """300 s after the last push that did not list it a target's state is gone (rule H5)."""
    it = checker(PASSIVE_2)
    it.report(A, Failure.TCP, 0.0)
    it.rebuild((Target(B),), 10.0)
    it.rebuild((Target(B),), 200.0)
    assert it.report(A, Failure.TCP, 500.0) == Verdict(A, available=False)
    assert it.report(A, 200, 501.0) is None
    assert it.rebuild(BOTH, 501.0) == ()
    assert (it.health(A), it.addresses) == (Health.HEALTHY, (B, A))


def test_state_survives_a_push() -> None:
    """An unhealthy target is unhealthy to the new balancers at once."""
    it = checker(PASSIVE_2)
    for _ in range(2):
        it.report(A, Failure.TCP, 0.0)
    assert it.rebuild(BOTH, 3.0) == (Verdict(A, available=False),)


def test_tcp_probes_do_not_run_behind_http_routes() -> None:
    """Active checks of type tcp are silently off for HTTP traffic."""
    checks = active(5, tcp_failures=1)
    it = checker(replace(checks, active=replace(checks.active, type="tcp")))
    assert it.next_run_s == inf


@pytest.mark.parametrize(("concurrency", "packages"), [(10, ("a", "b", "c")), (2, ("ac", "b")), (1, ("abc",))])
def test_work_packages(concurrency: int, packages: tuple[str, ...]) -> None:
    """A round is dealt out like cards, and no package is empty."""
    assert work_packages("abc", concurrency) == tuple(tuple(package) for package in packages)


def test_limits_of_the_settings() -> None:
    """Numbers out of range are refused, 255 as well, which Kong's checker cannot bear."""
    with pytest.raises(ValueError, match="timeouts 255"):
        UnhealthyRule(frozenset(), timeouts=255)
    with pytest.raises(ValueError, match="interval"):
        HealthyRule(frozenset(), interval_s=-1)
    with pytest.raises(ValueError, match="concurrency"):
        ActiveChecks(concurrency=0)
