"""What a rule is, and the list of them: number, text, severity and source stand here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simsticky.annotations.record import Rule, Severity
from simsticky.lint.apps import App
from simsticky.lint.objects import Objects
from simsticky.manifests.patches import Patch
from simsticky.scenario.location import Place


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule has found.

    Attributes:
        message: What is wrong, one sentence.
        place: Where.
        subject: The object, for people.
        evidence: A closed form with its numbers; may be empty.
        fix: What to do, one sentence; the rule's own where it is empty.
        patches: The same as edits.
        severity: How bad it is, where that is not as bad as the rule usually is.
        settings: The same as settings of the scenario, by path: what ``--evidence`` simulates; may be empty.
    """

    message: str
    place: Place
    subject: str
    evidence: str = ""
    fix: str = ""
    patches: tuple[Patch, ...] = ()
    severity: Severity | None = None
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)


OfObjects = Callable[[Objects], Iterator[Found]]
OfApp = Callable[[App], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule.

    Attributes:
        rule: Its number, title, severity, reason and source.
        fix: What to do about it, one sentence.
        of_objects: What finds it in all objects; None for a rule of an application.
        of_app: What finds it in one application; None for a rule of objects.
    """

    rule: Rule
    fix: str
    of_objects: OfObjects | None = None
    of_app: OfApp | None = None


_KNOWN: dict[str, LintRule] = {}


def of_objects(
    number: str, title: str, severity: Severity, *, why: str, source: str, fix: str
) -> Callable[[OfObjects], OfObjects]:
    """Register a rule that looks at all objects."""

    def register(check: OfObjects) -> OfObjects:
        _add(LintRule(Rule(number, title, severity, why, source), fix, of_objects=check))
        return check

    return register


def of_app(number: str, title: str, severity: Severity, *, why: str, source: str, fix: str) -> Callable[[OfApp], OfApp]:
    """Register a rule that looks at one application."""

    def register(check: OfApp) -> OfApp:
        _add(LintRule(Rule(number, title, severity, why, source), fix, of_app=check))
        return check

    return register


def _add(rule: LintRule) -> None:
    assert rule.rule.id not in _KNOWN, rule.rule.id
    _KNOWN[rule.rule.id] = rule


def registered() -> dict[str, LintRule]:
    """Return the rules that have been registered, by number, in its order."""
    return dict(sorted(_KNOWN.items()))
