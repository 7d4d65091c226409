from hypothesis import given
from hypothesis import strategies as st

from simsticky.kubernetes.node import (
    ShutdownPod,
    cut_short,
    graceful_shutdown,
    last_renewal_s,
    node_loss,
)
from simsticky.kubernetes.pod import termination_timeline


def test_loss_is_noticed_at_a_look_after_the_grace() -> None:
    """A renewal at 98 is seen at 100; 40 s later the node is lost, and after 300 s its pods are deleted."""
    loss = node_loss(98.0)
    assert loss == (140.0, 440.0)
    assert node_loss(98.0, grace_s=50.0).not_ready_at_s == 150.0
    assert node_loss(98.0, grace_s=42.0).not_ready_at_s == 145.0
    assert node_loss(98.0, toleration_s=30.0).deleted_at_s == 170.0
    assert last_renewal_s(107.9, 8.0) == 98.0


@given(
    lost_at_s=st.floats(100, 10_000),
    renew_phase_s=st.floats(0, 10),
    monitor_phase_s=st.floats(0, 5),
    grace_s=st.sampled_from([40.0, 50.0]),
)
def test_the_blind_time(lost_at_s: float, renew_phase_s: float, monitor_phase_s: float, grace_s: float) -> None:
    """Whatever the phases, connections fail unnoticed for the grace less at most a renewal plus at most a look."""
    loss = node_loss(last_renewal_s(lost_at_s, renew_phase_s), monitor_phase_s=monitor_phase_s, grace_s=grace_s)
    assert grace_s - 10.0 - 1e-6 <= loss.not_ready_at_s - lost_at_s <= grace_s + 5.0 + 1e-6


def test_graceful_shutdown_is_off_by_default() -> None:
    """Without shutdownGracePeriod, or with less of it than critical pods have, the machine's end cuts pods off."""
    assert graceful_shutdown([ShutdownPod("a")]) == {}
    assert graceful_shutdown([ShutdownPod("a")], 10, 20) == {}


def test_shutdown_cuts_the_grace_and_critical_pods_follow() -> None:
    """30 s of which 10 for critical pods: regular ones get at most 20, critical ones start when those are over."""
    pods = [
        ShutdownPod("drains", grace_s=60, pre_stop_s=30.0, exit_after_sigterm_s=None),
        ShutdownPod("quick", grace_s=5, exit_after_sigterm_s=1.0),
        ShutdownPod("dns", critical=True, exit_after_sigterm_s=3.0),
    ]
    stops = graceful_shutdown(pods, 30, 10)
    assert (stops["drains"].grace_s, stops["quick"].grace_s, stops["dns"].grace_s) == (20, 5, 10)
    # The hook of 30 s is cut at 20 s, and 2 s are left.
    assert stops["drains"].failed_at_s == 22.0
    assert stops["quick"].failed_at_s == 1.0
    assert (stops["dns"].killed_from_s, stops["dns"].failed_at_s) == (20.0, 23.0)
    early = graceful_shutdown(pods[1:], 30, 10)
    assert early["dns"].killed_from_s == 1.0


def test_shutdown_without_time_for_critical_pods_gives_them_a_second() -> None:
    """A period of 0 for critical pods overrides their grace with 0, which the kubelet makes 1 s."""
    dns = ShutdownPod("dns", critical=True, exit_after_sigterm_s=None)
    stop = graceful_shutdown([dns], 30, 0)["dns"]
    assert (stop.grace_s, stop.failed_at_s) == (1, 2.0)


def test_spot_notice_cuts_a_drain_short() -> None:
    """30 s of notice end a termination of 40 s in the middle of its preStop hook; a shorter one is left alone."""
    guides = termination_timeline(60, 30.0, 10.0)
    cut = cut_short(guides, 25.0)
    assert (cut.sigterm_at_s, cut.container_dead_at_s, cut.sigkill) == (25.0, 25.0, True)
    assert cut_short(guides, 35.0).sigterm_at_s == 30.0
    assert cut_short(guides, 40.0) == guides
