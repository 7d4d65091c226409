"""The same as ``queues.py`` on arrays, to be compiled: queues are heaps in columns.

In the heap of sends and in those of slots an entry has four children. That makes half as many levels, each of which
costs as much: one cache line. Behind the last entry there are :data:`SPARE` that never come, so that there are always
four to look at.

The queue of sends is three arrays and its size. That of ends is a heap of times and cells; the numbers of an end stay
in its cell, and the cells behind the last are free. Containers' slots are one array, with how many each has. Copies are
lists in cells: the first cell of each place's list; container and next cell; until when; cells that are free, and how
many. Rows and moves are columns of tables, with the plane's own numbers, which count them. Times and numbers are
unique, so that a heap of another making gives the same order.
"""

from typing import Any, Final

from simsticky.sim.plane.fields import (
    COPY_CONTAINER,
    COPY_NEXT,
    MOVES,
    ROWS,
)

LONG_AGO = float("-inf")
NEVER = float("inf")
SPARE: Final = 3
LAST_NUMBER: Final = 1 << 62
"""Comes after every number of a send."""


def first(sends: Any) -> tuple[float, int, int]:
    """Return the next entry of the queue of sends."""
    return sends[0][0], sends[1][0], sends[2][0]


def earlier(times: Any, numbers: Any, one: int, other: int) -> int:
    """Return which of two places of the heap of sends has the earlier entry."""
    if times[other] == times[one]:
        return other if numbers[other] < numbers[one] else one
    return other if times[other] < times[one] else one


def sends_sink(sends: Any, at_s: float, number: int, place: int) -> None:
    """Let a send sink from the top of the heap."""
    times, numbers, places, size = sends
    n = size[0]
    at = 0
    while 4 * at + 1 < n:
        child = 4 * at + 1
        left = earlier(times, numbers, child, child + 1)
        right = earlier(times, numbers, child + 2, child + 3)
        child = earlier(times, numbers, left, right)
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
        parent = (at - 1) >> 2
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
    at_s, number, place = times[n], numbers[n], places[n]
    times[n], numbers[n] = NEVER, LAST_NUMBER
    if n > 0:
        sends_sink(sends, at_s, number, place)


def slots_of(slots: Any, container: int) -> tuple[Any, int, int]:
    """Return the slots of a container: the array, and its first and how many of them are its own."""
    ends, each = slots
    return ends, container * (each[0] + SPARE), each[0]


def first_free(slots: tuple[Any, int, int]) -> float:
    """Return when the first of them is free."""
    end_s: float = slots[0][slots[1]]
    return end_s


def occupy(slots: tuple[Any, int, int], until_s: float) -> None:
    """Let that slot be free later."""
    ends, base, n = slots
    at = 0
    while 4 * at + 1 < n:
        child = 4 * at + 1
        four = base + child
        left = 1 if ends[four + 1] < ends[four] else 0
        right = 3 if ends[four + 3] < ends[four + 2] else 2
        child += right if ends[four + right] < ends[four + left] else left
        if ends[base + child] >= until_s:
            break
        ends[base + at] = ends[base + child]
        at = child
    ends[base + at] = until_s


def first_end(ends: Any) -> tuple[float, int, int, int, int, int, int, int, float]:
    """Return the next end that is to be logged."""
    times, cells, numbers, took, _ = ends
    at = cells[0]
    return (
        times[0],
        numbers[0, at],
        numbers[1, at],
        numbers[2, at],
        numbers[3, at],
        numbers[4, at],
        numbers[5, at],
        numbers[6, at],
        took[at],
    )


def end_before(ends: Any, place: int, at_s: float, session: int, request: int) -> bool:
    """Return whether the end at a place of the heap comes before another."""
    times, cells, numbers, _, _ = ends
    if times[place] != at_s:
        return bool(times[place] < at_s)
    at = cells[place]
    if numbers[0, at] != session:
        return bool(numbers[0, at] < session)
    return bool(numbers[1, at] < request)


def put_end(ends: Any, entry: tuple[float, int, int, int, int, int, int, int, float]) -> None:
    """Add an end that is to be logged; there is room."""
    at_s, session, request, worker, balancer, ints, floats, target, took_s = entry
    times, cells, numbers, took, size = ends
    place = size[0]
    size[0] = place + 1
    at = cells[place]
    numbers[0, at], numbers[1, at], numbers[2, at], numbers[3, at] = session, request, worker, balancer
    numbers[4, at], numbers[5, at], numbers[6, at], took[at] = ints, floats, target, took_s
    while place > 0:
        parent = (place - 1) >> 1
        if end_before(ends, parent, at_s, session, request):
            break
        times[place], cells[place] = times[parent], cells[parent]
        place = parent
    times[place], cells[place] = at_s, at


def drop_end(ends: Any) -> None:
    """Remove the next end."""
    times, cells, numbers, _, size = ends
    n = size[0] - 1
    size[0] = n
    at_s, at, free = times[n], cells[n], cells[0]
    session, request = numbers[0, at], numbers[1, at]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= n:
            break
        one = cells[child]
        if child + 1 < n and end_before(ends, child + 1, times[child], numbers[0, one], numbers[1, one]):
            child += 1
        if not end_before(ends, child, at_s, session, request):
            break
        times[place], cells[place] = times[child], cells[child]
        place = child
    times[place], cells[place] = at_s, at
    cells[n] = free


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
    """Let the container that a session leaves keep a copy until a time; say until when the next, another, keeps one."""
    heads, cells, lives, _, _ = copies
    kept_s, own, at = LONG_AGO, -1, heads[place]
    while at >= 0:
        # No branches: whose copy comes when cannot be foreseen.
        of, life_s = cells[COPY_CONTAINER, at], lives[at]
        kept_s = life_s if of == container else kept_s
        own = at if of == left else own
        at = cells[COPY_NEXT, at]
    if own < 0:
        keep_copy(copies, place, left, until_s)
    else:
        lives[own] = until_s
    return kept_s
