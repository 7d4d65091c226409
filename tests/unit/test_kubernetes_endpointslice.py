from dataclasses import replace

from simsticky.kubernetes.endpointslice import (
    PodView,
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
    """A terminating pod keeps its endpoint until it is Succeeded or Failed."""
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
