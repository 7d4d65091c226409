"""What a log says of the traffic, for people: what was read, a law a row, what to know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from simsticky.logs.laws import Fitted
from simsticky.logs.search import Bounds
from simsticky.report.blocks import (
    Block,
    Cell,
    Code,
    Column,
    Entries,
    Exact,
    Figure,
    Kind,
    Note,
    Section,
    Sentence,
    Table,
    Terms,
    Title,
    Tone,
    data,
)
from simsticky.report.blocks import Row as TableRow
from simsticky.report.numbers import MISSING, Shown, counted, duration, grouped, show
from simsticky.scenario.law import ContinuousLaw
from simsticky.scenario.traffic import Diurnal, Piecewise
from simsticky.stats.intervals import Interval
from simsticky.units import format_rate

if TYPE_CHECKING:
    from simsticky.logs.fitted import Fit
    from simsticky.logs.tails import Tail

READING = (
    "Brackets are 95 % intervals. off by: the largest distance, in percentage points, between the measured distribution"
    " and the law's. tail index: of the Pareto law that the largest tenth follows; below 2 the tail is heavy."
)
CSV_COLUMNS = (
    "quantity", "law", "unit", "mean", "low", "high", "off_by", "values", "cut", "tail_index", "tail_low", "tail_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity.

    Attributes:
        label: What it is called.
        law: Its law, in words.
        unit: ``seconds``, ``count``, ``share``, ``ratio`` or ``rate``.
        mean: Its mean; None where it has none.
        fitted: What the law was fitted to; None where it is no law.
        tail: Its tail; None where that is not known.
        off_by: Distance of measured and law's distribution; None where it is no law.
    """

    label: str
    law: str
    unit: str
    mean: Bounds | None
    fitted: Fitted | None = None
    tail: Tail | None = None
    off_by: float | None = None

    def cells(self) -> tuple[Cell, Cell, Cell, Cell]:
        """Return what it is called, its law, its mean, and how far the two are apart."""
        off = "" if self.fitted is None else MISSING if self.off_by is None else f"{100 * self.off_by:.1f}"
        mean = _shown(self.mean, self.unit)
        return Cell(self.label), Cell(self.law), Cell(mean.value, mean.interval), Cell(off)


def shown(bounds: Bounds | None, unit: str) -> str:
    """Return a number with its interval as text."""
    return str(_shown(bounds, unit))


def _shown(bounds: Bounds | None, unit: str) -> Shown:
    if bounds is None:
        return Shown(MISSING)
    if unit == "rate":
        factor, suffix = next(
            ((factor, suffix) for factor, suffix in ((1.0, "/s"), (60.0, "/min")) if bounds.value * factor >= 1),
            (3600.0, "/h"),
        )
        low, high = (None if end is None else end * factor for end in (bounds.low, bounds.high))
        text = show(Interval(bounds.value * factor, low, high), "ratio")
        return Shown(f"{text.value}{suffix}", text.interval)
    return show(Interval(bounds.value, bounds.low, bounds.high), unit)


def rows(found: Fit) -> Iterator[Row]:
    """Yield the quantities in the order in which a scenario states them."""
    law = found.arrivals.law
    steps = f", {counted(len(law.steps), 'step')}" if isinstance(law, Piecewise) else ""
    yield Row("sessions start", f"{law.kind}{steps}", "rate", found.arrivals.mean)
    shape = found.shape
    tail = found.tails.get
    if shape.duration is None:
        yield _of("requests of a session", shape.requests, "count", tail("requests"))
    else:
        yield _of("session duration", shape.duration, "seconds", tail("length"))
    if found.heavy.think is None:
        yield _of("think", shape.think, "seconds", None)
        yield Row("heavy users", "all alike", "ratio", None)
    else:
        kind = str(getattr(found.heavy.think, "kind", ""))
        yield Row(
            "think, mean client", kind, "seconds", found.think_mean, shape.think, tail("think"), found.think_off_by
        )
        yield Row("heavy users, cv", str(getattr(found.heavy.rate, "kind", "")), "ratio", found.heavy.cv)
    if found.service is None:
        yield Row("service", "not in the log", "seconds", None)
    else:
        yield _of("service", found.service, "seconds", tail("service"))
    if found.cookieless is None:
        yield Row("clients without cookies", "not shown", "share", None)
    else:
        yield Row("clients without cookies", "" if found.cookieless.value else "none", "share", found.cookieless)


