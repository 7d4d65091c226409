"""Findings of ``lint`` for a terminal, and a rule's page for ``explain``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from simsticky.annotations.record import Severity
from simsticky.report.numbers import counted
from simsticky.report.recommendation import edit_title, lines_to_copy
from simsticky.study.verdicts import Mark

if TYPE_CHECKING:
    from simsticky.lint.engine import Finding, Lint
    from simsticky.lint.rules import LintRule
    from simsticky.report.render.lines import Line

_STYLES = {Severity.ERROR: Mark.FAIL.word, Severity.WARNING: Mark.OPEN.word, Severity.NOTE: "quiet"}
_LABEL = 10


def render(found: Lint, width: int | None) -> list[Line]:
    """Return the findings as lines.

    Args:
        found: What a linting has found.
        width: Columns that no sentence exceeds; None where nothing is to be wrapped, for a pipe.
    """
    lines: list[Line] = []
    explained: set[str] = set()
    for finding in found.findings:
        lines += [*_finding(finding, width, explained), ()]
    for patch in found.patches:
        lines += [((text, "heading"),) for text in _wrapped(edit_title(patch), width)]
        lines += [*(((text, ""),) for text in _folded(lines_to_copy(patch), width)), ()]
    return lines + [((text, ""),) for text in _wrapped(_summary(found), width)]


def _folded(command: list[str], width: int | None) -> list[str]:
    """Return a command whose first line goes on in the next one where it is too long; a shell takes it all the same."""
    first, *others = command
    if width is None or len(first) <= width or not first.startswith("kubectl patch "):
        return command
    verb, what, kind, rest = first.split(" ", 3)
    return [f"{verb} {what} {kind} \\", f"  {rest}", *others]


def _finding(finding: Finding, width: int | None, explained: set[str]) -> Iterator[Line]:
    one = finding.annotation
    place, subject = one.place or "-", one.subject
    yield (one.severity.value, _STYLES[one.severity]), (f"  {one.rule.id}  ", "heading"), (place, "")
    said = f"{subject}: {one.message}" if subject else one.message
    yield from (((text, ""),) for text in _wrapped(said, width, "  "))
    details = {"why": one.rule.why, "evidence": one.evidence, "fix": one.fix.partition("\n")[0]}
    if one.rule.id in explained:
        del details["why"]
    explained.add(one.rule.id)
    for label, text in details.items():
        if text:
            yield from _labelled(label, text, width)


def _labelled(label: str, text: str, width: int | None) -> Iterator[Line]:
    first, *others = _wrapped(text, None if width is None else width - _LABEL - 2) or [""]
    yield (f"  {label:<{_LABEL}}", "quiet"), (first, "")
    for other in others:
        yield ((" " * (_LABEL + 2) + other, ""),)


def _wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    if width is None:
        return [indent + text]
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _summary(found: Lint) -> str:
    counts = [counted(found.count(severity), severity.value) for severity in Severity if found.count(severity)]
    said = ", ".join(counts) or "nothing found"
    looked = f"{counted(found.objects, 'object')}, {counted(found.apps, 'application')}"
    ignored = f"; {counted(found.ignored, 'finding')} ignored" if found.ignored else ""
    more = f". More of a rule: simsticky explain {found.findings[0].annotation.rule.id}" if found.findings else ""
    return f"{said} in {looked}{ignored}{more}"


def explain(rule: LintRule, width: int) -> str:
    """Return the page of a rule."""
    of = rule.rule
    lines = [f"{of.id}  {of.severity.value}: {of.title}"]
    ignore = f"the object's annotation simsticky.io/ignore: {of.id}, or --ignore {of.id}"
    for label, text in (("why", of.why), ("fix", rule.fix), ("source", of.source), ("ignore", ignore)):
        lines += ["".join(part for part, _ in line) for line in _labelled(label, text, width)]
    return "\n".join(lines) + "\n"
