"""``sweep``: one scenario at many settings, on common random numbers, and which setting matters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from simsticky.errors import Diagnostic, InputError
from simsticky.notebook import ShownInNotebooks
from simsticky.results.provenance import library_versions
from simsticky.scenario.paths.changes import keys_of, setting_at
from simsticky.scenario.paths.quantities import number_at
from simsticky.scenario.reading.given import scenario_of
from simsticky.stats.intervals import LEVEL
from simsticky.stats.sensitivity import SobolIndex, sobol_indices
from simsticky.study.better import Standing
from simsticky.study.case import Case
from simsticky.study.design import Plan, plan
from simsticky.study.estimate import Estimate
from simsticky.study.looking import standing_of, until_certain
from simsticky.study.own import OwnExecution, OwnMetric, with_own
from simsticky.study.replicate import SCHEMA_VERSION, Study
from simsticky.study.runner import Runner
from simsticky.study.verdicts import checked_thresholds
from simsticky.version import __version__

if TYPE_CHECKING:
    from pandas import DataFrame

    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.reading.given import Given

FRAME_COLUMNS = (
    "metric",
    "unit",
    "estimate",
    "low",
    "high",
    "interval",
    "n",
    "numerator",
    "denominator",
    "standing",
)
"""The columns of :attr:`Sweep.frame` behind ``point`` and the settings."""


@dataclass(frozen=True, repr=False)
class Sweep(ShownInNotebooks):
    """A scenario at many settings; every point has the same seed, so all meet the same sessions and the same luck.

    Attributes:
        base: The scenario before the changes.
        plan: The design, its points and its ranges.
        points: The settings of each point by dotted path, as people write them; what follows another is worked out.
        studies: The study of each point.
        seed: The seed of all.
        reference: The study of the scenario as it is, which every point is held against.
        looked: Confidence level of a point's standing, by the digest of its scenario, where it was looked at more
            than once; 95 % where it is not named.
    """

    base: Scenario
    plan: Plan
    points: tuple[dict[str, Any], ...]
    studies: tuple[Study, ...]
    seed: int
    reference: Study
    looked: Mapping[str, float] = field(default_factory=dict)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenario of each point."""
        return tuple(study.scenario for study in self.studies)

    @property
    def settings(self) -> tuple[str, ...]:
        """The paths that were varied, in order."""
        return tuple(self.points[0])

    @property
    def n(self) -> int:
        """Replications of each point; of points that were looked at more than once the largest number."""
        return max(study.n for study in self.studies)

    @property
    def simulations(self) -> int:
        """Replications of all points and of the scenario as it is; equal scenarios are simulated once."""
        return sum({study.scenario.digest(): study.n for study in (self.reference, *self.studies)}.values())

    @cached_property
    def standings(self) -> tuple[Standing, ...]:
        """How each point stands against the scenario as it is, see :mod:`simsticky.study.better`."""
        return tuple(self._standing(study) for study in self.studies)

    def _standing(self, study: Study) -> Standing:
        level = self.looked.get(study.scenario.digest(), LEVEL)
        return standing_of(self.reference, study, level)

    @cached_property
    def as_it_is(self) -> dict[str, Any]:
        """The settings of the reference, as people write them."""
        return {path: shown(self.base, path, setting_at(self.base, path)) for path in self.settings}

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics it can speak of, by name."""
        return self.studies[0].metrics

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the points, each once, with how many points gave it."""
        counts: dict[str, int] = {}
        for study in self.studies:
            for text in study.warnings:
                text = text.partition(" (in ")[0]
                counts[text] = counts.get(text, 0) + 1
        size = len(self.studies)
        return tuple(
            text if count == size else f"{text} (at {count} of {size} points)" for text, count in counts.items()
        )

    def estimates(self, metric: str) -> list[Estimate]:
        """Return the estimate of a metric at each point.

        Raises:
            InputError: There is no such metric.
        """
        return [study.estimate(metric) for study in self.studies]

    @cached_property
    def frame(self) -> DataFrame:
        """One row per point and metric: ``point``, a column for each setting, then ``FRAME_COLUMNS``.

        Units: shares as parts of 1, times in seconds. A setting that is a number stands there as one, in seconds or
        per second; others as text. ``n`` is the number of replications that have a value, ``standing`` the point's word
        against the scenario as it is.
        """
        from pandas import DataFrame

        rows = []
        points = zip(self.studies, self._columns, self.standings, strict=True)
        for number, (study, settings, standing) in enumerate(points):
            for estimate in study.table():
                interval = estimate.interval
                rows.append(
                    (
                        number,
                        *settings,
                        estimate.name,
                        estimate.unit,
                        interval.estimate,
                        interval.low,
                        interval.high,
                        interval.kind,
                        interval.used,
                        estimate.numerator,
                        estimate.denominator,
                        standing.value,
                    )
                )
        frame = DataFrame(rows, columns=["point", *self.settings, *FRAME_COLUMNS])
        numbers = ["estimate", "low", "high", "numerator", "denominator"]
        frame[numbers] = frame[numbers].astype("float64")
        return frame

    def sobol_indices(self, metric: str = "broken_sessions") -> dict[str, SobolIndex]:
        """Return how much of a metric's variance over the ranges each setting brings about, by path.

        Raises:
            InputError: The design is not ``saltelli``, or the metric is missing at a point.
        """
        if self.plan.design != "saltelli":
            raise InputError.of(
                f"Sobol indices need a Saltelli design, and this one is {self.plan.design}", hint='design="saltelli"'
            )
        import numpy as np

        values = [estimate.interval.estimate for estimate in self.estimates(metric)]
        if any(value is None for value in values):
            without = sum(value is None for value in values)
            raise InputError.of(f"{metric} has no value at {without} of {len(values)} points")
        found = sobol_indices(np.array(values, np.float64), len(self.plan.ranges))
        return dict(zip((one.path for one in self.plan.ranges), found, strict=True))

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything the sweep says, reproducible to the byte (rule W4)."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "tool": {"name": "simsticky", "version": __version__},
            "libraries": library_versions(),
            "scenario": {"name": self.base.name, "digest": self.base.digest()},
            "seed": self.seed,
            "replications": self.n,
            "simulations": self.simulations,
            "level": LEVEL,
            "design": {
                "kind": self.plan.design,
                "samples": self.plan.samples,
                "ranges": {one.path: str(one) for one in self.plan.ranges},
            },
            "reference": {
                "settings": self.as_it_is,
                "scenario": self.reference.scenario.digest(),
                "replications": self.reference.n,
                "verdicts": {verdict.metric: verdict.mark for verdict in self.reference.verdicts()},
                "estimates": {estimate.name: estimate.to_json_dict() for estimate in self.reference.table()},
            },
            "points": [
                {
                    "settings": settings,
                    "scenario": study.scenario.digest(),
                    "replications": study.n,
                    "standing": standing.value,
                    "verdicts": {verdict.metric: verdict.mark for verdict in study.verdicts()},
                    "estimates": {estimate.name: estimate.to_json_dict() for estimate in study.table()},
                }
                for settings, study, standing in zip(self.points, self.studies, self.standings, strict=True)
            ],
            "warnings": list(self.warnings),
        }

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Return :attr:`frame` as CSV."""
        text: str = self.frame.to_csv(index=False, lineterminator="\n")
        return text

    def to_parquet(self, path: Path | str) -> None:
        """Write :attr:`frame` as Parquet.

        Raises:
            InputError: The extra ``parquet`` is not installed.
        """
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            raise InputError.of("Parquet needs pyarrow", hint="pip install 'simsticky[parquet]'")
        self.frame.to_parquet(path, engine="pyarrow", index=False)

    @cached_property
    def _columns(self) -> list[tuple[Any, ...]]:
        """The settings of each point for the frame: numbers where all points have one."""
        columns = []
        for path in self.settings:
            keys = keys_of(path)
            numbers: list[Any] = []
            for scenario in self.scenarios:
                try:
                    numbers.append(number_at(scenario, keys)[0])
                except ValueError:
                    break
            texts = [_text(point[path]) for point in self.points]
            columns.append(numbers if len(numbers) == len(self.points) else texts)
        return list(zip(*columns, strict=True))

    def __repr__(self) -> str:
        return (
            f"<Sweep {self.base.name}: {len(self.points)} points ({self.plan.design}) of {', '.join(self.settings)},"
            f" {self.n} replications each, seed {self.seed}>"
        )


def sweep(
    scenario: Given,
    settings: Mapping[str, Any],
    n: int | None = None,
    seed: int | None = None,
    *,
    design: str = "grid",
    samples: int | None = None,
    max_reps: int | None = None,
    metrics: Mapping[str, Metric | OwnMetric] | None = None,
    source: str = "",
    runner: Runner | None = None,
    **execution: Unpack[OwnExecution],
) -> Sweep:
    """Run a scenario at many settings, each with the same sessions and the same luck, and as it is.

    Args:
        scenario: The base: a scenario, the path of its file, or a mapping of what the file says.
        settings: What to vary, by dotted path, as :mod:`simsticky.study.settings` has it: values (``["0s", "15s"]``),
            a range (``"0s..10m"``; for a grid one in steps, ``"0s..10m/1m"``), or one value, which may be an expression
            that follows another setting:
            ``{"deployment.preStop": ["0s", "15s", "30s"], "deployment.grace": "preStop + 30s"}``.
        n: Replications of each point; the scenario's ``run.replications`` by default.
        seed: Seed of every point and of the drawing; the scenario's ``run.seed`` by default.
        design: ``grid``, ``lhs``, ``sobol``, or ``saltelli`` for :meth:`Sweep.sobol_indices`.
        samples: Points to draw, see :func:`simsticky.study.design.plan`.
        max_reps: Instead of ``n``: look after 10, 20, 40, … replications, go on with the points that are neither
            certainly worse nor certainly not worse than the scenario as it is, and stop after so many.
        metrics: What to estimate; all metrics by default; a function of a result stands for a metric of one's own
            beside them: ``{"mine": function}``.
        source: Who asks, for errors: ``--vary`` on the command line.
        runner: What runs the replications, when a larger study has one already.
        execution: Otherwise how to run: ``jobs``, ``executor``, ``scheduler``, ``directory``, ``progress``,
            ``on_progress`` and ``simulate``, as for :class:`~simsticky.study.runner.Runner`.

    Raises:
        InputError: A path or value is wrong; every problem of every point, before anything runs.
        Interrupted: On Ctrl-C, with the number of replications finished.
        SimstickyError: A worker was lost, the disk is full, or a replication failed.
        ValueError: ``n`` is below 1, or both ``n`` and ``max_reps`` are given.
    """
    scenario = scenario_of(scenario)
    if n is not None and n < 1:
        raise ValueError(f"a study needs at least one replication, not {n}")
    if n is not None and max_reps is not None:
        raise ValueError("give a number of replications or the most there may be, not both")
    if seed is None:
        seed = scenario.run.seed
    registry, how = with_own(metrics, execution)
    checked_thresholds(scenario, registry)
    planned = plan(scenario, settings, design, samples, seed, source)
    scenarios = evolved(scenario, planned.points, source)
    every = [scenario, *scenarios]
    levels: Mapping[str, float] = {}
    with ExitStack() as own:
        runner = own.enter_context(Runner(**how)) if runner is None else runner
        if max_reps is None:
            studies = studies_of(scenario, every, n, seed, registry, runner)
        else:
            runner.begin([scenario], seed, most=max_reps)
            by_digest = {one.digest(): one for one in every}
            found, levels = until_certain(runner, by_digest, seed, max_reps, registry)
            studies = [Study(one, seed, found[one.digest()], registry) for one in every]
    points = tuple(
        {path: shown(changed, path, value) for path, value in point.items()}
        for changed, point in zip(scenarios, planned.points, strict=True)
    )
    return Sweep(scenario, planned, points, tuple(studies[1:]), seed, studies[0], levels)


def evolved(scenario: Scenario, points: Sequence[Mapping[str, Any]], source: str) -> list[Scenario]:
    """Return the scenario of each point.

    Raises:
        InputError: With every problem of every point, each once.
    """
    scenarios = []
    problems: dict[Diagnostic, None] = {}
    for point in points:
        try:
            scenarios.append(scenario.evolve(point, source=source))
        except InputError as error:
            problems.update(dict.fromkeys(error.diagnostics))
    if problems:
        raise InputError(problems)
    return scenarios


def studies_of(
    base: Scenario,
    scenarios: Sequence[Scenario],
    n: int | None,
    seed: int,
    metrics: Mapping[str, Metric],
    runner: Runner,
) -> list[Study]:
    """Return the study of each scenario; equal scenarios are simulated once."""
    runner.begin([base], seed)
    replications = range(n or base.run.replications)
    first: dict[str, int] = {}
    for number, scenario in enumerate(scenarios):
        first.setdefault(scenario.digest(), number)
    done = runner.run([Case(scenarios[number], seed, replications) for number in first.values()])
    of = dict(zip(first, done, strict=True))
    return [Study(scenario, seed, of[scenario.digest()], metrics) for scenario in scenarios]


def shown(scenario: Scenario, path: str, value: Any) -> Any:
    """Return the value of a setting as people write it: numbers in their unit, the rest as given."""
    keys = keys_of(path)
    try:
        number, quantity = number_at(scenario, keys)
    except ValueError:
        return value
    return quantity.write(number)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)
