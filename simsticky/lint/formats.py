"""Findings as text for machines: JSON, SARIF, GitHub's commands, JUnit."""

from __future__ import annotations

import json
from typing import Any

from simsticky.annotations.github import to_github
from simsticky.annotations.junit import Case
from simsticky.annotations.junit import to_junit as junit_of
from simsticky.annotations.record import Annotation, Severity
from simsticky.annotations.sarif import to_sarif as sarif_of
from simsticky.lint.engine import Finding, Lint
from simsticky.lint.rules import RULES
from simsticky.version import __version__

FORMATS = ("table", "json", "sarif", "github", "junit")
"""The table is made by :mod:`simsticky.report.lint`."""

SCHEMA_VERSION = 1


def to_json(found: Lint) -> str:
    """Return everything: findings, what mends them, and one edit for each object."""
    whole = {
        "schemaVersion": SCHEMA_VERSION,
        "tool": {"name": "simsticky", "version": __version__},
        "findings": [_finding(finding) for finding in found.findings],
        "patches": [patch.to_json_dict() for patch in found.patches],
        "summary": {
            **{f"{severity}s": found.count(severity) for severity in Severity},
            "ignored": found.ignored,
            "objects": found.objects,
            "applications": found.apps,
        },
        "notes": list(found.notes),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    one = finding.annotation
    return {
        "rule": one.rule.id,
        "severity": one.severity.value,
        "title": one.rule.title,
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "object": one.subject,
        "message": one.message,
        "why": one.rule.why,
        "source": one.rule.source,
        "evidence": one.evidence,
        "fix": one.fix.partition("\n")[0],
        "patches": [patch.to_json_dict() for patch in finding.patches],
    }


def to_sarif(found: Lint) -> str:
    """Return SARIF 2.1.0 with all rules that were tried."""
    rules = [rule.rule for rule in RULES.values()]
    return sarif_of(found.annotations, rules, version=__version__)


def to_github_commands(found: Lint) -> str:
    """Return a workflow command for each finding."""
    return to_github(found.annotations)


def to_junit(found: Lint, fail_on: Severity | None) -> str:
    """Return a test for each rule: it fails with its findings as bad as ``fail_on``, and tells the others."""
    by_rule: dict[str, list[Annotation]] = {}
    for one in found.annotations:
        by_rule.setdefault(one.rule.id, []).append(one)
    cases = []
    for number, rule in RULES.items():
        failing = [one for one in by_rule.get(number, []) if fail_on is not None and one.severity.is_at_least(fail_on)]
        others = [one for one in by_rule.get(number, []) if one not in failing]
        failures = tuple((f"{one.place}: {one.message}", f"{one.place}\n{one.text}") for one in failing)
        output = "\n\n".join(f"{one.severity.value} {one.place}\n{one.text}" for one in others)
        cases.append(Case(f"{number} {rule.rule.title}", "simsticky.lint", failures, output=output))
    return junit_of("simsticky lint", cases)
