"""Running the scenarios of ``tests/validation/scenarios``, and the bounds that their results are held to."""

from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from scipy import stats

from simsticky.scenario.load import load
from simsticky.scenario.model import Scenario
from simsticky.sim.recording import Recording
from simsticky.sim.simulation import Simulation

LEVEL = float(stats.norm.sf(4) * 2)
"""Two-sided level of four standard errors, 6.3e-5: that of every other bound here too."""

LARGEST_STANDARD_ERROR = 0.02
"""Of what is expected: a test that cannot be this precise says so."""

SCENARIOS = Path(__file__).parent / "scenarios"


def scenario(name: str, changes: Mapping[str, Any]) -> Scenario:
    """Read a scenario file and change some of its values, as ``--set`` does."""
    return load(SCENARIOS / f"{name}.yaml").evolve(changes)


def replications(of: Scenario, number: int) -> Iterator[Recording]:
    """Run a scenario's replications 0, 1, … with its own seed."""
    for replication in range(number):
        yield Simulation(of, of.run.seed, replication).run()


def needed(coefficient_of_variation: float, standard_error: float = LARGEST_STANDARD_ERROR) -> int:
    """Return how many independent values have a mean of this relative standard error."""
    return ceil((coefficient_of_variation / standard_error) ** 2)


def within(measured: float, expected: float, standard_error: float) -> bool:
    """Return whether the measured value is within four standard errors (and rounding) of the expected one."""
    return abs(measured - expected) <= 4 * standard_error + 1e-12 * abs(expected)
