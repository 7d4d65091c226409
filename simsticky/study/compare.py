"""``compare``: two or more scenarios side by side, paired on common random numbers; or two results from files.

Replication i of every scenario has the same seed and the same number, so it meets the same sessions and the same
luck; only what the change did is left in the difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

from simsticky.errors import InputError
from simsticky.notebook import ShownInNotebooks
from simsticky.scenario.reading.given import scenario_of
from simsticky.scenario.thresholds import Threshold
from simsticky.stats.intervals import LEVEL
from simsticky.stats.paired import Difference, holm, holm_levels
from simsticky.study.better import Against, Standing, against
from simsticky.study.case import Case
from simsticky.study.contrasts import Contrast
from simsticky.study.estimate import Estimate, estimate_metric
from simsticky.study.looking import until_certain
from simsticky.study.own import OwnExecution, OwnMetric, with_own
from simsticky.study.pairs import Pair
from simsticky.study.replicate import SCHEMA_VERSION, Study
from simsticky.study.runner import Runner
from simsticky.study.sides import Change, Side, changes_between
from simsticky.study.verdicts import checked_thresholds, nearest_metric
from simsticky.version import __version__

if TYPE_CHECKING:
    from pandas import DataFrame

    from simsticky.results.metrics import Metric
    from simsticky.scenario.reading.given import Given


@dataclass(frozen=True)
class Comparison(ShownInNotebooks):
    """Two or more scenarios, each compared with the first.

    Attributes:
        sides: What is compared, the first is the base.
        paired: Whether replication i of all shared its random numbers.
        metrics: The metrics it can speak of, by name.
        warnings: What a reader should know before believing the differences.
        levels: Confidence level of the standing of each side but the base, by name, where it was looked at more than
            once; 95 % where it is not named.
    """

    sides: tuple[Side, ...]
    paired: bool
    metrics: Mapping[str, Metric]
    warnings: tuple[str, ...] = ()
    levels: Mapping[str, float] = field(default_factory=dict)

    @property
    def base(self) -> Side:
        """What the others are compared with."""
        return self.sides[0]

    @property
    def others(self) -> tuple[Side, ...]:
        """All but the base."""
        return self.sides[1:]

    @property
    def n(self) -> int:
        """Replications that entered; of results of unequal size the smaller number."""
        return min(side.n for side in self.sides)

    @property
    def simulations(self) -> int:
        """Replications of all sides."""
        return sum(side.n for side in self.sides)

    def contrasts(self, metric: str) -> list[Contrast]:
        """Return a metric of every scenario against the base, Holm-adjusted when there are several.

        Raises:
            InputError: There is no such metric; the hint names the nearest.
        """
        found = self.metrics.get(metric)
        if found is None:
            raise InputError.of(f"there is no metric {metric!r}", hint=nearest_metric(metric, self.metrics))
        return self._contrasts(found)

    @property
    def table(self) -> list[Contrast]:
        """Every metric of every scenario against the base, in the order of the registry."""
        return list(self._table)

    @cached_property
    def _table(self) -> tuple[Contrast, ...]:
        return tuple(contrast for metric in self.metrics.values() for contrast in self._contrasts(metric))

    @cached_property
    def frame(self) -> DataFrame:
        """One row per metric and scenario but the first, all figures in the metric's unit; NaN where missing."""
        from pandas import DataFrame

        rows = [
            {
                "scenario": contrast.name,
                "metric": contrast.metric.name,
                "unit": contrast.metric.unit,
                "base": contrast.base.interval.estimate,
                "other": contrast.other.interval.estimate,
                "difference": contrast.difference.interval.estimate,
                "low": contrast.difference.interval.low,
                "high": contrast.difference.interval.high,
                "level": contrast.difference.interval.level,
                "p": contrast.difference.p_value,
                "p_adjusted": contrast.p_adjusted,
                "paired": self.paired,
                "variance_ratio": contrast.difference.variance_ratio,
                "replications": contrast.difference.interval.used,
            }
            for contrast in self._table
        ]
        numbers = ("base", "other", "difference", "low", "high", "p", "p_adjusted", "variance_ratio")
        return DataFrame(rows).astype(dict.fromkeys(numbers, float))

    def changes(self, name: str) -> list[Change]:
        """Return the settings in which a scenario differs from the base; none where a result does not tell."""
        return changes_between(self.base, self._side(name))

    def against(self, name: str) -> Against:
        """Return how a scenario stands against the base: better, not worse, worse, or not certain."""
        return self._against[name]

    @property
    def standing(self) -> Standing:
        """The worst standing of all: worse, then not certain, then not worse."""
        found = {against.standing for against in self._against.values()}
        order = (Standing.WORSE, Standing.UNCERTAIN, Standing.NOT_WORSE)
        return next((standing for standing in order if standing in found), Standing.BETTER)

    @cached_property
    def _against(self) -> dict[str, Against]:
        return {side.name: against(self.pair(side.name), self.metrics, self._thresholds(side)) for side in self.others}

    def pair(self, name: str) -> Pair:
        """Return a scenario and the base, as its standing is judged."""
        side = self._side(name)
        return self._pair(side, self.levels.get(name, LEVEL))

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything the comparison says as plain JSON types, the same to the byte for the same input."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "kind": "comparison",
            "tool": {"name": "simsticky", "version": __version__},
            "level": LEVEL,
            "paired": self.paired,
            "replications": self.n,
            "simulations": self.simulations,
            "scenarios": [
                {"name": side.name, "digest": side.digest, "seed": side.seed, "replications": side.n}
                for side in self.sides
            ],
            "reference": self.base.name,
            "standings": {side.name: self._standing_dict(side.name) for side in self.others},
            "changes": {
                side.name: [
                    {"path": change.path, "base": change.before, "other": change.after, "from": change.origin}
                    for change in self.changes(side.name)
                ]
                for side in self.others
            },
            "differences": [contrast.to_json_dict() for contrast in self._table],
            "warnings": list(self.warnings),
        }

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def regressions(self) -> list[Contrast]:
        """Return by which metrics scenarios are worse than the base, see :mod:`simsticky.study.better`."""
        return [
            next(contrast for contrast in self.contrasts(metric) if contrast.name == name)
            for name, found in self._against.items()
            for metric in found.worse
        ]

    def _standing_dict(self, name: str) -> dict[str, Any]:
        found = self._against[name]
        return {
            "standing": found.standing.value,
            "level": self.levels.get(name, LEVEL),
            "worseIn": list(found.worse),
            "notCertainIn": list(found.uncertain),
            "betterIn": list(found.better),
            "stickinessLost": self.pair(name).has_lost_stickiness,
        }

    def _thresholds(self, side: Side) -> dict[str, Threshold]:
        """The bounds of both; the base's first, so that a change cannot loosen what it is measured by."""
        return {name: Threshold.parse(text) for name, text in {**side.thresholds, **self.base.thresholds}.items()}

    def _side(self, name: str) -> Side:
        return next(side for side in self.sides if side.name == name)

    def _contrasts(self, metric: Metric) -> list[Contrast]:
        differences = [self._difference(metric, side) for side in self.others]
        p_values = [difference.p_value for difference in differences]
        rows = zip(self.others, differences, holm_levels(p_values, LEVEL), holm(p_values), strict=True)
        return [
            Contrast(metric, side.name, *self._estimates(metric, side), difference.at_level(level), p)
            for side, difference, level, p in rows
        ]

    def _estimates(self, metric: Metric, other: Side) -> tuple[Estimate, Estimate]:
        """The metric of the base and of another, of the replications that both have where they are paired."""
        pair = self._pair(other, LEVEL)
        return estimate_metric(metric, pair.reference), estimate_metric(metric, pair.setting)

    def _difference(self, metric: Metric, other: Side) -> Difference:
        return self._pair(other, LEVEL).difference(metric)

    def _pair(self, other: Side, level: float) -> Pair:
        n = min(self.base.n, other.n)
        same = self.paired and bool(other.digests) and self.base.digests[:n] == other.digests[:n]
        sides = [side.first(n) if self.paired else side.column for side in (self.base, other)]
        scenarios = (self.base.scenario, other.scenario)
        return Pair(sides[0], sides[1], self.paired, level, n if same else 0, scenarios)


