"""A sweep, its Sobol indices and a tornado as blocks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simsticky.report.blocks import (
    Block,
    Cell,
    Column,
    Kind,
    Note,
    Row,
    Section,
    Sentence,
    Table,
    Title,
    Warnings,
    number,
)
from simsticky.report.numbers import MISSING, THIN, counted, show
from simsticky.study.better import Standing
from simsticky.study.precision import HEADLINE
from simsticky.study.thresholds import together
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.stats.intervals import Interval
    from simsticky.study.replicate import Study
    from simsticky.study.sweep import Sweep
    from simsticky.study.tornado import Tornado

SHOWN = ("broken_sessions", "failed_requests", "last_old_pod_gone_s")
"""The metrics of a table, unless asked otherwise."""

_LABELS = {
    "broken_sessions": "broken sessions",
    "failed_requests": "failed requests",
    "last_old_pod_gone_s": "last old pod gone",
    "rollout_done_s": "rollout done",
    "peak_pods": "peak pods",
}
_AS_IT_IS = "as it is"
_KEY = (
    "First row: the scenario as it is, the reference. Against it a point is "
    + ", ".join(f"{standing.sign} {standing.value}" for standing in Standing)
    + "; only better and not worse ones are a choice."
)
_ENDS_KEY = (
    "Against the scenario as it is an end is "
    + ", ".join(f"{standing.sign} {standing.value}" for standing in Standing)
    + "."
)
_BAR = 16


def title(sweep: Sweep) -> str:
    """Return what was swept, how often, and how to read a value."""
    points = counted(len(sweep.points), "point")
    kind = "" if sweep.plan.design == "grid" else f" ({sweep.plan.design})"
    most = "" if len({study.n for study in sweep.studies}) == 1 else "at most "
    runs = f"{most}{counted(sweep.n, 'replication')} each"
    reading = "value [95 % interval]" if sweep.n > 1 else "no intervals: they need 2 or more replications"
    return f"{sweep.base.name} · {points}{kind} · {runs} · seed {sweep.seed} · {reading}"


def blocks(sweep: Sweep, metrics: Sequence[str]) -> list[Block]:
    """Return a sweep: a row a point, the scenario as it is first; of a design of Saltelli's, what each setting matters.

    Args:
        sweep: The sweep.
        metrics: What is told of each point.
    """
    points = _points(sweep, metrics)
    found: list[Block] = [*_sentence(sweep), Title(title(sweep))]
    if sweep.plan.design == "saltelli":
        found += [_indices(sweep, metric) for metric in metrics]
        found.append(Section("Every point", (points,), folded=True))
    else:
        found += [points, Note(_KEY)]
    runs = counted(sweep.simulations, "simulation")
    said = f"{runs}; all points meet the same sessions and the same luck. Every metric: -o csv, --out FILE.parquet."
    return [*found, Note(said), Warnings(tuple(sweep.warnings))]


def _sentence(sweep: Sweep) -> list[Sentence]:
    """Which point to look at first, against the scenario as it is; nothing where no broken sessions were measured."""
    now = sweep.reference.estimate(HEADLINE).interval
    if now.estimate is None or sweep.plan.design == "saltelli":
        return []
    better = [
        (interval.estimate, at, interval)
        for at, (study, standing) in enumerate(zip(sweep.studies, sweep.standings, strict=True))
        if standing is Standing.BETTER and (interval := study.estimate(HEADLINE).interval).estimate is not None
    ]
    points, as_it_is = counted(len(sweep.points), "point"), show(now, "share").value
    if not better:
        none = f"None of {points} is" if len(sweep.points) > 1 else "The point is not"
        said = f"{none} certainly better than the scenario as it is"
        return [Sentence(f"{said}, which breaks {as_it_is} of the exposed sessions.{_kept(sweep)}")]
    fewest, at, interval = min(better, key=lambda one: one[:2])
    named = zip(names_of(sweep.settings), sweep.points[at].values(), strict=True)
    point = ", ".join(f"{name} {_value(value)}" for name, value in named)
    if fewest >= now.estimate:
        stand = "is" if len(better) == 1 else "are"
        said = (
            f"Of {points} {len(better)} {stand} better than the scenario as it is, though not by fewer broken sessions"
        )
        return [Sentence(f"{said}.{_kept(sweep)}")]
    said = f"Of {points}, {point} breaks fewest: {show(interval, 'share').value} of the exposed sessions"
    return [Sentence(f"{said}, instead of {as_it_is} as it is.{_kept(sweep)}")]


def _kept(sweep: Sweep) -> str:
    """How many points keep the thresholds, as a sentence; nothing where none is set."""
    marks = [together(study.verdicts())[1] for study in sweep.studies]
    kept = sum(mark is Mark.PASS for mark in marks)
    if all(mark is None for mark in marks):
        return ""
    many = "No point certainly keeps" if not kept else f"{kept} of them certainly keep{'s' if kept == 1 else ''}"
    return f" {many} all thresholds."


def tornado_blocks(tornado: Tornado) -> list[Block]:
    """Return a tornado: the setting that matters most comes first."""
    study, label = tornado.base, _label(tornado.metric)
    base = number(study.estimate(tornado.metric).interval, study.metrics[tornado.metric].unit)
    head = (
        f"What moves {label}, one setting at a time · {base} as it is ·"
        f" {counted(study.n, 'replication')} each · seed {study.seed}"
    )
    names = names_of([bar.setting for bar in tornado.bars])
    columns = (
        Column("", Kind.LABEL),
        Column("at one end"),
        Column("at the other"),
        Column("change", Kind.NUMBER),
        Column("", Kind.BAR),
    )
    rows = tuple(Row((Cell(name), *_tornado_cells(tornado, at))) for at, name in enumerate(names))
    table = Table(f"What moves {label}", columns, rows, lead=3, of="setting")
    return [Title(head), table, Note(_ENDS_KEY), Warnings(tuple(tornado.warnings))]


def names_of(paths: Sequence[str]) -> list[str]:
    """Return the shortest ends of paths that tell them apart: ``preStop`` of ``deployment.preStop``."""
    names = []
    for path in paths:
        parts = path.split(".")
        others = [other.split(".") for other in paths if other != path]
        depth = next(
            (depth for depth in range(1, len(parts)) if all(other[-depth:] != parts[-depth:] for other in others)),
            len(parts),
        )
        names.append(".".join(parts[-depth:]))
    return names


def _tornado_cells(tornado: Tornado, at: int) -> list[Cell]:
    bar = tornado.bars[at]
    unit = tornado.base.metrics[tornado.metric].unit
    largest = tornado.bars[0].size
    ends = [
        Cell(
            f"{_value(end)}: {show(estimate.interval, unit).value} {standing.sign}", exact=(estimate.interval.estimate,)
        )
        for end, estimate, standing in zip(bar.ends, (bar.at_low, bar.at_high), bar.standings, strict=True)
    ]
    swing = number(bar.swing.interval, "points" if unit == "share" else unit, signed=True)
    length = round(_BAR * bar.size / largest) if largest else 0
    return [*ends, swing, Cell("█" * length or "▏")]


def _points(sweep: Sweep, metrics: Sequence[str]) -> Table:
    """The scenario as it is, then every point."""
    names = names_of(sweep.settings)
    columns = (
        *(Column(name, Kind.KEY) for name in names),
        *(Column(_label(metric), Kind.NUMBER, sweep.reference.metrics[metric].unit) for metric in metrics),
        Column(f"against {_AS_IT_IS}", Kind.SPELT),
    )
    rows = [_row(names, sweep.as_it_is, sweep.reference, metrics, None)]
    for point, study, standing in zip(sweep.points, sweep.studies, sweep.standings, strict=True):
        rows.append(_row(names, point, study, metrics, standing))
    return Table("Points", columns, tuple(rows), of="point")


def _row(
    names: Sequence[str], point: Mapping[str, Any], study: Study, metrics: Sequence[str], standing: Standing | None
) -> Row:
    stands = _AS_IT_IS if standing is None else standing.value
    keys = (
        Cell(_value(value), spoken=f"{name} {_value(value)}") for name, value in zip(names, point.values(), strict=True)
    )
    cells = (*keys, *(_cell(study, metric) for metric in metrics), Cell(stands, spoken=stands))
    return Row(cells, sign=" " if standing is None else standing.sign)


def _cell(study: Study, metric: str) -> Cell:
    estimate = study.estimate(metric)
    return number(estimate.interval, estimate.unit, mark=study.mark(metric))


def _indices(sweep: Sweep, metric: str) -> Section:
    found = sweep.sobol_indices(metric)
    head = f"Share of the variance of {_label(metric)} over the ranges that a setting brings about"
    columns = (Column("", Kind.LABEL), Column("alone", Kind.NUMBER), Column("with all others", Kind.NUMBER))
    rows = tuple(
        Row((Cell(name), _share(index.first), _share(index.total)))
        for name, index in zip(names_of(list(found)), found.values(), strict=True)
    )
    return Section(head, (Table(head, columns, rows, of="setting"),))


def _share(index: Interval) -> Cell:
    """An index in whole percent: more digits than that no affordable design gives."""
    if index.estimate is None or index.low is None or index.high is None:
        return Cell(MISSING, exact=(index.estimate,))
    value, low, high = (
        f"{100 * part:.0f}".replace("-", "−").replace("−0", "0") for part in (index.estimate, index.low, index.high)
    )
    return Cell(f"{value}{THIN}%", f"[{low}, {high}]", exact=(index.estimate, index.low, index.high))


def _label(metric: str) -> str:
    return _LABELS.get(metric, metric)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
