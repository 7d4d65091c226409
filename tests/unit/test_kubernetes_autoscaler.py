from dataclasses import replace

import pytest

from simsticky.kubernetes.autoscaler import (
    SCALE_DOWN,
    SCALE_UP,
    AutoscalerSpec,
    AutoscalerState,
    Behavior,
    Recommendation,
    ScaleEvent,
    ScalingPolicy,
    ScalingRules,
    combine,
    reconcile,
    scale_down_limit,
    scale_up_limit,
)

CLASSIC = AutoscalerSpec(max_replicas=100)
BEHAVED = AutoscalerSpec(max_replicas=100, behavior=Behavior())
FRESH = AutoscalerState()


def run(spec: AutoscalerSpec, current: int, wanted: list[tuple[float, int]]) -> list[int]:
    """Sync at these times with these proposals and return the number after each."""
    state, sizes = FRESH, []
    for now_s, proposal in wanted:
        current, _, state, _ = reconcile(spec, state, current, [proposal], now_s)
        sizes.append(current)
    return sizes


def test_limits_are_enforced_without_metrics() -> None:
    """Outside min and max the number goes to the limit at once, whatever the metrics say."""
    spec = AutoscalerSpec(max_replicas=10, min_replicas=3)
    above = reconcile(spec, FRESH, 12, [], 0.0)
    below = reconcile(spec, FRESH, 1, [], 0.0)
    assert (above.replicas, above.reason) == (10, "above maxReplicas")
    assert (below.replicas, below.reason) == (3, "below minReplicas")


def test_scaled_to_zero_by_hand_is_left_alone() -> None:
    """Replicas 0 disables the autoscaler, unless its own minimum is 0."""
    assert reconcile(CLASSIC, FRESH, 0, [5], 0.0).reason == "scaling is disabled"
    assert reconcile(replace(CLASSIC, min_replicas=0), FRESH, 0, [3], 0.0).replicas == 3


def test_the_largest_proposal_counts_and_a_failed_metric_forbids_reduction() -> None:
    """Several metrics: the most pods; with one of them failed nothing is scaled down."""
    assert combine([3, 7, 5], 4) == 7
    assert combine([None, 7], 4) == 7
    assert combine([None, 4], 4) == 4
    assert combine([None, 3], 4) is None
    assert combine([None], 4) is None
    failed = reconcile(CLASSIC, FRESH, 4, [None, 3], 0.0)
    assert (failed.replicas, failed.reason) == (4, "metrics failed")
    assert failed.state.recommendations == (Recommendation(4, 0.0),)


def test_growth_without_behavior_is_twice_or_four() -> None:
    """One sync grows to at most max(2·current, 4)."""
    assert run(CLASSIC, 1, [(0.0, 50), (15.0, 50), (30.0, 50)]) == [4, 8, 16]


def test_reduction_waits_for_the_whole_window() -> None:
    """Without behavior the largest recommendation of the last 300 s counts, the first one being the number itself."""
    falling = [(0.0, 2), *((15.0 * n, 2) for n in range(1, 22))]
    sizes = run(CLASSIC, 10, falling)
    assert sizes[:21] == [10] * 21  # up to and including 300 s
    assert sizes[21] == 2


def test_a_peak_in_the_window_is_remembered() -> None:
    """One recommendation of 8 keeps 8 pods for 300 s after it, although all later ones ask for 3."""
    sizes = run(CLASSIC, 4, [(0.0, 8), (150.0, 3), (300.0, 3), (315.0, 3)])
    assert sizes == [8, 8, 8, 3]


def test_default_policies_of_behavior() -> None:
    """With behavior: up by the larger of 4 pods and 100 % in 15 s, down by everything after 300 s."""
    assert run(BEHAVED, 1, [(0.0, 100), (15.0, 100), (30.0, 100)]) == [5, 10, 20]
    assert run(BEHAVED, 20, [(0.0, 2), (299.0, 2), (300.0, 2)]) == [20, 20, 2]


def test_the_longer_window_keeps_recommendations_that_the_shorter_has_passed() -> None:
    """With behavior, too, the number there was at first holds a reduction back sync after sync for 300 s."""
    assert run(BEHAVED, 20, [(15.0 * n, 2) for n in range(22)]) == [20] * 20 + [2] * 2


def test_policies_count_from_the_start_of_their_period() -> None:
    """Two syncs within one period share what its policy allows."""
    assert run(BEHAVED, 10, [(0.0, 15), (5.0, 100), (14.0, 100), (16.0, 100)]) == [
        15,
        20,
        20,
        30,
    ]  # at 16 s the period began with 15


def test_percent_up_is_rounded_up_and_down_is_cut() -> None:
    """10 % of one pod still adds one; 10 % off 15 leaves 13 (13.5 cut), so two may go."""
    ten = (ScalingPolicy("Percent", 10, 60.0),)
    assert scale_up_limit(ScalingRules(0.0, ten), FRESH, 1, 0.0) == 2
    assert scale_down_limit(ScalingRules(0.0, ten), FRESH, 15, 0.0) == 13


