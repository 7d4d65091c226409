"""What is kept of replications: their numbers, column by column, so that ten thousand of them are small."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from simsticky.stats.incidence import Waits
from simsticky.study import stored_json

if TYPE_CHECKING:
    from simsticky.results.result import Result

Value = float | int | None
Fact = str | Value

_WAIT_WIDTH = 4
# Integers up to here are exact as floats.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Replication:
    """What is kept of one replication: its numbers, not its frames.

    Attributes:
        summary: The flat summary of the result, by metric name; None where missing.
        digest: The result's digest.
        warnings: The result's warnings.
        operations: One flat record per operation of the timeline.
        waits: The times without a connection: rows of seconds, and how many came back, gave up and were without one
            when the run ended; empty where none was lost.
    """

    summary: dict[str, Value]
    digest: str
    warnings: tuple[str, ...]
    operations: tuple[dict[str, Fact], ...]
    waits: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, result: Result) -> Replication:
        """Return the numbers of a result as plain Python: small to send, and the same JSON everywhere."""
        return cls(
            {key: _plain_number(value) for key, value in result.summary.items()},
            result.digest,
            tuple(result.warnings),
            tuple(dict(row) for row in result.operation_rows),
            _rows_of(result.waits),
        )

    def to_json_dict(self) -> dict[str, Any]:
        """Return the replication as plain JSON types; :meth:`from_json_dict` reads it back without loss."""
        return {
            "summary": self.summary,
            "digest": self.digest,
            "warnings": list(self.warnings),
            "operations": list(self.operations),
            "waits": [list(row) for row in self.waits],
        }

    @classmethod
    def from_json_dict(cls, written: Mapping[str, Any]) -> Replication:
        """Return what :meth:`to_json_dict` wrote.

        Raises:
            ValueError: It is something else.
        """
        written = stored_json.mapping(written, "a replication")
        if missing := [key for key in ("summary", "digest", "warnings", "operations") if key not in written]:
            raise ValueError(f"a replication has no {missing[0]}")
        summary = stored_json.mapping(written["summary"], "summary")
        return cls(
            {key: stored_json.number(value, f"summary.{key}") for key, value in summary.items()},
            stored_json.text(written["digest"], "digest"),
            stored_json.texts(written["warnings"], "warnings"),
            tuple(_facts(row) for row in stored_json.sequence(written["operations"], "operations")),
            tuple(_wait(row) for row in stored_json.sequence(written.get("waits", ()), "waits")),
        )


def _rows_of(waits: Waits | None) -> tuple[tuple[float, ...], ...]:
    if waits is None:
        return ()
    columns = (waits.seconds, waits.events, waits.competing, waits.open)
    return tuple(zip(*(column.tolist() for column in columns), strict=True))


def _facts(row: Any) -> dict[str, Fact]:
    facts = stored_json.mapping(row, "an operation")
    return {
        key: value if isinstance(value, str | bool) else stored_json.number(value, f"operations.{key}")
        for key, value in facts.items()
    }


def _wait(row: Any) -> tuple[float, ...]:
    numbers = tuple(stored_json.number(value, "waits") for value in stored_json.sequence(row, "waits"))
    if len(numbers) != _WAIT_WIDTH or any(value is None for value in numbers):
        raise ValueError(f"a row of waits has {_WAIT_WIDTH} numbers")
    return tuple(float(value or 0.0) for value in numbers)


class Replications(Sequence[Replication]):
    """Replications in order, stored by column.

    Each takes 8 bytes for every number that is not the same in all, and its digest: what is told about a study at its
    end (``Study.values``, ``Study.digests``), and nothing else.

    Args:
        replications: The first ones.
    """

    __slots__ = ("_digests", "_operations", "_summary", "_waits", "_warnings")

    def __init__(self, replications: Iterable[Replication] = ()) -> None:
        self._summary = _Table()
        self._operations: list[_Table] = []
        self._waits: dict[int, tuple[tuple[float, ...], ...]] = {}
        self._digests = _Texts()
        self._warnings: dict[int, tuple[str, ...]] = {}
        for replication in replications:
            self.append(replication)

    def append(self, replication: Replication) -> None:
        """Add a replication at the end."""
        index = len(self)
        self._summary.put(index, replication.summary)
        for place, record in enumerate(replication.operations):
            if place == len(self._operations):
                self._operations.append(_Table())
            self._operations[place].put(index, record)
        if replication.waits:
            self._waits[index] = replication.waits
        if replication.warnings:
            self._warnings[index] = replication.warnings
        self._digests.append(replication.digest)

    def extend(self, replications: Iterable[Replication]) -> None:
        """Add replications at the end, in order."""
        for replication in replications:
            self.append(replication)

    def column(self, key: str) -> list[Value]:
        """Return one number of every summary, in order; None where it is missing."""
        column = self._summary.columns.get(key)
        if column is None:
            return [None] * len(self)
        values = [column.get(index) for index in range(len(self))]
        return [None if isinstance(value, _Absent | str) else value for value in values]

    @property
    def waits(self) -> list[Waits]:
        """The times without a connection of each replication that has some, in order."""
        return [Waits(*(np.array(column) for column in zip(*rows, strict=True))) for rows in self._waits.values()]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the summaries, in the order of their first appearance."""
        return tuple(self._summary.columns)

    @property
    def digests(self) -> list[str]:
        """The digest of each replication, in order."""
        return list(self._digests)

    @property
    def warnings(self) -> Iterator[tuple[str, ...]]:
        """The warnings of each replication that has some, in order."""
        yield from self._warnings.values()

    @overload
    def __getitem__(self, index: int) -> Replication: ...
    @overload
    def __getitem__(self, index: slice) -> Replications: ...
    def __getitem__(self, index: int | slice) -> Replication | Replications:
        if isinstance(index, slice):
            return Replications(self[at] for at in range(*index.indices(len(self))))
        at = range(len(self))[index]
        operations = [row for table in self._operations if (row := table.row(at)) is not None]
        summary = {key: value for key, value in (self._summary.row(at) or {}).items() if not isinstance(value, str)}
        warnings, waits = self._warnings.get(at, ()), self._waits.get(at, ())
        return Replication(summary, self._digests[at], warnings, tuple(operations), waits)

    def __len__(self) -> int:
        return len(self._digests)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Replications) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # grows by append


