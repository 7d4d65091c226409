"""Blocks as lines of a terminal, or of plain text for a pipe. No line is wider than asked, and no number wraps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simsticky.report.blocks import (
    Block,
    Code,
    Entries,
    Figure,
    Layout,
    Note,
    Section,
    Sentence,
    Step,
    Table,
    Terms,
    Title,
    Tone,
    Verdict,
)
from simsticky.report.render.grids import cards, grid
from simsticky.report.render.lines import Line, entry, wrapped
from simsticky.report.render.lists import Widths, lines_of, measure
from simsticky.study.verdicts import Mark

_STYLES = {Tone.STRONG: "heading", Tone.PLAIN: "", Tone.QUIET: "quiet", Tone.ALERT: Mark.OPEN.word}

_LISTS = (Layout.LIST, Layout.HEADLINES)

_Shared = Mapping[str, Widths]
"""Widths of each group of lists of a document."""


def render(blocks: Sequence[Block], width: int = 80) -> list[Line]:
    """Return blocks as lines of at most ``width`` characters, but for what is to be copied."""
    groups: dict[str, list[Table]] = {}
    for table in _tables(blocks):
        if table.layout in _LISTS and table.group:
            groups.setdefault(table.group, []).append(table)
    return _apart(blocks, width, {group: measure(tables, width) for group, tables in groups.items()})


def _tables(blocks: Sequence[Block]) -> Iterator[Table]:
    for block in blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Section) and not block.folded:
            yield from _tables(block.blocks)


def _apart(blocks: Sequence[Block], width: int, shared: _Shared) -> list[Line]:
    """Blocks with a blank line between them, but for sentences and for notes that follow each other."""
    lines: list[Line] = []
    before: Block | None = None
    for block in blocks:
        found = _lines(block, width, shared)
        if not found:
            continue
        if before is not None and not _belong_together(before, block):
            lines.append(())
        lines += found
        before = block
    return lines


def _belong_together(one: Block, other: Block) -> bool:
    spoken = (Sentence, Verdict, Step)
    return (isinstance(one, spoken) and isinstance(other, spoken)) or (
        isinstance(one, Note) and isinstance(other, Note)
    )


def _lines(block: Block, width: int, shared: _Shared) -> list[Line]:
    match block:
        case Title(text):
            return wrapped(text, width, "heading")
        case Sentence(text, tone):
            return wrapped(text, width, _STYLES[tone])
        case Verdict(mark, text):
            lines = wrapped(text, width, "heading", f"{mark} ", "  ")
            ((first, style),) = lines[0]
            return [((first[:1], mark.word), (first[1:], style)), *lines[1:]]
        case Step(lead, command):
            return _step(lead, command, width)
        case Note(text):
            return wrapped(text, width, "quiet")
        case Table():
            return _table(block, width, shared)
        case Code(heading, copied):
            return [*wrapped(heading, width, "heading"), *(((text, ""),) for text in copied)]
        case Entries(items):
            return [line for item in items for line in entry(item, width)]
        case Terms(pairs):
            return [line for name, meaning in pairs for line in entry(f"{name}: {meaning}", width)]
        case Figure():
            return _figure(block, width)
        case Section(folded=True):
            return []
        case Section(heading, inner):
            within = _within(inner, width, shared)
            return [*wrapped(heading, width, "heading"), *within] if within else []
    return []  # warnings are said on standard error


def _step(lead: str, command: str, width: int) -> list[Line]:
    """A lead and its command on one line where there is room; a command is never wrapped, so that it can be copied."""
    if len(lead) + 1 + len(command) <= width:
        return [((f"{lead} ", ""), (command, "heading"))]
    return [*wrapped(lead, width), ((f"  {command}", "heading"),)]


def _within(blocks: Sequence[Block], width: int, shared: _Shared) -> list[Line]:
    """What stands below a heading: no blank lines, but before parts with headings of their own and between figures."""
    if any(isinstance(block, Section | Code | Note) for block in blocks):
        return _apart(blocks, width, shared)
    return [line for block in blocks for line in _lines(block, width, shared)]


def _table(table: Table, width: int, shared: _Shared) -> list[Line]:
    if table.layout in _LISTS:
        return lines_of(table, shared.get(table.group) or measure([table], width))
    return cards(table, width) if table.layout is Layout.CARDS else grid(table, width)


def _figure(figure: Figure, width: int) -> list[Line]:
    if figure.lines is None:
        return [*wrapped(figure.heading, width, "heading"), *wrapped(figure.text, width)]
    found = figure.lines(width)
    if not found:
        return []
    drawn: list[Line] = []
    for text, after in found:
        # A line without a number is words about those that are not drawn.
        drawn += [((text, ""), (after, "quiet"))] if after else wrapped(text.strip(), width, "quiet", "  ")
    return [*wrapped(figure.heading, width, "heading"), *drawn]
