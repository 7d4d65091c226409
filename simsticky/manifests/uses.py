"""What each field of a manifest does here: the one register, from which ``docs/manifests.md`` is written.

A row covers its field and all below it, unless a row for something below says otherwise. A field of the API that no
row covers is listed as not used. ``tests/unit/test_manifest_uses.py`` holds the reader to the rows: whatever it
reads, says or refuses has a row, and every row is seen to happen.
"""

from enum import StrEnum
from typing import NamedTuple

Keys = tuple[str | int, ...]


class Use(StrEnum):
    """What becomes of a field."""

    READ = "read"
    SAID = "not read, and said so"
    REFUSED = "refused"
    LISTED = "not used"


class FieldUse(NamedTuple):
    """One row of the register.

    Attributes:
        path: Path of the field: ``spec.template.spec.containers[].image``; ``[]`` is any item of a list, and a key
            with dots stands in brackets: ``metadata.annotations[konghq.com/retries]``.
        use: What becomes of it.
        text: What it does, or why it is not used.
    """

    path: str
    use: Use
    text: str


def read(path: str, text: str) -> FieldUse:
    """Return the row of a field that the simulation takes."""
    return FieldUse(path, Use.READ, text)


def said(path: str, text: str) -> FieldUse:
    """Return the row of a field that may move the answer, is not read, and is named in the normal output."""
    return FieldUse(path, Use.SAID, text)


def refused(path: str, text: str) -> FieldUse:
    """Return the row of a field, or of some values of it, that would change the answer and ends in an error."""
    return FieldUse(path, Use.REFUSED, text)


def listed(path: str, text: str) -> FieldUse:
    """Return the row of a field that has no effect here, with the reason; ``--verbose`` lists it."""
    return FieldUse(path, Use.LISTED, text)


def pattern(keys: Keys) -> str:
    """Return a path as rows write it: without the numbers of items, keys with dots or slashes in brackets."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += "[]"
        elif "." in key or "/" in key or "-" in key:
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text


def covering(rows: tuple[FieldUse, ...], path: str) -> list[FieldUse]:
    """Return the rows of the nearest path at or above one; of one path there may be several."""
    above = [row for row in rows if _is_at_or_above(row.path, path)]
    nearest = max((len(row.path) for row in above), default=0)
    return [row for row in above if len(row.path) == nearest]


def _is_at_or_above(above: str, path: str) -> bool:
    return not above or path == above or (path.startswith(above) and path[len(above)] in ".[")
