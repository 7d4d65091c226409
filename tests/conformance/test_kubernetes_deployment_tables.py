"""The Deployment controller against Kubernetes' own cases and against trajectories derived from its source."""

from dataclasses import replace
from typing import Any

import pytest

from simsticky.kubernetes.deployment import sync
from simsticky.kubernetes.deployment_spec import (
    DeploymentSpec,
    ReplicaSetState,
    Strategy,
    active,
    max_surge,
    max_unavailable,
    min_available,
    resolve_fenceposts,
    sum_spec,
    sum_status,
    sum_terminating,
)
from simsticky.kubernetes.progress import (
    DeploymentStatus,
    deployment_complete,
    deployment_progressing,
    deployment_timed_out,
)
from simsticky.kubernetes.proportional import is_scaling_event, replica_set_fraction, scale
from simsticky.kubernetes.rolling import (
    cleanup_unhealthy_replicas,
    new_rs_new_replicas,
    reconcile_new_replica_set,
    reconcile_old_replica_sets,
    scale_down_old_replica_sets_for_rolling_update,
)

Case = dict[str, Any]
NEW_REVISION = 100


def deployment(case: Case, replicas_key: str = "replicas") -> DeploymentSpec:
    strategy = Strategy(case.get("strategy") or "RollingUpdate", case.get("max_surge"), case.get("max_unavailable"))
    return DeploymentSpec(replicas=case.get(replicas_key) or 0, strategy=strategy, revision=NEW_REVISION)


def old_and_new(case: Case) -> tuple[ReplicaSetState, ReplicaSetState]:
    old = ReplicaSetState(
        "old",
        1,
        0,
        case["old_rs_spec_replicas"],
        status_replicas=case.get("old_rs_status_replicas") or 0,
        available_replicas=case.get("old_rs_available") or 0,
        terminating_replicas=case.get("old_rs_status_terminating"),
    )
    new = ReplicaSetState(
        "new",
        NEW_REVISION,
        1,
        case.get("new_rs_spec_replicas") or 0,
        status_replicas=case.get("new_rs_status_replicas") or 0,
        available_replicas=case.get("new_rs_available") or 0,
        observed=not case.get("new_rs_status_unsynced", False),
        terminating_replicas=case.get("new_rs_status_terminating"),
    )
    return old, new


def check_size(case: Case, which: str, before: int, after: int) -> None:
    """Compare the size of the old or the new ReplicaSet; a row that scales nothing may leave it out."""
    assert (after != before) is case["expect_scaled"]
    expected = case.get(f"expect_{which}_rs_spec_replicas")
    assert after == (before if expected is None and not case["expect_scaled"] else expected)


@pytest.mark.table("kubernetes", "deployment_rolling", "reconcile_new_replicaset.cases")
def test_reconcile_new_replica_set(case: Case) -> None:
    """The new ReplicaSet grows into the room under desired + surge and is cut back to desired."""
    old, new = old_and_new(case)
    size = reconcile_new_replica_set(deployment(case, "deployment_replicas"), [old, new], new)
    check_size(case, "new", new.spec_replicas, size)


@pytest.mark.table("kubernetes", "deployment_rolling", "reconcile_old_replicasets.cases")
def test_reconcile_old_replica_sets(case: Case) -> None:
    """Old pods go only within the budget that unavailable new pods use up."""
    case = {"max_surge": 0, **case}
    old, new = old_and_new(case)
    sizes = reconcile_old_replica_sets(deployment(case, "deployment_replicas"), [old, new], active([old]), new)
    check_size(case, "old", old.spec_replicas, sizes.get("old", old.spec_replicas))


@pytest.mark.table("kubernetes", "deployment_rolling", "cleanup_unhealthy_replicas.cases")
def test_cleanup_unhealthy_replicas(case: Case) -> None:
    """Unavailable old pods are removed up to the given budget."""
    old, _ = old_and_new(case)
    cleanup = cleanup_unhealthy_replicas([old], case["max_cleanup_count"])
    assert cleanup.count == case["expect_cleanup_count"]
    assert cleanup.sizes.get("old", old.spec_replicas) == old.spec_replicas - case["expect_cleanup_count"]


