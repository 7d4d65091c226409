"""A study as a table for a terminal, or as plain text for a pipe.

No line is wider than asked, and no number wraps. What does not fit goes in this order: the definitions,
then the remarks, then the single line (the number moves below its label).
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from simsticky.report.first_lines import first_lines
from simsticky.report.numbers import clock, counted, grouped
from simsticky.report.rows import Row, Section, footnotes, sections, title
from simsticky.report.sparkline import LEVELS, sparks
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.recording.record import Recording
    from simsticky.scenario.report import ManifestReport
    from simsticky.study.replicate import Study

Span = tuple[str, str]
"""Text and its style: ``heading``, ``quiet``, a verdict's word or empty."""

Line = tuple[Span, ...]

_INDENT = 2
_GAP = 2
STYLES = {
    "heading": "bold",
    "quiet": "dim",
    Mark.PASS.word: "bold green",
    Mark.FAIL.word: "bold red",
    Mark.OPEN.word: "bold yellow",
}
# Under this a column of definitions is a column of single words.
_LEAST_DEFINITION = 36

_WIDEST = 1000
"""Wider than any terminal: behind a pipe, where a definition on every line would bury the figures."""
_MOST_MOMENTS, _FEWEST_MOMENTS = 60, 8
_MOST_SPARKS = 16

