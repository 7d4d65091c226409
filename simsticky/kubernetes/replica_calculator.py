"""What the HorizontalPodAutoscaler asks for, given what its pods use: one metric, one proposal.

Quantities are whole numbers of thousandths (milli-CPU; a metric of 15 is 15000). Utilisation is an integer
percentage, cut, so a rest below one per cent is lost before it meets the target.

Source: Kubernetes, controller/podautoscaler/replica_calculator.go (``GetResourceReplicas``,
``GetRawResourceReplicas``, ``GetMetricReplicas``, ``calcPlainMetricReplicas``, ``groupPods``) and
metrics/utilization.go.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CPU_INITIALIZATION_PERIOD_S = 300.0
INITIAL_READINESS_DELAY_S = 30.0
TOLERANCE = 0.1


class MetricsError(Exception):
    """A metric gives no proposal: there are no pods, no samples, or a pod states no request."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far usage may be from the target, as a share of it, before anything is scaled."""

    scale_up: float = TOLERANCE
    scale_down: float = TOLERANCE

    def within(self, ratio: float) -> bool:
        """Return whether usage ÷ target is close enough to 1."""
        return 1.0 - self.scale_down <= ratio <= 1.0 + self.scale_up


@dataclass(frozen=True, slots=True)
class Calculator:
    """The settings of the autoscaler's controller; seconds.

    ``cpu_initialization_period_s``: a CPU sample of a younger pod counts only if the pod is ready and its
    window began after it became so. ``initial_readiness_delay_s``: an older pod that is not ready counts as
    never ready if its readiness last changed within this time of its start.
    """

    tolerances: Tolerances = Tolerances()
    cpu_initialization_period_s: float = CPU_INITIALIZATION_PERIOD_S
    initial_readiness_delay_s: float = INITIAL_READINESS_DELAY_S


@dataclass(frozen=True, slots=True)
class MeasuredPod:
    """A pod that the autoscaler's selector matches, whichever controller owns it.

    ``request`` is what it requests of the resource (``None``: not stated). ``started_s`` is its start time and
    ``ready_changed_s`` when its Ready condition last changed, both model times in seconds; ``None``: unset.
    """

    name: str
    request: int | None = None
    phase: str = "Running"
    ready: bool = True
    terminating: bool = False
    started_s: float | None = 0.0
    ready_changed_s: float | None = 0.0


class Sample(NamedTuple):
    """A metric of one pod: mean value over ``window_s`` seconds that ended at ``at_s`` (model time)."""

    value: int
    at_s: float = 0.0
    window_s: float = 60.0


class Proposal(NamedTuple):
    """What one metric asks for. ``utilization``: per cent of the requests, ``None`` where the target is an
    average; ``average``: mean usage of the measured pods.
    """

    replicas: int
    utilization: int | None
    average: int