@pytest.mark.table("kubernetes", "deployment_rolling", "scale_down_old_replicasets_for_rolling_update.cases")
def test_scale_down_old_replica_sets(case: Case) -> None:
    """Healthy old pods go down to the minimum that must stay available, no further."""
    case = {"max_surge": 0, **case}
    old, _ = old_and_new(case)
    sizes = scale_down_old_replica_sets_for_rolling_update(deployment(case, "deployment_replicas"), [old], [old])
    check_size(case, "old", old.spec_replicas, sizes.get("old", old.spec_replicas))


@pytest.mark.table("kubernetes", "deployment_rolling", "UNMERGED_pod_replacement_policy.cases")
def test_unmerged_pod_replacement_policy(case: Case) -> None:
    """The opt-in what-if TerminationComplete lets terminating pods hold their places; releases ignore them."""
    spec = replace(deployment(case, "deployment_replicas"), pod_replacement_policy=case.get("pod_replacement_policy"))
    old, new = old_and_new(case)
    if case.get("expect_error"):
        with pytest.raises(ValueError, match="terminating"):
            reconcile_new_replica_set(spec, [old, new], new)
        return
    size = reconcile_new_replica_set(spec, [old, new], new)
    check_size(case, "new", new.spec_replicas, size)


@pytest.mark.table("kubernetes", "deployment_util", "resolve_fenceposts.cases")
def test_resolve_fenceposts(case: Case) -> None:
    """Surge rounds up, unavailable rounds down, both zero gives one unavailable, junk is refused (rule K2)."""
    args = case.get("max_surge"), case.get("max_unavailable"), case["desired"]
    if case.get("expect_error"):
        with pytest.raises(ValueError, match="neither an integer nor a percentage"):
            resolve_fenceposts(*args)
    else:
        assert resolve_fenceposts(*args) == (case["expect_surge"], case["expect_unavailable"])


@pytest.mark.table("kubernetes", "deployment_util", "max_unavailable.cases")
def test_max_unavailable(case: Case) -> None:
    """No more pods may be unavailable than there are; Recreate has no such number."""
    assert max_unavailable(deployment(case)) == case["expect"]


@pytest.mark.table("kubernetes", "deployment_util", "min_available.cases")
def test_min_available(case: Case) -> None:
    """What must stay available is desired minus unavailable, never below zero."""
    assert min_available(deployment(case)) == case["expect"]


@pytest.mark.table("kubernetes", "deployment_util", "new_rs_new_replicas.cases")
def test_new_rs_new_replicas(case: Case) -> None:
    """The new ReplicaSet's size follows the sum over all ReplicaSets, at most desired."""
    spec = deployment({"max_unavailable": 1, **case}, "deployment_replicas")
    size = new_rs_new_replicas(spec, case["sum_all_rs_spec_replicas"], case["new_rs_spec_replicas"])
    assert size == case["expect"]


@pytest.mark.table("kubernetes", "deployment_util", "replicaset_fraction.cases")
def test_replica_set_fraction(case: Case) -> None:
    """One ReplicaSet's share of a scaling event, with the guards for a missing or zero annotation."""
    rs = ReplicaSetState(
        "rs", 1, 0, case["rs_spec_replicas"], max_replicas_annotation=case.get("rs_max_replicas_annotation")
    )
    delta = replica_set_fraction(
        deployment(case, "deployment_replicas"), rs, case.get("deployment_status_replicas") or 0
    )
    assert delta == case["expect_delta"]


