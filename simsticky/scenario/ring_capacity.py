"""Whether the consistent-hashing ring has room for as many targets as the scenario may list at once.

A ring that is too small takes no target at all, and Kong answers every request with 503 (Kong/kong#9437): here that is
a fault of the configuration, said before anything runs. Terminating pods that drain support keeps listed count too.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from simsticky.kong.algorithms.consistent_hashing import RingCapacityError, build_ring, ring_points
from simsticky.kong.upstream import DEFAULT_WEIGHT, Target
from simsticky.scenario.operations import DeletePod, Rollout, Scale

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario


def over_capacity(scenario: "Scenario") -> RingCapacityError | None:
    """Return why the ring is too small for the scenario; None if it is large enough or there is none.

    The worst case of a rollout is that all new pods are up while all old ones still drain; of a scale-down or a
    deletion, that all its pods drain at once. Addresses are stand-ins: near the limit, real ones may differ by
    a target.
    """
    if scenario.upstream.algorithm != "consistent-hashing":
        return None
    points = ring_points(scenario.upstream.slots)
    for active, draining in dict.fromkeys(_crowds(scenario)):
        if (error := _too_many(active, draining, points)) is not None:
            return error
    return None


def _crowds(scenario: "Scenario") -> Iterator[tuple[int, int]]:
    """Yield how many active and draining targets there may be, at the start and for each operation."""
    deployment, drains = scenario.deployment, scenario.kic.enable_drain_support
    replicas = deployment.replicas
    yield replicas, 0
    for operation in sorted(scenario.timeline, key=lambda entry: entry.at_s):
        gone = 0
        if isinstance(operation, Scale):
            gone, replicas = max(0, replicas - operation.replicas), operation.replicas
        elif isinstance(operation, DeletePod):
            gone = min(operation.count, replicas)
        elif isinstance(operation, Rollout) and deployment.strategy.type == "RollingUpdate" and not deployment.paused:
            gone = replicas
            yield replicas + deployment.surge(replicas), 0
        yield replicas, gone if drains else 0


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
