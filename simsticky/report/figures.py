"""The figures of a page as blocks, each with its words and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from simsticky.report import captions, plots
from simsticky.report.blocks import Cell, Column, Figure, Kind, Row, Section, Table
from simsticky.report.captions import Caption
from simsticky.report.numbers import show
from simsticky.report.plots.tornado import ends_of
from simsticky.report.sweep_table import settings
from simsticky.stats.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simsticky.report.frames import Frames
    from simsticky.report.sweep_table import SweepLike
    from simsticky.study.replicate import Study

_OF_A_RUN: Sequence[tuple[str, str, Callable[..., Axes], Callable[[Frames], Caption]]] = (
    ("timeline", "Who ended whom, and what broke", plots.timeline, captions.of_timeline),
    ("skew", "Load skew over time", plots.load_skew, captions.of_skew),
    ("incidence", "When sessions break", plots.cumulative_incidence, captions.of_incidence),
    ("decay", "Sessions on old pods", plots.sessions_on_old_pods, captions.of_decay),
)
_OVER_TIME = ("timeline", "skew", "incidence")
"""Figures that stand one under the other, with one axis."""
IN_THE_ANNEX = ("decay",)
"""Figures that those who decide need not see."""


def figures(study: Study, run: Frames) -> list[Figure]:
    """Return the figures of a study; those over time are of one of its replications, as far as it was recorded."""
    found = [
        figure_of(name, heading, partial(draw, run), tell(run), over_time=name in _OVER_TIME)
        for name, heading, draw, tell in _OF_A_RUN
        if _is_recorded(name, run)
    ]
    if study.estimate("breaks").interval.estimate:
        found.insert(
            0, figure_of("causes", "What broke sessions", partial(plots.break_causes, study), _of_causes(study))
        )
    return found


def _is_recorded(name: str, run: Frames) -> bool:
    kept = run.scenario.run.record
    if name == "incidence":
        return kept == "requests" and len(run.operations) > 0
    return kept != "summary"


def in_numbers(drawn: Sequence[Figure]) -> list[Section]:
    """Return what figures draw as tables, each folded away; a figure's picture leads to its own."""
    folds = tuple(
        Section(one.numbers.caption, (one.numbers,), folded=True, name=f"{one.name}-numbers")
        for one in drawn
        if one.numbers is not None
    )
    return [Section("The figures in numbers", folds)] if folds else []


def figures_of_sweep(sweep: SweepLike) -> list[Figure]:
    """Return the figures of a sweep: which setting matters, where there are several."""
    if len(settings(sweep)) < 2:
        return []
    text = "How far each swept setting moves the share of broken sessions, on average over the other settings."
    rows = []
    for setting in settings(sweep):
        for side, (value, at) in zip(("least", "most"), ends_of(sweep, setting, "broken_sessions"), strict=True):
            rows.append([setting.path, side, at, str(show(Interval(value, None, None), "share"))])
    caption = Caption(text, ["setting", "broken sessions", "at", "mean over the points"], rows)
    return [figure_of("tornado", "What matters", partial(plots.tornado, sweep), caption)]


def figure_of(
    name: str, heading: str, draw: Callable[[], Axes], caption: Caption, *, over_time: bool = False
) -> Figure:
    """Return a figure as a block, its caption's numbers as a table."""
    numbers = None
    if caption.rows:
        first, *others = caption.head
        columns = (Column(first, Kind.LABEL), *map(Column, others))
        rows = tuple(Row(tuple(map(Cell, row))) for row in caption.rows)
        numbers = Table(f"{heading} in numbers", columns, rows)
    return Figure(name, heading, draw, caption.text, numbers, over_time=over_time)


def _of_causes(study: Study) -> Caption:
    rows = []
    for part, of in (("origin", "why"), ("mechanism", "how")):
        for name in study.metrics:
            if name.startswith(f"{part}.") and name != "origin.background" and study.estimate(name).interval.estimate:
                words = name.removeprefix(f"{part}.").replace("_", " ")
                rows.append([words, of, str(show(study.estimate(name).interval, "count"))])
    text = (
        "Breaks that operations and crashes caused, mean per replication, each once, by why the session's state was out"
        " of reach. How those of operations left their pod is in the numbers."
    )
    return Caption(text, ["cause", "tells", "per replication"], rows)