def test_select_min_and_disabled() -> None:
    """Min takes the policy of the least change in both directions; Disabled changes nothing."""
    two = (ScalingPolicy("Pods", 4, 15.0), ScalingPolicy("Percent", 50, 15.0))
    least, most = ScalingRules(0.0, two, "Min"), ScalingRules(0.0, two)
    assert [scale_up_limit(rules, FRESH, 20, 0.0) for rules in (least, most)] == [24, 30]
    assert [scale_down_limit(rules, FRESH, 20, 0.0) for rules in (least, most)] == [16, 10]
    off = ScalingRules(0.0, two, "Disabled")
    assert scale_up_limit(off, FRESH, 20, 0.0) == scale_down_limit(off, FRESH, 20, 0.0) == 20
    spec = replace(BEHAVED, behavior=Behavior(scale_down=off))
    assert run(spec, 20, [(0.0, 1), (1000.0, 1)]) == [20, 20]


def test_events_of_the_other_direction_give_room_back() -> None:
    """Pods removed within the period may be added again on top of what the policy allows."""
    state = AutoscalerState(scale_downs=(ScaleEvent(5, 10.0),))
    assert scale_up_limit(ScalingRules(0.0, (ScalingPolicy("Pods", 4, 15.0),)), state, 10, 20.0) == 19
    assert scale_up_limit(ScalingRules(0.0, (ScalingPolicy("Pods", 4, 15.0),)), state, 10, 25.0) == 14


def test_an_event_takes_the_place_of_one_its_own_direction_has_forgotten() -> None:
    """Growth at 0 s is forgotten by policies of 15 s: growth at 30 s replaces it, also for a policy down of 60 s."""
    down = ScalingRules(0.0, (ScalingPolicy("Pods", 1, 60.0),))
    spec = replace(BEHAVED, behavior=Behavior(scale_down=down))
    assert run(spec, 4, [(0.0, 8), (30.0, 12), (40.0, 1)])[:2] == [8, 12]
    # The minute before 40 s began with 8 pods as far as anybody remembers, so down to 7; not with 4, down to 3.
    assert run(spec, 4, [(0.0, 8), (30.0, 12), (40.0, 1)])[2] == 7
    # Still counted by its own direction, an event stays: the minute began with 4.
    assert run(spec, 4, [(0.0, 8), (15.0, 12), (40.0, 1)])[2] == 3


def test_a_used_up_policy_never_turns_the_direction() -> None:
    """More pods were added than the period allows: nothing is added, and nothing is taken away either."""
    state = AutoscalerState((Recommendation(30, 0.0),), scale_ups=(ScaleEvent(25, 0.0),))
    rules = ScalingRules(0.0, (ScalingPolicy("Pods", 4, 15.0),))
    assert scale_up_limit(rules, state, 30, 5.0) == 9
    spec = replace(BEHAVED, behavior=Behavior(rules, SCALE_DOWN))
    assert reconcile(spec, state, 30, [40], 5.0).replicas == 30
    shrunk = AutoscalerState((Recommendation(5, 0.0),), scale_downs=(ScaleEvent(25, 0.0),))
    assert scale_down_limit(rules, shrunk, 5, 5.0) == 26
    assert reconcile(replace(spec, behavior=Behavior(SCALE_UP, rules)), shrunk, 5, [2], 5.0).replicas == 5


def test_scale_up_stabilization_takes_the_least() -> None:
    """With a window for growth the least recommendation in it counts, so a spike shorter than it adds nothing."""
    spec = replace(BEHAVED, behavior=Behavior(replace(SCALE_UP, stabilization_s=60.0), SCALE_DOWN))
    assert run(spec, 5, [(0.0, 5), (15.0, 20), (30.0, 20), (59.0, 20), (61.0, 20)]) == [5, 5, 5, 5, 10]


def test_decision_says_what_limited_it() -> None:
    """A number other than the metrics' is marked, with what they asked for."""
    decision = reconcile(AutoscalerSpec(max_replicas=6), FRESH, 4, [50], 0.0)
    assert (decision.replicas, decision.desired) == (6, 50)
    calm = reconcile(CLASSIC, FRESH, 4, [4], 0.0)
    assert calm.reason == "as desired"


def test_memory_does_not_grow_for_ever() -> None:
    """Recommendations older than the windows and events older than the policies are dropped."""
    state, current = FRESH, 10
    for n in range(400):
        current, _, state, _ = reconcile(BEHAVED, state, current, [10 + n % 2], 15.0 * n)
    assert len(state.recommendations) <= 300 / 15 + 2
    assert len(state.scale_ups) <= 2
    assert len(state.scale_downs) <= 2


def test_impossible_specs_are_refused() -> None:
    """A maximum below the minimum and rules without a policy are refused."""
    with pytest.raises(ValueError, match="leave no size"):
        AutoscalerSpec(max_replicas=2, min_replicas=3)
    with pytest.raises(ValueError, match="at least one policy"):
        ScalingRules(0.0, ())
