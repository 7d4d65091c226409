from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simsticky.kubernetes.deployment import (
    Annotations,
    DeploymentSpec,
    NewReplicaSet,
    ReplicaSetState,
    Strategy,
    sync,
)
from simsticky.kubernetes.deployment_spec import max_surge, min_available, split_new_and_old
from simsticky.kubernetes.progress import (
    DeploymentStatus,
    ProgressCondition,
    deployment_complete,
    deployment_status,
    next_condition,
)
from simsticky.kubernetes.proportional import scale
from simsticky.kubernetes.rolling import cleanup_unhealthy_replicas, reconcile_old_replica_sets

TEN = DeploymentSpec(replicas=10, strategy=Strategy(max_surge=3, max_unavailable=2), revision=2)
THREE = DeploymentSpec(replicas=3, revision=2)


def rs(
    name: str, revision: int, pods: int, available: int | None = None, of: DeploymentSpec | None = None
) -> ReplicaSetState:
    """A ReplicaSet whose report is up to date, sized when the Deployment was ``of``."""
    up = pods if available is None else available
    return ReplicaSetState(
        name,
        revision,
        revision,
        pods,
        status_replicas=pods,
        ready_replicas=up,
        available_replicas=up,
        desired_annotation=of.replicas if of else None,
        max_replicas_annotation=of.replicas + max_surge(of) if of else None,
    )


def test_first_sync_creates_and_cuts_at_once() -> None:
    """One sync may create the surge pods and take old pods away; the created size carries its annotations."""
    result = sync(TEN, [rs("v1", 1, 10)])
    assert result.reason == "create new + scale old"
    assert result.create == NewReplicaSet(2, 3, Annotations(10, 13))
    assert result.scale == {"v1": 8}
    assert result.annotations == {"v1": Annotations(10, 13)}


def test_a_sync_that_grows_the_new_leaves_the_old_alone() -> None:
    """Growing the existing new ReplicaSet ends the sync although old pods could go too (rule K1)."""
    result = sync(TEN, [rs("v2", 2, 3), rs("v1", 1, 8)])
    assert (result.reason, result.scale) == ("scale new", {"v2": 5})


def test_defaults_at_three_replicas_wait_for_a_new_pod() -> None:
    """25 %/25 % of 3 is surge 1, unavailable 0: nothing old goes before a new pod is available."""
    assert sync(THREE, [rs("v1", 1, 3)]).scale == {}
    assert not sync(THREE, [rs("v1", 1, 3), rs("v2", 2, 1, available=0)]).writes
    assert sync(THREE, [rs("v1", 1, 3), rs("v2", 2, 1)]).scale == {"v1": 2}


def test_order_of_replica_sets_does_not_matter() -> None:
    """The decision depends on ages and names, not on the order in which the ReplicaSets are listed."""
    sets = [rs("v1", 1, 4, 3), rs("v2", 2, 2), rs("v0", 0, 4, 1)]
    assert sync(TEN, sets) == sync(TEN, sets[::-1])


def test_names_decide_between_replica_sets_of_one_age() -> None:
    """Two old ReplicaSets created in the same second: the first name shrinks first, however they are listed."""
    a, b = (replace(rs(name, 1, 6), creation_order=1) for name in "ab")
    new = rs("new", 2, 0)
    for listed in ([a, b], [b, a]):
        assert reconcile_old_replica_sets(TEN, [*listed, new], listed, new) == {"a": 2}


def test_rollover_starts_at_zero_and_cleans_the_half_rolled() -> None:
    """A third template mid-rollout gets no pod in a full house; broken pods of the second one go at once."""
    third = replace(TEN, revision=3)
    result = sync(third, [rs("v1", 1, 8), rs("v2", 2, 5, available=0)])
    assert result.create is not None
    assert result.create.replicas == 0
    assert result.scale == {"v2": 0}


def test_rollback_adopts_the_old_replica_set() -> None:
    """Going back to an earlier template makes its ReplicaSet, with its running pods, the new one."""
    back = replace(TEN, revision=1)
    sets = [rs("v1", 1, 8), rs("v2", 2, 5, available=0)]
    new, old = split_new_and_old(back, sets)
    assert (new, old) == (sets[0], [sets[1]])
    result = sync(back, sets)
    assert (result.create, result.scale) == (None, {"v2": 0})


