"""The figures of a page as blocks, each with its words and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from simsticky.report import captions, plots
from simsticky.report.blocks import Cell, Column, Figure, Kind, Row, Table
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
    ("decay", "Sessions on old pods", plots.sessions_on_old_pods, captions.of_decay),
    ("skew", "Load skew over time", plots.load_skew, captions.of_skew),
    ("incidence", "When sessions break", plots.cumulative_incidence, captions.of_incidence),
)


def figures(study: Study, run: Frames) -> Iterator[Figure]:
    """Yield the figures of a study; those over time are of one of its replications, requests recorded."""
    for name, heading, draw, tell in _OF_A_RUN:
        if name != "incidence" or len(run.operations):
            yield _figure(name, heading, partial(draw, run), tell(run))
    if study.estimate("breaks").interval.estimate:
        yield _figure("causes", "What broke sessions", partial(plots.break_causes, study), _of_causes(study))


def figures_of_sweep(sweep: SweepLike) -> Iterator[Figure]:
    """Yield the figures of a sweep: which setting matters, where there are several."""
    if len(settings(sweep)) < 2:
        return
    text = "How far each swept setting moves the share of broken sessions, on average over the other settings."
    rows = []
    for setting in settings(sweep):
        for side, (value, at) in zip(("least", "most"), ends_of(sweep, setting, "broken_sessions"), strict=True):
            rows.append([setting.path, side, at, str(show(Interval(value, None, None), "share"))])
    caption = Caption(text, ["setting", "broken sessions", "at", "mean over the points"], rows)
    yield _figure("tornado", "What matters", partial(plots.tornado, sweep), caption)


def _figure(name: str, heading: str, draw: Callable[[], Axes], caption: Caption) -> Figure:
    numbers = None
    if caption.rows:
        first, *others = caption.head
        columns = (Column(first, Kind.LABEL), *map(Column, others))
        rows = tuple(Row(tuple(map(Cell, row))) for row in caption.rows)
        numbers = Table(f"{heading} in numbers", columns, rows)
    return Figure(name, heading, draw, caption.text, numbers)


def _of_causes(study: Study) -> Caption:
    rows = []
    for name in study.metrics:
        part, _, what = name.partition(".")
        if part in ("mechanism", "origin") and what != "background" and study.estimate(name).interval.estimate:
            rows.append([what.replace("_", " "), part, str(show(study.estimate(name).interval, "count"))])
    text = "Breaks that operations caused, mean per replication, by how the requests left their pod and by why."
    return Caption(text, ["cause", "kind", "per replication"], rows)
