from dataclasses import replace

import pytest

from simsticky.kubernetes.disruption import (
    BudgetPod,
    BudgetStatus,
    DisruptionBudget,
    Verdict,
    evict,
    expected_and_desired,
    sync,
    unconfirmed,
)

ONE_MAY_GO = DisruptionBudget(max_unavailable=1)
PODS = [BudgetPod(f"pod-{n}") for n in range(3)]


def status_of(pods: list[BudgetPod], budget: DisruptionBudget = ONE_MAY_GO) -> BudgetStatus:
    return sync(budget, pods, len(pods), {}, 0.0)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (DisruptionBudget(max_unavailable="10%"), (3, 2)),
        (DisruptionBudget(max_unavailable="34%"), (3, 1)),
        (DisruptionBudget(min_available="34%"), (3, 2)),
        (DisruptionBudget(min_available=2), (7, 2)),
        (DisruptionBudget(max_unavailable=5), (3, 0)),
    ],
)
def test_percentages_round_up_and_are_of_the_scale(budget: DisruptionBudget, expected: tuple[int, int]) -> None:
    """10 % of 3 pods allows one disruption; only an integer minAvailable looks at the pods there are (7)."""
    assert expected_and_desired(budget, controller_scale=3, matching_pods=7) == expected


def test_pods_without_controller_are_never_allowed_to_go() -> None:
    """A maxUnavailable of pods that no controller wants allows nothing, however many are healthy."""
    assert sync(DisruptionBudget(max_unavailable=1), PODS, 0, {}, 0.0).disruptions_allowed == 0


def test_an_eviction_is_counted_before_its_deletion_is_seen() -> None:
    """The second eviction is refused although the controller still sees three healthy pods."""
    first = evict(PODS[0], [(ONE_MAY_GO, status_of(PODS))], 5.0)
    assert (first.code, first.allowed) == (201, True)
    assert first.status is not None
    assert first.status.disrupted_pods == {"pod-0": 5.0}
    second = evict(PODS[1], [(ONE_MAY_GO, first.status)], 6.0)
    assert (second.code, second.allowed, second.status) == (429, False, None)
    assert second[2:] == ("DisruptionBudget", 2, 3)


def test_a_replacement_that_is_not_ready_keeps_the_budget_used_up() -> None:
    """After the evicted pod terminates its replacement has to become ready before the next one may go."""
    pods = [replace(PODS[0], terminating=True), *PODS[1:], BudgetPod("new", ready=False)]
    starting = sync(ONE_MAY_GO, pods, 3, {"pod-0": 0.0}, 10.0)
    assert (starting.current_healthy, starting.disruptions_allowed, starting.disrupted_pods) == (2, 0, {})
    ready = sync(ONE_MAY_GO, [*pods[:3], BudgetPod("new")], 3, {}, 20.0)
    assert ready.disruptions_allowed == 1


def test_an_unconfirmed_eviction_times_out_after_two_minutes() -> None:
    """A pod that was to be evicted and is still there counts as healthy again after 120 s."""
    waiting = {"pod-0": 0.0}
    early, just, late = (sync(ONE_MAY_GO, PODS, 3, waiting, now_s) for now_s in (119.0, 120.0, 121.0))
    assert (early.current_healthy, early.disrupted_pods) == (2, waiting)
    # At the very second it is healthy already, and its entry stays until the next.
    assert (just.current_healthy, just.disrupted_pods) == (3, waiting)
    assert (late.current_healthy, late.disrupted_pods) == (3, {})


def test_deleted_pods_confirm_their_eviction() -> None:
    """A pod that terminates or is gone needs no entry any more."""
    pods = [replace(PODS[0], terminating=True), PODS[1]]
    assert unconfirmed({"pod-0": 1.0, "pod-1": 1.0, "gone": 1.0}, pods, 2.0) == {"pod-1": 1.0}


@pytest.mark.parametrize(
    "pod",
    [
        BudgetPod("p", phase="Pending", ready=False),
        BudgetPod("p", phase="Failed"),
        BudgetPod("p", phase="Succeeded"),
        BudgetPod("p", terminating=True),
    ],
)
def test_some_pods_need_no_budget(pod: BudgetPod) -> None:
    """Pending, terminal and terminating pods go although too few are healthy, and leave the budget as it is."""
    nothing = DisruptionBudget(min_available="100%")
    short = status_of([replace(PODS[0], ready=False), *PODS[1:]], nothing)
    assert evict(pod, [(nothing, short)], 0.0) == Verdict(201)


def test_unready_pods_under_if_healthy_budget() -> None:
    """An unready pod goes for nothing while enough others are healthy, else it needs an allowed disruption."""
    broken = BudgetPod("broken", ready=False)
    enough = BudgetStatus(disruptions_allowed=0, current_healthy=2, desired_healthy=2)
    short = replace(enough, current_healthy=1)
    none_wanted = replace(enough, current_healthy=0, desired_healthy=0)
    assert evict(broken, [(ONE_MAY_GO, enough)], 0.0).code == 201
    assert evict(broken, [(ONE_MAY_GO, short)], 0.0).code == 429
    # Where no healthy pod is wanted the short cut is closed: the budget has to allow one.
    assert evict(broken, [(ONE_MAY_GO, none_wanted)], 0.0).code == 429


def test_unready_pods_under_always_allow() -> None:
    """AlwaysAllow lets a broken pod go even when too few are healthy; a healthy one stays."""
    always = replace(ONE_MAY_GO, unhealthy_pod_eviction_policy="AlwaysAllow")
    short = BudgetStatus(disruptions_allowed=0, current_healthy=1, desired_healthy=2)
    assert evict(BudgetPod("broken", ready=False), [(always, short)], 0.0).code == 201
    assert evict(BudgetPod("well"), [(always, short)], 0.0).code == 429


def test_two_budgets_are_an_error() -> None:
    """The Eviction API answers 500 for a pod that two budgets cover, and 201 for one without any."""
    covered = (ONE_MAY_GO, status_of(PODS))
    assert evict(PODS[0], [covered, covered], 0.0).code == 500
    assert evict(PODS[0], [], 0.0) == Verdict(201)


def test_a_budget_the_controller_has_not_seen_refuses() -> None:
    """A new or changed budget refuses until its controller has been there, and so does one without pods."""
    unseen = replace(status_of(PODS), observed=False)
    assert evict(PODS[0], [(ONE_MAY_GO, unseen)], 0.0).code == 429
    assert sync(DisruptionBudget(min_available=0), [], 0, {}, 0.0).disruptions_allowed == 0


def test_too_many_open_evictions_are_forbidden() -> None:
    """Beyond 2000 unconfirmed evictions the API answers 403."""
    open_ones = {f"p{n}": 0.0 for n in range(2001)}
    status = BudgetStatus(10, 10, 0, open_ones)
    assert evict(PODS[0], [(ONE_MAY_GO, status)], 0.0).code == 403


def test_one_number_and_one_only() -> None:
    """A budget states minAvailable or maxUnavailable, as an integer or a percentage."""
    with pytest.raises(ValueError, match="exactly one"):
        DisruptionBudget()
    with pytest.raises(ValueError, match="exactly one"):
        DisruptionBudget(1, 1)
    with pytest.raises(ValueError, match="neither an integer nor a percentage"):
        DisruptionBudget("half")
