"""Blocks as Markdown, for a comment, a pull request or a page.

What is to be known comes first. What was asked, the notes and the annexes are folded below it; where nothing else is
said first, what was asked is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simsticky.report.blocks import (
    Block,
    Cell,
    Code,
    Entries,
    Figure,
    Kind,
    Note,
    Row,
    Section,
    Sentence,
    Step,
    Table,
    Terms,
    Title,
    Tone,
    Verdict,
    Warnings,
)

_ASIDE = (Title, Note, Warnings)
_SUMMARY = "How to read it"


def render(blocks: Sequence[Block]) -> str:
    """Return blocks as Markdown that ends with a newline; nothing of nothing."""
    lines = list(_blocks(blocks, 3))
    return "\n".join(lines).strip("\n") + "\n" if lines else ""


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, in a table cell too."""
    for character in "\\|<_*`[":
        text = text.replace(character, "\\" + character)
    return text


def _blocks(blocks: Sequence[Block], level: int) -> Iterator[str]:
    """Yield the blocks, and below them the fold of what is said aside."""
    aside: list[Block] = []
    if blocks and isinstance(blocks[0], Title):  # nothing is said before it, so it is what comes first
        yield from (f"**{escape(blocks[0].text)}**", "")
        blocks = blocks[1:]
    for block in blocks:
        if isinstance(block, _ASIDE) or (isinstance(block, Section) and block.folded):
            aside.append(block)
        else:
            yield from _block(block, level)
    if aside:
        yield from _fold(aside, level)


def _fold(aside: Sequence[Block], level: int) -> Iterator[str]:
    titles = [block.text for block in aside if isinstance(block, Title)]
    yield from ("<details>", f"<summary>{escape(' · '.join(titles) or _SUMMARY)}</summary>", "")
    notes = [block.text for block in aside if isinstance(block, Note)]
    if notes:
        yield from (*(f"- {escape(note)}" for note in notes), "")
    for block in aside:
        if isinstance(block, Section):
            yield from (f"{escape(block.heading)}:", "") if block.heading else ()
            yield from _blocks(block.blocks, level + 1)
    warnings = [f"- warning: {escape(text)}" for block in aside if isinstance(block, Warnings) for text in block.texts]
    if warnings:
        yield from (*warnings, "")
    yield from ("</details>", "")


def _block(block: Block, level: int) -> Iterator[str]:
    match block:
        case Verdict(mark, text):
            yield from (f"**{mark} {escape(text)}**", "")
        case Sentence(text, tone):
            bold = "**" if tone in (Tone.STRONG, Tone.ALERT) else ""
            yield from (f"{bold}{escape(text)}{bold}", "")
        case Step(lead, command):
            yield from (f"{escape(lead)} `{command}`", "")
        case Table():
            yield from (*_table(block), "")
        case Code(heading, copied, language):
            yield from (escape(heading), "", f"```{language}", *copied, "```", "")
        case Entries(items, is_log):
            yield from (("```", *items, "```", "") if is_log else (*(f"- {escape(item)}" for item in items), ""))
        case Terms(pairs):
            yield from (*(f"- {escape(name)}: {escape(meaning)}" for name, meaning in pairs), "")
        case Figure():
            yield from (f"{'#' * level} {escape(block.heading)}", "", escape(block.text), "")
            if block.numbers is not None:
                yield from (*_table(block.numbers), "")
        case Section(heading, inner):
            yield from (f"{'#' * level} {escape(heading)}", "") if heading else ()
            yield from _blocks(inner, level + 1)


def _table(table: Table) -> Iterator[str]:
    shown = [at for at, column in enumerate(table.columns) if column.kind is not Kind.BAR]
    noted = any(row.note for row in table.rows)
    heads = [table.columns[at].head for at in shown]
    yield _line([*heads, *([""] if noted else [])])
    right = (Kind.NUMBER, Kind.KEY)
    yield "|" + "".join("--:|" if table.columns[at].kind in right else ":--|" for at in shown) + ":--|" * noted
    for row in table.rows:
        yield _line([*_cells(row, shown), *([row.note] if noted else [])])


def _cells(row: Row, shown: Sequence[int]) -> list[str]:
    texts = [str(row.cells[at]) if at < len(row.cells) else str(Cell()) for at in shown]
    return [f"{'– ' * row.depth}{texts[0]}", *texts[1:]]


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(escape(text) for text in texts) + " |"
