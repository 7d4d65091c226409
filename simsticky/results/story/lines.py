"""A line of the story: when, who, and what; as text, and read back from it."""

import re
from typing import NamedTuple

_WRITTEN = re.compile(r"(?P<clock>[+-]\S+) +(?P<at_s>-?\d+\.\d+)s  (?P<actor>\S+) +(?P<sentence>.*)")


class Line(NamedTuple):
    """One thing that is told.

    Attributes:
        clock: The time since the first operation, as people read it.
        at_s: The time in seconds of simulated time; a line that was read back has hundredths.
        actor: Who acts.
        sentence: What happens.
    """

    clock: str
    at_s: float
    actor: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.clock} {self.at_s:8.2f}s  {self.actor:<14} {self.sentence}"

    @classmethod
    def read(cls, text: str) -> "Line | None":
        """Return the line that a text is; None for what is told without a time: the cast, and what it came to."""
        found = _WRITTEN.fullmatch(text)
        return None if found is None else cls(found["clock"], float(found["at_s"]), found["actor"], found["sentence"])
