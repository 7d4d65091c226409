"""The time that a study may take, where somebody has set one."""

from __future__ import annotations

import time

SLICE = 4
"""Replications between two looks at the clock."""


class Clock:
    """Says when the time of a study is over.

    Args:
        most_s: Seconds from now; None where there is no end to it.
    """

    def __init__(self, most_s: float | None) -> None:
        self.most_s = most_s
        self._begun_s = time.monotonic()

    def is_over(self) -> bool:
        """Whether the time is over; never where there is no end to it."""
        return self.most_s is not None and time.monotonic() - self._begun_s >= self.most_s


def stops(done: int, wanted: int, *, timed: bool) -> list[int]:
    """Return the numbers of replications at which to look at the clock on the way from ``done`` to ``wanted``."""
    return [*range(done + SLICE, wanted, SLICE), wanted] if timed else [wanted]
