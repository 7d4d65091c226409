"""The texts of a verb's answer: on standard output, and in ``--out FILE``.

A file is checked before anything runs, written beside its place and renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from simsticky.cli import console, places
from simsticky.cli.options import Output
from simsticky.errors import InputError

if TYPE_CHECKING:
    from simsticky.report.blocks import Block

TEXTS = (".json", ".csv", ".md")
"""Endings of the texts that :func:`text_of` makes."""

PAGES = (".html", ".htm")
"""Endings of an HTML page's name."""


class Report(Protocol):
    """The module of ``simsticky.report`` that makes blocks of a verb's answer."""

    def blocks(self, found: Any, /) -> Sequence[Block]:
        """Return it for people."""

    def data_of(self, found: Any, /) -> Sequence[Block]:
        """Return it for machines, as a table."""


def text_of(found: Any, report: Report, suffix: str) -> str:
    """Return an answer as the text that an ending of a file's name asks for."""
    from simsticky.report.render import csv, markdown

    if suffix == ".json":
        text: str = found.to_json()
        return text
    return csv.render(report.data_of(found)) if suffix == ".csv" else markdown.render(report.blocks(found))


def print_answer(found: Any, report: Report, output: Output, *, no_color: bool) -> None:
    """Write an answer to standard output."""
    if output is Output.TABLE:
        console.print_blocks(report.blocks(found), no_color=no_color)
    else:
        console.print_text(text_of(found, report, ".md" if output is Output.MARKDOWN else f".{output}"))


def write_and_tell(writes: Iterable[Callable[[], None]], tell: Callable[[], None]) -> None:
    """Write the files of an answer, and tell it whatever comes of them: its numbers took minutes.

    Raises:
        Exception: The first that a write has raised, once the answer is told.
    """
    failure: Exception | None = None
    for write in writes:
        try:
            write()
        except Exception as error:
            failure = failure or error
    tell()
    if failure is not None:
        raise failure


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
        try:
            places.replace(self.path, write)
        except OSError as error:
            raise places.cannot_write(self.path, error) from error


def text_file(path: Path, suffixes: Sequence[str], flag: str = "--out") -> TextFile:
    """Return where to write, or say why not.

    Args:
        path: The file.
        suffixes: The endings its name may have, two at least.
        flag: Who asks for it, for the message.

    Raises:
        InputError: The name does not end with one of the suffixes, the place is a directory, or cannot be written.
    """
    if path.suffix.lower() not in suffixes:
        hint = f"end it with {', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise InputError.of(f"{path} has no ending that says what to write", file=flag, hint=hint)
    return any_file(path, flag)


def any_file(path: Path, flag: str) -> TextFile:
    """Return where to write, whatever the file's name ends with.

    Raises:
        InputError: The place is a directory, or cannot be written.
    """
    places.refuse_place(path, flag)
    if path.is_dir():
        raise InputError.of(f"{path} is a directory", file=flag)
    return TextFile(path)
