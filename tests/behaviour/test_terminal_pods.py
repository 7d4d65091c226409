"""Pods that are over before anybody deletes them."""

from math import isnan
from pathlib import Path

from stories import tell


def test_a_stateful_pod_that_failed_in_a_node_shutdown_comes_back_at_once(tmp_path: Path) -> None:
    """A pod in a terminal phase is deleted without waiting for a kubelet, so that its name is free at once."""
    layers = {
        "deployment": {"kind": "StatefulSet", "preStop": "10s"},
        "kubernetes": {"nodeMonitorPeriod": "0s"},
        "timeline": [{"at": 100, "shutdownNode": "node-1", "gracePeriod": "30s", "criticalGracePeriod": "30s"}],
    }
    story = tell(tmp_path, [[1.0, 90.0]], layers)
    (old,) = (pod for pod in story.pods if pod.node == "node-1" and pod.created_s < 0)
    (new,) = (pod for pod in story.pods if pod.created_s >= 0)
    # Nobody deletes it while the kubelet ends it; then its owner does, and it is gone.
    assert old.dead_s == 110.0
    assert (old.deleted_s, old.removed_s) == (110.0, 110.0)
    assert new.created_s == 110.0
    assert not isnan(new.ready_s)
