from dataclasses import replace

import pytest

from simsticky.kubernetes.statefulset import (
    Awaited,
    StatefulPod,
    StatefulSetSpec,
    Step,
    heeds_max_unavailable,
    resolved_max_unavailable,
    sync,
    update_complete,
)

NOW_S = 1000.0
THREE = StatefulSetSpec(replicas=3, revision=2, previous_revision=1)
PARALLEL = replace(THREE, pod_management="Parallel")


def up(ordinal: int, revision: int = 2) -> StatefulPod:
    return StatefulPod(ordinal, revision, "Running", 0.0)


def down(ordinal: int, revision: int = 2) -> StatefulPod:
    return StatefulPod(ordinal, revision, "Running", None)


def going(ordinal: int, revision: int = 2) -> StatefulPod:
    return StatefulPod(ordinal, revision, "Running", 0.0, terminating=True)


def moves(step: Step) -> list[str]:
    return [f"{kind} {ordinal}@{revision}" for kind, ordinal, revision in step.actions]


def test_pods_are_created_one_by_one_in_order() -> None:
    """OrderedReady creates ordinal 0, waits until it is available, then creates 1."""
    assert moves(sync(THREE, [], NOW_S)) == ["create 0@2"]
    assert sync(THREE, [down(0)], NOW_S) == ((), Awaited(0, "available"))
    assert moves(sync(THREE, [up(0)], NOW_S)) == ["create 1@2"]


def test_min_ready_seconds_delay_the_next_pod() -> None:
    """A pod ready for less than minReadySeconds still holds up its successors."""
    spec = replace(THREE, min_ready_seconds=30)
    fresh = replace(up(0), ready_since_s=NOW_S - 29.0)
    assert sync(spec, [fresh], NOW_S).waits_for == Awaited(0, "available")
    assert moves(sync(spec, [fresh], NOW_S + 1.0)) == ["create 1@2"]


def test_parallel_creates_and_deletes_at_once() -> None:
    """Parallel creates all missing pods and removes all surplus ones in one pass, whatever the others do."""
    assert moves(sync(PARALLEL, [down(1)], NOW_S)) == ["create 0@2", "create 2@2"]
    surplus = [up(0), up(1), up(2), up(3), down(4), going(5)]
    assert moves(sync(PARALLEL, surplus, NOW_S)) == ["delete 4@2", "delete 3@2"]


def test_scale_down_goes_from_the_top_and_waits() -> None:
    """The highest ordinal goes first, and the next only when that one is gone altogether."""
    one = replace(THREE, replicas=1)
    assert moves(sync(one, [up(0), up(1), up(2)], NOW_S)) == ["delete 2@2"]
    assert sync(one, [up(0), up(1), going(2)], NOW_S) == ((), Awaited(2, "gone"))
    assert moves(sync(one, [up(0), up(1)], NOW_S)) == ["delete 1@2"]


def test_an_unhealthy_pod_below_blocks_a_scale_down() -> None:
    """With pod 0 not ready nothing is removed; a broken surplus pod may go when it is the only unhealthy one."""
    one = replace(THREE, replicas=1)
    assert sync(one, [down(0), up(1)], NOW_S) == ((), Awaited(0, "available"))
    assert sync(one, [up(0), down(1), down(2)], NOW_S) == ((), Awaited(2, "available"))
    assert moves(sync(one, [up(0), up(1), down(2)], NOW_S)) == ["delete 2@2"]


def test_update_goes_from_the_top_one_at_a_time() -> None:
    """Delete the highest outdated pod, wait until it is gone, create it anew, wait until available, next."""
    old = [up(0, 1), up(1, 1), up(2, 1)]
    assert moves(sync(THREE, old, NOW_S)) == ["delete 2@1"]
    assert sync(THREE, [*old[:2], going(2, 1)], NOW_S) == ((), Awaited(2, "gone"))
    assert moves(sync(THREE, old[:2], NOW_S)) == ["create 2@2"]
    assert sync(THREE, [*old[:2], down(2)], NOW_S) == ((), Awaited(2, "available"))
    assert moves(sync(THREE, [*old[:2], up(2)], NOW_S)) == ["delete 1@1"]
    done = [up(0), up(1), up(2)]
    assert sync(THREE, done, NOW_S) == ((), None)
    assert update_complete(THREE, done)
    assert not update_complete(THREE, [*old[:2], up(2)])