class PodGroups(NamedTuple):
    """The pods of the autoscaler: number ready, and the names of those not ready, without sample, left out."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def group_pods(
    pods: Sequence[MeasuredPod], samples: Mapping[str, Sample], now_s: float, calculator: Calculator, *, cpu: bool
) -> PodGroups:
    """Sort the pods by what their samples are worth.

    Failed and terminating pods are left out; pending ones count as not ready. Only for CPU do readiness and
    age matter: a pod that is starting burns CPU that says nothing about the load.
    """
    ready, unready, missing, ignored = 0, set(), set(), set()
    for pod in pods:
        if pod.terminating or pod.phase == "Failed":
            ignored.add(pod.name)
        elif pod.phase == "Pending":
            unready.add(pod.name)
        elif pod.name not in samples:
            missing.add(pod.name)
        elif cpu and _cpu_is_unusable(pod, samples[pod.name], now_s, calculator):
            unready.add(pod.name)
        else:
            ready += 1
    return PodGroups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def _cpu_is_unusable(pod: MeasuredPod, sample: Sample, now_s: float, calculator: Calculator) -> bool:
    if pod.started_s is None or pod.ready_changed_s is None:
        return True
    if pod.started_s + calculator.cpu_initialization_period_s > now_s:
        return not pod.ready or sample.at_s < pod.ready_changed_s + sample.window_s
    return not pod.ready and pod.started_s + calculator.initial_readiness_delay_s > pod.ready_changed_s


def resource_replicas(
    current: int,
    target_utilization: int,
    pods: Sequence[MeasuredPod],
    samples: Mapping[str, Sample],
    now_s: float,
    calculator: Calculator = Calculator(),
    *,
    cpu: bool = True,
) -> Proposal:
    """Return the proposal of a resource metric with a target of average utilisation.

    Args:
        current: ``spec.replicas`` of what is scaled.
        target_utilization: Per cent of the requests.
        pods: The pods that the selector matches.
        samples: Pod name -> sample; a name that is no pod's is counted nowhere but in the last number of pods.
        now_s: Model time in seconds.
        calculator: The controller's settings.
        cpu: Whether the resource is CPU, where readiness and age of a pod matter.

    Raises:
        MetricsError: No proposal is possible.

    Source: GetResourceReplicas. The number of pods multiplied is that of the measured ones, not ``current``.
    """
    groups, measured = _measured(pods, samples, now_s, calculator, cpu=cpu)
    requests = {pod.name: pod.request for pod in pods}
    unknown = [name for name, request in requests.items() if request is None]
    if unknown:
        raise MetricsError(f"missing request for {'cpu' if cpu else 'the resource'} of pod {unknown[0]}")
    known = {name: request for name, request in requests.items() if request is not None}

    def usage_of(values: Mapping[str, int]) -> tuple[float, int, int]:
        return _utilization_ratio(values, known, target_utilization)

    ratio, utilization, average = usage_of(measured)
    # Above 100 % the target itself is what a pod without sample is taken to use.
    fallback = max(100, target_utilization)
    full = {name: known[name] * fallback // 100 for name in groups.missing}
    replicas = _replicas(current, groups, measured, ratio, full, lambda values: usage_of(values)[0], calculator)
    return Proposal(replicas, utilization, average)


def average_value_replicas(
    current: int,
    target_average: int,
    pods: Sequence[MeasuredPod],
    samples: Mapping[str, Sample],
    now_s: float,
    calculator: Calculator = Calculator(),
    *,
    cpu: bool = False,
) -> Proposal:
    """Return the proposal of a metric with a target per pod: a metric of type Pods, or a resource's AverageValue.

    Args and errors as in :func:`resource_replicas`; ``target_average`` in thousandths.

    Source: GetMetricReplicas, GetRawResourceReplicas, calcPlainMetricReplicas. A pod without sample is taken
    to use exactly the target when scaling down, nothing when scaling up.
    """
    groups, measured = _measured(pods, samples, now_s, calculator, cpu=cpu)

    def ratio_of(values: Mapping[str, int]) -> float:
        return (sum(values.values()) // len(values)) / target_average

    average = sum(measured.values()) // len(measured)
    full = dict.fromkeys(groups.missing, target_average)
    replicas = _replicas(current, groups, measured, ratio_of(measured), full, ratio_of, calculator)
    return Proposal(replicas, None, average)


def _measured(
    pods: Sequence[MeasuredPod], samples: Mapping[str, Sample], now_s: float, calculator: Calculator, *, cpu: bool
) -> tuple[PodGroups, dict[str, int]]:
    """Return the groups and the values that count at first: those of ready pods and of unknown names."""
    if not samples:
        raise MetricsError("no metrics returned from the resource or custom metrics API")
    if not pods:
        raise MetricsError("no pods returned by selector while calculating replica count")
    groups = group_pods(pods, samples, now_s, calculator, cpu=cpu)
    left_out = groups.ignored | groups.unready
    measured = {name: sample.value for name, sample in samples.items() if name not in left_out}
    if not measured:
        raise MetricsError("did not receive metrics for targeted pods (pods might be unready)")
    return groups, measured


def _utilization_ratio(values: Mapping[str, int], requests: Mapping[str, int], target: int) -> tuple[float, int, int]:
    """Return (usage ÷ target, utilisation in per cent, mean usage). Source: GetResourceUtilizationRatio."""
    used = [(values[name], requests[name]) for name in values if name in requests]
    requested = sum(request for _, request in used)
    if requested == 0:
        raise MetricsError("no metrics returned matched known pods")
    total = sum(value for value, _ in used)
    utilization = total * 100 // requested
    return utilization / target, utilization, total // len(used)


def _replicas(
    current: int,
    groups: PodGroups,
    measured: Mapping[str, int],
    ratio: float,
    full: Mapping[str, int],
    ratio_of: Callable[[Mapping[str, int]], float],
    calculator: Calculator,
) -> int:
    """Return the proposal, the pods without a usable sample filled in so that they damp the change.

    Args:
        current: The present number.
        groups: The pods by what their samples are worth.
        measured: The values that count.
        ratio: Usage ÷ target of those.
        full: What each pod without sample is taken to use when scaling down.
        ratio_of: Usage ÷ target of any values.
        calculator: The tolerances.
    """
    up_with_unready = bool(groups.unready) and ratio > 1.0
    if not up_with_unready and not groups.missing:
        return current if calculator.tolerances.within(ratio) else math.ceil(ratio * groups.ready)
    filled = dict(measured)
    if ratio < 1.0:
        filled.update(full)
    elif ratio > 1.0:
        filled.update(dict.fromkeys(groups.missing, 0))
    if up_with_unready:
        filled.update(dict.fromkeys(groups.unready, 0))
    damped = ratio_of(filled)
    turned = (ratio < 1.0 < damped) or (damped < 1.0 < ratio)
    if turned or calculator.tolerances.within(damped):
        return current
    replicas = math.ceil(damped * len(filled))
    against = (damped < 1.0 and replicas > current) or (damped > 1.0 and replicas < current)
    return current if against else replicas
