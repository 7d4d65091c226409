"""A backtest for people: whether model and log go together first, then what was observed beside what is predicted."""

from __future__ import annotations

import csv
import io
import textwrap
from functools import partial
from typing import TYPE_CHECKING

from simsticky.logs.backtest_answer import FEWEST_ALIVE
from simsticky.report.numbers import THIN, counted, duration, grouped
from simsticky.report.tables import escape
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from simsticky.logs.backtest_answer import Backtest, Row
    from simsticky.report.terminal import Line

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


def render(found: Backtest, width: int = 80) -> list[Line]:
    """Return the backtest as lines of at most ``width`` characters."""
    sign = mark(found)
    said = textwrap.wrap(f"{sign.value} {headline(found)}", width, subsequent_indent="  ")
    lines: list[Line] = [((said[0][:1], sign.word), (said[0][1:], "heading"))]
    lines += [((text, "heading"),) for text in said[1:]]
    lines += [(), *(((text, "quiet"),) for text in textwrap.wrap(title(found), width)), ()]
    label = max(len(row.figure.label) for row in found.rows)
    observed = max(len("in the log"), *(len(_value(row, row.observed)) for row in found.rows))
    lines.append(((f"    {'':{label}}  {'in the log':>{observed}}  one run of the model, 95 %", "quiet"),))
    for row in found.rows:
        text = f" {row.figure.label:{label}}  {_value(row, row.observed):>{observed}}  {_range(row)}"
        own = Mark.PASS if row.holds else Mark.FAIL
        lines.append((("  ", ""), (own.value, own.word), (text, "")))
    evidence = found.key["evidence"].rstrip(".")
    told_apart = f"Sessions are told apart by {found.key['key']} ({found.key['quality']}): {evidence}."
    notes = [chance(found), told_apart, UNSURE, *(f"{_capital(note)}." for note in found.notes)]
    lines.append(())
    for note in notes:
        lines += [((text, "quiet"),) for text in textwrap.wrap(note, width)]
    return lines


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


def to_csv(found: Backtest) -> str:
    """Return the figures as CSV, one line each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["figure", "unit", "observed", "low", "high", "median", "mean", "holds"])
    for row in found.rows:
        ends = (row.predicted.low, row.predicted.high, row.predicted.median, row.mean)
        writer.writerow([row.figure.key, row.figure.unit, row.observed, *ends, str(row.holds).lower()])
    return text.getvalue()


def to_markdown(found: Backtest) -> str:
    """Return the sentence in bold, and the figures as a table."""
    lines = [f"**{mark(found).value} {escape(headline(found))}**", "", escape(title(found)), ""]
    lines += ["| | Figure | In the log | One run of the model, 95 % |", "|:--|:--|--:|--:|"]
    for row in found.rows:
        cells = ("✓" if row.holds else "✗", row.figure.label.strip(), _value(row, row.observed), _range(row))
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    lines += ["", chance(found), "", *(f"- {escape(_capital(note))}." for note in found.notes)]
    return "\n".join(lines).rstrip("\n") + "\n"


def page(found: Backtest) -> str:
    """Return the backtest as one HTML file: the sentence, both timelines, the figures, and what was assumed."""
    from simsticky.report.inputs import inputs
    from simsticky.report.page import environment
    from simsticky.results.provenance import library_versions
    from simsticky.version import __version__

    whole = {
        "name": found.scenario.name,
        "mark": mark(found),
        "sentence": headline(found),
        "title": title(found),
        "chance": chance(found),
        "unsure": UNSURE,
        "key": {**found.key, "evidence": found.key["evidence"].rstrip(".")},
        "rows": [
            (row.figure.label.strip(), _value(row, row.observed), _range(row),
             Mark.PASS if row.holds else Mark.FAIL, row.figure.definition)
            for row in found.rows
        ],
        "notes": [f"{_capital(note)}." for note in found.notes],
        "figures": _pictures(found),
        "inputs": [item for item in inputs(found.scenario) if item.path != "traffic.trace"],
        "manifests": found.scenario.manifest_report,
        "seed": found.seed,
        "replications": found.replications,
        "versions": {"simsticky": __version__, **library_versions()},
    }  # fmt: skip
    return environment().get_template("backtest.html.j2").render(whole)


def _pictures(found: Backtest) -> Sequence[tuple[str, str, object, object]]:
    from simsticky.report.captions import Caption
    from simsticky.report.picture import picture
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
    return [
        (name, heading, picture(partial(draw, found), name, f"{heading}. {text}"), Caption(text))
        for name, heading, draw, text in drawn
    ]
