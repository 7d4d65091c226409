"""Lines of a terminal: text with styles, wrapped, written in colour or plain, in ASCII where that is all there is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TextIO

from simsticky.report.sparkline import LEVELS
from simsticky.study.verdicts import Mark

Span = tuple[str, str]
"""Text and its style: ``heading``, ``quiet``, a verdict's word or empty."""

Line = tuple[Span, ...]

INDENT = 2
GAP = 2
STYLES = {
    "heading": "bold",
    "quiet": "dim",
    Mark.PASS.word: "bold green",
    Mark.FAIL.word: "bold red",
    Mark.OPEN.word: "bold yellow",
}

# For terminals that cannot show them; ✗ and ? must stay apart.
_ASCII = str.maketrans(
    dict(zip(LEVELS, "_.:-=+*#", strict=True))
    | {"✓": "+", "✗": "x", "–": "-", "−": "-", "·": "|", "\u202f": " ", "…": "~", "’": "'"}
)


def wrapped(text: str, width: int, style: str = "", indent: str = "", below: str = "") -> list[Line]:
    """Return a text as lines of one style.

    Args:
        text: The text.
        width: Columns.
        style: The style of every line.
        indent: What the first line begins with.
        below: What all others begin with.
    """
    lines = textwrap.wrap(text, max(width, 1), initial_indent=indent, subsequent_indent=below)
    return [((line, style),) for line in lines]


def entry(text: str, width: int) -> list[Line]:
    """An entry of a list, which goes on below itself; names with hyphens stay whole where they can, to be copied."""
    below = " " * 2 * INDENT
    lines = textwrap.wrap(text, width - INDENT, subsequent_indent=below, break_on_hyphens=False) or [""]
    return [((" " * INDENT + line, ""),) for line in lines]


def cut(text: str, width: int) -> str:
    """Return a text that is no wider than asked; the end of a longer one is an ellipsis."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def trimmed(line: Sequence[Span]) -> Line:
    """Return a line without blanks at its end."""
    spans = list(line)
    while spans and not spans[-1][0].strip():
        spans.pop()
    if not spans:
        return ()
    *others, (text, style) = spans
    return (*others, (text.rstrip(), style))


def plain(lines: Sequence[Line]) -> str:
    """Return lines as text without any style, each ended by a newline."""
    return "".join("".join(text for text, _ in line) + "\n" for line in lines)


def nearest(lines: Sequence[Line], file: TextIO) -> Sequence[Line]:
    """Return lines as a stream can show them: one that is not Unicode gets the nearest ASCII."""
    if _can_show(file, "✓✗–−·\u202f" + LEVELS):
        return lines
    return [tuple((text.translate(_ASCII), style) for text, style in line) for line in lines]


def write(lines: Sequence[Line], file: TextIO, *, color: bool) -> None:
    """Write lines to a stream, in colour or plain."""
    lines = nearest(lines, file)
    if not color:
        file.write(plain(lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, force_terminal=True, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((text, STYLES.get(style, "")) for text, style in line)))


def _can_show(file: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(file, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
