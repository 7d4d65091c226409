"""Where text goes: data to standard output, everything else to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from simsticky.report.terminal import Line

BROKEN_PIPE = 128 + 13
"""What a shell reports of a tool that SIGPIPE ended."""

# Below this a table says nothing any more; a terminal that reports 0 columns is one too.
_NARROWEST = 20

_MOST_WARNINGS = 10


def print_text(text: str) -> None:
    """Write data to standard output; end quietly when nobody reads it any more (``| head``)."""
    with _reader_may_leave():
        if not _encodes(sys.stdout, text):
            text = text.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding)
        sys.stdout.write(text)


def print_lines(lines: Sequence[Line], *, no_color: bool) -> None:
    """Write a laid out report to standard output, in colour on a terminal that wants it."""
    from simsticky.report.terminal import write

    with _reader_may_leave():
        write(lines, sys.stdout, color=not no_color and _wants_color(sys.stdout))


def complain(text: str) -> None:
    """Write a line to standard error, unless nobody reads it any more (``2>&1 | head``): the answer is what counts."""
    with suppress(BrokenPipeError):
        typer.echo(text, err=True)


def warn(warnings: Sequence[str]) -> None:
    """Write warnings to standard error, the first few of many."""
    for text in warnings[:_MOST_WARNINGS]:
        complain(f"warning: {text}")
    if len(warnings) > _MOST_WARNINGS:
        complain(f"warning: and {len(warnings) - _MOST_WARNINGS} more; all are in -o json")


def width() -> int:
    """Columns of the terminal, or of ``COLUMNS``; 80 for a pipe."""
    return max(_NARROWEST, shutil.get_terminal_size((80, 24)).columns)


@contextmanager
def progress(task: str, total: int | None, *, shown: bool, no_color: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left on standard error; yields what to call with (finished, total).

    Only on a terminal: a log file wants no bar.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda finished, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, no_color=no_color or None)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        row = bar.add_task(task, total=total)
        yield lambda finished, of: bar.update(row, completed=finished, total=of)


def _wants_color(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _encodes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it ends; that must go nowhere instead of raising again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BROKEN_PIPE) from None
