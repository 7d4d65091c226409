"""Compiled code on the disk: where it is kept, found again, mended and tidied. A source of one function stands in."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from simsticky.sim.plane import kept

pytest.importorskip("numba", reason="the extra fast is not installed")

SOURCE = "from numba import njit\n@njit(cache=True, _nrt=False)\ndef advance(x):\n    return 2 * x\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one place that may keep code, besides a temporary folder of this test's own."""
    monkeypatch.setenv("SIMSTICKY_CACHE_DIR", str(tmp_path / "home"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(kept.tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "home"


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.advance(21) == 42
    return module


def _hits(path: Path) -> int:
    """Load the source's function and call it; return how often it was found on disk."""
    return sum(_loaded(path).advance.stats.cache_hits.values())


def _kept_in(home: Path) -> Path:
    """Compile the source into a home and return its file."""
    path = kept.place("abc", SOURCE)
    assert path is not None
    assert path.is_relative_to(home)
    assert _hits(path) == 0
    return path


def test_what_was_compiled_is_found_again(home: Path) -> None:
    """The second time nothing is compiled."""
    assert not kept.is_kept("abc")
    path = _kept_in(home)
    assert kept.is_kept("abc")
    assert not kept.is_kept("abcd")
    assert kept.place("abc", SOURCE) == path
    assert _hits(path) == 1


def test_the_time_of_the_file_is_no_reason_to_compile_anew(home: Path) -> None:
    """Layers of an image keep whole seconds only, and some copies no time at all."""
    path = _kept_in(home)
    assert path.stat().st_mtime == int(path.stat().st_mtime)
    os.utime(path)
    assert kept.place("abc", SOURCE) == path
    assert _hits(path) == 1


def test_a_truncated_source_is_written_again(home: Path) -> None:
    """A process may be killed, or a disk full, while it is written by hand."""
    path = _kept_in(home)
    path.write_text(SOURCE[:60])
    assert kept.place("abc", SOURCE) == path
    assert path.read_text() == SOURCE
    assert _hits(path) == 1


def test_what_is_discarded_is_compiled_again(home: Path) -> None:
    """Truncated files are errors of Numba's; without them it compiles."""
    path = _kept_in(home)
    for file in (path.parent / "__pycache__").glob("*.nbi"):
        file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(Exception, match=r"truncated|ran out|EOF"):
        _loaded(path)
    kept.discard(path)
    assert not kept.is_kept("abc")
    assert _hits(path) == 0
    assert _hits(path) == 1


def test_a_folder_that_can_only_be_read_is_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects an image with a read-only root: only ``/tmp`` can be written, and nothing is compiled."""
    _kept_in(home)
    written = kept._written

    def refused(folder: Path, text: str) -> Path:
        if folder.is_relative_to(home):
            raise PermissionError(13, "read-only", str(folder))
        return written(folder, text)

    monkeypatch.setattr(kept, "_written", refused)
    path = kept.place("abc", SOURCE)
    assert path is not None
    assert not path.is_relative_to(home)
    assert _hits(path) == 1


def test_where_nothing_can_be_written_there_is_no_place(home: Path) -> None:
    """A file stands where the folder should be, and the temporary one is gone."""
    home.write_text("")
    assert kept.can_be_kept("abc")
    Path(kept.tempfile.gettempdir()).rmdir()
    Path(kept.tempfile.gettempdir()).write_text("")
    assert kept.place("abc", SOURCE) is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners here")
def test_a_temporary_folder_of_somebody_else_is_not_used(home: Path) -> None:
    """What is loaded from it is run, and anybody may make a folder of that name."""
    home.write_text("")
    folder = Path(kept.tempfile.gettempdir()) / f"simsticky-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    assert kept.place("abc", SOURCE) is None
    folder.chmod(0o700)
    assert kept.place("abc", SOURCE) is not None


def test_numbas_own_folder_is_respected(home: Path, tmp_path: Path) -> None:
    """Where ``NUMBA_CACHE_DIR`` is set, what is kept there counts; it is read when Numba is imported."""
    code = "from test_kept import SOURCE, _hits, kept\nprint(kept.is_kept('abc'), _hits(kept.place('abc', SOURCE)))"
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PYTHONPATH": paths}
    said = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
        said.append(done.stdout.strip() or done.stderr)
    assert said == ["False 0", "True 1"]
    assert list((tmp_path / "numba").glob("*/*.nbi"))
    assert not list(home.rglob("*.nbi"))


def test_other_versions_leave_but_for_the_latest_few(home: Path) -> None:
    """Those used within the day stay: their processes may still load from them."""
    path = _kept_in(home)
    day_s = 86_400
    for days in range(7):
        folder = home / f"engine-{days}"
        folder.mkdir()
        os.utime(folder, (time.time() - days * day_s - 60,) * 2)
    (home / "other").mkdir()
    kept.tidy(path)
    assert sorted(entry.name for entry in home.iterdir()) == ["engine-0", "engine-1", "engine-2", "engine-abc", "other"]
    for number in range(7):
        (home / f"engine-{number}").mkdir(exist_ok=True)
        os.utime(home / f"engine-{number}")
    kept.tidy(path)
    assert len(list(home.glob("engine-*"))) == 8


def test_one_compiles_while_the_others_wait(home: Path) -> None:
    """Two processes that begin at once compile once."""
    fcntl = pytest.importorskip("fcntl")
    path = kept.place("abc", SOURCE)
    assert path is not None
    with kept.alone(path), (path.parent / "lock").open("w") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (path.parent / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
