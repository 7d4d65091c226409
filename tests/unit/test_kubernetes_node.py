from hypothesis import given
from hypothesis import strategies as st

from simsticky.kubernetes.node import last_renewal_s, node_loss


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