def _of(label: str, fitted: Fitted, unit: str, tail: Tail | None) -> Row:
    chosen, cap = fitted.chosen, cap_of(fitted)
    words = chosen.kind if cap is None else f"{chosen.kind}, cap {shown(Bounds(cap), unit)}"
    return Row(label, words, unit, chosen.mean, fitted, tail, chosen.distance)


def cap_of(fitted: Fitted) -> float | None:
    """Return the cap of a law; None where it has none."""
    law = fitted.chosen.law
    return law.cap if isinstance(law, ContinuousLaw) else None


def facts(found: Fit) -> Iterator[tuple[str, str]]:
    """Yield what was counted beside the laws, by name."""
    middle, most = found.length
    ends = [MISSING if at is None else _time_of(at) for at in (middle, most)]
    yield "a session lasts", f"p50 {ends[0]}, p95 {ends[1]}, first sending to last answer"
    if found.tails:
        yield "tail index", ", ".join(f"{name} {shown(tail.index, 'ratio')}" for name, tail in found.tails.items())
    yield "busiest tenth of sessions", f"makes {100 * found.busiest:.0f} % of the requests"
    yield "failed requests", shown(found.failed, "share") if found.failed.value else "none"
    medians = [pod.p50_s for pod in found.service_pods]
    if medians:
        least, largest = _time_of(min(medians)), _time_of(max(medians))
        span = least if least == largest else f"{least} to {largest}"
        yield "service by pod", f"{counted(len(medians), 'pod')}, median {span}"
    if isinstance(found.arrivals.law, Diurnal):
        peak = (found.source.began.timestamp() + found.arrivals.law.peak_at) % 86400
        yield "busiest time of day", f"{int(peak // 3600)}:{int(peak % 3600 // 60):02d} UTC"
    if isinstance(found.arrivals.law, Piecewise):
        peak_step = max(found.arrivals.law.steps, key=lambda step: step.rate)
        at = duration(peak_step.from_s)
        yield "busiest step", f"{format_rate(float(f'{peak_step.rate:.3g}'))} from {at} of the log"


def opening(found: Fit) -> list[str]:
    """Return what was read and how, as sentences."""
    source = found.source
    edges = "" if source.quiet_s >= source.gap_s else f", {_time(source.quiet_s)} at the log's edges"
    return [
        *source.opening,
        f"The laws are those of the {grouped(source.cohort)} of {grouped(source.sessions)} sessions that were seen to"
        f" begin; one ends when nothing is sent for {_time(source.gap_s)}{edges}.",
    ]


def _time(seconds: float) -> str:
    return _time_of(float(round(seconds, 1)))


def _time_of(seconds: float) -> str:
    return show(Interval(seconds, None, None), "seconds").value


def blocks(found: Fit) -> list[Block]:
    """Return what was read, a law a row, what was counted, and what to know before any of it is believed."""
    first, *others = opening(found)
    return [
        Title(first),
        *(Sentence(text, Tone.PLAIN) for text in others),
        _laws(found),
        Terms(tuple(facts(found))),
        Note(READING),
        *(Note(f"note: {text}") for text in _notes(found)),
    ]


def _laws(found: Fit) -> Table:
    columns = (Column("", Kind.LABEL), Column("law"), Column("mean", Kind.NUMBER), Column("off by", Kind.NUMBER))
    return Table("The laws", columns, tuple(TableRow(row.cells()) for row in rows(found)), of="law")


def _notes(found: Fit) -> tuple[str, ...]:
    return (*found.source.notes, *found.notes)


def data_of(found: Fit) -> list[Block]:
    """Return one row per quantity with the columns of ``CSV_COLUMNS``; times in seconds, shares as parts of 1."""
    lines = []
    for row in rows(found):
        mean = row.mean or Bounds(float("nan"))
        cells = None if row.fitted is None else row.fitted.cells
        tail = None if row.tail is None else row.tail.index
        values: list[Exact] = [
            row.label,
            row.law,
            row.unit,
            None if row.mean is None else mean.value,
            mean.low,
            mean.high,
            row.off_by,
            None if cells is None else round(cells.seen),
            None if cells is None else round(cells.cut),
            *((None, None, None) if tail is None else (tail.value, tail.low, tail.high)),
        ]
        lines.append(TableRow(tuple(map(data, values))))
    return [Table("Quantities", tuple(map(Column, CSV_COLUMNS)), tuple(lines))]


