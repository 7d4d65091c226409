"""A line of the story: when, who, and what."""

from typing import NamedTuple


class Line(NamedTuple):
    """One thing that is told; its text has the same four parts, in this order.

    Attributes:
        clock: The time since the first operation, as people read it.
        at_s: The time in seconds of simulated time.
        actor: Who acts.
        sentence: What happens.
    """

    clock: str
    at_s: float
    actor: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.clock} {self.at_s:8.2f}s  {self.actor:<14} {self.sentence}"
