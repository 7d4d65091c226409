"""The lines of a story that have a time, whether it was just told or comes from a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from simsticky.results.story.lines import Line

if TYPE_CHECKING:
    from simsticky.report.frames import Frames

_WRITTEN = re.compile(r"(?P<clock>[+-]\S+) +(?P<at_s>-?\d+\.\d+)s  (?P<actor>\S+) +(?P<sentence>.*)")


def lines_of(run: Frames, from_s: float, to_s: float) -> list[Line]:
    """Return what is told of a span of time, in seconds of simulated time; a line's time has hundredths."""
    lines = []
    for text in run.story():
        found = _WRITTEN.fullmatch(text)
        # What is told without a time is the cast, and what it came to.
        if found is not None and from_s <= float(found["at_s"]) <= to_s:
            lines.append(Line(found["clock"], float(found["at_s"]), found["actor"], found["sentence"]))
    return lines
