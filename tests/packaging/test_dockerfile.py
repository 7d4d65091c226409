"""The Dockerfile, read, and its build stage's commands run: that needs no engine of containers, and builds no image."""

import fnmatch
import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from pipelines import ROOT, read, without_dependencies

TOOLS = {"build-essential", "gcc", "g++", "clang", "make", "cmake", "python3-dev", "rustc", "cargo"}
"""What would be needed to build a part from source, and nothing here may bring along."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word in capitals, and the rest with continued lines joined."""

    word: str
    rest: str


def stages() -> list[list[Instruction]]:
    """Return the instructions of each stage, its FROM first."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    found: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append(Instruction(word, rest.strip()))
    return found


def of(stage: list[Instruction], word: str) -> list[str]:
    """Return the rest of each instruction of a kind."""
    return [instruction.rest for instruction in stage if instruction.word == word]


def is_ignored(path: str) -> bool:
    """Return whether ``.dockerignore`` leaves a path at the top out of the context: the last pattern that matches."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and fnmatch.fnmatch(path, pattern):
            ignored = not line.startswith("!")
    return ignored


BUILD, FINAL = stages()

_LOADS = """
from pathlib import Path
from simsticky.sim.plane import engine, kept
written = kept._written
def refused(folder, text):
    if folder.parent.parent.name != "tmp":
        raise PermissionError(13, "read-only")
    return written(folder, text)
kept._written = refused
assert engine.is_kept()
engine.compiled()
"""
"""Has the engine where every folder but the temporary one refuses to be written."""


def test_both_stages_begin_with_the_same_slim_python() -> None:
    """A virtual environment moves only between the same Pythons, and the action runs on that one."""
    bases = [stage[0].rest.split()[0] for stage in (BUILD, FINAL)]
    assert bases[0] == bases[1]
    assert bases[0] == f"python:{read(ROOT / 'action.yml')['inputs']['python-version']['default']}-slim"


def test_what_is_copied_exists_and_is_in_the_context() -> None:
    """What the image copies is there, and ``.dockerignore`` does not keep it away."""
    sources = [source for rest in of(BUILD, "COPY") for source in rest.split()[:-1]]
    assert {"pyproject.toml", "simsticky", "scenarios"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists()
        assert not is_ignored(source)
    assert is_ignored("tests")
    assert is_ignored(".git")


def test_the_build_needs_no_more_than_is_copied() -> None:
    """All files that pyproject.toml names for the wheel are there."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    copied = {source for rest in of(BUILD, "COPY") for source in rest.split()[:-1]}
    assert {"README.md", "LICENSE"} <= copied
    forced = re.search(r"\[tool\.hatch\.build\.targets\.wheel\.force-include\]\n((?:.+\n)+)", text)
    assert forced is not None
    assert {line.partition(" =")[0].strip('"') for line in forced[1].splitlines()} <= copied


def test_it_runs_as_nobody_in_particular_and_is_the_command() -> None:
    """The user is a number that is not root's, so that a cluster can tell; arguments go to simsticky."""
    (user,) = of(FINAL, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert json.loads(of(FINAL, "ENTRYPOINT")[0]) == ["simsticky"]
    words = [instruction.word for instruction in FINAL]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")


def test_the_final_stage_takes_only_the_environment_and_no_tools() -> None:
    """Nothing of the sources and nothing that builds is left in what people run."""
    assert of(FINAL, "COPY") == ["--from=build /opt/simsticky /opt/simsticky"]
    installed = re.findall(r"[\w+.-]+", " ".join([*of(BUILD, "RUN"), *of(FINAL, "RUN")]))
    assert not TOOLS & set(installed)
    assert "/opt/simsticky/bin:" in " ".join(of(FINAL, "ENV"))


def test_the_engine_is_compiled_for_any_processor_and_found_when_it_runs() -> None:
    """What decides where compiled code is kept, and for which processor, is the same where it is made and used."""
    made, used = ({*" ".join(of(stage, "ENV")).split()} for stage in (BUILD, FINAL))
    wanted = {"NUMBA_CPU_NAME=generic", "SIMSTICKY_CACHE_DIR=/opt/simsticky/engine"}
    assert wanted <= made
    assert wanted <= used
    words = [instruction.word for instruction in BUILD]
    (compiles,) = [at for at, instruction in enumerate(BUILD) if "have_compiled" in instruction.rest]
    assert words.index("ENV") < compiles
    assert any(".[fast]" in rest for rest in of(BUILD, "RUN")[:compiles])


@pytest.mark.slow
@pytest.mark.skipif(find_spec("numba") is None, reason="the extra fast is not installed")
def test_the_command_that_compiles_leaves_what_is_loaded_from_a_folder_that_is_only_read(tmp_path: Path) -> None:
    """As in the image with a read-only root: another user may read the engine, and copies it to ``/tmp``."""
    (command,) = [rest for rest in of(BUILD, "RUN") if "have_compiled" in rest]
    home, temporary = tmp_path / "engine", tmp_path / "tmp"
    temporary.mkdir()
    env = {**os.environ, "NUMBA_CPU_NAME": "generic", "SIMSTICKY_CACHE_DIR": str(home), "TMPDIR": str(temporary)}
    arguments = shlex.split(command.replace("/opt/simsticky/bin/python", sys.executable))
    subprocess.run(arguments, check=True, timeout=300, env=env)
    made = {file.name: file.stat().st_mode & 0o444 for file in home.rglob("*.nb[ic]")}
    assert made
    assert set(made.values()) == {0o444}, "anybody may read them"
    subprocess.run([*arguments[:2], _LOADS], check=True, timeout=300, env=env)
    assert made.keys() == {file.name for file in home.rglob("*.nb[ic]")}
    assert made.keys() == {file.name for file in temporary.rglob("*.nb[ic]")}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pip") is None, reason="pip installs it")
def test_the_commands_of_the_build_stage_install_it(tmp_path: Path) -> None:
    """They run on the files that are copied and no others, into another place than /opt, without the dependencies.

    The one that compiles needs them.
    """
    sources = [source for rest in of(BUILD, "COPY") for source in rest.split()[:-1]]
    folder, home = without_dependencies(tmp_path / "src", sources), tmp_path / "opt"
    for command in (rest for rest in of(BUILD, "RUN") if "have_compiled" not in rest):
        text = command.replace("/opt/simsticky", str(home)).replace("python -m", f"{sys.executable} -m")
        subprocess.run(shlex.split(text.replace(".[fast]", ".")), cwd=folder, check=True, timeout=300)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(home)}))
    assert (packages / "simsticky" / "py.typed").exists()
    assert (packages / "simsticky" / "shipped" / "rolling.yaml").exists()
    assert not (packages / "pip").exists()
    assert (home / "bin" / "simsticky").exists()
