"""Running the scenarios of ``tests/validation/scenarios``, and the bounds that their results are held to."""

from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from scipy import stats

import simsticky as ss

LEVEL = float(stats.norm.sf(4) * 2)
"""Two-sided level of four standard errors, 6.3e-5: that of every other bound here too."""

LARGEST_STANDARD_ERROR = 0.02
"""Of what is expected: a test that cannot be this precise says so."""

SCENARIOS = Path(__file__).parent / "scenarios"


def scenario(name: str, changes: Mapping[str, Any]) -> ss.Scenario:
    """Read a scenario file and change some of its values, as ``--set`` does."""
    return ss.load(SCENARIOS / f"{name}.yaml").evolve(changes)


def operations(of: ss.Scenario, replications: int) -> Iterator[dict[str, Any]]:
    """Run a scenario's replications 0, 1, … with its own seed, and yield what the first operation of each did."""
    for replication in range(replications):
        yield ss.simulate(of, replication=replication).operation_rows[0]


def needed(coefficient_of_variation: float, standard_error: float = LARGEST_STANDARD_ERROR) -> int:
    """Return how many independent values have a mean of this relative standard error."""
    return ceil((coefficient_of_variation / standard_error) ** 2)


def within(measured: float, expected: float, standard_error: float) -> bool:
    """Return whether the measured value is within four standard errors (and rounding) of the expected one."""
    return abs(measured - expected) <= 4 * standard_error + 1e-12 * abs(expected)


def poisson(count: float, mean: float) -> bool:
    """Return whether a Poisson number of this mean is this small, or this large, as often as four standard errors."""
    return bool(min(stats.poisson.cdf(count, mean), stats.poisson.sf(count - 1, mean)) >= LEVEL / 2)
