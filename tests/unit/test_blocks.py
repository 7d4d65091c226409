"""One document, five places: whatever is said is said in each of them, and nothing of others is markup."""

import csv as reader
import io
from collections.abc import Callable, Sequence

import matplotlib as mpl
import pytest
from markupsafe import Markup
from test_html import HOSTILE, Elements

from simsticky.report.blocks import (
    Block,
    Cell,
    Code,
    Column,
    Entries,
    Figure,
    Kind,
    Layout,
    Note,
    Row,
    Section,
    Sentence,
    Table,
    Terms,
    Title,
    Tone,
    Verdict,
    Warnings,
    number,
)
from simsticky.report.render import csv, html, markdown, notebook, terminal
from simsticky.report.render.lines import plain
from simsticky.stats.intervals import Interval
from simsticky.study.verdicts import Mark

INTERVAL = Interval(0.3301234, 0.3243, 0.3358)
SHOWN = "33.0\u202f%", "[32.4, 33.6]"


def drawn():
    """A figure with a bar."""
    axes = mpl.figure.Figure().subplots()
    axes.bar(["a"], [1])
    return axes


def document(word: str = "word") -> list[Block]:
    """A block of each kind, and a table of each layout."""
    columns = (Column("setting", Kind.LABEL), Column("broken", Kind.NUMBER, "share"), Column("remark", Kind.QUIET))
    cells = (Cell(f"label {word}", mark=Mark.FAIL), number(INTERVAL, "share"), Cell("1 of 3", must=True))
    rows = (Row((Cell("group"),), is_group=True), Row(cells, note=f"note {word}"))
    tables = [Table(f"table {layout.name}", columns, rows, layout) for layout in (Layout.LIST, Layout.HEADLINES)]
    grid = Table("grid", columns, (Row((Cell("x"), *cells[1:])),))
    shown = Table("cards", columns, (Row(cells), Row((Cell("b"), *cells[1:]), brief="brief")), Layout.CARDS)
    return [
        Verdict(Mark.FAIL, f"It breaks {word}."),
        Sentence(f"Said {word}.", Tone.PLAIN),
        Title(f"title {word}"),
        *tables,
        Section(f"heading {word}", (grid, shown)),
        Figure("fig", "drawn", drawn, f"caption {word}", grid),
        Entries((f"entry {word}",)),
        Code(f"do {word}", (f"run {word}",), "sh"),
        Note(f"noted {word}"),
        Section("annex", (Terms((("name", f"meaning {word}"),)),), folded=True),
        Warnings((f"warned {word}",)),
    ]


def page(blocks: Sequence[Block]) -> str:
    """A whole page."""
    return html.render(html.Page("name", blocks[:2], blocks[2:], [("seed", 1)]))


FOR_PEOPLE: dict[str, Callable[[Sequence[Block]], str]] = {
    "terminal": lambda blocks: plain(terminal.render(blocks, 80)),
    "markdown": markdown.render,
    "html": page,
    "notebook": notebook.render,
}


@pytest.mark.parametrize("place", FOR_PEOPLE)
def test_everything_is_said_everywhere(place):
    """Sentence, verdict with its sign, number with its interval, caption, note, code: no place drops one of them."""
    text = FOR_PEOPLE[place](document())
    if place in ("html", "notebook"):
        text = "".join(Elements(text).text)
    text = text.replace("\\", "")
    said = ("It breaks word.", "Said word.", "title word", "heading word", "caption word", "entry word", "run word")
    for words in (*said, "do word", "noted word", "label word", "note word", "group", "1 of 3", *SHOWN):
        assert words in text, words
    assert "✗" in text
    aside = ("meaning word", "warned word")
    # A terminal leaves annexes out, and says warnings on standard error.
    assert all((words in text) is (place != "terminal") for words in aside)


def test_csv_has_the_tables_at_full_precision():
    """A number takes three columns, value, low and high, exact; a group is no row, and words are no table."""
    text = csv.render(document())
    first = list(reader.reader(io.StringIO(text.split("\n\n")[0])))
    assert first == [
        ["setting", "broken", "broken low", "broken high", "remark"],
        ["✗ label word", "0.3301234", "0.3243", "0.3358", "1 of 3"],
    ]
    assert "It breaks" not in text
    assert len(text.split("\n\n")) == 5


@pytest.mark.parametrize("hostile", HOSTILE, ids=["script", "quote", "end", "template", "long"])
def test_what_others_write_is_text_in_html(hostile):
    """A page and a notebook have the same elements whatever the words are."""
    for place in ("html", "notebook"):
        tame, wild = (Elements(FOR_PEOPLE[place](document(word))) for word in ("word", hostile))
        assert set(wild.tags) == set(tame.tags)
        assert "".join(wild.text).count(hostile) >= 10


@pytest.mark.parametrize("width", [20, 33, 50, 80, 132, 1_000_000])
def test_no_line_of_a_terminal_is_too_wide(width):
    """At any width, but for what is to be copied; and no line ends in a blank."""
    lines = plain(terminal.render(document(), width)).splitlines()
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_a_markdown_table_has_as_many_cells_as_headings():
    """A bar in a text ends no cell, and what is folded closes again."""
    text = markdown.render(document("a|b"))
    tables = [part for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) == 5
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1
    assert text.count("<details>") == text.count("</details>") == 1


def test_a_figure_has_its_words_and_numbers_where_it_cannot_be_seen():
    """The picture's label is heading and caption, on a page and in a notebook; Markdown and CSV have its numbers."""
    (figure,) = [block for block in document() if isinstance(block, Figure)]
    assert 'aria-label="drawn. caption word"' in page([figure, figure][:1] * 2)
    assert 'alt="drawn. caption word"' in notebook.render([figure])
    assert "| x | 33.0" in markdown.render([figure])
    assert "0.3301234" in csv.render([figure])


def test_only_a_page_is_markup():
    """What a notebook and a page get is safe to embed; nothing else claims to be."""
    assert isinstance(html.part(document()), Markup)
    assert not isinstance(markdown.render(document()), Markup)


def test_what_moves_brings_its_own_script_and_nothing_else_runs():
    """A page allows the one script that a live part names; without such a part it allows none."""
    live = html.Live(Markup("<p id='live'>moves</p>"), Markup(".live { color: red }"), "'sha256-x'")
    shown = html.render(html.Page("name", [], document(), [], live=live))
    assert "script-src &#39;sha256-x&#39;" in shown
    assert shown.index(".live { color: red }") < shown.index("</style>") < shown.index("<p id='live'>")
    assert "script-src &#39;none&#39;" in page(document())


def test_nothing_is_nothing_everywhere():
    """A check that found nothing new writes an empty comment, and no fold around nothing."""
    assert (markdown.render([]), csv.render([]), terminal.render([], 80)) == ("", "", [])
