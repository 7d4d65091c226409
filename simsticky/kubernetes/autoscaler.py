"""The HorizontalPodAutoscaler (autoscaling/v2): from what the metrics propose to what is written.

One sync every 15 s: the largest proposal, then stabilisation over the last recommendations, then the limits
on how fast the number may change, then ``minReplicas`` and ``maxReplicas``. It writes ``spec.replicas`` of
what it scales; for a Deployment in mid-rollout that is a scaling event.

All memory is in :class:`AutoscalerState`; time is an argument.

Source: Kubernetes, controller/podautoscaler/horizontal.go (``reconcileAutoscaler``,
``computeReplicasForMetrics``, ``stabilizeRecommendation…``, ``convertDesiredReplicas…``,
``storeScaleEvent``) and apis/autoscaling/v2/defaults.go.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

MIN_REPLICAS = 1
DOWNSCALE_STABILIZATION_S = 300.0
SCALE_UP_LIMIT_FACTOR = 2.0
SCALE_UP_LIMIT_MINIMUM = 4.0

PolicyType = Literal["Pods", "Percent"]
SelectPolicy = Literal["Max", "Min", "Disabled"]
Reason = Literal[
    "scaling is disabled",
    "above maxReplicas",
    "below minReplicas",
    "metrics failed",
    "metrics ask for more",
    "metrics ask for fewer",
    "as desired",
]


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """By how much the number of pods may change within ``period_s`` seconds: pods, or per cent of them."""

    type: PolicyType
    value: int
    period_s: float


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """How one direction behaves: ``select`` says whether the policy of the largest change counts or the least.

    ``stabilization_s``: how long past recommendations count, in seconds.

    Raises:
        ValueError: There is no policy.
    """

    stabilization_s: float
    policies: tuple[ScalingPolicy, ...]
    select: SelectPolicy = "Max"

    def __post_init__(self) -> None:
        if not self.policies:
            raise ValueError("scaling rules need at least one policy; select Disabled to scale not at all")


SCALE_UP = ScalingRules(0.0, (ScalingPolicy("Pods", 4, 15.0), ScalingPolicy("Percent", 100, 15.0)))
SCALE_DOWN = ScalingRules(DOWNSCALE_STABILIZATION_S, (ScalingPolicy("Percent", 100, 15.0),))


@dataclass(frozen=True, slots=True)
class Behavior:
    """``spec.behavior``; what is left out is Kubernetes' default."""

    scale_up: ScalingRules = SCALE_UP
    scale_down: ScalingRules = SCALE_DOWN


@dataclass(frozen=True, slots=True)
class AutoscalerSpec:
    """The limits of a HorizontalPodAutoscaler; ``behavior`` ``None``: the older rules without policies.

    Raises:
        ValueError: ``max_replicas`` is below ``min_replicas`` or below 1.
    """

    max_replicas: int
    min_replicas: int = MIN_REPLICAS
    behavior: Behavior | None = None
    downscale_stabilization_s: float = DOWNSCALE_STABILIZATION_S

    def __post_init__(self) -> None:
        if self.max_replicas < max(1, self.min_replicas) or self.min_replicas < 0:
            raise ValueError(f"maxReplicas {self.max_replicas} and minReplicas {self.min_replicas} leave no size")


class Recommendation(NamedTuple):
    """What the metrics asked for at a sync, before any limit; ``at_s`` is model time in seconds."""

    replicas: int
    at_s: float


class ScaleEvent(NamedTuple):
    """By how many pods one sync changed the number, always positive, and when."""

    pods: int
    at_s: float


@dataclass(frozen=True, slots=True)
class AutoscalerState:
    """What the controller remembers between syncs; a new one remembers nothing."""

    recommendations: tuple[Recommendation, ...] = ()
    scale_ups: tuple[ScaleEvent, ...] = ()
    scale_downs: tuple[ScaleEvent, ...] = ()


