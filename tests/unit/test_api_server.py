"""The API server: what it makes of a deletion, and who hears of it in which order."""

import pytest
from small_scenario import small

from simsticky.recording.open_rows import OpenRows
from simsticky.recording.recorder import Recorder
from simsticky.sim.clock import Clock
from simsticky.sim.control.api_server import ApiServer, Deletion
from simsticky.sim.control.pods import Pod, Template
from simsticky.sim.plane.columns import Columns
from simsticky.sim.plane.ways import INTERPRETED
from simsticky.sim.streams import Streams
from simsticky.sim.world import World

_TEMPLATE = Template(small().app.startup, never_ready=True)


@pytest.fixture
def api() -> ApiServer:
    """Return an API server without pods."""
    rows = OpenRows()
    recorder = Recorder("summary", 0.0, rows=rows)
    return ApiServer(World(Clock(), small(), Streams(1, 0), recorder, rows, Columns(INTERPRETED)))


def _pod(api: ApiServer, created_s: float | None = None) -> Pod:
    return api.create(0, "app-1", 1, _TEMPLATE, 0, created_s)


def _running(api: ApiServer) -> Pod:
    pod = _pod(api)
    assert api.schedule(pod)
    pod.phase = "Running"
    return pod


def _listen(api: ApiServer) -> list[tuple[str, Pod]]:
    """Return what is told from now on, and of which pod."""
    heard: list[tuple[str, Pod]] = []
    api.watch_deletions(lambda deletion: heard.append(("deletion", deletion.pod)))
    api.watch_creations(lambda pod: heard.append(("creation", pod)))
    api.watch_pods(lambda pod: heard.append(("gone" if pod.gone else "change", pod)))
    return heard


def test_only_pods_of_the_run_are_told_as_created(api: ApiServer) -> None:
    """A pod that has been running since before the run is adopted, not started again."""
    heard = _listen(api)
    old, new = _pod(api, created_s=-60.0), _pod(api)
    assert heard == [("change", old), ("change", new), ("creation", new)]
    assert (new.startup, new.never_ready) == _TEMPLATE


def test_deletion_of_a_running_pod_is_its_kubelets_to_finish(api: ApiServer) -> None:
    """The object stays with its deletion timestamp, and endpoints hear before the kubelet (rule D1)."""
    pod, deletions = _running(api), list[Deletion]()
    heard = _listen(api)
    api.watch_deletions(deletions.append)
    api.delete(pod, 3, "replicaset", 10)
    assert heard == [("change", pod), ("deletion", pod)]
    assert deletions == [Deletion(pod, 3, 10, has_to_end=True)]
    assert pod in api.pods
    assert (pod.deleted, pod.record.deleted_by, pod.gone) == (True, 3, False)


@pytest.mark.parametrize("phase", ["Pending", "Failed", "Succeeded"])
def test_pod_with_nothing_to_end_is_gone_at_once(api: ApiServer, phase: str) -> None:
    """A pod without a node, or one that is over, waits for no kubelet (rule D1)."""
    pod = _pod(api) if phase == "Pending" else _running(api)
    pod.phase = phase
    heard, deletions = _listen(api), list[Deletion]()
    api.watch_deletions(deletions.append)
    api.delete(pod, 0, "operator")
    assert heard == [("gone", pod), ("deletion", pod)]
    assert [deletion.has_to_end for deletion in deletions] == [False]
    assert api.pods == []


def test_forced_deletion_leaves_the_container_to_the_kubelet(api: ApiServer) -> None:
    """The object is gone, and what runs is ended in the shortest grace period there is (rule D7)."""
    pod, deletions = _running(api), list[Deletion]()
    api.watch_deletions(deletions.append)
    api.force_delete(pod, 1, "operator")
    assert (pod.gone, api.pods) == (True, [])
    assert deletions == [Deletion(pod, 1, 1, has_to_end=True)]


def test_address_keeps_the_name_of_who_had_it(api: ApiServer) -> None:
    """An address keeps its pod's name, so that the story of a later push can tell whose it was."""
    pod = _running(api)
    api.remove(pod)
    assert api.name_at(pod.address) == pod.name
