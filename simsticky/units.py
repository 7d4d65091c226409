"""Durations, rates, percentages and Kubernetes' int-or-percent, as people write them.

Durations follow Go's ``time.ParseDuration`` (what Kubernetes and Kong print), with one addition: a bare
number is a number of seconds. All functions raise :class:`ValueError` with a sentence for the person to read.
"""

import math
import re

# Go keeps a duration in 64-bit nanoseconds; nothing longer can be written there either.
_LONGEST_S = (2**63 - 1) / 1e9

_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"([+-]?)((?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_BARE = re.compile(rf"[+-]?{_NUMBER}(?:[eE][+-]?\d+)?", re.ASCII)
_RATE = re.compile(rf"({_NUMBER}(?:[eE][+-]?\d+)?)\s*(?:/\s*({_NUMBER})?\s*([a-zµμ]+))?", re.ASCII)
_RATE_UNIT_S = _UNIT_S | {"sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "hour": 3600.0}
_RATE_UNIT_S |= {"d": 86400.0, "day": 86400.0}
_PERCENTAGE = re.compile(rf"([+-]?{_NUMBER})\s*%", re.ASCII)
_INT_PERCENTAGE = re.compile(r"[+-]?\d+%", re.ASCII)


# More digits than any number here has; beyond, Python itself refuses to read or print them.
_MOST_DIGITS = 400


THIN = "\u202f"
"""A narrow no-break space: between thousands, and between a number and its unit."""


def thousands(number: float, decimals: int = 0) -> str:
    """Return a number with its thousands set apart: 1203 -> ``1 203``."""
    return f"{number:,.{decimals}f}".replace(",", THIN).replace("-", "−")


def quoted(value: object) -> str:
    """Return a value as a message shows it: in quotes if it is text, and cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python prints
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def parse_number(text: str) -> float:
    """Return the number that a text of ASCII digits states: ``"4"``, ``"0.5"``, ``"1e3"``.

    Raises:
        ValueError: It states none (``float`` alone would take ``"1_000"``, digits of other scripts and ``"nan"``), or
            one that is not finite.
    """
    match = _BARE.fullmatch(text.strip()) if isinstance(text, str) else None
    number = float(match[0]) if match else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{quoted(text)} is {'too large' if match else 'not a number'}")
    return number


def is_too_long(text: str) -> bool:
    """Return whether a text has more digits than a number can have here."""
    return sum(map(str.isdigit, text)) > _MOST_DIGITS


def parse_duration(value: str | int | float, *, allow_negative: bool = False) -> float:
    """Return a duration in seconds.

    Args:
        value: Go duration text (``"1h30m"``, ``"1.5s"``, ``"250ms"``, ``"0"``) or a number of seconds.
        allow_negative: Whether a value below zero is accepted.

    Returns:
        Seconds, finite.

    Raises:
        ValueError: The text is no duration, or the value is negative, not finite or longer than Go can hold.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{quoted(value)} is not a duration; write for example 30s, 1m30s or 250ms")
    try:
        seconds = _text_to_seconds(value) if isinstance(value, str) else float(value)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise ValueError(f"a duration must be a finite number, got {quoted(value)}")
    if seconds < 0 and not allow_negative:
        raise ValueError(f"a duration must not be negative, got {quoted(value)}")
    if abs(seconds) > _LONGEST_S:
        raise ValueError(f"{quoted(value)} is out of range, the longest duration is about 2562047h")
    return seconds


def _text_to_seconds(value: str) -> float:
    text = value.strip()
    if _BARE.fullmatch(text):
        return float(text)
    match = _DURATION.fullmatch(text)
    if match is None:
        why = "has no unit we know; the units are h, m, s, ms, us, ns" if _looks_like(text) else "is not a duration"
        raise ValueError(f"{quoted(value)} {why}; write for example 30s, 1m30s or 250ms")
    # fsum: the sum does not depend on how the parts are split (1m30s is 90s to the last bit).
    seconds = math.fsum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(match[2]))
    return -seconds if match[1] == "-" else seconds


def _looks_like(text: str) -> bool:
    return re.fullmatch(rf"[+-]?{_NUMBER}\s*[A-Za-z]+", text, re.ASCII) is not None


