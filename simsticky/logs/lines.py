"""From lines to records: one source at a time, what is damaged counted and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

from simsticky.errors import visible
from simsticky.logs.chatter import is_chatter
from simsticky.logs.envelopes import Envelopes
from simsticky.logs.formats.envoy import SidecarLineError
from simsticky.logs.json_lines import loads
from simsticky.logs.mending import Mender
from simsticky.logs.record import NOT_A_REQUEST, Format, Record

_SHOWN = 5
_SHOWN_LETTERS = 120

Add = Callable[[Record, str], None]
"""Takes a record and the name of its gateway; raises ValueError or TypeError on values that no field has."""


@dataclass
class Damage:
    """Lines that are neither requests nor what else such a log holds.

    Attributes:
        count: How many.
        first: The first of them, number and text, the file's name before it.
    """

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def note(self, name: str, number: int, line: bytes) -> None:
        """Count a line."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append((number, _shown(name, line)))

    def forget(self, name: str, number: int) -> None:
        """Count a line no more: it was broken, and its rest has come."""
        self.count -= 1
        self.first = [
            (each, text) for each, text in self.first if each != number or not text.startswith(f"{visible(name)}: ")
        ]


def _shown(name: str, line: bytes) -> str:
    text = line[: 4 * _SHOWN_LETTERS].decode("utf-8", "replace").strip()
    return visible(f"{name}: {text if len(text) <= _SHOWN_LETTERS else text[:_SHOWN_LETTERS] + '...'}")


@dataclass
class Counts:
    """What has been read of all sources so far.

    Attributes:
        lines: Lines, blank ones left out.
        requests: Records that were taken.
        others: Lines that are neither requests nor damage.
        sidecars: Those of them that a sidecar wrote.
        mended: Lines that had been written into each other, and were taken apart.
    """

    lines: int = 0
    requests: int = 0
    others: int = 0
    sidecars: int = 0
    mended: int = 0
    damage: Damage = field(default_factory=Damage)


def reader_of(form: Format) -> Callable[[bytes], Record]:
    """Return what makes a record of a line without an envelope; it raises :data:`NOT_A_REQUEST` on anything else."""
    of_object, of_text = form.of_object, form.of_text
    if of_object is not None:
        return lambda line: of_object(loads(line))
    assert of_text is not None
    return lambda line: of_text(line.decode("utf-8", "replace"))


class LineReader:
    """Reads the lines of one source."""

    def __init__(self, form: Format, name: str, gateway: str, counts: Counts, add: Add) -> None:
        """Read a format's lines.

        Args:
            form: The format.
            name: Of the source.
            gateway: Whose lines these are, where they do not say.
            counts: What is counted, over all sources.
            add: Takes the records.
        """
        self._form, self._name, self._gateway, self._counts, self._add = form, name, gateway, counts, add
        self._read = reader_of(form)
        self._envelopes = Envelopes()
        self._mender = Mender()
        self._number = 0

    def read(self, lines: Iterable[bytes], *, bare: bool, known: Sequence[Record | None] = ()) -> None:
        """Take the requests of the next lines.

        Args:
            lines: Without their ends.
            bare: Whether most of them have no envelope: those are tried as they are first, which is faster.
            known: Records of the first of them, where they have been read before as they are.
        """
        add, read, gateway = self._add, self._read, self._gateway
        number, taken = self._number, 0
        for line, record in zip(lines, chain(known, repeat(None)), strict=False):
            number += 1
            if bare:
                try:
                    add(record or read(line), gateway)
                    taken += 1
                    continue
                except NOT_A_REQUEST:
                    pass
            if line and not line.isspace():
                self._counts.lines += 1
                self._carried(number, line)
        self._number = number
        self._counts.lines += taken
        self._counts.requests += taken

    def end(self) -> None:
        """Count what waits for more that will not come."""
        for _ in range(self._envelopes.waiting()):
            self._counts.damage.note(self._name, self._number, b"(the file ends within a line)")

    def _carried(self, number: int, line: bytes) -> None:
        """Take what a line carries: in an envelope, several requests, or no request at all."""
        for value, gateway in self._envelopes.bare(line):
            if isinstance(value, dict):
                self._object(number, line, value, gateway or self._gateway)
            elif not self._text(value, gateway or self._gateway):
                self._broken(number, value, gateway or self._gateway)

    def _object(self, number: int, line: bytes, value: dict[str, Any], gateway: str) -> None:
        try:
            if self._form.of_object is None:
                raise LookupError("a text format has no objects")
            self._add(self._form.of_object(value), gateway)
            self._counts.requests += 1
        except SidecarLineError:
            self._counts.others += 1
            self._counts.sidecars += 1
        except LookupError:
            self._counts.others += 1
        except NOT_A_REQUEST:
            self._counts.damage.note(self._name, number, line)

    def _text(self, line: bytes, gateway: str) -> bool:
        if self._form.of_text is None:
            return False
        try:
            self._add(self._form.of_text(line.decode("utf-8", "replace")), gateway)
        except NOT_A_REQUEST:
            return False
        self._counts.requests += 1
        return True

    def _broken(self, number: int, line: bytes, gateway: str) -> None:
        """Look into a line that is no request: two that were written into each other, something else, or damage."""
        if is_chatter(line):
            self._counts.others += 1
            return
        found, whole = self._mender.mend(number, line) if self._form.of_object else ([], None)
        for value in found:
            self._object(number, line, value, gateway)
        self._counts.mended += len(found)
        if whole is None:
            self._counts.damage.note(self._name, number, line)
        elif whole != number:
            self._counts.damage.forget(self._name, whole)
