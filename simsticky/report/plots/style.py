"""How every figure looks: colours that people who see few of them can tell apart, marks, units, and safe text.

Nothing is told by colour alone: lines differ in dashes and markers, areas in hatching. The colours are those of Okabe
and Ito (Color Universal Design, 2008), which also differ in brightness, so that a grey print still reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from textwrap import wrap
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
from matplotlib.transforms import ScaledTranslation

from simsticky.report.numbers import clock
from simsticky.units import format_duration

if TYPE_CHECKING:
    from matplotlib.axis import Axis

P = ParamSpec("P")
R = TypeVar("R")

INK = "#1b1b1f"
GRID = "#d9d9de"
QUIET = "#6b6b73"
BLUE, ORANGE, GREEN, VERMILLION = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PURPLE, SKY = "#cc79a7", "#56b4e9"
LINES = ((BLUE, "-", "o"), (VERMILLION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))
"""Colour, dashes and marker of the first, second, third and fourth line of a figure."""

PAPER: dict[Any, Any] = {
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.labelcolor": INK,
    "text.color": INK,
    "text.usetex": False,
    # A `$` in somebody's pod name is a dollar, not the beginning of a formula.
    "text.parse_math": False,
    "hatch.linewidth": 0.6,
    "hatch.color": INK,
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "lines.linewidth": 1.6,
}
"""matplotlib settings of every figure. The ground is transparent: the page or the notebook gives it."""

LONGEST_LABEL = 28


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw with the settings of :data:`PAPER`, and leave those of the caller as they were."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(PAPER):
            result = draw(*args, **kwargs)
            interactive = mpl.rcParams["interactive"]
        # The first figure of a notebook starts its backend, which switches this on: it must not be switched off again.
        mpl.rcParams["interactive"] = interactive
        return result

    return drawn


WIDTH, NARROW_WIDTH = 7.2, 4.1
"""Inches that a figure is wide, and that one for a phone is wide."""
_drawn_by_pyplot = ContextVar("drawn_by_pyplot", default=True)
_width = ContextVar("width", default=WIDTH)


@contextmanager
def without_pyplot() -> Iterator[None]:
    """Make new figures outside pyplot, for pages: no window, no notebook and no other thread sees them."""
    token = _drawn_by_pyplot.set(False)
    try:
        yield
    finally:
        _drawn_by_pyplot.reset(token)


@contextmanager
def for_a_phone() -> Iterator[None]:
    """Make new figures as wide as a phone: fewer ticks, titles and legends on more lines, texts as large as ever."""
    token = _width.set(NARROW_WIDTH)
    try:
        yield
    finally:
        _width.reset(token)


def is_narrow(ax: Axes) -> bool:
    """Return whether axes are on a figure for a phone."""
    return figure_of(ax).get_figwidth() < (WIDTH + NARROW_WIDTH) / 2


def axes_for(ax: Axes | None, height: float = 3.4) -> Axes:
    """Return the axes to draw on: those given, or new ones, 7.2 inches wide and ``height`` inches high.

    New ones are made through pyplot, so that a notebook shows them.
    """
    if ax is not None:
        return ax
    size = (_width.get(), height)
    if not _drawn_by_pyplot.get():
        return Figure(figsize=size, layout="constrained").add_subplot()
    from matplotlib import pyplot as plt

    return plt.figure(figsize=size, layout="constrained").add_subplot()


def nothing(ax: Axes | None, title: str, why: str) -> Axes:
    """Return axes that say why a figure has nothing to draw; new ones are low, since they hold one line."""
    ax = axes_for(ax, height=1.2)
    ax.text(0.5, 0.5, why, ha="center", va="center", color=QUIET, transform=ax.transAxes)
    entitle(ax, title)
    ax.set(xticks=[], yticks=[])
    ax.set_axis_off()
    return ax


def entitle(ax: Axes, title: str) -> None:
    """Write a title over axes; on a phone's width on as many lines as it takes."""
    if is_narrow(ax):
        ax.set_title("\n".join(wrap(title, 42)), fontsize=9.5)
    else:
        ax.set_title(title)


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def plain(text: str, most: int = LONGEST_LABEL) -> str:
    """Return somebody's text as a label: one line, printable, at most ``most`` characters."""
    one_line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return one_line if len(one_line) <= most else one_line[: most - 1] + "…"


