"""The page "Does it match my cluster?": its command runs, and prints what the page shows of it."""

from pathlib import Path

import pytest
from markdown_page import ROOT, blocks, commands

from simsticky.cli.main import main

PAGE = ROOT / "docs" / "does_it_match.md"


@pytest.mark.slow
def test_the_command_prints_what_the_page_shows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line shown is a line of the answer at 80 columns, in that order; the page that it writes is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("examples").symlink_to(ROOT / "examples")
    (asked,) = [block for block in blocks(PAGE) if block.language == "sh"]
    (shown,) = [block for block in blocks(PAGE) if block.language == "text"]
    (command,) = commands(asked.text)
    assert main([*command.words[1:], "--jobs", "1"]) == 0
    answer = [line.replace("\u202f", " ") for line in capsys.readouterr().out.splitlines()]
    lines = [line for line in shown.text.splitlines() if line]
    assert [line for line in answer if line in lines] == lines
    assert Path("match.html").read_text("utf-8").startswith("<!doctype html>")
