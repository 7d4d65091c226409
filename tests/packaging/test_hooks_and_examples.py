"""The hooks for pre-commit and the examples of pipelines: each command in them is run in a repository like theirs."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pipelines import EXAMPLES, ROOT, environment, read, replaced, repository, shell

from simsticky import __version__

__all__ = ["environment", "repository"]

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="a baseline is a commit of git")

HOOKS = {hook["id"]: hook for hook in read(ROOT / ".pre-commit-hooks.yaml")}
CONFIGURED = [(repo, hook) for repo in read(EXAMPLES / "pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
WORKFLOW = read(EXAMPLES / "github-workflow.yaml")
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
RUN = [step["run"] for step in STEPS if "run" in step]
MAKE = shutil.which("make")
MADE = {
    "lint": ["lint.sarif"],
    "check": ["check.xml"],
    "report": ["report.html"],
    "load": ["load.js"],
    "all": ["lint.sarif", "check.xml"],
}
"""What each target of the Makefile leaves behind."""

SIMULATED = {"check", "report", "all"}
"""Those that take seconds."""

HOOK_KEYS = {
    "id", "name", "description", "entry", "args", "language", "files", "pass_filenames", "require_serial", "stages",
    "minimum_pre_commit_version",
}  # fmt: skip
"""Keys of https://pre-commit.com/#creating-new-hooks that ours use."""


def words(hook: dict[str, Any]) -> str:
    """Return the command of a hook that gets no file names."""
    assert hook["pass_filenames"] is False
    return shlex.join([*shlex.split(hook["entry"]), *hook.get("args", [])])


def test_the_hooks_are_what_pre_commit_reads() -> None:
    """pre-commit reads the hooks, and they look at YAML."""
    for hook in HOOKS.values():
        assert {"id", "name", "entry", "language"} <= set(hook) <= HOOK_KEYS
        assert hook["language"] == "python"
        assert set(hook.get("stages", [])) <= {"pre-commit", "pre-push"}
        for changed in ("k8s/app.yaml", "k8s/app.yml", "k8s/app.json"):
            assert re.search(hook["files"], changed)
        assert not re.search(hook["files"], "README.md")


@pytest.mark.slow
@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_a_hook_passes_what_is_good_and_fails_what_is_worse(
    hook: dict[str, Any], repository: Path, environment: dict[str, str]
) -> None:
    """As pre-commit runs it, with its own arguments: 0 for the base, 3 where the preStop hook no longer fits."""
    good = shell(words(hook), repository, environment)
    assert good.returncode == 0, good.stdout + good.stderr
    replaced(repository, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 10")
    worse = shell(words(hook), repository, environment)
    assert worse.returncode == 3, worse.stdout + worse.stderr


@pytest.mark.parametrize(("repo", "hook"), CONFIGURED, ids=lambda value: value.get("id", "repo"))
def test_the_configured_hooks_exist_and_run(
    repo: dict[str, Any], hook: dict[str, Any], repository: Path, environment: dict[str, str]
) -> None:
    """The example names hooks that there are, of this version, with arguments that they take."""
    assert repo["rev"] == f"v{__version__}"
    ran = shell(words(HOOKS[hook["id"]] | hook), repository, environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_workflow_gives_the_action_what_it_declares() -> None:
    """GitHub would only warn."""
    inputs = read(ROOT / "action.yml")["inputs"]
    ours = [step for step in STEPS if "/simsticky@" in step.get("uses", "")]
    assert [step["uses"].rpartition("@")[2] for step in ours] == [f"v{__version__}"]
    for step in ours:
        assert set(step["with"]) <= set(inputs)
    (installed,) = re.findall(r"simsticky@(\S+?)'", "\n".join(RUN))
    assert installed == f"v{__version__}"


def test_every_job_may_do_what_its_steps_do() -> None:
    """Rights are none but reading, and in the job that comments and uploads findings those two."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    given = {name: job.get("permissions", {}) for name, job in WORKFLOW["jobs"].items()}
    assert given == {
        "pull-request": {"contents": "read", "pull-requests": "write", "security-events": "write"},
        "nightly": {},
    }


@pytest.mark.slow
def test_the_workflow_s_commands_run(repository: Path, environment: dict[str, str]) -> None:
    """Each line that calls simsticky is run, and leaves the files that the step after it uploads."""
    ours = [line for line in RUN if line.startswith("simsticky ")]
    assert len(ours) == 2
    for line in ours:
        ran = shell(line, repository, environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    (uploaded,) = [step["with"]["path"].split() for step in STEPS if "upload-artifact" in step.get("uses", "")]
    assert all((repository / name).stat().st_size for name in uploaded)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash reads the other commands")
def test_the_workflow_s_other_commands_are_sound(repository: Path, environment: dict[str, str]) -> None:
    """What cannot be run here, GitHub's client and pip, is read by bash; nobody comments with an empty file."""
    for line in RUN:
        subprocess.run(["bash", "-n", "-c", line], check=True, timeout=60)
    (comment,) = [line for line in RUN if "gh pr comment" in line]
    (repository / "comment.md").write_text("", encoding="utf-8")
    assert shell(f"gh() {{ exit 9; }}\n{comment}", repository, environment).returncode == 0
    (repository / "comment.md").write_text("**worse**\n", encoding="utf-8")
    assert shell(f"gh() {{ exit 9; }}\n{comment}", repository, environment).returncode == 9


@pytest.mark.skipif(MAKE is None, reason="there is no make")
@pytest.mark.parametrize(
    "target", [pytest.param(name, marks=[pytest.mark.slow] * (name in SIMULATED)) for name in MADE]
)
def test_a_target_of_the_makefile_is_made(target: str, repository: Path, environment: dict[str, str]) -> None:
    """By make itself, in a repository like the example's; each target ends with 0 and writes its files."""
    shutil.copy(EXAMPLES / "Makefile", repository)
    ran = shell(f"make {target}", repository, environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert all((repository / name).stat().st_size for name in MADE[target])


def test_the_makefile_s_targets_are_all_made_here() -> None:
    """The table above has every target of the Makefile, and no other."""
    declared = re.search(r"^\.PHONY: (.*)$", (EXAMPLES / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert declared is not None
    assert set(declared[1].split()) == set(MADE)


@pytest.mark.slow
@pytest.mark.skipif(MAKE is None, reason="there is no make")
def test_make_fails_on_what_is_worse(repository: Path, environment: dict[str, str]) -> None:
    """The exit code of check is one of make."""
    shutil.copy(EXAMPLES / "Makefile", repository)
    replaced(repository, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 10")
    ran = shell("make check", repository, environment)
    assert ran.returncode != 0
    assert "Error 3" in ran.stderr
