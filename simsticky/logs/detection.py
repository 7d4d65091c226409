"""Which format a log has: the one that most of its first lines are of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from simsticky.errors import InputError, visible
from simsticky.logs.chatter import is_chatter
from simsticky.logs.envelopes import Envelopes
from simsticky.logs.formats import BY_NAME, FORMATS
from simsticky.logs.lines import reader_of
from simsticky.logs.record import NOT_A_REQUEST, Format, Record

_LOOKED_AT = 400
_LEAST_SHARE = 0.2
"""Of the first lines must be requests; less is another kind of file."""


@dataclass(frozen=True)
class Detected:
    """What the first lines of a source are.

    Attributes:
        form: The format.
        bare: Whether most of them have no envelope.
    """

    form: Format
    bare: bool


def format_named(name: str) -> Format:
    """Return a format by its name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in BY_NAME:
        raise InputError.of(f"no format is called {name!r}", path="--format", hint=f"one of {', '.join(BY_NAME)}")
    return BY_NAME[name]


def detect(lines: Sequence[bytes], name: str, only: Format | None = None) -> Detected | None:
    """Return what a source's first lines are; None if all are blank.

    Args:
        lines: The first lines.
        name: Of the source, for errors.
        only: The one format that it may have, if somebody said so.

    Raises:
        InputError: They are of no format, or not of the one that it should be.
    """
    full = [line for line in lines if line.strip()][:_LOOKED_AT]
    if not full:
        return None
    envelopes = Envelopes()
    # One line may carry a hundred thousand requests.
    carried = chain.from_iterable(envelopes.bare(line) for line in full)
    values = [value for value, _ in islice(carried, _LOOKED_AT)]
    asked = [value for value in values if isinstance(value, dict) or not is_chatter(value)]
    hits = {form.name: sum(record_of(form, value) is not None for value in asked) for form in only_or_all(only)}
    best = max(hits, key=lambda each: hits[each])
    if not asked or hits[best] < max(_LEAST_SHARE * len(asked), 1):
        raise _unknown(full, name, only)
    form = BY_NAME[best]
    return Detected(form, sum(_is_bare(reader_of(form), line) for line in full) * 2 > hits[best])


def only_or_all(only: Format | None) -> Iterable[Format]:
    """Return the formats that a log may have."""
    return FORMATS if only is None else (only,)


def record_of(form: Format, value: dict[str, object] | bytes) -> Record | None:
    """Return the record of what a line carries; None if it is none of this format's."""
    try:
        if isinstance(value, dict):
            return form.of_object(value) if form.of_object else None
        return form.of_text(value.decode("utf-8", "replace")) if form.of_text else None
    except NOT_A_REQUEST:
        return None


def _is_bare(read: Callable[[bytes], Record], line: bytes) -> bool:
    try:
        read(line)
    except NOT_A_REQUEST:
        return False
    return True


def _unknown(lines: Sequence[bytes], name: str, only: Format | None) -> InputError:
    text = visible(lines[0][:200].decode("utf-8", "replace").strip())
    shown = f"its first line is {text if len(text) <= 80 else text[:80] + '...'}"
    if only is not None:
        return InputError.of(f"is not {only.title}: {shown}", file=name, hint="without --format it is looked for")
    known = ", ".join(each.name for each in FORMATS)
    return InputError.of(f"is no access log that simsticky knows: {shown}", file=name, hint=f"formats: {known}")
