"""A comparison as blocks: the one thing to know, then previous, new and difference of each metric.

How it was compared, what the intervals are and what the numbers mean is said aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simsticky.report.blocks import (
    Block,
    Cell,
    Column,
    Kind,
    Layout,
    Note,
    Row,
    Section,
    Table,
    Terms,
    Title,
    Verdict,
    Warnings,
    data,
    number,
)
from simsticky.report.numbers import capital, counted, grouped
from simsticky.study.better import MARGINS, Standing
from simsticky.study.precision import HEADLINE
from simsticky.units import format_duration

if TYPE_CHECKING:
    from simsticky.study.better import Against
    from simsticky.study.compare import Comparison
    from simsticky.study.contrasts import Contrast
    from simsticky.study.sides import Change

_HEADLINES = {
    "broken_sessions": "broken sessions",
    "broken_of_alive": "broken of alive",
    "broken_any_cause": "broken by any cause",
    "failed_requests": "failed requests",
    "breaks_per_session": "breaks per session",
    "background_broken_sessions": "background breaks",
    "rollout_done_s": "rollout done after",
    "last_old_pod_gone_s": "last old pod gone after",
    "peak_pods": "peak pods",
    "load_skew.sessions.serving.max_to_mean": "max/mean of sessions",
    "latency_p95_s": "latency p95",
    "latency_p99_s": "latency p99",
}
_SECONDS = ("preStop", "Seconds", "Timeout", "grace")
_MOST_CHANGES = 3
COLUMNS = ("previous", "new", "difference")
"""Headings of what is told of a metric."""
_FAR_MORE = 10_000
"""Variance cut by pairing beyond which its size is that of rounding errors."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One metric of one scenario: its label, both values and their difference."""

    label: str
    cells: tuple[Cell, Cell, Cell]
    contrast: Contrast


def title(comparison: Comparison) -> str:
    """Return what was compared, how often, and how."""
    names = " → ".join(side.name for side in comparison.sides[:2])
    if len(comparison.others) > 1:
        names = f"{comparison.base.name} → each of {len(comparison.others)} others"
    how = "paired on common random numbers" if comparison.paired else "as independent runs"
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(side.seed for side in comparison.sides))
    runs = f"{counted(comparison.n, 'replication')}, {counted(comparison.simulations, 'simulation')}"
    return f"{names} · {runs} · seed {seeds} · {how}"


def sentence(comparison: Comparison, name: str) -> str:
    """Return the one thing to know about a scenario against the base, and which settings it hangs on."""
    rows = {row.contrast.metric.name: row for row in _rows(comparison, name)}
    if not rows:
        return f"{name}: nothing to compare"
    against = comparison.against(name)
    row = _told(rows, against)
    before, after, difference = row.cells
    figures = f"{row.label} {before.text} → {after.text}"
    if comparison.pair(name).has_lost_stickiness:
        figures = f"stickiness is lost, {figures}"
    elif not row.contrast.is_certain:
        figures += f", no difference that is certain ({difference})"
    changes = comparison.changes(name)
    because = f": {_some(changes)}" if changes else ""
    return f"{figures}, {_verdict(comparison, name)}{because}"


def _told(rows: Mapping[str, _Row], against: Against) -> _Row:
    """The metric to speak of: the headline where it went the way of the verdict, else the one that decides it."""
    decides = {
        Standing.WORSE: against.worse,
        Standing.UNCERTAIN: against.uncertain,
        Standing.BETTER: against.better,
    }.get(against.standing, ())
    first = rows.get(HEADLINE)
    if first is not None:
        moved = (first.contrast.difference.interval.estimate or 0.0) > 0
        if against.standing is Standing.NOT_WORSE or HEADLINE in decides:
            return first
        if against.standing is Standing.WORSE and first.contrast.is_certain and moved:
            return first
    return next((rows[name] for name in decides if name in rows), first or next(iter(rows.values())))


def _verdict(comparison: Comparison, name: str) -> str:
    """The standing in words, with what it hangs on."""
    against, base = comparison.against(name), comparison.base.name
    if against.standing is Standing.WORSE:
        return f"worse than {base}"
    if against.standing is Standing.UNCERTAIN:
        of = " and ".join(_label(metric) for metric in against.uncertain) or "what guards it"
        return f"not certain whether it is worse than {base}: {of} would need more replications"
    return f"{against.standing.value} than {base}"


