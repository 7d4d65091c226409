"""Lines that several workers wrote into each other: a pipe keeps only writes of up to 4 kB in one piece.

A longer JSON line can be broken by another one: ``{"a": 1, "b{"c": 3}`` and then, on the next line, ``": 2}``. The
whole object inside is taken out, and the halves around it are joined with those that follow.
"""

from collections import deque
from typing import Any

from simsticky.logs.json_lines import loads_anyhow

_MOST_HALVES = 8
_MOST_BYTES = 2**20
_MOST_STARTS = 24
_FEWEST_FIELDS = 4
"""An object with fewer is a part of a request, not one."""
_LEAST_BYTES = 2048
"""Shorter pieces come from elsewhere: both lines and what is left of them are thousands of bytes long."""


class Mender:
    """What is left of broken lines of one source, until the rest of them comes."""

    def __init__(self) -> None:
        self._halves: deque[tuple[int, bytes]] = deque()

    def mend(self, number: int, line: bytes) -> tuple[list[dict[str, Any]], int | None]:
        """Return the objects that a broken line brings to light, and the number of the line that is whole with it.

        Args:
            number: Of the line.
            line: A line that is no JSON, though the lines of its log are.

        Returns:
            Objects, and the number of the earlier line whose rest this one was; the line's own number where nothing
            of it is left over; None where a part of it waits for its rest, or nothing can be made of it.
        """
        if not self._plausible(line):
            return [], None
        found, rest = _inner(line)
        for half in self._halves:
            for whole in (half[1] + rest, rest + half[1]):
                if (value := _whole(whole)) is not None:
                    self._halves.remove(half)
                    return [*found, value], half[0]
        if not rest.strip():
            return found, number
        self._halves.append((number, rest))
        if len(self._halves) > _MOST_HALVES:
            self._halves.popleft()
        return found, None

    def _plausible(self, line: bytes) -> bool:
        if len(line) > _MOST_BYTES:
            return False
        return b'"' in line and (len(line) >= _LEAST_BYTES or bool(self._halves))


def _whole(text: bytes) -> dict[str, Any] | None:
    if not text.startswith(b"{"):
        return None
    try:
        value = loads_anyhow(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _inner(line: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Return the object that ends a line and began within it, and what stood before it.

    What came between brought its own line end, so it is whole and stands last; the rest of the broken line follows.
    """
    end = line.rstrip()
    start = end.find(b'{"', 1)
    for _ in range(_MOST_STARTS):
        if start < 0:
            break
        value = _whole(end[start:])
        if value is not None and len(value) > _FEWEST_FIELDS:
            return [value], line[:start]
        start = end.find(b'{"', start + 1)
    return [], line
