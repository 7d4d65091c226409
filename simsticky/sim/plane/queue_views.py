"""The plane's queues and slots as Python handles them: on lists, or on the arrays of compiled code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from heapq import heapify
from typing import Any, NamedTuple, Protocol

import numpy as np

from simsticky.kong.cells import seen
from simsticky.sim.plane.queues_compiled import COPIES, first_free, slots_of


class Columns(Protocol):
    """Whose queues they are."""

    @property
    def run(self) -> Any:
        """The engine's functions."""

    def changed(self) -> None:
        """A queue is another object now."""


INFINITY = float("inf")
_FEW_ENDS = 16
"""Leaves of the ends at first: those of the requests in flight, most often."""
_FIRST_ENDS = 256


class End(NamedTuple):
    """A request that is to be logged at its end.

    Attributes:
        at_s: When that is.
        session: Its session's number, request: its own.
        worker: Who carries it.
        balancer: The number of the balancer that has picked its target.
        target: By which that knows the target: its first cell.
        took_s: The response time that is averaged.
    """

    at_s: float
    session: int
    request: int
    worker: int
    balancer: int
    target: int
    took_s: float


_NO_END = (INFINITY, 0, 0, 0, 0, 0, 0.0)
"""The end that never comes."""


class ListQueues:
    """Queues on Python's own containers (``queues.py``).

    Attributes:
        sends: Queue of sends; ends: of ends to be logged; slots: of each container's slots.
        copies: Of each place the older copies of its session's state, by container.
    """

    def __init__(self, columns: Columns) -> None:
        self._run = columns.run
        self.sends: list[tuple[float, int, int]] = [(INFINITY, 0, -1)]
        self.ends: list[tuple[float, ...]] = [_NO_END]
        self.slots: list[list[float]] = []
        self.copies: list[dict[int, float]] = []

    def copy(self, columns: Columns) -> ListQueues:
        """Return queues with the same content, of other columns."""
        other = ListQueues(columns)
        other.sends, other.ends = self.sends.copy(), self.ends.copy()
        other.slots = [slots.copy() for slots in self.slots]
        other.copies = [copies.copy() for copies in self.copies]
        return other

    @property
    def next_s(self) -> float:
        """When the next send is due; inf if none is."""
        return self.sends[0][0]

    def next_send(self) -> tuple[float, int]:
        """Return when the next send is due, and of which place; inf and -1 if none is."""
        at_s, _, place = self.sends[0]
        return at_s, place

    def have_room(self, sends: int) -> None:
        """Have room for so many sends: there is."""

    def have_places(self, places: int) -> None:
        """Have room for copies of the states of so many sessions."""
        self.copies += [{} for _ in range(places - len(self.copies))]

    def have_copies(self, number: int = 1) -> None:
        """Have room for so many copies more: there is."""

    def have_ends(self, number: int) -> None:
        """Have room for so many ends more: there is."""

    def put(self, send: tuple[float, int, int]) -> None:
        """Add a send: time, number and place."""
        self._run.put(self.sends, send)

    def drop_first(self) -> None:
        """Remove the first send: it is being made."""
        self._run.drop(self.sends)

    def withdraw(self, places: Collection[int]) -> None:
        """Remove the sends of some places, if they have any."""
        left = [entry for entry in self.sends if entry[2] not in places]
        if len(left) < len(self.sends):
            self.sends[:] = left
            heapify(self.sends)

    # Ends ---------------------------------------------------------------------------------------------------------

    def put_end(self, end: End) -> None:
        """Add an end that is to be logged."""
        self._run.put_end(self.ends, tuple(end))

    def open_ends(self) -> Iterator[End]:
        """Iterate over the ends that are to be logged, in any order."""
        return (End._make(entry) for entry in self.ends if entry != _NO_END)

    def set_ends(self, ends: Iterable[End]) -> None:
        """Have these ends, and no others."""
        self.ends[:] = sorted([*(tuple(end) for end in ends), _NO_END])

    # Slots --------------------------------------------------------------------------------------------------------

    def add_slots(self, free_from_s: float, concurrency: int) -> int:
        """Have one container more; return its place."""
        self.slots.append([free_from_s] * concurrency)
        return len(self.slots) - 1

    def slots_of(self, container: int) -> list[float]:
        """Return when each slot of a container is free, in any order."""
        return self.slots[container]

    def set_slots(self, container: int, ends_s: Iterable[float]) -> None:
        """Let each slot of a container be free at another time."""
        self.slots[container] = sorted(ends_s)

    def earliest(self, container: int) -> float:
        """Return when the first slot of a container is free."""
        return self.slots[container][0]

    def occupy(self, container: int, until_s: float) -> None:
        """Let the slot that is free first be free later."""
        self._run.occupy(self.slots[container], until_s)


