"""``simsticky export k6``: where the script goes, and what is said beside it."""

from pathlib import Path

import pytest

import simsticky as ss
from simsticky.cli.main import main
from simsticky.report.k6 import Backend, script

ROLLING = str(Path(__file__).parents[3] / "scenarios" / "rolling.yaml")


def test_the_script_goes_to_standard_output_or_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are the script of the Python function to the byte; standard error names the file and how to run it."""
    place = tmp_path / "rolling.js"
    asked = ["export", "k6", ROLLING, "--url", "https://staging.example.com", "--backend-header", "X-Backend"]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert main([*asked, "-o", str(place)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"k6 run -e BASE_URL=https://staging.example.com {place}" in said.err
    expected = script(ss.load(ROLLING), "https://staging.example.com", Backend("X-Backend"))
    assert place.read_text(encoding="utf-8") == printed == expected


def test_flags_change_what_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    """``--set``, ``--duration`` and ``--backend-cookie`` reach the script."""
    flags = ["--set", "traffic.sessions.rate=30/m", "--duration", "20m", "--backend-cookie", "session_id"]
    assert main(["export", "k6", ROLLING, "-q", *flags]) == 0
    text = capsys.readouterr().out
    assert 'timeUnit: "10s"' in text
    assert '{ duration: "1200s", target: 5 },' in text
    assert '__ENV.BACKEND_COOKIE || "session_id"' in text


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--url", "staging.example.com"], "--url: 'staging.example.com' is no address of a gateway"),
        (["--url", "https://host/?user=1"], "paths come from traffic.path"),
        (["--backend-header", ""], "--backend-header: '' is no name"),
        (["--backend-header", "X Pod"], "--backend-header: 'X Pod' is no name"),
        (["--backend-header", "X", "--backend-cookie", "y"], "give one of them"),
        (["--duration", "0s"], "--duration: '0s' is no time"),
        (["--duration", "soon"], "--duration: 'soon' is not a duration"),
        (["-o", "script.txt"], "end it with .js or .mjs"),
        (["--set", "traffic.tabs=3"], "--set traffic.tabs: a virtual user"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_and_nothing_written(
    flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, one line that names the flag, nothing on standard output."""
    assert main(["export", "k6", ROLLING, "-q", *flags]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""
