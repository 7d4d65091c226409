"""Whether the consistent-hashing ring has room for as many targets as the scenario may list at once.

A ring that is too small takes no target at all, and Kong answers every request with 503 (Kong/kong#9437): here that is
a fault of the configuration, said before anything runs. Terminating pods that drain support keeps listed count too.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import ceil

from simsticky.kong.algorithms.consistent_hashing import RingCapacityError, build_ring, ring_points
from simsticky.kong.upstream import DEFAULT_WEIGHT, Target
from simsticky.scenario.cluster_operations import Canary, DrainNode, NodeLoss, Resume, Rollback, Spot, SwitchService
from simsticky.scenario.operations import DeletePod, Rollout, Scale
from simsticky.scenario.replicas import start_replicas
from simsticky.scenario.sections import Sections


def over_capacity(scenario: Sections) -> RingCapacityError | None:
    """Return why the ring is too small for the scenario; None if it is large enough or there is none.

    The worst case of a rollout is that all new pods are up while all old ones still drain; of a scale-down, a deletion
    or a node that goes, that all its pods drain at once; of an autoscaler, that it goes from one bound to the other.
    Addresses are stand-ins: near the limit, real ones may differ by
    a target.
    """
    if scenario.upstream.algorithm != "consistent-hashing" or scenario.gateway.hash_method != "ring":
        return None
    points = ring_points(scenario.upstream.slots)
    for active, draining in dict.fromkeys(_crowds(scenario)):
        if (error := _too_many(active, draining, points)) is not None:
            return error
    return None


def _crowds(scenario: Sections) -> Iterator[tuple[int, int]]:
    """Yield how many active and draining targets there may be, at the start and for each operation."""
    deployment, scaler, drains = scenario.deployment, scenario.autoscaler, scenario.kic.enable_drain_support
    sizes = {deployment.name: start_replicas(scenario), **{other.name: other.replicas for other in scenario.companions}}
    routed = {deployment.name}
    if scaler is not None:
        yield scaler.max_replicas, 0
        yield scaler.min_replicas, scaler.max_replicas - scaler.min_replicas if drains else 0
    yield sizes[deployment.name], 0
    for operation in sorted(scenario.operations, key=lambda entry: entry.at_s):
        gone, target = 0, operation.target
        match operation:
            case SwitchService():
                routed = {operation.to}
            case Canary():
                routed = set(operation.weights)
            case DrainNode() | Spot() | NodeLoss():
                gone = ceil(sum(sizes[name] for name in routed) / scenario.kubernetes.nodes)
            case Scale():
                before, sizes[target] = sizes[target], operation.replicas
                gone = max(0, before - operation.replicas)
            case DeletePod():
                gone = min(operation.count, sizes[target])
            case Rollout() | Rollback() if target in routed and _overlaps(scenario):
                gone = sizes[target]
                yield sum(sizes[name] for name in routed) + deployment.surge(sizes[target]), 0
        listed = target in routed or target not in sizes
        yield sum(sizes[name] for name in routed), gone if drains and listed else 0


def _overlaps(scenario: Sections) -> bool:
    """Whether new pods of a rollout may be up while old ones drain."""
    deployment = scenario.deployment
    held = deployment.paused and not any(isinstance(operation, Resume) for operation in scenario.timeline)
    return deployment.kind == "Deployment" and deployment.strategy.type == "RollingUpdate" and not held


@lru_cache(maxsize=256)
def _too_many(active: int, draining: int, points: int) -> RingCapacityError | None:
    number = active + draining
    targets = tuple(
        Target(f"10.{244 + (i >> 16)}.{(i >> 8) & 255}.{i & 255}:8080", DEFAULT_WEIGHT if i - 2 < active else 0)
        for i in range(2, number + 2)
    )
    try:
        build_ring(targets, points)
    except RingCapacityError as error:
        return error
    return None
