"""Every command that a page shows is run, block by block from top to bottom, as its reader would.

The first one of the README runs as it is, and prints what the picture of it shows. The others run on light copies of
the shipped scenarios, so that they are the page's own to the letter but for what ``SHORTER`` names. What other tests
run, or nothing can, is named with its reason in ``ELSEWHERE``.
"""

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from markdown_page import PAGES, README, ROOT, Block, Command, blocks, commands
from scripts_of_docs import script

from simsticky.cli.main import main

SET_UP, *_ = [block for block in blocks(README) if block.language == "sh"]

ELSEWHERE = {
    "ci.md": "tests/packaging/test_ci_page.py runs them in a repository like the page's",
    "validation.md": "tests/validation/test_recommended_drain.py",
    "logs.md": "tests/unit/logs/test_fit_verb.py fits a log of its own",
    "does_it_match.md": "test_match_page.py, which also holds the page to what is printed",
    "CONTRIBUTING.md": "installs, and runs what .ci/run runs",
}
"""Pages whose commands are not run here, and who does."""

SHELL = [
    (page, block)
    for page in PAGES
    if page.name not in ELSEWHERE
    for block in blocks(page)
    if block.language == "sh" and block != SET_UP
]

LIGHT = """\
schema: simsticky/1
base: {base}
run: {{replications: {replications}, skewFloor: false}}
traffic: {{sessions: {{kind: poisson, rate: {rate}}}}}
"""
CLOSED = {"howto"}
"""Scenarios that are light as they are, and whose clients are no Poisson process."""
LOWEST_RATE = "0.2/s"
RATE = {"recommend": "0.7/s"}
"""Clients of the light copies, by the verb that a block asks for; with fewer than these its answer is inconclusive."""
REPLICATIONS = {"recommend": 20}
"""Replications at the most, by verb; the others have two."""

SLOW = {"init", "check", "recommend"}
"""Verbs that take seconds all the same; a block that asks for one is in the slow tier."""
SLOW_WORDS = {"--report", "--scheduler", "report"}
"""Words of which the same is true."""

SHORTER = {
    "--reps 5000": "--reps 4",
    "--reps 10": "--reps 2",
    "--reps 5 --report": "--reps 2 --report",
    "--samples 20": "--samples 8",
    "--precision 0.2%": "--precision 20%",
    "--max-reps 500": "--max-reps 11",
    "--scheduler tcp://10.0.0.5:8786": "--scheduler {scheduler}",
    "git:origin/main": "git:HEAD",
}
"""What would take long, or a cluster of one's own, and what is run instead."""

INSTALLS = ("python", "-m", "pip")
"""What a page begins with that is not run: the tests run where that has been done."""

NEEDED = {name: f"simsticky run scenarios/rolling.yaml --out {name}" for name in ("base.json", "head.json")}
"""Files that no command of a page writes, and what the text beside says writes them."""

IN_A_REPOSITORY = "git:origin/main"
"""A block with this is about a change: the shipped scenarios are committed, as they are."""

SIMULATES = {"run", "check", "compare", "sweep", "recommend"}
WRITES = {"--out", "--report", "--study", "--manifests-out"}


def verbs(block: Block) -> set[str]:
    """Return what a block asks simsticky for."""
    asked = [command.words for command in commands(block.text) if "simsticky" in command.words]
    return {words[words.index("simsticky") + 1] for words in asked}


def of_block(page: Path, block: Block) -> object:
    """Return a block as a case, marked where it takes seconds."""
    words = {word for command in commands(block.text) for word in command.words}
    slow = verbs(block) & SLOW or words & SLOW_WORDS
    return pytest.param(block, marks=[pytest.mark.slow] * bool(slow), id=f"{page.stem}: {block.heading}")


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


@pytest.fixture(scope="module")
def outputs() -> ModuleType:
    """The script that writes outputs into pages."""
    return script("outputs")


