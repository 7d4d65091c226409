"""The first screen, the same in a terminal and on a page: what happens and why, what to do next, what it hangs on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simsticky.report.alerts import alerts
from simsticky.report.asked import Asked
from simsticky.report.blocks import (
    Block,
    Cell,
    Column,
    Kind,
    Layout,
    Row,
    Section,
    Sentence,
    Step,
    Table,
    Tone,
    Verdict,
    number,
)
from simsticky.report.numbers import counted, grouped
from simsticky.report.outcome import outcome
from simsticky.report.verdict_lines import thresholds, verdict_lines
from simsticky.study.otherwise import STATE, Otherwise, assumptions, is_of_the_model
from simsticky.study.precision import HEADLINE
from simsticky.study.thresholds import together

if TYPE_CHECKING:
    from simsticky.study.replicate import Study

HEADLINES = {
    HEADLINE: ("broken sessions", "exposed"),
    "failed_requests": ("failed requests", "sent"),
}
"""The two headlines, what they are called, and what they are counted of."""
ENDS = {"last_old_pod_gone_s": ("last old pod gone after", ""), "peak_pods": ("most pods at once", "")}
"""What the operation takes; a page has room for it."""
_ASSUMED = "Assumed, and the answer hangs on it: broken sessions otherwise"


def sentences(study: Study, asked: Asked | None = None) -> list[Block]:
    """Return the sentence with the cause, the next step, and what else must not be missed.

    Args:
        study: The study.
        asked: What was asked, for the commands; told from where the scenario comes from, if None.
    """
    found = outcome(study)
    asked = asked or _asked(study)
    blocks: list[Block] = [] if found is None else [Sentence(found.sentence)]
    if found is not None and asked is not None:
        step = found.next
        blocks.append(Step(f"Next, {step.why}:", asked.command(step.verb, *step.words)))
    return [*blocks, *(Sentence(text, Tone.ALERT) for text in alerts(study, found))]


def _asked(study: Study) -> Asked | None:
    """The file that a scenario was loaded from, unless it was a text or something was changed since."""
    places = study.scenario.places
    if "schema" not in places or any(place.line is None for place in places.values()):
        return None
    file = places["schema"].file
    return None if file.startswith("<") else Asked(file)


def headlines(study: Study, names: dict[str, tuple[str, str]] = HEADLINES) -> Table:
    """Return the large numbers of a study, with what was counted of what."""
    rows = []
    for name, (label, of) in names.items():
        if name not in study.metrics:
            continue
        found = study.estimate(name)
        counts = Cell()
        if found.denominator == 0:
            counts = Cell() if found.interval.kind == "exact" else Cell("nothing measured", must=True)
        elif found.denominator is not None:
            seen = "none" if found.numerator == 0 else grouped(found.numerator)
            counts = Cell(f"{seen} of {grouped(found.denominator)} {of}", must=True)
        rows.append(Row((Cell(label), number(found.interval, found.unit), counts), definition=found.definition))
    columns = (Column("", Kind.LABEL), Column("value", Kind.NUMBER), Column("counted", Kind.QUIET))
    return Table("Headlines", columns, tuple(rows), Layout.HEADLINES)


def verdict(study: Study) -> list[Block]:
    """Return what all thresholds come to, and each of them."""
    said, mark = together(study.verdicts())
    if mark is None:
        return [Sentence(f"{said}.", Tone.QUIET)]
    return [Section("", (Verdict(mark, f"{said}."), thresholds(verdict_lines(study))))]


def assumed(study: Study, others: Sequence[Otherwise] | None = None, asked: Asked | None = None) -> list[Block]:
    """Return what nobody has said and the answer hangs on, with what the headline would be otherwise.

    Args:
        study: The study.
        others: The same with what was simulated; without it the commands that tell.
        asked: What was asked, for these commands.
    """
    if not is_of_the_model(study) or study.estimate(HEADLINE).interval.estimate is None:
        return []
    if others is None:
        others = [Otherwise(one) for one in assumptions(study.scenario)]
    if not others:
        return []
    asked = asked or _asked(study)
    steps = [_step(one, asked) for one in others if one.after is None and one.assumed.path != STATE]
    columns = (Column("assumed", Kind.LABEL), Column("broken sessions", Kind.NUMBER), Column("if", Kind.QUIET))
    table = Table(_ASSUMED, columns, tuple(map(_row, others)), Layout.LIST)
    return [Section(_ASSUMED, (table, *(step for step in steps if step is not None)))]


def _row(one: Otherwise) -> Row:
    origin = "a guess" if one.assumed.is_guess else "nothing says so"
    label = Cell(f"{one.assumed.said} ({origin})")
    if one.assumed.path == STATE:
        return Row((label, Cell("none", exact=(0.0,)), Cell(one.assumed.if_other, must=True)))
    if one.after is None or one.before is None:
        return Row((label, Cell(), Cell(one.assumed.if_other, must=True)))
    n = one.after.interval.used
    instead = number(one.before.interval, one.before.unit).text
    short = f"{one.assumed.if_other} ({counted(n, 'replication')}"
    remark = Cell(f"{short}; {instead} as it is)", shorter=(f"{short})",), must=True)
    return Row((label, number(one.after.interval, one.after.unit), remark))


def _step(one: Otherwise, asked: Asked | None) -> Step | None:
    if asked is None:
        return None
    changes = "; ".join(f"{path}={_written(value)}" for path, value in one.assumed.changes.items())
    return Step(f"{one.assumed.if_other.capitalize()}:", asked.command("compare", "--with", changes))


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