def compare(
    scenarios: Mapping[str, Given],
    n: int | None = None,
    seed: int | None = None,
    *,
    max_reps: int | None = None,
    metrics: Mapping[str, Metric | OwnMetric] | None = None,
    runner: Runner | None = None,
    **execution: Unpack[OwnExecution],
) -> Comparison:
    """Run two or more scenarios on common random numbers and compare each with the first.

    Args:
        scenarios: What to compare, by name; the first is the base. Each is a scenario, the path of its file, or a
            mapping of what the file says.
        n: Replications of each; the first scenario's ``run.replications`` by default.
        seed: Seed of all; the first scenario's ``run.seed`` by default.
        max_reps: Instead of ``n``: look after 10, 20, 40, … replications, go on with what is neither certainly worse
            nor certainly not worse, and stop after so many; see :mod:`simsticky.study.looks`.
        metrics: What to compare; all metrics by default; a function of a result stands for a metric of one's own
            beside them: ``{"mine": function}``.
        runner: What runs the replications, where there is one already.
        execution: Otherwise how to run, as for :class:`~simsticky.study.runner.Runner`.

    Raises:
        InputError: There are fewer than two scenarios, or a threshold names no metric.
        Interrupted: On Ctrl-C.
        SimstickyError: A worker was lost, the disk is full, or a replication failed.
        ValueError: ``n`` is below 1, or both ``n`` and ``max_reps`` are given.
    """
    if n is not None and max_reps is not None:
        raise ValueError("give a number of replications or the most there may be, not both")
    if len(scenarios) < 2:
        raise InputError.of(f"a comparison needs two scenarios or more, not {len(scenarios)}")
    sides = {name: scenario_of(given) for name, given in scenarios.items()}
    first = next(iter(sides.values()))
    n = first.run.replications if n is None else n
    seed = first.run.seed if seed is None else seed
    if n < 1:
        raise ValueError(f"a study needs at least one replication, not {n}")
    registry, how = with_own(metrics, execution)
    for scenario in sides.values():
        checked_thresholds(scenario, registry)
    levels: Mapping[str, float] = {}
    with ExitStack() as own:
        runner = own.enter_context(Runner(**how)) if runner is None else runner
        if max_reps is None:
            runner.begin(list(sides.values()), seed, replications=n)
            cases = [Case(scenario, seed, range(n)) for scenario in sides.values()]
            found = dict(zip(sides, runner.run(cases), strict=True))
        else:
            runner.begin(list(sides.values()), seed, most=max_reps)
            found, levels = until_certain(runner, sides, seed, max_reps, registry)
    studies = {name: Study(of, seed, found[name], registry) for name, of in sides.items()}
    return compare_studies(studies, levels)