def blocks(comparison: Comparison) -> list[Block]:
    """Return a comparison: the one thing to know of each scenario, then what was asked and all figures."""
    return [*verdicts(comparison), Title(title(comparison)), *figures(comparison)]


def verdicts(comparison: Comparison) -> list[Verdict]:
    """Return the one thing to know of each scenario."""
    found = []
    for side in comparison.others:
        of = f"{side.name}: " if len(comparison.others) > 1 else ""
        mark = comparison.against(side.name).standing.mark
        found.append(Verdict(mark, f"{capital(of + sentence(comparison, side.name))}."))
    return found


def figures(comparison: Comparison) -> list[Block]:
    """Return the metrics and the settings that differ, a section a scenario, and how to read them."""
    parts: list[Block] = []
    for side in comparison.others:
        several = len(comparison.others) > 1
        parts.append(Section(side.name if several else "", (table(comparison, side.name),)))
        if comparison.changes(side.name):
            of = f", {side.name}" if several else ""
            parts.append(Section(f"Settings that differ{of}", (_settings(comparison, side.name),)))
    aside = [Note(note) for note in notes(comparison)]
    return [*parts, *aside, *annexes(comparison), Warnings(comparison.warnings)]


def _settings(comparison: Comparison, name: str) -> Table:
    heads = (Column("setting", Kind.CODE), *(Column(head) for head in COLUMNS[:2]), Column("from", Kind.QUIET))
    rows = tuple(
        Row((Cell(change.path), *map(Cell, values(change)), Cell(change.origin)), brief=changed(change))
        for change in comparison.changes(name)
    )
    return Table("Settings that differ", heads, rows, Layout.CARDS, of="setting")


def table(comparison: Comparison, name: str) -> Table:
    """Return both values and the difference of each metric of a scenario."""
    heads = (Column("", Kind.LABEL), *(Column(head, Kind.NUMBER) for head in COLUMNS))
    rows = tuple(
        Row((Cell(row.label), *row.cells), definition=row.contrast.metric.definition) for row in _rows(comparison, name)
    )
    return Table(f"{name} against {comparison.base.name}", heads, rows, lead=3, joint=" → ", of="metric")


def annexes(comparison: Comparison) -> list[Section]:
    """Return how certain each difference is, and what the metrics mean."""
    found = []
    for side in comparison.others:
        caption = "How certain the differences are" + (f", {side.name}" if len(comparison.others) > 1 else "")
        found.append(Section(caption, (_certainty(comparison, side.name, caption),), folded=True))
    return [*found, Section("What these numbers mean", (Terms(tuple(definitions(comparison))),), folded=True)]


def _certainty(comparison: Comparison, name: str, caption: str) -> Table:
    heads = (
        Column("", Kind.LABEL),
        Column("p, adjusted", Kind.NUMBER),
        Column("variance cut by pairing", Kind.NUMBER),
        Column("counted"),
    )
    rows = tuple(
        Row(
            (
                Cell(row.label),
                Cell(_p(row.contrast), exact=(row.contrast.p_adjusted,)),
                Cell(_times(row.contrast), exact=(row.contrast.difference.variance_ratio,)),
                Cell(_counts(row.contrast)),
            )
        )
        for row in _rows(comparison, name)
    )
    return Table(caption, heads, rows)


def data_of(comparison: Comparison) -> list[Block]:
    """Return ``Comparison.frame`` for machines: a row a metric and scenario; what is missing is empty."""
    frame = comparison.frame
    rows = tuple(
        Row(tuple(data(None if value != value else value) for value in values))
        for values in frame.astype(object).itertuples(index=False, name=None)
    )
    return [Table("Every metric", tuple(Column(str(name)) for name in frame.columns), rows)]


def notes(comparison: Comparison) -> list[str]:
    """Return how to read a comparison: what worse means, what pairing is worth, which level the intervals have."""
    told = (_about_standing(comparison), _about_pairing(comparison), _about_levels(comparison))
    return [note for note in told if note]


