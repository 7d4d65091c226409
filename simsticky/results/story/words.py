"""Words and numbers of the story's sentences."""

from collections import Counter
from typing import Any

from simsticky.units import format_duration

_NAMED_SESSIONS = 3
"""Broken sessions that a line names; the others are counted."""


def short_names(names: list[str]) -> dict[str, str]:
    """Return the shortest ends of names, cut at a hyphen, that still tell all of them apart.

    Ends that are nothing but numbers, as of a StatefulSet's pods, keep one part more: ``app-2``.
    """
    for parts in range(1, 1 + max((name.count("-") for name in names), default=0)):
        short = ["-".join(name.split("-")[-parts:]) for name in names]
        if len(set(short)) == len(set(names)) and any(end.strip("0123456789.") for end in short):
            return dict(zip(names, short, strict=True))
    return {name: name for name in names}


def last_part(name: str) -> str:
    """Return what follows the last hyphen."""
    return name.rpartition("-")[2]


def noun(number: int, one: str) -> str:
    """Return a noun in singular or plural."""
    return one if number == 1 else f"{one}s"


def counted(number: int, one: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun(number, one)}"


def rounded(duration_s: float) -> str:
    """Return a duration as people say it."""
    return format_duration(round(duration_s, 1 if duration_s >= 1.0 else 3))


def tally(kinds: Counter[Any]) -> str:
    """Return how often each kind of an enumeration occurs, the most frequent first."""
    return ", ".join(f"{number} {kind.name.lower()}" for kind, number in kinds.most_common())


def some(sessions: list[int]) -> str:
    """Name the first sessions and count the rest."""
    named = ", ".join(str(number) for number in sessions[:_NAMED_SESSIONS])
    more = len(sessions) - _NAMED_SESSIONS
    return f"{noun(len(sessions), 'session')} {named}" + (f" and {more} more" if more > 0 else "")
