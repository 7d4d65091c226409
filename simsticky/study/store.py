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
_SUMMARY = 0
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

    __slots__ = ("_columns", "_digests", "_waits", "_warnings")

    def __init__(self, replications: Iterable[Replication] = ()) -> None:
        self._columns: dict[tuple[int, str], _Column] = {}  # of the summary below 0, of operations from 1 on
        self._waits: dict[int, tuple[tuple[float, ...], ...]] = {}
        self._digests = _Texts()
        self._warnings: dict[int, tuple[str, ...]] = {}
        self.extend(replications)

    def append(self, replication: Replication) -> None:
        """Add a replication at the end."""
        index = len(self)
        records: Sequence[Mapping[str, Fact]] = (replication.summary, *replication.operations)
        row = {(place, key): value for place, record in enumerate(records) for key, value in record.items()}
        for key in row:
            if key not in self._columns:
                self._columns[key] = _Column(index)
        for key, column in self._columns.items():
            column.append(row.get(key, _ABSENT))
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
        column = self._columns.get((_SUMMARY, key))
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
        return tuple(key for place, key in self._columns if place == _SUMMARY)

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
        records: dict[int, dict[str, Fact]] = {_SUMMARY: {}}
        for (place, key), column in self._columns.items():
            value = column.get(at)
            if not isinstance(value, _Absent):
                records.setdefault(place, {})[key] = value
        summary = {key: value for key, value in records.pop(_SUMMARY).items() if not isinstance(value, str)}
        operations = tuple(records[place] for place in sorted(records))
        return Replication(summary, self._digests[at], self._warnings.get(at, ()), operations, self._waits.get(at, ()))

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
    """What stands in a column where a row does not have its key."""


_ABSENT = _Absent()


class _Column:
    """A value a row: as long as all are equal nothing but that one, then a float for each.

    A float is the number itself, NaN for None, or NaN with a minus for a key that the row does not have. Numbers are
    all integers or none is, as the first one was; what is neither that nor missing is kept beside them.

    Args:
        size: Rows that there were before the column's key.
    """

    __slots__ = ("_floats", "_kind", "_others", "_same", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._same: Fact | _Absent = _ABSENT
        self._floats: array[float] | None = None
        self._kind: type | None = None
        self._others: dict[int, Fact] = {}

    def append(self, value: Fact | _Absent) -> None:
        if self._size == 0:
            self._same = value
        elif self._floats is None and (type(value) is not type(self._same) or value != self._same):
            self._floats = array("d")
            for _ in range(self._size):
                self._floats.append(self._as_float(self._same))
        if self._floats is not None:
            self._floats.append(self._as_float(value))
        self._size += 1

    def get(self, index: int) -> Fact | _Absent:
        if self._floats is None:
            return self._same
        if index in self._others:
            return self._others[index]
        number = self._floats[index]
        if math.isnan(number):
            return None if math.copysign(1.0, number) > 0 else _ABSENT
        return int(number) if self._kind is int else number

    def _as_float(self, value: Fact | _Absent) -> float:
        """Return what stands for a value that is appended to the floats; what cannot goes beside them."""
        if value is None or isinstance(value, _Absent):
            return math.nan if value is None else -math.nan
        if self._kind is None and type(value) in (int, float):
            self._kind = type(value)
        if isinstance(value, int | float) and type(value) is self._kind and _is_told(value):
            return float(value)
        assert self._floats is not None
        self._others[len(self._floats)] = value
        return 0.0


def _is_told(number: float) -> bool:
    """Whether a number can be told from all others, and from what is missing, once it is a float."""
    return abs(number) <= _EXACT if isinstance(number, int) else not math.isnan(number)


def _plain_number(value: Any) -> Value:
    if value is None:
        return None
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, int):
        return int(value)
    return None if math.isnan(value) else float(value)
