"""How far the simulation has come that runs in this process, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[float], None]
"""Takes the share of the simulated time that is over, from 0 to 1."""


class _Process:
    """Who watches this process."""

    told: Told | None = None


@contextmanager
def watched(told: Told) -> Iterator[None]:
    """Let somebody be told how far each simulation has come, from time to time while it runs."""
    before, _Process.told = _Process.told, told
    try:
        yield
    finally:
        _Process.told = before


def on_time(end_s: float) -> Callable[[float], None] | None:
    """Return what a simulation tells its time, in seconds; None where nobody watches.

    Args:
        end_s: When it will end, about, in seconds of simulated time.
    """
    told = _Process.told
    if told is None or not 0.0 < end_s < float("inf"):
        return None
    return lambda now_s: told(min(1.0, now_s / end_s))
