"""A table as a list in a terminal: a label, its number, its interval, a remark, and a definition where there is room.

What does not fit goes in this order: the definitions, then the remarks, then the single line (the number moves below
its label). No number wraps.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from simsticky.report.blocks import Cell, Row, Table
from simsticky.report.render.lines import GAP, INDENT, Line, Span, cut, trimmed, wrapped

# Under this a column of definitions is a column of single words.
_LEAST_DEFINITION = 36

_WIDEST = 1000
"""Wider than any terminal: behind a pipe, where a definition on every line would bury the figures."""

_NOTHING = Cell()


@dataclass(frozen=True, slots=True)
class Widths:
    """Columns of a list; 0 for one that is not shown."""

    total: int
    label: int
    value: int
    interval: int
    detail: int
    definition: int

    @property
    def stacked(self) -> bool:
        """Whether label and number need a line each."""
        return INDENT + self.label + GAP + self.value + GAP + self.interval > self.total


def measure(tables: Sequence[Table], width: int) -> Widths:
    """Return the widths that several lists share, so that their numbers stand below each other."""
    rows = [row for table in tables for row in table.rows]
    label = max((len(_label(row)) for row in rows), default=0)
    value = max((len(_number(row).text) for row in rows), default=0)
    interval = max((len(_number(row).interval) for row in rows), default=0)
    detail = max((len(text) for row in rows for text in _remark(row).forms), default=0)
    left = width - (INDENT + label + GAP + value + GAP + interval + GAP)
    definition = left - detail - GAP
    if definition < _LEAST_DEFINITION or width > _WIDEST or not any(row.definition for row in rows):
        definition = 0
    return Widths(width, label, value, interval, max(0, min(detail, left)), definition)


def lines_of(table: Table, widths: Widths) -> list[Line]:
    """Return a table as a list."""
    lines: list[Line] = []
    for row in table.rows:
        lines.extend(_stacked(row, widths) if widths.stacked else _single(row, widths))
        margin = " " * 2 * INDENT
        lines.extend(wrapped(row.note, widths.total, "quiet", margin, margin))
    return lines


def _number(row: Row) -> Cell:
    return row.cells[1] if len(row.cells) > 1 else _NOTHING


def _remark(row: Row) -> Cell:
    return row.cells[2] if len(row.cells) > 2 else _NOTHING


def _single(row: Row, widths: Widths) -> list[Line]:
    """Label, value, interval and as much remark as fits on one line; a definition may go on below itself."""
    number, remark = _number(row), _remark(row)
    line: list[Span] = [(" " * INDENT, ""), *_label_spans(row, widths.label)]
    line.append((" " * GAP + number.text.rjust(widths.value), ""))
    line.append((" " * GAP + number.interval.ljust(widths.interval), ""))
    detail = next((text for text in remark.forms if len(text) <= widths.detail), "")
    line.append((" " * GAP + detail.ljust(widths.detail), "quiet"))
    if remark.must and not detail:
        return [trimmed(line), *_remark_below(remark, widths)]
    if not widths.definition or not row.definition:
        return [trimmed(line)]
    first, *others = textwrap.wrap(row.definition, widths.definition)
    line.append((" " * GAP + first, "quiet"))
    margin = " " * (widths.total - widths.definition)
    return [tuple(line), *(((margin + other, "quiet"),) for other in others)]


def _stacked(row: Row, widths: Widths) -> list[Line]:
    """Label above number, for narrow terminals; the interval on a third line if need be."""
    number, remark = _number(row), _remark(row)
    lines: list[Line] = [trimmed([(" " * INDENT, ""), *_label_spans(row, widths.total - INDENT)])]
    whole = f"{number.text} {number.interval}".rstrip()
    numbers = (whole,) if 2 * INDENT + len(whole) <= widths.total else (number.text, number.interval)
    lines.extend(((_below(text, widths.total), ""),) for text in numbers if text)
    return [*lines, *_remark_below(remark, widths)] if remark.must else lines


def _remark_below(remark: Cell, widths: Widths) -> list[Line]:
    """A remark that must be told, on a line of its own."""
    fitting = (text for text in remark.forms if 2 * INDENT + len(text) <= widths.total)
    return [((_below(next(fitting, remark.forms[-1]), widths.total), "quiet"),)]


def _below(text: str, width: int) -> str:
    """A text under its label, indented as far as there is room."""
    return " " * max(0, min(2 * INDENT, width - len(text))) + cut(text, width)


def _label(row: Row) -> str:
    label = row.cells[0]
    prefix = f"{label.mark} " if label.mark else " " * INDENT * row.depth
    return prefix + label.text


def _label_spans(row: Row, width: int) -> list[Span]:
    text = cut(_label(row), width).ljust(width)
    mark = row.cells[0].mark
    if mark:
        return [(text[:1], mark.word), (text[1:], "")]
    return [(text, "")]
