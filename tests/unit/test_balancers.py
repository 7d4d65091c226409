"""Which algorithm a scenario's policy makes."""

from collections import Counter
from typing import Any, get_args

from small_scenario import small

from simsticky.scenario.gateway import Upstream
from simsticky.sim.simulation import Simulation

ALGORITHMS = get_args(Upstream.model_fields["algorithm"].annotation)
NEEDS: dict[str, dict[str, Any]] = {
    "consistent-hashing": {"hashOn": {"input": "ip"}},
    "sticky-sessions": {"hashOn": {"input": "none"}, "stickySessions": {"cookie": "session_id"}},
}
"""What else a policy of an algorithm has to say."""


def test_every_algorithm_has_a_class_of_its_own() -> None:
    """Every algorithm that a policy may name has a class of its own, so that none runs as another."""
    made = {name: _class_of({"algorithm": name, **NEEDS.get(name, {})}) for name in ALGORITHMS}
    assert [name for name, times in Counter(made.values()).items() if times > 1] == []
    assert made["round-robin"] == "RoundRobin"


def _class_of(upstream: dict[str, Any]) -> str:
    worker = Simulation(small(upstream=upstream), 1, 0)._gateway.workers[0]
    return type(worker.balancer.algorithm).__name__
