"""``-o FORMAT[=FILE]``, several at once: what an answer is written as, and where to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from simsticky.errors import InputError

STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to write.

    Attributes:
        format: Its format.
        path: The file; None for standard output.
    """

    format: str
    path: Path | None


def wanted_outputs(written: Iterable[str], formats: Sequence[str], flag: str = "-o") -> tuple[Wanted, ...]:
    """Return what ``-o`` asks for, each ``FORMAT`` or ``FORMAT=FILE``; the first format where it asks for nothing.

    Args:
        written: The values as given.
        formats: The formats there are; the first is the default.
        flag: The option, for the message.

    Raises:
        InputError: There is no such format, a file has no name, two go to one file or to standard output.
    """
    found: list[Wanted] = []
    for value in written:
        name, equals, file = value.partition("=")
        if name not in formats:
            near = get_close_matches(name.lower(), formats, n=1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(formats)}"
            raise InputError.of(f"there is no format {name!r}", file=flag, hint=hint)
        if equals and not file:
            raise InputError.of(f"{value} names no file", file=flag, hint=f"{name}=FILE, or {name} alone")
        found.append(Wanted(name, None if file in ("", STANDARD_OUTPUT) else Path(file)))
    _refuse_twice(found, flag)
    return tuple(found) or (Wanted(formats[0], None),)


def _refuse_twice(wanted: Sequence[Wanted], flag: str) -> None:
    seen: dict[Path | None, str] = {}
    for one in wanted:
        place = None if one.path is None else one.path.absolute()
        if place in seen:
            where = "standard output" if place is None else str(one.path)
            hint = f"write one of them to a file: {flag} {one.format}=FILE" if place is None else "name another file"
            raise InputError.of(f"{seen[place]} and {one.format} both go to {where}", file=flag, hint=hint)
        seen[place] = one.format
