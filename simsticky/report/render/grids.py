"""A table as a grid in a terminal, in the fullest form that fits; as cards, a row on several lines, where none does."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum

from simsticky.report.blocks import Cell, Column, Kind, Row, Table
from simsticky.report.numbers import counted
from simsticky.report.render.lines import GAP, INDENT, Line, Span, wrapped

_MOST_ROWS = 101
_NO_ROOM = "Intervals: -o csv."
_NARROW_HEAD = 9
"""Columns that a heading on several lines may take without being cut."""
_LABEL = 10
"""Columns of a card's label."""
_HEADS = (Kind.LABEL, Kind.KEY)
_MARGIN = " " * INDENT
_JOINT = " " * GAP


def grid(table: Table, width: int) -> list[Line]:
    """Return a table as lines of at most ``width`` characters, headings above its columns."""
    shown = replace(table, rows=table.rows[:_MOST_ROWS])
    lines = _fitting(_without(shown, Kind.SPELT), width) or cards(shown, width)
    left = len(table.rows) - len(shown.rows)
    return (
        [*lines, *wrapped(f"And {counted(left, f'more {table.of}')}: -o csv has all.", width, "quiet")]
        if left
        else lines
    )


def cards(table: Table, width: int) -> list[Line]:
    """Return each row as its label and its keys, and below them a cell a line; a row with a brief is only that."""
    return [line for row in table.rows for line in _card(table, row, width)]


def _fitting(table: Table, width: int) -> list[Line]:
    """The fullest grid that fits; nothing where none does."""
    bare = _without(table, Kind.BAR)
    for columns in (table, bare):
        whole = _Grid(columns, _Form.FULL)
        if whole.width <= width:
            return list(whole.lines())
    table = bare
    if table.lead is not None:
        return _led(table, width)
    heads = [at for at, column in enumerate(table.columns) if column.kind in _HEADS]
    others = [at for at in range(len(table.columns)) if at not in heads]
    # What does not fit beside each other becomes several tables, one below the other.
    for size in range(len(others), 0, -1):
        groups = [others[start : start + size] for start in range(0, len(others), size)]
        for form in _Form:
            grids = [_Grid(_columns_of(table, [*heads, *group]), form) for group in groups]
            if all(one.width <= width for one in grids):
                lines = [line for one in grids for line in (*one.lines(), ())][:-1]
                return lines if form is not _Form.VALUES else [*lines, ((_NO_ROOM, "quiet"),)]
    return []


def _without(table: Table, kind: Kind) -> Table:
    return _columns_of(table, [at for at, column in enumerate(table.columns) if column.kind is not kind])


def _columns_of(table: Table, places: Sequence[int]) -> Table:
    """The table with these of its columns; its lead follows."""
    lead = None if table.lead is None else list(places).index(table.lead)
    rows = tuple(replace(row, cells=tuple(row.cells[at] for at in places)) for row in table.rows)
    return replace(table, columns=tuple(table.columns[at] for at in places), rows=rows, lead=lead)


class _Form(Enum):
    """How much room a grid takes; the first that fits is taken."""

    FULL = "headings and intervals on one line"
    FOLDED = "headings on several lines"
    STACKED = "intervals below their values, too"
    VALUES = "no intervals"


