"""``replicate``: one scenario, many independent replications, and what they say together."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from simsticky.errors import InputError
from simsticky.results.provenance import installed_version, library_versions
from simsticky.stats.intervals import LEVEL, Interval, mean_count, mean_t, ratio_of_sums, share_interval
from simsticky.study.execution import Interrupted, run_ordered
from simsticky.study.verdicts import Verdict, checked_thresholds, did_you_mean, judge

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.results.result import Result
    from simsticky.scenario.model import Scenario

SCHEMA_VERSION = 1

Value = float | int | None
Summary = Mapping[str, Value]

# Chunks a worker gets: enough that the last one to finish does not keep the others waiting for long.
_CHUNKS_PER_WORKER = 16


class Simulate(Protocol):
    """What ``replicate`` needs of ``simsticky.simulate.simulate``."""

    def __call__(self, scenario: Scenario, *, seed: int, replication: int) -> Result:
        """Run one replication."""


@dataclass(frozen=True, slots=True)
class Replication:
    """What is kept of one replication: its numbers, not its frames.

    Attributes:
        summary: The flat summary of the result, by metric name; None where missing.
        digest: The result's digest.
        warnings: The result's warnings.
        operations: One flat record per operation of the timeline.
    """

    summary: dict[str, Value]
    digest: str
    warnings: tuple[str, ...]
    operations: tuple[dict[str, str | Value], ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric over all replications.

    Attributes:
        name: The metric's name, or a key of the summary.
        unit: ``share``, ``count``, ``seconds`` or ``ratio``.
        interval: Estimate and interval, in that unit; a count's is its mean per replication.
        numerator: What was counted, over all replications that entered; None where nothing is counted.
        denominator: What it was counted of; None where there is none.
        definition: What the metric means.
    """

    name: str
    unit: str
    interval: Interval
    numerator: Value
    denominator: Value
    definition: str

    def to_json_dict(self) -> dict[str, Any]:
        """Return the estimate with the names of the JSON output."""
        interval = self.interval
        return {
            "unit": self.unit,
            "value": interval.estimate,
            "low": interval.low,
            "high": interval.high,
            "interval": interval.kind,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "replications": interval.used,
            "leftOut": interval.left_out,
        }


