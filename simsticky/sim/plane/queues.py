"""What differs between the two ways to run the plane: queues, slots and rows on Python's own containers.

``queues_compiled.py`` has the same functions on arrays. The queue of sends holds (time, number, place), one more entry
that never comes, and is ordered by time, then number; that of ends (time, session, request, worker, balancer, its first
cells, target, response time), ordered by the first three. Of a container's slots only the earliest end is ever asked for.
"""

from heapq import heappop, heappush, heapreplace
from typing import Any

from simsticky.recording.open_rows import ROW


def first(sends: Any) -> tuple[float, int, int]:
    """Return time, number and place of the next send."""
    entry: tuple[float, int, int] = sends[0]
    return entry


def put(sends: Any, at_s: float, number: int, place: int) -> None:
    """Add a send."""
    heappush(sends, (at_s, number, place))


def put_back(sends: Any, at_s: float, number: int, place: int) -> None:
    """Replace the next send by a later one."""
    heapreplace(sends, (at_s, number, place))


def drop(sends: Any) -> None:
    """Remove the next send."""
    heappop(sends)


def earliest(slots: Any, container: int) -> float:
    """Return when the first of a container's slots is free."""
    end_s: float = slots[container][0]
    return end_s


def occupy(slots: Any, container: int, until_s: float) -> None:
    """Let the slot that is free first be free later."""
    heapreplace(slots[container], until_s)


def count_ends(ends: Any) -> int:
    """Return how many requests are to be logged."""
    return len(ends)


def has_room(ends: Any) -> bool:
    """Return whether there is room for one end more."""
    return True


def due_end(ends: Any, now_s: float) -> bool:
    """Return whether a request has ended that is to be logged."""
    return bool(ends) and ends[0][0] <= now_s


def first_end(ends: Any) -> tuple[float, int, int, int, int, int, float]:
    """Return the next end to be logged: its time, worker, balancer, that one's first cells, target, response time."""
    at_s, _, _, worker, balancer, ints, floats, target, took_s = ends[0]
    return at_s, worker, balancer, ints, floats, target, took_s


def put_end(
    ends: Any,
    at_s: float,
    session: int,
    request: int,
    worker: int,
    balancer: int,
    ints: int,
    floats: int,
    target: int,
    took_s: float,
) -> None:
    """Add an end."""
    heappush(ends, (at_s, session, request, worker, balancer, ints, floats, target, took_s))


def drop_end(ends: Any) -> None:
    """Remove the next end."""
    heappop(ends)


def write_row(
    rows: Any,
    at: int,
    session: int,
    request: int,
    sent_s: float,
    started_s: float,
    ended_s: float,
    container: int,
    code: float,
    left: int,
) -> None:
    """Write a request, and the container that its session has left with it, -1 for none."""
    rows(ROW(session, request, sent_s, started_s, ended_s, container, code, left))


def write_move(moves: Any, at: int, at_s: float, container: int, by: float) -> None:
    """Write that a session has come to a container (1) or gone from it (-1)."""
    moves((at_s, container, by))