class Decision(NamedTuple):
    """One sync: the number of pods to write (the present one: nothing to write), why, and the memory after it.

    ``desired``: what the metrics asked for, ``None`` where they were not asked or failed. ``limited``: whether
    stabilisation or a limit kept the number from that.
    """

    replicas: int
    reason: Reason
    state: AutoscalerState
    desired: int | None = None


def combine(proposals: Sequence[int | None], current: int) -> int | None:
    """Return the largest proposal of several metrics; ``None`` in it is a metric that failed.

    A failed metric might ask for more, so with one the number is not reduced: the result is ``None``, as it
    is when all failed.

    Source: computeReplicasForMetrics.
    """
    valid = [proposal for proposal in proposals if proposal is not None]
    if not valid:
        return None
    largest = max(valid)
    return None if len(valid) < len(proposals) and largest < current else largest


def reconcile(
    spec: AutoscalerSpec, state: AutoscalerState, current: int, proposals: Sequence[int | None], now_s: float
) -> Decision:
    """Return what one sync writes (rule A1).

    Args:
        spec: The autoscaler.
        state: Its memory.
        current: ``spec.replicas`` of what it scales, not the number of pods there are.
        proposals: One per metric (``simsticky.kubernetes.replica_calculator``); ``None``: it failed. Not asked
            when the present number is outside the limits.
        now_s: Model time in seconds.

    A target scaled to 0 by hand is left alone unless ``minReplicas`` is 0.
    """
    if not state.recommendations:
        # So that a restarted controller does not scale down at once.
        state = replace(state, recommendations=(Recommendation(current, now_s),))
    if current == 0 and spec.min_replicas != 0:
        return Decision(0, "scaling is disabled", state)
    if current > spec.max_replicas:
        return _decided(spec, state, current, spec.max_replicas, "above maxReplicas", now_s, None)
    if current < spec.min_replicas:
        return _decided(spec, state, current, spec.min_replicas, "below minReplicas", now_s, None)
    desired = combine(proposals, current)
    if desired is None:
        return Decision(current, "metrics failed", state)
    if spec.behavior is None:
        stable, state = _stabilized_without_behavior(spec, state, desired, now_s)
        replicas = _limited_without_behavior(spec, current, stable)
    else:
        stable, state = _stabilized(spec.behavior, state, current, desired, now_s)
        replicas = _limited(spec, spec.behavior, state, current, stable, now_s)
    reason: Reason = "as desired"
    if replicas != current:
        reason = "metrics ask for more" if replicas > current else "metrics ask for fewer"
    return _decided(spec, state, current, replicas, reason, now_s, desired)


def _decided(
    spec: AutoscalerSpec,
    state: AutoscalerState,
    current: int,
    replicas: int,
    reason: Reason,
    now_s: float,
    desired: int | None,
) -> Decision:
    """Note the change, if there are policies that ask for it."""
    if spec.behavior is not None and replicas > current:
        event = ScaleEvent(replicas - current, now_s)
        state = replace(state, scale_ups=_noted(state.scale_ups, event, spec.behavior.scale_up))
    elif spec.behavior is not None and replicas < current:
        event = ScaleEvent(current - replicas, now_s)
        state = replace(state, scale_downs=_noted(state.scale_downs, event, spec.behavior.scale_down))
    return Decision(replicas, reason, state, desired)


def _noted(events: tuple[ScaleEvent, ...], event: ScaleEvent, rules: ScalingRules) -> tuple[ScaleEvent, ...]:
    """Return the events with one more, in the place of the last that no policy of its direction counts any more.

    Policies of the other direction may look further back and lose that event; Kubernetes does the same.

    Source: storeScaleEvent, markScaleEventsOutdated.
    """
    since_s = event.at_s - max(policy.period_s for policy in rules.policies)
    outdated = [place for place, past in enumerate(events) if past.at_s < since_s]
    if not outdated:
        return (*events, event)
    return (*events[: outdated[-1]], event, *events[outdated[-1] + 1 :])


