from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from simsticky.kubernetes.replicaset import (
    PodRank,
    api_time_s,
    deletion_order,
    is_pod_available,
    log_bucket,
    pods_to_delete,
    rank_by_node,
    slow_start_batches,
)


def ready(uid: str, node: str, ready_since_s: float = 0.0) -> PodRank:
    return PodRank(uid=uid, node=node, ready=True, ready_since_s=ready_since_s, created_s=ready_since_s - 10)


def test_slow_start_doubles() -> None:
    """Pods are created in batches of 1, 2, 4, … and at most 500 in one pass (rule K13)."""
    assert slow_start_batches(0) == []
    assert slow_start_batches(1) == [1]
    assert slow_start_batches(10) == [1, 2, 4, 3]
    assert sum(slow_start_batches(2000)) == 500


def test_available_after_min_ready_seconds() -> None:
    """A pod is available once ready for minReadySeconds."""
    assert is_pod_available(5.0, 0, 5.0)
    assert not is_pod_available(None, 0, 5.0)
    assert not is_pod_available(5.0, 10, 14.9)
    assert is_pod_available(5.0, 10, 15.0)


def test_crowded_node_gives_up_a_pod_first() -> None:
    """Rank counts the pods of all versions on a node; the pod on the fuller node goes first."""
    pods = rank_by_node([ready("a", "n1"), ready("b", "n2")], ["n1", "n2", "n2"])
    assert [pod.rank for pod in pods] == [1, 2]
    assert [pod.uid for pod in pods_to_delete(pods, 1, 1000.0)] == ["b"]


def test_all_go_unsorted() -> None:
    """Scaling to zero needs no order, and no more pods go than there are."""
    pods = [ready("b", "n"), ready("a", "n")]
    assert pods_to_delete(pods, 5, 10.0) == pods
    assert pods_to_delete(pods, 0, 10.0) == []
    assert pods_to_delete(pods, -1, 10.0) == []


def test_no_more_than_500_go_in_one_pass() -> None:
    """Of 501 surplus pods 500 go, so they are sorted even though all of them are to go."""
    pods = [replace(ready(f"{n:03}", "n"), deletion_cost=-n) for n in range(501)]
    going = pods_to_delete(pods, 501, 10.0)
    assert len(going) == 500
    assert pods[0] not in going


def test_uid_decides_within_a_bucket_of_age() -> None:
    """Pods ready for 300 s and 500 s count as equally old: the UID decides, not the age."""
    old, young = ready("a", "n", 0.0), ready("b", "n", 200.0)
    assert deletion_order([young, old], 500.0) == [old, young]
    assert deletion_order([old, young], 500.0, logarithmic_scale_down=False) == [young, old]


def test_restarts_and_creation_count_only_for_equal_ready_times() -> None:
    """More restarts, then later creation, decide only between pods that became ready in the same second."""
    assert api_time_s(12.9) == 12.0
    calm = PodRank(uid="a", node="n", ready=True, ready_since_s=10.0, created_s=1.0)
    crashed = PodRank(uid="b", node="n", ready=True, ready_since_s=10.0, created_s=1.0, max_restarts=3)
    later = PodRank(uid="c", node="n", ready=True, ready_since_s=10.0, created_s=9.0)
    assert deletion_order([calm, later, crashed], 11.0) == [crashed, later, calm]


def test_bucket_of_no_age() -> None:
    """An age of zero, or a time in the future, lies below every bucket."""
    assert log_bucket(0.0) == log_bucket(-5.0) == -1
    assert log_bucket(1e-9) == 0


@given(st.permutations(range(6)))
def test_order_does_not_depend_on_the_input(order: list[int]) -> None:
    """Pods with distinct UIDs come out in one order whatever order they are listed in."""
    pods = [ready(f"uid-{n}", f"n{n % 2}", 100.0 * n) for n in range(6)]
    assert deletion_order([pods[n] for n in order], 700.0) == deletion_order(pods, 700.0)


def test_deletion_cost_beats_crowding_and_age() -> None:
    """The lowest cost goes first wherever the pod is, no annotation is cost 0, and a pod not ready goes before."""
    cheap = replace(ready("z", "empty", 0.0), deletion_cost=-1)
    plain = ready("a", "full", 900.0)
    dear = replace(ready("b", "full", 900.0), deletion_cost=50)
    broken = replace(ready("c", "empty"), ready=False, deletion_cost=1000)
    pods = rank_by_node([dear, plain, cheap, broken], ["full", "full", "full", "empty", "empty"])
    assert [pod.uid for pod in deletion_order(pods, 1000.0)] == ["c", "z", "a", "b"]


def test_crowding_counts_the_other_version_too() -> None:
    """In a rollout the node that has already received new pods gives up its old pod first."""
    old = [ready("1", "n1"), ready("2", "n2")]
    assert [pod.uid for pod in pods_to_delete(rank_by_node(old, ["n1", "n2"]), 1, 500.0)] == ["1"]
    assert [pod.uid for pod in pods_to_delete(rank_by_node(old, ["n1", "n2", "n2"]), 1, 500.0)] == ["2"]
