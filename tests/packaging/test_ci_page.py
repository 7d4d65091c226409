"""``docs/ci.md``: its commands are run, its excerpts are those of the examples, its links lead somewhere."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from markdown_page import blocks, commands
from pipelines import EXAMPLES, ROOT, environment, read, repository, shell
from ruamel.yaml import YAML

__all__ = ["environment", "repository"]

PAGE = ROOT / "docs" / "ci.md"
SHELL = [
    (block.heading, command) for block in blocks(PAGE) if block.language == "sh" for command in commands(block.text)
]
BEFORE_OURS = {"uvx": "simsticky", "pipx": "simsticky", "docker": "simsticky", "simsticky": "simsticky"}
"""Programs that run simsticky, and the word behind which its own arguments stand."""
OTHERS = {("docker", "build"), ("k6", "run")}
"""Commands of others that cannot be run here."""
SIMULATES = {"run", "check"}


def ours(words: tuple[str, ...]) -> list[str] | None:
    """Return the arguments that simsticky gets from a command; None for one of ``OTHERS``."""
    if words[:2] in OTHERS:
        return None
    last = max(at for at, word in enumerate(words) if word == BEFORE_OURS[words[0]])
    return list(words[last + 1 :])


ASKED = [arguments for _, command in SHELL if (arguments := ours(command.words)) is not None]


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(one, marks=[pytest.mark.slow] * (one[0] in SIMULATES)) for one in ASKED],
    ids=lambda one: " ".join(one)[:60],
)
def test_a_command_of_the_page_runs(arguments: list[str], repository: Path, environment: dict[str, str]) -> None:
    """A command of the page ends with 0 in a repository like the page's, and writes what it is to."""
    ran = shell(shlex.join(["simsticky", *arguments]), repository, environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for name in re.findall(r"\b[\w-]+\.(?:sarif|xml|html|js)\b", " ".join(arguments)):
        assert (repository / name).stat().st_size


def test_what_is_run_with_another_program_was_written_before() -> None:
    """k6 gets the file that the command before it writes."""
    words = [command.words for _, command in SHELL]
    for at, command in enumerate(words):
        if command[0] == "k6":
            assert command[-1] == words[at - 1][-1]


def excerpts() -> list[Any]:
    return [YAML(typ="safe").load(block.text) for block in blocks(PAGE) if block.language == "yaml"]


def test_the_excerpts_are_of_what_is_there() -> None:
    """Inputs are those of the action, versions and hooks those of the examples."""
    steps, hooks = excerpts()
    assert set(steps[1]["with"]) <= set(read(ROOT / "action.yml")["inputs"])
    workflow = read(EXAMPLES / "github-workflow.yaml")
    used = [step.get("uses") for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["uses"] for step in steps] == used[:2]
    (example,), (shown,) = read(EXAMPLES / "pre-commit-config.yaml")["repos"], hooks["repos"]
    assert (shown["repo"], shown["rev"]) == (example["repo"], example["rev"])
    assert [hook["id"] for hook in shown["hooks"]] == [hook["id"] for hook in example["hooks"]]


def test_links_lead_to_files() -> None:
    """Every link of the page leads to a file."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).exists(), target
