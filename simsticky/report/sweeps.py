"""A sweep, its Sobol indices and a tornado as tables for the terminal and for a pull request."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from simsticky.report.numbers import MISSING, THIN, Shown, counted, show
from simsticky.report.tables import escape
from simsticky.report.terminal import Line
from simsticky.study.better import Standing
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.stats.intervals import Interval
    from simsticky.study.replicate import Study
    from simsticky.study.sweep import Sweep
    from simsticky.study.tornado import Tornado

SHOWN = ("broken_sessions", "failed_requests", "last_old_pod_gone_s")
"""The metrics of a table, unless asked otherwise."""

_LABELS = {
    "broken_sessions": "broken sessions",
    "failed_requests": "failed requests",
    "last_old_pod_gone_s": "last old pod gone",
    "rollout_done_s": "rollout done",
    "peak_pods": "peak pods",
}
_AS_IT_IS = "as it is"
_KEY = (
    "First row: the scenario as it is, the reference. Against it a point is "
    + ", ".join(f"{standing.sign} {standing.value}" for standing in Standing)
    + "; only better and not worse ones are a choice."
)
_ENDS_KEY = (
    "Against the scenario as it is an end is "
    + ", ".join(f"{standing.sign} {standing.value}" for standing in Standing)
    + "."
)
_GAP = "  "
_MOST_ROWS = 100
_NO_ROOM = "Intervals: -o csv."
_NARROW_HEAD = 9
"""Columns that a heading on several lines may take without being cut."""
_BAR = 16


@dataclass(frozen=True, slots=True)
class _Row:
    """One point, or the scenario as it is, which has no standing."""

    settings: list[str]
    cells: list[_Cell]
    standing: Standing | None

    @property
    def sign(self) -> str:
        return " " if self.standing is None else self.standing.sign


@dataclass(frozen=True, slots=True)
class _Cell:
    """One estimate of a table: mark of the threshold, value, interval."""

    mark: Mark | None
    shown: Shown

    @property
    def text(self) -> str:
        return f"{self.mark} {self.shown}" if self.mark else str(self.shown)


def title(sweep: Sweep) -> str:
    """Return what was swept, how often, and how to read a value."""
    points = counted(len(sweep.points), "point")
    kind = "" if sweep.plan.design == "grid" else f" ({sweep.plan.design})"
    most = "" if len({study.n for study in sweep.studies}) == 1 else "at most "
    runs = f"{most}{counted(sweep.n, 'replication')} each"
    reading = "value [95 % interval]" if sweep.n > 1 else "no intervals: they need 2 or more replications"
    return f"{sweep.base.name} · {points}{kind} · {runs} · seed {sweep.seed} · {reading}"


def render(sweep: Sweep, metrics: Sequence[str], width: int = 80) -> list[Line]:
    """Return a sweep as lines of at most ``width`` characters: a row a point, or a paragraph where it is narrow."""
    lines: list[Line] = [((text, "heading"),) for text in textwrap.wrap(title(sweep), width)]
    lines.append(())
    if sweep.plan.design == "saltelli":
        for metric in metrics:
            lines += [*_indices(sweep, metric, width), ()]
    else:
        lines += _points(sweep, metrics, width)
    notes = []
    if len(sweep.points) > _MOST_ROWS and sweep.plan.design != "saltelli":
        notes.append(f"And {len(sweep.points) - _MOST_ROWS} more points: -o csv has all.")
    if sweep.plan.design != "saltelli":
        notes.append(_KEY)
    runs = counted(sweep.simulations, "simulation")
    notes.append(
        f"{runs}; all points meet the same sessions and the same luck. Every metric: -o csv, --out FILE.parquet."
    )
    if lines[-1]:
        lines.append(())
    return lines + [((text, "quiet"),) for note in notes for text in textwrap.wrap(note, width)]


def to_markdown(sweep: Sweep, metrics: Sequence[str]) -> str:
    """Return a sweep as a Markdown table."""
    heads = [*names_of(sweep.settings), *(_label(metric) for metric in metrics), f"against {_AS_IT_IS}"]
    lines = [f"**{escape(title(sweep))}**", "", _row(heads), "|" + "--:|" * len(heads)]
    for row in _rows(sweep, metrics):
        words = _AS_IT_IS if row.standing is None else row.standing.value
        lines.append(_row([*row.settings, *(cell.text for cell in row.cells), words]))
    if sweep.plan.design == "saltelli":
        for metric in metrics:
            lines += ["", f"Share of the variance of {escape(metric)}:", "", _row(["", "alone", "with all others"])]
            lines.append("|:--|--:|--:|")
            for path, index in sweep.sobol_indices(metric).items():
                lines.append(_row([path, _share(index.first), _share(index.total)]))
    return "\n".join(lines) + "\n"


def render_tornado(tornado: Tornado, width: int = 80) -> list[Line]:
    """Return a tornado as lines of at most ``width`` characters: the setting that matters most comes first."""
    study = tornado.base
    base = show(study.estimate(tornado.metric).interval, study.metrics[tornado.metric].unit)
    head = (
        f"What moves {_label(tornado.metric)}, one setting at a time · {base} as it is ·"
        f" {counted(study.n, 'replication')} each · seed {study.seed}"
    )
    lines: list[Line] = [((text, "heading"),) for text in textwrap.wrap(head, width)]
    lines.append(())
    names = names_of([bar.setting for bar in tornado.bars])
    rows = [[name, *_tornado_cells(tornado, number)] for number, name in enumerate(names)]
    heads = ["", "at one end", "at the other", "change", ""]
    table = [heads, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        table = [row[:-1] for row in table]
        widths = widths[:-1]
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        for number, row in enumerate(table):
            text = _GAP.join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
            lines.append(((text, "quiet" if number == 0 else ""),))
    else:
        for row in rows:
            lines += [((text, ""),) for text in textwrap.wrap(f"{row[0]}: {row[3]}", width)]
            both = f"{row[1]}, {row[2]}"
            lines += [
                ((text, "quiet"),) for text in textwrap.wrap(both, width, initial_indent=_GAP, subsequent_indent=_GAP)
            ]
    lines.append(())
    return lines + [((text, "quiet"),) for text in textwrap.wrap(_ENDS_KEY, width)]


def tornado_markdown(tornado: Tornado) -> str:
    """Return a tornado as a Markdown table."""
    names = names_of([bar.setting for bar in tornado.bars])
    lines = [f"**What moves {escape(_label(tornado.metric))}**", "", _row(["", "at one end", "at the other", "change"])]
    lines.append("|:--|--:|--:|--:|")
    lines += [_row([name, *_tornado_cells(tornado, number)[:3]]) for number, name in enumerate(names)]
    return "\n".join([*lines, "", escape(_ENDS_KEY)]) + "\n"


def names_of(paths: Sequence[str]) -> list[str]:
    """Return the shortest ends of paths that tell them apart: ``preStop`` of ``deployment.preStop``."""
    names = []
    for path in paths:
        parts = path.split(".")
        others = [other.split(".") for other in paths if other != path]
        depth = next(
            (depth for depth in range(1, len(parts)) if all(other[-depth:] != parts[-depth:] for other in others)),
            len(parts),
        )
        names.append(".".join(parts[-depth:]))
    return names


def _tornado_cells(tornado: Tornado, number: int) -> list[str]:
    bar = tornado.bars[number]
    unit = tornado.base.metrics[tornado.metric].unit
    largest = tornado.bars[0].size
    ends = [
        f"{_value(end)}: {show(estimate.interval, unit).value} {standing.sign}"
        for end, estimate, standing in zip(bar.ends, (bar.at_low, bar.at_high), bar.standings, strict=True)
    ]
    swing = show(bar.swing.interval, "points" if unit == "share" else unit, signed=True)
    length = round(_BAR * bar.size / largest) if largest else 0
    return [*ends, str(swing), "█" * length or "▏"]


def _points(sweep: Sweep, metrics: Sequence[str], width: int) -> list[Line]:
    """A row a point: in full, with its intervals below, or with values alone, as the width allows.

    What does not fit beside each other becomes several tables, one below the other.
    """
    for size in range(len(metrics), 0, -1):
        groups = [metrics[start : start + size] for start in range(0, len(metrics), size)]
        rows = [_rows(sweep, group)[: _MOST_ROWS + 1] for group in groups]
        for form in _Form:
            grids = [_Grid(sweep, group, found, form) for group, found in zip(groups, rows, strict=True)]
            if all(grid.width <= width for grid in grids):
                lines = [line for grid in grids for line in (*grid.lines(), ())][:-1]
                return lines if form is not _Form.VALUES else [*lines, ((_NO_ROOM, "quiet"),)]
    return _paragraphs(sweep, metrics, _rows(sweep, metrics)[: _MOST_ROWS + 1], width)


class _Form(Enum):
    """How much room a table takes; the first that fits is taken."""

    FULL = "headings and intervals on one line"
    FOLDED = "headings on several lines"
    STACKED = "intervals below their values, too"
    VALUES = "no intervals"


class _Grid:
    """The points of a sweep as a table of one form."""

    def __init__(self, sweep: Sweep, metrics: Sequence[str], rows: Sequence[_Row], form: _Form) -> None:
        self._form = form
        self._rows = rows
        folded = form is not _Form.FULL
        names, labels = names_of(sweep.settings), [_label(metric) for metric in metrics]
        self._heads = [_folded(text) if folded else [text] for text in (*names, *labels)]
        self._split = len(names)
        values = [[cell.shown.value for cell in row.cells] for row in rows]
        self._marks = [2 * any(row.cells[at].mark for row in rows) for at in range(len(metrics))]
        self._values = [max(len(row[at]) for row in values) for at in range(len(metrics))]
        settings = [max(len(row.settings[at]) for row in rows) for at in range(len(names))]
        cells = [max(len(line) for row in rows for line in self._cell(row, at)) for at in range(len(metrics))]
        self._widths = [max(size, *map(len, head)) for size, head in zip((*settings, *cells), self._heads, strict=True)]

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return 1 + sum(self._widths) + len(_GAP) * len(self._widths)

    def lines(self) -> Iterator[Line]:
        """Yield its headings, and the lines of each point."""
        tall = max(map(len, self._heads))
        heads = [[""] * (tall - len(head)) + head for head in self._heads]
        for at in range(tall):
            yield ((self._line(" ", [head[at] for head in heads]), "quiet"),)
        for row in self._rows:
            cells = [self._cell(row, at) for at in range(len(row.cells))]
            yield ((self._line(row.sign, [*row.settings, *(cell[0] for cell in cells)]), ""),)
            if any(len(cell) > 1 for cell in cells):
                below = [cell[1] if len(cell) > 1 else "" for cell in cells]
                yield ((self._line(" ", [*[""] * self._split, *below]), "quiet"),)

    def _cell(self, row: _Row, at: int) -> list[str]:
        """A cell's lines: mark and value, its interval behind or below them."""
        cell = row.cells[at]
        value = (cell.mark or "").ljust(self._marks[at]) + cell.shown.value.rjust(self._values[at])
        if self._form is _Form.VALUES or not cell.shown.interval:
            return [value]
        if self._form is _Form.STACKED:
            return [value, " " * self._marks[at] + cell.shown.interval]
        return [f"{value} {cell.shown.interval}"]

    def _line(self, sign: str, texts: Sequence[str]) -> str:
        sized = zip(texts, self._widths, strict=True)
        parts = [text.rjust(size) if at < self._split else text.ljust(size) for at, (text, size) in enumerate(sized)]
        return _GAP.join([sign, *parts]).rstrip()


