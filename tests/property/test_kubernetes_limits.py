"""What holds whatever happens: the autoscaler's limits, a budget under evictions, the order of deletions, grace."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pod_timelines import ShutdownPod, StoppedContainer, graceful_shutdown, pod_dead_at_s, pod_termination

from simsticky.kubernetes.autoscaler import (
    AutoscalerSpec,
    AutoscalerState,
    Behavior,
    ScalingPolicy,
    ScalingRules,
    reconcile,
)
from simsticky.kubernetes.disruption import (
    DELETION_TIMEOUT_S,
    BudgetPod,
    DisruptionBudget,
    evict,
    expected_and_desired,
    sync,
)
from simsticky.kubernetes.replica_calculator import MeasuredPod, Sample, resource_replicas
from simsticky.kubernetes.replicaset import PodRank, compare_for_deletion

RULES = st.builds(
    ScalingRules,
    stabilization_s=st.sampled_from([0.0, 30.0, 300.0]),
    policies=st.lists(
        st.builds(
            ScalingPolicy,
            type=st.sampled_from(["Pods", "Percent"]),
            value=st.integers(1, 200),
            period_s=st.sampled_from([15.0, 60.0, 600.0]),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    select=st.sampled_from(["Max", "Min", "Disabled"]),
)
SYNCS = st.lists(st.tuples(st.floats(0.1, 120.0), st.none() | st.integers(0, 500)), min_size=1, max_size=40)


@given(
    least=st.integers(1, 10),
    room=st.integers(0, 90),
    behavior=st.none() | st.builds(Behavior, scale_up=RULES, scale_down=RULES),
    first=st.integers(1, 150),
    syncs=SYNCS,
)
def test_the_autoscaler_never_leaves_its_limits(
    least: int, room: int, behavior: Behavior | None, first: int, syncs: list[tuple[float, int | None]]
) -> None:
    """After its first sync the number stays in [min, max], and a direction that is disabled never moves."""
    spec = AutoscalerSpec(least + room, least, behavior)
    state, current, now_s, recommended = AutoscalerState(), first, 0.0, []
    for gap_s, proposal in syncs:
        now_s += gap_s
        inside = least <= current <= spec.max_replicas
        decision = reconcile(spec, state, current, [proposal], now_s)
        assert least <= decision.replicas <= spec.max_replicas or proposal is None
        if inside:
            assert least <= decision.replicas <= spec.max_replicas
            growing, shrinking = decision.replicas > current, decision.replicas < current
            if proposal is None:
                assert not growing
                assert not shrinking
            elif behavior is None:
                assert decision.replicas <= max(2 * current, 4)
                if shrinking:
                    window = [value for at_s, value in recommended if at_s >= now_s - 300.0]
                    assert decision.replicas >= max(least, min(max([proposal, *window]), spec.max_replicas))
            else:
                assert not (growing and behavior.scale_up.select == "Disabled")
                assert not (shrinking and behavior.scale_down.select == "Disabled")
            if proposal is not None:
                recommended.append((now_s, proposal))
        state, current = decision.state, decision.replicas


@given(
    target=st.integers(10, 200),
    usage=st.lists(st.none() | st.integers(0, 5000), min_size=1, max_size=20),
    current=st.integers(1, 30),
)
def test_missing_samples_only_damp(target: int, usage: list[int | None], current: int) -> None:
    """Pods without samples never turn a change round: up stays up or nothing, down stays down or nothing."""
    measured = [value for value in usage if value is not None]
    if not measured:
        return
    pods = [MeasuredPod(f"p{n}", 1000) for n in range(len(usage))]
    samples = {f"p{n}": Sample(value, 1e6) for n, value in enumerate(usage) if value is not None}
    replicas, utilization, _ = resource_replicas(current, target, pods, samples, 1e6)
    assert utilization == sum(measured) * 100 // (1000 * len(measured))
    if len(measured) < len(usage):
        assert replicas >= current or utilization < target
        assert replicas <= current or utilization > target


BUDGETS = st.one_of(
    st.builds(DisruptionBudget, min_available=st.integers(0, 8) | st.sampled_from(["0%", "34%", "100%"])),
    st.builds(DisruptionBudget, max_unavailable=st.integers(0, 8) | st.sampled_from(["0%", "34%", "100%"])),
)


@given(
    budget=BUDGETS,
    always=st.booleans(),
    scale=st.integers(1, 8),
    steps=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99)), max_size=80),
)
def test_evictions_never_pass_a_budget(
    budget: DisruptionBudget, always: bool, scale: int, steps: list[tuple[int, int]]
) -> None:
    """However evictions, deletions, replacements and the controller interleave, enough pods stay healthy.

    The controller may be late by any time; a deletion follows its eviction within two minutes.
    """
    if always:
        budget = replace(budget, unhealthy_pod_eviction_policy="AlwaysAllow")
    pods = {f"p{n}": BudgetPod(f"p{n}") for n in range(scale)}
    _, desired = expected_and_desired(budget, scale, scale)
    status, now_s, evicted_at_s = sync(budget, list(pods.values()), scale, {}, 0.0), 0.0, dict[str, float]()
    for kind, pick in steps:
        now_s += pick / 10.0
        for name in [n for n, at_s in evicted_at_s.items() if kind == 0 or at_s + DELETION_TIMEOUT_S <= now_s + 10.0]:
            del evicted_at_s[name]
            pods[name] = replace(pods[name], terminating=True)
        named = list(pods.values())[pick % len(pods)] if pods else None
        if kind == 1 and named is not None and named.name not in evicted_at_s:
            verdict = evict(named, [(budget, status)], now_s)
            status = verdict.status or status
            if verdict.allowed and not named.terminating:
                evicted_at_s[named.name] = now_s
        elif kind == 2:
            status = sync(budget, list(pods.values()), scale, status.disrupted_pods, now_s)
        elif kind == 3 and named is not None and named.terminating:
            del pods[named.name]
            name = f"{named.name}n"
            pods[name] = BudgetPod(name, ready=False)
        elif kind == 4 and named is not None and not named.terminating:
            pods[named.name] = replace(named, ready=True)
        healthy = sum(pod.ready and not pod.terminating and pod.name not in evicted_at_s for pod in pods.values())
        assert healthy >= min(desired, scale)


@given(
    a=st.builds(
        PodRank,
        uid=st.sampled_from("ab"),
        node=st.sampled_from(["", "n"]),
        phase=st.sampled_from(["Pending", "Unknown", "Running"]),
        ready=st.booleans(),
        deletion_cost=st.none() | st.integers(-2, 2),
        rank=st.integers(0, 3),
        ready_since_s=st.none() | st.integers(0, 1000).map(float),
        max_restarts=st.integers(0, 2),
        created_s=st.none() | st.integers(0, 1000).map(float),
    ),
    changes=st.fixed_dictionaries(
        {},
        optional={
            "uid": st.sampled_from("ab"),
            "ready": st.booleans(),
            "deletion_cost": st.integers(-2, 2),
            "rank": st.integers(0, 3),
            "ready_since_s": st.integers(0, 1000).map(float),
            "max_restarts": st.integers(0, 2),
        },
    ),
)
def test_one_of_two_pods_goes_first_from_either_side(a: PodRank, changes: dict[str, object]) -> None:
    """Asked either way round, the same pod is deleted first; lower cost always wins over rank, age and restarts."""
    b = replace(a, **changes)
    order = compare_for_deletion(a, b, 1000.0)
    assert order == -compare_for_deletion(b, a, 1000.0)
    if a.ready == b.ready and (a.deletion_cost or 0) < (b.deletion_cost or 0):
        assert order == -1


CONTAINERS = st.lists(
    st.tuples(st.booleans(), st.none() | st.floats(0, 90), st.none() | st.floats(0, 90)), min_size=1, max_size=4
)


@given(containers=CONTAINERS, grace_s=st.integers(1, 60))
def test_no_container_outlives_the_grace_by_much(
    containers: list[tuple[bool, float | None, float | None]], grace_s: int
) -> None:
    """Whole-second arithmetic and the 2 s floor give every container at most 3 s beyond the grace period."""
    stopped = [StoppedContainer(f"c{n}", *row) for n, row in enumerate(containers)]
    ends = pod_termination(stopped, grace_s)
    assert pod_dead_at_s(ends) < grace_s + 3.0
    mains = [ends[one.name].container_dead_at_s for one in stopped if not one.sidecar]
    for one in stopped:
        end = ends[one.name]
        assert end.stop_timeout_s >= 2
        if one.sidecar and mains and end.sigterm_at_s < grace_s:
            assert end.sigterm_at_s >= max(mains)


@given(
    pods=st.lists(st.tuples(st.integers(1, 90), st.none() | st.floats(0, 60), st.booleans()), max_size=6),
    total_s=st.integers(1, 60),
    share=st.floats(0, 1),
)
def test_a_node_shutdown_fits_its_period(
    pods: list[tuple[int, float | None, bool]], total_s: int, share: float
) -> None:
    """Critical pods start within the period, regular ones at 0, and no grace is longer than the group's part."""
    critical_s = int(total_s * share)
    listed = [ShutdownPod(f"p{n}", grace, None, exit_s, critical) for n, (grace, exit_s, critical) in enumerate(pods)]
    stops = graceful_shutdown(listed, total_s, critical_s)
    assert set(stops) == {pod.name for pod in listed}
    for pod in listed:
        stop, part_s = stops[pod.name], critical_s if pod.critical else total_s - critical_s
        assert stop.killed_from_s <= (total_s - critical_s if pod.critical else 0)
        assert stop.grace_s <= max(part_s, 1)
