"""What a study runs: replications of a scenario, each by a function from a scenario to a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario


class Simulate(Protocol):
    """What a study needs of ``simsticky.simulate.simulate``."""

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Result:
        """Run one replication."""


@dataclass(frozen=True, slots=True)
class Case:
    """Replications of one scenario.

    Attributes:
        scenario: What to simulate.
        seed: Its seed; replication i is ``simulate(scenario, seed=seed, replication=i)``.
        replications: Which.
    """

    scenario: Scenario
    seed: int
    replications: range


def simulate_numbers(scenario: Scenario, *, seed: int, replication: int, record: str = "summary") -> Result:
    """Simulate a scenario once for its summary; a study keeps no more, whatever the scenario records."""
    from simsticky.simulate import simulate

    # The numbers and the digest are the same at every level of recording (docs/decisions/0002).
    run = scenario.run.model_copy(update={"record": record})
    return simulate(scenario.model_copy(update={"run": run}), seed, replication)
