"""The plane's queues and slots as Python handles them: on lists, or on the arrays of compiled code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from heapq import heapify
from typing import Any, NamedTuple, Protocol

import numpy as np

from simsticky.kong.cells import seen
from simsticky.sim.plane.queues_compiled import LAST_NUMBER, SPARE, first_free, slots_of


class Columns(Protocol):
    """Whose queues they are."""

    @property
    def run(self) -> Any:
        """The engine's functions."""

    def changed(self) -> None:
        """A queue is another object now."""


INFINITY = float("inf")
_FIRST_ENTRIES = 256


class End(NamedTuple):
    """A request that is to be logged at its end.

    Attributes:
        at_s: When that is.
        session: Its session's number, request: its own.
        worker: Who carries it.
        balancer: The number of the balancer that has picked its target.
        ints, floats: Where that keeps its numbers.
        target: By which it knows the target.
        took_s: The response time that is averaged.
    """

    at_s: float
    session: int
    request: int
    worker: int
    balancer: int
    ints: int
    floats: int
    target: int
    took_s: float


_NO_END = (INFINITY, 0, 0, 0, 0, 0, 0, 0, 0.0)
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
        """Return when each slot of a container is free, as a heap."""
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
        self.sends: Any = ()
        self.slots: Any = (np.zeros(0), np.ones(1, np.int64))
        self._set_sends(np.array([INFINITY]), np.array([0]), np.array([-1]), _FIRST_ENTRIES)
        self.ends: Any = _ends(_FIRST_ENTRIES)
        self.set_ends(())
        none = np.zeros(0, np.int64)
        self.copies: Any = (none, np.zeros((2, 0), np.int64), np.zeros(0), none, np.zeros(1, np.int64))

    def copy(self, columns: Columns) -> ArrayQueues:
        """Return queues with the same content, of other columns."""
        other = ArrayQueues(columns)
        copied = (tuple(column.copy() for column in queue) for queue in (self.sends, self.ends, self.copies))
        other.sends, other.ends, other.copies = copied
        other.slots = self.slots[0].copy(), self.slots[1].copy()
        other._look()
        return other

    def _set_sends(self, times: Any, numbers: Any, places: Any, room: int) -> None:
        """Have these sends, in order, in arrays of so much room, and behind them some that never come."""
        order = np.lexsort((numbers, times))
        columns = [np.full(room, INFINITY), np.full(room, LAST_NUMBER), np.full(room, -1)]
        for column, values in zip(columns, (times, numbers, places), strict=True):
            column[: len(order)] = values[order]
        self.sends = (*columns, np.array([len(order)]))
        self._look()
        self._columns.changed()

    def _look(self) -> None:
        """See the sends and the slots as Python reads them; they are other objects now."""
        times, _, places, number = self.sends
        self._next, self._next_place, self._number = seen(times), seen(places), seen(number)
        self._ends, self._concurrency = seen(self.slots[0]), int(self.slots[1][0])

    @property
    def next_s(self) -> float:
        """When the next send is due; inf if none is."""
        at_s: float = self._next[0]
        return at_s

    def next_send(self) -> tuple[float, int]:
        """Return when the next send is due, and of which place; inf and -1 if none is."""
        return self._next[0], self._next_place[0]

    def have_room(self, sends: int) -> None:
        """Have room for so many sends."""
        if sends + 2 + SPARE > len(self._next):
            times, numbers, places, _ = self.sends
            n = self._number[0]
            self._set_sends(times[:n], numbers[:n], places[:n], 2 * (sends + 2 + SPARE))

    def _grow_ends(self, room: int) -> None:
        before = len(self.ends[0])
        wider = _ends(room)
        for column, kept in zip(wider, self.ends, strict=True):
            column[..., : kept.shape[-1]] = kept
        wider[1][before:] = np.arange(before, room)
        self.ends = wider
        self._columns.changed()

    def have_places(self, places: int) -> None:
        """Have room for copies of the states of so many sessions."""
        heads, *others = self.copies
        self.copies = (np.concatenate([heads, np.full(places - len(heads), -1)]), *others)
        self._columns.changed()

    def have_ends(self, number: int) -> None:
        """Have room for so many ends more."""
        room = int(self.ends[-1][0]) + number
        if room > len(self.ends[0]):
            self._grow_ends(2 * room)

    def have_copies(self, number: int = 1) -> None:
        """Have room for so many copies more."""
        heads, cells, lives, free, count = self.copies
        if count[0] >= number:
            return
        before, left, kept = len(lives), int(count[0]), free
        room = before + max(number, before)
        cells = np.concatenate([cells, np.full((2, room - before), -1)], axis=1)
        lives = np.concatenate([lives, np.zeros(room - before)])
        free = np.zeros(room, np.int64)
        free[:left] = kept[:left]
        free[left : left + room - before] = np.arange(room - 1, before - 1, -1)
        self.copies = heads, cells, lives, free, np.array([left + room - before])
        self._columns.changed()

    def put(self, send: tuple[float, int, int]) -> None:
        """Add a send: time, number and place."""
        self.have_room(self._number[0])
        self._run.put(self.sends, send)

    def drop_first(self) -> None:
        """Remove the first send: it is being made."""
        self._run.drop(self.sends)

    def withdraw(self, places: Collection[int]) -> None:
        """Remove the sends of some places, if they have any."""
        n = int(self.sends[3][0])
        left = np.flatnonzero(~np.isin(self.sends[2][:n], list(places)))
        if len(left) < n:
            times, numbers, of, _ = self.sends
            self._set_sends(times[left], numbers[left], of[left], len(times))

    # Ends ---------------------------------------------------------------------------------------------------------

    def put_end(self, end: End) -> None:
        """Add an end that is to be logged."""
        self.have_ends(1)
        self._run.put_end(self.ends, tuple(end))

    def open_ends(self) -> Iterator[End]:
        """Iterate over the ends that are to be logged, in any order."""
        times, cells, numbers, took, size = self.ends
        n = int(size[0])
        numbers_of, took_of = numbers[:, cells[:n]].T.tolist(), took[cells[:n]].tolist()
        return (
            End._make((at_s, *each, took_s))
            for at_s, each, took_s in zip(times[:n].tolist(), numbers_of, took_of, strict=True)
            if at_s < INFINITY
        )

    def set_ends(self, ends: Iterable[End]) -> None:
        """Have these ends, and no others."""
        kept = sorted([*ends, End._make(_NO_END)])
        times, cells, numbers, took, size = self.ends
        cells[:] = np.arange(len(cells))
        for at, end in enumerate(kept):
            times[at], numbers[:, at], took[at] = end.at_s, end[1:8], end.took_s
        size[0] = len(kept)

    # Slots --------------------------------------------------------------------------------------------------------

    def add_slots(self, free_from_s: float, concurrency: int) -> int:
        """Have one container more; return its place."""
        ends = np.concatenate([self.slots[0], np.full(concurrency, free_from_s), np.full(SPARE, INFINITY)])
        self.slots = ends, np.array([concurrency])
        self._look()
        self._columns.changed()
        return len(ends) // (concurrency + SPARE) - 1

    def _slots(self, container: int) -> Any:
        ends, first, number = slots_of((self.slots[0], (self._concurrency,)), container)
        return ends[first : first + number]

    def slots_of(self, container: int) -> list[float]:
        """Return when each slot of a container is free, as a heap."""
        ends_s: list[float] = self._slots(container).tolist()
        return ends_s

    def set_slots(self, container: int, ends_s: Iterable[float]) -> None:
        """Let each slot of a container be free at another time."""
        self._slots(container)[:] = sorted(ends_s)

    def earliest(self, container: int) -> float:
        """Return when the first slot of a container is free."""
        return first_free(slots_of((self._ends, (self._concurrency,)), container))

    def occupy(self, container: int, until_s: float) -> None:
        """Let the slot that is free first be free later."""
        self._run.occupy(slots_of((self.slots[0], (self._concurrency,)), container), until_s)


def _ends(room: int) -> tuple[Any, ...]:
    """Return a queue of ends with room for so many, in which there are none."""
    return np.zeros(room), np.arange(room), np.zeros((7, room), np.int64), np.zeros(room), np.zeros(1, np.int64)