def test_the_oldest_of_two_replica_sets_of_one_template_is_the_new_one() -> None:
    """Two ReplicaSets of the current template: the older one is rolled to, the other counts as old."""
    twin = replace(rs("v2b", 2, 1), creation_order=7)
    assert split_new_and_old(TEN, [twin, rs("v2", 2, 5)])[0] == rs("v2", 2, 5)


def test_paused_scales_but_creates_nothing() -> None:
    """A paused Deployment takes no step to a new template and still follows its replicas."""
    paused = replace(THREE, paused=True)
    assert not sync(paused, [rs("v1", 1, 3)]).writes
    result = sync(replace(paused, replicas=5), [rs("v1", 1, 3, of=THREE)])
    assert (result.reason, result.scale, result.create) == ("paused", {"v1": 5}, None)
    assert not sync(paused, []).writes


def test_scale_down_of_one_replica_set() -> None:
    """Scaling 3 -> 2 sets the one active ReplicaSet to 2 and notes it, and then nothing is left to do."""
    two = replace(THREE, replicas=2, revision=1)
    result = sync(two, [rs("v1", 1, 3, of=THREE)])
    assert (result.reason, result.scale) == ("scaling event", {"v1": 2})
    assert result.annotations == {"v1": Annotations(2, 3)}
    assert sync(two, [rs("v1", 1, 2, of=two)]).reason == "none"


def test_scale_in_mid_rollout_only_scales() -> None:
    """A scaling event in a rollout resizes both ReplicaSets to desired + surge and takes no rollout step."""
    twenty = replace(TEN, replicas=20)
    sets = [rs("v1", 1, 8, of=TEN), rs("v2", 2, 5, of=TEN)]
    result = sync(twenty, sets)
    assert result.reason == "scaling event"
    assert result.scale == {"v1": 14, "v2": 9}
    assert set(result.annotations) == {"v1", "v2"}
    after = [rs("v1", 1, 14, of=twenty), rs("v2", 2, 9, of=twenty)]
    assert sync(twenty, after).reason != "scaling event"


def test_a_replica_set_of_size_0_makes_no_scaling_event() -> None:
    """Only active ReplicaSets are asked for what they were sized for: one of an earlier size at 0 stops no rollout."""
    retired = rs("retired", 0, 0, of=THREE)
    old = rs("old", 1, 10, of=TEN)
    assert sync(TEN, [retired, old]).reason == "create new + scale old"
    assert sync(TEN, [rs("retired", 0, 1, of=THREE), old]).reason == "scaling event"


def test_scaling_event_may_write_annotations_only() -> None:
    """A retried scaling event with nothing left to add still writes the annotation that lags."""
    sets = [rs("v1", 1, 8, of=TEN), rs("v2", 2, 5, of=replace(TEN, replicas=9))]
    result = sync(TEN, sets)
    assert (result.scale, result.annotations) == ({}, {"v2": Annotations(10, 13)})
    assert result.writes


def test_among_equals_the_newer_grows_and_the_older_shrinks() -> None:
    """Two ReplicaSets of one size: what is added goes to the newer, what is taken comes from the older."""
    two = DeploymentSpec(replicas=2, strategy=Strategy(max_surge=0, max_unavailable=1), revision=2)
    sets = rs("v2", 2, 1, of=two), [rs("v1", 1, 1, of=two)]
    assert scale(replace(two, replicas=3), *sets).sizes == {"v2": 2}
    assert scale(replace(two, replicas=1), *sets).sizes == {"v1": 0}


def test_a_scale_to_the_size_a_rollout_has_just_cut_to_hangs() -> None:
    """5 pods at surge 0 are cut to 4 and then scaled to 4: nothing goes on.

    See rule K16.
    """
    five = DeploymentSpec(replicas=5, strategy=Strategy(max_surge=0, max_unavailable=1), revision=2)
    first = sync(five, [rs("v1", 1, 5, of=five)])
    assert first.create is not None
    assert (first.create.replicas, first.scale) == (0, {"v1": 4})
    halfway = [rs("v1", 1, 4, of=five), rs("v2", 2, 0, of=five)]
    hangs = sync(replace(five, replicas=4), halfway)
    assert (hangs.reason, hangs.writes) == ("scaling event", False)
    assert sync(replace(five, replicas=3), halfway).scale == {"v1": 3}


