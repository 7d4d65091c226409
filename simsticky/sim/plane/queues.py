"""What differs between the two ways to run the plane: queues, slots, copies and rows in Python's own containers.

``queues_compiled.py`` has the same functions on arrays. Entries are tuples: of a send (time, number, place), of an
end that is to be logged (time, session, request, worker, balancer, target, response time). Each
queue holds one more entry, which never comes. Of a container's slots only the earliest end is ever asked for.
"""

from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from io import BytesIO
from operator import getitem, itemgetter
from typing import Any

from simsticky.recording.open_rows import ROW

LONG_AGO = float("-inf")

first: Callable[[Any], Any] = itemgetter(0)
"""Returns the next entry of a queue."""

put: Callable[[Any, Any], None] = heappush
"""Adds an entry to the queue of sends, in which its place has none."""

put_back: Callable[[Any, Any], Any] = heapreplace
"""Replaces the next send by a later one of the same place."""

drop: Callable[[Any], Any] = heappop
"""Removes the next send."""

slots_of: Callable[[Any, int], Any] = getitem
"""Returns the slots of a container."""

first_free: Callable[[Any], float] = itemgetter(0)
"""Returns when the first of them is free."""

occupy: Callable[[Any, float], Any] = heapreplace
"""Lets that slot be free later."""

first_end: Callable[[Any], Any] = itemgetter(0)
"""Returns the next end that is to be logged."""

put_end: Callable[[Any, Any], None] = heappush
"""Adds an end that is to be logged."""

drop_end: Callable[[Any], Any] = heappop
"""Removes the next end."""

pack_row: Callable[..., Any] = ROW
"""Makes a row of the numbers of a request, and the container that its session has left with it, -1 for none."""

write_row: Callable[[Any, Any], Any] = BytesIO.write
"""Writes a row."""


def read_ahead(demands: Any, gaps: Any, begin: int, end: int) -> int:
    """Read draws that will be used, and their neighbours in memory: none, for a list's objects lie anywhere."""
    return 0


def write_move(moves: Any, at_s: float, origin: int, target: int) -> None:
    """Write that a session leaves a container for another, each -1 for none."""
    moves.extend((at_s, origin, target))


def write_retired(retired: Any, row: tuple[float, ...]) -> None:
    """Write what a session was that is over."""
    retired.extend(row)


def forget_copies(copies: Any, place: int) -> None:
    """Forget all older copies of a session's state."""
    copies[place].clear()


def swap_copies(copies: Any, place: int, left: int, container: int, until_s: float) -> float:
    """Let the container that a session leaves keep a copy until a time (rule B3); say until when the next keeps one."""
    of = copies[place]
    of[left] = until_s
    kept_s: float = of.get(container, LONG_AGO)
    return kept_s
