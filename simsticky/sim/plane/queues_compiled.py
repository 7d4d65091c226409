"""The same as ``queues.py`` on arrays, to be compiled: queues are binary heaps in columns.

The queue of sends is three arrays and its size; that of ends an array of floats (time, response time), one of integers
and its size. Containers' slots are one array, with how many each
has. Copies are lists in cells: the first cell of each place's list;
container and next cell; until when; cells that are free, and how many. Rows and moves are columns of tables, with the
plane's own numbers, which count them. Times and numbers are unique, so that a heap of another making gives the same
order.
"""

from typing import Any

from simsticky.sim.plane.fields import (
    COPY_CONTAINER,
    COPY_NEXT,
    MOVES,
    ROWS,
)

LONG_AGO = float("-inf")


def first(sends: Any) -> tuple[float, int, int]:
    """Return the next entry of the queue of sends."""
    return sends[0][0], sends[1][0], sends[2][0]


def sends_sink(sends: Any, at_s: float, number: int, place: int) -> None:
    """Let a send sink from the top of the heap."""
    times, numbers, places, size = sends
    n = size[0]
    at = 0
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


def put(sends: Any, entry: tuple[float, int, int]) -> None:
    """Add an entry to the queue of sends; there is room."""
    at_s, number, place = entry
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


def put_back(sends: Any, entry: tuple[float, int, int]) -> None:
    """Replace the next send by a later one."""
    sends_sink(sends, entry[0], entry[1], entry[2])


def drop(sends: Any) -> None:
    """Remove the next send."""
    times, numbers, places, size = sends
    n = size[0] - 1
    size[0] = n
    if n > 0:
        sends_sink(sends, times[n], numbers[n], places[n])


def slots_of(slots: Any, container: int) -> tuple[Any, int, int]:
    """Return the slots of a container: the array, and its first and last of them."""
    ends, each = slots
    return ends, container * each[0], each[0]


def first_free(slots: tuple[Any, int, int]) -> float:
    """Return when the first of them is free."""
    end_s: float = slots[0][slots[1]]
    return end_s


def occupy(slots: tuple[Any, int, int], until_s: float) -> None:
    """Let that slot be free later."""
    ends, base, n = slots
    at = 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and ends[base + child + 1] < ends[base + child]:
            child += 1
        if ends[base + child] >= until_s:
            break
        ends[base + at] = ends[base + child]
        at = child
    ends[base + at] = until_s


def first_end(ends: Any) -> tuple[float, int, int, int, int, int, int, int, float]:
    """Return the next end that is to be logged."""
    times, numbers, _ = ends
    return (
        times[0, 0],
        numbers[0, 0],
        numbers[1, 0],
        numbers[2, 0],
        numbers[3, 0],
        numbers[4, 0],
        numbers[5, 0],
        numbers[6, 0],
        times[1, 0],
    )


def end_before(ends: Any, a: int, at_s: float, session: int, request: int) -> bool:
    """Return whether the end at a place of the heap comes before another."""
    if ends[0][0, a] != at_s:
        return bool(ends[0][0, a] < at_s)
    if ends[1][0, a] != session:
        return bool(ends[1][0, a] < session)
    return bool(ends[1][1, a] < request)


def move_end(ends: Any, origin: int, target: int) -> None:
    """Copy an end from one place of the heap to another."""
    times, numbers, _ = ends
    times[0, target], times[1, target] = times[0, origin], times[1, origin]
    for field in range(7):
        numbers[field, target] = numbers[field, origin]


def put_end(ends: Any, entry: tuple[float, int, int, int, int, int, int, int, float]) -> None:
    """Add an end that is to be logged; there is room."""
    at_s, session, request, worker, balancer, ints, floats, target, took_s = entry
    times, numbers, size = ends
    at = size[0]
    size[0] = at + 1
    while at > 0:
        parent = (at - 1) >> 1
        if end_before(ends, parent, at_s, session, request):
            break
        move_end(ends, parent, at)
        at = parent
    times[0, at], times[1, at] = at_s, took_s
    numbers[0, at], numbers[1, at], numbers[2, at], numbers[3, at] = session, request, worker, balancer
    numbers[4, at], numbers[5, at], numbers[6, at] = ints, floats, target


def drop_end(ends: Any) -> None:
    """Remove the next end."""
    times, numbers, size = ends
    n = size[0] - 1
    size[0] = n
    if n == 0:
        return
    at_s, session, request = times[0, n], numbers[0, n], numbers[1, n]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and end_before(ends, child + 1, times[0, child], numbers[0, child], numbers[1, child]):
            child += 1
        if not end_before(ends, child, at_s, session, request):
            break
        move_end(ends, child, at)
        at = child
    move_end(ends, n, at)


def pack_row(
    session: int, request: int, sent_s: float, started_s: float, ended_s: float, container: int, code: float, left: int
) -> tuple[int, int, float, float, float, int, float, int]:
    """Return a row of the numbers of a request, and the container that its session has left with it, -1 for none."""
    return session, request, sent_s, started_s, ended_s, container, code, left


def write_row(rows: Any, row: tuple[int, int, float, float, float, int, float, int]) -> None:
    """Write a row; there is room."""
    table, own = rows
    at = own[ROWS]
    own[ROWS] = at + 1
    table[0, at] = row[0]
    table[1, at] = row[1]
    table[2, at] = row[2]
    table[3, at] = row[3]
    table[4, at] = row[4]
    table[5, at] = row[5]
    table[6, at] = row[6]
    table[7, at] = row[7]


def write_move(moves: Any, at_s: float, origin: int, target: int) -> None:
    """Write that a session leaves a container for another, each -1 for none; there is room."""
    table, own = moves
    at = own[MOVES]
    own[MOVES] = at + 1
    table[0, at] = at_s
    table[1, at] = origin
    table[2, at] = target


def copy_until(copies: Any, place: int, container: int) -> float:
    """Return until when a container keeps an older copy of a session's state (rule B3); long ago for none."""
    heads, cells, lives, _, _ = copies
    at = heads[place]
    while at >= 0:
        if cells[COPY_CONTAINER, at] == container:
            until_s: float = lives[at]
            return until_s
        at = cells[COPY_NEXT, at]
    return LONG_AGO


def keep_copy(copies: Any, place: int, container: int, until_s: float) -> None:
    """Let a container keep a copy of a session's state until a time (rule B3); there is a free cell."""
    heads, cells, lives, free, count = copies
    at = heads[place]
    while at >= 0:
        if cells[COPY_CONTAINER, at] == container:
            lives[at] = until_s
            return
        at = cells[COPY_NEXT, at]
    count[0] -= 1
    at = free[count[0]]
    cells[COPY_CONTAINER, at] = container
    cells[COPY_NEXT, at] = heads[place]
    lives[at] = until_s
    heads[place] = at


def forget_copies(copies: Any, place: int) -> None:
    """Forget all older copies of a session's state."""
    heads, cells, _, free, count = copies
    at = heads[place]
    while at >= 0:
        free[count[0]] = at
        count[0] += 1
        at = cells[COPY_NEXT, at]
    heads[place] = -1


def swap_copies(copies: Any, place: int, left: int, container: int, until_s: float) -> float:
    """Let the container that a session leaves keep a copy until a time; say until when the next one keeps one."""
    keep_copy(copies, place, left, until_s)
    return copy_until(copies, place, container)
