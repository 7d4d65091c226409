"""What a setting buys and what it costs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from simsticky.report.plots.style import (
    GRID,
    INK,
    LINES,
    QUIET,
    axes_for,
    entitle,
    label_of,
    legend_below,
    plain,
    styled,
    unit_axis,
    value_axis,
)
from simsticky.report.sweep_table import Line, Setting, SweepLike, along, knee, settings, standings, written
from simsticky.scenario.thresholds import Threshold

if TYPE_CHECKING:
    from simsticky.stats.intervals import Interval

_MOST_LINES = len(LINES)
_DOTS = (0, (1, 2))


@styled
def trade_off(
    sweep: SweepLike,
    ax: Axes | None = None,
    *,
    setting: str | None = None,
    metric: str = "broken_sessions",
    cost: str | None = "last_old_pod_gone_s",
    at: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw a metric and a cost against a swept setting.

    The metric has its 95 % interval as a band, the scenario's threshold as a line, and its knee as a ring: the value
    after which more buys little. The cost is dotted, on the axis at the right, in the colour of its line. Other swept
    settings give a line each, at most four; beyond that they are held at their first value, and the title says so.

    Args:
        sweep: The sweep.
        ax: Where to draw; a new figure by default.
        setting: Dotted path of the setting; the one with the most values by default.
        metric: The metric on the left.
        cost: The metric on the right; None for none.
        at: Values of other settings to hold, by path.

    Returns:
        The axes; lines have the gids ``metric`` and ``cost``. x is the value of the setting: in seconds, as a share,
        or a plain number; values that are words stand side by side, and x is their place, from 0.

    Raises:
        ValueError: The setting was not swept.
    """
    swept = settings(sweep)
    chosen = max(swept, key=lambda one: len(one.values)) if setting is None else _named(swept, setting)
    others = [other for other in swept if other.path != chosen.path]
    held = {path: written(value) for path, value in (at or {}).items()}
    lines = along(sweep, chosen, others, held)
    fit = [standing is None or standing.is_acceptable for standing in standings(sweep)]
    if len(lines) > _MOST_LINES:
        held = {other.path: other.values[0] for other in others} | held
        lines = along(sweep, chosen, others, held)
    ax = axes_for(ax, height=3.8)
    twin = ax.twinx() if cost is not None else None
    estimates = [[study.estimate(metric) for study in sweep.studies]]
    for look, line in zip(LINES, lines, strict=False):
        name = ", ".join(f"{_last(path)} {value}" for path, value in line.held.items() if path not in held)
        bends = [fit[point] for point in line.points]
        _draw(ax, chosen, line, [estimates[0][point].interval for point in line.points], bends, look, plain(name, 40))
        if twin is not None and cost is not None:
            _draw_cost(twin, sweep, chosen, line, cost, look)
    unit = estimates[0][0].unit
    # Their kind explained once, after the lines that have names.
    if any(line.get_gid() == "knee" for line in ax.lines):
        ax.plot([], [], "o", ms=9, mfc="none", mec=INK, mew=1.2, label="knee")
    _threshold(ax, sweep, metric)
    ax.margins(x=0.06)
    value_axis(ax.xaxis, _scale(chosen), [plain(value, 12) for value in chosen.values])
    ax.set(xlabel=plain(chosen.path, 40), ylabel=label_of(metric, unit))
    ax.set_ylim(0, ax.get_ylim()[1] * 1.05)
    unit_axis(ax.yaxis, unit)
    ax.grid(axis="y", color=GRID)
    if twin is not None and cost is not None:
        _name_cost(twin, sweep, cost)
    fixed = ", ".join(f"{_last(path)} {value}" for path, value in held.items())
    entitle(ax, "Trade-off" + (f" at {plain(fixed, 60)}" if fixed else ""))
    legend_below(ax, *([] if twin is None else [twin]), columns=2)
    return ax


def _draw(
    ax: Axes,
    setting: Setting,
    line: Line,
    intervals: "Sequence[Interval]",
    fit: Sequence[bool],
    look: tuple[str, str, str],
    name: str,
) -> None:
    """Draw one line; its knee is marked only where the point is one to choose (``fit``)."""
    colour, dashes, marker = look
    scale = _scale(setting)
    places = [scale[place] for place in line.places]
    known = [(place, i) for place, i in zip(places, intervals, strict=True) if i.estimate is not None]
    xs, ys = [place for place, _ in known], [interval.estimate or 0.0 for _, interval in known]
    ax.plot(xs, ys, color=colour, ls=dashes, marker=marker, ms=5, gid="metric", label=name or "mean, 95 % interval")
    lows = [interval.estimate if interval.low is None else interval.low for _, interval in known]
    highs = [interval.estimate if interval.high is None else interval.high for _, interval in known]
    ax.fill_between(
        xs, [low or 0.0 for low in lows], [high or 0.0 for high in highs], color=colour, alpha=0.2, lw=0, gid="band"
    )
    widest = max((high or 0.0) - (low or 0.0) for low, high in zip(lows, highs, strict=True)) if known else 0.0
    # A bend smaller than the bands is noise.
    bend = knee(xs, ys) if known and max(ys) - min(ys) > widest else None
    if bend is not None and fit[places.index(xs[bend])]:
        ax.plot([xs[bend]], [ys[bend]], "o", ms=13, mfc="none", mec=INK, mew=1.2, gid="knee")


def _draw_cost(
    twin: Axes, sweep: SweepLike, setting: Setting, line: Line, cost: str, look: tuple[str, str, str]
) -> None:
    colour, _, marker = look
    scale = _scale(setting)
    found = [sweep.studies[point].estimate(cost).interval.estimate for point in line.points]
    drawn = [(scale[place], value) for place, value in zip(line.places, found, strict=True) if value is not None]
    twin.plot(*_columns(drawn), color=colour, ls=_DOTS, lw=1.2, marker=marker, mfc="none", ms=5, gid="cost")


def _name_cost(twin: Axes, sweep: SweepLike, cost: str) -> None:
    """Say on the right axis, and once in the legend, what the dotted lines are."""
    unit = sweep.studies[0].estimate(cost).unit
    twin.set_ylim(0, twin.get_ylim()[1] * 1.05)
    label = f"{label_of(cost, 'ratio')}, right axis"
    twin.plot([], [], color=QUIET, ls=_DOTS, lw=1.2, marker="o", mfc="none", ms=5, label=label)
    twin.set_ylabel(label_of(cost, unit))
    unit_axis(twin.yaxis, unit)
    twin.spines["right"].set_visible(True)


def _threshold(ax: Axes, sweep: SweepLike, metric: str) -> None:
    text = sweep.scenarios[0].thresholds.get(metric)
    if text is not None:
        value = Threshold.parse(text).value
        ax.axhline(value, color=INK, lw=1.1, ls=(0, (8, 3)), gid="threshold", label=f"threshold {text}")


def _named(swept: Sequence[Setting], path: str) -> Setting:
    for setting in swept:
        if setting.path == path:
            return setting
    raise ValueError(f"{path} was not swept; swept were {', '.join(setting.path for setting in swept)}")


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _scale(setting: Setting) -> tuple[float, ...]:
    """Return where each value of a setting stands: at its number; words one beside the other."""
    return setting.numbers or tuple(range(len(setting.values)))


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in pairs], [y for _, y in pairs]
