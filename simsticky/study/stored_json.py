"""JSON that was stored and comes back: from a disk that may have failed, or a hand that has edited it.

What is read is held against what was written: kinds, sizes and finite numbers. Whatever does not fit is told with the
name of the file, and never becomes a figure.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simsticky.errors import InputError
from simsticky.files import read_bytes, shown_path
from simsticky.units import quoted

MOST_BYTES = 2 * 2**30


def read_json(path: Path, *, most: int = MOST_BYTES) -> Any:
    """Return what a JSON file holds.

    Raises:
        InputError: It is no regular file of at most ``most`` bytes, or no JSON.
    """
    name = shown_path(path)
    raw = read_bytes(path, name, most=most)
    try:
        return parse(raw)
    except ValueError as error:
        raise InputError.of(f"is no JSON: {error}" if raw.strip() else "is empty", file=name) from error


def parse(raw: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: It is none, is nested too deeply, or holds a number that is not finite.
    """
    try:
        return json.loads(raw.decode(), parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return a mapping, or raise a ValueError that names what is none."""
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no mapping but {quoted(value)}")
    return value


def sequence(value: Any, what: str) -> Sequence[Any]:
    """Return a list, or raise a ValueError that names what is none."""
    if not isinstance(value, list):
        raise ValueError(f"{what} is no list but {quoted(value)}")
    return value


def text(value: Any, what: str) -> str:
    """Return a text, or raise a ValueError that names what is none."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is no text but {quoted(value)}")
    return value


def texts(value: Any, what: str) -> tuple[str, ...]:
    """Return a list of texts, or raise a ValueError that names what is none."""
    return tuple(text(one, what) for one in sequence(value, what))


def text_by_name(value: Any, what: str) -> dict[str, str]:
    """Return a mapping to texts, or raise a ValueError that names what is none."""
    return {key: text(one, f"{what}.{key}") for key, one in mapping(value, what).items()}


def whole(value: Any, what: str, least: int = 0, most: int = 2**64) -> int:
    """Return a whole number, or raise a ValueError that names what is none or out of bounds."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{what} is no whole number from {least} on but {quoted(value)}")
    return value


def number(value: Any, what: str) -> float | int | None:
    """Return a finite number or None, or raise a ValueError that names what is neither."""
    if value is None or (type(value) in (int, float) and math.isfinite(value)):
        known: float | int | None = value
        return known
    raise ValueError(f"{what} is no number but {quoted(value)}")


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:60]} is too large")
    return value
