"""One finding, and the rule that found it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for an error, then growing: what is worse comes first."""
        return list(Severity).index(self)

    def is_at_least(self, other: Severity) -> bool:
        """Return whether this is as bad as the other, or worse."""
        return self.rank <= other.rank


@dataclass(frozen=True, slots=True)
class Rule:
    """What finds something: a rule of ``lint``, a threshold or a regression of ``check``.

    Attributes:
        id: Stable, for people and machines: ``SS004``.
        title: What it is about, a few words.
        severity: How bad its findings are.
        why: Why it matters, one sentence.
        source: Where that comes from.
        uri: A page about it; empty if there is none.
    """

    id: str
    title: str
    severity: Severity
    why: str = ""
    source: str = ""
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One finding at its place.

    Attributes:
        rule: Who found it.
        severity: How bad it is, here.
        message: What is wrong, one sentence.
        file: File as the person named it, ``<stdin>``, or empty.
        line: Line, counted from 1, or None.
        column: Column, counted from 1, or None.
        subject: The object or the setting: ``Deployment web``; may be empty.
        evidence: The figures behind it; may be empty.
        fix: How to mend it, a text; may be empty.
    """

    rule: Rule
    severity: Severity
    message: str
    file: str = ""
    line: int | None = None
    column: int | None = None
    subject: str = ""
    evidence: str = ""
    fix: str = ""

    @property
    def is_in_a_file(self) -> bool:
        """Whether the place is a line of a file, and not of a pipe or of a flag."""
        return bool(self.file) and not self.file.startswith(("<", "--"))

    @property
    def place(self) -> str:
        """``file:line:column`` as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))

    @property
    def text(self) -> str:
        """All of it, for a format that has one text: the message, why, the evidence, the fix."""
        said = f"{self.subject}: {self.message}" if self.subject else self.message
        parts = (said, self.rule.why, f"Evidence: {self.evidence}" if self.evidence else "")
        fix = f"Fix:\n{self.fix}" if self.fix else ""
        return "\n".join(part for part in (*parts, fix) if part)


def in_order(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Return the findings, the worst first, then by file, line, column and rule."""
    return sorted(
        annotations,
        key=lambda found: (found.severity.rank, found.file, found.line or 0, found.column or 0, found.rule.id),
    )


def rules_of(annotations: Iterable[Annotation]) -> list[Rule]:
    """Return the rules that found something, each once, by id."""
    return sorted({found.rule.id: found.rule for found in annotations}.values(), key=lambda rule: rule.id)


def repository_path(file: str) -> str:
    """Return a file's path from the root of its Git repository, with slashes; as named where it is in none.

    GitHub and SARIF's readers know paths from the root only, wherever the command was started.
    """
    path = Path(file)
    try:
        whole = path.resolve()
        root = next((above for above in whole.parents if (above / ".git").exists()), None)
    except (OSError, RuntimeError, ValueError):
        root = None
    return (path if root is None else whole.relative_to(root)).as_posix()
