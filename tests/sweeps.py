"""A sweep made by hand: the attributes that figures and pages read, over studies of a small scenario."""

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

from small_scenario import small

from simsticky.scenario.model import Scenario
from simsticky.study.replicate import Study, replicate


@dataclass(frozen=True)
class HandMadeSweep:
    """What ``simsticky.study.sweep.Sweep`` offers."""

    points: tuple[dict[str, Any], ...]
    scenarios: tuple[Scenario, ...]
    studies: tuple[Study, ...]


@cache
def hand_made(n: int = 3, name: str = "small") -> HandMadeSweep:
    """Return a sweep of preStop (four values) and drain support (two) of a small scenario, ``n`` runs each."""
    values = itertools.product(("0s", "5s", "20s", "1m"), (True, False))
    points = tuple({"deployment.preStop": pre_stop, "kic.enableDrainSupport": drain} for pre_stop, drain in values)
    base = small(
        name=name,
        run__record="summary",
        run__skewFloor=False,
        traffic__sessions__rate="1/s",
        deployment__terminationGracePeriodSeconds=90,
    ).evolve({"thresholds.broken_sessions": "< 10%"})
    scenarios = tuple(base.evolve(point) for point in points)
    return HandMadeSweep(points, scenarios, tuple(replicate(scenario, n) for scenario in scenarios))
