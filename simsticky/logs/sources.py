"""Where lines come from: files, globs, standard input; plain, gzip or zstd, told by their first bytes."""

from __future__ import annotations

import glob
import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from simsticky.errors import InputError
from simsticky.files import NO_SUCH_FILE, STANDARD_INPUT, irregular, shown_path

_BLOCK = 2**20
_COMPRESSED = 2**16
"""Bytes of a compressed file that are taken at once: what they hold may be a thousand times as long."""
_LONGEST_LINE = 64 * 2**20
"""A whole answer of Loki's is one line; what is longer than this is no text."""

_CUT = "the compressed file is damaged or ends too early; what came before that was read"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ROTATED = re.compile(r"(\.gz|\.zst|\.\d+|[-.]\d{8}(?:-?\d+)?|[-.]\d{4}-\d{2}-\d{2})+$", re.ASCII)


@dataclass
class Source:
    """One file, or standard input.

    Attributes:
        name: As errors call it.
        gateway: What to call the gateway whose lines these are, if they do not say.
        path: The file; None for standard input.
        size: Bytes of the file as it lies there; 0 unknown.
        cut: Why it ended before its end, in words; empty if it did not.
        done: Bytes read so far of the file as it lies there.
    """

    name: str
    gateway: str
    path: Path | None
    size: int = 0
    cut: str = ""
    done: int = 0

    def blocks(self) -> Iterator[list[bytes]]:
        """Yield lines without their ends, many at a time; the file is open until the last.

        A compressed file that ends too early, or is damaged, ends there: :attr:`cut` then says so.

        Raises:
            InputError: It cannot be opened or read, or is compressed in a way that needs another package.
        """
        try:
            with self._opened() as raw:
                yield from self._split(_decompressed(raw, self.name), raw)
        except OSError as error:
            raise InputError.of(f"cannot be read: {error.strerror or error}", file=self.name) from None

    def _opened(self) -> BinaryIO:
        if self.path is not None:
            return self.path.open("rb")
        if sys.stdin is None:
            raise InputError.of("is closed", file=self.name)
        # A copy of the descriptor, so that closing it does not close standard input for good.
        return cast(BinaryIO, os.fdopen(os.dup(sys.stdin.fileno()), "rb")) if _has_number(sys.stdin) else _in_memory()

    def _split(self, file: IO[bytes], raw: BinaryIO) -> Iterator[list[bytes]]:
        rest = b""
        while block := self._read(file):
            self.done = raw.tell() if self.size else 0
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > _LONGEST_LINE:
                lines, rest = [*lines, rest[:_BLOCK]], b""
            yield lines
        if rest:
            yield [rest]

    def _read(self, file: IO[bytes]) -> bytes:
        """Return some bytes, none at the end; not as many as a block may hold, for those before a damage count, too."""
        try:
            return cast(io.BufferedReader, file).read1(_BLOCK)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.cut = _CUT
        except _zstd_errors():
            self.cut = _CUT
        return b""


def _has_number(stream: IO[str]) -> bool:
    try:
        stream.fileno()
    except (OSError, ValueError, AttributeError):
        return False
    return True


def _in_memory() -> BinaryIO:
    """Return standard input that is no file of the system's, as in a test or a notebook."""
    buffer = getattr(sys.stdin, "buffer", None)
    return io.BytesIO(buffer.read() if buffer is not None else sys.stdin.read().encode())


def _decompressed(raw: BinaryIO, name: str) -> IO[bytes]:
    file = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    first = file.peek(4)[:4]
    if first.startswith(_GZIP):
        return cast(IO[bytes], gzip.open(file, "rb"))
    if first.startswith(_ZSTD):
        try:
            import zstandard
        except ImportError:
            hint = "pip install 'simsticky[logs]', or decompress it: zstd -dc FILE | simsticky ... -"
            raise InputError.of("is compressed by zstd, which needs a further package", file=name, hint=hint) from None
        return cast(IO[bytes], io.BufferedReader(_Zstd(file, zstandard.ZstdDecompressor().decompressobj)))
    return file


class _Zstd(io.RawIOBase):
    """The text of a zstd file, frame after frame; unlike the package's reader it says when the last one is cut."""

    def __init__(self, file: IO[bytes], frame: Callable[[], Any]) -> None:
        self._file, self._new = file, frame
        self._frame: Any = None
        self._left, self._text = b"", b""

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return with how much; 0 at the end.

        Raises:
            EOFError: The file ends within a frame.
        """
        while not self._text:
            block = self._left or self._file.read(_COMPRESSED)
            self._left = b""
            if not block:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._frame = self._frame or self._new()
            self._text = self._frame.decompress(block)
            if self._frame.eof:
                self._left, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._text))
        buffer[:count], self._text = self._text[:count], self._text[count:]
        return count


def _zstd_errors() -> tuple[type[Exception], ...]:
    try:
        import zstandard
    except ImportError:
        return ()
    return (zstandard.ZstdError,)


def find(names: Sequence[str | Path]) -> list[Source]:
    """Return the sources of a command line's words: paths, globs, ``-``; each file once, in the order of their names.

    Raises:
        InputError: A path is no regular file, a glob matches none, or there are no words at all.
    """
    paths: dict[Path, Path] = {}
    with_input = False
    for name in names:
        if str(name) == STANDARD_INPUT:
            with_input = True
            continue
        for path in _matches(str(name)):
            if kind := irregular(path):
                hint = f"{STANDARD_INPUT} reads standard input" if path.exists() else ""
                hint = "a glob names its files: 'logs/*.gz'" if path.is_dir() else hint
                raise InputError.of(kind, file=shown_path(path), hint=hint)
            paths.setdefault(path.resolve(), path)
    if not paths and not with_input:
        raise InputError.of("no log is named", hint="name files, a glob in quotes, or - for standard input")
    several = len({path.parent for path in paths}) > 1
    sources = [
        Source(shown_path(path), _gateway(path, with_folder=several), path, path.stat().st_size)
        for path in paths.values()
    ]
    return sources + ([Source("<stdin>", "<stdin>", None)] if with_input else [])


def _matches(name: str) -> list[Path]:
    if not glob.has_magic(name) or Path(name).exists():
        return [Path(name)]
    # Path.glob takes no absolute pattern.
    found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207
    if not found:
        raise InputError.of(NO_SUCH_FILE, file=shown_path(name), hint="the glob matches nothing")
    return [path for each in found if not (path := Path(each)).is_dir()]


def _gateway(path: Path, *, with_folder: bool) -> str:
    """Return what tells the files of one gateway from those of another: the name before what rotation adds."""
    name = _ROTATED.sub("", path.name) or path.name
    return shown_path(f"{path.parent.name}/{name}" if with_folder else name)
