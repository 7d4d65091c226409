"""SARIF 2.1.0, which code scanning and editors read.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from simsticky.annotations.record import Annotation, Rule, repository_path

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
"""Name of what the paths start from: the reader knows where it has checked the repository out."""


def to_sarif(annotations: Iterable[Annotation], rules: Sequence[Rule], *, version: str) -> str:
    """Return one run of the tool.

    Args:
        annotations: The findings.
        rules: All rules that were tried; those of the findings must be among them.
        version: The tool's version.
    """
    places = {rule.id: number for number, rule in enumerate(rules)}
    driver = {
        "name": "simsticky",
        "version": version,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "results": [_result(found, places[found.rule.id]) for found in annotations],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    described = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why or rule.title},
        "help": {"text": "\n".join(part for part in (rule.why, f"Source: {rule.source}" if rule.source else "") if part)
                 or rule.title},
        "defaultConfiguration": {"level": rule.severity.value},
    }  # fmt: skip
    return {**described, "helpUri": rule.uri} if rule.uri else described


def _result(found: Annotation, number: int) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if found.is_in_a_file:
        where: dict[str, Any] = {"artifactLocation": _artifact(found.file)}
        if found.line is not None:
            column = {} if found.column is None else {"startColumn": found.column}
            where["region"] = {"startLine": found.line, **column}
        location["physicalLocation"] = where
    if found.subject:
        location["logicalLocations"] = [{"fullyQualifiedName": found.subject}]
    return {
        "ruleId": found.rule.id,
        "ruleIndex": number,
        "level": found.severity.value,
        "message": {"text": found.text},
        "locations": [location] if location else [],
    }


def _artifact(file: str) -> dict[str, Any]:
    path = repository_path(file)
    if path.startswith("/"):
        return {"uri": "file://" + quote(path)}
    return {"uri": quote(path), "uriBaseId": _ROOT}