def time_axis(axis: "Axis", zero_s: float, label: str) -> None:
    """Let an axis of simulated seconds count from ``zero_s``, in minutes and seconds, with ticks at whole ones."""
    low, high = sorted(axis.get_view_interval())
    step = _step(high - low, 5 if is_narrow(axis.axes) else 8)
    first = -(-(low - zero_s) // step)
    ticks = [zero_s + step * n for n in range(int(first), int((high - zero_s) // step) + 1)]
    axis.set_ticks(ticks)
    axis.set_major_formatter(FuncFormatter(lambda at_s, _: clock(at_s - zero_s)))
    axis.set_label_text(f"{label} (min:s)")


def _step(span_s: float, most: int = 8) -> float:
    """Return the shortest usual step that gives at most so many ticks."""
    steps = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    return next((step for step in steps if span_s / step <= most), max(86400.0, span_s / most))


def unit_axis(axis: "Axis", unit: str) -> None:
    """Write an axis in the unit of a metric: ``share`` in percent, ``seconds`` as durations, else plain numbers."""
    most = 4 if axis is axis.axes.xaxis and is_narrow(axis.axes) else 6
    axis.set_major_locator(MaxNLocator(most, integer=unit == "count", steps=[1, 2, 2.5, 5, 10]))
    low, high = sorted(axis.get_view_interval())
    if unit == "share":
        # Beyond 0 and 1 there is only room for text.
        least, largest = max(low, 0.0) - 1e-9, min(high, 1.0) + 1e-9
        axis.set_ticks([share for share in axis.get_major_locator().tick_values(low, high) if least < share < largest])
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))
    elif unit == "seconds" and max(abs(low), abs(high)) >= 60:
        axis.set_major_locator(MultipleLocator(_step(high - low, most + 2)))
        axis.set_major_formatter(FuncFormatter(lambda seconds, _: format_duration(seconds) if seconds else "0"))
    elif unit == "seconds":
        axis.set_major_formatter(FuncFormatter(lambda seconds, _: _seconds(seconds)))


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if abs(seconds) >= 1 or seconds == 0 else f"{round(seconds * 1000, 6):g} ms"


def value_axis(axis: "Axis", places: Sequence[float], labels: Sequence[str]) -> None:
    """Write values at their places on a level axis: a tick each, and a label where there is room, both ends first."""
    width = figure_of(axis.axes).get_figwidth() - 1.9
    low, high = sorted(axis.get_view_interval())
    inch = width / ((high - low) or 1.0)
    order = sorted(range(len(places)), key=lambda value: (value not in (0, len(places) - 1), places[value]))
    kept: list[int] = []
    for value in order:
        apart = (abs(places[value] - places[other]) * inch for other in kept)
        needed = (0.12 + 0.035 * (len(labels[value]) + len(labels[other])) for other in kept)
        if all(there >= wanted for there, wanted in zip(apart, needed, strict=True)):
            kept.append(value)
    axis.set_ticks([places[value] for value in sorted(kept)], [labels[value] for value in sorted(kept)])
    axis.set_ticks(list(places), minor=True)


def label_of(name: str, unit: str) -> str:
    """Return what an axis with a metric is called, with its unit."""
    label = _LABELS.get(name, name.replace("_", " ").removesuffix(" s"))
    return label if unit == "ratio" else f"{label} ({_UNITS[unit]})"


_UNITS = {"share": "%", "seconds": "time", "count": "per replication"}
_LABELS: Mapping[str, str] = {
    "broken_sessions": "broken sessions of the exposed",
    "broken_of_alive": "broken sessions of those alive",
    "failed_requests": "failed requests of those sent",
    "breaks_per_session": "breaks per exposed session",
    "rollout_done_s": "rollout done after",
    "last_old_pod_gone_s": "last old pod gone after",
    "peak_pods": "most pods at once",
    "load_skew.sessions.serving.max_to_mean": "fullest pod over the mean",
}


def legend_below(ax: Axes, *twins: Axes, handles: Sequence[Artist] = (), columns: int = 3) -> None:
    """Put a legend under the axes, where it covers no data.

    Args:
        ax: The axes.
        twins: Axes over them with lines of their own.
        handles: What to explain; what has a label on the axes and their twins by default.
        columns: Entries beside each other.
    """
    shown = list(handles)
    if not shown:
        shown = [handle for one in (ax, *twins) for handle in one.get_legend_handles_labels()[0]]
    if not shown:
        return
    figure = figure_of(ax)
    if is_narrow(ax):
        columns = max(1, columns - 1)
    if figure.get_layout_engine() is not None and set(figure.axes) == {ax, *twins}:
        # Of the figure, where that lays itself out: there the legend gets room of its own.
        figure.legend(handles=shown, loc="outside lower center", ncols=columns)
    else:
        # Below the ticks and the label of the x axis, however high the axes are.
        below = ax.transAxes + ScaledTranslation(0, -0.5, figure.dpi_scale_trans)
        ax.legend(
            handles=shown, ncols=columns, loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, borderpad=0
        )
