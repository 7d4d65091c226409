"""Blocks as HTML: whole pages that need no network, and the parts of pages that have a script of their own.

Everything that a scenario, a manifest or a file name says reaches a page through Jinja's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from simsticky.report.blocks import Block, Column, Figure, Kind, Section, Table

if TYPE_CHECKING:
    from types import ModuleType

    from matplotlib.axes import Axes

_PACKAGE = __name__.rpartition(".render.")[0]


class Live(NamedTuple):
    """A part of a page that moves: it has a script and a style sheet of its own.

    Attributes:
        html: A section, the script within it.
        css: What it looks like.
        policy: The source expression that lets a content security policy run its script and no other.
    """

    html: Markup = Markup("")
    css: Markup = Markup("")
    policy: str = "'none'"


NOTHING = Live()
"""Nothing that moves."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        name: What it is about, in few words.
        lead: What is said above everything else.
        body: What is for everybody.
        facts: What it takes to get the same numbers again, by name.
        annex: What is there to be looked up.
        live: What moves, between the two; nothing by default.
    """

    name: str
    lead: Sequence[Block]
    body: Sequence[Block]
    facts: Sequence[tuple[str, object]]
    annex: Sequence[Block] = ()
    live: Live = NOTHING


def render(page: Page) -> str:
    """Return a page as one HTML file; the same page gives the same bytes."""
    drawn = _drawn([*page.lead, *page.body, *page.annex])
    return environment().get_template("page.html.j2").render(page=page, drawn=drawn)


def part(blocks: Sequence[Block], level: int = 2) -> Markup:
    """Return blocks as a part of a page, the headings of sections beginning at a level."""
    template: ModuleType = (
        environment()
        .get_template("blocks.html.j2")
        .make_module(  # type: ignore[assignment]
            {"drawn": _drawn(blocks)}
        )
    )
    return Markup(template.all(blocks, level))


@cache
def environment() -> Environment:
    """Return the template environment: every value is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["css"] = Markup(text_of("page.css"))
    made.filters |= {
        "breakable": breakable,
        "is_marked": _is_marked,
        "kind": lambda block: type(block).__name__,
        "shown_columns": _shown_columns,
    }
    return made


def text_of(name: str) -> str:
    """Return a file that stands beside the templates."""
    return files(_PACKAGE).joinpath("templates", name).read_text(encoding="utf-8")


def script(name: str) -> tuple[Markup, str]:
    """Return a script of ours and the source expression that lets a content security policy run it and no other."""
    text = text_of(name)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Markup(text), f"'sha256-{digest}'"


def embedded(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that may stand inside a script element: nothing in it can end that element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def breakable(text: object) -> Markup:
    """Return a name that may be broken after its dots and underscores, and nowhere else before it must."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(text))))


def _drawn(blocks: Sequence[Block]) -> dict[str, Markup]:
    """Draw all pictures of a page, by name: those that share an axis are laid out together."""
    figures = list(_figures(blocks))
    if not figures:
        return {}
    from simsticky.report.picture import Drawing, pictures

    drawings = [Drawing(draw, one.name, f"{one.heading}. {one.text}") for one, draw in figures]
    made = pictures(drawings, [one.name for one, _ in figures if one.over_time])
    return {drawing.name: picture for drawing, picture in zip(drawings, made, strict=True)}


def _figures(blocks: Sequence[Block]) -> Iterator[tuple[Figure, Callable[[], Axes]]]:
    for block in blocks:
        if isinstance(block, Section):
            yield from _figures(block.blocks)
        elif isinstance(block, Figure) and block.draw is not None:
            yield block, block.draw


def _shown_columns(table: Table) -> list[tuple[int, Column]]:
    return [(at, column) for at, column in enumerate(table.columns) if column.kind is not Kind.BAR]


def _is_marked(table: Table) -> bool:
    """Whether the rows themselves are judged, so that their marks have a column."""
    return any(row.cells[0].mark for row in table.rows)
