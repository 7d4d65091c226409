"""Scenarios, results and studies as HTML for notebooks: a heading and a table, everything of others escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from typing import Any

from markupsafe import Markup, escape

from simsticky.report import comparison, recommendation, sweeps
from simsticky.report.inputs import inputs
from simsticky.report.numbers import MISSING, grouped, show
from simsticky.report.rows import sections, title
from simsticky.report.sweep_table import settings, written
from simsticky.report.terminal import Line, plain
from simsticky.results.metrics import METRICS
from simsticky.results.result import Result
from simsticky.scenario.model import Scenario
from simsticky.stats.intervals import Interval
from simsticky.study.compare import Comparison
from simsticky.study.recommend.answer import Recommendation
from simsticky.study.replicate import Study
from simsticky.study.tornado import Tornado

Row = Sequence[str]

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
_WIDTH = 100
"""Columns of what is shown as in a terminal."""
_LONGEST = 400
"""Characters of a description that a notebook shows."""


@singledispatch
def as_html(thing: Any) -> str:
    """Return an object as HTML; what has points and studies is shown as a sweep.

    Raises:
        TypeError: There is no way to show it.
    """
    if hasattr(thing, "points") and hasattr(thing, "studies"):
        return _sweep(thing)
    raise TypeError(f"there is no way to show a {type(thing).__name__}")


@as_html.register
def _(scenario: Scenario) -> str:
    stated = [item for item in inputs(scenario) if item.kind != "default"]
    rows = [(item.path, item.value, item.origin) for item in stated]
    about = scenario.about if len(scenario.about) <= _LONGEST else scenario.about[:_LONGEST] + "…"
    notes = [about, *(f"⚠ {warning}" for warning in scenario.warnings)]
    return table(f"Scenario {scenario.name}", ("setting", "value", "from"), rows, [note for note in notes if note])


@as_html.register
def _(result: Result) -> str:
    rows = []
    for name in _OF_A_RESULT:
        value, metric = result.summary.get(name), METRICS[name]
        rows.append((name, MISSING if value is None else str(show(Interval(value, None, None), metric.unit))))
    head = f"{result.scenario.name}, seed {result.seed}, replication {result.replication}"
    notes = [*(f"⚠ {warning}" for warning in result.warnings), f"digest {result.digest[:16]}"]
    return table(head, ("metric", "value"), rows, notes)


@as_html.register
def _(study: Study) -> str:
    rows: list[Row] = []
    for part in sections(study):
        rows.append((part.heading,))
        rows += [
            (
                f"{row.mark} {row.label}" if row.mark else "\u2003" * row.depth + row.label,
                row.shown.value,
                row.shown.interval,
                row.note or (row.details[0] if row.details else ""),
            )
            for row in part.rows
        ]
    return table(title(study), ("", "value", "95 % interval", ""), rows, [f"⚠ {text}" for text in study.warnings])


@as_html.register
def _(found: Comparison) -> str:
    return _as_in_a_terminal(comparison.render(found, _WIDTH))


@as_html.register
def _(found: Recommendation) -> str:
    return _as_in_a_terminal(recommendation.render(found, _WIDTH))


@as_html.register
def _(found: Tornado) -> str:
    return _as_in_a_terminal(sweeps.render_tornado(found, _WIDTH))


def _as_in_a_terminal(lines: Sequence[Line]) -> str:
    return Markup('<pre style="overflow-x:auto">{}</pre>').format(plain(lines))


def _sweep(sweep: Any) -> str:
    paths = [setting.path for setting in settings(sweep)]
    names = [name for name in _OF_A_SWEEP if name in sweep.studies[0].metrics]
    rows = [
        (*(written(point.get(path)) for path in paths), *_estimates(study, names))
        for point, study in zip(sweep.points, sweep.studies, strict=True)
    ]
    head = f"{sweep.studies[0].scenario.name}: {grouped(len(rows))} points, {sweep.studies[0].n} replications each"
    return table(head, (*paths, *names), rows, [])


def _estimates(study: Study, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        estimate = study.estimate(name)
        yield str(show(estimate.interval, estimate.unit))


def table(head: str, columns: Row, rows: Iterable[Row], notes: Iterable[str]) -> str:
    """Return a table as HTML. A row of one cell is a heading within the table.

    Args:
        head: What is shown.
        columns: Headings of the columns.
        rows: Cells as text.
        notes: Lines above the table.
    """
    wide = len(columns)
    cells = Markup('<td style="text-align:left">{}</td>')
    inner = Markup('<th colspan="{}" style="text-align:left">{}</th>')
    body = Markup().join(
        Markup("<tr>{}</tr>").format(
            inner.format(wide, row[0]) if len(row) == 1 else Markup().join(cells.format(cell) for cell in row)
        )
        for row in rows
    )
    top = Markup().join(Markup('<th style="text-align:left">{}</th>').format(column) for column in columns)
    lines = Markup().join(Markup('<div style="overflow-wrap:anywhere">{}</div>').format(note) for note in notes)
    return Markup(
        '<div style="overflow-x:auto"><strong style="overflow-wrap:anywhere">{}</strong>{}'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(escape(head), lines, top, body)