class _Texts(Sequence[str]):
    """Short texts, one after the other in one block: as objects of their own each would take 57 bytes more."""

    __slots__ = ("_ends", "_letters")

    def __init__(self) -> None:
        self._letters = bytearray()
        self._ends = array("q", [0])

    def append(self, text: str) -> None:
        self._letters += text.encode()
        self._ends.append(len(self._letters))

    def __getitem__(self, index: Any) -> Any:
        return self._letters[self._ends[index] : self._ends[index + 1]].decode()

    def __len__(self) -> int:
        return len(self._ends) - 1


class _Absent:
    """Marks a key that a row does not have."""


_ABSENT = _Absent()


class _Table:
    """Flat records with nearly the same keys."""

    __slots__ = ("columns", "rows")

    def __init__(self) -> None:
        self.columns: dict[str, _Column] = {}
        self.rows: _Column = _Column()

    def put(self, index: int, record: Mapping[str, Fact]) -> None:
        self.rows.put(index, 1)
        for key, value in record.items():
            column = self.columns.get(key)
            if column is None:
                column = self.columns[key] = _Column()
            column.put(index, value)

    def row(self, index: int) -> dict[str, Fact] | None:
        if self.rows.get(index) is _ABSENT:
            return None
        found = {key: column.get(index) for key, column in self.columns.items()}
        return {key: value for key, value in found.items() if not isinstance(value, _Absent)}


class _Column:
    """One value a row, of one kind as long as that lasts: nothing but a constant, then floats, then anything."""

    __slots__ = ("_integers", "_same", "_size", "_values")

    def __init__(self) -> None:
        self._size = 0
        self._same: Fact | _Absent = _ABSENT
        self._values: array[float] | list[Fact | _Absent] | None = None
        self._integers = True

    def put(self, index: int, value: Fact) -> None:
        while self._size < index:
            self._add(_ABSENT)
        self._add(value)

    def get(self, index: int) -> Fact | _Absent:
        if index >= self._size:
            return _ABSENT
        if self._values is None:
            return self._same
        value = self._values[index]
        if isinstance(self._values, list) or not isinstance(value, float):
            return value
        if math.isnan(value):
            return None
        return int(value) if self._integers else value

    def _add(self, value: Fact | _Absent) -> None:
        if self._values is None:
            if self._size == 0 or (type(value) is type(self._same) and value == self._same):
                self._same = value
                self._size += 1
                return
            self._unfold(value)
        if isinstance(self._values, array) and not self._fits(value):
            self._values = [self.get(index) for index in range(self._size)]
        if isinstance(self._values, array):
            self._values.append(math.nan if value is None else value)  # type: ignore[arg-type]
        elif self._values is not None:
            self._values.append(value)
        self._size += 1

    def _unfold(self, value: Fact | _Absent) -> None:
        """Write the constant out: there is a second value."""
        both = [part for part in (self._same, value) if part is not None]
        kinds = {type(part) for part in both}
        if kinds in ({int}, {float}):
            self._integers = kinds == {int}
            if self._fits(self._same):
                fill = math.nan if self._same is None else float(self._same)  # type: ignore[arg-type]
                self._values = array("d", [fill]) * self._size
                return
        self._values = [self._same] * self._size

    def _fits(self, value: Fact | _Absent) -> bool:
        """Whether a value can be told from the others once it is a float beside them."""
        if value is None:
            return True
        if self._integers:
            return type(value) is int and abs(value) <= _EXACT
        return type(value) is float and not math.isnan(value)


def _plain_number(value: Any) -> Value:
    if value is None:
        return None
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, int):
        return int(value)
    return None if math.isnan(value) else float(value)