def test_saturated_new_replica_set_ends_the_old() -> None:
    """With the new ReplicaSet complete, a scaling event of what is left over scales the old ones to 0."""
    sets = [rs("v2", 2, 10, of=TEN), rs("v1", 1, 3, of=replace(TEN, replicas=9))]
    assert sync(TEN, sets).scale == {"v1": 0}


def test_recreate_in_scaling_event_with_two_active_sets_changes_nothing() -> None:
    """Proportional scaling is for rolling updates only."""
    recreate = replace(TEN, strategy=Strategy("Recreate"))
    assert scale(recreate, rs("v2", 2, 4, of=THREE), [rs("v1", 1, 4, of=THREE)]).sizes == {}


def test_no_active_replica_set_scales_the_latest() -> None:
    """A Deployment scaled to 0 and back grows its newest ReplicaSet while the template's own is missing."""
    assert scale(TEN, None, [rs("a", 0, 0), rs("b", 1, 0)]).sizes == {"b": 10}
    assert scale(TEN, None, []).sizes == {}


def test_lagging_report_stops_the_old_step() -> None:
    """More pods available than asked for means the report is old: no old pod goes until it has caught up."""
    lagging = rs("v1", 1, 6, available=8)
    assert reconcile_old_replica_sets(TEN, [lagging, rs("v2", 2, 5)], [lagging], rs("v2", 2, 5)) == {}
    cleanup = cleanup_unhealthy_replicas([lagging, rs("v0", 0, 3, available=1)], 5)
    assert (cleanup.sizes, cleanup.count, cleanup.lagging) == ({"v0": 1}, 0, True)


def test_pods_reported_by_a_replica_set_of_size_0_let_no_other_pod_go() -> None:
    """What an old ReplicaSet of size 0 still reports is available is going: it is not counted on."""
    gone, old, new = rs("gone", 0, 0, available=3), rs("old", 1, 8), rs("new", 2, 5, available=1)
    assert reconcile_old_replica_sets(TEN, [gone, old, new], [old], new) == {"old": 7}


def test_recreate_waits_for_terminating_pods() -> None:
    """Recreate stops the old pods, waits until the last one is gone, and creates all new ones at once."""
    recreate = replace(THREE, strategy=Strategy("Recreate"))
    assert sync(recreate, [rs("v1", 1, 3)], old_pods_running=True).scale == {"v1": 0}
    stopped = rs("v1", 1, 0)
    assert sync(recreate, [stopped], old_pods_running=True).reason == "waiting for old pods"
    reported = replace(stopped, status_replicas=1)
    assert sync(recreate, [reported]).reason == "waiting for old pods"
    created = sync(recreate, [stopped])
    assert created.create == NewReplicaSet(2, 3, Annotations(3, 3))
    assert sync(recreate, [stopped, rs("v2", 2, 1)]).scale == {"v2": 3}
    assert sync(recreate, [stopped, rs("v2", 2, 3)]).reason == "none"


def test_termination_complete_is_an_opt_in() -> None:
    """With TerminationComplete a terminating old pod holds its place: the new one comes when it is gone."""
    waiting = replace(THREE, pod_replacement_policy="TerminationComplete")
    sets = [replace(rs("v1", 1, 2), terminating_replicas=1), replace(rs("v2", 2, 1), terminating_replicas=0)]
    assert sync(THREE, sets).scale == {"v2": 2}
    assert "v2" not in sync(waiting, sets).scale
    gone = [replace(sets[0], terminating_replicas=0), sets[1]]
    assert sync(waiting, gone).scale == {"v2": 2}
    # The first size of a new ReplicaSet obeys it too: 3 + 1 terminating leave no place for the surge.
    full = [replace(rs("v1", 1, 3), terminating_replicas=1)]
    assert sync(THREE, full).create == NewReplicaSet(2, 1, Annotations(3, 4))
    assert sync(waiting, full).create == NewReplicaSet(2, 0, Annotations(3, 4))


