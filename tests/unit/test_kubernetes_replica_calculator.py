import pytest

from simsticky.kubernetes.replica_calculator import (
    Calculator,
    MeasuredPod,
    MetricsError,
    Sample,
    Tolerances,
    average_value_replicas,
    group_pods,
    resource_replicas,
)

NOW_S = 10_000.0
OLD = {"started_s": 0.0, "ready_changed_s": 20.0}


def busy(*milli: int | None) -> tuple[list[MeasuredPod], dict[str, Sample]]:
    """Old ready pods that request 1000 each and use this much; ``None``: no sample."""
    pods = [MeasuredPod(f"p{n}", 1000, **OLD) for n in range(len(milli))]
    return pods, {f"p{n}": Sample(value, NOW_S) for n, value in enumerate(milli) if value is not None}


def test_the_measured_pods_are_multiplied_not_the_current_number() -> None:
    """During a surge four pods are measured while replicas is 3: the ratio multiplies four."""
    pods, samples = busy(1000, 1000, 1000, 1000)
    assert resource_replicas(3, 80, pods, samples, NOW_S).replicas == 5


def test_utilisation_is_cut_before_it_is_compared() -> None:
    """88.9 % at a target of 80 % counts as 88: exactly the tolerance, so nothing happens."""
    assert resource_replicas(2, 80, *busy(889, 889), NOW_S).replicas == 2
    assert resource_replicas(2, 80, *busy(890, 890), NOW_S).replicas == 3


def test_tolerances_may_differ_by_direction() -> None:
    """A tolerance of 0 up and 0.5 down scales up at once and down late."""
    calculator = Calculator(Tolerances(scale_up=0.0, scale_down=0.5))
    assert resource_replicas(2, 50, *busy(510, 510), NOW_S, calculator).replicas == 3
    assert resource_replicas(2, 50, *busy(260, 260), NOW_S, calculator).replicas == 2


@pytest.mark.parametrize(
    ("started_s", "changed_s", "ready", "sampled_s", "counts"),
    [
        (NOW_S - 100, NOW_S - 90, True, NOW_S - 31, False),  # its window began before it was ready
        (NOW_S - 100, NOW_S - 90, True, NOW_S - 30, True),
        (NOW_S - 100, NOW_S - 90, False, NOW_S, False),  # young and not ready
        (NOW_S - 300, NOW_S - 290, False, NOW_S, False),  # older, but never was ready
        (NOW_S - 400, NOW_S - 90, False, NOW_S, True),  # lost its readiness later: it counts
        (NOW_S - 300, NOW_S - 90, False, NOW_S, True),  # at 300 s it is young no more
        (None, None, True, NOW_S, False),
    ],
)
def test_which_cpu_samples_count(
    started_s: float | None, changed_s: float | None, ready: bool, sampled_s: float, counts: bool
) -> None:
    """Within 300 s of its start a pod's CPU counts only from a full window after readiness; later by never-ready."""
    pod = MeasuredPod("p", 1000, "Running", ready, False, started_s, changed_s)
    samples = {"p": Sample(500, sampled_s, 60.0)}
    assert (group_pods([pod], samples, NOW_S, Calculator(), cpu=True).ready == 1) is counts
    assert group_pods([pod], samples, NOW_S, Calculator(), cpu=False).ready == 1


def test_terminating_pods_are_not_measured() -> None:
    """A pod that drains counts neither as load nor as capacity."""
    pods, samples = busy(900, 900)
    draining = MeasuredPod("old", 1000, terminating=True, **OLD)
    assert resource_replicas(2, 50, [*pods, draining], {**samples, "old": Sample(1000, NOW_S)}, NOW_S).replicas == 4


def test_missing_pods_damp_both_directions() -> None:
    """A pod without a sample uses all of its request when scaling down and nothing when scaling up."""
    assert resource_replicas(3, 50, *busy(100, 100, None), NOW_S).replicas == 3  # (100+100+1000)/3000 = 40 %
    assert resource_replicas(3, 50, *busy(1000, 1000, None), NOW_S).replicas == 4  # 66 %, not 100 %


def test_the_damped_ratio_multiplies_all_that_it_counts() -> None:
    """In a surge four pods are there and replicas is 3: 75 % of four, the one without a sample included, makes six."""
    assert resource_replicas(3, 50, *busy(1000, 1000, 1000, None), NOW_S).replicas == 6


def test_a_pod_that_is_not_ready_changes_nothing_at_the_target() -> None:
    """Pods that are not ready are filled in when scaling up only: exactly at the target they are left out."""
    pods, samples = busy(500, 500)
    starting = MeasuredPod("starting", 1000, "Pending")
    assert resource_replicas(3, 50, [*pods, starting], samples, NOW_S).replicas == 3


def test_averages_are_whole_thousandths() -> None:
    """A mean of 10000 and a third is 10000: twice the target makes twice the pods, not one more."""
    pods, samples = busy(10_000, 10_000, 10_001)
    assert average_value_replicas(3, 5000, pods, samples, NOW_S).replicas == 6


def test_average_values_need_no_requests() -> None:
    """A target per pod works without requests, and a missing pod is taken to be at the target when scaling down."""
    pods = [MeasuredPod("a"), MeasuredPod("b"), MeasuredPod("c")]
    samples = {"a": Sample(2000), "b": Sample(2000)}
    assert average_value_replicas(3, 10_000, pods, samples, NOW_S).replicas == 2  # (2+2+10)/3 = 4.67 of 10


def test_what_makes_no_proposal() -> None:
    """No pods, no samples, no ready pod, no request: an error, not a number."""
    pods, samples = busy(500)
    with pytest.raises(MetricsError, match="no metrics returned"):
        resource_replicas(1, 50, pods, {}, NOW_S)
    with pytest.raises(MetricsError, match="no pods returned by selector while calculating replica count"):
        resource_replicas(1, 50, [], samples, NOW_S)
    with pytest.raises(MetricsError, match="missing request for cpu of pod p0"):
        resource_replicas(1, 50, [MeasuredPod("p0", None, **OLD)], samples, NOW_S)
    with pytest.raises(MetricsError, match=r"did not receive metrics for targeted pods \(pods might be unready\)"):
        resource_replicas(1, 50, [MeasuredPod("p0", 1000, "Pending")], samples, NOW_S)
