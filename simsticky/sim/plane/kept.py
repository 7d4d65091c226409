"""Where compiled code is kept on disk: one folder for each source, in the first place that can be written.

Numba keeps its results beside the source that it compiled, or in ``NUMBA_CACHE_DIR``, and only where it can write. So a
folder that can only be read, that of an image say, is copied to one that can be written before it is used.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_WRITTEN_S = 1_000_000_000
"""When every kept source was written, as Numba sees it: whole seconds, so that an image's layers keep it.

Numba takes a source as changed when its time differs; the folder's name already tells one source from another.
"""
_OTHERS = 3
"""Folders of other versions that stay: those that were used last."""
_UNUSED_S = 86_400.0
"""A folder that was used since is not removed, whatever its place: a process may still load from it."""


def name_of(key: str) -> str:
    """Return the name of the module of a source, which Numba puts into the names of its files, too."""
    return f"simsticky_engine_{key}"


def _homes() -> Iterator[Path]:
    """Yield the folders that may keep compiled code, the likeliest first."""
    chosen = os.environ.get("SIMSTICKY_CACHE_DIR")
    if chosen:
        yield Path(chosen).absolute()
    else:
        if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
            yield Path(os.environ["LOCALAPPDATA"]) / "simsticky"
        if os.environ.get("XDG_CACHE_HOME"):
            yield Path(os.environ["XDG_CACHE_HOME"]).absolute() / "simsticky"
        with suppress(RuntimeError):
            yield Path.home() / ".cache" / "simsticky"
        yield Path(__file__).parent / "__pycache__"
    with suppress(OSError):
        yield _temporary()


def _temporary() -> Path:
    """Return this user's folder among the temporary ones.

    Raises:
        OSError: Somebody else could write into it, and what is loaded from there is run.
    """
    owner = os.getuid() if hasattr(os, "getuid") else 0
    home = Path(tempfile.gettempdir()) / f"simsticky-{owner}"
    with suppress(FileNotFoundError):
        found = home.lstat()
        private = found.st_uid == owner and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if hasattr(os, "getuid") and not (stat.S_ISDIR(found.st_mode) and private):
            raise PermissionError(f"{home} is not this user's alone")
    return home


def _folders(key: str) -> list[Path]:
    return [home / f"engine-{key}" for home in _homes()]


def is_kept(key: str) -> bool:
    """Return whether compiled code of a source is likely to be on this machine's disk, and can be had from there."""
    return any(map(_is_complete, _folders(key))) and can_be_kept(key)


def _is_complete(folder: Path) -> bool:
    """Return whether the code of the loop, which comes last, is kept for a folder."""
    return any(_files(folder, ".advance-*.nbi"))


def _files(folder: Path, end: str) -> Iterator[Path]:
    """Yield the files that Numba keeps for a folder's source: beside it, or where the environment tells it to."""
    pattern = name_of(folder.name.removeprefix("engine-")) + end
    yield from folder.glob(f"__pycache__/{pattern}")
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield from Path(os.environ["NUMBA_CACHE_DIR"]).glob(f"*/{pattern}")


def can_be_kept(key: str) -> bool:
    """Return whether there is likely to be a folder that can be written."""
    return any(map(_may_be_written, _folders(key)))


def _may_be_written(folder: Path) -> bool:
    first = next(place for place in (folder / "__pycache__", *folder.parents, Path()) if _is_folder(place))
    return os.access(first, os.W_OK | os.X_OK)


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except OSError:
        return False


def place(key: str, text: str) -> Path | None:
    """Return the file of a source, in a folder that can be written, with what is kept of it; None where none can be.

    Args:
        key: The source's hash.
        text: The source.
    """
    folders = _folders(key)
    complete = next(filter(_is_complete, folders), None)
    for folder in sorted(folders, key=lambda folder: folder != complete):  # that one first, else in order
        with suppress(OSError):
            path = _written(folder, text)
            if complete is not None and complete != folder:
                _copy(complete / "__pycache__", folder / "__pycache__")
            return path
    return None


def _written(folder: Path, text: str) -> Path:
    """Write the source into a folder and return its file."""
    beside, path = folder / "__pycache__", folder / f"{name_of(folder.name.removeprefix('engine-'))}.py"
    if folder.parent.parent == Path(tempfile.gettempdir()):
        folder.parent.mkdir(mode=0o700, exist_ok=True)
    beside.mkdir(parents=True, exist_ok=True)
    # Written where Numba will write: else it would keep nothing, or elsewhere.
    with tempfile.NamedTemporaryFile("w", dir=beside, suffix=".part", delete=False, encoding="utf-8") as part:
        part.write(text)
    written = Path(part.name)
    try:
        if not path.exists() or path.read_bytes() != written.read_bytes():
            written.chmod(0o644)
            os.utime(written, (_WRITTEN_S, _WRITTEN_S))
            written.replace(path)
        elif path.stat().st_mtime != _WRITTEN_S:
            os.utime(path, (_WRITTEN_S, _WRITTEN_S))
    finally:
        written.unlink(missing_ok=True)
    with suppress(OSError):
        os.utime(folder)  # used now
    return path


def _copy(source: Path, target: Path) -> None:
    """Copy kept files, each as a whole: another process may be doing the same."""
    for file in source.iterdir():
        if file.suffix in {".nbi", ".nbc"} and not (target / file.name).exists():
            with tempfile.NamedTemporaryFile(dir=target, suffix=".part", delete=False) as part:
                part.write(file.read_bytes())
            Path(part.name).replace(target / file.name)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process compiles a source, and let none begin; one whose code is kept already does not wait.

    Args:
        path: The source's file.
    """
    if _is_complete(path.parent):
        yield
        return
    with (path.parent / "lock").open("w") as file:
        with suppress(ImportError, OSError):  # no such locks here: then it is compiled more than once, and no harm done
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def discard(path: Path) -> None:
    """Remove what is kept of a source, as far as that can be done.

    Args:
        path: The source's file.
    """
    for file in [*_files(path.parent, ".*.nbi"), *_files(path.parent, ".*.nbc")]:
        with suppress(OSError):
            file.unlink()


def tidy(path: Path) -> None:
    """Remove what was kept of other versions and has not been used lately, but for a few.

    Args:
        path: The file of the source that is used now.
    """
    folder = path.parent
    used: list[tuple[float, Path]] = []
    for other in folder.parent.glob("engine-*"):
        with suppress(OSError):
            used.append((other.stat().st_mtime, other))
    others = sorted((entry for entry in used if entry[1] != folder), reverse=True)
    for used_s, other in others[_OTHERS:]:
        if used_s < time.time() - _UNUSED_S:
            shutil.rmtree(other, ignore_errors=True)