@pytest.mark.table("kubernetes", "deployment_util", "replica_sums.cases")
def test_replica_sums(case: Case, table: Case) -> None:
    """Sums over ReplicaSets; terminating pods are unknown when a ReplicaSet that reports leaves them out."""
    described = table["replica_sums"]["replica_sets"]
    sets = [
        ReplicaSetState(
            name,
            1,
            0,
            described[name]["spec"],
            status_replicas=described[name]["status"],
            observed=described[name]["observed"],
            terminating_replicas=described[name].get("terminating"),
        )
        for name in case["sets"]
    ]
    assert sum_spec(sets) == case["expect_spec"]
    assert sum_status(sets) == case["expect_status"]
    assert sum_terminating(sets) == case["expect_terminating"]


@pytest.mark.table("kubernetes", "deployment_util", "deployment_complete.cases")
def test_deployment_complete(case: Case) -> None:
    """A rollout is complete when all pods are updated and available and no old one is reported."""
    status = DeploymentStatus(
        replicas=case["status_replicas"],
        updated_replicas=case["status_updated"],
        available_replicas=case["status_available"],
    )
    assert deployment_complete(case["spec_replicas"], status) is case["expect_complete"]


def status_of(row: Case) -> DeploymentStatus:
    return DeploymentStatus(row["replicas"], row["updated"], row["ready"], row["available"])


@pytest.mark.table("kubernetes", "deployment_util", "deployment_progressing.cases")
def test_deployment_progressing(case: Case) -> None:
    """More updated, fewer old, more ready or more available pods are progress."""
    moved = deployment_progressing(status_of(case["old_status"]), status_of(case["new_status"]))
    assert moved is case["expect_progressing"]


@pytest.mark.table("kubernetes", "deployment_util", "deployment_timed_out.cases")
def test_deployment_timed_out(case: Case) -> None:
    """The deadline counts from the last progress, and a complete rollout cannot miss it (rule K4)."""
    timed_out = deployment_timed_out(
        case.get("progress_deadline_s"), case.get("since_last_update_s"), case.get("condition_reason") or ""
    )
    assert timed_out is case["expect_timed_out"]


@pytest.mark.table("kubernetes", "deployment_scale_proportional", "cases")
def test_scale_proportional(case: Case) -> None:
    """A scaling event resizes all active ReplicaSets in proportion to their size."""
    spec = deployment(case, "deployment_replicas")
    before = case["old_deployment_replicas"]
    surge = max_surge(DeploymentSpec(before, Strategy("RollingUpdate", case["old_max_surge"], None)))
    overrides = case.get("annotated_desired_replicas_override") or {}

    def state(row: Case, revision: int) -> ReplicaSetState:
        desired = overrides.get(row["name"], before)
        return ReplicaSetState(
            row["name"],
            revision,
            row["created_order"],
            row["spec_replicas"],
            desired_annotation=desired,
            max_replicas_annotation=desired + surge,
        )

    new = state(case["new_rs"], NEW_REVISION) if case.get("new_rs") is not None else None
    old = [state(row, number) for number, row in enumerate(case.get("old_rs") or []) if row is not None]
    sizes = scale(spec, new, old).sizes
    if new is not None:
        assert sizes.get(new.name, new.spec_replicas) == case["expect_new_rs_spec_replicas"]
    assert {rs.name: sizes.get(rs.name, rs.spec_replicas) for rs in old} == case["expect_old_rs_spec_replicas"]
    everyone = [*old, new] if new is not None else old
    if is_scaling_event(spec, everyone):
        whole = sync(spec, everyone)
        assert (whole.reason, whole.scale, whole.create) == ("scaling event", sizes, None)


