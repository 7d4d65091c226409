"""The same as ``queues.py`` on arrays, to be compiled: queues and slots are tournaments.

A tournament is a tree in an array: its leaves hold times, its root is node 1, the children of node n are 2 n and
2 n + 1, and each node holds the earlier time of its two children, and whose leaf that is. Where a leaf changes, what is
played anew are the matches from there to the top. Who wins is an index, and no branch: nobody can foresee it, and a
branch that was foreseen wrongly costs as much as several matches.

The queue of sends has a leaf for each place, that of ends one for each cell, in which the numbers of an end stay, and
each container has one for each slot. A leaf of nobody never comes. Of equal times the smaller number wins; numbers are
unique, so this is the order of a heap of tuples. Copies are in blocks of a few cells: the first block of each place;
container (-1 for none) and time of each cell; the next block of each; blocks that are free, and how many; and where
what was sought was found. Rows and moves are columns of tables, with the plane's own numbers, which count them.
"""

from typing import Any, Final

from simsticky.sim.plane.fields import (
    MOVES,
    RETIRED,
    ROWS,
)

LONG_AGO = float("-inf")
NEVER = float("inf")
COPIES: Final = 4
"""Cells of a block of copies."""
LINE: Final = 8
"""Numbers that a processor reads from memory at once."""
LINES_AHEAD: Final = 8
"""So many lines of draws are read ahead at most: what is further off would be gone from the cache by then."""
REQUEST_BITS: Final = 31
"""So many bits of the number of an end are its request's, all others its session's."""


def winner_of(tree: Any, base: int, node: int, at_s: float) -> int:
    """Return which of a node, whose time this is, and its neighbour is to rise."""
    times, leaf_of, numbers = tree
    other = node ^ 1
    other_s = times[base + other]
    if other_s == at_s and numbers[leaf_of[base + other]] < numbers[leaf_of[base + node]]:
        return other
    return node ^ int(other_s < at_s)


def settle(tree: Any, base: int, node: int, at_s: float) -> None:
    """Let a leaf have a time, and play the matches from there to the top.

    Args:
        tree: Times and leaves by node, and numbers by leaf.
        base: Where its node 0 is among them.
        node: The leaf's.
        at_s: The time.
    """
    times, leaf_of, _ = tree
    times[base + node] = at_s
    while node > 1:
        leaf = leaf_of[base + winner_of(tree, base, node, at_s)]
        at_s = min(times[base + (node ^ 1)], at_s)
        node >>= 1
        times[base + node], leaf_of[base + node] = at_s, leaf


def settle_all(tree: Any, base: int, leaves: int) -> None:
    """Play all matches of a tournament whose leaves have other times: of so many, a power of two."""
    times, leaf_of, _ = tree
    for leaf in range(leaves):
        leaf_of[base + leaves + leaf] = leaf
    for node in range(leaves - 1, 0, -1):
        best = base + winner_of(tree, base, 2 * node, times[base + 2 * node])
        times[base + node], leaf_of[base + node] = times[best], leaf_of[best]


def first(sends: Any) -> tuple[float, int, int]:
    """Return the next entry of the queue of sends."""
    times, places, numbers, _ = sends
    place = places[1]
    return times[1], numbers[place], place


def put(sends: Any, entry: tuple[float, int, int]) -> None:
    """Add an entry to the queue of sends, in which its place has none."""
    at_s, number, place = entry
    times, places, numbers, leaves = sends
    numbers[place] = number
    settle((times, places, numbers), 0, leaves[0] + place, at_s)


def put_back(sends: Any, entry: tuple[float, int, int]) -> None:
    """Replace the next send by a later one of the same place."""
    put(sends, entry)


def drop(sends: Any) -> None:
    """Remove the next send."""
    times, places, numbers, leaves = sends
    settle((times, places, numbers), 0, leaves[0] + places[1], NEVER)


def slots_of(slots: Any, container: int) -> tuple[Any, int, int]:
    """Return the slots of a container: the tournaments, where its own begins, and its leaves."""
    ends, slot_of, numbers, leaves = slots
    return (ends, slot_of, numbers), container * 2 * leaves[0], leaves[0]


def first_free(slots: tuple[Any, int, int]) -> float:
    """Return when the first of them is free."""
    tree, base, _ = slots
    end_s: float = tree[0][base + 1]
    return end_s


def occupy(slots: tuple[Any, int, int], until_s: float) -> None:
    """Let that slot be free later."""
    tree, base, leaves = slots
    settle(tree, base, leaves + tree[1][base + 1], until_s)