def format_duration(seconds: float) -> str:
    """Return a duration as Go-like text: 90 -> ``1m30s``, 0.25 -> ``250ms``, 3600 -> ``1h``.

    Unlike Go, parts that are zero are left out. The text is exact to the nanosecond and is read back by
    :func:`parse_duration`; infinities and NaN give ``inf``, ``-inf`` and ``nan``.
    """
    if not math.isfinite(seconds):
        return str(seconds)
    nanoseconds = round(abs(seconds) * 1e9)
    sign = "-" if seconds < 0 and nanoseconds else ""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 1_000_000_000:
        for size, unit in ((1_000_000, "ms"), (1_000, "µs"), (1, "ns")):
            if nanoseconds >= size:
                return f"{sign}{_trim(nanoseconds, size)}{unit}"
    hours, rest = divmod(nanoseconds, 3600 * 10**9)
    minutes, rest = divmod(rest, 60 * 10**9)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    parts.append(f"{_trim(rest, 10**9)}s" if rest else "")
    return sign + "".join(parts)


def rough_duration(seconds: float) -> str:
    """Return a time that is about this long in the words of a person who guesses: ``20 min``, ``3 h``, ``5 days``."""
    for unit, size, limit in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48), ("days", 86400, 700)):
        if seconds / size < limit:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds / (365.25 * 86400):.2g}'):g} years"


def _trim(amount: int, size: int) -> str:
    whole, rest = divmod(amount, size)
    digits = len(str(size)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".") if rest else str(whole)


def parse_rate(value: str | int | float) -> float:
    """Return a rate per second from ``"4/s"``, ``"120/min"``, ``"10/h"`` or a bare number (per second).

    Raises:
        ValueError: The text is no rate, or the rate is negative or not finite.
    """
    example = "write for example 4/s, 120/min or 10/h"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{quoted(value)} is not a rate; {example}")
    if isinstance(value, str):
        match = _RATE.fullmatch(value.strip())
        if match is None:
            negative = value.strip().startswith("-") and _RATE.fullmatch(value.strip()[1:])
            raise ValueError(
                f"a rate must not be negative, got {quoted(value)}"
                if negative
                else f"{quoted(value)} is not a rate; {example}"
            )
        amount, every, unit = match.groups()
        if unit is not None and unit not in _RATE_UNIT_S:
            raise ValueError(f"{quoted(value)}: no unit {unit!r} for a rate; {example}")
        per_s = float(every or 1) * (_RATE_UNIT_S[unit] if unit else 1.0)
        if per_s == 0:
            raise ValueError(f"{quoted(value)} divides by zero; {example}")
        rate = float(amount) / per_s
    else:
        try:
            rate = float(value)
        except OverflowError:
            rate = math.inf
    if not math.isfinite(rate):
        raise ValueError(f"a rate must be a finite number, got {quoted(value)}")
    if rate < 0:
        raise ValueError(f"a rate must not be negative, got {quoted(value)}")
    return rate


def format_rate(per_second: float) -> str:
    """Return a rate in the largest unit that keeps it short: 4 -> ``4/s``, 1/3 -> ``20/min``."""
    if per_second == 0 or not math.isfinite(per_second):
        return f"{per_second:g}/s"
    for unit, unit_s in (("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86400.0)):
        amount = per_second * unit_s
        if amount >= 1 and math.isclose(amount, float(f"{amount:.6g}"), rel_tol=1e-12):
            return f"{amount:.6g}/{unit}"
    return f"{per_second!r}/s"


def parse_percentage(text: str) -> float:
    """Return the share that a percentage states: ``"1%"`` -> 0.01.

    Raises:
        ValueError: The text is not a number followed by ``%``.
    """
    match = _PERCENTAGE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{quoted(text)} is not a percentage; write for example 1%")
    share = float(match[1]) / 100
    if not math.isfinite(share):
        raise ValueError(f"a percentage must be a finite number, got {quoted(text)}")
    return share


def scaled_int_or_percent(value: int | str, total: int, *, round_up: bool) -> int:
    """Return an int-or-percent value (``3`` or ``"25%"``) as a number of ``total``.

    Integers are taken as they are, also beyond ``total``; a percentage is scaled and rounded up or down.
    Source: k8s.io/apimachinery, util/intstr: GetScaledValueFromIntOrPercent.

    Args:
        value: An integer, or a string of an integer followed by ``%``.
        total: What 100 % is.
        round_up: Round a fraction up (Kubernetes: maxSurge) or down (maxUnavailable).

    Raises:
        ValueError: Any other type or text, for example ``"3"`` or ``"1.5%"``.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or _INT_PERCENTAGE.fullmatch(value) is None:
        raise ValueError(f"{quoted(value)} is neither an integer nor a percentage such as 25%")
    if is_too_long(value):
        raise ValueError(f"{quoted(value)} is too large")
    # Integer arithmetic: exact where a float of value * total / 100 could fall just beside a whole number.
    scaled = int(value[:-1]) * total
    return -(-scaled // 100) if round_up else scaled // 100