class _Grid:
    """A table of one form."""

    def __init__(self, table: Table, form: _Form) -> None:
        self._form = form
        self._table = table
        rows, columns = table.rows, table.columns
        self._has_sign = any(row.sign for row in rows)
        self._heads = [[column.head] if form is _Form.FULL else _folded(column.head) for column in columns]
        cells = [[row.cells[at] for row in rows] for at in range(len(columns))]
        self._marks = [2 * any(cell.mark for cell in column) for column in cells]
        # Numbers stand below each other; words in their place need not be as narrow.
        with_ends = [[cell for cell in column if cell.interval] or column for column in cells]
        self._values = [max((len(cell.text) for cell in column), default=0) for column in with_ends]
        self._widths = [
            max(max((len(line) for cell in column for line in self._cell(cell, at)), default=0), *map(len, head))
            for at, (column, head) in enumerate(zip(cells, self._heads, strict=True))
        ]

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return len(self._start("")) + sum(self._widths) + GAP * (len(self._widths) - 1)

    def lines(self) -> Iterator[Line]:
        """Yield its headings, and the lines of each row."""
        tall = max(map(len, self._heads))
        heads = [[""] * (tall - len(head)) + head for head in self._heads]
        for at in range(tall):
            texts = [head[at] for head in heads]
            if any(texts):
                yield ((self._line("", texts), "quiet"),)
        for row in self._table.rows:
            cells = [self._cell(cell, at) for at, cell in enumerate(row.cells)]
            yield ((self._line(row.sign, [cell[0] for cell in cells]), ""),)
            if any(len(cell) > 1 for cell in cells):
                yield ((self._line("", [cell[1] if len(cell) > 1 else "" for cell in cells]), "quiet"),)
            yield from wrapped(row.note, max(self.width, 20), "quiet", 2 * _MARGIN, 2 * _MARGIN)

    def _cell(self, cell: Cell, at: int) -> list[str]:
        """A cell's lines: mark and value, its interval behind or below them."""
        if self._table.columns[at].kind is not Kind.NUMBER:
            return [str(cell)]
        value = str(cell.mark or "").ljust(self._marks[at]) + cell.text.rjust(self._values[at])
        if self._form is _Form.VALUES or not cell.interval:
            return [value]
        if self._form is _Form.STACKED:
            return [value, " " * self._marks[at] + cell.interval]
        return [f"{value} {cell.interval}"]

    def _line(self, sign: str, texts: Sequence[str]) -> str:
        parts = [
            text.rjust(size) if column.kind is Kind.KEY else text.ljust(size)
            for text, size, column in zip(texts, self._widths, self._table.columns, strict=True)
        ]
        return (self._start(sign) + _JOINT.join(parts)).rstrip()

    def _start(self, sign: str) -> str:
        return sign.ljust(1) + _JOINT if self._has_sign else _MARGIN


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


def _led(table: Table, width: int) -> list[Line]:
    """The lead beside the label where there is room, and the other cells below it."""
    lines: list[Line] = []
    lead = table.lead or 0
    label = max((len(row.cells[0].text) for row in table.rows), default=0)
    for row in table.rows:
        first, led = row.cells[0].text, str(row.cells[lead])
        one = f"{_MARGIN}{first.ljust(label)}{_JOINT}{led}"
        for text in [one] if len(one) <= width else [_MARGIN + first, 2 * _MARGIN + led]:
            lines += wrapped(text.strip(), width, "", _indent_of(text), 2 * _MARGIN)
        others = [str(cell) for at, cell in enumerate(row.cells) if at not in (0, lead)]
        both = 2 * _MARGIN + table.joint.join(others)
        if len(both) <= width:
            lines.append(((both, "quiet"),))
        else:
            *before, last = others
            below = [*(text + table.joint.rstrip() for text in before), last]
            lines += [line for text in below for line in wrapped(text, width, "quiet", 2 * _MARGIN, 2 * _MARGIN)]
    return lines


def _indent_of(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _card(table: Table, row: Row, width: int) -> Iterator[Line]:
    pairs = list(zip(table.columns, row.cells, strict=True))
    label = next((cell for column, cell in pairs if column.kind is Kind.LABEL), None)
    mark = label.mark if label is not None else None
    size = 0 if label is None else _LABEL
    margin = " " * (2 + size) if size else _MARGIN
    name = "" if label is None else (label.spoken or label.text).ljust(size)
    if row.brief:
        lines = textwrap.wrap(row.brief, width - len(margin))
        for number, text in enumerate(lines):
            yield ((f"  {name if not number else ' ' * size}{text}", ""),)
        return
    keys = [cell.spoken or f"{column.head} {cell.text}" for column, cell in pairs if column.kind is Kind.KEY]
    start: list[Span] = [(mark, mark.word), (" ", "")] if mark else [(f"{row.sign} ", "")] if row.sign else []
    heads = textwrap.wrap(", ".join(keys), width - (len(margin) if size else 2)) or [""]
    yield (*start, (f"{'' if start or not size else '  '}{name}{heads[0]}", "heading"))
    for text in heads[1:]:
        yield ((margin + text, "heading"),)
    others = [(column, cell) for column, cell in pairs if column.kind not in (*_HEADS, Kind.BAR)]
    long = max((len(column.head) for column, cell in others if cell.text and not cell.spoken), default=0)
    for column, cell in others:
        yield from _card_line(column, cell, long, width, margin)
    yield from wrapped(row.note, width, "quiet", margin, margin)


def _card_line(column: Column, cell: Cell, long: int, width: int, margin: str) -> list[Line]:
    if not cell.text:
        return []
    style = "quiet" if column.kind is Kind.QUIET else ""
    said = cell.spoken or f"{column.head.ljust(long)}{_JOINT}{cell}".strip()
    # Amounts with a hyphen in their unit stay whole.
    lines = textwrap.wrap(
        said, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=column.kind is not Kind.QUIET
    )
    return [((line, style),) for line in lines]
