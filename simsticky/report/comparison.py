"""A comparison for people: a table for the terminal, a comment for a pull request, CSV.

The comment says the one thing first, in bold; then Previous, New, Difference; everything else is folded.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simsticky.report.numbers import Shown, capital, counted, grouped, show
from simsticky.report.tables import escape
from simsticky.report.terminal import Line
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
_MARGIN = "  "
_FAR_MORE = 10_000
"""Variance cut by pairing beyond which its size is that of rounding errors."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One metric of one scenario: its label, both values and their difference."""

    label: str
    cells: tuple[Shown, Shown, Shown]
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
    figures = f"{row.label} {before.value} → {after.value}"
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


def render(comparison: Comparison, width: int = 80, *, with_sentence: bool = True) -> list[Line]:
    """Return the comparison as lines of at most ``width`` characters, one section a scenario.

    Args:
        comparison: The comparison.
        width: Columns.
        with_sentence: Whether each section begins with the sentence about its scenario.
    """
    lines: list[Line] = [((text, "heading"),) for text in textwrap.wrap(title(comparison), width)]
    for side in comparison.others:
        rows = _rows(comparison, side.name)
        lines.append(())
        of = f"{side.name}: " if len(comparison.others) > 1 else ""
        said = textwrap.wrap(capital(of + sentence(comparison, side.name)), width) if with_sentence else ()
        lines += [((text, "heading"),) for text in said]
        for change in comparison.changes(side.name):
            lines += [((text, "quiet"),) for text in textwrap.wrap(changed(change), width)]
        lines += _table(rows, width)
    lines.append(())
    lines += [((text, "quiet"),) for note in notes(comparison) for text in textwrap.wrap(note, width)]
    return lines


def notes(comparison: Comparison) -> list[str]:
    """Return how to read a comparison: what worse means, what pairing is worth, which level the intervals have."""
    told = (_about_standing(comparison), _about_pairing(comparison), _about_levels(comparison))
    return [note for note in told if note]


def cells(comparison: Comparison, name: str) -> tuple[tuple[str, ...], ...]:
    """Return a row a metric of a scenario: its label and what stands under :data:`COLUMNS`."""
    return tuple((capital(row.label), *(str(cell) for cell in row.cells)) for row in _rows(comparison, name))


def definitions(comparison: Comparison) -> list[tuple[str, str]]:
    """Return what each metric that is told of means, by its label."""
    return [(row.label, row.contrast.metric.definition) for row in _first_rows(comparison)]


def values(change: Change) -> tuple[str, str]:
    """Return both values of a setting that differs, as people write them."""
    return _value(change.path, change.before), _value(change.path, change.after)


def to_markdown(comparison: Comparison, *, said: str = "") -> str:
    """Return a comment for a pull request: a bold sentence, a small table, the details folded.

    Args:
        comparison: The comparison.
        said: The bold sentence; that of :func:`sentence` by default.
    """
    lines: list[str] = []
    for side in comparison.others:
        if lines:
            lines.append("")
        of = f"{side.name}: " if len(comparison.others) > 1 else ""
        lines += [f"**{escape(said or capital(of + sentence(comparison, side.name)))}**", ""]
        lines += ["| | Previous | New | Difference |", "|:--|--:|--:|--:|"]
        for row in cells(comparison, side.name):
            lines.append("| " + " | ".join(escape(cell) for cell in row) + " |")
    lines += ["", "<details>", f"<summary>{escape(title(comparison))}</summary>", ""]
    lines += _details(comparison)
    lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def to_csv(comparison: Comparison) -> str:
    """Return one line per metric and scenario with the columns of ``Comparison.frame``; missing is empty."""
    text = comparison.frame.to_csv(index=False, lineterminator="\n")
    return str(text)


def _details(comparison: Comparison) -> list[str]:
    lines = []
    for side in comparison.others:
        changes = comparison.changes(side.name)
        if changes:
            lines += [f"Settings of {escape(side.name)} that differ from {escape(comparison.base.name)}:", ""]
            lines += [f"- {escape(changed(change))}" for change in changes]
            lines.append("")
    lines += ["| | p, adjusted | variance cut by pairing | counted |", "|:--|--:|--:|:--|"]
    for side in comparison.others:
        of = f"{side.name}: " if len(comparison.others) > 1 else ""
        for row in _rows(comparison, side.name):
            told = (of + row.label, _p(row.contrast), _times(row.contrast), _counts(row.contrast))
            lines.append("| " + " | ".join(escape(cell) for cell in told) + " |")
    lines.append("")
    lines += [escape(note) for note in notes(comparison)]
    lines += [f"- {escape(label)}: {escape(definition)}" for label, definition in definitions(comparison)]
    if comparison.warnings:
        lines += ["", *(f"- warning: {escape(text)}" for text in comparison.warnings)]
    return lines


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
        cells = (
            show(contrast.base.interval, unit),
            show(contrast.other.interval, unit),
            _difference(contrast),
        )
        rows.append(_Row(label, cells, contrast))
    return rows


def _difference(contrast: Contrast) -> Shown:
    interval, unit = contrast.difference.interval, contrast.metric.unit
    if interval.estimate == interval.low == interval.high == 0:
        return Shown("the same in every replication")
    return show(interval, "points" if unit == "share" else unit, signed=True)


def _first_rows(comparison: Comparison) -> list[_Row]:
    return _rows(comparison, comparison.others[0].name)


def _table(rows: Sequence[_Row], width: int) -> Iterator[Line]:
    """One line a metric where there is room; else its difference, and what it is the difference of below."""
    widths = [max(len(str(row.cells[i])) for row in rows) if rows else 0 for i in range(3)]
    widths = [max(found, len(name)) for found, name in zip(widths, COLUMNS, strict=True)]
    label = max((len(row.label) for row in rows), default=0)
    if len(_MARGIN) * 4 + label + sum(widths) <= width:
        yield ((_MARGIN + " " * label + _MARGIN + _joined(COLUMNS, widths), "quiet"),)
        for row in rows:
            figures = _joined([str(cell) for cell in row.cells], widths)
            yield ((f"{_MARGIN}{row.label.ljust(label)}{_MARGIN}{figures}", ""),)
        return
    for row in rows:
        before, after, difference = row.cells
        one = f"{_MARGIN}{row.label.ljust(label)}{_MARGIN}{difference}"
        yield from (
            ((text, ""),) for text in ([one] if len(one) <= width else [_MARGIN + row.label, f"    {difference}"])
        )
        both = f"{before} → {after}"
        below = [both] if 2 * len(_MARGIN) + len(both) <= width else [f"{before} →", str(after)]
        yield from (((f"{2 * _MARGIN}{text}", "quiet"),) for text in below)


def _joined(texts: Sequence[str], widths: Sequence[int]) -> str:
    return _MARGIN.join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


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
