"""``tornado``: each setting from one end of its range to the other, all others as they are: which one matters?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from simsticky.errors import Diagnostic, InputError
from simsticky.notebook import ShownInNotebooks
from simsticky.results.provenance import library_versions
from simsticky.scenario.reading.given import scenario_of
from simsticky.stats.intervals import LEVEL
from simsticky.stats.paired import Difference
from simsticky.study.better import Standing
from simsticky.study.estimate import Estimate
from simsticky.study.looking import standing_of
from simsticky.study.pairs import pair_of
from simsticky.study.precision import HEADLINE
from simsticky.study.replicate import SCHEMA_VERSION, Study
from simsticky.study.runner import Execution, Runner
from simsticky.study.settings import HINT, Fixed, Range, settings_of
from simsticky.study.sweep import evolved, shown, studies_of
from simsticky.study.verdicts import checked_thresholds, metric_named
from simsticky.version import __version__

if TYPE_CHECKING:
    from simsticky.results.metrics import Metric
    from simsticky.scenario.model import Scenario
    from simsticky.scenario.reading.given import Given


@dataclass(frozen=True, slots=True)
class Bar:
    """What one setting does to the metric.

    Attributes:
        setting: Its path.
        ends: Both ends of its range, as people write them.
        at_low: The metric at the lower end.
        at_high: The metric at the upper end.
        swing: The latter minus the former, paired on common random numbers.
        standings: How both ends stand against the scenario as it is.
    """

    setting: str
    ends: tuple[Any, Any]
    at_low: Estimate
    at_high: Estimate
    swing: Difference
    standings: tuple[Standing, Standing]

    @property
    def size(self) -> float:
        """How far the metric moves, in its unit; 0 where it has no value."""
        return abs(self.swing.interval.estimate or 0.0)


@dataclass(frozen=True, slots=True)
class Tornado(ShownInNotebooks):
    """One-at-a-time ranges of a metric, the widest first.

    Attributes:
        base: The study of the scenario as it is.
        metric: The metric.
        bars: One per setting, the widest first.
    """

    base: Study
    metric: str
    bars: tuple[Bar, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the scenario as it is."""
        return self.base.warnings

    def to_json(self) -> str:
        """Return ``to_json_dict`` as text that ends with a newline."""
        return json.dumps(self.to_json_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_json_dict(self) -> dict[str, Any]:
        """Return what it says as plain JSON types."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "tool": {"name": "simsticky", "version": __version__},
            "libraries": library_versions(),
            "scenario": {"name": self.base.scenario.name, "digest": self.base.scenario.digest()},
            "seed": self.base.seed,
            "replications": self.base.n,
            "level": LEVEL,
            "metric": self.metric,
            "base": self.base.estimate(self.metric).to_json_dict(),
            "bars": [
                {
                    "setting": bar.setting,
                    "low": bar.ends[0],
                    "high": bar.ends[1],
                    "atLow": bar.at_low.to_json_dict(),
                    "atHigh": bar.at_high.to_json_dict(),
                    "standingAtLow": bar.standings[0].value,
                    "standingAtHigh": bar.standings[1].value,
                    "swing": {
                        "value": bar.swing.interval.estimate,
                        "low": bar.swing.interval.low,
                        "high": bar.swing.interval.high,
                        "interval": bar.swing.interval.kind,
                    },
                }
                for bar in self.bars
            ],
        }


def tornado(
    scenario: Given,
    ranges: Mapping[str, Any],
    metric: str = HEADLINE,
    n: int | None = None,
    seed: int | None = None,
    *,
    metrics: Mapping[str, Metric] | None = None,
    source: str = "",
    runner: Runner | None = None,
    **execution: Unpack[Execution],
) -> Tornado:
    """Move each setting to both ends of its range, all others staying, and see how far a metric moves.

    Args:
        scenario: The base: a scenario, the path of its file, or a mapping of what the file says.
        ranges: Range of each setting by dotted path, as :mod:`simsticky.study.settings` has it: ``"0s..10m"``, or two
            values, which need be no numbers. One value or expression (``"preStop + 30s"``) holds in every run.
        metric: What to look at.
        n: Replications of each run; the scenario's ``run.replications`` by default.
        seed: Seed of all; the scenario's ``run.seed`` by default.
        metrics: What can be looked at; all metrics by default.
        source: Who asks, for errors.
        runner: What runs the replications, when a larger study has one already.
        execution: Otherwise how to run, as for :class:`~simsticky.study.runner.Runner`.

    Raises:
        InputError: A path, a range or the metric is wrong.
        Interrupted: On Ctrl-C, with the number of replications finished.
        SimstickyError: A worker was lost, the disk is full, or a replication failed.
    """
    scenario = scenario_of(scenario)
    if metrics is None:
        from simsticky.results.metrics import METRICS

        metrics = METRICS
    seed = scenario.run.seed if seed is None else seed
    checked_thresholds(scenario, metrics)
    metric_named(metric, metrics)
    ends, followers = _ends(scenario, ranges, source)
    points: list[dict[str, Any]] = [dict(followers)]
    points += [{**followers, path: end} for path, both in ends.items() for end in both]
    scenarios = evolved(scenario, points, source)
    if runner is None:
        with Runner(**execution) as own:
            studies = studies_of(scenario, scenarios, n, seed, metrics, own)
    else:
        studies = studies_of(scenario, scenarios, n, seed, metrics, runner)
    bars = []
    for number, path in enumerate(ends):
        low, high = studies[2 * number + 1], studies[2 * number + 2]
        written = tuple(shown(study.scenario, path, end) for study, end in zip((low, high), ends[path], strict=True))
        pair = pair_of(low, high, low.n)
        ways = (standing_of(studies[0], low), standing_of(studies[0], high))
        estimates = (low.estimate(metric), high.estimate(metric))
        bars.append(Bar(path, (written[0], written[1]), *estimates, pair.difference(metrics[metric]), ways))
    bars.sort(key=lambda bar: -bar.size)
    return Tornado(studies[0], metric, tuple(bars))


def _ends(
    scenario: Scenario, ranges: Mapping[str, Any], source: str
) -> tuple[dict[str, tuple[Any, Any]], dict[str, Any]]:
    """Split what has two ends from what follows."""
    ends: dict[str, tuple[Any, Any]] = {}
    followers: dict[str, Any] = {}
    problems = []
    for setting in settings_of(scenario, ranges, source):
        if isinstance(setting, Fixed):
            followers[setting.path] = setting.value
        elif isinstance(setting, Range):
            ends[setting.path] = (setting.at(0.0), setting.at(1.0))
        elif len(setting.values) == 2:
            ends[setting.path] = (setting.values[0], setting.values[1])
        else:
            text = f"has {len(setting.values)} values, and a tornado moves a setting to two ends"
            problems.append(Diagnostic(source, None, None, setting.path, text, "write a range as 0s..10m"))
    if problems:
        raise InputError(problems)
    if not ends:
        raise InputError.of("a tornado moves settings, and none has two ends", file=source, hint=HINT)
    return ends, followers