class ArrayQueues:
    """The same on arrays (``queues_compiled.py``)."""

    def __init__(self, columns: Columns) -> None:
        self._columns, self._run = columns, columns.run
        self.sends: Any = _sends(1)
        self.slots: Any = (np.zeros(0), np.zeros(0, np.int64), np.arange(1), np.ones(1, np.int64))
        self._concurrency = 1
        self.ends: Any = _ends(_FIRST_ENDS)
        heads, containers, nexts, free = (np.zeros(0, np.int64) for _ in range(4))
        self.copies: Any = heads, containers, np.zeros(0), nexts, free, np.zeros(1, np.int64), np.full(6, -1)
        self._look()

    def copy(self, columns: Columns) -> ArrayQueues:
        """Return queues with the same content, of other columns."""
        other = ArrayQueues(columns)
        for name in ("sends", "ends", "copies", "slots"):
            setattr(other, name, tuple(column.copy() for column in getattr(self, name)))
        other._concurrency = self._concurrency
        other._look()
        return other

    def _look(self) -> None:
        """See the sends and the slots as Python reads them; they are other objects now."""
        self._times, self._places = seen(self.sends[0]), seen(self.sends[1])
        self._ends = tuple(seen(column) for column in self.slots)

    @property
    def next_s(self) -> float:
        """When the next send is due; inf if none is."""
        at_s: float = self._times[1]
        return at_s

    def next_send(self) -> tuple[float, int]:
        """Return when the next send is due, and of which place; inf and -1 if none is."""
        at_s = self._times[1]
        return at_s, self._places[1] if at_s < INFINITY else -1

    def have_room(self, sends: int) -> None:
        """Have room for the sends of so many places."""
        times, _, numbers, leaves = self.sends
        before = int(leaves[0])
        if sends <= before:
            return
        self.sends = _sends(_power_of_two(sends))
        after = int(self.sends[3][0])
        self.sends[0][after : after + before] = times[before:]
        self.sends[2][:before] = numbers
        self._run.settle_all(self.sends[:3], 0, after)
        self._look()
        self._columns.changed()

    def _grow_ends(self, room: int) -> None:
        times, cells, keys, leaves, numbers, took, free, count = self.ends
        before, left = len(took), int(count[0])
        wider = _ends(room)
        for column, kept in zip(wider[:6], (times, cells, keys, leaves, numbers, took), strict=True):
            column[..., : kept.shape[-1]] = kept
        wider[6][: room - before] = np.arange(room - 1, before - 1, -1)
        wider[6][room - before : room - before + left] = free[:left]
        wider[7][0] = room - before + left
        self.ends = wider
        self._columns.changed()

    def have_places(self, places: int) -> None:
        """Have room for copies of the states of so many sessions."""
        heads, *others = self.copies
        self.copies = (np.concatenate([heads, np.full(places - len(heads), -1)]), *others)
        self._columns.changed()

    def have_ends(self, number: int) -> None:
        """Have room for so many ends more."""
        free = int(self.ends[7][0])
        if number > free:
            self._grow_ends(_power_of_two(len(self.ends[5]) - free + number))

    def have_copies(self, number: int = 1) -> None:
        """Have room for so many copies more, each in a block of its own; a place has one of a container at most."""
        heads, containers, lives, nexts, free, count, found = self.copies
        before, left = len(nexts), int(count[0])
        of_each_place = -(-len(self.slots[0]) // (2 * len(self.slots[2]) * COPIES))
        number = min(number, len(heads) * of_each_place - (before - left))
        if left >= number:
            return
        more = max(number, before)
        containers = np.concatenate([containers, np.full(COPIES * more, -1)])
        lives = np.concatenate([lives, np.zeros(COPIES * more)])
        nexts = np.concatenate([nexts, np.full(more, -1)])
        free = np.concatenate(
            [np.arange(before + more - 1, before - 1, -1), free[:left], np.zeros(before - left, np.int64)]
        )
        self.copies = heads, containers, lives, nexts, free, np.array([left + more]), found
        self._columns.changed()

    def put(self, send: tuple[float, int, int]) -> None:
        """Add a send: time, number and place."""
        self._run.put(self.sends, send)

    def drop_first(self) -> None:
        """Remove the first send: it is being made."""
        self._run.drop(self.sends)

    def withdraw(self, places: Collection[int]) -> None:
        """Remove the sends of some places, if they have any."""
        for place in places:
            self._run.put(self.sends, (INFINITY, 0, place))

    # Ends ---------------------------------------------------------------------------------------------------------

    def put_end(self, end: End) -> None:
        """Add an end that is to be logged."""
        self.have_ends(1)
        self._run.put_end(self.ends, tuple(end))

    def open_ends(self) -> Iterator[End]:
        """Iterate over the ends that are to be logged, in any order."""
        times, _, _, leaves, numbers, took, _, _ = self.ends
        of = times[leaves[0] : 2 * leaves[0]]
        cells = np.flatnonzero(of < INFINITY)
        each = zip(of[cells].tolist(), numbers[:, cells].T.tolist(), took[cells].tolist(), strict=True)
        return (End._make((at_s, *numbers, took_s)) for at_s, numbers, took_s in each)

    def set_ends(self, ends: Iterable[End]) -> None:
        """Have these ends, and no others."""
        kept = list(ends)
        times, cells, _, leaves, _, _, free, count = self.ends
        times[: 2 * leaves[0]] = INFINITY
        cells[_FEW_ENDS : 2 * _FEW_ENDS] = np.arange(_FEW_ENDS)
        free[:] = np.arange(len(free) - 1, -1, -1)
        leaves[0], count[0] = _FEW_ENDS, len(free)
        for end in kept:
            self.put_end(end)

    # Slots --------------------------------------------------------------------------------------------------------

    def add_slots(self, free_from_s: float, concurrency: int) -> int:
        """Have one container more; return its place."""
        leaves = _power_of_two(concurrency)
        times, slots, _, _ = self.slots
        number, self._concurrency = len(times) // (2 * leaves), concurrency
        self.slots = (
            np.concatenate([times, np.full(2 * leaves, INFINITY)]),
            np.concatenate([slots, np.zeros(2 * leaves, np.int64)]),
            *_counted(leaves),
        )
        self._look()
        self._columns.changed()
        self.set_slots(number, [free_from_s] * concurrency)
        return number

    def slots_of(self, container: int) -> list[float]:
        """Return when each slot of a container is free."""
        (times, _, _), base, leaves = slots_of(self.slots, container)
        ends_s: list[float] = times[base + leaves : base + leaves + self._concurrency].tolist()
        return ends_s

    def set_slots(self, container: int, ends_s: Iterable[float]) -> None:
        """Let each slot of a container be free at another time."""
        tree, base, leaves = slots_of(self.slots, container)
        tree[0][base + leaves : base + leaves + self._concurrency] = list(ends_s)
        self._run.settle_all(tree, base, leaves)

    def earliest(self, container: int) -> float:
        """Return when the first slot of a container is free."""
        return first_free(slots_of(self._ends, container))

    def occupy(self, container: int, until_s: float) -> None:
        """Let the slot that is free first be free later."""
        self._run.occupy(slots_of(self.slots, container), until_s)


def _power_of_two(least: int) -> int:
    """Return the smallest power of two that is not less."""
    return 1 << max(0, least - 1).bit_length()


def _sends(leaves: int) -> tuple[Any, ...]:
    """Return a queue of the sends of so many places, in which there are none."""
    return np.full(2 * leaves, INFINITY), np.zeros(2 * leaves, np.int64), *_counted(leaves)


def _ends(room: int) -> tuple[Any, ...]:
    """Return a queue of ends with room for so many, in which there are none."""
    times, cells = np.full(2 * room, INFINITY), np.zeros(2 * room, np.int64)
    cells[_FEW_ENDS : 2 * _FEW_ENDS] = np.arange(_FEW_ENDS)
    keys, free = np.zeros(room, np.int64), np.arange(room - 1, -1, -1)
    few = np.array([_FEW_ENDS])
    return times, cells, keys, few, np.zeros((5, room), np.int64), np.zeros(room), free, np.array([room])


def _counted(leaves: int) -> tuple[Any, Any]:
    """Return a number for each leaf, and how many they are."""
    return np.arange(leaves), np.array([leaves])
