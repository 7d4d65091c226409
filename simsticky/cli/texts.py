"""``--out FILE`` of verbs that write one text: checked before anything runs, written beside its place and renamed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simsticky.errors import InputError, SimstickyError

PAGES = (".html", ".htm")
"""Endings of an HTML page's name."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file to write."""

    path: Path

    @property
    def suffix(self) -> str:
        """The ending of its name, in lower case, which says what goes into it."""
        return self.path.suffix.lower()

    def write(self, text: str) -> None:
        """Write the file; a full disk or Ctrl-C leaves no half of it.

        Raises:
            SimstickyError: The disk is full, or the place cannot be written.
        """
        self.write_with(lambda place: place.write_text(text, encoding="utf-8"))

    def write_with(self, write: Callable[[Path], object]) -> None:
        """Let something write the file, at a place beside it; a full disk or Ctrl-C leaves no half of it.

        Raises:
            SimstickyError: The disk is full, or the place cannot be written.
        """
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            write(beside)
            beside.replace(self.path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise SimstickyError(f"cannot write {self.path}: {reason}") from error
        finally:
            beside.unlink(missing_ok=True)


def text_file(path: Path, suffixes: Sequence[str], flag: str = "--out") -> TextFile:
    """Return where to write, or say why not.

    Args:
        path: The file.
        suffixes: The endings its name may have, two at least.
        flag: Who asks for it, for the message.

    Raises:
        InputError: The name does not end with one of the suffixes, the place is a directory, or lies in one that is
            not there.
    """
    if path.suffix.lower() not in suffixes:
        hint = f"end it with {', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise InputError.of(f"{path} has no ending that says what to write", file=flag, hint=hint)
    if path.is_dir():
        raise InputError.of(f"{path} is a directory", file=flag)
    if not path.absolute().parent.is_dir():
        raise InputError.of(f"there is no directory {path.absolute().parent}", file=flag)
    return TextFile(path)