def first_end(ends: Any) -> tuple[float, int, int, int, int, int, float]:
    """Return the next end that is to be logged."""
    times, cells, _, _, numbers, took, _, _ = ends
    at = cells[1]
    return (
        times[1],
        numbers[0, at],
        numbers[1, at],
        numbers[2, at],
        numbers[3, at],
        numbers[4, at],
        took[at],
    )


def put_end(ends: Any, entry: tuple[float, int, int, int, int, int, float]) -> None:
    """Add an end that is to be logged; there is room."""
    at_s, session, request, worker, balancer, target, took_s = entry
    times, cells, keys, leaves, numbers, took, free, count = ends
    count[0] -= 1
    at = free[count[0]]
    if at >= leaves[0]:
        widen((times, cells, keys), leaves, at)
    numbers[0, at], numbers[1, at], numbers[2, at], numbers[3, at] = session, request, worker, balancer
    numbers[4, at], took[at] = target, took_s
    keys[at] = (session << REQUEST_BITS) + request
    settle((times, cells, keys), 0, leaves[0] + at, at_s)


def widen(tree: Any, leaves: Any, leaf: int) -> None:
    """Let a tournament have that leaf; there is room."""
    times = tree[0]
    before = after = leaves[0]
    while after <= leaf:
        after *= 2
    for at in range(before):
        times[after + at] = times[before + at]
    for at in range(before, after):
        times[after + at] = NEVER
    leaves[0] = after
    settle_all(tree, 0, after)


def drop_end(ends: Any) -> None:
    """Remove the next end."""
    times, cells, keys, leaves, _, _, free, count = ends
    at = cells[1]
    settle((times, cells, keys), 0, leaves[0] + at, NEVER)
    free[count[0]] = at
    count[0] += 1


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


def read_ahead(demands: Any, gaps: Any, begin: int, end: int) -> int:
    """Read draws that will be used, each with its neighbours in memory; return how many.

    A processor waits for all of them at once, and would later wait for each. The number is there only because a read of
    which nothing comes would be left out.
    """
    found = 0
    for at in range(begin, min(end, begin + LINE * LINES_AHEAD), LINE):
        found += int(demands[at] >= 0.0) + int(gaps[at] >= 0.0)
    return found


def write_move(moves: Any, at_s: float, origin: int, target: int) -> None:
    """Write that a session leaves a container for another, each -1 for none; there is room."""
    table, own = moves
    at = own[MOVES]
    own[MOVES] = at + 1
    table[0, at] = at_s
    table[1, at] = origin
    table[2, at] = target


def write_retired(
    retired: Any, row: tuple[int, float, float, float, int, int, int, int, int, float, float, int, int]
) -> None:
    """Write what a session was that is over; there is room."""
    table, own = retired
    at = own[RETIRED]
    table[0, at], table[1, at], table[2, at], table[3, at], table[4, at] = row[0], row[1], row[2], row[3], row[4]
    table[5, at], table[6, at], table[7, at], table[8, at] = row[5], row[6], row[7], row[8]
    table[9, at], table[10, at], table[11, at], table[12, at] = row[9], row[10], row[11], row[12]


def forget_copies(copies: Any, place: int) -> None:
    """Forget all older copies of a session's state."""
    heads, containers, _, nexts, free, count, _ = copies
    block = heads[place]
    while block >= 0:
        for at in range(COPIES * block, COPIES * (block + 1)):
            containers[at] = -1
        free[count[0]] = block
        count[0] += 1
        block = nexts[block]
    heads[place] = -1


def add_block(copies: Any, place: int) -> int:
    """Have room for more copies of a session's state; return the first cell. There is a free block."""
    heads, _, _, nexts, free, count, _ = copies
    count[0] -= 1
    block = free[count[0]]
    nexts[block] = heads[place]
    heads[place] = block
    first_cell: int = COPIES * block
    return first_cell


def swap_copies(copies: Any, place: int, left: int, container: int, until_s: float) -> float:
    """Let the container that a session leaves keep a copy until a time (rule B3); say until when the next keeps one."""
    heads, containers, lives, nexts, _, _, found = copies
    found[1] = found[3] = found[5] = -1
    block = heads[place]
    while block >= 0:
        for at in range(COPIES * block, COPIES * (block + 1)):
            # No branches: whose copy comes when cannot be foreseen.
            of = containers[at]
            found[int(of == container)] = at
            found[2 + int(of == left)] = at
            found[4 + int(of < 0)] = at
        block = nexts[block]
    kept, own, empty = found[1], found[3], found[5]
    kept_s = lives[kept] if kept >= 0 else LONG_AGO
    if own < 0:
        own = empty if empty >= 0 else add_block(copies, place)
        containers[own] = left
    lives[own] = until_s
    return kept_s
