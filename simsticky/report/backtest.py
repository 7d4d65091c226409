"""A backtest for people: whether model and log go together first, then what was observed beside what is predicted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from simsticky.logs.backtest_answer import FEWEST_ALIVE
from simsticky.report.blocks import (
    Block,
    Cell,
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
    Verdict,
    data,
)
from simsticky.report.blocks import Row as TableRow
from simsticky.report.numbers import THIN, counted, duration, grouped
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from simsticky.logs.backtest_answer import Backtest, Row

_MOST_NAMED = 3
"""Figures that the sentence names; of more it says how many."""
_LONG_S, _SHORT_S = 60.0, 10.0
"""From here on whole seconds are enough, and up to here hundredths are shown."""
UNSURE = (
    "A log does not show where a session's state is: it counts as broken when two answers in a row are by different"
    " pods. A client that another one's cookie or address hides in looks broken and is not; a session whose state"
    " was gone while its pod stayed (a container restarted) is broken and looks whole."
)
"""What the count of broken sessions in a log is, and how far it can be off."""


def mark(found: Backtest) -> Mark:
    """Return the sign of the answer."""
    return {True: Mark.PASS, False: Mark.FAIL, None: Mark.OPEN}[found.compatible]


def headline(found: Backtest) -> str:
    """Return whether the model is compatible with the log, and where not, as one sentence."""
    count, outside = len(found.rows), found.outside
    if found.compatible is False:
        named = "; ".join(_missed(row) for row in outside[:_MOST_NAMED])
        more = f"; and {len(outside) - _MOST_NAMED} more figures" if len(outside) > _MOST_NAMED else ""
        where = f": {named}{more}" if outside else ": each figure might be, all of them together are not"
        return f"The model is not compatible with this log{where}."
    within = (
        f"all {count} figures lie" if not outside else f"{count - len(outside)} of {count} figures lie"
    ) + " where 95 of 100 runs of it do"
    if found.compatible is None:
        return (
            f"Not certain whether the model is compatible with this log: only {counted(found.alive, 'session')} went"
            f" through an operation, and of fewer than {FEWEST_ALIVE} nobody knows; {within}."
        )
    if not outside:
        return f"The model is compatible with this log: {within}."
    named = "; ".join(_missed(row) for row in outside[:_MOST_NAMED])
    return f"The model is compatible with this log: {within}. Outside, as chance has it: {named}."


def _missed(row: Row) -> str:
    figure = row.figure.label.strip()
    return f"{figure}: {_value(row, row.observed)} in the log, {_range(row)} predicted"


def title(found: Backtest) -> str:
    """Return what was tested, against what."""
    return (
        f"{found.scenario.name} · {found.format} log of {counted(found.sessions, 'session')} and"
        f" {counted(found.requests, 'request')} · {counted(found.replications, 'replication')} · seed {found.seed}"
    )


def chance(found: Backtest) -> str:
    """Return how far out the log is, over all figures, in words."""
    return (
        f"Over all figures at once, {round(100 * found.probability)} of 100 runs of the model are as far out as the"
        " log, or further; fewer than 5 would mean that it is not one of them."
    )


def blocks(found: Backtest) -> list[Block]:
    """Return the sentence, the figures, and what they rest on."""
    notes = [chance(found), _told_apart(found), UNSURE, *_notes(found)]
    return [
        Verdict(mark(found), headline(found)),
        Title(title(found)),
        _table(found),
        *(Note(text) for text in notes),
    ]


def data_of(found: Backtest) -> list[Block]:
    """Return the figures for machines, a row each."""
    heads = ("figure", "unit", "observed", "low", "high", "median", "mean", "holds")
    rows = []
    for row in found.rows:
        of, ends = row.figure, row.predicted
        values: list[Exact] = [of.key, of.unit, row.observed, ends.low, ends.high, ends.median, row.mean]
        rows.append(TableRow(tuple(map(data, [*values, str(row.holds).lower()]))))
    return [Table("Figures", tuple(map(Column, heads)), tuple(rows))]


def _table(found: Backtest) -> Table:
    columns = (
        Column("", Kind.LABEL),
        Column("in the log", Kind.NUMBER),
        Column("one run of the model, 95 %", Kind.NUMBER),
    )
    rows = tuple(
        TableRow(
            (
                Cell(row.figure.label.strip(), mark=Mark.PASS if row.holds else Mark.FAIL),
                Cell(_value(row, row.observed)),
                Cell(_range(row)),
            ),
            definition=row.figure.definition,
        )
        for row in found.rows
    )
    return Table("Each figure in the log and in one run of the model", columns, rows, of="figure")


def _told_apart(found: Backtest) -> str:
    evidence = found.key["evidence"].rstrip(".")
    return f"Sessions are told apart by {found.key['key']} ({found.key['quality']}): {evidence}."


def _notes(found: Backtest) -> list[str]:
    return [f"{_capital(note)}." for note in found.notes]


def _capital(text: str) -> str:
    text = text.rstrip(".")
    return text[:1].upper() + text[1:]


def _value(row: Row, value: float) -> str:
    if row.figure.unit == "count":
        return grouped(value)
    return duration(value) if abs(value) >= _LONG_S else f"{value:.{1 if abs(value) >= _SHORT_S else 2}f}{THIN}s"


def _range(row: Row) -> str:
    low, high = _value(row, max(0.0, row.predicted.low)), _value(row, row.predicted.high)
    return low if low == high else f"{low} to {high}"


def page(found: Backtest) -> str:
    """Return the backtest as one HTML file: the sentence, both timelines, the figures, and what was assumed."""
    from simsticky.report import provenance
    from simsticky.report.render.html import Page, render

    compared = (Sentence(_told_apart(found), Tone.PLAIN), Sentence(UNSURE, Tone.PLAIN), Entries(tuple(_notes(found))))
    meanings = Terms(tuple((row.figure.label.strip(), row.figure.definition) for row in found.rows))
    body: list[Block] = [
        Title(title(found)),
        Section("Observed and predicted", (_table(found), Sentence(chance(found), Tone.PLAIN)), name="numbers"),
        *_figures(found),
        Section("What was compared", compared, name="what"),
    ]
    annex = [
        Section("What these numbers mean", (meanings,), folded=True),
        *provenance.blocks(found.scenario, without=("traffic.trace",)),
    ]
    facts = [("seed", found.seed), ("replications", found.replications), *provenance.versions()]
    name = f"{found.scenario.name}: does it match the log?"
    return render(Page(name, [Verdict(mark(found), headline(found))], body, facts, annex))


def _figures(found: Backtest) -> list[Figure]:
    from simsticky.report.plots import backtest as plots

    drawn: list[tuple[str, str, Callable[..., Axes], str]] = [
        ("broken", "Broken sessions, observed and predicted", plots.broken_over_time,
         "How many sessions have been broken so far. The band holds one run of the model in 95 of 100, at each moment"
         " by itself; the dashed line is its middle, the solid one the log."),
        ("observed", "The log", plots.observed_pods,
         "Each pod of the log, by its first answer: the darker, the more requests it answered then. Ticks are moves,"
         " below the pod that answered from then on."),
        ("predicted", "One run of the model", plots.predicted_pods,
         "The same of replication 0, by the same rules, as its own access log would show it."),
    ]  # fmt: skip
    return [Figure(name, heading, partial(draw, found), text) for name, heading, draw, text in drawn]
