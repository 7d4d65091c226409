"""A bar while a log is read, and what is done with it afterwards, on standard error: only on a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from simsticky.units import thousands


@dataclass(frozen=True, slots=True)
class Shown:
    """What to tell the bar.

    Attributes:
        read: Takes the lines read so far and the share of all bytes, NaN where that is not known.
        step: Takes what is being done now.
    """

    read: Callable[[int, float], None]
    step: Callable[[str], None]


@contextmanager
def bar_of_reading(*, shown: bool, no_color: bool) -> Iterator[Shown]:
    """Show a bar; yield what to tell it."""
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield Shown(lambda lines, share: None, lambda text: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, no_color=no_color or None)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[lines]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        row = bar.add_task("reading", total=None, lines="")

        def read(lines: int, share: float) -> None:
            known = not math.isnan(share)
            bar.update(
                row, total=1.0 if known else None, completed=share if known else 0.0, lines=f"{thousands(lines)} lines"
            )

        def step(text: str) -> None:
            bar.update(row, description=text, total=None, lines="")

        yield Shown(read, step)