def _folded(head: str) -> list[str]:
    """A heading on several lines: a word each, names cut behind their dots and before their capitals."""
    pieces = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[._])", "\0", head).replace(" ", "\0").split("\0")
    lines: list[str] = []
    for piece in pieces:
        # Short pieces share a line: a heading is to be narrow, not tall.
        if lines and len(lines[-1]) + len(piece) < _NARROW_HEAD:
            lines[-1] += (" " if f"{lines[-1]} {piece}" in head else "") + piece
        else:
            lines.append(piece)
    return lines


def _paragraphs(sweep: Sweep, metrics: Sequence[str], rows: Sequence[_Row], width: int) -> list[Line]:
    """A point's settings, and below them a metric a line."""
    lines: list[Line] = []
    names = names_of(sweep.settings)
    label = max(len(_label(metric)) for metric in metrics)
    for row in rows:
        settings = ", ".join(f"{name} {text}" for name, text in zip(names, row.settings, strict=True))
        stands = _AS_IT_IS if row.standing is None else f"{row.sign} {row.standing.value}"
        lines += [((text, "heading"),) for text in textwrap.wrap(f"{settings} ({stands})", width)]
        for metric, cell in zip(metrics, row.cells, strict=True):
            text = f"{_GAP}{_label(metric).ljust(label)}{_GAP}{cell.text}"
            lines += [
                ((part, ""),) for part in textwrap.wrap(text, width, initial_indent=_GAP, subsequent_indent=_GAP * 2)
            ]
    return lines


