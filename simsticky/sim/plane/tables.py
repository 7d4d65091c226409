"""Columns of numbers: lists, or arrays that Python sees one number at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from simsticky.kong.cells import seen


class Group(list[Any]):
    """Columns of one type and one length, each as Python reads and writes it.

    A list, so that no call of Python's stands between a field and its column.

    Attributes:
        raw: As the rules take them: a list of lists, or an array of two dimensions.
        length: How many places each has.
    """

    def __init__(self, fields: int, zero: float, *, arrays: bool, length: int = 0) -> None:
        super().__init__()
        self._zero = zero
        self._arrays = arrays
        self.length = length
        self.raw: Any = [[zero] * length for _ in range(fields)]
        if arrays:
            self.raw = tuple(np.full(length, zero) for _ in range(fields))
        self._look()

    def grow(self, length: int) -> None:
        """Have at least so many places."""
        if length <= self.length:
            return
        if self._arrays:
            length = max(length, 2 * self.length)
            more = np.full(length - self.length, self._zero)
            self.raw = tuple(np.concatenate([column, more]) for column in self.raw)
        else:
            for column in self.raw:
                column += [self._zero] * (length - self.length)
        self.length = length
        self._look()

    def take(self, field: int, places: Any) -> Any:
        """Return the numbers of some places of a column, as an array of floats."""
        if self._arrays:
            return self.raw[field][places].astype(np.float64)
        column = self.raw[field]
        return np.fromiter(map(column.__getitem__, places), np.float64, len(places))

    def add(self, field: int, places: Any, numbers: Any) -> None:
        """Add to the numbers of some places of a column; both are arrays, and no place comes twice."""
        column = self.raw[field]
        if self._arrays:
            column[places] += numbers
            return
        for place, number in zip(places.tolist(), numbers.tolist(), strict=True):
            column[place] += number

    def copy(self) -> Group:
        """Return columns with the same content."""
        other = Group(0, self._zero, arrays=self._arrays)
        columns = [column.copy() for column in self.raw]
        other.raw = tuple(columns) if self._arrays else columns
        other.length = self.length
        other._look()
        return other

    def _look(self) -> None:
        self[:] = map(seen, self.raw) if self._arrays else self.raw


class Column:
    """One column.

    Attributes:
        raw: As the rules take it: a list or an array.
        cells: As Python reads and writes it.
    """

    def __init__(self, zero: float, *, arrays: bool, length: int = 0) -> None:
        self._zero = zero
        self._arrays = arrays
        self.raw: Any = np.full(length, zero) if arrays else [zero] * length
        self.cells: Any = seen(self.raw) if arrays else self.raw

    def __len__(self) -> int:
        """Return how many places it has."""
        return len(self.raw)

    def grow(self, length: int) -> None:
        """Have at least so many places."""
        if length <= len(self.raw):
            return
        if self._arrays:
            more = np.full(max(length, 2 * len(self.raw)), self._zero)
            more[: len(self.raw)] = self.raw
            self.raw, self.cells = more, seen(more)
        else:
            self.raw += [self._zero] * (length - len(self.raw))

    def copy(self) -> Column:
        """Return a column with the same content."""
        other = Column(self._zero, arrays=self._arrays)
        other.raw = self.raw.copy()
        other.cells = seen(other.raw) if self._arrays else other.raw
        return other

    def put(self, first: int, values: Any) -> None:
        """Have these values from a place on, and room for them."""
        self.grow(first + len(values))
        self.raw[first : first + len(values)] = values

    def gather(self, places: Any) -> None:
        """Have only what is at some places, an array, in their order, from the first place on."""
        if self._arrays:
            self.put(0, self.raw.take(places))
        else:
            self.raw[:] = map(self.raw.__getitem__, places.tolist())
