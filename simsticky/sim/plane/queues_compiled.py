"""The same as ``queues.py`` on arrays, to be compiled: queues are binary heaps in columns.

The queue of sends is three arrays and its size; that of ends an array of floats (time, response time), one of integers
and its size. A container's slots are a row, rows of requests and of moves are columns. Times and numbers are unique, so
that a heap of another making gives the same order.
"""

from typing import Any


def first(sends: Any) -> tuple[float, int, int]:
    """Return time, number and place of the next send."""
    return sends[0][0], sends[1][0], sends[2][0]


def sends_sink(sends: Any, at: int, at_s: float, number: int, place: int) -> None:
    """Let a send sink from a place of the heap."""
    times, numbers, places, size = sends
    n = size[0]
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        other = child + 1
        if other < n and (
            times[other] < times[child] or (times[other] == times[child] and numbers[other] < numbers[child])
        ):
            child = other
        if times[child] > at_s or (times[child] == at_s and numbers[child] > number):
            break
        times[at], numbers[at], places[at] = times[child], numbers[child], places[child]
        at = child
    times[at], numbers[at], places[at] = at_s, number, place


def put(sends: Any, at_s: float, number: int, place: int) -> None:
    """Add a send; there is room."""
    times, numbers, places, size = sends
    at = size[0]
    size[0] = at + 1
    while at > 0:
        parent = (at - 1) >> 1
        if times[parent] < at_s or (times[parent] == at_s and numbers[parent] < number):
            break
        times[at], numbers[at], places[at] = times[parent], numbers[parent], places[parent]
        at = parent
    times[at], numbers[at], places[at] = at_s, number, place


def put_back(sends: Any, at_s: float, number: int, place: int) -> None:
    """Replace the next send by a later one."""
    sends_sink(sends, 0, at_s, number, place)


def drop(sends: Any) -> None:
    """Remove the next send."""
    times, numbers, places, size = sends
    n = size[0] - 1
    size[0] = n
    if n > 0:
        sends_sink(sends, 0, times[n], numbers[n], places[n])


def earliest(slots: Any, container: int) -> float:
    """Return when the first of a container's slots is free."""
    end_s: float = slots[container][0]
    return end_s


def occupy(slots: Any, container: int, until_s: float) -> None:
    """Let the slot that is free first be free later."""
    ends = slots[container]
    n = len(ends)
    at = 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and ends[child + 1] < ends[child]:
            child += 1
        if ends[child] >= until_s:
            break
        ends[at] = ends[child]
        at = child
    ends[at] = until_s


def has_room(ends: Any) -> bool:
    """Return whether there is room for one end more."""
    return ends[2][0] < len(ends[0][0])


def due_end(ends: Any, now_s: float) -> bool:
    """Return whether a request has ended that is to be logged."""
    return ends[2][0] > 0 and ends[0][0][0] <= now_s


def first_end(ends: Any) -> tuple[float, int, int, int, int, int, float]:
    """Return the next end to be logged: its time, worker, balancer, that one's first cells, target, response time."""
    numbers = ends[1]
    return ends[0][0][0], numbers[2][0], numbers[3][0], numbers[4][0], numbers[5][0], numbers[6][0], ends[0][1][0]


def end_before(ends: Any, a: int, at_s: float, session: int, request: int) -> bool:
    """Return whether the end at a place of the heap comes before another."""
    if ends[0][0][a] != at_s:
        return ends[0][0][a] < at_s
    if ends[1][0][a] != session:
        return ends[1][0][a] < session
    return ends[1][1][a] < request


def move_end(ends: Any, origin: int, target: int) -> None:
    """Copy an end from one place of the heap to another."""
    times, numbers, _ = ends
    times[0][target], times[1][target] = times[0][origin], times[1][origin]
    for field in range(7):
        numbers[field][target] = numbers[field][origin]


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
    """Add an end; there is room."""
    times, numbers, size = ends
    at = size[0]
    size[0] = at + 1
    while at > 0:
        parent = (at - 1) >> 1
        if end_before(ends, parent, at_s, session, request):
            break
        move_end(ends, parent, at)
        at = parent
    times[0][at], times[1][at] = at_s, took_s
    numbers[0][at], numbers[1][at], numbers[2][at], numbers[3][at] = session, request, worker, balancer
    numbers[4][at], numbers[5][at], numbers[6][at] = ints, floats, target


def drop_end(ends: Any) -> None:
    """Remove the next end."""
    times, numbers, size = ends
    n = size[0] - 1
    size[0] = n
    if n == 0:
        return
    at_s, session, request = times[0][n], numbers[0][n], numbers[1][n]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and end_before(ends, child + 1, times[0][child], numbers[0][child], numbers[1][child]):
            child += 1
        if not end_before(ends, child, at_s, session, request):
            break
        move_end(ends, child, at)
        at = child
    move_end(ends, n, at)


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
    rows[0][at] = session
    rows[1][at] = request
    rows[2][at] = sent_s
    rows[3][at] = started_s
    rows[4][at] = ended_s
    rows[5][at] = container
    rows[6][at] = code
    rows[7][at] = left


def write_move(moves: Any, at: int, at_s: float, container: int, by: float) -> None:
    """Write that a session has come to a container (1) or gone from it (-1)."""
    moves[0][at] = at_s
    moves[1][at] = container
    moves[2][at] = by
