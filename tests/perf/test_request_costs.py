"""What a request costs beside two yardsticks, and how little that grows with the cluster: ratios inside one process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.perf

COSTS = Path(__file__).parent / "costs.py"
LIVE, MANY_PODS, MANY_NODES = "live 1,000", "pods 300", "nodes 8"


@pytest.fixture(scope="module")
def costs() -> dict[str, dict[str, float]]:
    """Return the best CPU seconds per request of three interleaved rounds, measured once, in a process of its own."""
    command = [sys.executable, str(COSTS), LIVE, MANY_PODS, MANY_NODES]
    found: dict[str, dict[str, float]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def test_the_model_is_much_faster_than_a_simpy_model(costs: dict[str, dict[str, float]]) -> None:
    """A process a client and a resource a pod, with nothing else, takes at least twice the time of the whole model.

    It takes five times as long where nothing else runs. The margin is for processors on which generators and heaps
    stand otherwise to each other; a request that is two events again would still be seen.
    """
    assert costs[LIVE]["simpy"] >= 2 * costs[LIVE]["model"]


def test_more_pods_and_nodes_cost_little(costs: dict[str, dict[str, float]]) -> None:
    """With 300 pods, or 8 nodes, a request costs at most three times what it does with 3, or one.

    Their probes and caches take up to half as much again. The margin is for smaller caches; what looks at every pod for
    each request costs a hundred times as much.
    """
    assert costs[MANY_PODS]["model"] <= 3 * costs[LIVE]["model"]
    assert costs[MANY_NODES]["model"] <= 3 * costs[LIVE]["model"]


def test_sealing_costs_a_small_part_of_a_bare_loop(costs: dict[str, dict[str, float]]) -> None:
    """To count, hash and keep a row takes at most a third of the two events of a bare loop.

    It takes an eighth where nothing else runs. The margin is for processors without wide vectors, on which the hash
    takes three times as long; anything done row by row in Python takes more than the whole loop.
    """
    assert costs[LIVE]["sealing"] <= costs[LIVE]["bare"] / 3
