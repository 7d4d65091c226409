"""Replication 0 with its sessions, kept while a study simulates it: what is drawn of it needs no second run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.study.case import simulate_numbers

if TYPE_CHECKING:
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario


class KeepingFirst:
    """A ``simulate`` with the usual numbers that keeps the result of replication 0, its sessions recorded.

    Attributes:
        first: The result; None where another process, or an earlier run of the study, has simulated it.
    """

    def __init__(self) -> None:
        self.first: Result | None = None

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Result:
        """Run one replication."""
        if replication:
            return simulate_numbers(scenario, seed=seed, replication=replication)
        self.first = simulate_numbers(scenario, seed=seed, replication=0, record="sessions")
        return self.first
