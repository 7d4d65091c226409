"""What the tests of pipelines share: a repository with manifests and a scenario, and a ``simsticky`` on the PATH."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ci"

SCENARIO = """\
schema: simsticky/1
name: example
manifests: [k8s]
run: {until: drained, horizon: 20m, skewFloor: false, replications: 2}
traffic:
  sessions: {kind: poisson, rate: 0.4/s}
  requests: {kind: geometric, mean: 10}
  think: {kind: exponential, mean: 4s}
kic: {enableDrainSupport: true}
timeline: [{at: 90s, rollout: example-app}]
"""


def read(path: Path) -> Any:
    """Return what a YAML file says."""
    return YAML(typ="safe").load(path)


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular, without anybody's settings; return what it prints."""
    who = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | who | nobody, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def commit(folder: Path, subject: str) -> str:
    """Commit everything; return its name."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one commit, which is also its ``origin/main``: manifests in ``k8s``, and a scenario."""
    folder = tmp_path / "repository"
    (folder / "k8s").mkdir(parents=True)
    shipped = (ROOT / "scenarios" / "manifests" / "example-app.yaml").read_text(encoding="utf-8")
    (folder / "k8s" / "example-app.yaml").write_text(shipped, encoding="utf-8")
    (folder / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "Base")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH begins with a ``simsticky`` that runs these sources with this Python."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    command = scripts / "simsticky"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m simsticky.cli.main "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "80"}


def shell(text: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run text as a runner's ``shell: bash`` does."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def replaced(folder: Path, old: str, new: str) -> int:
    """Replace text that is once in the manifests; return its line."""
    place = folder / "k8s" / "example-app.yaml"
    text = place.read_text(encoding="utf-8")
    assert text.count(old) == 1
    place.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def without_dependencies(folder: Path, names: list[str]) -> Path:
    """Copy parts of the sources into a folder, from which pip installs simsticky alone; return the folder."""
    for name in names:
        source, place = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, place)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)
    project = folder / "pyproject.toml"
    text, count = re.subn(r"(?ms)^dependencies = \[.*?^\]", "dependencies = []", project.read_text(encoding="utf-8"))
    assert count == 1
    project.write_text(text, encoding="utf-8")
    return folder
