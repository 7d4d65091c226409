"""What the compiled engine is kept by: another rule is another engine, and a read-only disk is no error."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import simsticky
from simsticky.sim.plane import engine

pytestmark = pytest.mark.skipif(not engine.is_installed(), reason="Numba is not installed: nothing is compiled")

RULE = "factor = slowdown - (slowdown - 1.0) * since_s / lasts_s"
CHANGED = "factor = slowdown - (slowdown - 2.0) * since_s / lasts_s"
ASK = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
before = dict(os.environ)
from simsticky.sim.plane import engine
said = {"key": engine.key(), "kept": engine.is_kept(), "file": engine.__file__}
if "compile" in sys.argv:
    functions = engine.compiled().functions
    said["factor"] = functions.warm_factor(1.0, 4.0, 10.0)
    said["kept_then"] = engine.is_kept()
    import numba
    said["numba"] = numba.config.CACHE_DIR
said["same"] = before == dict(os.environ)
print(json.dumps(said))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the package."""
    package = Path(simsticky.__file__).parent
    shutil.copytree(package, tmp_path / "site" / "simsticky", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


def _ask(site: Path, *arguments: str, **variables: str) -> dict[str, Any]:
    """Return what a fresh process says of the engine in a folder; nothing else is to be printed."""
    names = ("SIMSTICKY_CACHE_DIR", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "PYTHONPATH")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(site.parent), **variables}
    command = [sys.executable, "-c", ASK, str(site), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=600, cwd=site.parent
    )
    assert (done.returncode, done.stderr) == (0, "")
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["file"].startswith(str(site))
    assert said["same"], "the process's variables are its own"
    return said


def _change(site: Path) -> None:
    """Change a rule; the file keeps its size and its time."""
    path = site / "simsticky/sim/plane/rules.py"
    before, text = path.stat(), path.read_text(encoding="utf-8")
    assert text.count(RULE) == 1
    path.write_text(text.replace(RULE, CHANGED), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_changed_rule_has_another_key(copy: Path) -> None:
    """Protects from the old result of an edited rule: the key is of the bytes, not of sizes and times."""
    first = _ask(copy)["key"]
    assert first == engine.key()
    _change(copy)
    assert _ask(copy)["key"] != first


@pytest.mark.slow
def test_changed_rule_is_compiled_anew(copy: Path, tmp_path: Path) -> None:
    """Protects the same through the cache on the disk; a third process finds what the second has compiled."""
    kept = {"SIMSTICKY_CACHE_DIR": str(tmp_path / "cache")}
    first = _ask(copy, "compile", **kept)
    assert (first["kept"], first["kept_then"], first["factor"]) == (False, True, 4.0 - 3.0 * 1.0 / 10.0)
    _change(copy)
    second = _ask(copy, "compile", **kept)
    assert (second["kept"], second["kept_then"], second["factor"]) == (False, True, 4.0 - 2.0 * 1.0 / 10.0)
    assert _ask(copy, "compile", **kept) == second | {"kept": True}


@pytest.mark.slow
def test_no_folder_of_ours_can_be_written(copy: Path) -> None:
    """Where no folder of ours can be made, a private one among the temporary files serves, without a word."""
    nowhere = os.devnull
    (copy / "simsticky/sim/plane/__pycache__").write_text("no folder")
    said = _ask(
        copy, "compile", HOME=f"{nowhere}/home", XDG_CACHE_HOME=f"{nowhere}/cache", NUMBA_CACHE_DIR=f"{nowhere}/numba"
    )
    assert (said["kept"], said["kept_then"]) == (False, True)
    assert said["factor"] == 4.0 - 3.0 * 1.0 / 10.0
    assert said["numba"] == f"{nowhere}/numba", "what Numba is told by others stays"


def test_whether_it_is_kept_can_be_asked_where_nothing_is(copy: Path) -> None:
    """Protects the question before the answer: missing and odd folders are folders without compiled code."""
    nowhere = os.devnull
    for variables in (
        {"HOME": f"{nowhere}/home"},
        {"SIMSTICKY_CACHE_DIR": nowhere},
        {"XDG_CACHE_HOME": "relative", "HOME": nowhere},
    ):
        assert not _ask(copy, **variables)["kept"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_ordinary_user_without_a_place_to_write(copy: Path, tmp_path: Path) -> None:
    """Protects who runs in a container: the installation and HOME belong to somebody else."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    home = tmp_path / "home"
    home.mkdir()
    closed = [home, *(folder for folder in (copy / "simsticky").rglob("*") if folder.is_dir()), copy / "simsticky"]
    for folder in closed:
        folder.chmod(0o555)
    try:
        said = _ask(copy, "compile", HOME=str(home))
        assert (said["kept_then"], said["factor"]) == (False, 4.0 - 3.0 * 1.0 / 10.0)
        assert list(home.iterdir()) == []
    finally:
        for folder in closed:
            folder.chmod(0o755)
