"""Which swept setting matters most."""

from statistics import fmean

from matplotlib.axes import Axes

from simsticky.report.plots.style import (
    BLUE,
    GRID,
    INK,
    ORANGE,
    QUIET,
    axes_for,
    label_of,
    plain,
    styled,
    unit_axis,
)
from simsticky.report.sweep_table import Setting, SweepLike, settings, written


@styled
def tornado(sweep: SweepLike, ax: Axes | None = None, *, metric: str = "broken_sessions") -> Axes:
    """Draw how far each swept setting moves a metric: a bar from its best to its worst value, the longest on top.

    Each end is the mean of the metric over the points of the sweep that have that value: the setting's main effect,
    whatever the others are. The line in the middle is the mean of all points.

    Args:
        sweep: The sweep.
        ax: Where to draw; a new figure by default.
        metric: The metric.

    Returns:
        The axes; the bars are two containers, the part below and the part above the middle.
    """
    middle = fmean(value for study in sweep.studies if (value := study.estimate(metric).interval.estimate) is not None)
    ends = {setting.path: _ends(sweep, setting, metric) for setting in settings(sweep)}
    paths = sorted(ends, key=lambda path: ends[path][0][0] - ends[path][1][0])
    ax = axes_for(ax, height=1.4 + 0.5 * len(paths))
    places = range(len(paths))
    low = [min(ends[path][0][0], middle) for path in paths]
    high = [max(ends[path][1][0], middle) for path in paths]
    for values, colour, hatch, side in ((low, BLUE, "", "low"), (high, ORANGE, "///", "high")):
        lengths = [value - middle for value in values]
        ax.barh(places, lengths, 0.55, left=middle, color=colour, hatch=hatch, edgecolor=INK, lw=0.5, label=side)
    ax.axvline(middle, color=INK, lw=1.0)
    for place, path in enumerate(paths):
        (least, least_at), (most, most_at) = ends[path]
        ax.annotate(plain(least_at, 14), (least, place), (-4, 0), textcoords="offset points", ha="right", va="center")
        ax.annotate(plain(most_at, 14), (most, place), (4, 0), textcoords="offset points", ha="left", va="center")
    span = (max(high) - min(low)) or max(abs(middle), 1e-9)
    # Room for the values written beside the bars.
    ax.set(xlim=(min(low) - 0.3 * span, max(high) + 0.3 * span), ylim=(len(paths) - 0.5, -0.5))
    ax.set_yticks(places, [plain(path, 34) for path in paths])
    ax.tick_params(axis="y", length=0)
    unit = sweep.studies[0].estimate(metric).unit
    unit_axis(ax.xaxis, unit)
    ax.set_xlabel(label_of(metric, unit))
    ax.grid(axis="x", color=GRID)
    ax.set_axisbelow(True)
    ax.spines["left"].set_color(QUIET)
    ax.set_title("What matters: mean at each setting's best and worst value")
    return ax


def _ends(sweep: SweepLike, setting: Setting, metric: str) -> tuple[tuple[float, str], tuple[float, str]]:
    """Return the lowest and the highest mean of the metric over a setting's values, each with that value."""
    means = []
    for value in setting.values:
        found = [
            estimate
            for point, study in zip(sweep.points, sweep.studies, strict=True)
            if written(point.get(setting.path)) == value
            and (estimate := study.estimate(metric).interval.estimate) is not None
        ]
        if found:
            means.append((fmean(found), value))
    return min(means), max(means)
