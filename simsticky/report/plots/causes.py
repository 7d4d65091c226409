"""What broke the sessions: how their requests left the pods, and why."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from matplotlib.axes import Axes

from simsticky.report.numbers import show
from simsticky.report.plots.style import BLUE, GRID, INK, ORANGE, axes_for, legend_below, nothing, plain, styled
from simsticky.stats.intervals import Interval
from simsticky.study.replicate import Study

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

Part = Literal["mechanism", "origin"]
_LOOKS: dict[Part, tuple[str, str, str]] = {
    "mechanism": (BLUE, "", "how: mechanism"),
    "origin": (ORANGE, "////", "why: origin"),
}
_BACKGROUND = "origin.background"


@styled
def break_causes(result: "Study | Frames", ax: Axes | None = None) -> Axes:
    """Draw the breaks that operations caused, by mechanism and by origin, each a bar; what never happened has none.

    Args:
        result: A study: means per replication with 95 % intervals. Or one replication: its counts.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes; the bars of each group are a container labelled with the group.
    """
    bars = list(_bars(result))
    if not bars:
        return nothing(ax, "What broke sessions", "no operation broke a session")
    ax = axes_for(ax, height=1.5 + 0.34 * max(len(bars), 2))
    for part, (colour, hatch, label) in _LOOKS.items():
        places = [place for place, (of, _, _) in enumerate(bars) if of == part]
        values = [bars[place][2].estimate or 0.0 for place in places]
        ax.barh(places, values, 0.7, color=colour, hatch=hatch, edgecolor=INK, lw=0.5, alpha=0.85, label=label)
    ends = []
    for place, (_, _, interval) in enumerate(bars):
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
    ax.set(xlim=(0, max(ends) * 1.45 or 1.0), ylim=(len(bars) - 0.4, -0.6))
    ax.set_yticks(range(len(bars)), [plain(name.replace("_", " ")) for _, name, _ in bars])
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID)
    ax.set_axisbelow(True)
    ax.set_xlabel("breaks per replication" if isinstance(result, Study) else "breaks")
    ax.set_title("What broke sessions")
    legend_below(ax, columns=2)
    return ax


def _bars(result: "Study | Frames") -> Iterator[tuple[Part, str, Interval]]:
    """Return (group, name, estimate) of what was seen, by group, the commonest first."""
    if isinstance(result, Study):
        names = {name for summary in result.summaries for name in summary}
        found = {name: result.estimate(name).interval for name in sorted(names) if "." in name}
    else:
        found = {name: Interval(value, None, None) for name, value in sorted(result.summary.items())}
    for part in _LOOKS:
        prefix = f"{part}."
        seen = [
            (name.removeprefix(prefix), interval)
            for name, interval in found.items()
            if name.startswith(prefix) and name != _BACKGROUND and interval.estimate
        ]
        seen.sort(key=lambda bar: -(bar[1].estimate or 0.0))
        for name, interval in seen:
            yield part, name, interval
