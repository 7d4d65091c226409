"""The numbers of a study that the sentence about it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simsticky.report.numbers import counted, grouped, show
from simsticky.results.absence import absence
from simsticky.study.recommend.session_length import mean_session_s
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.scenario.model import Scenario
    from simsticky.study.replicate import Study

_COUNTS = (
    "exposed_sessions",
    "broken_exposed_sessions",
    "alive_sessions",
    "broken_alive_sessions",
    "sticky_bound_sessions",
    "requests_sent",
    "requests_answered",
    "requests_failed",
)

_GONE = {
    "rollout": "on the replaced pods",
    "rollback": "on the replaced pods",
    "canary": "on the replaced pods",
    "deletion": "on the deleted pods",
    "crash": "on the crashed pods",
    "drain": "on the drained pods",
    "spot notice": "on the reclaimed nodes",
    "node loss": "on the lost nodes",
}
"""Where the exposed sessions of an operation are, by its noun; of others: "that lose their pods"."""


class Seen:
    """The numbers of a study that a sentence is made of."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.scenario: Scenario = study.scenario
        self.totals = {name: total_of(study, name) for name in _COUNTS}
        self.absent = absence(self.totals, self.scenario)

    def share(self, name: str) -> float:
        """The estimate of a metric; 0 where there is none."""
        return (self.study.estimate(name).interval.estimate or 0.0) if self.knows(name) else 0.0

    def knows(self, name: str) -> bool:
        """Whether the study has a metric."""
        return name in self.study.metrics

    def shown(self, name: str) -> str:
        """A metric's value as text."""
        return show(self.study.estimate(name).interval, self.study.metrics[name].unit).value

    def most(self, prefix: str) -> str:
        """The part of a count that was seen most, without its prefix; empty where none was seen."""
        names = [name for name in self.study.metrics if name.startswith(prefix) and not name.endswith(".background")]
        counts = {name.removeprefix(prefix): total_of(self.study, name) for name in names}
        most = max(counts, key=counts.__getitem__, default="")
        return most if most and counts[most] else ""

    @property
    def actor(self) -> str:
        """Who does it: "A rollout", or all operations of a run together."""
        operations = self.scenario.operations
        if len(operations) == 1 and self.scenario.autoscaler is None:
            noun = operations[0].noun
            return f"{'An' if noun[0] in 'aeiou' else 'A'} {noun}"
        return "The operations of a run" if operations else "The autoscaler"

    @property
    def breaks(self) -> str:
        """The verb for it."""
        return "break" if self.actor.startswith("The operations") else "breaks"

    @property
    def where(self) -> str:
        """Where the exposed sessions are."""
        nouns = {operation.noun for operation in self.scenario.operations}
        (noun,) = nouns if len(nouns) == 1 and self.scenario.autoscaler is None else ("",)
        return _GONE.get(noun, "that lose their pods")

    @property
    def broken(self) -> str:
        """How many sessions break of how many, in one run; where that is less than one, in all runs."""
        broken, exposed = self.totals["broken_exposed_sessions"], self.totals["exposed_sessions"]
        n = self.study.n
        if broken < n:
            return f"{grouped(broken)} of {grouped(exposed)} sessions {self.where} in {counted(n, 'run')}"
        about = "" if n == 1 else "about "
        return f"{about}{grouped(round(broken / n))} of {grouped(round(exposed / n))} sessions {self.where}"

    @property
    def length(self) -> str:
        """How long sessions last; empty where no law tells."""
        mean_s = mean_session_s(self.scenario)
        return f"sessions last {_rounded(mean_s)} on average" if mean_s else ""

    @property
    def threshold(self) -> tuple[str, ...]:
        """What a search is to keep, where the scenario states no threshold."""
        return () if self.scenario.thresholds else ("--threshold", "broken_sessions < 1%")


def total_of(study: Study, name: str) -> int:
    """Return the sum of a count over all replications; 0 where none has it."""
    if name not in study.replications.keys:
        return 0
    return sum(int(value) for value in study.replications.column(name) if value is not None)


def _rounded(seconds: float) -> str:
    return format_duration(round(seconds) if seconds >= 10 else round(seconds, 1))
