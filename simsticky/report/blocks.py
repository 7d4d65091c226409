"""The document model: what a study, a comparison or a recommendation says, before any layout.

Whatever a verb has found becomes a list of blocks, once. ``simsticky.report.render`` has a module for each place where
people read them: the terminal, Markdown, HTML pages, notebooks, and CSV for machines. What is said is decided here and
in the modules that make blocks; how it looks is decided there.

The signs and words of a verdict are those of :class:`simsticky.study.verdicts.Mark`, in every block and every output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from simsticky.report.numbers import Shown, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simsticky.stats.intervals import Interval
    from simsticky.study.verdicts import Mark

Exact: TypeAlias = str | int | float | bool | None
"""What a machine reads in a cell: full precision, shares as parts of 1, times in seconds; None is missing."""


class Tone(Enum):
    """How loudly a sentence is said."""

    STRONG = "strong"
    PLAIN = "plain"
    ALERT = "alert"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Title:
    """What was asked, how often, and how to read a value; one line."""

    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A whole sentence, or several that belong together.

    Attributes:
        text: The sentence, with its full stop.
        tone: How loudly it is said.
    """

    text: str
    tone: Tone = Tone.STRONG


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sentence that judges.

    Attributes:
        mark: What is said; its sign stands in front.
        text: The sentence.
    """

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next: a command that works as it stands.

    Attributes:
        lead: What it tells, with a colon.
        command: The command, as a shell takes it; no layout wraps it.
    """

    lead: str
    command: str


@dataclass(frozen=True, slots=True)
class Note:
    """How to read what stands above, or what it rests on."""

    text: str


@dataclass(frozen=True, slots=True)
class Warnings:
    """What a reader should know before believing the numbers; a terminal says it on standard error."""

    texts: tuple[str, ...]


class Kind(Enum):
    """What a column holds, which says how it is aligned and written."""

    LABEL = "label"
    """Words that head the row, on the left."""
    KEY = "key"
    """A setting's value: it heads the row too, on the right."""
    NUMBER = "number"
    """An estimate, its interval behind it."""
    WORDS = "words"
    """Text on the left."""
    QUIET = "quiet"
    """Text on the left that is there to be looked up."""
    CODE = "code"
    """A name as a machine knows it; it heads the row."""
    SPELT = "spelt"
    """What the row's sign says, in words; a terminal's grid has the sign instead."""
    BAR = "bar"
    """A bar of characters, for terminals that have room."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        head: Its heading; may be empty.
        kind: What it holds.
        unit: Unit of its numbers where all have the same: ``share``, ``points``, ``count``, ``ratio`` or ``seconds``.
    """

    head: str = ""
    kind: Kind = Kind.WORDS
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What people read.
        interval: The interval behind a number, in its brackets.
        mark: The mark of a threshold or a setting, in front.
        shorter: The text in fewer characters, longest first; a layout takes the longest that fits.
        must: Whether no width drops it.
        spoken: The text where no heading stands above it.
        exact: What machines read: a value, or a value, its low and its high end; the text, if empty.
    """

    text: str = ""
    interval: str = ""
    mark: Mark | None = None
    shorter: tuple[str, ...] = ()
    must: bool = False
    spoken: str = ""
    exact: tuple[Exact, ...] = ()

    def __str__(self) -> str:
        """Return all of it on one line."""
        return " ".join(part for part in (str(self.mark or ""), self.text, self.interval) if part)

    @property
    def forms(self) -> tuple[str, ...]:
        """The text in every length, longest first."""
        return (self.text, *self.shorter) if self.text else ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        cells: A cell a column; one that is missing is empty.
        depth: Indentation: 1 for a part of the row above.
        sign: One character in front of the row, in a terminal.
        note: What no width drops, below the row.
        definition: What its number means.
        is_group: Whether it only heads the rows below it.
        brief: The row as one sentence, for a layout that gives a row several lines.
    """

    cells: tuple[Cell, ...]
    depth: int = 0
    sign: str = ""
    note: str = ""
    definition: str = ""
    is_group: bool = False
    brief: str = ""


class Layout(Enum):
    """How a terminal lays a table out; other places have one way."""

    LIST = "a label and its number"
    HEADLINES = "a label and its number, large where there is room"
    GRID = "columns below their headings"
    CARDS = "a row on several lines"


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows, for those who hear it.
        columns: Its columns.
        rows: Its rows.
        layout: How a terminal lays it out.
        lead: The column that stays beside the label where a terminal has no room for all; the others go below it.
        joint: What is between these others.
        of: What a row is, as a noun.
        group: Lists of one group share the widths of a terminal's columns; one without shares with none.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    layout: Layout = Layout.GRID
    lead: int | None = None
    joint: str = ", "
    of: str = "row"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be copied.

    Attributes:
        heading: What they do.
        lines: The lines.
        language: What they are written in: ``sh``, ``yaml`` or nothing.
    """

    heading: str
    lines: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """A list of lines, each of which may be long.

    Attributes:
        items: The lines.
        is_log: Whether they are one account, as a machine would write it.
    """

    items: tuple[str, ...]
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """Names, and what each means."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, with its words and its numbers for those who do not see it.

    Attributes:
        name: A word that no other figure of the document has.
        heading: What it shows.
        draw: Draws it on a figure of its own and returns the axes; None where there is only the terminal's.
        text: One or two sentences below it.
        numbers: What is drawn, as a table.
        lines: The picture in characters, given the number of columns; None where a terminal only has the text.
        over_time: Whether its horizontal axis is the time of the run; such figures of one page get the same margins.
    """

    name: str
    heading: str
    draw: Callable[[], Axes] | None
    text: str
    numbers: Table | None = None
    lines: Callable[[int], Sequence[tuple[str, str]]] | None = None
    over_time: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading.

    Attributes:
        heading: What it is about; may be empty.
        blocks: What it says.
        folded: Whether it is an annex: a page folds it away, a terminal leaves it out.
        name: Its id on a page; none if empty.
    """

    heading: str
    blocks: tuple[Block, ...]
    folded: bool = False
    name: str = ""


Block: TypeAlias = (
    Title | Sentence | Verdict | Step | Note | Warnings | Table | Code | Entries | Terms | Figure | Section
)


def number(interval: Interval, unit: str, *, signed: bool = False, mark: Mark | None = None) -> Cell:
    """Return an estimate as a cell, as precise as its interval allows for people, and exact for machines.

    Args:
        interval: The estimate.
        unit: Its unit, see :func:`simsticky.report.numbers.show`.
        signed: Whether a plus sign is written, for differences.
        mark: The mark of its threshold.
    """
    shown = show(interval, unit, signed=signed)
    return Cell(shown.value, shown.interval, mark, exact=(interval.estimate, interval.low, interval.high))


def words(shown: Shown) -> Cell:
    """Return a number that is already text as a cell."""
    return Cell(shown.value, shown.interval)


def data(value: Exact) -> Cell:
    """Return what only machines read as a cell."""
    return Cell("" if value is None else str(value), exact=(value,))
