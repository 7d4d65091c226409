"""A figure as part of a page: inline SVG that takes the page's colours, or a bitmap where that would be too large.

The same figure gives the same bytes: no date, no random ids.
"""

import base64
import io
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simsticky.report.plots import style
from simsticky.report.plots.style import figure_of, for_a_phone, without_pyplot

LARGEST_SVG = 250_000
"""Characters above which a figure becomes a bitmap."""

_DOTS_PER_INCH = 144

COLOURS = {
    style.INK: "ink",
    style.GRID: "line",
    style.QUIET: "quiet",
    style.BLUE: "blue",
    style.ORANGE: "orange",
    style.GREEN: "green",
    style.VERMILLION: "vermillion",
    style.PURPLE: "purple",
    style.SKY: "sky",
    "#ffffff": "paper",
}
"""CSS variable of each colour, so that a picture is readable on a light and on a dark page."""

_DRAWN = {"svg.hashsalt": "simsticky", "svg.fonttype": "path", "svg.image_inline": True}
_COLOUR = re.compile("|".join(map(re.escape, COLOURS)))
_FILLED = re.compile(r'fill="(#[0-9a-f]{6})"')
_NAMESPACES = {"xmlns": "2000/svg", "xmlns:xlink": "1999/xlink"}
_PATH = re.compile(r'(?<=\sd=")[^"]*(?=")')
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_COORDINATES = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0, "Z": 0}
"""What matplotlib writes into paths, all of it absolute: how many numbers follow each command."""
_ID = re.compile(r'\sid="([^"]*)"')
_USED = re.compile(r'(?:href="#|url\(#)([^")]*)')
_NAMED = re.compile(r'(\sid="|href="#|url\(#)')


class Drawing(NamedTuple):
    """A figure of a page.

    Attributes:
        draw: Draws and returns the axes, on a figure of its own.
        name: A word that no other picture of the page has.
        label: What the picture shows, for those who do not see it.
    """

    draw: Callable[[], Axes]
    name: str
    label: str


def pictures(drawings: Sequence[Drawing], aligned: Collection[str] = ()) -> list[Markup]:
    """Draw the figures of a page and return each as HTML, twice: as wide as a page, and as a phone.

    Args:
        drawings: The figures.
        aligned: Names of those that stand one under the other and share an axis: they get the same margins.
    """
    with _on_paper():
        wide = _drawn(drawings, aligned)
        with for_a_phone():
            narrow = _drawn([one._replace(name=f"{one.name}-narrow") for one in drawings], ())
    both = Markup('<div class="broad">{}</div><div class="narrow">{}</div>')
    return [both.format(*pair) for pair in zip(wide, narrow, strict=True)]


def bitmap(draw: Callable[[], Axes], label: str) -> Markup:
    """Draw a figure and return it as an image on white, for where a page's style sheet does not reach."""
    with _on_paper():
        return _bitmap(figure_of(draw()), label)


@contextmanager
def _on_paper() -> Iterator[None]:
    with mpl.rc_context(style.PAPER | _DRAWN), without_pyplot(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the page says it in text as well.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _drawn(drawings: Sequence[Drawing], aligned: Collection[str]) -> list[Markup]:
    axes = [one.draw() for one in drawings]
    align([ax for ax, one in zip(axes, drawings, strict=True) if one.name in aligned and ax.axison])
    return [_picture(figure_of(ax), one.name, one.label) for ax, one in zip(axes, drawings, strict=True)]


def align(axes: Sequence[Axes]) -> None:
    """Give axes of figures of one width the widest left and right margin that any of them needs."""
    boxes = []
    for ax in axes:
        figure = figure_of(ax)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        boxes.append(ax.get_position())
    for ax, box in zip(axes, boxes, strict=True):
        left, right = max(one.x0 for one in boxes), min(one.x1 for one in boxes)
        ax.set_position((left, box.y0, right - left, box.height))


def _picture(figure: Figure, name: str, label: str) -> Markup:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    inline = _inline(text.getvalue(), name, label)
    return inline if len(inline) <= LARGEST_SVG else _bitmap(figure, label)


def _bitmap(figure: Figure, label: str) -> Markup:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=_DOTS_PER_INCH, facecolor="white", metadata={"Software": None})
    data = base64.b64encode(image.getvalue()).decode("ascii")
    return Markup(f'<img class="bitmap" alt="{escape(label)}" src="data:image/png;base64,{data}">')


def compact(svg: str) -> str:
    """Return an SVG document of matplotlib's with shorter paths, comments and metadata taken away.

    Coordinates are kept to a hundredth of a point, finer than any screen; lines are written relative to where the pen
    is, and level and upright ones as such: a curve of steps is all of these.
    """
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _PATH.sub(lambda path: _shorter(path.group()), svg)
    return re.sub(r"\n\s*", "\n", svg).replace("\n/>", "/>")


def _shorter(path: str) -> str:
    parts = []
    x = y = start_x = start_y = 0
    for command, text in _COMMAND.findall(path):
        # In hundredths: whole numbers, so that rounding does not add up along the path.
        numbers = [round(100 * float(number)) for number in text.split()]
        if len(numbers) != _COORDINATES.get(command):
            raise ValueError(f"matplotlib wrote a path in a way that is not known: {command}{text}")
        if not numbers:
            parts.append("z")
            x, y = start_x, start_y
            continue
        across, down = numbers[-2] - x, numbers[-1] - y
        if command == "M":
            parts.append(f"M{_point(numbers[0])} {_point(numbers[1])}")
            start_x, start_y = numbers
        elif command != "L":
            relative = [n - (y if place % 2 else x) for place, n in enumerate(numbers)]
            parts.append(command.lower() + " ".join(map(_point, relative)))
        elif down == 0 != across:
            parts.append(f"h{_point(across)}")
        elif across == 0:
            parts.append(f"v{_point(down)}")
        else:
            parts.append(f"l{_point(across)} {_point(down)}")
        x, y = numbers[-2:]
    return "".join(parts)


def _point(hundredths: int) -> str:
    return f"{hundredths / 100:g}"


def _inline(svg: str, name: str, label: str) -> Markup:
    """Return an SVG document as an element of a page.

    matplotlib escapes every text that it writes, so all markup in it is its own.
    """
    svg = compact(svg[svg.index("<svg") :])
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    # A presentation attribute knows no CSS variables.
    svg = _FILLED.sub(r'style="fill: \1"', svg)
    svg = _COLOUR.sub(lambda found: f"var(--{COLOURS[found.group()]})", svg)
    used = set(_USED.findall(svg))
    svg = _ID.sub(lambda found: found.group() if found.group(1) in used else "", svg)
    svg = _NAMED.sub(rf"\g<1>{name}-", svg)
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    spaces = "".join(f' {key}="http://www.w3.org/{of}"' for key, of in _NAMESPACES.items())
    head = f'<svg {view.group()} class="picture" role="img" aria-label="{escape(label)}"{spaces}>'
    return Markup(head + svg[svg.index(">") + 1 :])