def compare_studies(studies: Mapping[str, Study], levels: Mapping[str, float] | None = None) -> Comparison:
    """Compare studies that have been run already, each with the first; paired where they have the same seed."""
    sides = [Side.of_study(name, study) for name, study in studies.items()]
    return compare_sides(sides, next(iter(studies.values())).metrics, levels)


def compare_sides(
    sides: Sequence[Side],
    metrics: Mapping[str, Metric] | None = None,
    levels: Mapping[str, float] | None = None,
) -> Comparison:
    """Compare results, each with the first; paired where all have the same seed.

    Warns of differing seeds, sizes, versions and definitions.

    Args:
        sides: Two or more results.
        metrics: What to compare; by default all metrics that every result knows.
        levels: Confidence level of a side's standing, by name, where it was looked at more than once.

    Raises:
        InputError: There are fewer than two.
    """
    if len(sides) < 2:
        raise InputError.of(f"a comparison needs two results or more, not {len(sides)}")
    if metrics is None:
        from simsticky.results.metrics import METRICS

        metrics = {name: metric for name, metric in METRICS.items() if all(name in side.definitions for side in sides)}
    paired = len({side.seed for side in sides}) == 1
    levels = levels or {}
    warnings = _warnings(sides, metrics, paired=paired, looked=bool(levels))
    return Comparison(tuple(sides), paired, metrics, tuple(warnings), levels)


def _warnings(sides: Sequence[Side], metrics: Mapping[str, Metric], *, paired: bool, looked: bool) -> list[str]:
    base, found = sides[0], []
    for side in sides:
        found += [text if text.startswith(side.name) else f"{side.name}: {text}" for text in side.warnings]
    for side in sides[1:]:
        if not paired and side.seed != base.seed:
            found.append(f"{base.name} has seed {base.seed}, {side.name} {side.seed}: compared as independent runs")
        elif side.n != base.n and not looked:
            common = min(base.n, side.n)
            found.append(f"{base.name} has {base.n} replications, {side.name} {side.n}: the first {common} are paired")
        for what, mine, other in (("version", base.version, side.version), *_libraries(base, side)):
            if mine != other:
                found.append(f"{base.name} was made with {what} {mine}, {side.name} with {other}")
        changed = [
            name
            for name in metrics
            if name in side.definitions and side.definitions[name] != base.definitions.get(name)
        ]
        if changed:
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            names = ", ".join(changed[:3]) + more
            found.append(f"{names}: defined differently in {base.name} and {side.name}")
        if side.digest == base.digest:
            found.append(f"{base.name} and {side.name} are the same scenario")
    return list(dict.fromkeys(found))


def _libraries(base: Side, side: Side) -> list[tuple[str, str, str]]:
    return [(name, version, side.libraries.get(name, "unknown")) for name, version in base.libraries.items()]
