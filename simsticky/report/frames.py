"""What figures and pages read of one replication, wherever it comes from: a fresh result or files of a directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pandas import DataFrame

    from simsticky.results.metrics import Value
    from simsticky.scenario.model import Scenario


class Frames(Protocol):
    """One replication as tables; columns and units are those of ``simsticky.results.frames``.

    ``simsticky.Result`` is one, and so is what ``simsticky report`` reads from a directory.
    """

    @property
    def scenario(self) -> Scenario:
        """What was simulated."""

    @property
    def replication(self) -> int:
        """Number of the replication."""

    @property
    def summary(self) -> Mapping[str, Value]:
        """Every metric by name."""

    @property
    def pods(self) -> DataFrame:
        """One row per pod."""

    @property
    def load(self) -> DataFrame:
        """Sessions on each pod over time."""

    @property
    def sessions(self) -> DataFrame:
        """One row per session."""

    @property
    def requests(self) -> DataFrame:
        """One row per request."""

    @property
    def events(self) -> DataFrame:
        """One row per event of the control plane."""

    @property
    def operations(self) -> DataFrame:
        """One row per operation of the timeline."""

    @property
    def exposures(self) -> DataFrame:
        """One row per exposure of a session."""

    def story(self) -> list[str]:
        """Return the replication event by event, as lines for people."""
