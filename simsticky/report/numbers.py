"""Numbers for people: ``98.7 % [98.1, 99.2]``, ``1m12s``, ``1 203``.

Thousands, and a number and its unit, are held together by a narrow no-break space, so nothing breaks inside
a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simsticky.stats.intervals import Interval
from simsticky.units import THIN as THIN
from simsticky.units import thousands

MISSING = "–"


@dataclass(frozen=True, slots=True)
class Shown:
    """An estimate as text: ``value`` and, where there is one, ``interval`` in its brackets."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.interval}".rstrip()


def show(interval: Interval, unit: str, *, signed: bool = False) -> Shown:
    """Return an estimate as text, as precisely as its interval allows.

    Args:
        interval: The estimate.
        unit: ``share`` (shown in percent), ``points`` (a difference of shares), ``count``, ``ratio`` or ``seconds``.
        signed: Write a plus sign, for differences.
    """
    if interval.kind == "not reached" and interval.low is not None:
        return Shown(f"> {duration(math.floor(interval.low))}")
    if interval.estimate is None:
        return Shown(MISSING)
    if interval.kind == "upper bound" and interval.high is not None:
        return Shown(f"< {_bound(interval.high, unit, up=True)}")
    if interval.kind == "lower bound" and interval.low is not None:
        return Shown(f"> {_bound(interval.low, unit, up=False)}")
    if interval.low is None or interval.high is None:
        if interval.estimate == 0 and unit in ("share", "count") and not signed:
            return Shown("none seen")
        return Shown(_Scale.of(interval, unit, signed).with_unit(interval.estimate))
    scale = _Scale.of(interval, unit, signed)
    ends = f"[{scale.bare(interval.low)}, {scale.bare(interval.high)}]"
    return Shown(scale.with_unit(interval.estimate), ends)


def grouped(number: float | int | None, decimals: int = 0) -> str:
    """Return a number with its thousands set apart: 1203 -> ``1 203``; None -> ``–``."""
    if number is None:
        return MISSING
    return thousands(number, decimals)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 rollout``, ``30 rollouts``, ``3 pushes``, ``2 canaries``."""
    if number == 1:
        return f"{grouped(number)} {noun}"
    if noun.endswith(("s", "sh", "ch", "x")):
        return f"{grouped(number)} {noun}es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{grouped(number)} {noun[:-1]}ies"
    return f"{grouped(number)} {noun}s"


def duration(seconds: float) -> str:
    """Return a duration of a minute or more to the second: 72.4 -> ``1m12s``, 3725 -> ``1h02m05s``."""
    whole = round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    text = f"{hours}h{minutes:02d}m{left:02d}s" if hours else f"{minutes}m{left:02d}s"
    return f"−{text}" if seconds < 0 else text


def clock(seconds: float) -> str:
    """Return a time since an event as minutes and seconds: -30 -> ``−0:30``, 75 -> ``1:15``, 4000 -> ``1:06:40``."""
    whole = round(abs(seconds))
    minutes, left = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    text = f"{hours}:{minutes_left:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"
    return f"−{text}" if seconds < 0 and whole else text


@dataclass(frozen=True, slots=True)
class _Scale:
    """How one estimate and its ends are written alike."""

    factor: float
    suffix: str
    decimals: int
    signed: bool
    clock: bool = False

    @classmethod
    def of(cls, interval: Interval, unit: str, signed: bool) -> _Scale:
        numbers = [n for n in (interval.estimate, interval.low, interval.high) if n is not None]
        largest = max(abs(n) for n in numbers)
        if unit == "seconds" and largest >= 60:
            return cls(1, "", 0, signed, clock=True)
        factor, suffix = {
            "share": (100.0, f"{THIN}%"),
            "points": (100.0, f"{THIN}points"),
            "seconds": (1.0, f"{THIN}s") if largest >= 1 or largest == 0 else (1000.0, f"{THIN}ms"),
        }.get(unit, (1.0, ""))
        width = 0.0
        if interval.low is not None and interval.high is not None:
            width = (interval.high - interval.low) * factor
        return cls(factor, suffix, _decimals(numbers[0] * factor, width), signed)

    def bare(self, number: float) -> str:
        if self.clock:
            return f"+{duration(number)}" if self.signed and number > 0 else duration(number)
        text = grouped(number * self.factor, self.decimals)
        return f"+{text}" if self.signed and number > 0 else text

    def with_unit(self, number: float) -> str:
        return self.bare(number) + self.suffix


def _decimals(value: float, width: float) -> int:
    """Decimals that show the first one or two digits of an interval's width, and never a value as 0 that is
    not.
    """
    if width > 0:
        decimals = -math.floor(math.log10(width / 4))
    elif value == round(value):
        decimals = 0
    else:
        decimals = 2 - math.floor(math.log10(abs(value)))
    decimals = min(max(decimals, 0), 6)
    while value != 0 and round(value, decimals) == 0 and decimals < 9:
        decimals += 1
    return decimals


def _bound(value: float, unit: str, *, up: bool) -> str:
    """A one-sided bound, rounded to the safe side: the true bound is inside the printed one."""
    factor, suffix = (100.0, f"{THIN}%") if unit == "share" else (1.0, "")
    scaled = value * factor
    # Two digits of the distance to the end of the scale: 0.0083 % and 99.9917 % are equally sharp.
    distance = scaled if up else factor - scaled
    decimals = min(max(1 - math.floor(math.log10(distance)), 0), 9) if distance > 0 else 0
    step: float = 10.0**decimals
    rounded = math.ceil(scaled * step - 1e-9) / step if up else math.floor(scaled * step + 1e-9) / step
    return grouped(rounded, decimals) + suffix


def capital(text: str) -> str:
    """Return a text that begins a sentence."""
    return text[:1].upper() + text[1:]