def _indices(sweep: Sweep, metric: str, width: int) -> list[Line]:
    found = sweep.sobol_indices(metric)
    names = names_of(list(found))
    head = f"Share of the variance of {_label(metric)} over the ranges that a setting brings about"
    lines: list[Line] = [((text, "heading"),) for text in textwrap.wrap(head, width)]
    size = max(map(len, names))
    firsts = [_share(index.first) for index in found.values()]
    middle = max(len("alone"), *map(len, firsts))
    lines.append(((f"{_GAP}{' ' * size}{_GAP}{'alone'.ljust(middle)}{_GAP}with all others", "quiet"),))
    for name, first, index in zip(names, firsts, found.values(), strict=True):
        text = f"{_GAP}{name.ljust(size)}{_GAP}{first.ljust(middle)}{_GAP}{_share(index.total)}"
        lines.append(((text, ""),))
    return lines


def _share(index: Interval) -> str:
    """An index in whole percent: more digits than that no affordable design gives."""
    if index.estimate is None or index.low is None or index.high is None:
        return MISSING
    value, low, high = (f"{100 * number:.0f}".replace("-", "−") for number in (index.estimate, index.low, index.high))
    return f"{value}{THIN}% [{low}, {high}]".replace("−0", "0")


def _rows(sweep: Sweep, metrics: Sequence[str]) -> list[_Row]:
    """The scenario as it is, then every point."""
    points = [(sweep.as_it_is, sweep.reference, None), *zip(sweep.points, sweep.studies, sweep.standings, strict=True)]
    return [
        _Row([_value(value) for value in point.values()], [_cell(study, metric) for metric in metrics], standing)
        for point, study, standing in points
    ]


def _cell(study: Study, metric: str) -> _Cell:
    estimate = study.estimate(metric)
    return _Cell(study.mark(metric), show(estimate.interval, estimate.unit))


def _label(metric: str) -> str:
    return _LABELS.get(metric, metric)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"
