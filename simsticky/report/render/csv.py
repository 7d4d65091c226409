"""The tables of blocks as CSV: for machines, at full precision. Sentences and pictures have no place in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from simsticky.report.blocks import Block, Cell, Exact, Figure, Kind, Section, Table

_ENDS = ("", " low", " high")


def render(blocks: Sequence[Block]) -> str:
    """Return every table with its headings, a blank line between two; a missing value is empty.

    An estimate with an interval takes three columns: its value and both ends. Shares are parts of 1, durations seconds.
    """
    return "\n".join(_text(table) for table in _tables(blocks))


def _tables(blocks: Sequence[Block]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Figure) and block.numbers is not None:
            yield block.numbers
        elif isinstance(block, Section):
            yield from _tables(block.blocks)


def _text(table: Table) -> str:
    columns = [at for at, column in enumerate(table.columns) if column.kind is not Kind.BAR]
    rows = [row for row in table.rows if not row.is_group]
    size = {
        at: max((len(row.cells[at].exact) for row in rows if at < len(row.cells)), default=1) or 1 for at in columns
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([table.columns[at].head + end for at in columns for end in _ENDS[: size[at]]])
    for row in rows:
        cells = {at: row.cells[at] if at < len(row.cells) else Cell() for at in columns}
        writer.writerow([value for at in columns for value in _values(cells[at], size[at])])
    return text.getvalue()


def _values(cell: Cell, size: int) -> tuple[Exact, ...]:
    found: tuple[Exact, ...] = cell.exact or (f"{cell.mark or ''} {cell.text}".strip(),)
    return (*found, *(None,) * (size - len(found)))