def commit_shipped() -> None:
    """Put the shipped scenarios into a repository of one commit."""
    shutil.copytree(ROOT / "scenarios", "scenarios", dirs_exist_ok=True)
    nobody = ["-c", "user.name=x", "-c", "user.email=x"]
    for arguments in (["init", "-q"], ["add", "scenarios"], [*nobody, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", *arguments], check=True)


def light_copies(rate: str, replications: int) -> None:
    """Put a light copy of every shipped scenario into the folder."""
    shutil.copytree(ROOT / "scenarios" / "manifests", Path("scenarios", "manifests"))
    for shipped in (ROOT / "scenarios").glob("*.yaml"):
        if shipped.stem in CLOSED:
            shutil.copy(shipped, "scenarios")
        else:
            light = LIGHT.format(base=shipped, rate=rate, replications=replications)
            Path("scenarios", shipped.name).write_text(light, encoding="utf-8")


def piped(text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a block without the ``cat FILE |`` of its commands; the file is what they read from standard input."""
    for file in re.findall(r"^cat (\S+) \| ", text, re.MULTILINE):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path(file).read_bytes()), encoding="utf-8"))
    return re.sub(r"^cat \S+ \| ", "", text, flags=re.MULTILINE)


@pytest.mark.quick_cases(12)
@pytest.mark.parametrize("block", [of_block(page, block) for page, block in SHELL])
def test_the_commands_of_a_block_run(
    block: Block,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command that somebody copies from a page ends with 0, and prints or writes what it is to."""
    monkeypatch.chdir(tmp_path)
    Path("examples").symlink_to(ROOT / "examples")
    rates = [RATE[verb] for verb in verbs(block) & RATE.keys()]
    light_copies(*[*rates, LOWEST_RATE][:1], max([REPLICATIONS.get(verb, 2) for verb in verbs(block)], default=2))
    if IN_A_REPOSITORY in block.text:
        commit_shipped()
    text = piped(block.text, monkeypatch)
    for shown, instead in SHORTER.items():
        if shown in text:
            address = request.getfixturevalue("scheduler") if "{scheduler}" in instead else None
            text = text.replace(shown, instead.format(scheduler=address))
    needed = "\n".join(command for name, command in NEEDED.items() if name in text)
    for command in commands(f"{needed}\n{text}"):
        if command.words[:3] == INSTALLS:
            continue
        printed = outcome(command, capsys)
        assert printed or written(command), command
        for path in map(Path, written(command)):
            assert any(path.iterdir()) if path.is_dir() else path.stat().st_size, command


@pytest.mark.slow
def test_the_first_command_prints_what_its_picture_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README's first picture, and the figures told from it, are what the set-up's command prints.

    After a change that is meant, and with other versions of NumPy, ``python docs/picture.py`` draws it anew.
    """
    monkeypatch.chdir(ROOT)
    (command,) = [command for command in commands(SET_UP.text) if command.words[0] == "simsticky"]
    prompt, *shown = pictured(ROOT / "docs" / "rolling.svg")
    assert prompt == f"$ {' '.join(command.words)}"
    monkeypatch.setenv("COLUMNS", "78")
    printed = [" ".join(line.split()) for line in outcome(command, capsys).splitlines()]
    assert printed == shown


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if "\n<!-- printed" in page.read_text("utf-8")], ids=str)
def test_outputs_on_a_page_are_what_its_commands_print(page: Path, outputs: ModuleType) -> None:
    """``python docs/outputs.py`` writes them anew, after a change that is meant."""
    text = page.read_text(encoding="utf-8")
    assert len(list(outputs.shown_on(text))) == text.count("\n<!-- printed")
    assert outputs.page_with_outputs(text) == text


def test_an_output_is_written_below_the_command_before_it(outputs: ModuleType) -> None:
    """The script takes the last command of the block before, and the lines that the comment asks for."""
    shell = "```sh\nsimsticky explain p50\nsimsticky explain \\\n  drain_off # why\n```\n"
    page = f"{shell}\n<!-- printed: lines 1 to 1 -->\n```text\nold\n```\n"
    now = outputs.page_with_outputs(page)
    assert "drain_off" in now
    assert "old" not in now
    assert now.startswith(page.partition("old")[0])
    assert outputs.page_with_outputs(now) == now


def test_the_set_up_block_holds_what_ci_runs() -> None:
    """The rest of the set-up block installs, and runs these tests; nothing else hides there."""
    others = [command.words for command in commands(SET_UP.text) if command.words[0] != "simsticky"]
    assert {words[:3] for words in others} == {("python", "-m", "pip"), ("python", "-m", "pytest")}


@pytest.mark.parametrize("entry", [*SHORTER, *NEEDED])
def test_what_is_replaced_or_added_stands_on_a_page(entry: str) -> None:
    """The tables above hold nothing that no page shows any more."""
    assert any(entry in block.text for _, block in SHELL)


def test_pages_that_others_run_are_there() -> None:
    """The table of pages that are run elsewhere names pages that have commands."""
    with_shell = {page.name for page in PAGES for block in blocks(page) if block.language == "sh"}
    assert with_shell >= ELSEWHERE.keys()