def test_min_ready_seconds_hold_the_rollout_not_the_pod() -> None:
    """A pod that is ready but not available for long enough lets no old pod go."""
    fresh = replace(rs("v2", 2, 1, available=0), ready_replicas=1)
    assert sync(THREE, [rs("v1", 1, 3), fresh]).scale == {}


@given(
    replicas=st.integers(1, 12),
    surge=st.sampled_from([0, 1, 3, "25%", "100%"]),
    unavailable=st.sampled_from([0, 1, 2, "25%", "100%"]),
    ready_each_time=st.lists(st.integers(0, 4), min_size=1, max_size=40),
)
def test_a_rollout_keeps_its_bounds_and_ends(
    replicas: int, surge: int | str, unavailable: int | str, ready_each_time: list[int]
) -> None:
    """However slowly new pods become ready, pods stay within surge and availability, and the rollout ends."""
    spec = DeploymentSpec(replicas=replicas, strategy=Strategy("RollingUpdate", surge, unavailable), revision=2)
    old, new, available, created = replicas, 0, 0, False
    for ready in [*ready_each_time, *[12] * 60]:
        sets = [rs("v1", 1, old)] + ([rs("v2", 2, new, available)] if created else [])
        result = sync(spec, sets)
        if result.create:
            created, new = True, result.create.replicas
        old, new = result.scale.get("v1", old), result.scale.get("v2", new)
        assert old + new <= replicas + max_surge(spec)
        assert old + available >= min_available(spec)
        available = min(new, available + ready)
    assert (old, new, available) == (0, replicas, replicas)
    assert sync(spec, [rs("v1", 1, 0), rs("v2", 2, new)]).reason == "none"


@pytest.mark.parametrize(("updated", "total", "complete"), [(3, 3, True), (3, 4, False), (2, 3, False)])
def test_status_adds_up_the_reports(updated: int, total: int, complete: bool) -> None:
    """Complete looks at reported pods: an old one still reported delays it."""
    status = deployment_status(THREE, [rs("v1", 1, total - updated), rs("v2", 2, updated)])
    assert status == DeploymentStatus(total, updated, total, total)
    assert deployment_complete(3, replace(status, available_replicas=3)) is complete
    assert deployment_status(THREE, []) == DeploymentStatus()


def test_deadline_is_told_and_progress_takes_it_back() -> None:
    """A missed deadline turns the condition False; a pod that becomes ready turns it True again."""
    created = ProgressCondition("NewReplicaSetCreated", 0.0)
    stuck = DeploymentStatus(4, 1, 3, 3)
    assert next_condition(THREE, created, stuck, stuck, 600.0) == created
    late = next_condition(THREE, created, stuck, stuck, 601.0)
    assert late == ProgressCondition("ProgressDeadlineExceeded", 601.0)
    assert not late.status
    assert next_condition(THREE, late, stuck, stuck, 700.0) == late
    moved = next_condition(THREE, late, stuck, replace(stuck, ready_replicas=4), 800.0)
    assert moved == ProgressCondition("ReplicaSetUpdated", 800.0)


def test_a_complete_rollout_stays_complete() -> None:
    """After completion a pod that is lost is no new rollout: the condition stays."""
    done = DeploymentStatus(3, 3, 3, 3)
    available = next_condition(THREE, None, DeploymentStatus(4, 3, 4, 4), done, 50.0)
    assert available == ProgressCondition("NewReplicaSetAvailable", 50.0)
    fewer = replace(done, available_replicas=2)
    assert next_condition(THREE, available, done, fewer, 10_000.0) == available


def test_a_scale_after_completion_runs_no_deadline() -> None:
    """Pods of the present template that a scale adds are no rollout: its condition stays, whatever becomes of them."""
    five = DeploymentSpec(replicas=5, revision=2)
    done = ProgressCondition("NewReplicaSetAvailable", 0.0)
    three, grown = DeploymentStatus(3, 3, 3, 3), DeploymentStatus(5, 5, 3, 3)
    assert next_condition(five, done, three, grown, 10.0) is done
    assert next_condition(five, done, grown, grown, 10_000.0) is done


def test_without_a_deadline_nothing_is_kept() -> None:
    """Without progressDeadlineSeconds the condition is left as it is."""
    endless = replace(THREE, progress_deadline_seconds=None)
    assert next_condition(endless, None, DeploymentStatus(), DeploymentStatus(), 1e9) is None
