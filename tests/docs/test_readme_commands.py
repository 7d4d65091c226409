"""Every command that the README shows is run, block by block from top to bottom, as its reader would.

The first one runs as it is, and prints what the README's picture of it shows. The others run on light copies of the
shipped scenarios, so that they are the README's own to the letter but for what ``SHORTER`` names.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_page import README, ROOT, Block, Command, blocks, commands

from simsticky.cli.main import main

SET_UP, *ASKED = [block for block in blocks(README) if block.language == "sh"]

LIGHT = """\
schema: simsticky/1
base: {base}
run: {{replications: {replications}, skewFloor: false}}
traffic: {{sessions: {{kind: poisson, rate: {rate}}}}}
"""
RATE = {"Recommend": "0.7/s"}
"""Clients of the light copies, by heading; with fewer than these an answer is inconclusive."""
LOWEST_RATE = "0.2/s"
REPLICATIONS = {"Recommend": 20}
"""Replications at the most, by heading; the others have two."""

SHORTER = {
    "--reps 5000": "--reps 4",
    "--reps 5 --report": "--reps 2 --report",
    "--samples 20": "--samples 8",
    "--precision 0.2%": "--precision 20%",
    "--max-reps 500": "--max-reps 11",
    "--scheduler tcp://10.0.0.5:8786": "--scheduler {scheduler}",
    "git:origin/main": "git:HEAD",
}
"""What would take long, or a cluster of one's own, and what is run instead."""

NEEDED = {name: f"simsticky run scenarios/rolling.yaml --out {name}" for name in ("base.json", "head.json")}
"""Files that no command of the README writes, and what the text beside says writes them."""

IN_A_REPOSITORY = {"Check"}
"""Headings of blocks that are about a change: the shipped scenarios are committed, as they are."""

SIMULATES = {"run", "check", "compare", "sweep", "recommend"}
WRITES = {"--out", "--report", "--study"}


def outcome(command: Command, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command of simsticky in this process; return its standard output, or fail with what it said."""
    program, verb, *arguments = command.words
    assert program == "simsticky", f"{program} is no command that this test can run"
    code = main([verb, *arguments, *(["--jobs", "1"] if verb in SIMULATES else [])])
    said = capsys.readouterr()
    assert code == 0, f"{' '.join(command.words)}\nended with {code}:\n{said.out}{said.err}"
    return said.out


def written(command: Command) -> list[str]:
    """Return what a command is to write into the folder, standard output aside."""
    words = command.words
    named = [path for option, path in pairwise(words) if option in WRITES]
    named += [path.partition("=")[2] for option, path in pairwise(words) if option == "-o" and "=" in path]
    return [f"{words[2]}report.html"] if words[1] == "report" else named


def pictured(svg: Path) -> list[str]:
    """Return the lines of the picture of a terminal, the prompt's among them."""
    lines: dict[float, str] = {}
    for y, text in re.findall(
        r'<text [^>]*class="simsticky-r[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', svg.read_text("utf-8")
    ):
        lines[float(y)] = lines.get(float(y), "") + unescape(text)
    return [" ".join(lines[y].split()) for y in sorted(lines)]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a Dask cluster: one worker, in this process."""
    distributed = pytest.importorskip("distributed", reason="the extra distributed is not installed")
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


def commit_shipped() -> None:
    """Put the shipped scenarios into a repository of one commit."""
    shutil.copytree(ROOT / "scenarios", "scenarios", dirs_exist_ok=True)
    nobody = ["-c", "user.name=x", "-c", "user.email=x"]
    for arguments in (["init", "-q"], ["add", "scenarios"], [*nobody, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", *arguments], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("block", ASKED, ids=lambda block: block.heading)
def test_the_commands_of_a_block_run(
    block: Block,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Protects whoever copies a command from the README: it ends with 0, and prints or writes what it is to."""
    monkeypatch.chdir(tmp_path)
    Path("examples").symlink_to(ROOT / "examples")
    shutil.copytree(ROOT / "scenarios" / "manifests", Path("scenarios", "manifests"))
    for shipped in (ROOT / "scenarios").glob("*.yaml"):
        rate, replications = RATE.get(block.heading, LOWEST_RATE), REPLICATIONS.get(block.heading, 2)
        light = LIGHT.format(base=shipped, rate=rate, replications=replications)
        Path("scenarios", shipped.name).write_text(light, encoding="utf-8")
    if block.heading in IN_A_REPOSITORY:
        commit_shipped()
    text = block.text
    for shown, instead in SHORTER.items():
        if shown in text:
            address = request.getfixturevalue("scheduler") if "{scheduler}" in instead else None
            text = text.replace(shown, instead.format(scheduler=address))
    needed = "\n".join(command for name, command in NEEDED.items() if name in text)
    for command in commands(f"{needed}\n{text}"):
        printed = outcome(command, capsys)
        assert printed or written(command), command
        for path in map(Path, written(command)):
            assert any(path.iterdir()) if path.is_dir() else path.stat().st_size, command


@pytest.mark.slow
def test_the_first_command_prints_what_its_picture_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the README's first picture, and the figures told from it: they are what the set-up's command prints.

    After a change that is meant, and with other versions of NumPy, ``python docs/picture.py`` draws it anew.
    """
    monkeypatch.chdir(ROOT)
    (command,) = [command for command in commands(SET_UP.text) if command.words[0] == "simsticky"]
    prompt, *shown = pictured(ROOT / "docs" / "rolling.svg")
    assert prompt == f"$ {' '.join(command.words)}"
    monkeypatch.setenv("COLUMNS", "78")
    printed = [" ".join(line.split()) for line in outcome(command, capsys).splitlines()]
    assert printed == shown


def test_the_set_up_block_holds_what_ci_runs() -> None:
    """Protects against a set-up step that nothing runs: the rest of that block installs, and runs these tests."""
    others = [command.words for command in commands(SET_UP.text) if command.words[0] != "simsticky"]
    assert {words[:3] for words in others} == {("python", "-m", "pip"), ("python", "-m", "pytest")}


@pytest.mark.parametrize("entry", [*SHORTER, *NEEDED])
def test_what_is_replaced_or_added_stands_in_the_readme(entry: str) -> None:
    """Protects the tables above against going stale: the README still shows what each entry is for."""
    assert any(entry in block.text for block in ASKED)


def test_the_headings_named_here_are_the_readmes() -> None:
    """Protects the table of rates against going stale."""
    assert {*RATE, *REPLICATIONS} <= {block.heading for block in ASKED}
