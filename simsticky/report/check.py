"""A check for people: the verdict first, then what it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from simsticky.report import comparison as compared
from simsticky.report.first_lines import first_lines
from simsticky.report.numbers import Shown, counted, grouped, show
from simsticky.report.tables import escape
from simsticky.report.verdict_lines import VerdictLine, verdict_line
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.report.terminal import Line
    from simsticky.study.check.answer import Check, Told
    from simsticky.study.check.budget import Deploys

_WORDS = {Mark.PASS: "Met", Mark.FAIL: "Not met", Mark.OPEN: "Not certain"}


def headline(check: Check) -> str:
    """Return the one thing to know about a check, without a full stop."""
    if check.is_unchanged:
        return f"Nothing that the model reads differs from {check.baseline}; nothing was simulated"
    if check.comparison is not None:
        said = compared.sentence(check.comparison, check.comparison.others[0].name)
        crossing = check.standing.crossing if check.standing is not None and check.outcome is Mark.OPEN else ()
        of = ", ".join(told.verdict.label for told in check.thresholds if told.verdict.metric in crossing)
        more = f"; not certain whether {of} is still met" if of else ""
        return said[:1].upper() + said[1:] + more
    if not check.thresholds:
        return "No thresholds are set"
    lines = [line_of(check, told) for told in check.thresholds if told.mark is check.outcome]
    if check.outcome is Mark.PASS and len(lines) > 1:
        return f"Met: all {len(lines)} thresholds"
    return f"{_WORDS[check.outcome]}: " + "; ".join(_told_of(line) for line in lines)


def line_of(check: Check, told: Told) -> VerdictLine:
    """Return what is told about a threshold."""
    assert check.study is not None  # something was run, or nothing would be told
    return verdict_line(told.verdict, check.study.metrics[told.verdict.metric].unit)


def _told_of(line: VerdictLine) -> str:
    return f"{line.label} ({'; '.join(part for part in (str(line.shown), line.note) if part)})"


def title(check: Check) -> str:
    """Return what was checked, how often, and against what."""
    against = f" · against {check.baseline}" if check.baseline else ""
    return f"{check.scenario.name} · {counted(check.n, 'replication')} · seed {check.seed}{against}"


def budget_sentence(deploys: Deploys) -> str:
    """Return how often a budget allows a deploy, in one sentence."""
    budget, allowed, broken = deploys.budget, deploys.allowed, deploys.broken
    most = f"{grouped(budget.most)} broken sessions {_a(budget.span)}"
    noun = "deploys" if deploys.of_rollouts else "runs of the timeline"
    if broken.estimate is None or broken.high is None:
        return f"{most}: how many {noun} that allows is not known, nothing was measured"
    per, breaks = _one_of(deploys)
    if allowed.estimate is None:
        low = "any number of" if allowed.low is None else f"at least {_rounded(allowed.low)}"
        return f"{most} allow {low} {noun} {_a(budget.span)}: {per} was seen to break none"
    low, high = _rounded(allowed.low), _rounded(allowed.high)
    ends = f"{low} to {high}" if allowed.high is not None else f"at least {low}"
    figure = show(broken, "count")
    return f"{most} allow {_rounded(allowed.estimate)} {noun} {_a(budget.span)} [{ends}]: {per} {breaks} {figure}"


def _one_of(deploys: Deploys) -> tuple[str, str]:
    """What breaks the sessions, with its verb."""
    if not deploys.of_rollouts:
        return "a run of the timeline", "breaks"
    return ("a deploy", "breaks") if deploys.each == 1 else (f"{deploys.each} deploys", "break")


def _a(span: str) -> str:
    return f"an {span}" if span == "hour" else f"a {span}"


def _rounded(number: float | None) -> str:
    """A number of deploys to three digits, or whole."""
    if number is None:
        return "–"
    return grouped(round(number)) if number >= 100 else f"{number:.3g}"


def render(check: Check, width: int = 80) -> list[Line]:
    """Return the check as lines of at most ``width`` characters."""
    if check.is_unchanged:
        return [((text, ""),) for text in textwrap.wrap(f"{headline(check)}.", width)]
    style = check.outcome.word
    said = textwrap.wrap(f"{check.outcome.value} {headline(check)}", width, subsequent_indent="  ")
    lines: list[Line] = [((said[0][:1], style), (said[0][1:], "heading"))]
    lines += [((text, "heading"),) for text in said[1:]]
    if check.deploys is not None:
        lines += [((text, ""),) for text in textwrap.wrap(f"{budget_sentence(check.deploys)}.", width)]
    lines.append(())
    if check.comparison is not None:
        lines += compared.render(check.comparison, width, with_sentence=False)
    else:
        lines += [((text, "heading"),) for text in textwrap.wrap(title(check), width)]
        lines += [((text, ""),) for line in _first_lines(check) for text in textwrap.wrap(line, width)]
        lines += [line for told in check.thresholds for line in _row(check, told, width)]
    notes = list(_notes(check))
    return [
        *lines,
        *([()] if notes else []),
        *(((text, "quiet"),) for note in notes for text in textwrap.wrap(note, width)),
    ]


def _first_lines(check: Check) -> list[str]:
    return [] if check.study is None else first_lines(check.study)


def _row(check: Check, told: Told, width: int) -> Iterator[Line]:
    """A threshold on one line where there is room, its figure below it otherwise."""
    line = line_of(check, told)
    label = max(len(line_of(check, other).label) for other in check.thresholds)
    figure, after = str(line.shown), f"after {counted(told.n, 'replication')}"
    whole = f" {line.label.ljust(label)}  {figure}  {after}"
    if 3 + len(whole) <= width:
        yield (("  ", ""), (line.mark.value, line.mark.word), (whole, ""))
    else:
        yield (("  ", ""), (line.mark.value, line.mark.word), (f" {line.label}", ""))
        yield from (((f"    {text}", ""),) for text in textwrap.wrap(f"{figure}  {after}", width - 4))
    yield from (((f"    {text}", "quiet"),) for text in textwrap.wrap(line.note, width - 4))


def _notes(check: Check) -> Iterator[str]:
    """What a reader needs to believe the marks."""
    if check.standing is not None:
        worse = check.standing.against.worse
        missed = [told.verdict.label for told in check.thresholds if told.mark is Mark.FAIL]
        before = [told.verdict.label for told in check.thresholds
                  if told.mark is Mark.FAIL and told.verdict.metric not in worse]  # fmt: skip
        if before and len(before) == len(missed):
            yield f"Missed before as well, and no further: {', '.join(before)}."
    if not check.thresholds and check.comparison is None:
        return
    yield (
        f"Looked at after 10, 20, 40, ... replications, {grouped(check.most)} at the most, each look at a level of its"
        " own: over all of them ✓ and ✗ are each wrong in at most 2.5 % of such checks."
    )


def to_markdown(check: Check) -> str:
    """Return a comment for a pull request: a bold sentence, a small table; nothing where nothing has changed."""
    if check.is_unchanged:
        return ""
    budget = [] if check.deploys is None else ["", f"{escape(budget_sentence(check.deploys))}."]
    if check.comparison is not None:
        whole = compared.to_markdown(check.comparison, said=headline(check))
        notes = [escape(note) for note in _notes(check)]
        return "\n".join([whole.rstrip("\n"), *budget, "", *notes]) + "\n"
    lines = [f"**{check.outcome.value} {escape(headline(check))}**", *budget]
    lines += ["", *(escape(line) for line in _first_lines(check))] if _first_lines(check) else []
    if check.thresholds:
        lines += ["", "| | Threshold | Found | Replications |", "|:--|:--|--:|--:|"]
    for told in check.thresholds:
        line = line_of(check, told)
        shown = Shown(str(line.shown), f"({line.note})" if line.note else "")
        cells = (line.mark.value, line.label, str(shown), grouped(told.n))
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    lines += ["", escape(title(check)), "", *(escape(note) for note in _notes(check))]
    lines += [f"- warning: {escape(text)}" for text in check.warnings]
    return "\n".join(lines).rstrip("\n") + "\n"