@dataclass(frozen=True)
class Study:
    """Replications of one scenario under one seed.

    Attributes:
        scenario: The scenario.
        seed: The seed; replication i is ``simulate(scenario, seed=seed, replication=i)``.
        replications: What was kept of each, in order.
        metrics: The metrics it can speak of, by name.
    """

    scenario: Scenario
    seed: int
    replications: tuple[Replication, ...]
    metrics: Mapping[str, Metric]

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
        return [replication.digest for replication in self.replications]

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the scenario and of the replications, each once, with how many replications gave it."""
        counts: dict[str, int] = {}
        for replication in self.replications:
            for text in dict.fromkeys(replication.warnings):
                counts[text] = counts.get(text, 0) + 1
        of_runs = [
            text if count == self.n else f"{text} (in {count} of {self.n} replications)"
            for text, count in counts.items()
            if text not in self.scenario.warnings
        ]
        return (*self.scenario.warnings, *of_runs)

    def estimate(self, name: str) -> Estimate:
        """Return the estimate of a metric, or the mean of a plain count of the summary.

        Raises:
            InputError: There is no such metric; the hint names the nearest.
        """
        metric = self.metrics.get(name)
        if metric is not None:
            return self._estimate(metric)
        if not any(name in summary for summary in self.summaries):
            raise InputError.of(f"there is no metric {name!r}", hint=did_you_mean(name, self.metrics))
        values = self._column(name)
        return Estimate(name, "count", mean_count(values), _total(values), None, "")

    def table(self) -> list[Estimate]:
        """Return every metric's estimate, in the order of the registry."""
        return list(self._table)

    def verdicts(self) -> list[Verdict]:
        """Return what the study says about the scenario's thresholds, in their order."""
        verdicts = []
        for metric, threshold in checked_thresholds(self.scenario, self.metrics).items():
            interval = self.estimate(metric).interval
            verdicts.append(Verdict(metric, threshold, interval, judge(threshold, interval)))
        return verdicts

    def operations(self) -> list[dict[str, Any]]:
        """Return the operations of the timeline: text as it is, numbers as their mean and interval over
        replications.

        Operations are matched by their place on the timeline; what an autoscaler did differs between replications and
        is not among them.
        """
        on_timeline = [[row for row in r.operations if row.get("kind") != "hpa"] for r in self.replications]
        rows = []
        for place in range(max((len(operations) for operations in on_timeline), default=0)):
            records = [operations[place] for operations in on_timeline if place < len(operations)]
            rows.append({key: _over_replications([record[key] for record in records]) for key in records[0]})
        return rows

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything the study says, the same to the byte for the same scenario, seed and versions.

        No wall clock, no worker count, no host name.
        """
        report = self.scenario.manifest_report
        return {
            "schemaVersion": SCHEMA_VERSION,
            "tool": {"name": "simsticky", "version": installed_version("simsticky")},
            "libraries": library_versions(),
            "scenario": {"name": self.scenario.name, "digest": self.scenario.digest()},
            "seed": self.seed,
            "replications": self.n,
            "level": LEVEL,
            "verdicts": [
                {
                    "metric": verdict.metric,
                    "threshold": verdict.threshold.text,
                    "verdict": _VERDICT_WORDS[verdict.mark],
                    "value": verdict.interval.estimate,
                    "low": verdict.interval.low,
                    "high": verdict.interval.high,
                }
                for verdict in self.verdicts()
            ],
            "estimates": {estimate.name: estimate.to_json_dict() for estimate in self._table},
            "operations": self.operations(),
            "warnings": list(self.warnings),
            "manifests": {
                "read": [str(field) for field in report.read],
                "ignored": [str(field) for field in report.ignored],
                "assumed": [str(field) for field in report.assumed],
            },
            "digests": self.digests,
        }

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @cached_property
    def _table(self) -> tuple[Estimate, ...]:
        return tuple(self._estimate(metric) for metric in self.metrics.values())

    def _estimate(self, metric: Metric) -> Estimate:
        if metric.numerator is not None and metric.denominator is not None:
            counted, of = self._column(metric.numerator), self._column(metric.denominator)
            make = share_interval if metric.unit == "share" else ratio_of_sums
            return Estimate(metric.name, metric.unit, make(counted, of), _total(counted), _total(of), metric.definition)
        values = self._column(metric.name)
        if metric.unit == "count":
            return Estimate(metric.name, metric.unit, mean_count(values), _total(values), None, metric.definition)
        # An excess over the floor may be negative; a time cannot.
        interval = mean_t(values, nonnegative=metric.unit == "seconds")
        return Estimate(metric.name, metric.unit, interval, None, None, metric.definition)

    def _column(self, key: str) -> list[Value]:
        return [summary.get(key) for summary in self.summaries]


_VERDICT_WORDS = {"✓": "met", "✗": "not met", "?": "inconclusive"}


def replicate(
    scenario: Scenario,
    n: int | None = None,
    seed: int | None = None,
    jobs: int = 1,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    simulate: Simulate | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> Study:
    """Run a scenario ``n`` times, independently, and keep the numbers of each run.

    The result does not depend on ``jobs`` or ``executor``.

    Args:
        scenario: What to simulate.
        n: Replications; the scenario's ``run.replications`` by default.
        seed: Seed; the scenario's ``run.seed`` by default.
        jobs: Worker processes; 1 runs in this process.
        executor: Any ``concurrent.futures.Executor`` instead of own processes; it is left open.
        on_progress: Called with (replications finished, replications in all).
        simulate: What runs one replication, picklable when there are workers; ``simsticky.simulate`` by
            default.
        metrics: What to estimate; all metrics by default.

    Raises:
        InputError: A threshold of the scenario names no metric; said before anything runs.
        Interrupted: On Ctrl-C, with the number of replications finished.
        SimstickyError: A worker process died, or a replication failed.
        ValueError: ``n`` is below 1.
    """
    if n is None:
        n = scenario.run.replications
    if seed is None:
        seed = scenario.run.seed
    if n < 1:
        raise ValueError(f"a study needs at least one replication, not {n}")
    if metrics is None:
        from simsticky.results.metrics import METRICS

        metrics = METRICS
    if simulate is None:
        from simsticky.simulate import simulate as simulate_one

        simulate = simulate_one
    checked_thresholds(scenario, metrics)

    size = max(1, n // (max(jobs, 1) * _CHUNKS_PER_WORKER))
    chunks = [_Chunk(simulate, scenario, seed, range(first, min(first + size, n))) for first in range(0, n, size)]
    finished = 0

    def count(index: int) -> None:
        nonlocal finished
        finished += len(chunks[index].replications)
        if on_progress is not None:
            on_progress(finished, n)

    try:
        parts = run_ordered(chunks, _run, jobs=jobs, executor=executor, on_done=count)
    except Interrupted:
        raise Interrupted(finished, n, "replications") from None
    return Study(scenario, seed, tuple(replication for part in parts for replication in part), metrics)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Consecutive replications for one worker."""

    simulate: Simulate
    scenario: Scenario
    seed: int
    replications: range


def _run(chunk: _Chunk) -> list[Replication]:
    return [
        _keep(chunk.simulate(chunk.scenario, seed=chunk.seed, replication=replication))
        for replication in chunk.replications
    ]


def _keep(result: Result) -> Replication:
    """Return the numbers of a result as plain Python: small to send, and the same JSON everywhere."""
    return Replication(
        {key: _plain_number(value) for key, value in result.summary.items()},
        result.digest,
        tuple(result.warnings),
        tuple(result.operation_rows),
    )


def _plain_number(value: Any) -> Value:
    if value is None:
        return None
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, int):
        return int(value)
    return None if math.isnan(value) else float(value)


def _total(values: Sequence[Value]) -> Value:
    seen = [value for value in values if value is not None]
    if not seen:
        return None
    return sum(seen) if all(isinstance(value, int) for value in seen) else math.fsum(seen)


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