def test_a_broken_pod_blocks_the_update() -> None:
    """A pod that never becomes ready stops everything, also going back: it has to be deleted by hand."""
    stuck = [up(0, 1), up(1, 1), down(2)]
    assert sync(THREE, stuck, NOW_S) == ((), Awaited(2, "available"))
    back = replace(THREE, revision=1, previous_revision=1)
    assert sync(back, stuck, NOW_S) == ((), Awaited(2, "available"))
    by_hand = [up(0, 1), up(1, 1)]
    assert moves(sync(back, by_hand, NOW_S)) == ["create 2@1"]


def test_partition_keeps_the_lower_ordinals() -> None:
    """Ordinals below the partition stay, and come back at the previous revision when they are lost."""
    spec = replace(THREE, partition=2)
    assert sync(spec, [up(0, 1), up(1, 1), up(2)], NOW_S) == ((), None)
    assert update_complete(spec, [up(0, 1), up(1, 1), up(2)])
    assert moves(sync(spec, [up(0, 1), up(2)], NOW_S)) == ["create 1@1"]
    assert moves(sync(THREE, [up(0, 1), up(2)], NOW_S)) == ["create 1@2"]


def test_on_delete_waits_for_a_hand() -> None:
    """OnDelete replaces what was deleted and deletes nothing itself."""
    spec = replace(THREE, update_strategy="OnDelete")
    assert sync(spec, [up(0, 1), up(1, 1), up(2, 1)], NOW_S) == ((), None)
    assert moves(sync(spec, [up(0, 1), up(1, 1)], NOW_S)) == ["create 2@2"]


def test_failed_pods_are_deleted_and_come_back() -> None:
    """A pod in a terminal phase is deleted once and created again when it is gone."""
    over = StatefulPod(1, 2, "Failed")
    assert moves(sync(THREE, [up(0), over, up(2)], NOW_S)) == ["delete 1@2"]
    assert sync(THREE, [up(0), replace(over, terminating=True), up(2)], NOW_S) == ((), Awaited(1, "gone"))


@pytest.mark.parametrize("max_unavailable", [None, 2])
def test_a_failed_pod_of_the_old_template_is_deleted_once(max_unavailable: int | None) -> None:
    """In Parallel one pass both cleans up and updates: a pod that is up for both is deleted once, and uses up its turn.

    With one pod at a time it is the one; with two, it is down already and one more may go, which is itself again.
    """
    spec = replace(PARALLEL, max_unavailable=max_unavailable)
    over = StatefulPod(2, 1, "Failed")
    assert moves(sync(spec, [up(0, 1), up(1, 1), over], NOW_S)) == ["delete 2@1"]


@pytest.mark.parametrize(("value", "pods"), [(None, 1), (2, 2), ("25%", 2), ("5%", 1), ("100%", 10)])
def test_max_unavailable_rounds_down_to_at_least_one(value: int | str | None, pods: int) -> None:
    """A percentage of 10 rounds down, and one pod may always go."""
    assert resolved_max_unavailable(StatefulSetSpec(replicas=10, max_unavailable=value)) == pods


@pytest.mark.parametrize(
    ("release", "heeds"),
    [
        ((), True),
        ((1, 34, 9), False),
        ((1, 35), False),
        ((1, 35, 0), True),
        ((1, 35, 3), True),
        ((1, 35, 4), False),
        ((1, 36), False),
        ((1, 36, 3), False),
        ((1, 37), True),
        ((1, 37, 1), True),
    ],
)
def test_releases_differ_in_max_unavailable(release: tuple[int, ...], heeds: bool) -> None:
    """The gate was on in 1.35.0 to 1.35.3, off until 1.37; a minor release alone is meant as it is at its end."""
    assert heeds_max_unavailable(release) is heeds


def test_max_unavailable_takes_several_and_counts_the_broken() -> None:
    """Two may be down: two outdated pods go at once, one if another is down already, none if two are."""
    spec = replace(PARALLEL, replicas=4, max_unavailable=2)
    old = [up(n, 1) for n in range(4)]
    assert moves(sync(spec, old, NOW_S)) == ["delete 3@1", "delete 2@1"]
    assert moves(sync(spec, [*old[:3], down(3)], NOW_S)) == ["delete 2@1"]
    assert moves(sync(spec, [*old[:3], going(3, 1)], NOW_S)) == ["delete 2@1"]
    assert sync(spec, [*old[:2], going(2, 1), going(3, 1)], NOW_S) == ((), Awaited(2, "available"))
