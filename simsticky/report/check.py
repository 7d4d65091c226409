"""A check for people: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simsticky.report import comparison as compared
from simsticky.report.alerts import alerts
from simsticky.report.blocks import Block, Note, Sentence, Title, Tone, Verdict, Warnings
from simsticky.report.numbers import capital, counted, grouped, show
from simsticky.report.outcome import outcome
from simsticky.report.verdict_lines import VerdictLine, thresholds, verdict_line
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.study.check.answer import Check, Told
    from simsticky.study.check.budget import Deploys
    from simsticky.study.replicate import Study


def headline(check: Check) -> str:
    """Return the one thing to know about a check, without a full stop."""
    if check.is_unchanged:
        return f"Nothing that the model reads differs from {check.baseline}; nothing was simulated"
    if check.comparison is not None:
        said = compared.sentence(check.comparison, check.comparison.others[0].name)
        crossing = check.standing.crossing if check.standing is not None and check.outcome is Mark.OPEN else ()
        of = ", ".join(told.verdict.label for told in check.thresholds if told.verdict.metric in crossing)
        more = f"; not certain whether {of} is still met" if of else ""
        return capital(said) + more
    if not check.thresholds:
        return "No thresholds are set"
    lines = [line_of(check, told) for told in check.thresholds if told.mark is check.outcome]
    if check.outcome is Mark.PASS and len(lines) > 1:
        return f"Met: all {len(lines)} thresholds"
    return f"{capital(check.outcome.word)}: " + "; ".join(_told_of(line) for line in lines)


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


def blocks(check: Check) -> list[Block]:
    """Return the check: what it comes to, the budget, what it rests on, and how to read it."""
    if check.is_unchanged:
        return [Sentence(f"{headline(check)}.", Tone.PLAIN)]
    found: list[Block] = [Verdict(check.outcome, f"{headline(check)}.")]
    if check.deploys is not None:
        found.append(Sentence(f"{budget_sentence(check.deploys)}.", Tone.PLAIN))
    notes = [Note(text) for text in _notes(check)]
    if check.comparison is not None:
        return [*found, Title(compared.title(check.comparison)), *compared.figures(check.comparison), *notes]
    found.append(Title(title(check)))
    found += [] if check.study is None else [Sentence(text, Tone.PLAIN) for text in _said(check.study)]
    if check.thresholds:
        remarks = [f"after {counted(told.n, 'replication')}" for told in check.thresholds]
        found.append(thresholds([line_of(check, told) for told in check.thresholds], remarks))
    return [*found, *notes, Warnings(check.warnings)]


def _said(study: Study) -> list[str]:
    """What happens and why, and what else must not be missed."""
    told = outcome(study)
    return [*([] if told is None else [told.sentence]), *alerts(study, told)]


def comment(check: Check) -> list[Block]:
    """Return what a pull request is told: nothing where nothing has changed."""
    return [] if check.is_unchanged else blocks(check)


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
