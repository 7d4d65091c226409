"""Blocks as HTML for a notebook: tables that a theme may colour, everything of others escaped, no style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

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

_LINE = Markup('<div style="overflow-wrap:anywhere">{}</div>')
_STRONG = Markup('<div style="overflow-wrap:anywhere"><strong>{}</strong></div>')
_SMALL = Markup('<div style="overflow-wrap:anywhere;opacity:.7;font-size:90%">{}</div>')
_DEEPER = "\u2003"
_PRE = Markup('<pre style="overflow-x:auto">{}</pre>')


def render(blocks: Sequence[Block]) -> str:
    """Return blocks as one element."""
    return Markup('<div style="overflow-x:auto">{}</div>').format(_joined(_block(block) for block in blocks))


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup().join(parts)


def _block(block: Block) -> Markup:
    match block:
        case Title(text) | Sentence(text, Tone.STRONG | Tone.ALERT):
            return _STRONG.format(text)
        case Sentence(text):
            return _LINE.format(text)
        case Verdict(mark, text):
            return _STRONG.format(f"{mark} {text}")
        case Step(lead, command):
            return _LINE.format(Markup("{} <code>{}</code>").format(lead, command))
        case Note(text):
            return _SMALL.format(text)
        case Warnings(texts):
            return _joined(_LINE.format(f"⚠ {text}") for text in texts)
        case Table():
            return _table(block)
        case Code(heading, lines):
            return _LINE.format(heading) + _PRE.format("\n".join(lines))
        case Entries(items):
            return _PRE.format("\n".join(items)) if block.is_log else _joined(_LINE.format(item) for item in items)
        case Terms(pairs):
            return _joined(_LINE.format(f"{name}: {meaning}") for name, meaning in pairs)
        case Figure():
            return _figure(block)
        case Section(heading, inner, folded):
            within = _joined(_block(one) for one in inner)
            if folded:
                return Markup("<details><summary>{}</summary>{}</details>").format(heading or "More", within)
            return (_STRONG.format(heading) if heading else Markup()) + within
    raise TypeError(f"there is no way to show a {type(block).__name__}")


def _figure(figure: Figure) -> Markup:
    from simsticky.report.picture import bitmap

    drawn = Markup() if figure.draw is None else bitmap(figure.draw, f"{figure.heading}. {figure.text}")
    return _STRONG.format(figure.heading) + drawn + _LINE.format(figure.text)


def _table(table: Table) -> Markup:
    shown = [at for at, column in enumerate(table.columns) if column.kind is not Kind.BAR]
    heads = _joined(
        Markup('<th scope="col" style="text-align:{}">{}</th>').format(_side(table, at), table.columns[at].head)
        for at in shown
    )
    body = _joined(_row(table, row, shown) for row in table.rows)
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(heads, body)


def _row(table: Table, row: Row, shown: Sequence[int]) -> Markup:
    if row.is_group:
        return Markup('<tr><th colspan="{}" scope="rowgroup" style="text-align:left">{}</th></tr>').format(
            len(shown), row.cells[0].text
        )
    cells = [row.cells[at] if at < len(row.cells) else Cell() for at in shown]
    first = _DEEPER * row.depth + str(cells[0])
    texts = [first, *(str(cell) for cell in cells[1:])]
    if row.note:
        texts[-1] = f"{texts[-1]} {row.note}".strip()
    return Markup("<tr>{}</tr>").format(
        _joined(
            Markup('<td style="text-align:{}">{}</td>').format(_side(table, at), text)
            for at, text in zip(shown, texts, strict=True)
        )
    )


def _side(table: Table, at: int) -> str:
    return "right" if table.columns[at].kind in (Kind.NUMBER, Kind.KEY) else "left"
