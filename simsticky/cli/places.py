"""Where answers are written: checked before anything is simulated, written beside their place and renamed into it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simsticky.errors import InputError, SimstickyError


def refuse_place(path: Path, flag: str) -> None:
    """Say why a file or directory cannot be written, by trying.

    Args:
        path: What is to be written.
        flag: Who asks for it, for the message.

    Raises:
        InputError: The directory it lies in is not there or cannot be written, no file can have this name, or it is
            neither a regular file nor a directory.
    """
    with _refused(path, flag):
        parent = path.absolute().parent
        if not parent.is_dir():
            raise InputError.of(f"there is no directory {parent}", file=flag)
        if path.exists() and not path.is_dir() and not path.is_file():
            raise InputError.of(f"{path} is neither a file nor a directory", file=flag)
        probe = _beside(path / "file" if path.is_dir() else path)
        probe.touch(exist_ok=False)
        probe.unlink()


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Let something write a file, at a place beside it, and rename it; a full disk or Ctrl-C leaves no half of it."""
    beside = _beside(path)
    try:
        write(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def cannot_write(path: Path, error: OSError) -> SimstickyError:
    """Return the error of a place that could be written before, and cannot any more."""
    place = path if error.filename is None else error.filename
    return SimstickyError(f"cannot write {place}: {error.strerror or error}")


def _beside(path: Path) -> Path:
    # Its length does not hang on the name's: that may be as long as the file system takes.
    return path.with_name(f".simsticky.{os.getpid()}")


@contextmanager
def _refused(path: Path, flag: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise InputError.of(f"{path} cannot be written: {reason}", file=flag) from None