# For terminals that cannot show them; ✗ and ? must stay apart.
_ASCII = str.maketrans(
    dict(zip(LEVELS, "_.:-=+*#", strict=True))
    | {"✓": "+", "✗": "x", "–": "-", "−": "-", "·": "|", "\u202f": " ", "…": "~", "’": "'"}
)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths; 0 for a column that is not shown."""

    total: int
    label: int
    value: int
    interval: int
    detail: int
    definition: int

    @property
    def stacked(self) -> bool:
        """Whether label and number need a line each."""
        return _INDENT + self.label + _GAP + self.value + _GAP + self.interval > self.total


def render(study: Study, width: int = 80, first: Recording | None = None) -> list[Line]:
    """Return the report of a study as lines of at most ``width`` characters.

    Args:
        study: The study.
        width: Columns of the terminal.
        first: The recording of replication 0, for the sessions on each pod.
    """
    thresholds: list[Section] = []
    rest: list[Section] = []
    for part in sections(study):
        (thresholds if any(row.mark for row in part.rows) else rest).append(part)
    lines: list[Line] = [((text, "heading"),) for text in _wrapped(title(study), width)]
    said = first_lines(study)
    if said:
        lines.append(())
        lines.extend(((text, Mark.OPEN.word),) for sentence in said for text in _wrapped(sentence, width))
    # A threshold is as long as its metric's name; it has columns of its own so that the others need not be
    # as wide.
    for parts in (thresholds, rest):
        columns = _measure([row for part in parts for row in part.rows], width)
        for part in parts:
            lines.append(())
            lines.extend(_section(part, columns))
    if first is not None:
        lines += spark_lines(first, width)
    lines.append(())
    lines.extend(((text, "quiet"),) for note in footnotes(study) for text in _wrapped(note, width))
    return lines


def manifest_lines(report: ManifestReport, width: int) -> list[Line]:
    """Return which manifest fields were read and which ignored, one a line; what is assumed is a footnote."""
    lines: list[Line] = []
    for heading, fields in (
        ("Manifest fields read", report.read),
        ("Manifest fields ignored", report.ignored),
    ):
        lines += [(), ((f"{heading}: {len(fields)}", "heading"),)]
        lines += [line for field in fields for line in _entry(str(field), width)]
    return lines


def spark_lines(recording: Recording, width: int) -> list[Line]:
    """Return the sessions on each pod of a replication as a line each; nothing where the terminal is too narrow.

    The number at the end is the most sessions in the time shown. Of many pods only the first are drawn.
    """
    fixed = max((len(pod.pod) for pod in sparks(recording, 2).pods), default=0) + len("999 999")
    moments = min(_MOST_MOMENTS, width - _INDENT - 2 * _GAP - fixed)
    found = sparks(recording, max(moments, 2))
    if moments < _FEWEST_MOMENTS or not found.pods:
        return []
    label = max((len(pod.pod) for pod in found.pods), default=0)
    span = f"{clock(found.start_s)} to {clock(found.end_s)} (min:s)"
    heading = f"Sessions on each pod, replication 0, from {span}, and the most"
    lines: list[Line] = [(), *(((text, "heading"),) for text in _wrapped(heading, width))]
    for pod in found.pods[:_MOST_SPARKS]:
        text = f"{' ' * _INDENT}{pod.pod.ljust(label)}{' ' * _GAP}{found.line(pod)}{' ' * _GAP}"
        lines.append(((text, ""), (grouped(pod.most), "quiet")))
    if len(found.pods) > _MOST_SPARKS:
        more = f"{' ' * _INDENT}and {counted(len(found.pods) - _MOST_SPARKS, 'more pod')}; --report draws them all"
        lines += [((text, "quiet"),) for text in _wrapped(more, width)]
    return lines


def story_lines(story: Sequence[str], width: int) -> list[Line]:
    """Return the story of a replication below a heading; a long event goes on below itself."""
    lines: list[Line] = [(), (("Replication 0, event by event", "heading"),)]
    for event in story:
        lines += _entry(event, width)
    return lines


def _entry(text: str, width: int) -> list[Line]:
    """An entry of a list, which goes on below itself; names with hyphens stay whole where they can, to be copied."""
    below = " " * 2 * _INDENT
    wrapped = textwrap.wrap(text, width - _INDENT, subsequent_indent=below, break_on_hyphens=False) or [""]
    return [((" " * _INDENT + line, ""),) for line in wrapped]


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


def _measure(rows: Sequence[Row], width: int) -> _Columns:
    label = max((len(_label(row)) for row in rows), default=0)
    value = max((len(row.shown.value) for row in rows), default=0)
    interval = max((len(row.shown.interval) for row in rows), default=0)
    detail = max((len(text) for row in rows for text in row.details), default=0)
    left = width - (_INDENT + label + _GAP + value + _GAP + interval + _GAP)
    definition = left - detail - _GAP
    if definition < _LEAST_DEFINITION or width > _WIDEST or not any(row.definition for row in rows):
        definition = 0
    return _Columns(width, label, value, interval, max(0, min(detail, left)), definition)


def _section(part: Section, columns: _Columns) -> list[Line]:
    lines: list[Line] = [((text, "heading"),) for text in _wrapped(part.heading, columns.total)]
    for row in part.rows:
        lines.extend(_stacked(row, columns) if columns.stacked else _single(row, columns))
        margin = " " * 2 * _INDENT
        lines.extend(((margin + text, "quiet"),) for text in _wrapped(row.note, columns.total - len(margin)))
    return lines


def _single(row: Row, columns: _Columns) -> list[Line]:
    """Label, value, interval and as much remark as fits on one line; a definition may go on below itself."""
    line: list[Span] = [(" " * _INDENT, ""), *_label_spans(row, columns.label)]
    line.append((" " * _GAP + row.shown.value.rjust(columns.value), ""))
    line.append((" " * _GAP + row.shown.interval.ljust(columns.interval), ""))
    detail = next((text for text in row.details if len(text) <= columns.detail), "")
    line.append((" " * _GAP + detail.ljust(columns.detail), "quiet"))
    if row.counts and not detail:
        return [_trimmed(line), *_counts_below(row, columns)]
    if not columns.definition or not row.definition:
        return [_trimmed(line)]
    first, *others = textwrap.wrap(row.definition, columns.definition)
    line.append((" " * _GAP + first, "quiet"))
    margin = " " * (columns.total - columns.definition)
    return [tuple(line), *(((margin + other, "quiet"),) for other in others)]


def _trimmed(line: list[Span]) -> Line:
    """A line without blanks at its end."""
    while line and not line[-1][0].strip():
        line.pop()
    *others, (text, style) = line
    return (*others, (text.rstrip(), style))


def _stacked(row: Row, columns: _Columns) -> list[Line]:
    """Label above number, for narrow terminals; the interval on a third line if need be."""
    lines: list[Line] = [_trimmed([(" " * _INDENT, ""), *_label_spans(row, columns.total - _INDENT)])]
    whole = str(row.shown)
    numbers = (whole,) if 2 * _INDENT + len(whole) <= columns.total else (row.shown.value, row.shown.interval)
    lines.extend(((_below(text, columns.total), ""),) for text in numbers if text)
    return [*lines, *_counts_below(row, columns)] if row.counts else lines


def _counts_below(row: Row, columns: _Columns) -> list[Line]:
    """Numerator and denominator on a line of their own."""
    fitting = (text for text in row.details if 2 * _INDENT + len(text) <= columns.total)
    return [((_below(next(fitting, row.details[-1]), columns.total), "quiet"),)]


def _below(text: str, width: int) -> str:
    """A text under its label, indented as far as there is room."""
    return " " * max(0, min(2 * _INDENT, width - len(text))) + _cut(text, width)


def _label(row: Row) -> str:
    prefix = f"{row.mark} " if row.mark else " " * _INDENT * row.depth
    return prefix + row.label


def _label_spans(row: Row, width: int) -> list[Span]:
    text = _cut(_label(row), width).ljust(width)
    if row.mark:
        return [(text[:1], row.mark.word), (text[1:], "")]
    return [(text, "")]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1))
