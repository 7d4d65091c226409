from dataclasses import replace

from simsticky.kubernetes.endpointslice import (
    PodView,
    SliceSync,
    conditions,
    pod_change_triggers_sync,
    pod_changes,
    should_be_in_slice,
)

READY = PodView(ips=("10.0.0.1",), ready=True, labels={"app": "a"})


def test_terminating_pod_goes_on_serving() -> None:
    """At the deletion timestamp ready ends and serving does not; published addresses stay ready."""
    draining = conditions(ready_condition=True, has_deletion_timestamp=True)
    assert (draining.ready, draining.serving, draining.terminating) == (False, True, True)
    published = conditions(ready_condition=False, has_deletion_timestamp=True, publish_not_ready_addresses=True)
    assert (published.ready, published.serving) == (True, False)


def test_endpoint_leaves_with_the_terminal_phase() -> None:
    """A terminating pod keeps its endpoint until it is Succeeded or Failed (rule E1)."""
    assert should_be_in_slice("Running", has_ip=True, has_deletion_timestamp=True)
    assert not should_be_in_slice("Failed", has_ip=True, has_deletion_timestamp=True)
    assert not should_be_in_slice("Succeeded", has_ip=True)
    assert not should_be_in_slice("Pending", has_ip=False)


def test_every_update_of_a_terminating_pod_triggers() -> None:
    """Deletion timestamps are compared by identity: the same one twice still counts as a change."""
    deleted = replace(READY, deletion_timestamp_s=30.0)
    assert pod_changes(READY, deleted).pod
    assert pod_change_triggers_sync(deleted, deleted)


def test_phase_alone_does_not_trigger() -> None:
    """What the controller does not compare, such as the phase, wakes nobody; labels and hostname do."""
    assert not pod_change_triggers_sync(READY, READY)
    assert pod_changes(READY, replace(READY, hostname="web-0")).labels
    assert pod_change_triggers_sync(READY, replace(READY, labels={}))


def test_a_burst_reaches_the_slices_in_steps_of_a_second() -> None:
    """The first change is written at once; the next, before the cache shows that write, a second later."""
    first = SliceSync().attempt(10.0, cache_delay_s=0.2)
    assert first.writes
    stale = first.sync.attempt(10.1, 0.2)
    assert (stale.writes, stale.retry_at_s) == (False, 11.1)
    again = stale.sync.attempt(11.1, 0.2)
    assert again.writes
    assert again.sync.failures == 0
    assert again.sync.attempt(11.4, 0.2).writes  # a change after the cache has caught up waits for nothing


def test_stale_retries_double_and_end() -> None:
    """A cache that hangs is asked again after 1, 2, 4, … s; after 15 retries the Service is dropped."""
    state, now_s, waits_s = SliceSync(cache_current_at_s=1e9), 0.0, []
    while (tried := state.attempt(now_s, 1.0)).retry_at_s is not None:
        waits_s.append(tried.retry_at_s - now_s)
        state, now_s = tried.sync, tried.retry_at_s
    assert waits_s == [min(2.0**n, 1000.0) for n in range(15)]
    assert tried.dropped
    assert not tried.writes
    assert tried.sync.attempt(now_s, 1.0).retry_at_s == now_s + 1.0