def page(found: Fit) -> str:
    """Return it as one HTML file that needs no network: the table, and a figure a law."""
    from simsticky.logs.profile import profile_text
    from simsticky.report import provenance
    from simsticky.report.figures import in_numbers
    from simsticky.report.render.html import Page, render

    first, *others = opening(found)
    drawn = list(_figures(found))
    body: list[Block] = [
        *(Note(text) for text in others),
        Section("The laws", (_laws(found), Note(READING), Terms(tuple(facts(found)))), name="laws"),
    ]
    if notes := _notes(found):
        body.append(Section("What to know before these are believed", (Entries(notes),), name="notes"))
    annex: list[Block] = [*in_numbers(drawn), *_pods(found), _profile(profile_text(found))]
    return render(Page("Traffic, fitted to a log", [Sentence(first)], [*body, *drawn], provenance.versions(), annex))


def _pods(found: Fit) -> list[Block]:
    if not found.service_pods:
        return []
    columns = (Column("", Kind.LABEL), *(Column(head, Kind.NUMBER) for head in ("requests", "mean", "p50", "p95")))
    lines = tuple(
        TableRow((
            Cell(f"pod {number}"), Cell(grouped(pod.requests)),
            *(Cell(_time_of(at)) for at in (pod.mean_s, pod.p50_s, pod.p95_s)),
        ))
        for number, pod in enumerate(found.service_pods, start=1)
    )  # fmt: skip
    return [Section("Service by pod", (Table("Service by pod, by first request", columns, lines),), name="pods")]


def _profile(text: str) -> Section:
    said = "A scenario takes it in with traffic: {profile: profile.yaml}. It holds laws and counts only."
    return Section(
        "The profile",
        (Sentence(said, Tone.PLAIN), Code("", tuple(text.rstrip("\n").split("\n")), "yaml")),
        name="profile",
    )


def _figures(found: Fit) -> Iterator[Figure]:
    from simsticky.report.captions import Caption
    from simsticky.report.figures import figure_of
    from simsticky.report.plots.fit import law_beside_data, starts_over_time

    of = found.arrivals
    tried = ", ".join(f"{kind} {bic - of.tried[0][1]:+.0f}" for kind, bic in of.tried[1:])
    text = (
        f"Sessions that started in each {_time(of.bin_s)} of the log, and the rate that was fitted. Their number varies"
        f" {of.dispersion:.2f} times as much as that of a Poisson process."
    )
    text += f" BIC of the others: {tried}." if tried else ""
    yield figure_of("starts", "When sessions start", partial(starts_over_time, found), Caption(text))
    for name, row in (("length", 1), ("think", 2), ("service", -2)):
        one = list(rows(found))[row]
        if one.fitted is None:
            continue
        marginal = found.heavy.marginal if name == "think" else None
        mixture = None if marginal is None else (f"{one.law} with heavy users", marginal)
        draw = partial(law_beside_data, one.fitted, one.label.split(",")[0], one.unit, mixture=mixture)
        caption = Caption(_words(one), ("law", "BIC", "off by (points)", "mean"), _ranking(one))
        heading = f"{one.label[0].upper()}{one.label[1:]}"
        yield figure_of(name, heading, draw, caption)


def _words(row: Row) -> str:
    assert row.fitted is not None
    cells = row.fitted.cells
    why = "that were watched for some time" if cap_of(row.fitted) is None else "at the cap"
    cut = f", and {grouped(cells.cut)} {why}" if cells.cut else ""
    beyond = f", as far as {_time(cells.beyond)}" if cells.beyond < float("inf") else ""
    off = "" if row.off_by is None else f" It is off by {100 * row.off_by:.1f} points at the most."
    return (
        f"The share of values above each value, measured on {grouped(cells.seen)} of them{cut}{beyond}, and by the law"
        f" {row.law}.{off} Both axes are logarithmic."
    )


def _ranking(row: Row) -> list[list[str]]:
    assert row.fitted is not None
    best = row.fitted.candidates[0]
    return [
        [one.kind, f"{one.bic - best.bic:+.0f}", f"{100 * one.distance:.1f}", shown(one.mean, row.unit)]
        for one in row.fitted.candidates
    ]
