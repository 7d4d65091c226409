"""A study as blocks: the first screen, all numbers, and how to read them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from simsticky.report import first_screen
from simsticky.report.blocks import (
    Block,
    Cell,
    Column,
    Entries,
    Figure,
    Kind,
    Note,
    Row,
    Section,
    Table,
    Title,
    Warnings,
    data,
)
from simsticky.report.numbers import clock, counted, grouped
from simsticky.report.rows import sections
from simsticky.report.sparkline import sparks

if TYPE_CHECKING:
    from simsticky.recording.record import Recording
    from simsticky.report.asked import Asked
    from simsticky.scenario.report import ManifestReport
    from simsticky.study.otherwise import Otherwise
    from simsticky.study.replicate import Study

_COLUMNS = (
    "metric",
    "unit",
    "value",
    "low",
    "high",
    "level",
    "interval",
    "numerator",
    "denominator",
    "replications",
    "left_out",
    "definition",
)
_MOST_MOMENTS, _FEWEST_MOMENTS = 60, 8
_MOST_SPARKS = 16
_MARGIN = "  "


def title(study: Study) -> str:
    """Return the line above the table: what was run, how often, and how to read a value."""
    runs = counted(study.n, "replication")
    reading = "value [95 % interval over replications]" if study.n > 1 else "no intervals: they need 2 or more"
    return f"{study.scenario.name} · {runs} · seed {study.seed} · {reading}"


def blocks(
    study: Study,
    first: Recording | None = None,
    *,
    asked: Asked | None = None,
    others: Sequence[Otherwise] | None = None,
) -> list[Block]:
    """Return the report of a study: the first screen, all numbers, and how to read them.

    Args:
        study: The study.
        first: The recording of replication 0, for the sessions on each pod.
        asked: What was asked, for the commands that it prints.
        others: What the headline would be if an assumption is wrong; the commands that tell by default.
    """
    found: list[Block] = [*first_screen.sentences(study, asked), Title(title(study)), first_screen.headlines(study)]
    found += [*first_screen.verdict(study), *first_screen.assumed(study, others, asked), *sections(study)]
    if first is not None:
        found.append(sparkline_figure(first))
    found += [Note(text) for text in footnotes(study)]
    return [*found, Warnings(study.warnings)]


def data_of(study: Study) -> list[Block]:
    """Return every metric for machines: a row each, shares as parts of 1, durations in seconds.

    The column ``interval`` names how the interval was made.
    """
    rows = []
    for estimate in study.table():
        interval = estimate.interval
        values = (
            estimate.name,
            estimate.unit,
            interval.estimate,
            interval.low,
            interval.high,
            interval.level,
            interval.kind,
            estimate.numerator,
            estimate.denominator,
            interval.used,
            interval.left_out,
            estimate.definition,
        )
        rows.append(Row(tuple(map(data, values))))
    return [Table("Every metric", tuple(Column(name) for name in _COLUMNS), tuple(rows))]


def footnotes(study: Study) -> list[str]:
    """Return the lines below the table."""
    report = study.scenario.manifest_report
    lines = [] if study.stopping is None else [str(study.stopping)]
    if report.read or report.ignored:
        read = counted(len(report.read), "field")
        lines.append(f"Manifests: {read} read, {len(report.ignored)} ignored; --verbose lists them.")
    lines += [f"Assumed: {note}" for note in report.assumed]
    assumed = {found.interval.design_effect for found in study.table() if found.interval.kind == "upper bound"}
    if assumed - {None}:
        lines.append(
            f"< n: none seen; one-sided at 97.5 %, with an assumed design effect of {max(filter(None, assumed)):g}:"
            " so many of one replication count as one."
        )
    lines.append("What a number means: simsticky explain METRIC")
    return lines


def manifest_sections(report: ManifestReport) -> list[Section]:
    """Return which manifest fields were read and which ignored, one a line; what is assumed is a note."""
    return [
        Section(f"{heading}: {len(fields)}", (Entries(tuple(map(str, fields))),))
        for heading, fields in (("Manifest fields read", report.read), ("Manifest fields ignored", report.ignored))
    ]


def story_section(story: Sequence[str]) -> Section:
    """Return the story of replication 0 below a heading."""
    return Section("Replication 0, event by event", (Entries(tuple(story), is_log=True),))


def sparkline_figure(recording: Recording) -> Figure:
    """Return the sessions on each pod of a replication, in a terminal a line each.

    The number at the end is the most sessions in the time shown. Of many pods only the first are drawn.
    """
    found = sparks(recording, 2)
    span = f"{clock(found.start_s)} to {clock(found.end_s)} (min:s)"
    heading = f"Sessions on each pod, replication 0, from {span}, and the most"
    rows = tuple(Row((Cell(pod.pod), Cell(grouped(pod.most), exact=(pod.most,)))) for pod in found.pods)
    columns = (Column("pod", Kind.LABEL), Column("most sessions", Kind.NUMBER, "count"))
    numbers = Table("The most sessions on each pod", columns, rows)
    text = f"{counted(len(found.pods), 'pod')}; a line is a pod, its height the sessions whose state is on it."
    return Figure("sparks", heading, None, text, numbers, partial(_spark_lines, recording))


def _spark_lines(recording: Recording, width: int) -> list[tuple[str, str]]:
    """A pod a line, and its number; nothing where the terminal is too narrow."""
    fixed = max((len(pod.pod) for pod in sparks(recording, 2).pods), default=0) + len("999 999")
    moments = min(_MOST_MOMENTS, width - 3 * len(_MARGIN) - fixed)
    found = sparks(recording, max(moments, 2))
    if moments < _FEWEST_MOMENTS:
        return []
    label = max((len(pod.pod) for pod in found.pods), default=0)
    lines = [
        (f"{_MARGIN}{pod.pod.ljust(label)}{_MARGIN}{found.line(pod)}{_MARGIN}", grouped(pod.most))
        for pod in found.pods[:_MOST_SPARKS]
    ]
    if len(found.pods) > _MOST_SPARKS:
        more = f"{_MARGIN}and {counted(len(found.pods) - _MOST_SPARKS, 'more pod')}; --report draws them all"
        lines.append((more, ""))
    return lines
