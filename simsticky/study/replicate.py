"""``replicate``: one scenario, many independent replications, and what they say together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

from simsticky.errors import InputError
from simsticky.notebook import ShownInNotebooks
from simsticky.results.provenance import library_versions
from simsticky.results.result import COUNTED
from simsticky.scenario.reading.given import scenario_of
from simsticky.stats.incidence import as_interval, mean_of_waits, quantile_of_waits
from simsticky.stats.intervals import LEVEL, Interval, mean_count, mean_t
from simsticky.study.case import Case
from simsticky.study.entries import by_entry
from simsticky.study.estimate import Estimate, estimate_metric, total_of
from simsticky.study.own import OwnExecution, OwnMetric, with_own
from simsticky.study.precision import FEWEST, HEADLINE, MOST, Precision, Stopping, half_width
from simsticky.study.runner import Runner
from simsticky.study.store import Replications, Value
from simsticky.study.thresholds import Verdict, absence_of, breaks_by_operations, of_nothing, verdict
from simsticky.study.verdicts import checked_thresholds, nearest_metric
from simsticky.version import __version__

if TYPE_CHECKING:
    from xarray import Dataset

    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.reading.given import Given
    from simsticky.scenario.thresholds import Threshold
    from simsticky.study.verdicts import Mark

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Study(ShownInNotebooks):
    """Replications of one scenario under one seed.

    Attributes:
        scenario: The scenario.
        seed: The seed; replication i is ``simulate(scenario, seed=seed, replication=i)``.
        replications: What was kept of each, in order.
        metrics: The metrics it can speak of, by name.
        stopping: Why there are as many replications as there are, when a precision was asked for; else None.
    """

    scenario: Scenario
    seed: int
    replications: Replications
    metrics: Mapping[str, Metric]
    stopping: Stopping | None = None

    @property
    def n(self) -> int:
        """Number of replications."""
        return len(self.replications)

    @property
    def summaries(self) -> list[dict[str, Value]]:
        """The summary of each replication, in order."""
        return [replication.summary for replication in self.replications]

    @property
    def digests(self) -> list[str]:
        """The digest of each replication, in order."""
        return self.replications.digests

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the scenario and of the replications, each once, with how many replications gave it."""
        counts: dict[str, int] = {}
        for warnings in self.replications.warnings:
            for text in dict.fromkeys(warnings):
                counts[text] = counts.get(text, 0) + 1
        of_runs = [
            self._counted(text) + ("" if count == self.n else f" (in {count} of {self.n} replications)")
            for text, count in counts.items()
            if text not in self.scenario.warnings
        ]
        stopped = [str(self.stopping)] if self.stopping is not None and not self.stopping.met else []
        return (*self.scenario.warnings, *of_runs, *self._few_events(), *stopped)

    def _few_events(self) -> Iterator[str]:
        """Warn of shares with a threshold, and of the headline, whose design effect had to be assumed."""
        for name in dict.fromkeys((HEADLINE, *self.scenario.thresholds)):
            found = self.estimate(name) if name in self.metrics else None
            if found is not None and found.interval.kind == "few events":
                yield (
                    f"{name}: {found.numerator} of {found.denominator} are too few to tell how much those of one"
                    f" replication share its luck; the interval assumes that {found.interval.design_effect:g} count as"
                    " one (design effect), and more replications would narrow it"
                )

    def _counted(self, text: str) -> str:
        """Return a warning with what it is about in all replications, where that is counted."""
        if text not in COUNTED:
            return text
        key, one, many = COUNTED[text]
        number = int(total_of(self._column(key)) or 0)
        return f"{text}: {number} {one if number == 1 else many}"

    def estimate(self, name: str, level: float = LEVEL) -> Estimate:
        """Return the estimate of a metric, or the mean of a plain count of the summary.

        Args:
            name: Its name.
            level: Confidence level of its interval, in (0, 1).

        Raises:
            InputError: There is no such metric; the hint names the nearest.
        """
        metric = self.metrics.get(name)
        if metric is not None:
            return self._estimate(metric, level)
        if name not in self.replications.keys:
            raise InputError.of(f"there is no metric {name!r}", hint=nearest_metric(name, self.metrics))
        values = self._column(name)
        return Estimate(name, "count", mean_count(values, level), total_of(values), None, "")

    def table(self) -> list[Estimate]:
        """Return every metric's estimate, in the order of the registry."""
        return list(self._table)

    def verdicts(self) -> list[Verdict]:
        """Return what the study says about the scenario's thresholds, in their order."""
        return list(self._verdicts.values())

    def verdict(self, name: str, threshold: Threshold, level: float = LEVEL) -> Verdict:
        """Return what the study says about a threshold on a metric, at a confidence level."""
        interval = self.estimate(name, level).interval
        return verdict(self.metrics[name], threshold, interval, self._column, self.scenario, level)

    def mark(self, metric: str) -> Mark | None:
        """Return what the study says about a metric's threshold; None where it has none."""
        found = self._verdicts.get(metric)
        return None if found is None else found.mark

    def values(self) -> dict[str, list[Value]]:
        """Return each number of the summaries, one entry a replication in order, for pairing with other results.

        Shares and other quotients of two counts are left out: their numerators and denominators are there.
        So is what no replication knows.
        """
        quotients = {name for name, metric in self.metrics.items() if metric.denominator is not None}
        columns = {key: self._column(key) for key in self.replications.keys if key not in quotients}
        return {key: column for key, column in columns.items() if any(value is not None for value in column)}

    def operations(self) -> list[dict[str, Any]]:
        """Return every operation that any replication had, those of the timeline first.

        Numbers are their mean and interval over the replications that had it, text is as it is; ``replications`` says
        how many had it. Operations of the timeline are matched by their place on it, the scales of an autoscaler by
        their order: where the first scale of two replications differs, its ``label`` is "hpa scale 1".
        """
        matched: dict[tuple[bool, int], list[Mapping[str, Any]]] = {}
        for replication in self.replications:
            scales = 0
            for place, row in enumerate(replication.operations):
                by_itself = row.get("kind") == "hpa"
                scales += by_itself
                matched.setdefault((by_itself, scales if by_itself else place), []).append(row)
        rows = []
        for (by_itself, place), records in sorted(matched.items(), key=lambda entry: entry[0]):
            row = {key: _over_replications([record[key] for record in records]) for key in records[0]}
            if by_itself and len({record["label"] for record in records}) > 1:
                row["label"] = f"hpa scale {place}"
            rows.append({**row, "replications": len(records)})
        return rows

    def entries(self) -> list[dict[str, Any]]:
        """Return what is said of each entry of the timeline, see :func:`simsticky.study.entries.by_entry`."""
        return [entry.to_json_dict() for entry in by_entry(self)]

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything the study says, reproducible to the byte (rule W4).

        No wall clock, no worker count, no host name.
        """
        report = self.scenario.manifest_report
        return {
            "schemaVersion": SCHEMA_VERSION,
            "tool": {"name": "simsticky", "version": __version__},
            "libraries": library_versions(),
            "scenario": {
                "name": self.scenario.name,
                "digest": self.scenario.digest(),
                "resolved": self.scenario.to_json_dict(),
                "from": dict(self.scenario.provenance),
            },
            "seed": self.seed,
            "replications": self.n,
            "level": LEVEL,
            **({} if self.stopping is None else {"precision": self.stopping.to_json_dict()}),
            "verdicts": [found.to_json_dict() for found in self.verdicts()],
            "estimates": {estimate.name: estimate.to_json_dict() for estimate in self._table},
            "operations": self.operations(),
            "entries": self.entries(),
            "warnings": list(self.warnings),
            "manifests": {
                "read": [str(field) for field in report.read],
                "ignored": [str(field) for field in report.ignored],
                "assumed": [str(field) for field in report.assumed],
            },
            "digests": self.digests,
            "values": self.values(),
        }

    def to_xarray(self) -> Dataset:
        """Return the study as an xarray Dataset.

        Along ``replication`` (0 to n - 1) it has a variable for each number of the summaries, NaN where a replication
        has none; along ``metric`` the variables ``estimate``, ``low`` and ``high``. Shares are parts of 1, times
        seconds; ``attrs`` of a variable hold its unit and definition, those of the dataset name, digest and seed.

        Raises:
            ImportError: xarray is not installed.
        """
        from simsticky.study.labelled import dataset

        about: dict[str, str | int] = {
            "scenario": self.scenario.name,
            "digest": self.scenario.digest(),
            "seed": self.seed,
        }
        return dataset(self.replications, self.table(), self.metrics, about)

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @cached_property
    def _table(self) -> tuple[Estimate, ...]:
        return tuple(self._estimate(metric) for metric in self.metrics.values())

    @cached_property
    def _verdicts(self) -> dict[str, Verdict]:
        return {
            name: self.verdict(name, threshold)
            for name, threshold in checked_thresholds(self.scenario, self.metrics).items()
        }

    def _estimate(self, metric: Metric, level: float = LEVEL) -> Estimate:
        if metric.waits:
            return Estimate(metric.name, metric.unit, self._waited(metric, level), None, None, metric.definition)
        found = estimate_metric(metric, self._column, level)
        if breaks_by_operations(metric):
            return replace(found, interval=of_nothing(found.interval, absence_of(self._column, self.scenario)))
        return found

    def _waited(self, metric: Metric, level: float) -> Interval:
        """Return what the times without a connection of all replications say together."""
        waits = self.replications.waits
        if metric.name == "disconnected_mean_s":
            return as_interval(mean_of_waits(waits, level), "jackknife", len(waits), level)
        return as_interval(quantile_of_waits(waits, 0.95, level), "jackknife", len(waits), level)

    def _column(self, key: str) -> list[Value]:
        return self.replications.column(key)


def replicate(
    scenario: Given,
    n: int | None = None,
    seed: int | None = None,
    *,
    metrics: Mapping[str, Metric | OwnMetric] | None = None,
    precision: str | Precision | None = None,
    max_reps: int = MOST,
    runner: Runner | None = None,
    **execution: Unpack[OwnExecution],
) -> Study:
    """Run a scenario ``n`` times, independently, or as often as a precision needs, and keep the numbers of each run.

    The result depends neither on how it is executed nor on how often it was interrupted.

    Args:
        scenario: What to simulate: a scenario, the path of its file, or a mapping of what the file says.
        n: Replications; the scenario's ``run.replications`` by default.
        seed: Seed; the scenario's ``run.seed`` by default.
        metrics: What to estimate; all metrics by default; a function of a result stands for a metric of one's own
            beside them: ``{"mine": function}``.
        precision: Instead of ``n``: how narrow an interval is to be, for example ``"0.2%"`` (percentage points of
            broken sessions), ``"5% relative"`` or ``"failed_requests=0.05%"``; see :mod:`simsticky.study.precision`.
        max_reps: At most this many replications, with a precision; :attr:`Study.stopping` says whether they were
            enough.
        runner: What runs the replications, when a larger study has one already.
        execution: Otherwise how to run: ``jobs``, ``executor``, ``scheduler``, ``directory``, ``progress``,
            ``on_progress`` and ``simulate``, as for :class:`~simsticky.study.runner.Runner`.

    Raises:
        InputError: A threshold or the precision names no metric, said before anything runs; or the directory is
            another study's.
        Interrupted: On Ctrl-C, with the number of replications finished.
        SimstickyError: A worker was lost, the disk is full, or a replication failed.
        ValueError: ``n`` is below 1, or both ``n`` and a precision are given.
    """
    scenario = scenario_of(scenario)
    if n is not None and precision is not None:
        raise ValueError("give a number of replications or a precision, not both")
    if n is not None and n < 1:
        raise ValueError(f"a study needs at least one replication, not {n}")
    if seed is None:
        seed = scenario.run.seed
    registry, how = with_own(metrics, execution)
    checked_thresholds(scenario, registry)
    if isinstance(precision, str):
        precision = Precision.parse(precision, registry)
    if precision is not None and max_reps < FEWEST:
        raise ValueError(f"a precision needs at least {FEWEST} replications, and at most {max_reps} are allowed")
    if runner is None:
        with Runner(**how) as own:
            own.begin([scenario], seed)
            return _study(scenario, n, seed, registry, precision, max_reps, own)
    runner.begin([scenario], seed)
    return _study(scenario, n, seed, registry, precision, max_reps, runner)


def _study(
    scenario: Scenario,
    n: int | None,
    seed: int,
    metrics: Mapping[str, Metric],
    precision: Precision | None,
    most: int,
    runner: Runner,
) -> Study:
    if precision is None:
        (replications,) = runner.run([Case(scenario, seed, range(n or scenario.run.replications))])
        return Study(scenario, seed, replications, metrics)
    replications = Replications()
    looks: list[int] = []
    wanted = foreseen = FEWEST
    while True:
        runner.expect(max(wanted, foreseen) - len(replications))
        later = Case(scenario, seed, range(wanted, foreseen))
        (more,) = runner.run([Case(scenario, seed, range(len(replications), wanted))], [later])
        replications.extend(more)
        looks.append(wanted)
        study = Study(scenario, seed, replications, metrics)
        interval = study.estimate(precision.metric).interval
        met = precision.is_met(interval)
        if met or wanted >= most:
            return replace(study, stopping=Stopping(precision, met, half_width(interval), tuple(looks), most))
        foreseen = precision.needed(wanted, interval, most)
        wanted = precision.next_n(wanted, interval, most)


def _over_replications(values: Sequence[str | Value]) -> Any:
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        return values[0]
    interval = mean_t(numbers)
    return {
        "mean": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "replications": interval.used,
    }
