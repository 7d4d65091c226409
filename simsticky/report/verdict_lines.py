"""A threshold's line, the same in the terminal, Markdown, notebooks and pages: mark, threshold, figure, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simsticky.report.blocks import Cell, Column, Kind, Layout, Row, Table, words
from simsticky.report.numbers import Shown, grouped, show

if TYPE_CHECKING:
    from simsticky.study.replicate import Study
    from simsticky.study.thresholds import Verdict
    from simsticky.study.verdicts import Mark


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """What is told about a threshold.

    Attributes:
        mark: Sign, and word, of the verdict.
        metric: The metric.
        threshold: The threshold as written.
        shown: The figure over all operations together.
        note: What the figure does not tell: the entry of the timeline that decides, or why nothing is certain.
    """

    mark: Mark
    metric: str
    threshold: str
    shown: Shown
    note: str

    @property
    def label(self) -> str:
        """Metric and threshold."""
        return f"{self.metric} {self.threshold}"


def thresholds(lines: Sequence[VerdictLine], remarks: Sequence[str] = ()) -> Table:
    """Return verdict lines as a table.

    Args:
        lines: The lines.
        remarks: What is said behind each figure; nothing by default.
    """
    columns = (Column("threshold", Kind.CODE), Column("value", Kind.NUMBER), Column("after", Kind.QUIET))
    told = remarks or [""] * len(lines)
    rows = tuple(
        Row((Cell(line.label, mark=line.mark), words(line.shown), Cell(remark, must=bool(remark))), note=line.note)
        for line, remark in zip(lines, told, strict=True)
    )
    return Table("Thresholds", columns if remarks else columns[:2], rows, Layout.LIST)


def verdict_lines(study: Study) -> list[VerdictLine]:
    """Return one line for each threshold of a study, in their order."""
    return [verdict_line(found, study.metrics[found.metric].unit) for found in study.verdicts()]


def verdict_line(found: Verdict, unit: str) -> VerdictLine:
    """Return the line of a threshold, its figure in the metric's unit."""
    return VerdictLine(
        found.mark, found.metric, found.threshold.text, show(found.interval, unit), "; ".join(_notes(found))
    )


def _notes(found: Verdict) -> Iterator[str]:
    for entry in found.decisive:
        yield f"{entry.label} alone: {show(entry.interval, 'share')}"
    if found.reason and not found.decisive:
        yield found.reason
    for entry in found.unjudged:
        value = show(entry.interval, "share").value
        yield f"{entry.label}: {value} of {grouped(entry.exposed)} exposed, too few to judge"
