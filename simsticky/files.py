"""Reading what a person names: regular files of a bearable size, or standard input, as UTF-8 text.

Everything else (a pipe, a device, a directory, a name that no file system takes) is told as bad input: what never ends
must not be read, and what is a gigabyte is no scenario.
"""

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from simsticky.errors import Diagnostic, InputError, visible

STANDARD_INPUT = "-"
NO_SUCH_FILE = "no such file"

_MOST_BYTES = 4 * 2**20
"""A thousand times the largest scenario, and more than a namespace's manifests."""

_KINDS = (
    (stat.S_ISDIR, "is a directory, a file is wanted"),
    (stat.S_ISFIFO, "is a pipe, a regular file is wanted"),
    (stat.S_ISSOCK, "is a socket, a regular file is wanted"),
    (stat.S_ISCHR, "is a device, a regular file is wanted"),
    (stat.S_ISBLK, "is a device, a regular file is wanted"),
)

_BYTE_ORDER_MARKS = (
    # The longer ones first: UTF-32's begins with UTF-16's.
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_ZEROS = (
    # Where a text that begins with two ASCII characters, without a mark, has its zeros.
    ((0, 1, 2, 4, 5, 6), "UTF-32"),
    ((1, 2, 3, 5, 6, 7), "UTF-32"),
    ((0, 2), "UTF-16"),
    ((1, 3), "UTF-16"),
)


def read_text(path: Path, name: str) -> str:
    """Return the text of a regular file.

    Args:
        path: The file.
        name: What to call it in errors.

    Raises:
        InputError: There is none, it is no regular file, is too large, cannot be read, or is no UTF-8 text.
    """
    return decode(_read(path, name, _MOST_BYTES), name)


def read_bytes(path: Path, name: str, *, most: int) -> bytes:
    """Return the bytes of a regular file of at most ``most`` bytes; errors as of :func:`read_text`."""
    return _read(path, name, most)


def read_standard_input() -> str:
    """Return all of standard input as text; errors as of :func:`read_text`."""
    name = "<stdin>"
    if sys.stdin is None:
        raise InputError.of("is closed", file=name)
    try:
        raw = _bounded(sys.stdin.buffer, name, _MOST_BYTES)
    except OSError as error:
        raise _unreadable(error, name) from None
    return decode(raw, name)


def irregular(path: Path) -> str:
    """Return why a path is no regular file that can be read, in words; empty if it is one."""
    try:
        return _kind(path.stat().st_mode)
    except FileNotFoundError:
        return NO_SUCH_FILE
    except (OSError, ValueError) as error:
        return f"cannot be read: {_reason(error)}"


def same_file(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file, by whatever links and dots."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return one == other


def shown_path(path: str | Path) -> str:
    """Return a path as text: what is no UTF-8 in it, or no character that can be seen, is written out."""
    return visible(os.fsencode(path).decode("utf-8", "backslashreplace"))


def decode(raw: bytes, name: str) -> str:
    """Return UTF-8 text, or raise an :class:`InputError` at the first bad byte."""
    if other := _other_encoding(raw):
        raise InputError.of(f"is {other}, write it as UTF-8", file=name, hint="PowerShell's > writes UTF-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        text = f"is not UTF-8 text: byte 0x{raw[error.start]:02x}"
        raise InputError([Diagnostic(name, line, column, "", text)]) from None


def _other_encoding(raw: bytes) -> str:
    marked = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if raw.startswith(mark)), "")
    if marked or len(raw) < 4:
        return marked
    zeros = tuple(place for place, byte in enumerate(raw[:8]) if not byte)
    return next((encoding for places, encoding in _ZEROS if zeros[: len(places)] == places), "")


def _read(path: Path, name: str, most: int) -> bytes:
    try:
        # Looked at before it is opened: opening a device can do things, and opening a pipe can wait for ever.
        if kind := _kind(path.stat().st_mode):
            raise InputError.of(kind, file=name, hint=_hint(path))
        with path.open("rb") as file:
            return _bounded(file, name, most)
    except FileNotFoundError:
        raise InputError.of(NO_SUCH_FILE, file=name) from None
    except (OSError, ValueError) as error:
        raise _unreadable(error, name) from None


def _bounded(file: BinaryIO, name: str, most: int) -> bytes:
    raw = file.read(most + 1)
    if len(raw) > most:
        raise InputError.of(f"is larger than {most / 2**20:.0f} MiB", file=name)
    return raw


def _kind(mode: int) -> str:
    return next((text for is_one, text in _KINDS if is_one(mode)), "")


def _hint(path: Path) -> str:
    return f"{STANDARD_INPUT} reads standard input" if path.parts[:2] in (("/", "dev"), ("/", "proc")) else ""


def _unreadable(error: OSError | ValueError, name: str) -> InputError:
    return InputError.of(f"cannot be read: {_reason(error)}", file=name)


def _reason(error: OSError | ValueError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number is not None else str(error)
