"""What a notebook shows of each object: the same blocks as everywhere, as HTML."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from simsticky.logs.backtest_answer import Backtest
from simsticky.logs.fitted import Fit
from simsticky.report import backtest, comparison, fit, recommendation, study, sweeps
from simsticky.report.blocks import Block, Cell, Column, Kind, Note, Row, Sentence, Table, Title, Tone, Warnings, number
from simsticky.report.inputs import inputs
from simsticky.report.numbers import MISSING, grouped
from simsticky.report.render import notebook
from simsticky.report.sweep_table import settings, written
from simsticky.results.metrics import METRICS
from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.stats.intervals import Interval
from simsticky.study.compare import Comparison
from simsticky.study.recommend.answer import Recommendation
from simsticky.study.replicate import Study
from simsticky.study.tornado import Tornado

_OF_A_RESULT = (
    "broken_sessions",
    "broken_exposed_sessions",
    "exposed_sessions",
    "failed_requests",
    "breaks",
    "rollout_done_s",
    "last_old_pod_gone_s",
    "peak_pods",
    "load_skew.sessions.serving.max_to_mean",
    "latency_p95_s",
)
_OF_A_SWEEP = ("broken_sessions", "failed_requests", "last_old_pod_gone_s", "peak_pods")
_LONGEST = 400
"""Characters of a description that a notebook shows."""


def as_html(thing: Any) -> str:
    """Return an object as HTML.

    Raises:
        TypeError: There is no way to show it.
    """
    return notebook.render(blocks_of(thing))


@singledispatch
def blocks_of(thing: Any) -> list[Block]:
    """Return what a notebook shows of an object; what has points and studies is shown as a sweep.

    Raises:
        TypeError: There is no way to show it.
    """
    if hasattr(thing, "points") and hasattr(thing, "studies"):
        return _of_sweep(thing)
    raise TypeError(f"there is no way to show a {type(thing).__name__}")


@blocks_of.register
def _(scenario: Scenario) -> list[Block]:
    stated = [item for item in inputs(scenario) if item.kind != "default"]
    rows = tuple(Row((Cell(item.path), Cell(item.value), Cell(item.origin))) for item in stated)
    about = scenario.about if len(scenario.about) <= _LONGEST else scenario.about[:_LONGEST] + "…"
    columns = (Column("setting", Kind.CODE), Column("value"), Column("from", Kind.QUIET))
    return [
        Title(f"Scenario {scenario.name}"),
        *([Sentence(about, Tone.PLAIN)] if about else []),
        Warnings(tuple(scenario.warnings)),
        Table("Inputs that were stated", columns, rows),
    ]


@blocks_of.register
def _(result: Result) -> list[Block]:
    rows = []
    for name in _OF_A_RESULT:
        value, metric = result.summary.get(name), METRICS[name]
        cell = Cell(MISSING) if value is None else number(Interval(value, None, None), metric.unit)
        rows.append(Row((Cell(name), cell), definition=metric.definition))
    columns = (Column("metric", Kind.CODE), Column("value", Kind.NUMBER))
    return [
        Title(f"{result.scenario.name}, seed {result.seed}, replication {result.replication}"),
        Warnings(tuple(result.warnings)),
        Table("Numbers of one replication", columns, tuple(rows)),
        Note(f"digest {result.digest[:16]}"),
    ]


@blocks_of.register
def _(found: Study) -> list[Block]:
    return study.blocks(found)


@blocks_of.register
def _(found: Comparison) -> list[Block]:
    return comparison.blocks(found)


@blocks_of.register
def _(found: Recommendation) -> list[Block]:
    return recommendation.blocks(found)


@blocks_of.register
def _(found: Tornado) -> list[Block]:
    return sweeps.tornado_blocks(found)


@blocks_of.register
def _(found: Backtest) -> list[Block]:
    return backtest.blocks(found)


@blocks_of.register
def _(found: Fit) -> list[Block]:
    return fit.blocks(found)


def _of_sweep(sweep: Any) -> list[Block]:
    paths = [setting.path for setting in settings(sweep)]
    first = sweep.studies[0]
    names = [name for name in _OF_A_SWEEP if name in first.metrics]
    columns = (
        *(Column(path, Kind.KEY) for path in paths),
        *(Column(name, Kind.NUMBER, first.metrics[name].unit) for name in names),
    )
    rows = []
    for point, kept in zip(sweep.points, sweep.studies, strict=True):
        estimates = (kept.estimate(name) for name in names)
        numbers = (number(one.interval, one.unit, mark=kept.mark(one.name)) for one in estimates)
        rows.append(Row((*(Cell(written(point.get(path))) for path in paths), *numbers)))
    head = f"{first.scenario.name}: {grouped(len(rows))} points, {first.n} replications each"
    return [Title(head), Table("Points", columns, tuple(rows), of="point")]
