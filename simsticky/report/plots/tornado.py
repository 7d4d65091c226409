"""Which swept setting matters most."""

from collections.abc import Iterable
from statistics import fmean
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from simsticky.report.numbers import show
from simsticky.report.plots.style import (
    BLUE,
    GRID,
    INK,
    ORANGE,
    QUIET,
    axes_for,
    entitle,
    is_narrow,
    label_of,
    legend_below,
    plain,
    styled,
    unit_axis,
)
from simsticky.report.sweep_table import Setting, SweepLike, settings, written
from simsticky.stats.intervals import Interval
from simsticky.study.tornado import Bar, Tornado

if TYPE_CHECKING:
    from simsticky.study.estimate import Estimate


Ends = tuple[tuple[float, str], tuple[float, str]]
"""The lowest and the highest value of the metric, each with the setting's value there."""


@styled
def tornado(what: SweepLike | Tornado, ax: Axes | None = None, *, metric: str = "broken_sessions") -> Axes:
    """Draw how far each setting moves a metric: a bar from its lowest to its highest value, the longest on top.

    Of a tornado the ends are the metric at both ends of the setting's range, all others as they are, and the line in
    the middle is the scenario as it is. Of a sweep each end is the mean over the points that have that value, the
    setting's main effect whatever the others are, and the line is the mean of all points.

    Args:
        what: A tornado or a sweep.
        ax: Where to draw; a new figure by default.
        metric: The metric; a tornado has its own.

    Returns:
        The axes; the bars are two containers, the part below and the part above the middle.
    """
    if isinstance(what, Tornado):
        metric, study = what.metric, what.base
        middle = study.estimate(metric).interval.estimate or 0.0
        ends = {bar.setting: _range(bar) for bar in what.bars}
        title = "What matters: each setting at both ends of its range"
        middle_is = "the scenario as it is"
    else:
        study = what.studies[0]
        middle = fmean(_known(each.estimate(metric) for each in what.studies))
        ends = {setting.path: ends_of(what, setting, metric) for setting in settings(what)}
        title = "What matters: mean at each setting's best and worst value"
        middle_is = "mean of all points"
    unit = study.estimate(metric).unit
    paths = sorted(ends, key=lambda path: ends[path][0][0] - ends[path][1][0])
    ax = axes_for(ax, height=1.6 + 0.5 * len(paths))
    places = range(len(paths))
    low = [min(ends[path][0][0], middle) for path in paths]
    high = [max(ends[path][1][0], middle) for path in paths]
    for values, colour, hatch, side in ((low, BLUE, "", "low"), (high, ORANGE, "///", "high")):
        lengths = [value - middle for value in values]
        ax.barh(places, lengths, 0.55, left=middle, color=colour, hatch=hatch, edgecolor=INK, lw=0.5, label=side)
    line = ax.axvline(middle, color=INK, lw=1.0, label=f"{middle_is}: {show(Interval(middle, None, None), unit)}")
    for place, path in enumerate(paths):
        (least, least_at), (most, most_at) = ends[path]
        ax.annotate(plain(least_at, 14), (least, place), (-4, 0), textcoords="offset points", ha="right", va="center")
        ax.annotate(plain(most_at, 14), (most, place), (4, 0), textcoords="offset points", ha="left", va="center")
    span = (max(high) - min(low)) or max(abs(middle), 1e-9)
    # Room for the values written beside the bars.
    ax.set(xlim=(min(low) - 0.3 * span, max(high) + 0.3 * span), ylim=(len(paths) - 0.5, -0.5))
    ax.set_yticks(places, [_named(ax, path) for path in paths])
    ax.tick_params(axis="y", length=0)
    unit_axis(ax.xaxis, unit)
    ax.set_xlabel(label_of(metric, unit))
    ax.grid(axis="x", color=GRID)
    ax.set_axisbelow(True)
    ax.spines["left"].set_color(QUIET)
    entitle(ax, title)
    legend_below(ax, handles=[line])
    return ax


def _named(ax: Axes, path: str) -> str:
    """Return a setting's path; on a phone's width its last word alone, which is what tells it."""
    return plain(path.rpartition(".")[2], 14) if is_narrow(ax) else plain(path, 34)


def _known(estimates: "Iterable[Estimate]") -> list[float]:
    return [value for estimate in estimates if (value := estimate.interval.estimate) is not None]


def _range(bar: Bar) -> Ends:
    low, high = ((each.interval.estimate or 0.0) for each in (bar.at_low, bar.at_high))
    first, second = sorted(zip((low, high), map(written, bar.ends), strict=True))
    return first, second


def ends_of(sweep: SweepLike, setting: Setting, metric: str) -> Ends:
    """Return the lowest and the highest mean of a metric over the points with one value of a setting."""
    means = []
    for value in setting.values:
        at_value = [
            study.estimate(metric)
            for point, study in zip(sweep.points, sweep.studies, strict=True)
            if written(point.get(setting.path)) == value
        ]
        if found := _known(at_value):
            means.append((fmean(found), value))
    return min(means), max(means)
