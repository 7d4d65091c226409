"""What broke the sessions."""

from textwrap import wrap
from typing import TYPE_CHECKING, Literal

from matplotlib.axes import Axes

from simsticky.report.numbers import show
from simsticky.report.plots.style import BLUE, GRID, INK, axes_for, entitle, is_narrow, nothing, plain, styled
from simsticky.report.plots.timeline import CAUSE_COLOURS
from simsticky.stats.intervals import Interval
from simsticky.study.replicate import Study

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

_BACKGROUND = "background"


@styled
def break_causes(
    result: "Study | Frames", ax: Axes | None = None, *, by: Literal["origin", "mechanism"] = "origin"
) -> Axes:
    """Draw the breaks that operations and crashes caused, a bar for each cause; what never happened has none.

    Args:
        result: A study: means per replication with 95 % intervals. Or one replication: its counts.
        ax: Where to draw; a new figure by default.
        by: What tells them apart: why (``origin``), each with the colour that it has in the timeline, or how the
            requests left their pod (``mechanism``), which is counted for operations only.

    Returns:
        The axes; the bars are its only container.
    """
    bars = _bars(result, by)
    if not bars:
        return nothing(ax, "What broke sessions", "no operation broke a session")
    ax = axes_for(ax, height=1.2 + 0.34 * max(len(bars), 2))
    values = [interval.estimate or 0.0 for _, interval in bars]
    colours = [CAUSE_COLOURS.get(name, BLUE) for name, _ in bars]
    ax.barh(range(len(bars)), values, 0.7, color=colours, edgecolor=INK, lw=0.5, alpha=0.85)
    ends = []
    for place, (_, interval) in enumerate(bars):
        value = interval.estimate or 0.0
        end = value
        if interval.low is not None and interval.high is not None and interval.high > interval.low:
            ax.plot([interval.low, interval.high], [place, place], color=INK, lw=1.4, marker="|", ms=7, gid="interval")
            end = interval.high
        ends.append(end)
        ax.annotate(
            str(show(interval, "count")), (end, place), (6, 0), textcoords="offset points", va="center", fontsize=8.5
        )
    # Room for the number behind the longest bar.
    ax.set(xlim=(0, max(ends) * (2.0 if is_narrow(ax) else 1.45) or 1.0), ylim=(len(bars) - 0.4, -0.6))
    ax.set_yticks(range(len(bars)), [_words(ax, name) for name, _ in bars])
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID)
    ax.set_axisbelow(True)
    ax.set_xlabel("breaks per replication" if isinstance(result, Study) else "breaks")
    entitle(ax, "Breaks by cause" if by == "origin" else "Breaks by mechanism")
    return ax


def _words(ax: Axes, name: str) -> str:
    label = plain(name.replace("_", " "))
    return "\n".join(wrap(label, 14)) if is_narrow(ax) else label


def _bars(result: "Study | Frames", by: str) -> list[tuple[str, Interval]]:
    """Return (name, estimate) of what was seen, the commonest first."""
    prefix = f"{by}."
    if isinstance(result, Study):
        names = {name for summary in result.summaries for name in summary if name.startswith(prefix)}
        found = {name: result.estimate(name).interval for name in sorted(names)}
    else:
        found = {name: Interval(value, None, None) for name, value in sorted(result.summary.items())}
    seen = [
        (name.removeprefix(prefix), interval)
        for name, interval in found.items()
        if name.startswith(prefix) and name != prefix + _BACKGROUND and interval.estimate
    ]
    return sorted(seen, key=lambda bar: -(bar[1].estimate or 0.0))
