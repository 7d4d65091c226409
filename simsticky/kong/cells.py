"""Where balancers keep their numbers: regions of three flat stores.

Tables hold integers: wheels, rings and maps. Records have as many links, integers, as scores, floats, and the same
first cell in both stores. The rules over them (``kong/picks.py``) are plain functions of stores and first cells, which
is what can be compiled. A store is a list, or an array seen through a memoryview: both are read and written one cell at
a time.
"""

from collections.abc import MutableSequence
from typing import Any
from weakref import WeakValueDictionary, finalize

import numpy as np

Integers = MutableSequence[int]
Floats = MutableSequence[float]

_FIRST_CELLS = 1 << 10


class Numbers(dict[str, int]):
    """Numbers by name, of addresses and whatever else a cookie may name; a name not met before gets a new one.

    Attributes:
        names: The names by number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __missing__(self, name: str) -> int:
        """Return the number of a name that has none yet."""
        number = self[name] = len(self.names)
        self.names.append(name)
        return number


def seen(array: Any) -> Any:
    """Return a row of an array as Python reads and writes it: every number is Python's own."""
    return memoryview(array)


class _Store:
    """Cells of one type, handed out in regions whose sizes are powers of two; those handed back are used again."""

    def __init__(self, zero: Any, *, arrays: bool) -> None:
        self._zero = zero
        self._arrays = arrays
        self._used = 0
        self._free: dict[int, list[int]] = {}
        self.raw: Any = np.zeros(_FIRST_CELLS, type(zero)) if arrays else []
        self.cells: Any = seen(self.raw) if arrays else self.raw

    def take(self, size: int) -> int:
        """Return the first cell of a region of at least so many cells, whatever they hold."""
        room = 1 << max(0, size - 1).bit_length()
        free = self._free.get(room)
        if free:
            return free.pop()
        first, self._used = self._used, self._used + room
        if not self._arrays:
            self.raw += [self._zero] * room
        elif self._used > len(self.raw):
            more = np.zeros(max(2 * len(self.raw), self._used), self.raw.dtype)
            more[: len(self.raw)] = self.raw
            self.raw, self.cells = more, seen(more)
        return first

    def copy(self) -> "_Store":
        """Return a store with the same content, which hands out nothing."""
        other = _Store(self._zero, arrays=self._arrays)
        other.raw = self.raw.copy()
        other.cells = seen(other.raw) if self._arrays else other.raw
        return other

    def give_back(self, first: int, size: int) -> None:
        """Take a region back."""
        self._free.setdefault(1 << max(0, size - 1).bit_length(), []).append(first)


class Cells:
    """The stores, and the numbers of the names in them.

    Args:
        arrays: Whether the stores are NumPy arrays, for compiled rules; otherwise lists.

    Attributes:
        numbers: The numbers of names.
        shared: What several balancers may share, by what it is made of, for as long as one of them has it.
        tables: The integers of tables, as Python reads them; another object after a region has been taken.
        links: The integers of records, likewise.
        scores: The floats of records, likewise.
    """

    tables: Integers
    links: Integers
    scores: Floats

    def __init__(self, *, arrays: bool = False) -> None:
        self.numbers = Numbers()
        self.shared: WeakValueDictionary[Any, Any] = WeakValueDictionary()
        self._tables = _Store(0, arrays=arrays)
        self._links = _Store(0, arrays=arrays)
        self._scores = _Store(0.0, arrays=arrays)
        self._look()

    def _look(self) -> None:
        """Look where the stores are now: plain attributes, since every pick reads them."""
        self.tables, self.links, self.scores = self._tables.cells, self._links.cells, self._scores.cells

    def copy(self) -> "Cells":
        """Return cells with the same content, in which nothing new is kept."""
        other = Cells(arrays=False)
        other.numbers, other._tables = self.numbers, self._tables.copy()
        other._links, other._scores = self._links.copy(), self._scores.copy()
        other._look()
        return other

    @property
    def raw(self) -> tuple[Any, Any, Any]:
        """Tables, links and scores as the rules of the hot path take them: lists, or arrays."""
        return self._tables.raw, self._links.raw, self._scores.raw

    def table(self, owner: object, size: int) -> int:
        """Return the first cell of a table of so many, which is handed back when its owner is no more."""
        first = self._tables.take(size)
        self._look()
        finalize(owner, self._tables.give_back, first, size)
        return first

    def records(self, owner: object, size: int) -> int:
        """Return the first of so many cells for records, which are handed back when their owner is no more."""
        first = self._links.take(size)
        self._scores.take(size)  # the same cells: both stores hand out and take back the same
        self._look()
        finalize(owner, self._give_back, first, size)
        return first

    def put(self, first: int, numbers: Any) -> None:
        """Write an array of integers into consecutive cells of a table."""
        raw = self._tables.raw
        raw[first : first + len(numbers)] = numbers.tolist() if isinstance(raw, list) else numbers

    def _give_back(self, first: int, size: int) -> None:
        self._links.give_back(first, size)
        self._scores.give_back(first, size)
