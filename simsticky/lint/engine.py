"""Applies the rules: what is found, what somebody has ignored, and what of it fails."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from simsticky.annotations.record import Annotation, Severity, in_order
from simsticky.errors import Diagnostic, InputError
from simsticky.lint.apps import App
from simsticky.lint.fixes import one_for_each_object
from simsticky.lint.inputs import Material
from simsticky.lint.rules import RULES, LintRule
from simsticky.lint.rules.registry import Found
from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.patches import Patch

IGNORE = "simsticky.io/ignore"
"""Annotation of an object: numbers of rules that are not to be told of it."""
_LAST = ("SS026", "SS027", "SS028")
"""What reading alone tells: left out where a rule has said of the same line what it means."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, with what mends it.

    Attributes:
        annotation: The finding as every format tells it.
        patches: The edits that mend it.
        app: The application that it was found in; None for a rule of objects.
        found: What the rule said.
    """

    annotation: Annotation
    patches: tuple[Patch, ...] = ()
    app: App | None = field(default=None, repr=False, compare=False)
    found: Found | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Lint:
    """What a linting has found.

    Attributes:
        findings: The findings, the worst first.
        ignored: How many somebody did not want to hear of.
        objects: How many objects were looked at.
        apps: How many applications.
        notes: What was left out of the reading, one sentence each.
    """

    findings: Sequence[Finding]
    ignored: int = 0
    objects: int = 0
    apps: int = 0
    notes: Sequence[str] = ()

    def count(self, severity: Severity) -> int:
        """Return the number of findings of a severity."""
        return sum(finding.annotation.severity is severity for finding in self.findings)

    def fails(self, at: Severity | None) -> bool:
        """Return whether a finding is as bad as the given severity, or worse; None never fails."""
        return at is not None and any(one.annotation.severity.is_at_least(at) for one in self.findings)

    @property
    def annotations(self) -> list[Annotation]:
        """The findings alone."""
        return [finding.annotation for finding in self.findings]

    @property
    def patches(self) -> list[Patch]:
        """One edit for each object, of errors and warnings: of two that set the same field the worse finding's."""
        told = [one for one in self.findings if one.annotation.severity is not Severity.NOTE]
        return one_for_each_object(patch for one in told for patch in one.patches)


def lint(material: Material, ignore: Iterable[str] = ()) -> Lint:
    """Apply every rule.

    Args:
        material: What was read.
        ignore: Numbers of rules that are not to be told.

    Raises:
        InputError: A number is none of a rule's, here or in an annotation.
    """
    unwanted = frozenset(known_rules(ignore, "--ignore"))
    annotated = _Annotations(material.objects.every)
    every = _without_doubles(_all(material))
    kept = [one for one in every if not _is_ignored(one.annotation, unwanted, annotated)]
    ordered = {id(one.annotation): one for one in kept}
    findings = [ordered[id(annotation)] for annotation in in_order(one.annotation for one in kept)]
    looked_at = len(material.objects.every)
    return Lint(findings, len(every) - len(kept), looked_at, len(material.apps), material.notes)


def known_rules(numbers: Iterable[str], source: str) -> list[str]:
    """Return numbers of rules as they are written here.

    Args:
        numbers: Each a number, or several with commas.
        source: Who names them, for the message.

    Raises:
        InputError: There is no such rule.
    """
    found, problems = [], []
    for number in (part.strip() for text in numbers for part in text.split(",")):
        if number.upper() in RULES:
            found.append(number.upper())
        else:
            problems.append(Diagnostic(source, None, None, "", *no_such_rule(number)))
    if problems:
        raise InputError(problems)
    return found


def no_such_rule(number: str) -> tuple[str, str]:
    """Return what to say of a number that no rule has, and the nearest that one has."""
    near = get_close_matches(number.upper(), RULES, n=1, cutoff=0.5)
    return f"there is no rule {number!r}", f"did you mean {near[0]}?" if near else f"SS001 to {list(RULES)[-1]}"


def _all(material: Material) -> Iterator[Finding]:
    for rule in RULES.values():
        if rule.of_objects is not None:
            for found in rule.of_objects(material.objects):
                yield _finding(rule, found, None)
        if rule.of_app is not None:
            for app in material.apps:
                for found in rule.of_app(app):
                    yield _finding(rule, found, app)


def _finding(rule: LintRule, found: Found, app: App | None) -> Finding:
    words = found.fix or rule.fix
    commands = [patch.command or f"in the scenario:\n{patch.yaml.rstrip()}" for patch in found.patches]
    annotation = Annotation(
        rule.rule,
        found.severity or rule.rule.severity,
        found.message,
        found.place.file,
        found.place.line,
        found.place.column,
        found.subject,
        found.evidence,
        "\n".join([words, *commands]),
    )
    return Finding(annotation, found.patches, app, found)


def _without_doubles(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once, and what reading alone tells only where nothing else was said of the line."""
    seen: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        one = finding.annotation
        seen.setdefault((one.rule.id, one.file, one.line, one.column, one.subject, one.message), finding)
    told: dict[tuple[str, int | None], Severity] = {}
    for one in (finding.annotation for finding in seen.values()):
        if one.rule.id not in _LAST:
            known = told.get((one.file, one.line))
            told[one.file, one.line] = one.severity if known is None or one.severity.is_at_least(known) else known

    def says_it_already(one: Annotation) -> bool:
        """Whether a rule has told of the same line, and thought it at least as bad."""
        known = told.get((one.file, one.line))
        return known is not None and known.is_at_least(one.severity)

    return [one for one in seen.values() if one.annotation.rule.id not in _LAST or not says_it_already(one.annotation)]


class _Annotations:
    """What objects want ignored, by the lines that each stands on.

    Raises:
        InputError: An annotation names a rule that there is not, or is no text.
    """

    def __init__(self, objects: Iterable[KubernetesObject]) -> None:
        self._starts: dict[str, list[tuple[int, frozenset[str]]]] = {}
        problems: list[Diagnostic] = []
        for obj in objects:
            place = obj.place()
            self._starts.setdefault(place.file, []).append((place.line or 1, frozenset(self._of(obj, problems))))
        if problems:
            raise InputError(problems)
        for starts in self._starts.values():
            starts.sort(key=lambda start: start[0])

    def at(self, file: str, line: int | None) -> frozenset[str]:
        """Return the rules that the object around a line does not want to hear of."""
        starts = self._starts.get(file, [])
        before = bisect_right([start for start, _ in starts], line or 1)
        return starts[before - 1][1] if before else frozenset()

    def _of(self, obj: KubernetesObject, problems: list[Diagnostic]) -> list[str]:
        written = obj.mapping("metadata", "annotations").get(IGNORE)
        if written is None:
            return []
        place = obj.place("metadata", "annotations", IGNORE)
        found = []
        for number in (part.strip() for part in str(written).split(",")):
            if number.upper() in RULES:
                found.append(number.upper())
            else:
                text, hint = no_such_rule(number)
                path = f"{obj.label}: {place.path}"
                problems.append(Diagnostic(place.file, place.line, place.column, path, text, hint))
        return found


def _is_ignored(one: Annotation, unwanted: frozenset[str], annotated: _Annotations) -> bool:
    return one.rule.id in unwanted or one.rule.id in annotated.at(one.file, one.line)