def definitions(comparison: Comparison) -> list[tuple[str, str]]:
    """Return what each metric that is told of means, by its label."""
    return [(row.label, row.contrast.metric.definition) for row in _first_rows(comparison)]


def values(change: Change) -> tuple[str, str]:
    """Return both values of a setting that differs, as people write them."""
    return _value(change.path, change.before), _value(change.path, change.after)


def _rows(comparison: Comparison, name: str) -> list[_Row]:
    """The headlines and the metrics with a threshold, as far as either side knows them."""
    thresholds = [metric for side in comparison.sides for metric in side.thresholds]
    wanted = {**_HEADLINES, **{metric: _HEADLINES.get(metric, metric) for metric in thresholds}}
    rows = []
    for metric, label in wanted.items():
        if metric not in comparison.metrics:
            continue
        contrast = next(found for found in comparison.contrasts(metric) if found.name == name)
        if contrast.base.interval.estimate is None and contrast.other.interval.estimate is None:
            continue
        unit = contrast.metric.unit
        cells = (number(contrast.base.interval, unit), number(contrast.other.interval, unit), _difference(contrast))
        rows.append(_Row(label, cells, contrast))
    return rows


def _difference(contrast: Contrast) -> Cell:
    interval, unit = contrast.difference.interval, contrast.metric.unit
    shown = number(interval, "points" if unit == "share" else unit, signed=True)
    if interval.estimate == interval.low == interval.high == 0:
        return replace(shown, text="the same in every replication", interval="")
    return shown


def _first_rows(comparison: Comparison) -> list[_Row]:
    return _rows(comparison, comparison.others[0].name)


def _some(changes: Sequence[Change]) -> str:
    more = f" and {len(changes) - _MOST_CHANGES} more" if len(changes) > _MOST_CHANGES else ""
    return ", ".join(changed(change) for change in changes[:_MOST_CHANGES]) + more


def changed(change: Change) -> str:
    """Return a setting with both of its values, and where the new one came from."""
    origin = f" ({change.origin})" if ":" in change.origin else ""
    return f"{change.path} {' → '.join(values(change))}{origin}"


def _value(path: str, value: object) -> str:
    """A setting's value as people write it; times are numbers of seconds, and "none" is a value of its own."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and any(word in path for word in _SECONDS):
        return format_duration(value)
    return "unset" if value is None else str(value)


def _p(contrast: Contrast) -> str:
    p = contrast.p_adjusted
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _times(contrast: Contrast) -> str:
    ratio = contrast.difference.variance_ratio
    if ratio is not None and ratio >= _FAR_MORE:
        return f"> {grouped(_FAR_MORE)}×"
    return "–" if ratio is None else f"{ratio:.1f}×"


def _counts(contrast: Contrast) -> str:
    if contrast.base.numerator is None or contrast.base.denominator is None:
        return ""
    sides = (f"{side.numerator} of {side.denominator}" for side in (contrast.base, contrast.other))
    return " → ".join(sides)


def _about_standing(comparison: Comparison) -> str:
    """What "worse" and "not worse" mean, in the terms of this comparison."""
    margins = [
        f"{_label(name)} by {100 * margin:g} points"
        for name, margin in MARGINS.items()
        if name in comparison.metrics and name not in comparison.base.thresholds
    ]
    if not margins:
        return ""
    return (
        f"Worse: certainly more than {comparison.base.name} ({' or '.join(margins)}), or past a threshold that"
        f" {comparison.base.name} does not miss as badly."
    )


def _about_pairing(comparison: Comparison) -> str:
    if not comparison.paired:
        return "Different seeds: the runs share no luck, so the differences are less certain than paired ones."
    contrast = comparison.contrasts("broken_sessions")[0] if "broken_sessions" in comparison.metrics else None
    ratio = contrast.difference.variance_ratio if contrast is not None else None
    if ratio is None:
        return ""
    return f"Pairing divides the variance of the difference in broken sessions by {ratio:.1f}."


def _about_levels(comparison: Comparison) -> str:
    if len(comparison.others) < 2:
        return "value [95 % interval over replications]"
    return (
        f"value [95 % interval over replications]; the intervals of the {len(comparison.others)} differences of a"
        " metric are adjusted together (Holm)"
    )


def _label(metric: str) -> str:
    return _HEADLINES.get(metric, metric)
