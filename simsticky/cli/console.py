"""Where text goes: data to standard output, everything else to standard error."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TextIO

from simsticky.errors import SimstickyError, visible

if TYPE_CHECKING:
    from simsticky.report.blocks import Block
    from simsticky.report.render.lines import Line

BROKEN_PIPE = 128 + 13
"""What a shell reports of a tool that SIGPIPE ended."""

# Below this a table says nothing any more; a terminal that reports 0 columns is one too.
_NARROWEST = 20

_MOST_WARNINGS = 10

ENDLESS = 1_000_000
"""Columns of what is no terminal."""


def prepare() -> None:
    """Make the standard streams fit for use, whatever the shell has left of them.

    A descriptor that is closed (``2>&-``) would be given to the next file that is opened, which would then get what is
    meant for the stream. What a stream's encoding lacks is written out instead of raising.
    """
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if name == "stderr" and sys.stderr is None:
            sys.stderr = io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8", write_through=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def finish(code: int) -> int:
    """Write what is still to be written of standard output, and return the exit code, another one if that fails."""
    try:
        with _written():
            pass
    except SimstickyError as error:
        complain(f"error: {error}")
        return code or 1
    except BrokenPipeError:
        return BROKEN_PIPE
    return code


def quiet_figures() -> None:
    """Let matplotlib keep to itself that it finds no place for a cache of its own: figures need none."""
    import logging

    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def print_text(text: str) -> None:
    """Write data to standard output; end quietly when nobody reads it any more (``| head``).

    Raises:
        SimstickyError: It cannot be written: the disk is full, the stream is closed.
    """
    with _answer() as stdout:
        stdout.write(_shown(text, stdout))


def print_lines(lines: Sequence[Line], *, no_color: bool) -> None:
    """Write a laid out report to standard output, in colour on a terminal that wants it; errors as above."""
    from simsticky.report.render.lines import nearest, write

    with _answer() as stdout:
        lines = [tuple((_shown(text, stdout), style) for text, style in line) for line in nearest(lines, stdout)]
        write(lines, stdout, color=not no_color and _wants_color(stdout))


def print_blocks(blocks: Sequence[Block], *, no_color: bool) -> None:
    """Write a report to standard output as lines that fit the terminal; errors as above."""
    from simsticky.report.render.terminal import render

    print_lines(render(blocks, width()), no_color=no_color)


def complain(text: str) -> None:
    """Write a line to standard error, unless nobody reads it any more (``2>&1 | head``): the answer is what counts."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.write(f"{_shown(text, sys.stderr)}\n")
            sys.stderr.flush()


def warn(warnings: Sequence[str]) -> None:
    """Write warnings to standard error, the first few of many."""
    for text in warnings[:_MOST_WARNINGS]:
        complain(f"warning: {text}")
    if len(warnings) > _MOST_WARNINGS:
        complain(f"warning: and {len(warnings) - _MOST_WARNINGS} more; all are in -o json")


def is_terminal() -> bool:
    """Return whether standard output is a terminal: a pipe gets lines that nobody has wrapped."""
    return sys.stdout is not None and sys.stdout.isatty()


def is_watched() -> bool:
    """Return whether somebody sees standard error as it comes."""
    return sys.stderr is not None and sys.stderr.isatty()


def width() -> int:
    """Columns of the terminal, or of ``COLUMNS``; in a pipe no line is too long, so that ``grep`` finds whole ones."""
    if not os.environ.get("COLUMNS") and not is_terminal():
        return ENDLESS
    return max(_NARROWEST, shutil.get_terminal_size((80, 24)).columns)


class Bar:
    """What a bar shows: the simulations that are finished, and how far the one has come that runs in this process.

    Args:
        update: Called with ``completed`` and ``total`` when there is something new.
        total: Simulations to expect; None when nobody knows.
    """

    def __init__(self, update: Callable[..., None], total: int | None) -> None:
        self._update = update
        self._finished = 0
        self._total = total

    def finished(self, finished: int, of: int) -> None:
        """Show that so many of so many are finished."""
        self._finished, self._total = finished, of
        self._update(completed=finished, total=of)

    def share(self, share: float) -> None:
        """Show which share of its simulated time the one that runs has behind it."""
        self._update(completed=self._finished + share, total=self._total)


@contextmanager
def progress(task: str, total: int | None, *, shown: bool, no_color: bool) -> Iterator[Bar]:
    """A bar with the simulations and the time left on standard error; yields what to tell of both.

    Only on a terminal: a log file wants no bar. That of a single simulation shows its share of the simulated time.
    """
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield Bar(lambda **_: None, total)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, no_color=no_color or None)
    of_all = (MofNCompleteColumn(), TextColumn("simulations,", markup=False))
    of_one = (TaskProgressColumn(), TextColumn("of the simulated time,", markup=False))
    done = (*(of_one if total == 1 else of_all), TimeRemainingColumn(), TextColumn("left"))
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), *done)
    with Progress(*columns, console=console, transient=True) as bar:
        row = bar.add_task(visible(task), total=total)
        yield Bar(partial(bar.update, row), total)


def _wants_color(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _shown(text: str, stream: TextIO) -> str:
    """Return a text with what a terminal would act on, and what a stream cannot encode, written out as JSON does."""
    text = visible(text, keep="\n")
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(letter if _has(encoding, letter) else _escaped(letter) for letter in text)
    return text


def _has(encoding: str, letter: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escaped(letter: str) -> str:
    halves = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{halves[at : at + 2].hex()}" for at in range(0, len(halves), 2))


@contextmanager
def _answer() -> Iterator[TextIO]:
    """Yield standard output; end the command when nobody reads it."""
    if sys.stdout is None:
        raise SimstickyError("standard output is closed (--out FILE keeps an answer)")
    try:
        with _written():
            yield sys.stdout
    except BrokenPipeError:
        import typer

        raise typer.Exit(BROKEN_PIPE) from None


@contextmanager
def _written() -> Iterator[None]:
    """See to it that what was written to standard output has come there.

    Raises:
        BrokenPipeError: Nobody reads it.
        SimstickyError: It cannot be written.
    """
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        # The interpreter flushes once more when it ends; that must go nowhere instead of raising again.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise SimstickyError(f"cannot write standard output: {error.strerror or error}") from error