def _stabilized_without_behavior(
    spec: AutoscalerSpec, state: AutoscalerState, desired: int, now_s: float
) -> tuple[int, AutoscalerState]:
    """Return the largest recommendation of the window: growth at once, reduction when the window agrees."""
    since_s = now_s - spec.downscale_stabilization_s
    kept = [past for past in state.recommendations if past.at_s >= since_s]
    largest = max([desired, *(past.replicas for past in kept)])
    return largest, replace(state, recommendations=(*kept, Recommendation(desired, now_s)))


def _limited_without_behavior(spec: AutoscalerSpec, current: int, desired: int) -> int:
    """Return the number within the limits; one sync grows to at most twice the present one, or to 4."""
    growth = int(max(SCALE_UP_LIMIT_FACTOR * current, SCALE_UP_LIMIT_MINIMUM))
    return max(spec.min_replicas, min(desired, spec.max_replicas, growth))


def _stabilized(
    behavior: Behavior, state: AutoscalerState, current: int, desired: int, now_s: float
) -> tuple[int, AutoscalerState]:
    """Return the number nearest to the present one that both windows allow.

    Growth is held to the least recommendation of its window, reduction to the largest of its own.
    """
    up_since_s = now_s - behavior.scale_up.stabilization_s
    down_since_s = now_s - behavior.scale_down.stabilization_s
    past = state.recommendations
    least = min([desired, *(one.replicas for one in past if one.at_s > up_since_s)])
    largest = max([desired, *(one.replicas for one in past if one.at_s > down_since_s)])
    kept = [one for one in past if one.at_s >= min(up_since_s, down_since_s)]
    stable = min(max(current, least), largest)
    return stable, replace(state, recommendations=(*kept, Recommendation(desired, now_s)))


def _limited(
    spec: AutoscalerSpec, behavior: Behavior, state: AutoscalerState, current: int, desired: int, now_s: float
) -> int:
    """Return the number within what the policies of the direction leave (convertDesiredReplicasWithBehaviorRate)."""
    if desired > current:
        limit = scale_up_limit(behavior.scale_up, state, current, now_s)
        return min(desired, spec.max_replicas, max(limit, current))
    if desired < current:
        limit = scale_down_limit(behavior.scale_down, state, current, now_s)
        return max(desired, spec.min_replicas, min(limit, current))
    return desired


def scale_up_limit(rules: ScalingRules, state: AutoscalerState, current: int, now_s: float) -> int:
    """Return the largest number the policies allow now; below the present one when they are used up.

    Each policy counts from the number at the start of its period. Per cent round up, or a single pod could
    never grow by 10 %.

    Source: calculateScaleUpLimitWithScalingRules.
    """
    if rules.select == "Disabled":
        return current
    limits = []
    for policy in rules.policies:
        start = _at_start_of_period(policy, state, current, now_s)
        grown = start + policy.value if policy.type == "Pods" else math.ceil(start * (1 + policy.value / 100))
        limits.append(grown)
    return min(limits) if rules.select == "Min" else max(limits)


def scale_down_limit(rules: ScalingRules, state: AutoscalerState, current: int, now_s: float) -> int:
    """Return the least number the policies allow now; per cent are cut.

    Source: calculateScaleDownLimitWithBehaviors.
    """
    if rules.select == "Disabled":
        return current
    limits = []
    for policy in rules.policies:
        start = _at_start_of_period(policy, state, current, now_s)
        shrunk = start - policy.value if policy.type == "Pods" else int(start * (1 - policy.value / 100))
        limits.append(shrunk)
    return max(limits) if rules.select == "Min" else min(limits)


def _at_start_of_period(policy: ScalingPolicy, state: AutoscalerState, current: int, now_s: float) -> int:
    since_s = now_s - policy.period_s
    added = sum(event.pods for event in state.scale_ups if event.at_s > since_s)
    removed = sum(event.pods for event in state.scale_downs if event.at_s > since_s)
    return current - added + removed
