"""Answers in several formats at once: ``-o table -o sarif=lint.sarif``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from simsticky.cli import console, places
from simsticky.cli.texts import TextFile, write_and_tell
from simsticky.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simsticky.annotations.outputs import Wanted


def refuse_places(wanted: Sequence[Wanted], flag: str = "-o") -> None:
    """Say before anything runs which file cannot be written.

    Raises:
        InputError: A place is a directory, or cannot be written.
    """
    for one in wanted:
        if one.path is None:
            continue
        places.refuse_place(one.path, flag)
        if one.path.is_dir():
            raise InputError.of(f"{one.path} is a directory", file=flag)


def write_all(
    wanted: Sequence[Wanted],
    texts: Mapping[str, Callable[[], str]],
    *,
    printers: Mapping[str, Callable[[], None]] | None = None,
    before: Iterable[Callable[[], None]] = (),
) -> None:
    """Write each format where it is wanted: files first, so that they are there when standard output is gone.

    Args:
        wanted: What is wanted; each format is a key of ``texts``.
        texts: What makes the text of a format.
        printers: What prints a format on standard output in another way: a table in colour.
        before: What else is to be written, and first.

    Raises:
        SimstickyError: A file cannot be written, the disk is full.
    """

    def write(kind: str, path: Path) -> None:
        TextFile(path).write(texts[kind]())

    def tell() -> None:
        for one in wanted:
            if one.path is None:
                printer = (printers or {}).get(one.format)
                if printer is not None:
                    printer()
                else:
                    console.print_text(texts[one.format]())

    files = [partial(write, one.format, Path(one.path)) for one in wanted if one.path is not None]
    write_and_tell([*before, *files], tell)
