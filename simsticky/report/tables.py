"""A study as CSV (every metric, full precision) and as Markdown (what the terminal shows)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from simsticky.report.first_lines import first_lines
from simsticky.report.rows import Row, footnotes, sections, title

if TYPE_CHECKING:
    from simsticky.study.replicate import Study

CSV_COLUMNS = (
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


def to_csv(study: Study) -> str:
    """Return one line per metric with the columns of ``CSV_COLUMNS``; a missing value is empty.

    Units: shares as parts of 1, durations in seconds. ``interval`` names how the interval was made.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for estimate in study.table():
        interval = estimate.interval
        writer.writerow(
            [
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
            ]
        )
    return text.getvalue()


def to_markdown(study: Study) -> str:
    """Return the terminal's report as Markdown tables, for a pull request or a page."""
    lines = [f"**{escape(title(study))}**"]
    for sentence in first_lines(study):
        lines += ["", f"**{escape(sentence)}**"]
    for section in sections(study):
        lines += [
            "",
            f"### {escape(section.heading)}",
            "",
            "| | value | 95 % interval | |",
            "|:--|--:|:--|:--|",
        ]
        lines += [_markdown_row(row) for row in section.rows]
    lines += ["", *(escape(note) for note in footnotes(study))]
    return "\n".join(lines) + "\n"


def _markdown_row(row: Row) -> str:
    mark = f"{row.mark} " if row.mark else "– " * row.depth
    cells = (mark + row.label, row.shown.value, row.shown.interval, row.note or (row.details[0] if row.details else ""))
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, in a table cell too."""
    for character in "\\|<_*`[":
        text = text.replace(character, "\\" + character)
    return text
