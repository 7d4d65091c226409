"""The command ``simsticky lint`` as people use it: endings, streams, 80 columns, wrong input."""

import importlib.util
import io
import json
import sys
from pathlib import Path

import pytest

from simsticky.cli.main import main
from simsticky.lint.engine import lint
from simsticky.lint.inputs import read_material
from simsticky.report.lint import render
from tests.unit.lint.small import CLEAN, edited, line_of

ROOT = Path(__file__).parents[3]

GUIDE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ingress-kong
  namespace: kong
spec:
  template:
    spec:
      containers:
        - name: ingress-controller
          image: kong/kubernetes-ingress-controller:2.11
          args:
            - --enable-drain-support=true
---
apiVersion: configuration.konghq.com/v1beta1
kind: KongUpstreamPolicy
metadata:
  name: sticky-session-policy
spec:
  algorithm: sticky-sessions
  stickySessions:
    cookie: session-id
    cookiePath: /
"""
"""What Kong's guide prints: a part of the controller's Deployment, and a policy."""


@pytest.fixture
def guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guide.yaml").write_text(GUIDE)
    return tmp_path


def test_the_published_guide_has_two_errors_with_line_and_fix(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "guide.yaml"]) == 3
    told = capsys.readouterr().out
    assert f"SS001  guide.yaml:{line_of(GUIDE, 'stickySessions')}:3" in told
    assert f"SS025  guide.yaml:{line_of(GUIDE, '- --enable')}:15" in told
    assert 'hashOn:\n    input: "none"' in told
    assert 'image: "kong/kubernetes-ingress-controller:3.5"' in told


def test_several_formats_at_once(guide: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["-o", "github", "-o", "sarif=l.sarif", "-o", "json=l.json", "-o", "junit=l.xml", "-o", "table=l.txt"]
    assert main(["lint", "guide.yaml", *wanted]) == 3
    assert capsys.readouterr().out.startswith("::error file=")
    assert json.loads((guide / "l.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((guide / "l.json").read_text())["summary"]["errors"] == 3
    assert (guide / "l.xml").read_text().startswith("<testsuites")
    assert (guide / "l.txt").read_text().startswith("error  SS0")


@pytest.mark.parametrize(("flag", "code"), [("error", 0), ("warning", 3), ("never", 0)])
def test_what_fails_is_a_choice(flag: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(edited(CLEAN, ("Seconds: 90", "Seconds: 700")))
    assert main(["lint", str(tmp_path / "app.yaml"), "--fail-on", flag]) == code


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GUIDE.encode())))
    assert main(["lint", "-"]) == 3
    assert f"SS001  <stdin>:{line_of(GUIDE, 'stickySessions')}:3" in capsys.readouterr().out


def test_nothing_found_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.yaml").write_text(CLEAN)
    assert main(["lint", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "nothing found in 5 objects, 1 application\n"


@pytest.mark.parametrize("scenario", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_sentence_is_wider_than_the_terminal(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for line in render(lint(read_material([str(scenario.relative_to(ROOT))])), 80):
        assert len("".join(text for text, _ in line)) <= 80


def test_the_guide_fits_80_columns(guide: Path) -> None:
    for line in render(lint(read_material(["guide.yaml"])), 80):
        assert len("".join(text for text, _ in line)) <= 80


WRONG = {
    "missing.yaml": (None, "no such file"),
    "empty.yaml": (b"", "holds no Kubernetes object"),
    "binary.yaml": (b"\x00\xff\xfe\x9d" * 50, "binary.yaml"),
    "text.txt": (b"hello", "text.txt:1:1: is not a Kubernetes object"),
    "list.yaml": (b"- 1\n- 2\n", "list.yaml:1:1: is not a Kubernetes object"),
    "other.yaml": (b"a: 1\n", "other.yaml:1:1: is not a Kubernetes object: it has no kind"),
    "broken.yaml": (b"a: [1\n", "broken.yaml:2:1: not valid YAML"),
    "template.yaml": (b"kind: {{ .Values.kind }}\n", "is a template that is not rendered"),
    "scenario.yaml": (b"schema: simsticky/1\ntrafic: {}\n", "scenario.yaml:2:1: trafic: unknown"),
    "lost.yaml": (b"schema: simsticky/1\nmanifests: [nowhere.yaml]\n", "lost.yaml:2:13"),
    "ignore.yaml": (GUIDE.replace("-policy\n", "-policy\n  annotations: {simsticky.io/ignore: SS0001}\n").encode(),
                    "ignore.yaml:19:38"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_named_with_its_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, says = WRONG[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["lint", str(tmp_path / name)]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert not told.out
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["."], "the directory has no .yaml, .yml, .json file"),
        ([""], "an empty path"),
        (["guide.yaml", "-o", "sarf"], "did you mean sarif?"),
        (["guide.yaml", "-o", "json=missing/l.json"], "there is no directory"),
        (["guide.yaml", "-o", "json", "-o", "table"], "both go to standard output"),
        (["guide.yaml", "--ignore", "SS0004"], "there is no rule 'SS0004' (did you mean SS004?)"),
        (["guide.yaml", "--fail-on", "often"], "often"),
    ],
)
def test_wrong_arguments_are_named(
    arguments: list[str], says: str, guide: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments == ["."]:
        (guide / "bare").mkdir()
        monkeypatch.chdir(guide / "bare")
    assert main(["lint", *arguments]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code", "says"), [("SS004", 0, "killed before"), ("ss004", 0, "killed before"),
                                                      ("SS404", 2, "there is no rule 'SS404'")])  # fmt: skip
def test_a_rule_is_explained(
    number: str, code: int, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["explain", number]) == code
    told = capsys.readouterr()
    assert says in told.out + told.err
    assert all(len(line) <= 80 for line in told.out.splitlines())


def test_the_page_of_the_rules_is_what_the_code_says() -> None:
    """``python docs/lint_page.py`` writes it."""
    spec = importlib.util.spec_from_file_location("lint_page", ROOT / "docs" / "lint_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page()
