"""Moments as logs write them, to seconds since 1970, UTC."""

from datetime import UTC, datetime
from functools import lru_cache

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_NANO, _MICRO, _MILLI = 1e17, 1e14, 1e11
"""From which size on a number since 1970 is one of nanoseconds, microseconds or milliseconds."""

EARLIEST_S, LATEST_S = 631152000.0, 4102444800.0
"""1990 and 2100: what lies outside is no moment of a log."""


def epoch_s(number: float) -> float:
    """Return seconds of a number since 1970, whether it counts seconds, milli-, micro- or nanoseconds.

    Raises:
        ValueError: It is no moment between 1990 and 2100 in any of them.
        TypeError: It is no number.
    """
    if number >= _MILLI:
        number /= 1e3 if number < _MICRO else 1e6 if number < _NANO else 1e9
    if not EARLIEST_S <= number < LATEST_S:
        raise ValueError("no moment between 1990 and 2100")
    return number + 0.0


def iso_s(text: str) -> float:
    """Return seconds of a moment by ISO 8601; without a zone it is taken for UTC.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def any_s(value: object) -> float:
    """Return seconds of a number, a text of one, or a text by ISO 8601.

    Raises:
        ValueError: It is none of them.
        TypeError: It is neither text nor number.
    """
    if isinstance(value, int | float):
        return epoch_s(value)
    if not isinstance(value, str):
        raise TypeError("a moment is a number or a text")
    try:
        number = float(value)
    except ValueError:
        return iso_s(value)
    return epoch_s(number)


@lru_cache(maxsize=4096)
def clf_s(text: str) -> float:
    """Return seconds of a moment of the common log format: ``06/Feb/2009:12:14:14 +0100``; kept, for lines share it.

    Raises:
        ValueError: It is none.
    """
    day, month, year = text[:2], text[3:6], text[7:11]
    if month not in _MONTHS:
        raise ValueError(f"no month {month!r}")
    zone = text[21:]
    return iso_s(f"{year}-{_MONTHS[month]:02}-{day}T{text[12:20]}{zone[:3]}:{zone[3:]}")


def haproxy_s(text: str) -> float:
    """Return seconds of HAProxy's ``06/Feb/2009:12:14:14.655``, which has no zone and is taken for UTC.

    Raises:
        ValueError: It is none.
    """
    return clf_s(f"{text[:20]} +0000") + float(f"0.{text[21:]}")
