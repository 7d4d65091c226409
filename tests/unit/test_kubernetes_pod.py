import pytest

from simsticky.kubernetes.pod import (
    CrashLoopBackOff,
    Deletion,
    delete_request,
    effective_grace_s,
    stop_timeout_s,
    termination_timeline,
)


def test_effective_grace_only_shrinks() -> None:
    """The delete request's grace rules, a second request can only shorten it, and it is at least 1 s."""
    assert effective_grace_s(30) == 30
    assert effective_grace_s(30, deletion_grace_s=60) == 60
    assert effective_grace_s(30, deletion_grace_s=60, current_s=20) == 20
    assert effective_grace_s(60, deletion_grace_s=60, override_s=15) == 15
    assert effective_grace_s(0) == effective_grace_s(None) == 1


def test_a_grace_of_0_is_one_second_not_the_pods_own() -> None:
    """A forced deletion, or a shutdown that leaves no time, cuts the grace to 1 s and does not restore the pod's."""
    assert effective_grace_s(30, deletion_grace_s=0) == 1
    assert effective_grace_s(30, override_s=0) == 1
    assert effective_grace_s(30, deletion_grace_s=30, override_s=0) == 1


@pytest.mark.parametrize(
    ("grace_s", "hook_s", "timeout_s"), [(60, 30.0, 30), (30, 5.999, 25), (30, 30.0, 2), (30, 28.0, 2)]
)
def test_stop_timeout_is_cut_to_whole_seconds(grace_s: int, hook_s: float, timeout_s: int) -> None:
    """The hook's time is truncated before it is subtracted, and 2 s are always left (rule D3)."""
    assert stop_timeout_s(grace_s, hook_s) == timeout_s


def test_exit_at_the_last_moment_is_no_kill() -> None:
    """A process that ends exactly with its grace period has exited; a moment later it is killed."""
    assert not termination_timeline(30, 28, 2).sigkill
    assert termination_timeline(30, 28, 2.001).sigkill


def test_failing_hook_is_no_drain() -> None:
    """A preStop command that fails gives SIGTERM at once and leaves the whole grace period."""
    timeline = termination_timeline(60, 0, None)
    assert (timeline.sigterm_at_s, timeline.container_dead_at_s) == (0.0, 60.0)


def test_back_off_is_forgotten_after_ten_minutes() -> None:
    """A container that ran for more than 600 s since its last restart starts at once when it fails again."""
    entry = CrashLoopBackOff().restarted(0.0, 0.0).restarted(1.0, 11.0)
    assert entry.wait_s(611.0) == 20.0
    assert entry.wait_s(611.1) == 0.0
    assert entry.restarted(611.1, 611.1) == CrashLoopBackOff(10.0, 611.1)


def test_delete_requests() -> None:
    """A delete takes the pod's own grace, force removes the object at once, a second one only shortens."""
    assert delete_request(30) == Deletion(30, gone=False)
    assert delete_request(30, 0) == Deletion(0, gone=True)
    assert delete_request(30, 90) == Deletion(90, gone=False)
    assert delete_request(30, 20, earlier_s=10) == Deletion(10, gone=False)
    assert delete_request(30, 5, earlier_s=10) == Deletion(5, gone=False)
    assert delete_request(30, -1) == Deletion(1, gone=False)


def test_pods_without_node_or_life_go_at_once() -> None:
    """A pod that is not scheduled yet or is over waits for no kubelet."""
    assert delete_request(30, scheduled=False).gone
    assert delete_request(30, phase="Failed").gone
    assert delete_request(30, phase="Succeeded").gone
    assert not delete_request(30, phase="Pending").gone


def test_force_delete_leaves_the_container_two_seconds() -> None:
    """The object is gone at once; its container is still stopped, the hook cut to 1 s, SIGKILL 2 s after SIGTERM.

    See rule D7.
    """
    request = delete_request(60, 0)
    assert request.gone
    assert termination_timeline(request.kubelet_grace_s, None, None).container_dead_at_s == 2.0
    assert termination_timeline(request.kubelet_grace_s, 30.0, None).container_dead_at_s == 3.0


def test_back_off_is_looked_at_late() -> None:
    """The pod worker looks again after 1 to 1.5 times the back-off; the first restart stays immediate."""
    entry = CrashLoopBackOff().restarted(0.0, 0.0)
    assert entry.retry_in_s(1.0, 0.0) == 10.0
    assert entry.retry_in_s(1.0, 0.5) == 12.5
    assert CrashLoopBackOff().retry_in_s(0.0, 0.9) == 0.0


@pytest.mark.parametrize(
    ("max_s", "waits_s"),
    [(300.0, [10.0, 20.0, 40.0, 80.0, 160.0, 300.0]), (30.0, [10.0, 20.0, 30.0, 30.0]), (4.0, [4.0, 4.0])],
)
def test_a_node_may_cut_the_back_off(max_s: float, waits_s: list[float]) -> None:
    """The node's own maximum, which is the first wait, too, where it is below 10 s."""
    entry, met = CrashLoopBackOff(max_s=max_s), []
    for _ in waits_s:
        entry = entry.restarted(0.0, 0.0)
        met.append(entry.wait_s(0.0))
    assert met == waits_s
