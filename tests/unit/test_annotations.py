"""The writers that ``lint`` and ``check`` share: SARIF, GitHub's commands, JUnit, and ``-o FORMAT=FILE``."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from simsticky.annotations.github import to_github
from simsticky.annotations.junit import Case, to_junit
from simsticky.annotations.outputs import Wanted, wanted_outputs
from simsticky.annotations.record import Annotation, Rule, Severity, in_order, repository_path
from simsticky.annotations.sarif import to_sarif
from simsticky.errors import InputError

_RULE = Rule("SS004", "killed, before it has ended", Severity.ERROR, "SIGKILL ends it.", "kubelet", "https://a.test/b")
_OTHER = Rule("SS009", "two owners", Severity.NOTE)
_FOUND = Annotation(
    _RULE, Severity.ERROR, "100% of it\nis gone", "k8s/a b.yaml", 41, 7, "Deployment web", "45 + 30 > 60", "patch"
)


def test_a_github_command_escapes_what_would_end_it() -> None:
    # actions/toolkit: %, \r and \n in the message; also : and , in a property.
    line = to_github([_FOUND])
    assert line.startswith("::error file=")
    assert ",line=41,col=7,title=SS004 killed%2C before it has ended::Deployment web: 100%25 of it%0Ais gone%0A" in line
    assert line.count("\n") == 1


def test_a_github_command_of_a_pipe_tells_the_place_in_its_text() -> None:
    found = Annotation(_OTHER, Severity.NOTE, "two", "<stdin>", 3, 1)
    assert to_github([found]) == "::notice title=SS009 two owners::<stdin>:3:1: two\n"


def test_paths_start_from_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert repository_path("../k8s/a.yaml") == "k8s/a.yaml"
    assert repository_path("b.yaml") == "deep/b.yaml"


def test_a_file_outside_any_repository_keeps_the_path_as_named(tmp_path: Path) -> None:
    if any((above / ".git").exists() for above in tmp_path.resolve().parents):
        pytest.skip("the temporary directory lies in a repository")
    assert repository_path(str(tmp_path / "a.yaml")) == str(tmp_path / "a.yaml")


def test_sarif_holds_what_its_schema_requires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # SARIF 2.1.0: version and runs; a run needs a tool, a driver a name, a rule an id, a result a message.
    monkeypatch.chdir(tmp_path)
    whole = json.loads(to_sarif([_FOUND], [_OTHER, _RULE], version="0.1.0"))
    assert whole["version"] == "2.1.0"
    assert whole["$schema"].endswith("sarif-2.1.0.json")
    (run,) = whole["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("simsticky", "0.1.0")
    assert all(rule["id"] and rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    assert all(
        rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error") for rule in driver["rules"]
    )
    (result,) = run["results"]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "SS004"
    assert result["level"] == "error"
    assert result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 41, "startColumn": 7}
    assert place["artifactLocation"]["uri"].endswith("k8s/a%20b.yaml")


def test_sarif_without_a_finding_still_lists_the_rules() -> None:
    whole = json.loads(to_sarif([], [_RULE], version="0.1.0"))
    assert whole["runs"][0]["results"] == []
    assert len(whole["runs"][0]["tool"]["driver"]["rules"]) == 1


def test_junit_counts_tests_failures_and_skips() -> None:
    text = to_junit(
        "simsticky lint",
        [
            Case("SS001", "lint"),
            Case("SS004", "lint", (("short", "long & <wide>\x1b"), ("second", "text"))),
            Case("broken_sessions", "check", skipped="not certain", output="said"),
        ],
    )
    root = ElementTree.fromstring(text)
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "2", "1")
    failures = suite.findall("testcase/failure")
    assert [failure.get("message") for failure in failures] == ["short", "second"]
    assert failures[0].text == "long & <wide>�"
    assert "timestamp" not in text


def test_the_worst_comes_first_then_the_file_and_the_line() -> None:
    note = Annotation(_OTHER, Severity.NOTE, "n", "a.yaml", 1)
    later = Annotation(_RULE, Severity.ERROR, "l", "b.yaml", 9)
    assert in_order([note, later, _FOUND]) == [later, _FOUND, note]


def test_several_outputs_are_read() -> None:
    formats = ("table", "json", "sarif")
    assert wanted_outputs([], formats) == (Wanted("table", None),)
    assert wanted_outputs(["sarif=x=y.sarif", "json=-"], formats) == (
        Wanted("sarif", Path("x=y.sarif")),
        Wanted("json", None),
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (["jsn"], "did you mean json?"),
        (["xml"], "one of table, json"),
        (["json="], "names no file"),
        (["json", "table"], "both go to standard output"),
        (["json=a", "table=./a"], "both go to"),
    ],
)
def test_a_wrong_output_is_refused(written: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        wanted_outputs(written, ("table", "json"))
