"""What becomes of findings: ignored, told once, mended by their edits, written in every format."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from simsticky.annotations.record import Severity
from simsticky.errors import InputError
from simsticky.lint import formats
from simsticky.lint.engine import known_rules, lint
from simsticky.lint.inputs import read_material
from simsticky.lint.rules import RULES
from simsticky.manifests.patches import Patch, merged
from simsticky.scenario.location import read_documents
from tests.unit.lint.small import CLEAN, edited, found_in, numbers

_FAULTY = edited(
    CLEAN,
    ("  hashOn: {input: none}\n", ""),
    ("session_id", "session-id"),
    ("Seconds: 90", "Seconds: 20"),
    ("          args: [--enable-drain-support]\n", ""),
    ("policy: sticky}", 'policy: sticky, ingress.kubernetes.io/service-upstream: "true"}'),
    ("registry.test/web:1", "gcr.io/distroless/web:1"),
)


def _applied(text: str, patches: list[Patch]) -> str:
    """Apply edits as the API server does, and return the objects as a List."""
    objects = [document.data for document in read_documents(text, "text")]
    for patch in patches:
        (at,) = [
            i for i, obj in enumerate(objects) if (obj["kind"], obj["metadata"]["name"]) == (patch.kind, patch.name)
        ]
        objects[at] = _without_none(merged(objects[at], patch.body))
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=1)


def _without_none(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_none(value) for key, value in node.items() if value is not None}
    return [_without_none(item) for item in node] if isinstance(node, list) else node


def test_the_edits_mend_what_was_found(tmp_path: Path) -> None:
    found = found_in(tmp_path, _FAULTY)
    mendable = {one.annotation.rule.id for one in found.findings if one.patches}
    assert {"SS001", "SS003", "SS004", "SS006", "SS012", "SS014"} <= mendable
    after = found_in(tmp_path, _applied(_FAULTY, found.patches), "after.json")
    assert numbers(after) == {"SS014"}  # a note: its edit is left to people, for it ends every session once


def test_an_object_has_one_edit(tmp_path: Path) -> None:
    patches = found_in(tmp_path, _FAULTY).patches
    assert len({(patch.kind, patch.name) for patch in patches}) == len(patches)
    deployment = next(patch for patch in patches if patch.name == "web" and patch.kind == "Deployment")
    spec = deployment.body["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 60
    assert spec["containers"][0]["lifecycle"]["preStop"]["exec"] is None


def test_an_annotation_makes_an_object_silent_about_some_rules(tmp_path: Path) -> None:
    ignoring = '  name: sticky\n  annotations: {simsticky.io/ignore: "ss001, SS003"}\n'
    text = edited(_FAULTY, ("  name: sticky\n", ignoring))
    found = found_in(tmp_path, text)
    assert "SS001" not in numbers(found)
    assert "SS003" in numbers(found)  # it is about the controller
    assert found.ignored == 1


def test_an_annotation_with_a_wrong_number_is_refused_with_its_line(tmp_path: Path) -> None:
    text = edited(CLEAN, ("metadata:\n  name: sticky\n",
                          "metadata:\n  name: sticky\n  annotations: {simsticky.io/ignore: SS101}\n"))  # fmt: skip
    with pytest.raises(InputError, match=r"app\.yaml:\d+:\d+: .*there is no rule 'SS101' \(did you mean SS0"):
        found_in(tmp_path, text)


def test_rules_are_ignored_by_number(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(_FAULTY)
    found = lint(read_material([str(tmp_path / "app.yaml")]), ["ss001,SS014", "SS003"])
    assert not {"SS001", "SS014", "SS003"} & numbers(found)
    assert found.ignored == 3
    with pytest.raises(InputError, match="did you mean SS01"):
        known_rules(["SS011x"], "--ignore")


def test_a_file_that_is_named_twice_is_told_once(tmp_path: Path) -> None:
    first = found_in(tmp_path, _FAULTY)
    (tmp_path / "s.yaml").write_text("schema: simsticky/1\nmanifests: [app.yaml]\n")
    paths = [str(tmp_path / "app.yaml"), str(tmp_path), str(tmp_path / "s.yaml")]
    assert lint(read_material(paths)).annotations == first.annotations


def test_findings_fail_from_a_severity_on(tmp_path: Path) -> None:
    errors, warnings, notes = (
        found_in(tmp_path, text)
        for text in (_FAULTY, edited(CLEAN, ("Seconds: 90", "Seconds: 700")), edited(CLEAN, ("n_id", "n-id")))
    )
    assert [found.fails(Severity.ERROR) for found in (errors, warnings, notes)] == [True, False, False]
    assert [found.fails(Severity.WARNING) for found in (errors, warnings, notes)] == [True, True, False]
    assert not errors.fails(None)


def test_the_json_holds_everything(tmp_path: Path) -> None:
    found = found_in(tmp_path, _FAULTY)
    whole = json.loads(formats.to_json(found))
    assert whole["schemaVersion"] == formats.SCHEMA_VERSION
    assert whole["summary"]["errors"] == sum(one["severity"] == "error" for one in whole["findings"]) == 3
    keys = {
        "rule",
        "severity",
        "title",
        "file",
        "line",
        "column",
        "object",
        "message",
        "why",
        "source",
        "evidence",
        "fix",
    }
    assert all(keys <= set(one) and one["why"] and one["source"] and one["fix"] for one in whole["findings"])
    assert all(patch["command"].startswith("kubectl patch ") for patch in whole["patches"])


def test_every_format_tells_every_finding(tmp_path: Path) -> None:
    found = found_in(tmp_path, _FAULTY)
    count = len(found.findings)
    assert formats.to_github_commands(found).count("\n") == count
    results = json.loads(formats.to_sarif(found))["runs"][0]
    assert len(results["results"]) == count
    assert [rule["id"] for rule in results["tool"]["driver"]["rules"]] == list(RULES)
    suite = ElementTree.fromstring(formats.to_junit(found, Severity.ERROR)).find("testsuite")
    assert suite is not None
    assert suite.get("tests") == str(len(RULES))
    assert suite.get("failures") == "3"
    quiet = ElementTree.fromstring(formats.to_junit(found, None)).find("testsuite")
    assert quiet is not None
    assert quiet.get("failures") == "0"


def test_every_rule_says_what_why_how_and_from_where() -> None:
    for number, rule in RULES.items():
        assert number == rule.rule.id
        assert rule.rule.title
        assert rule.rule.why.endswith(".")
        assert rule.rule.source
        assert rule.fix
        assert (rule.of_app is None) != (rule.of_objects is None)
    assert list(RULES) == [f"SS{i:03}" for i in range(1, len(RULES) + 1)]
