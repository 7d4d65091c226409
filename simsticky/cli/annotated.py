"""Answers in several formats at once: ``-o table -o sarif=lint.sarif``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from simsticky.cli import console, places
from simsticky.cli.texts import TextFile
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
) -> None:
    """Write each format where it is wanted: files first, so that they are there when standard output is gone.

    Args:
        wanted: What is wanted; each format is a key of ``texts``.
        texts: What makes the text of a format.
        printers: What prints a format on standard output in another way: a table in colour.

    Raises:
        SimstickyError: A file cannot be written, the disk is full.
    """
    for one in (one for one in wanted if one.path is not None):
        TextFile(Path(one.path or "")).write(texts[one.format]())
    for one in (one for one in wanted if one.path is None):
        if printers is not None and one.format in printers:
            printers[one.format]()
        else:
            console.print_text(texts[one.format]())
