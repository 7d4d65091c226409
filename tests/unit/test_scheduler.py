"""Replications on a Dask cluster: the same bytes, and clear words when the cluster is not there or dies."""

import os
import re
import time

import pytest
import stub_study
from stub_study import METRICS, StubScenario

from simsticky.errors import InputError, SimstickyError
from simsticky.study.pool import run_ordered
from simsticky.study.replicate import replicate
from simsticky.study.scheduler import connected, versions

distributed = pytest.importorskip("distributed", reason="the extra distributed is not installed")


@pytest.fixture(scope="module")
def cluster():
    """Two workers in processes of their own."""
    path = os.pathsep.join(["tests/unit", *filter(None, [os.environ.get("PYTHONPATH")])])
    with (
        pytest.MonkeyPatch.context() as patch,
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", env={"PYTHONPATH": path}
        ) as running,
    ):
        patch.setenv("PYTHONPATH", path)
        yield running


def study(**how):
    """A study of the stub."""
    return replicate(StubScenario(), 21, 7, simulate=stub_study.simulate, metrics=METRICS, **how)


def test_a_cluster_gives_the_same_bytes(cluster):
    """Where the replications run is no part of the result."""
    assert study(scheduler=cluster.scheduler_address).to_json() == study().to_json()


def test_the_width_of_a_cluster_is_its_threads(cluster):
    """So many tasks are kept in flight, and no more than twice as many."""
    with connected(cluster.scheduler_address) as found:
        assert found.width == 2
        assert run_ordered(range(9), str, executor=found.executor) == [str(number) for number in range(9)]


def test_an_error_of_a_replication_keeps_its_kind(cluster):
    """A contradiction of the model on a worker is told as one."""
    with pytest.raises(SimstickyError, match="a dead container answered"):
        replicate(
            StubScenario(), 3, 7, simulate=stub_study.violates, metrics=METRICS, scheduler=cluster.scheduler_address
        )


@pytest.mark.slow
def test_what_is_finished_outlives_the_workers(cluster, tmp_path):
    """Replications that kill each worker they come to end the study in words; those heard of before are kept."""
    place = tmp_path / "study"
    with pytest.raises(SimstickyError, match=r"a worker process died after \d of 8 replications") as told:
        replicate(
            StubScenario(),
            8,
            7,
            simulate=stub_study.dies_from_the_third_on,
            metrics=METRICS,
            scheduler=cluster.scheduler_address,
            directory=place,
        )
    finished = int(re.search(r"after (\d) of", str(told.value))[1])
    journal = place / "replications.jsonl"
    assert (journal.read_bytes().count(b"\n") if journal.exists() else 0) >= finished
    whole = replicate(StubScenario(), 8, 7, simulate=stub_study.simulate, metrics=METRICS)
    again = replicate(StubScenario(), 8, 7, simulate=stub_study.simulate, metrics=METRICS, directory=place)
    assert again.to_json() == whole.to_json()


@pytest.mark.slow
def test_nobody_at_the_address_is_told_soon():
    """An unreachable scheduler costs seconds, not minutes."""
    begun = time.monotonic()
    with pytest.raises(SimstickyError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9 within 5 s"):
        study(scheduler="tcp://127.0.0.1:9")
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense://127.0.0.1:9"])
def test_what_is_no_address_is_bad_input(address):
    """A typo in the address is the person's to mend."""
    with pytest.raises(InputError, match="is no address"):
        study(scheduler=address)


def test_other_versions_are_refused(cluster, monkeypatch):
    """Workers of another version could give other numbers without a word."""
    ours = {**versions(), "numpy": "0.1"}
    monkeypatch.setattr("simsticky.study.scheduler.library_versions", lambda: ours)
    with pytest.raises(SimstickyError, match=r"has numpy \S+ and this process 0\.1"):
        study(scheduler=cluster.scheduler_address)


@pytest.mark.slow
def test_a_cluster_without_workers_is_given_up(monkeypatch):
    """A study does not wait forever for workers that never come."""
    monkeypatch.setattr("simsticky.study.scheduler.WITHOUT_WORKERS_S", 1.0)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
        pytest.raises(SimstickyError, match="has had no worker"),
    ):
        study(scheduler=empty.scheduler_address)