def roll_in_lockstep(case: Case, *, available: bool) -> list[Case]:
    """Sync until nothing changes; between syncs every new pod becomes available (or none ever does)."""
    spec = deployment(case)
    annotations = {
        "desired_annotation": spec.replicas,
        "max_replicas_annotation": spec.replicas + max_surge(spec),
    }
    new, old, created = 0, spec.replicas, False
    steps = []
    for _ in range(10 * spec.replicas + 10):
        sets = [ReplicaSetState("old", 1, 0, old, status_replicas=old, available_replicas=old, **annotations)]
        if created:
            ready = new if available else 0
            sets.append(
                ReplicaSetState(
                    "new",
                    NEW_REVISION,
                    1,
                    new,
                    status_replicas=new,
                    ready_replicas=ready,
                    available_replicas=ready,
                    **annotations,
                )
            )
        result = sync(spec, sets)
        if not result.writes:
            return steps
        before = new, old
        if result.create is not None:
            assert not created
            created, new = True, result.create.replicas
        new, old = result.scale.get("new", new), result.scale.get("old", old)
        moves = ["create new" if result.create is not None else "scale new"] if new != before[0] else []
        moves += ["scale old"] if old != before[1] else []
        if moves:
            steps.append({"sync": " + ".join(moves), "new": new, "old": old})
    raise AssertionError("the rollout does not come to rest")


@pytest.mark.table("kubernetes", "DERIVED_rollout_trajectories", "lockstep_available")
def test_rollout_trajectory(case: Case) -> None:
    """A rollout of healthy pods takes exactly these steps, one sync at a time (rule K1)."""
    spec = deployment(case)
    assert resolve_fenceposts(spec.strategy.max_surge, spec.strategy.max_unavailable, spec.replicas) == (
        case["resolved_surge"],
        case["resolved_unavailable"],
    )
    assert roll_in_lockstep(case, available=True) == case["steps"]


@pytest.mark.table("kubernetes", "DERIVED_rollout_trajectories", "new_pods_never_available")
def test_stuck_trajectory(case: Case) -> None:
    """A rollout whose new pods never become available stops where the budget is used up."""
    assert roll_in_lockstep(case, available=False) == case["steps"]


@pytest.mark.table("kubernetes", "DERIVED_rollout_trajectories", "documented_sequences_check.cases")
def test_documented_sequence(case: Case) -> None:
    """The moves that Kubernetes' own comment on the fenceposts lists come out in that order."""
    moves, new, old = [], 0, case["replicas"]
    for step in roll_in_lockstep(case, available=True):
        moves += [f"new+{step['new'] - new}"] if step["new"] != new else []
        moves += [f"old-{old - step['old']}"] if step["old"] != old else []
        new, old = step["new"], step["old"]
    assert moves == case["expect_moves"]


@pytest.mark.table("kubernetes", "DERIVED_supplement", "reconcile_old_replicasets.cases")
def test_supplement_reconcile_old(case: Case) -> None:
    """Several old ReplicaSets: who is cleaned, who shrinks, and what room that makes in the next sync."""
    spec = deployment(case)
    old = [
        ReplicaSetState(f"old-{n}", n, n, pods, available_replicas=available)
        for n, (pods, available) in enumerate(case["old_rs"])
    ]
    pods, available = case["new_rs"]
    new = ReplicaSetState("new", NEW_REVISION, len(old), pods, available_replicas=available)
    sizes = reconcile_old_replica_sets(spec, [*old, new], active(old), new)
    after = [sizes.get(rs.name, rs.spec_replicas) for rs in old]
    assert after == case["expect_old_rs_spec"]
    shrunk = [ReplicaSetState(f"old-{n}", n, n, pods) for n, pods in enumerate(after)]
    assert reconcile_new_replica_set(spec, [*shrunk, new], new) == case["expect_new_rs_spec_next"]


@pytest.mark.table("kubernetes", "DERIVED_supplement", "replicaset_fraction_ties.cases")
def test_supplement_fraction_ties(case: Case) -> None:
    """A share that falls on a half is rounded away from zero."""
    spec = DeploymentSpec(replicas=case["replicas"], strategy=Strategy("RollingUpdate", case["surge"], 1))
    rs = ReplicaSetState("rs", 1, 0, case["rs_spec"], max_replicas_annotation=case["max_replicas_annotation"])
    assert replica_set_fraction(spec, rs, 0) == case["expect_delta"]
